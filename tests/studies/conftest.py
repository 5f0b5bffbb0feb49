"""Small virtual beamtimes on disk: four scans of three platelets; eight scans and the trace of some that react."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.instruments.stxm import MicroscopeOptions, three_platelets
from lithiscope.learning import inference
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.run import run_study
from lithiscope.studies.runner import run_steps
from lithiscope.studies.steps import steps
from lithiscope.studies.store import Store
from lithiscope.verification.virtual_stxm import make_experiment
from studies.kinetic_beamtime import NO_CELL, NO_KINETICS, write_kinetic_beamtime
from studies.stand_ins import Fit

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


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A study whose images are done, and which has no trace yet: copy it before changing it."""
    recipe = write_kinetic_beamtime(tmp_path_factory.mktemp("reacting"))
    run_study(load_recipe(recipe, settings=[NO_CELL, NO_KINETICS]), recipe.parent / "results")
    return recipe.parent


@pytest.fixture(scope="session")
def sound(prepared, tmp_path_factory):
    """The results of the study with nothing wrong."""
    place = tmp_path_factory.mktemp("sound") / "study"
    shutil.copytree(prepared, place)
    return run_study(load_recipe(place / "recipe.yaml"), place / "results")


@pytest.fixture
def reacting(prepared, tmp_path):
    """A copy of the files without results; those of the prepared study are taken where they still hold."""
    place = tmp_path / "study"
    shutil.copytree(prepared, place, ignore=shutil.ignore_patterns("results"))
    (place / "results").mkdir()
    return place


@pytest.fixture
def run(prepared):
    """Run a study, with what the prepared one has done already."""

    def run(study: Path, *settings: str):
        recipe = load_recipe(study / "recipe.yaml", settings=settings)
        store = Store(study / "results" / "study.zarr")
        return run_steps(recipe, steps(recipe), store, fallbacks=[Store(prepared / "results" / "study.zarr")])

    return run


@pytest.fixture
def fit(monkeypatch):
    """The stand-in of the fit, which remembers what it was given."""
    stand_in = Fit()
    monkeypatch.setattr(inference, "learn", stand_in)
    return stand_in


@pytest.fixture
def results(prepared, tmp_path):
    """A copy of the results of a study without trace and kinetics."""
    place = tmp_path / "results"
    shutil.copytree(prepared / "results", place)
    return place


@pytest.fixture
def simulated(tmp_path):
    """A folder as `lithiscope simulate` leaves it, with two runs of one platelet."""
    (tmp_path / "sim").mkdir()
    store = Store(tmp_path / "sim" / "study.zarr")
    mask = np.ones((6, 5), bool)
    mask[0] = False
    for name, sign in (("1C-lithiation", 1), ("1C-delithiation", -1)):
        x = np.where(mask, np.linspace(0.1, 0.9, 4)[::sign, None, None], np.nan)
        variables = {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_flag": ("time y x", np.where(np.isnan(x), stages.flag_bit("no_material"), 0)),
            "label": ("y x", mask.astype(int)),
        }
        coords = {
            "time": ("time", 600.0 * np.arange(4)),
            "half_cycle": ("time", np.zeros(4, int)),
            "direction": ("time", np.full(4, sign)),
            "y": ("y", 0.05 * np.arange(6)),
            "x": ("x", 0.05 * np.arange(5)),
        }
        attrs = {"signal": "lithium_fraction", "origin": "simulation"}
        video = stages.new("composition_video", variables, coords=coords, attrs=attrs)
        store.save(f"composition-{name}", video, key="", record={})
    recipe = "geometry: {reacts: everywhere, thickness: 150}"
    store.set_attributes({"title": "two ways", "kind": "simulation", "recipe": recipe})
    return tmp_path / "sim"
