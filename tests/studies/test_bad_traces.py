"""Wrong traces, one kind at a time, through recipe, check and command line: one clear error, or NaN, or plain words.

Never a plausible wrong number, never a traceback, never a store that holds half of something.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lithiscope.cli import main
from lithiscope.errors import LithiscopeError
from lithiscope.stages import flag_bit
from lithiscope.studies.check_kinetics import check_kinetics
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.sources import read_recording
from lithiscope.studies.store import Store
from studies.kinetic_beamtime import NO_CELL, NO_KINETICS, as_table, edit_mpt, times

pytestmark = pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")

Damage = Callable[[Path], None]
TABLE = "cell.files=[cell.csv]"


@pytest.fixture
def study(reacting):
    return reacting


def nothing(raw: Path) -> None:
    """Leave the files as they are: the recipe is what is wrong."""


def backwards(rows):
    rows[300][3] = "1.0E+01"


def shuffled(rows):
    rows[:] = rows[300:] + rows[:300]


def first_half(rows):
    del rows[len(rows) // 2 :]


def series(*groups: tuple[str, str]) -> str:
    return "data.series=[" + ", ".join(f"{{direction: {way}, files: ['{files}']}}" for way, files in groups) + "]"


def without(*scans: int) -> str:
    return "particles.table.exclude=[" + ", ".join(f"{{scan: {k}, reason: lost}}" for k in scans) + "]"


# What is damaged in the raw files, what the recipe says, and words of field, value and remedy that the error holds.
ERRORS: dict[str, tuple[Damage, list[str], tuple[str, ...]]] = {
    "wrong sign of current and charge": (
        lambda raw: edit_mpt(raw / "cell.mpt", times(-1, 5, 6, 7)),
        [],
        ("cell.mpt", "wrong sign", "current_ampere", "0% of the charge", "current_sign=-1", "cell.read"),
    ),
    "wrong sign of current, no charge in the file": (
        lambda raw: as_table(raw, (0, 1, 2, 3), current=-1),
        [TABLE],
        ("cell.csv", "wrong sign", "current_ampere", "current_sign=-1"),
    ),
    "mA labelled A, charge in Ah": (
        lambda raw: as_table(raw, (0, 1, 2, 3, 4), current=1e3),
        [TABLE],
        ("cell.csv", "another unit", "1/1000", "current_factor=0.001"),
    ),
    "mA labelled A, no charge in the file": (
        lambda raw: as_table(raw, (0, 1, 2, 3), current=1e3),
        [TABLE],
        ("cell.csv", "1000 (milli)", "times the stated capacity", "5e-09 Ah", "current_factor"),
    ),
    "mA labelled A, no charge and no capacity known": (
        lambda raw: as_table(raw, (0, 1, 2, 3), current=1e3),
        [TABLE, "cell.split={}"],
        ("cell.csv", "overpotential", "wrong sign", "|I R| = 150 V", "cell.resistance.ohm"),
    ),
    "A labelled mA, no charge in the file": (
        lambda raw: as_table(raw, (0, 1, 2, 3), current=1e-3),
        [TABLE],
        ("cell.csv", "1/1000 (milli)", "times the stated capacity", "current_factor"),
    ),
    "hours labelled s, no charge in the file, capacity known": (
        lambda raw: as_table(raw, (0, 1, 2, 3), test_time=1 / 3600),
        [TABLE],
        ("cell.csv", "1/3600 (s and h)", "times the stated capacity", "time_factor"),
    ),
    "hours labelled s": (
        lambda raw: edit_mpt(raw / "cell.mpt", times(1 / 3600, 3)),
        [],
        ("cell.mpt", "3600 (s and h)", "time_factor=3600"),
    ),
    "hours labelled s, no charge in the file": (
        lambda raw: as_table(raw, (1, 2, 3), test_time=1 / 3600),
        [TABLE, "cell.clock={source: stated, offset_second: 0, offset_std: 1}", "cell.split={}"],
        ("do not overlap", "trace 2.77778e-07 to 7.", "unit of the trace's time", "time_factor"),
    ),
    "trace of another day": (
        lambda raw: edit_mpt(raw / "cell.mpt", header=("06/01/2015", "06/02/2015")),
        [],
        ("do not overlap in time", "-85", "trace 0.001 to 26", "cell.clock"),
    ),
    "one time that is too early": (
        lambda raw: edit_mpt(raw / "cell.mpt", backwards),
        [],
        ("cell.mpt", "time runs backwards", "1 times", "to 10 s", "join_traces"),
    ),
    "halves in the wrong order": (
        lambda raw: edit_mpt(raw / "cell.mpt", shuffled),
        [],
        ("cell.mpt", "time runs backwards", "to 0.001 s"),
    ),
    "no current": (
        lambda raw: as_table(raw, (0, 1, 2)),
        [TABLE],
        ("cell.csv", "no current", "current_ampere", "cell.columns"),
    ),
    "current zero throughout": (
        lambda raw: as_table(raw, (0, 1, 2, 3), current=0),
        [TABLE],
        ("cell.csv", "no current flows", "up to 0 A"),
    ),
    "no zone of the potentiostat": (
        nothing,
        ["cell.timezone=null"],
        ("cell.mpt", "cell.timezone", "has no zone", "null", "America/Los_Angeles"),
    ),
    "no zone of the microscope": (
        nothing,
        ["data.timezone=null"],
        ("data.timezone", "has no zone", "cell.clock.source"),
    ),
    "clock from edges that the frames cannot show": (
        nothing,
        ["cell.clock={source: edges}"],
        ("edges of the images", "6 steps", "markers or absolute times", "frames too far apart"),
    ),
    "zone wrong by an hour": (
        nothing,
        ["cell.timezone=Etc/GMT-1"],
        ("cell.mpt", "disagree about the direction", "1 of 7 frames: scan 3, stated lithiation", "cell.timezone"),
    ),
    "zone wrong by two hours": (
        nothing,
        ["cell.timezone=Etc/GMT+2"],
        ("disagree about the direction", "2 of 6 frames: scan 4, stated delithiation", "data.timezone"),
    ),
    "zone wrong by seven hours": (
        nothing,
        ["cell.timezone=America/Los_Angeles"],
        ("do not overlap", "cell.clock"),
    ),
    "directions the wrong way round": (
        nothing,
        [series(("delithiation", "scan_00[0-3].hdr"), ("lithiation", "scan_00[4-7].hdr"))],
        ("disagree about the direction", "scan 1, stated delithiation", "data.series"),
    ),
    "a rest while the current flows": (
        nothing,
        [series(("lithiation", "scan_00[0-3].hdr"), ("delithiation", "scan_00[47].hdr"), ("rest", "scan_00[56].hdr"))],
        ("disagree about the direction", "2 of 8 frames: scan 5, stated rest; scan 6, stated rest", "data.series"),
    ),
    "directions unknown, and no trace": (
        nothing,
        [series(("unknown", "scan_*.hdr")), NO_CELL],
        ("data.series.direction", "unknown", "cell.files"),
    ),
    "one scan": (
        nothing,
        [series(("lithiation", "scan_002.hdr"))],
        ("only one scan", "data.series", "2 scans", "kinetics.compute"),
    ),
    "all frames but one excluded": (
        nothing,
        [without(*range(7))],
        ("kinetics.compute", "1 of 8", "not excluded"),
    ),
    "no particle": (
        nothing,
        ["particles.find.min_area=500"],
        ("no particle was found", "amount", "min_area"),
    ),
    "every particle excluded": (
        nothing,
        ["particles.table.exclude=[" + ", ".join(f"{{particle: p0{k}, reason: lost}}" for k in (1, 2, 3)) + "]"],
        ("no particle is left", "particles.table.exclude", "3 found, 3 excluded"),
    ),
    "masks that are not there": (
        nothing,
        ["particles.labels=none.zip"],
        ("there is no such file", "none.zip"),
    ),
    "equilibrium voltage far above": (
        nothing,
        ["cell.equilibrium.volt=4.0"],
        ("cell.mpt", "wrong sign during delithiation", "V_eq = 4 V", "cell.equilibrium.volt"),
    ),
    "equilibrium voltage between plateau and charging voltage": (
        nothing,
        ["cell.equilibrium.volt=3.6"],
        ("wrong sign during delithiation", "V_eq = 3.6 V"),
    ),
    "equilibrium voltage below": (
        nothing,
        ["cell.equilibrium.volt=3.2"],
        ("wrong sign during lithiation", "V_eq = 3.2 V"),
    ),
    "resistance ten times too large": (
        nothing,
        ["cell.resistance.ohm=1e9"],
        ("wrong sign during lithiation", "|I R| = 1.5 V", "cell.resistance.ohm"),
    ),
    "resistance neither stated nor to be measured": (
        nothing,
        ["cell.resistance={}"],
        ("cell.mpt", "resistance", "steps in the trace", "cell.resistance"),
    ),
    "empty file": (
        lambda raw: (raw / "cell.mpt").write_bytes(b""),
        [],
        ("cell.mpt", "the file is empty", "finished writing"),
    ),
    "a header and no rows": (
        lambda raw: edit_mpt(raw / "cell.mpt", lambda rows: rows.clear()),
        [],
        ("cell.mpt", "no samples", "stopped early"),
    ),
    "bytes": (
        lambda raw: (raw / "cell.mpt").write_bytes(bytes(range(256)) * 20),
        [],
        ("cell.mpt", "no reader knows", "BioLogic mpt", "cell.columns"),
    ),
    "a scan in place of the trace": (
        nothing,
        ["cell.files=[scan_000.hdr]"],
        ("scan_000.hdr", "no reader knows"),
    ),
    "the same file under two names": (
        lambda raw: shutil.copy(raw / "cell.mpt", raw / "copy.mpt"),
        ["cell.files=[cell.mpt, copy.mpt]"],
        ("cell.mpt, copy.mpt", "overlap in time", "given twice"),
    ),
    "the same name twice": (
        nothing,
        ["cell.files=[cell.mpt, cell.mpt]"],
        ("cell.files", "given twice", "cell.mpt"),
    ),
    "no such file": (
        nothing,
        ["cell.files=[none.mpt]"],
        ("cell.files", "no file matches", "none.mpt"),
    ),
    "no marker": (
        nothing,
        ["cell.clock={source: markers}"],
        ("cell.clock.markers", "both clocks saw"),
    ),
    "no stated offset": (
        nothing,
        ["cell.clock={source: stated}"],
        ("cell.clock.offset_second",),
    ),
}  # fmt: skip

# What only the images can show, so that a check which computes nothing cannot know it.
WORDED_OTHERWISE = {"all frames but one excluded", "directions unknown, and no trace"}
SEEN_IN_THE_IMAGES = {
    "clock from edges that the frames cannot show",
    "no particle",
    "every particle excluded",
    "masks that are not there",
}


@pytest.mark.parametrize("kind", ERRORS)
def test_what_cannot_be_used_is_one_clear_error(run, study, kind):
    damage, settings, words = ERRORS[kind]
    damage(study / "raw")
    with pytest.raises(LithiscopeError) as caught:
        run(study, *settings)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy or caught.value.limit
    store = Store(study / "results" / "study.zarr")
    assert not (study / "results" / "study.zarr.partial").exists()
    for step in store.steps():
        store.load(step)
    assert not {"rate_table", "law_fit", "uniformity"} & set(store.steps())


@pytest.fixture(scope="session")
def recorded(prepared):
    """Read the recording that a recipe asks for, each kind once; damage is to the trace only."""
    known: dict[str, object] = {}

    def read(recipe):
        kind = recipe.data.model_dump_json()
        if kind not in known:
            known[kind] = read_recording(recipe.located(base=prepared), memory=None)
        return known[kind]

    return read


@pytest.mark.parametrize("kind", sorted(set(ERRORS) - SEEN_IN_THE_IMAGES))
def test_check_finds_it_before_anything_runs(study, recorded, kind):
    damage, settings, words = ERRORS[kind]
    damage(study / "raw")
    recipe = load_recipe(study / "recipe.yaml", settings=settings)
    found = [one.text for one in check_kinetics(recipe, recorded(recipe)) if one.level == "error"]
    assert found
    told = [text.partition("\n")[0] for text in found]
    assert len(set(told)) == len(told)
    if kind not in WORDED_OTHERWISE:
        assert any(all(word in text for word in words) for text in found), found


@pytest.mark.parametrize(
    ("arguments", "damage"),
    [
        (["run", "recipe.yaml", "--set", "cell.timezone=Etc/GMT-1", "--out", "results"], nothing),
        (["run", "recipe.yaml", "--out", "results"], lambda raw: (raw / "cell.mpt").write_bytes(b"")),
        (["trace", "raw/cell.mpt"], lambda raw: (raw / "cell.mpt").write_bytes(b"")),
        (["trace", "raw/none.mpt"], nothing),
        (["trace", "raw/cell.mpt", "--timezone", "Mars"], nothing),
        (["new", "raw/scan_*.hdr", "--out", "new.yaml", "--cell", "raw/none.mpt"], nothing),
        (["pool", "nowhere"], nothing),
        (["pool", "results", "--quantity", "uniformity"], nothing),
    ],
)
def test_the_command_line_gives_one_message_and_exit_code_two(study, prepared, monkeypatch, capsys, arguments, damage):
    damage(study / "raw")
    monkeypatch.chdir(study)
    if "run" in arguments:
        shutil.copytree(prepared / "results", study / "results", dirs_exist_ok=True)
    monkeypatch.setattr(sys, "argv", ["lithiscope", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    shown = capsys.readouterr()
    assert stopped.value.code == 2
    lines = shown.err.splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    # Before it come the steps that were done, after it field, value, limit and remedy.
    assert all(line.startswith("[") for line in lines[:start])
    assert all(line.startswith("  ") for line in lines[start + 1 :])
    assert not (study / "new.yaml").exists()


def test_trace_tells_of_a_wrong_sign_and_of_a_missing_current(study, monkeypatch, capsys):
    monkeypatch.chdir(study)
    raw = study / "raw"
    edit_mpt(raw / "cell.mpt", times(-1, 5, 6, 7), to="sign.mpt")
    as_table(raw, (0, 1, 2))
    for file, code, words in (
        ("sign.mpt", 1, ("the current has the wrong sign", "current_sign=-1", "picture: sign.trace.png")),
        ("cell.csv", 0, ("none, so",)),
        ("cell.mpt", 0, ("3 half cycle(s)",)),
    ):
        monkeypatch.setattr(sys, "argv", ["lithiscope", "trace", f"raw/{file}"])
        with pytest.raises(SystemExit) as stopped:
            main()
        shown = capsys.readouterr().out
        assert stopped.value.code == code
        assert all(word in shown for word in words), shown


def test_check_tells_once_that_there_is_no_current(study, recorded):
    as_table(study / "raw", (0, 1, 2))
    recipe = load_recipe(study / "recipe.yaml", settings=[TABLE])
    told = [str(one) for one in check_kinetics(recipe, recorded(recipe)) if "no current" in str(one)]
    assert len(told) == 1
    assert told[0].startswith("error")


def test_a_doubtful_trace_can_be_used_on_request_and_the_page_says_so(run, study):
    done = run(study, "cell.equilibrium.volt=3.6", "cell.doubtful=warn", NO_KINETICS)
    assert any("used all the same" in text and "wrong sign during delithiation" in text for text in done.warnings)


def test_a_missing_capacity_is_told_and_1c_is_the_largest_half_cycle(run, study, sound):
    done = run(study, "cell.split={}", NO_KINETICS)
    assert any("capacity of the cell is not stated" in text and "nominal_capacity_ah" in text for text in done.warnings)
    assert not any("capacity of the cell" in text for text in sound.warnings)
    # 0.92 of the electrode is cycled, so what is called 1C is less than it by that share.
    ratio = done.results["cell_frames"]["c_rate"].values[1] / sound.results["cell_frames"]["c_rate"].values[1]
    assert ratio == pytest.approx(1 / 0.92, rel=1e-3)
    assert "nominal_c_rate" not in done.results["half_cycles"]


def test_without_directions_those_of_the_trace_are_taken(run, study, sound):
    done = run(study, series(("unknown", "scan_*.hdr")))
    assert not any("population" in text for text in done.warnings), done.warnings
    inner = done.results["rates"]["direction"].values
    np.testing.assert_array_equal(inner[[1, 2, 4, 5]], sound.results["rates"]["direction"].values[[1, 2, 4, 5]])
    np.testing.assert_allclose(
        done.results["rate_table"]["insertion_rate"].values[:3, [1, 2, 4, 5]],
        sound.results["rate_table"]["insertion_rate"].values[:3, [1, 2, 4, 5]],
        rtol=0.02,
    )


def test_without_a_picture_before_the_edge_there_are_rates_and_no_currents(run, study):
    raw = study / "raw"
    for header in raw.glob("scan_*.hdr"):
        text = header.read_text()
        header.write_text(text.replace("703.0", "705.5").replace("703,", "705.5,"))
        assert header.read_text() != text
    done = run(study)
    table = done.results["rate_table"]
    assert np.isfinite(table["insertion_rate"].values[:3]).all()
    assert "current_density" not in table
    assert "law_fit" not in done.results
    assert any("no law fit: there are no exchange currents" in text for text in done.warnings)
    assert any("705.5 eV, is not before the Fe L3 edge" in text for text in done.warnings)
    assert any("kinetics.thickness" in text for text in done.warnings)
    stated = run(study, "kinetics.thickness=150")
    assert np.isfinite(stated.results["rate_table"]["current_density"].values[:3]).all()


@pytest.mark.parametrize("way", ["excluded", "no counts"])
def test_a_frame_that_is_lost_takes_two_intervals_and_nothing_else(run, study, sound, way):
    if way == "excluded":
        done = run(study, without(2))
        flag = "excluded"
    else:
        path = study / "raw" / "scan_002_a001.xim"
        np.savetxt(path, 0 * np.loadtxt(path), fmt="%g", delimiter="\t")
        done = run(study)
        flag = "missing"
    rates, expected = done.results["rates"], sound.results["rates"]
    inside = expected["label"].values > 0
    lost = rates["insertion_rate"].values[[1, 2]]
    assert np.isnan(lost).all()
    assert ((rates["insertion_rate_flag"].values[[1, 2]] & flag_bit(flag)) != 0)[:, inside].all()
    kept = [0, 3, 4, 5, 6]
    np.testing.assert_allclose(
        np.nanmean(rates["insertion_rate"].values[kept][:, inside], axis=1),
        np.nanmean(expected["insertion_rate"].values[kept][:, inside], axis=1),
        rtol=0.05, atol=0.01,
    )  # fmt: skip


def test_frames_beyond_the_end_of_the_trace_have_no_voltage(run, study):
    edit_mpt(study / "raw" / "cell.mpt", first_half)
    done = run(study, NO_KINETICS)
    frames = done.results["cell_frames"]
    assert np.isnan(frames["voltage_volt"].values[4:]).all()
    assert ((frames["cell_flag"].values[4:] & flag_bit("missing")) != 0).all()
    assert frames["direction"].values[4:].tolist() == [0, 0, 0, 0]
    assert any("4 of 8 frames lie outside the trace" in text for text in done.warnings)


def test_a_rest_between_half_cycles_has_no_direction_and_no_part_in_j0(run, study, sound):
    done = run(
        study,
        series(("lithiation", "scan_00[0-2].hdr"), ("rest", "scan_003.hdr"), ("delithiation", "scan_00[4-7].hdr")),
    )
    rates = done.results["rates"]
    assert rates["direction"].values.tolist() == [1, 1, 0, 0, -1, -1, -1]
    fits = [done.results[name] for name in ("law_fit", "law_fit_slow") if name in done.results]
    for fit in fits:
        assert int(fit.attrs["degrees_of_freedom"]) < 5 * 6
    assert done.results["domains"]["persistent"].sizes["half_cycle"] == 2


def test_references_the_wrong_way_round_are_told(run, study):
    text = (
        (study / "recipe.yaml")
        .read_text()
        .replace("LiFePO4.csv, lithium_content: 1", "LiFePO4.csv, lithium_content: 0")
    )
    (study / "recipe.yaml").write_text(
        text.replace("/FePO4.csv, lithium_content: 0", "").replace(
            "{file: FePO4.csv, lithium_content: 0}", "{file: FePO4.csv, lithium_content: 1}"
        )
    )
    done = run(study)
    assert any("moved against the stated direction" in text and "references" in text for text in done.warnings)
    table = done.results["rate_table"]
    here = table["direction"].values != 0
    values = table["exchange_current_density"].values[:, here]
    flags = table["exchange_current_density_flag"].values[:, here]
    known = np.isfinite(values)
    assert ((flags[known] & flag_bit("wrong_sign")) != 0)[values[known] < 0].mean() > 0.5


def test_what_an_earlier_run_made_does_not_stay_beside_what_this_one_did_not(run, study):
    run(study)
    store = Store(study / "results" / "study.zarr")
    assert "rate_table" in store.steps()
    run(study, NO_KINETICS)
    assert "rate_table" not in store.steps()
    assert "cell_frames" in store.steps()


def test_the_page_can_be_written_when_no_frame_has_a_rate(run, study):
    edit_mpt(study / "raw" / "cell.mpt", lambda rows: rows.__delitem__(slice(120, None)))
    done = run(study, NO_KINETICS, "cell.resistance.ohm=0")
    lines = write_results(done, study / "results")
    assert (study / "results" / "page.html").stat().st_size > 10_000
    assert any("outside the trace" in line for line in lines)
