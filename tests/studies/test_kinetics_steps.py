"""Cell and kinetics as steps of a study: which are done, what they hold, what is handed to people."""

from __future__ import annotations

import csv
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.progress import SILENT
from lithiscope.report.page.kinetic_tables import rate_rows
from lithiscope.studies.check import check_recipe
from lithiscope.studies.pooling import pool_studies
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.runner import Step, options_at, run_steps, sentence
from lithiscope.studies.show import describe
from lithiscope.studies.steps import steps
from lithiscope.studies.store import Store
from lithiscope.studies.summary import figures
from lithiscope.studies.trace import look_at_trace
from lithiscope.studies.vary import vary_option
from studies.kinetic_beamtime import CAPACITY, NO_CELL, NO_KINETICS, edit_mpt, times

pytestmark = pytest.mark.filterwarnings("always::lithiscope.errors.LithiscopeWarning")


def names(folder: Path, *settings: str) -> list[str]:
    """The steps that a recipe asks for, after the images."""
    found = [step.name for step in steps(load_recipe(folder / "recipe.yaml", settings=settings))]
    return found[found.index("particles") + 1 :]


def test_a_recipe_asks_only_for_what_it_can_have(prepared):
    assert names(prepared, NO_CELL, NO_KINETICS) == []
    alone = names(prepared, NO_KINETICS)
    assert alone[0] == "cell_trace"
    assert alone[-1] == "cell_intervals"
    blind = names(prepared, NO_CELL)
    assert {"rates", "domains", "rate_table", "uniformity"} <= set(blind)
    assert not {"cell_frames", "law_fit", "stability_path", "relaxation", "line_cuts"} & set(blind)
    both = names(prepared)
    assert {"law_fit", "law_fit_slow", "rate_asymmetry", "stability_path"} <= set(both)
    assert not {"rate_overpotential", "electrolyte", "channels"} & set(both)


@pytest.mark.parametrize(
    ("setting", "more"),
    [
        ("cell.compare_rates=true", "rate_overpotential"),
        ("cell.electrolyte.compute=true", "electrolyte"),
        ("kinetics.transport=in_plane", "channels"),
        ("kinetics.law.region=fast", "law_fit"),
        ("kinetics.line_cuts.lines=[{name: a, start: [0, 0], end: [1, 1]}]", "line_cuts"),
    ],
)
def test_an_option_asks_for_more(prepared, setting, more):
    assert more in names(prepared, setting)


def test_every_stage_of_the_study_keeps_its_schema(sound):
    kinds = {
        "cell_trace": "cell_trace", "half_cycles": "half_cycles", "resistance": "resistance", "clock": "clock",
        "equilibrium_voltage": "equilibrium_voltage", "cell_frames": "cell_frames", "cell_intervals": "cell_intervals",
        "rates": "rate_video", "domains": "domain_video", "rate_table": "rate_table", "uniformity": "uniformity_table",
        "pooled_uniformity": "pooled",
    }  # fmt: skip
    for step, kind in kinds.items():
        loaded = sound.store.load(step)
        assert loaded.attrs["stage"] == kind
        stages.check(loaded, kind)


def test_cell_and_images_are_joined_as_the_simulation_was(sound):
    frames, halves = sound.results["cell_frames"], sound.results["half_cycles"]
    assert halves["direction"].values.tolist() == [1, 1, -1]
    np.testing.assert_allclose(halves["nominal_c_rate"].values[[0, 2]], 0.3, rtol=2e-3)
    assert float(halves["capacity_ah"][0]) == pytest.approx(0.92 * CAPACITY, rel=2e-3)
    # The first and the last scan straddle the moments at which the current starts and stops.
    assert frames["direction"].values[1:7].tolist() == [1, 1, 1, -1, -1, -1]
    # At a constant current the electrode fills by 0.3 an hour.
    filled = np.diff(frames["lithium_fraction"].values[1:4])
    expected = 0.3 * np.diff(frames["time"].values[1:4]) / 3600
    np.testing.assert_allclose(filled, expected, rtol=2e-3)


@pytest.mark.parametrize("settings", [["kinetics.transport=in_plane"], []])
def test_the_rate_of_the_cell_stands_beside_that_of_the_particles_without_currents(reacting, sound, settings):
    recipe = load_recipe(reacting / "recipe.yaml", settings=settings)
    inputs = dict(sound.results)
    inputs["composition"] = inputs["composition"].drop_vars(["thickness"], errors="ignore")
    work = {step.name: step for step in steps(recipe)}
    inputs["rates"] = work["rates"].run(recipe, inputs, SILENT)
    assert "current_density" not in inputs["rates"]
    table = work["rate_table"].run(recipe, inputs, SILENT)
    np.testing.assert_array_equal(table["applied_c_rate"], sound.results["cell_intervals"]["c_rate"])
    row = dict(zip((page := rate_rows(table)).columns, page.rows[0], strict=True))
    assert row["C-rate of the cell / (1/h)"] == pytest.approx(0.3, rel=0.05)


def test_delithiation_is_less_uniform_than_lithiation(sound):
    found = figures(sound)
    difference = found["uniformity_lithiation"] - found["uniformity_delithiation"]
    assert difference > 3 * np.hypot(found["uniformity_lithiation_std"], found["uniformity_delithiation_std"])
    assert found["overpotential_lithiation_V"] < 0 < found["overpotential_delithiation_V"]
    assert found["insertion_rate_lithiation_per_h"] == pytest.approx(0.3, abs=0.1)
    assert found["domain_overlap_of_directions"] > 0.85


def test_tables_lie_beside_the_page_and_go_when_their_step_does(reacting, run):
    done = run(reacting)
    place = reacting / "results"
    lines = write_results(done, place)
    rows = {
        name: list(csv.DictReader((place / f"{name}.csv").read_text().splitlines()))
        for name in ("half_cycles", "cell_frames", "rate_table", "uniformity")
    }
    table = done.results["rate_table"]
    assert len(rows["half_cycles"]) == 3
    assert len(rows["cell_frames"]) == 8
    assert len(rows["rate_table"]) == table.sizes["particle"] * table.sizes["interval"]
    assert len(rows["uniformity"]) == 3 * 2
    first = rows["rate_table"][0]
    assert float(first["insertion_rate / 1/h"]) == pytest.approx(float(table["insertion_rate"][0, 0]), rel=1e-5)
    assert "exchange_current_density / A/m2" in first
    for name in rows:
        assert any(line.endswith(f"{name}.csv") for line in lines)
    write_results(run(reacting, NO_CELL, NO_KINETICS), place)
    assert not any((place / f"{name}.csv").exists() for name in rows)
    assert (place / "particles.csv").exists()


def test_vary_compares_the_figures_of_the_kinetics(reacting, run):
    run(reacting)
    lines = vary_option(reacting / "recipe.yaml", "cell.resistance.ohm=0.9e8,1.1e8", folder=reacting / "results")
    (row,) = [line.split() for line in lines if line.startswith("overpotential_delithiation_V ")]
    # 1.5 nA through 2e7 ohm more.
    assert float(row[1]) - float(row[2]) == pytest.approx(0.03, rel=0.02)
    assert any(line.startswith("uniformity_lithiation ") for line in lines)


def test_show_lists_the_steps(sound):
    text = "\n".join(describe(sound.store.path))
    for step in ("half_cycles", "rate_table", "uniformity"):
        assert step in text


def test_check_tells_what_the_trace_holds(reacting):
    found = check_recipe(load_recipe(reacting / "recipe.yaml"))
    text = "\n".join(map(str, found))
    assert not [one for one in found if one.level == "error"], text
    for words in (
        "trace cell.mpt",
        "3 half cycle(s)",
        "0.3C",
        "ohmic resistance 1e+08",
        "8 of 8 scans",
        "overpotential",
    ):
        assert words in text


def test_trace_lists_half_cycles_with_their_rate(reacting):
    look = look_at_trace(reacting / "raw" / "cell.mpt", timezone="UTC", capacity_ah=CAPACITY)
    text = "\n".join(look.lines)
    assert look.picture.startswith(b"\x89PNG")
    for words in ("BioLogic", "started 2015-06-01T08:00:00", "3 half cycle(s)", "lithiation", "0.3C", "nAh"):
        assert words in text
    assert "zone not known" in "\n".join(look_at_trace(reacting / "raw" / "cell.mpt").lines)


def test_pooling_counts_particles_studies_and_cells(sound, tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        shutil.copytree(sound.store.path, folder / "study.zarr")
    of_other_scans(folders[1])
    pooled, lines = pool_studies(folders, cells=["A", "B"])
    assert pooled["particle_count"].values.tolist() == [6, 6]
    assert pooled["cell_count"].values.tolist() == [2, 2]
    assert "6 particle(s), 2 study(ies), 2 cell(s)" in lines[1]
    alone, _ = pool_studies(folders[:1])
    np.testing.assert_allclose(pooled["value"], alone["value"])
    with pytest.raises(OptionError, match="2 names"):
        pool_studies(folders, cells=["A"])
    with pytest.raises(OptionError, match=r"step\.variable"):
        pool_studies(folders, "uniformity")


def of_other_scans(folder):
    """Let a copy of a study look like one of other raw files."""
    place = folder / "study.zarr" / "recording" / "zarr.json"
    content = json.loads(place.read_text())
    record = json.loads(content["attributes"]["lithiscope_record"])
    assert len(record["files"]) == 64  # SHA-256
    content["attributes"]["lithiscope_record"] = json.dumps({**record, "files": "another"})
    place.write_text(json.dumps(content))


def test_the_same_scans_are_not_pooled_twice(sound, tmp_path):
    folders = [tmp_path / name for name in ("one", "copy")]
    for folder in folders:
        shutil.copytree(sound.store.path, folder / "study.zarr")
    of_other_scans(folders[0])
    for twice in ([folders[0], folders[0]], [folders[0], folders[0] / "study.zarr"], [folders[1], sound.store.path]):
        with pytest.raises(OptionError, match="same scans are given twice") as caught:
            pool_studies(twice)
        assert str(twice[1]) in str(caught.value)


def made(name: str, *needs: str, optional: bool = False, error: Exception | None = None) -> Step:
    """A step that gives an empty result, or fails."""

    def work(_recipe, _inputs, _reporter):
        import xarray as xr

        if error is not None:
            raise error
        return xr.Dataset({"value": ((), 1.0)})

    return Step(name, needs, options_at("cell.timezone"), work, optional=optional)


def test_an_optional_step_that_fails_is_a_warning_and_takes_its_followers_along(prepared, tmp_path):
    recipe = load_recipe(prepared / "recipe.yaml")
    store = Store(tmp_path / "study.zarr")
    error = AnalysisError("nothing to fit", field="x", value=0, remedy="measure more")
    chain = [made("first"), made("fit", "first", optional=True, error=error), made("path", "fit"), made("last")]
    study = run_steps(recipe, [made("first"), made("fit", "first"), made("path", "fit")], store)
    assert set(study.results) == {"first", "fit", "path"}
    # The key of `fit` is the same, so what stands in the store would be taken: a fresh run tries again.
    study = run_steps(recipe, chain, store, fresh=True)
    assert set(study.results) == set(store.steps()) == {"first", "last"}
    assert study.warnings == ["no fit: nothing to fit (field: x; value: 0; remedy: measure more)"]
    with pytest.raises(AnalysisError):
        run_steps(recipe, [made("fit", error=error)], store, fresh=True)


def test_a_warning_is_one_line():
    error = AnalysisError("bad", file="a.mpt", value="one\ntwo", limit="three")
    assert "\n" not in sentence(error)
    assert sentence(AnalysisError("bad")) == "bad"


def test_a_blank_and_a_spectrum_are_named_in_the_recipe(reacting, run):
    raw = reacting / "raw"
    # A blank that passes a tenth of the charge at the same voltages.
    edit_mpt(raw / "cell.mpt", times(0.1, 5, 6, 7), to="blank.mpt")
    frequency = np.geomspace(1e5, 1.0, 26)
    impedance = 0.8e8 + 4e8 / (1 + 2j * np.pi * frequency * 0.05)
    rows = (f"{f:.9g},{z.real:.9g},{-z.imag:.9g}" for f, z in zip(frequency, impedance, strict=True))
    (raw / "eis.csv").write_text("\n".join(["freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", *rows, ""]))
    done = run(reacting, NO_KINETICS, "cell.blank=[blank.mpt]", "cell.resistance={spectrum: eis.csv}")
    whole, net = done.results["incremental_capacity"], done.results["without_blank"]
    charge = whole["incremental_capacity"].sum("voltage").values * np.diff(whole["voltage"].values)[0]
    # The blank's two lithiations, a half cycle and what the protocol adds before it turns round, are averaged.
    averaged = 0.1 * np.array([(charge[0] + charge[1]) / 2, (charge[0] + charge[1]) / 2, charge[2]])
    np.testing.assert_allclose(net["capacity_ah"], charge - averaged, rtol=1e-6)
    assert "half cycles" in net.attrs["blank"]
    resistance = done.results["resistance"]
    assert resistance.attrs["method"] == "impedance"
    assert float(resistance["resistance_ohm"]) == pytest.approx(0.8e8, rel=0.01)
    assert done.results["differential_voltage"].attrs["stage"] == "differential_voltage"
    with pytest.raises(OptionError, match="either ohm or spectrum"):
        load_recipe(reacting / "recipe.yaml", settings=["cell.resistance.spectrum=eis.csv"])
    with pytest.raises(OptionError, match=r"cell\.resistance\.spectrum"):
        run(reacting, NO_KINETICS, "cell.resistance={spectrum: absent.csv}")


def test_channels_in_the_plane_need_no_uniform_pixels(sound, reacting):
    recipe = load_recipe(reacting / "recipe.yaml", settings=["kinetics.transport=in_plane"])
    step = next(one for one in steps(recipe) if one.name == "rate_table")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = step.run(recipe, {name: sound.results[name] for name in step.needs}, SILENT)
    assert set(table["region"].values) == {"all", "fast", "slow"}


def test_a_stated_range_of_d_gives_times_and_a_verdict(sound, reacting):
    settings = ["kinetics.regime.diffusivity=[1e-14, 1e-12]", "kinetics.law.region=all"]
    recipe = load_recipe(reacting / "recipe.yaml", settings=settings)
    assert "evidence" not in names(reacting)
    given = dict(sound.results)
    for step in steps(recipe):
        if step.name in ("law_fit", "evidence"):
            given[step.name] = step.run(recipe, {name: given[name] for name in step.needs}, SILENT)
    found = given["evidence"]
    # 75 nm at 1e-14 m2/s take 0.6 s, the surface hours.
    assert found.attrs["verdict"] == "surface-reaction-limited"
    assert float(np.nanmax(found["tau_bulk_high"])) < 2.0
    assert found["particle"].values.tolist() == sound.results["particles"]["particle"].values.tolist()
