"""The commands and the Python of the tutorial on kinetics run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from lithiscope.cli.app import app
from lithiscope.studies.recipe import Recipe
from studies.kinetic_beamtime import write_kinetic_beamtime

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorials" / "kinetics.md"
# The true constants of the slow domains of the three platelets are 0.0050, 0.0060 and 0.0045 A/m2.
SLOW = (0.0050 + 0.0060 + 0.0045) / 3


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL)


def commands() -> list[list[str]]:
    lines = re.findall(r"^    lithiscope (.+)$", TUTORIAL.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [[word.strip('"') for word in line.split()] for line in lines]


@pytest.mark.slow
@pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")
def test_the_tutorial_runs_as_it_stands(tmp_path, monkeypatch):
    write_kinetic_beamtime(tmp_path, scans=7, pixel=0.07)
    monkeypatch.chdir(tmp_path)
    made, *others = commands()
    assert made[0] == "demo"  # what `write_kinetic_beamtime` did, with smaller pictures
    for arguments in others:
        shown = CliRunner().invoke(app, arguments)
        assert shown.exit_code == 0, (arguments, shown.output, shown.exception)
    for name in re.findall(r"`(\w+\.csv)`", TUTORIAL.read_text(encoding="utf-8")):
        assert (tmp_path / "results" / name).exists(), name
    (code,) = blocks("python")
    names: dict = {}
    exec(compile(code, TUTORIAL.name, "exec"), names)
    assert names["fit"].attrs["preferred"] == "skewed_lim"
    # Pixels of 70 nm blur the domains; three particles scatter by a seventh, and the error knows.
    assert abs(names["k0"] - SLOW) < 2 * names["error"]
    assert names["error"] < 0.25 * SLOW


def test_the_recipe_of_the_tutorial_is_valid():
    (text,) = blocks("yaml")
    recipe = Recipe(data={"series": [{"files": ["a.hdr"]}]}, **yaml.safe_load(text))
    assert recipe.cell.files == ("cell.mpt",)


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").glob("how-to/*.md")), TUTORIAL], ids=lambda page: page.name)
def test_every_option_that_a_page_names_exists(page):
    recipe = Recipe(data={"series": [{"files": ["a.hdr"]}]})
    for path in re.findall(r"`((?:cell|kinetics|data)\.(?!mpt)[a-z_.]+)", page.read_text(encoding="utf-8")):
        found: object = recipe
        for part in path.rstrip(".").split("."):
            if isinstance(found, tuple):
                found = found[0]
            assert hasattr(found, part), path
            found = getattr(found, part)
