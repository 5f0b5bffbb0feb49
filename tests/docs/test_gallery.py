"""Every picture of the gallery is made by the command under it, here small and from small beamtimes."""

from __future__ import annotations

import importlib.util
import re

import numpy as np
import pytest
from PIL import Image

from docs.pages import ROOT, command, small_slow
from studies.kinetic_beamtime import write_kinetic_beamtime

PAGE = ROOT / "docs" / "gallery.md"
# Pixels of 70 nm leave too few that are fast throughout for a law of the fast domains.
SETTINGS = {"slow": "", "kinetics": "--set 'kinetics.law.region=uniform slow'"}


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_picture_has_its_command_and_is_small(gallery):
    named = re.findall(r"\(images/(gallery_[\w-]+)\.webp\)", PAGE.read_text(encoding="utf-8"))
    assert [f"gallery_{name}" for name, _ in gallery.pictures()] == named
    assert {path.stem for path in (ROOT / "docs" / "images").glob("gallery_*")} == set(named)
    for name in named:
        assert (ROOT / "docs" / "images" / f"{name}.webp").stat().st_size < 150_000


@pytest.mark.long
@pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
def test_the_gallery_is_made(gallery, tmp_path):
    demo, images = tmp_path / "demo", tmp_path / "images"
    images.mkdir()
    small_slow(demo / "slow")
    write_kinetic_beamtime(demo / "kinetics", scans=7, pixel=0.07)
    for name in ("slow", "kinetics"):
        command(f"run {demo / name / 'recipe.yaml'} --out {demo / name / 'results'} {SETTINGS[name]}")
    made = gallery.make(tmp_path, images, width=400)
    assert [path.stem for path in made] == [f"gallery_{name}" for name, _ in gallery.pictures()]
    for path in made:
        with Image.open(path) as picture:
            assert picture.width == 400
            assert np.asarray(picture.convert("L")).std() > 10, path.name  # of 255 levels: something is drawn
