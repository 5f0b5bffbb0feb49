"""What the pages on references, I0, masks, bad frames and long series tell is done, on a small beamtime of the demo."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from docs.pages import ROOT, blocks, command, follow, small_slow
from lithiscope.studies.recipe import Recipe

HOW_TO = ROOT / "docs" / "how-to"
PAGES = ("references", "incident_intensity", "masks", "bad_frames", "long_series")


@pytest.fixture(scope="module")
def slow(tmp_path_factory) -> Path:
    return small_slow(tmp_path_factory.mktemp("demo") / "slow")


@pytest.mark.slow
@pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
@pytest.mark.parametrize(
    "name", [one if one == "bad_frames" else pytest.param(one, marks=pytest.mark.long) for one in PAGES]
)
def test_the_page_can_be_followed(name, slow, tmp_path, monkeypatch):
    shutil.copytree(slow, tmp_path / "slow")
    monkeypatch.chdir(tmp_path / "slow")
    told = follow(HOW_TO / f"{name}.md")
    assert sum(command.startswith("run") for command, _ in told) >= 2
    text = "\n".join(shown for _, shown in told)
    # The warnings that the pages quote are those that are given.
    for quoted in QUOTED[name]:
        assert quoted in " ".join((HOW_TO / f"{name}.md").read_text(encoding="utf-8").split())
        assert quoted in text


QUOTED = {
    "references": (),
    "incident_intensity": ("I0 by percentile and by spectrum differ",),
    "masks": (),
    "long_series": (),
    "bad_frames": ("lines were scanned without beam and are missing", "could not be aligned", "frames are blank"),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
def test_the_first_tutorial_can_be_followed(slow, tmp_path, monkeypatch):
    shutil.copytree(slow, tmp_path / "slow")
    monkeypatch.chdir(tmp_path / "slow")
    mine = Path("my.yaml")
    made, *steps = blocks(ROOT / "docs" / "tutorials" / "stxm.md")
    assert made.text == "demo demo"  # what the fixture did, with smaller pictures
    sections = next(yaml.safe_load(step.text) for step in steps if step.kind == "yaml")
    assert set(sections) == {"data", "correct", "references"}
    for step in steps:
        if step.kind == "yaml":
            mine.write_text(yaml.safe_dump(yaml.safe_load(mine.read_text()) | sections))
        elif step.text.startswith("run"):
            shutil.copy("my-results/outlines.zip", "mine.zip") if "mine.zip" in step.text else None
            command(step.text)
        elif step.text.startswith(("look", "new", "check")):
            command(step.text)
    page = (ROOT / "docs" / "tutorials" / "stxm.md").read_text(encoding="utf-8")
    for name in ("page.html", "particles.csv", "lithium_fraction.tif", "outlines.zip", "study.zarr"):
        assert f"`{name}`" in page
        assert Path("my-results", name).exists()


@pytest.mark.parametrize("name", PAGES)
def test_the_recipe_lines_of_the_page_are_valid(name):
    base = {"data": {"series": [{"files": ["a.hdr"]}]}}
    for block in blocks(HOW_TO / f"{name}.md"):
        if block.kind == "yaml":
            Recipe.model_validate(base | yaml.safe_load(block.text))
