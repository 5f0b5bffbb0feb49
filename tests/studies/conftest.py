"""A small virtual beamtime on disk: four scans of three platelets, raw files and reference spectra."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lithiscope.instruments.stxm import MicroscopeOptions, three_platelets
from lithiscope.verification.virtual_stxm import make_experiment

STARTS = (1200.0, 3000.0, 4800.0, 6400.0)  # within the lithiation at 0.6C, which lasts from 600 to 6600 s


@pytest.fixture(scope="session")
def beamtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``raw`` of a beamtime, shared by all tests: copy it before changing it."""
    raw = tmp_path_factory.mktemp("beamtime") / "raw"
    microscope = MicroscopeOptions(pixel=0.07, probe_nodes=3, drift_velocity=(0.04, -0.03))
    make_experiment(raw, three_platelets("mixed"), STARTS, microscope=microscope, seed=3)
    return raw


@pytest.fixture
def study(tmp_path: Path, beamtime: Path) -> Callable[..., Path]:
    """Copy the beamtime and write a recipe beside it; keyword arguments replace whole sections of text."""

    def make(**sections: str) -> Path:
        shutil.copytree(beamtime, tmp_path / "raw")
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(recipe_text(beamtime, **sections), encoding="utf-8")
        return recipe

    return make


def recipe_text(raw: Path, **sections: str) -> str:
    """Return a recipe for the beamtime."""
    spectra = {path.stem: path.name for path in raw.glob("*.csv")}
    lithiated = next(name for stem, name in spectra.items() if stem.startswith("LiFe"))
    delithiated = next(name for stem, name in spectra.items() if stem.startswith("Fe"))
    parts = {
        "data": "{folder: raw, timezone: UTC, series: [{direction: lithiation, files: ['scan_*.hdr']}]}",
        "references": (
            f"{{spectra: {{LFP: {{file: {lithiated}, lithium_content: 1}}, "
            f"FP: {{file: {delithiated}, lithium_content: 0}}}}}}"
        ),
        "title": "a small beamtime",
    }
    return "\n".join(f"{name}: {text}" for name, text in (parts | sections).items()) + "\n"
