"""The command `simulate`: files, exit codes, errors that a user can act on, and what happens when it is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lithiscope import stages
from lithiscope.cli.app import app
from lithiscope.errors import FileFormatError, LithiscopeError, OptionError
from lithiscope.studies.store import Store

TINY = """title: A platelet of 12 by 8 cells
geometry: {shape: platelet, sizes: [400, 600], spacing: 50, thickness: 150}
reaction: {spread: 0.3, length: 100}
gradient_energy: 8.83
initial: 0.03
protocol:
  - {kind: current, c_rate: 1, to_fraction: 0.6}
  - {kind: rest, seconds: 600}
frames: 6
shown: {fractions: [0.2, 0.8], movie: {seconds: 0.2, width: 320}}
"""
FILES = {"figure.png", "figure.svg", "movie.webp", "trace.csv", "numbers.csv", "summary.txt", "recipe.yaml"}


def call(*arguments: str):
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


def refused(*arguments: str) -> LithiscopeError:
    """The one error that a call ends with."""
    error = call(*arguments).exception
    assert isinstance(error, LithiscopeError), error
    return error


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    recipe = tmp_path_factory.mktemp("simulate") / "tiny.yaml"
    recipe.write_text(TINY)
    return recipe


@pytest.fixture(scope="module")
def done(tiny):
    out = tiny.with_name("out")
    return out, call(tiny, "--out", out)


def test_a_tiny_recipe_gives_every_file_and_says_where(done):
    out, shown = done
    assert shown.exit_code == 0, shown.output
    assert visible(out) == FILES | {"study.zarr"}
    assert all((out / name).stat().st_size > 100 for name in FILES)
    for name in ("figure.png", "movie.webp", "trace.csv", "numbers.csv", "study.zarr"):
        assert str(out / name) in shown.output.replace("\n", "")
    assert "all 1 runs are complete" in shown.output
    store = Store(out / "study.zarr")
    video = stages.check(store.load("composition"), "composition_video")
    assert video["lithium_fraction"].shape[1:] == (8, 12)
    assert stages.check(store.load("simulation"), "simulation")["mean_lithium_fraction"][-1] == pytest.approx(0.6)


def test_show_describes_what_it_wrote(done):
    shown = CliRunner().invoke(app, ["show", str(done[0])])
    assert shown.exit_code == 0, shown.output
    assert "A platelet of 12 by 8 cells" in shown.output
    assert "composition" in shown.output


def test_its_own_recipe_repeats_it(done, tiny):
    out, _ = done
    again = tiny.with_name("again")
    assert call(out / "recipe.yaml", "--out", again).exit_code == 0
    for name in ("trace.csv", "recipe.yaml"):
        assert (again / name).read_bytes() == (out / name).read_bytes()


def test_a_run_that_stops_early_is_exit_one_with_all_files(tiny):
    out = tiny.with_name("early")
    full = "protocol=[{kind: current, c_rate: 1, seconds: 7200}]"  # twice what the particle takes
    shown = call(tiny, "--set", full, "--out", out)
    assert shown.exit_code == 1
    assert "STOPPED EARLY: the particle is full or empty" in shown.output
    assert {path.name for path in out.iterdir()} >= FILES


def test_settings_reach_the_parts_of_the_protocol(tiny):
    shown = call(tiny, "--yaml", "--set", "protocol.1.seconds=60", "--set", "protocol[0].c_rate=5")
    assert shown.exit_code == 0
    assert "seconds: 60" in shown.output
    assert "c_rate: 5" in shown.output
    error = refused(tiny, "--set", "protocol.2.seconds=60")
    assert (error.field, error.value, error.limit) == ("protocol.2.seconds", "2", "0 to 1")
    assert "whole list" in error.remedy


def test_what_it_prints_as_yaml_is_a_recipe(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(call("two_domains", "--yaml").output)
    assert call(mine, "--yaml").output == mine.read_text()


def test_the_list_and_the_help_teach():
    for arguments in ((), ("--list",)):
        lines = call(*arguments).output.splitlines()
        assert any(line.startswith("lfp_rates ") and "A LiFePO4 platelet from" in line for line in lines)
    text = " ".join(CliRunner().invoke(app, ["simulate", "--help"], terminal_width=200).output.split())
    for words in ("simulate --list", "simulate lfp_rates", "protocol.0.c_rate=3", "--yaml > mine.yaml", "Ends with 1"):
        assert words in text


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("geometry: {shape: torus}", "geometry.shape", "torus"),
        ("geometry: {size: [1, 2]}", "geometry.size", [1, 2]),
        ("geometry: {spacing: -5}", "geometry.spacing", -5),
        ("geometry: {spacing: .nan}", "geometry.spacing", None),
        ("material: {name: unobtainium}", None, "unobtainium"),
        ("protocol: [{kind: current}]", "protocol.0.current.c_rate", None),
        ("protocol: [{kind: wait}]", "protocol.0", None),
        ("protocol: []", "protocol", []),
        ("protocol: 5", "protocol", 5),
        ("initial: 1.5", "initial", 1.5),
        ("frames: many", "frames", "many"),
        ("sweep: {c_rates: [1, -1]}", "sweep.c_rates.1", -1),
        ("shown: {movie: {width: wide}}", "shown.movie.width", "wide"),
        ("frame: 3", "frame", 3),
        ("lithiscope: 2", "lithiscope", 2),
    ],
)
def test_a_recipe_that_cannot_be_used_is_one_error(tmp_path, line, field, value):
    recipe = tmp_path / "bad.yaml"
    name = line.partition(":")[0]
    kept = [one for one in TINY.splitlines() if not one.startswith(name)]
    if name == "protocol":
        kept = [one for one in kept if not one.startswith("  -")]
    recipe.write_text("\n".join([line, *kept]))
    error = refused(recipe, "--out", tmp_path / "out")
    assert isinstance(error, OptionError)
    assert error.remedy
    if field is not None:
        assert "lithiscope simulate" in error.remedy
        assert error.file == str(recipe)
        assert error.field == field
    if value is not None:
        assert error.value == value
    assert not (tmp_path / "out").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!!python/object/apply:os.system ['touch pwned']", "not valid YAML"),
        ("title: &a [1]\nabout: *a", "aliases are not allowed"),
        ("title: a\ntitle: b", "stands twice"),
        ("- 1", "not a mapping"),
        ("protocol: " + "[" * 5000, "nested too deeply"),
        ("title: " + "x" * 1_100_000, "too large"),
    ],
)
def test_hostile_yaml_is_one_error(tmp_path, text, words):
    recipe = tmp_path / "hostile.yaml"
    recipe.write_text(text)
    error = refused(recipe)
    assert isinstance(error, FileFormatError)
    assert words in str(error)
    assert error.file == str(recipe)
    assert "lithiscope new" not in error.remedy, "that writes recipes of another kind"


def test_an_error_is_short_on_the_command_line_and_exit_two(tmp_path):
    (tmp_path / "bad.yaml").write_text(TINY.replace("c_rate: 1", "c_rate: -1"))
    shown = lithiscope("simulate", "bad.yaml", cwd=tmp_path)
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: an option of the simulation cannot be used")
    for line in ("file: bad.yaml", "field: protocol.0.current.c_rate", "value: -1", "remedy:"):
        assert line in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_folder_that_is_no_store_is_refused_before_any_work(tiny, tmp_path):
    precious = tmp_path / "study.zarr"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    assert "not a lithiscope store" in str(refused(tiny, "--out", tmp_path))
    assert (precious / "thesis.txt").read_text() == "years of work"
    assert not (tmp_path / "unfinished.zarr").exists()


def test_a_run_that_dies_leaves_the_earlier_results_and_those_of_its_own_that_are_whole(done, tiny, monkeypatch):
    from lithiscope.studies import simulation

    out = tiny.with_name("dies")
    shutil.copytree(done[0], out)
    before = contents(out)
    whole = simulation.run_case

    def dying(case, *arguments, **options):
        if case.c_rate == 2:
            raise KeyboardInterrupt
        return whole(case, *arguments, **options)

    monkeypatch.setattr(simulation, "run_case", dying)
    call(tiny, "--out", out, "--set", "sweep.c_rates=[1, 2]")
    assert {path: text for path, text in contents(out).items() if path in before} == before
    half = Store(out / "unfinished.zarr")
    assert set(half.steps()) == {"composition-1C", "simulation-1C"}
    assert half.attributes()["kind"] == "simulation"
    monkeypatch.undo()
    assert call(tiny, "--out", out).exit_code == 0
    assert set(Store(out / "study.zarr").steps()) == {"composition", "simulation"}
    assert visible(out) == FILES | {"study.zarr"}


@pytest.mark.long
def test_a_killed_command_leaves_the_earlier_results_and_no_half_of_its_own(done, tiny):
    out = tiny.with_name("killed")
    shutil.copytree(done[0], out)
    before = contents(out)
    many = "sweep.c_rates=[" + ", ".join(f"{0.1 + 0.001 * n:.3f}" for n in range(400)) + "]"
    command = [*ENTRY, "simulate", str(tiny), "--out", str(out), "--set", many]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        written = out / "unfinished.zarr"
        end = time.monotonic() + 60
        while len(list(written.glob("*/zarr.json"))) < 5 and run.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL, "it was killed in its midst"
    assert {path: text for path, text in contents(out).items() if path in before} == before
    half = Store(written)
    for step in half.steps():
        stages.check(half.load(step), "composition_video" if step.startswith("composition") else "simulation")
    assert call(tiny, "--out", out).exit_code == 0
    assert visible(out) == FILES | {"study.zarr"}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


ENTRY = [sys.executable, "-c", "from lithiscope.cli import main; main()"]


def lithiscope(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ENTRY, *arguments], capture_output=True, text=True, cwd=cwd, check=False)
