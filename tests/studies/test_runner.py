from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from lithiscope import stages
from lithiscope.errors import AnalysisError, FileFormatError, OptionError
from lithiscope.recordings import open_recording, write_sdf
from lithiscope.studies import provenance, runner, stxm
from lithiscope.studies.exports.files import export_study, kinds
from lithiscope.studies.figures import write_figures
from lithiscope.studies.pooling import pool_studies
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.reopen import open_study
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study
from lithiscope.studies.show import describe
from lithiscope.studies.store import Store


class Notes:
    """A reporter that remembers what was said."""

    def __init__(self):
        self.lines = []

    def track(self, items, *, label, total=None):
        yield from items

    def say(self, message):
        self.lines.append(message)

    def fresh(self):
        """The steps that were computed."""
        return [line.split("] ")[1] for line in self.lines if line.startswith("[") and "up to date" not in line]


def run(recipe: Path, *settings: str):
    notes = Notes()
    study = run_study(load_recipe(recipe, settings=settings), recipe.parent / "results", reporter=notes)
    return study, notes


def test_a_study_holds_every_stage_with_its_schema(study):
    done, _ = run(study())
    kinds = {name: done.results[name].attrs.get("stage") for name in done.results}
    assert kinds == {
        "recording": "recording", "counts": "frames", "alignment": "alignment", "resampled": "frames",
        "optical_density": "frames", "incident_methods": None, "references": "references",
        "composition": "composition_video", "labels": "particle_labels", "tracks": "particle_tracks",
        "dose": "dose_table", "particles": "particle_table",
    }  # fmt: skip
    for name, kind in kinds.items():
        if kind:
            stages.check(done.store.load(name), kind)
    assert done.results["recording"]["direction"].values.tolist() == [1, 1, 1, 1]
    assert done.results["recording"]["half_cycle"].values.tolist() == [0, 0, 0, 0]
    assert done.results["particles"].sizes["particle"] == 3


def test_a_second_run_computes_nothing_and_gives_the_same(study):
    recipe = study()
    first, _ = run(recipe)
    second, notes = run(recipe)
    assert notes.fresh() == []
    np.testing.assert_array_equal(
        second.results["particles"]["lithium_fraction"], first.results["particles"]["lithium_fraction"]
    )


def test_only_what_a_change_touches_is_recomputed(study):
    recipe = study()
    run(recipe)
    _, notes = run(recipe, "particles.find.threshold=0.4")
    assert notes.fresh() == ["labels", "tracks", "dose", "particles"]
    _, notes = run(recipe, "particles.find.threshold=0.4", "composition.systematics.lithiated_purity=0.95")
    assert notes.fresh() == ["composition", "labels", "tracks", "dose", "particles"]
    _, notes = run(recipe, "particles.find.threshold=0.4", "composition.systematics.lithiated_purity=0.95", "title=x")
    assert notes.fresh() == []


def test_a_changed_raw_file_is_noticed(study):
    recipe = study()
    run(recipe)
    image = sorted((recipe.parent / "raw").glob("*.xim"))[0]
    image.write_text(image.read_text().replace("\n", "\n", 1) + "\n")
    _, notes = run(recipe)
    assert notes.fresh()[0] == "recording"


def test_a_damaged_step_is_named_and_a_fresh_run_helps(study):
    recipe = study()
    first, _ = run(recipe)
    (chunk, *_) = sorted(
        path for path in (first.store.path / "optical_density" / "signal" / "c").rglob("*") if path.is_file()
    )
    chunk.write_bytes(b"no picture")
    with pytest.raises(FileFormatError, match="damaged") as caught:
        run(recipe, "composition.systematics.lithiated_purity=0.95")
    assert caught.value.field == "optical_density"
    assert caught.value.file == str(first.store.path)
    assert "--fresh" in str(caught.value.remedy)
    again = run_study(load_recipe(recipe), recipe.parent / "results", fresh=True)
    np.testing.assert_array_equal(
        again.results["particles"]["lithium_fraction"], first.results["particles"]["lithium_fraction"]
    )


def test_results_of_another_program_are_computed_again(study, monkeypatch):
    recipe = study()
    run(recipe)
    with monkeypatch.context() as patch:
        for module in (provenance, runner):
            patch.setattr(module, "program", lambda: "another source")
        _, notes = run(recipe)
        assert any(line.startswith("lithiscope or its tables have changed") for line in notes.lines)
        assert {"recording", "composition", "particles"} <= set(notes.fresh())
        _, notes = run(recipe)
        assert notes.fresh() == []
        assert not any("changed" in line for line in notes.lines)


def test_the_program_is_known_by_its_source_and_its_tables(tmp_path, monkeypatch):
    package = tmp_path / "lithiscope"
    (package / "part").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    source = package / "part" / "numbers.py"
    source.write_text("a = 1\n")
    monkeypatch.setattr(provenance.lithiscope, "__file__", str(package / "__init__.py"))
    known = {provenance.program.__wrapped__()}
    source.write_text("a = 2\n")
    known.add(provenance.program.__wrapped__())
    source.rename(package / "numbers.py")
    known.add(provenance.program.__wrapped__())
    monkeypatch.setattr(provenance, "version", lambda package: f"another {package}")
    known.add(provenance.program.__wrapped__())
    assert len(known) == 4
    (package / "numbers.pyc").write_text("what is compiled says nothing new")
    assert provenance.program.__wrapped__() in known
    assert provenance.program() is provenance.program()  # read once


def in_two_folders(recipe):
    """Put the first scan and the last one into folders of their own, under the same name."""
    raw = recipe.parent / "raw"
    for folder, number in (("a", "000"), ("b", "003")):
        (raw / folder).mkdir()
        for file in sorted(raw.glob(f"scan_{number}*")):
            file.rename(raw / folder / file.name.replace(number, "000"))
    return recipe


FOLDERS = "{folder: raw, timezone: UTC, series: [{direction: lithiation, files: ['a/*.hdr', 'b/*.hdr']}]}"


def test_two_scans_of_one_name_in_two_folders_are_two_inputs(study):
    recipe = in_two_folders(study(data=FOLDERS))
    done, _ = run(recipe)
    told = done.provenance["inputs"]
    names = {file.relative_to(recipe.parent / "raw").as_posix() for file in (recipe.parent / "raw").glob("[ab]/*")}
    assert names <= set(told)
    assert len(names) == 8
    assert told["a/scan_000_a000.xim"] != told["b/scan_000_a000.xim"]
    for folder in "ab":
        image = recipe.parent / "raw" / folder / "scan_000_a000.xim"
        image.write_text(image.read_text() + "\n")
        _, notes = run(recipe)
        assert notes.fresh()[0] == "recording", folder
    assert run(recipe)[1].fresh() == []


def test_a_study_that_is_moved_is_up_to_date_in_its_new_place(study, tmp_path):
    recipe = study()
    spectrum = next((recipe.parent / "raw").glob("LiFe*.csv"))
    spectrum.rename(recipe.parent / spectrum.name)  # beside the recipe
    done, _ = run(recipe)
    assert f"beside the recipe: {spectrum.name}" in done.provenance["inputs"]
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for one in ("raw", "results", "recipe.yaml", spectrum.name):
        (tmp_path / one).rename(moved / one)
    again, notes = run(moved / "recipe.yaml")
    assert notes.fresh() == []
    assert again.provenance["inputs"] == done.provenance["inputs"]


def test_an_interrupted_run_goes_on_where_it_stopped(study, monkeypatch):
    recipe = study()
    from lithiscope.studies import stxm_pictures

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stxm_pictures.xray, "lithium_fraction", stop)
        with pytest.raises(KeyboardInterrupt):
            run(recipe)
    done, notes = run(recipe)
    assert notes.fresh() == ["composition", "labels", "tracks", "dose", "particles"]
    assert np.isfinite(done.results["particles"]["lithium_fraction"]).all()


@pytest.mark.slow
def test_kill_nine_at_any_moment_leaves_a_readable_store_and_the_run_goes_on(study):
    recipe = study()
    command = [sys.executable, "-c", "from lithiscope.cli import main; main()", "run", str(recipe),
               "--out", str(recipe.parent / "results")]  # fmt: skip

    place = recipe.parent / "results" / "study.zarr"
    found = []
    for delay in (0.05, 0.4, 0.9):
        shutil.rmtree(recipe.parent / "results", ignore_errors=True)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while not place.exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(delay)
            os.kill(process.pid, signal.SIGKILL)
        store = Store(place)
        found.append(store.steps())
        for step in store.steps():
            store.load(step)
    assert len(found[0]) < 10, "the run had finished before it was killed"
    done, _ = run(recipe)
    assert np.isfinite(done.results["particles"]["lithium_fraction"]).all()
    assert not (recipe.parent / "results" / "study.zarr.partial").exists()


def refused(place, *, done, earlier):
    """Whatever reads finished studies refuses this one, and `show` tells its steps apart."""
    readers = {
        "open": lambda: open_study(place),
        "figures": lambda: write_figures(place),
        "export": lambda: export_study(place, list(kinds())[:1]),
        "pool": lambda: pool_studies([place], "particles.lithium_fraction"),
    }
    for name, read in readers.items():
        with pytest.raises(FileFormatError, match="has not finished") as caught:
            read()
        told = str(caught.value)
        assert all(step in told for step in (*done, *earlier)), name
        assert told.index("up to date") < told.index(done[0]) < told.index("earlier run") < told.index(earlier[0]), name
    lines = describe(place)
    assert any("begun" in line and "has not finished" in line for line in lines[:2])
    marked = [line.split()[0] for line in lines if line.endswith("(earlier)")]
    assert sorted(marked) == sorted(earlier)


def test_an_error_in_a_second_run_does_not_leave_two_runs_as_one(study, monkeypatch):
    recipe = study()
    write_results(run(recipe)[0], recipe.parent / "results")
    place = recipe.parent / "results"
    page = place / "page.html"
    assert "A later run" not in page.read_text(encoding="utf-8")
    setting = "composition.systematics.lithiated_purity=0.95"

    def fail(*_, **__):
        raise AnalysisError("no particle is left")

    with monkeypatch.context() as patch:
        patch.setattr(stxm, "find_particles", fail)
        for one in (setting, f"{setting}1"):
            with pytest.raises(AnalysisError, match="no particle is left"):
                run(recipe, one)
        with pytest.raises(AnalysisError, match="no particle is left"):
            run(recipe, setting)
    told = page.read_text(encoding="utf-8")
    assert told.count("A later run, begun") == 1
    assert told.index("</h1>") < told.index("A later run, begun") < told.index('<main id="main">')
    done = ["recording", "counts", "alignment", "resampled", "optical_density", "references", "composition"]
    refused(place, done=done, earlier=["labels", "tracks", "dose", "particles"])
    ended, notes = run(recipe, setting)
    assert notes.fresh() == ["labels", "tracks", "dose", "particles"]
    assert open_study(place).provenance == ended.provenance
    write_results(ended, place)
    assert "A later run" not in page.read_text(encoding="utf-8")
    assert not any("earlier" in line or "finished" in line for line in describe(place))


def test_a_run_that_fails_before_it_changes_anything_leaves_the_study_as_it_was(study, monkeypatch):
    recipe = study()
    done, _ = run(recipe)

    def fail(*_, **__):
        raise AnalysisError("no particle is left")

    monkeypatch.setattr(stxm, "find_particles", fail)
    with pytest.raises(AnalysisError):
        run(recipe, "particles.find.threshold=0.3")
    again = open_study(recipe.parent / "results")
    assert again.provenance == done.provenance
    np.testing.assert_array_equal(again.results["particles"]["area"], done.results["particles"]["area"])


def test_a_first_run_that_stops_says_what_it_has(study, monkeypatch):
    recipe = study()

    def fail(*_, **__):
        raise AnalysisError("no particle is left")

    monkeypatch.setattr(stxm, "find_particles", fail)
    with pytest.raises(AnalysisError):
        run(recipe)
    with pytest.raises(FileFormatError, match="has not finished") as caught:
        open_study(recipe.parent / "results")
    assert "composition" in str(caught.value)
    assert "earlier" not in str(caught.value)
    lines = describe(recipe.parent / "results")
    assert lines[0].startswith("a small beamtime")
    assert "has not finished" in lines[-1]
    assert not any("earlier" in line for line in lines)


@pytest.mark.slow
def test_kill_nine_in_a_second_run_does_not_leave_two_runs_as_one(study):
    recipe = study()
    run(recipe)
    results = recipe.parent / "results"
    # It is killed by itself, right after the named step has been replaced: nothing depends on the speed of a machine.
    killer = """
import os, signal, sys
from lithiscope.studies.store import Store
save = Store.save
def saved(store, step, *given, **named):
    save(store, step, *given, **named)
    if step == "composition":
        os.kill(os.getpid(), signal.SIGKILL)
Store.save = saved
from lithiscope.cli import main
main()
"""
    setting = "composition.systematics.lithiated_purity=0.95"
    command = [sys.executable, "-c", killer, "run", str(recipe), "--out", str(results), "--set", setting]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    refused(results, done=["recording", "composition"], earlier=["labels", "tracks", "dose", "particles"])
    for step in Store(results / "study.zarr").steps():
        Store(results / "study.zarr").load(step)
    again, notes = run(recipe, setting)
    assert notes.fresh() == ["labels", "tracks", "dose", "particles"]
    assert np.isfinite(again.results["particles"]["lithium_fraction"]).all()
    assert not (results / "study.zarr.partial").exists()


def test_particles_keep_their_names_when_the_mask_changes(study):
    recipe = study()

    def table(*settings):
        found = run(recipe, *settings)[0].results["particles"]
        return found["particle"].values.tolist(), found["area"].values

    names, areas = table()
    same, larger = table("particles.find.threshold=0.3")
    assert same == names
    assert (larger > areas).all()
    kept, _ = table("particles.find.min_area=0.9", "particles.find.threshold=0.5")
    assert set(kept) < set(names)
    assert len(kept) < 3
    # Those that were there all along keep their names, and one that comes back where it was gets its own again.
    again, same = table()
    assert again == names
    np.testing.assert_array_equal(same, areas)
    # A mask per cycle is another shape, not other particles.
    assert table("particles.find.per_cycle=true", "particles.find.min_area=0.9")[0] == kept
    assert table()[0] == names


def test_a_result_that_a_later_run_replaced_is_an_error_not_the_later_one(study):
    recipe = study()
    first, _ = run(recipe)
    run(recipe, "particles.find.threshold=0.3")
    with pytest.raises(FileFormatError, match="a later run has replaced"):
        first.results["particles"]


def test_an_excluded_scan_shapes_neither_mask_nor_mean(study):
    recipe = study()
    done, _ = run(recipe, "particles.table.exclude=[{scan: 2, reason: beam lost}]")
    table = done.results["particles"]
    assert np.isnan(table["lithium_fraction"].values[:, 2]).all()
    assert np.isfinite(table["lithium_fraction"].values[:, [0, 1, 3]]).all()


def test_provenance_tells_inputs_versions_units_and_what_to_cite(study):
    done, _ = run(study())
    told = done.store.attributes()["provenance"]
    assert {"scan_000.hdr", "scan_000_a000.xim"} <= set(told["inputs"])
    assert all(len(value) == 64 for value in told["inputs"].values())
    assert told["versions"]["lithiscope"]
    assert "@article{lim2016" in told["bibtex"]
    assert "@article{henke1993" in told["bibtex"]
    assert "eV" in told["units"]
    assert "threshold: 0.5" in told["recipe"]


@pytest.mark.parametrize(("align", "cited"), [("{scans: false}", True), ("{scans: false, energies: false}", False)])
def test_registration_is_cited_where_energies_or_scans_are_registered(study, align, cited):
    recipe = load_recipe(study(align=align))
    step = next(one for one in stxm.stxm_steps() if one.name == "alignment")
    assert ("lucas1981" in step.methods(recipe)) is cited


def test_particles_without_any_value_are_a_warning(study):
    recipe = study()
    for spectrum in (recipe.parent / "raw").glob("*.csv"):
        # Transmissions instead of optical densities, column by column.
        head, *rows = spectrum.read_text().splitlines()
        cells = [row.split(",") for row in rows]
        text = [",".join([cell[0], *(f"{np.exp(-float(one)):.9g}" for one in cell[1:])]) for cell in cells]
        spectrum.write_text("\n".join([head, *text, ""]))
    done, _ = run(recipe)
    assert np.isnan(done.results["particles"]["lithium_fraction"].values).all()
    assert any(text.startswith("no particle has a lithium fraction in any frame (flags") for text in done.warnings)


def test_warnings_of_an_up_to_date_step_are_still_told(study):
    recipe = study(kinetics="{dose: {limit: 10.0}}")
    first, _ = run(recipe)
    second, _ = run(recipe)
    assert any("above 10 Gy" in text for text in first.warnings)
    assert (first.results["dose"]["first_above"].values == 0).all()
    assert second.warnings == first.warnings


def test_references_can_come_from_scans_of_the_study(study):
    recipe = study(references="{lithiated_scans: [3], delithiated_scans: [0]}")
    done, _ = run(recipe)
    means = done.results["particles"]["lithium_fraction"].values
    # By definition: the scans that are the references read 0 and 1, up to the spread between the particles.
    assert abs(np.average(means[:, 0])) < 0.15
    assert abs(np.average(means[:, 3]) - 1) < 0.15


def test_references_can_come_from_two_regions_of_the_study(study):
    recipe = study(
        align="{energies: false, scans: false}", data="{folder: raw, timezone: UTC, series: [{files: [scan_002.hdr]}]}"
    )
    known, _ = run(recipe)
    x, label = known.results["composition"]["lithium_fraction"].values[0], known.results["labels"]["label"].values > 0
    regions = {"full": label & (x > 0.8), "empty": label & (x < 0.2)}
    for name, region in regions.items():
        assert region.sum() > 20
        tifffile.imwrite(recipe.parent / "raw" / f"{name}.tif", region.astype(np.uint8))
    done, _ = run(recipe, "references={lithiated_mask: full.tif, delithiated_mask: empty.tif, scale: pre_edge}")
    assert done.results["references"]["lithium_content"].values.tolist() == [1.0, 0.0]
    video = done.results["composition"]
    fraction, amount = (video[name].values[0].astype(float) for name in ("lithium_fraction", "amount"))
    # By definition, up to storage in float32: the unmixing is linear, and a mean is the ratio of sums.
    for name, expected in (("full", 1.0), ("empty", 0.0)):
        region = regions[name]
        assert (fraction * amount)[region].sum() / amount[region].sum() == pytest.approx(expected, abs=1e-4)
    # The same pixels, one by one, are the same references.
    regional = done.results["references"].load()
    chosen = {f"{name}_pixels": np.argwhere(regions[region]).tolist()
              for name, region in (("lithiated", "full"), ("delithiated", "empty"))}  # fmt: skip
    done, _ = run(recipe, f"references={json.dumps({**chosen, 'scale': 'pre_edge'})}")
    for name in ("reference", "reference_std", "lithium_content"):
        np.testing.assert_array_equal(done.results["references"][name], regional[name])


@pytest.mark.parametrize("mode", ["isosbestic", "amount"])
def test_every_invariant_picture_can_be_asked_for(study, mode):
    recipe = study()
    shift = run(recipe)[0].results["alignment"]["shift"].values
    done, notes = run(recipe, f"align.invariant.mode={mode}")
    assert notes.fresh()[0] == "alignment"
    moved = done.results["alignment"]["shift"].values - shift
    # Both pictures show the same drift of the same scans, within a tenth of a pixel of 70 nm.
    assert np.abs(moved - moved.mean(axis=0)).max() < 0.007
    _, notes = run(recipe, f"align.invariant.mode={mode}", "references.energy_offset=0.01")
    assert notes.fresh()[0] == "alignment"


def test_a_dark_scan_takes_the_place_of_dark_counts(study):
    recipe = study()
    raw = recipe.parent / "raw"
    dark = open_recording(raw / "scan_000.hdr", timezone="UTC")
    level = dark["counts"].copy(data=np.full_like(dark["counts"].values, 7.0))
    write_sdf(dark.assign(counts=level), raw / "dark.hdr")
    plain = run(recipe, "correct.dark_counts=0")[0].results["counts"]["signal"].values
    done, notes = run(recipe, "correct.dark=dark.hdr")
    assert notes.fresh()[0] == "counts"
    np.testing.assert_allclose(plain - done.results["counts"]["signal"].values, 7.0, atol=1e-3)
    with (raw / "dark_a000.xim").open("a") as file:
        file.write("\n")
    _, notes = run(recipe, "correct.dark=dark.hdr")
    assert notes.fresh()[0] == "counts"


@pytest.mark.parametrize(
    ("references", "words"),
    [("{}", "end members are not given"), ("{lithiated_scans: [9], delithiated_scans: [0]}", "no such scan")],
)
def test_references_that_cannot_be_had_are_one_clear_error(study, references, words):
    with pytest.raises(OptionError, match=words):
        run(study(references=references))


def test_a_spectrum_of_i0_follows_the_ring(study):
    recipe = study(
        correct="{ring_current: none}",
        incident="{spectrum: i0.csv, spectrum_relative_std: 0}",
        align="{energies: false, scans: false}",
    )
    whole = run_study(load_recipe(recipe), recipe.parent / "whole")
    assert any("I0 by percentile and by spectrum differ" in text for text in whole.warnings)
    # The two ways to say that the spectrum was measured at 0.5 A: move I0 to the data, or the data to I0.
    moved = ["incident.spectrum_ring_current=0.5"], ["correct.ring_current=0.5"]
    first, second = (
        run_study(load_recipe(recipe, settings=settings), recipe.parent / settings[0]).results for settings in moved
    )
    for results in (first, second):
        found = results["incident_methods"]["incident"]
        ratio = (found.sel(incident_method="spectrum") / found.sel(incident_method="percentile")).values
        # Window, liquid and their dark counts are in both; the ring is logged at the beginning of a picture.
        np.testing.assert_allclose(ratio, 1, atol=0.01)
    np.testing.assert_allclose(
        first["optical_density"]["signal"], second["optical_density"]["signal"], rtol=0, atol=1e-5
    )


def test_the_error_of_the_energy_calibration_becomes_a_named_shift(study):
    recipe = study()
    assert "energy_calibration" not in run(recipe)[0].results["particles"]["systematic"].values
    spread = run(recipe, "references.energy_offset_std=0.1")[0].results["particles"]
    shift = spread["lithium_fraction_shift"].sel(systematic="energy_calibration").values
    moved = run(recipe, "references.energy_offset=0.1")[0].results["particles"]["lithium_fraction"].values
    still = run(recipe)[0].results["particles"]["lithium_fraction"].values
    # The shift is what moving the references does, to first order; pixels are combined a little differently.
    np.testing.assert_allclose(shift, moved - still, atol=0.1 * np.abs(shift).max())


def test_a_scan_that_cannot_be_aligned_is_said_and_flagged(study):
    recipe = study()
    rng = np.random.default_rng(1)
    for image in (recipe.parent / "raw").glob("scan_002_*.xim"):
        counts = np.loadtxt(image)
        np.savetxt(image, rng.poisson(np.median(counts), counts.shape), fmt="%d", delimiter="\t")
    done, _ = run(recipe)
    flags = done.results["composition"]["lithium_fraction_flag"].values
    assert ((flags[2] & stages.flag_bit("not_aligned")) != 0).all()
    assert np.isnan(done.results["composition"]["lithium_fraction"].values[2]).all()
    assert np.isfinite(done.results["particles"]["lithium_fraction"].values[:, [0, 1, 3]]).all()
    assert any("could not be aligned" in text or "not aligned" in text for text in done.warnings)


def test_frames_are_aligned_by_the_area_that_the_recipe_names(study):
    recipe = study()
    done, _ = run(recipe)
    whole, label = done.results["alignment"].load(), done.results["labels"]["label"].values
    area = recipe.parent / "area.tif"
    # One particle and some room about it.
    tifffile.imwrite(area, ndimage.binary_dilation(label == label.max(), iterations=8).astype(np.uint8))
    done, notes = run(recipe, "align.area=area.tif")
    assert notes.fresh()[0] == "alignment"
    one = done.results["alignment"].load()
    centred = [each["shift"].values - each["shift"].values.mean(axis=0) for each in (whole, one)]
    most = one["shift_std"].values.max()
    # Its pixels are among all pixels: the two differ by less than its own error, which is larger.
    assert 0 < np.abs(centred[0] - centred[1]).max() < 5 * most
    assert most > 1.2 * whole["shift_std"].values.max()
    # Where there is nothing, there is nothing to hold on to; and another area in the same file is noticed.
    tifffile.imwrite(area, (~ndimage.binary_dilation(label > 0, iterations=6)).astype(np.uint8))
    notes = Notes()
    with pytest.raises(AnalysisError, match="NaN everywhere"):
        run_study(load_recipe(recipe, settings=["align.area=area.tif"]), recipe.parent / "results", reporter=notes)
    assert notes.fresh()[0] == "alignment"
    assert any("of 12 frames could not be aligned" in line for line in notes.lines), notes.lines
