"""A series in pieces along time has the result that it has at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import xarray as xr

from lithiscope.errors import FileFormatError
from lithiscope.progress import SILENT
from lithiscope.studies.pieces import Pieces, scans_at_once, stretches
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.results import write_results
from lithiscope.studies.run import run_study
from lithiscope.studies.sources import read_recording
from lithiscope.studies.store import Store
from lithiscope.studies.stxm_pictures import alignment, composition, corrected, optical_density, resampled

TINY = 1e-6  # GiB: one scan at once


@pytest.fixture(scope="module")
def both(prepared, tmp_path_factory):
    """Two studies of eight scans in two half cycles: at once, and scan by scan."""
    place = tmp_path_factory.mktemp("pieces")
    settings = ["cell.files=[]", "kinetics.compute=false", "learning.compute=false"]
    recipe = load_recipe(prepared / "recipe.yaml", settings=settings)
    return [run_study(recipe, place / name, memory=memory) for name, memory in (("whole", None), ("parts", TINY))]


def test_stretches_cover_the_series_once_and_have_their_neighbours() -> None:
    for scans, at_once in ((1, 1), (7, 3), (6, 3), (5, 9)):
        found = stretches(scans, at_once, neighbours=1)
        own = np.concatenate([np.arange(scans)[one.own] for one in found])
        assert own.tolist() == list(range(scans))
        for one in found:
            wide = np.arange(scans)[one.with_neighbours]
            assert wide[one.inner].tolist() == np.arange(scans)[one.own].tolist()
            assert wide[0] == max(0, np.arange(scans)[one.own][0] - 1)
            assert wide[-1] == min(scans - 1, np.arange(scans)[one.own][-1] + 1)


def test_a_longer_series_is_cut_into_what_fits() -> None:
    frames = xr.Dataset(coords={"time": range(40), "energy": range(3), "y": range(512), "x": range(512)})
    # Half a GiB over 40 times 3 x 512 x 512 x 4 bytes is 4.3 scans.
    assert scans_at_once(frames, 1.0, 40.0) == 4
    assert scans_at_once(frames, 1.0, 40.0, neighbours=1) == 2
    assert scans_at_once(frames, TINY, 40.0) == 1
    assert scans_at_once(frames, None, 40.0) == 40
    assert scans_at_once(frames, 100.0, 40.0, neighbours=1) == 40


def test_every_step_is_the_same_to_rounding(both) -> None:
    whole, parts = both
    assert set(whole.results) == set(parts.results)
    for name in whole.results:
        one, other = whole.results[name], parts.results[name]
        assert one.sizes == other.sizes, name
        assert set(one.variables) == set(other.variables), name
        for variable in one.variables:
            values, found = one[variable].values, other[variable].values
            if values.dtype.kind != "f":
                np.testing.assert_array_equal(found, values, err_msg=f"{name} {variable}")
                continue
            scale = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
            # float32 holds seven digits.
            np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-6 * scale, err_msg=f"{name} {variable}")


def test_what_is_told_of_the_whole_is_the_same(both) -> None:
    whole, parts = both
    for name in whole.results:
        one, other = whole.results[name].attrs, parts.results[name].attrs
        assert set(one) == set(other), name
        for key, value in one.items():
            expected = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
            assert other[key] == expected, (name, key)
    assert whole.warnings == parts.warnings


def _read(recipe, inputs, reporter):
    found = read_recording(recipe, memory=inputs["memory"], reporter=reporter)
    return found if isinstance(found, Pieces) else Pieces(iter([found]))


@pytest.mark.parametrize("step", [_read, corrected, resampled, optical_density, composition])
def test_a_step_makes_one_piece_of_each_scan(both, step) -> None:
    """The comparisons above would also hold if the limit did nothing."""
    whole, _ = both
    made = [part.sizes["time"] for part in step(whole.recipe, {**whole.results, "memory": TINY}, SILENT).parts]
    assert made == [1] * whole.results["composition"].sizes["time"]
    assert len(list(step(whole.recipe, {**whole.results, "memory": None}, SILENT).parts)) == 1


@pytest.mark.parametrize("mode", ["isosbestic", "amount"])
@pytest.mark.parametrize("named", [False, True])
def test_pictures_that_need_references_align_alike(both, prepared, tmp_path, mode, named) -> None:
    whole, _ = both
    scans = ["references.lithiated_scans=[3]", "references.delithiated_scans=[0, 7]", "references.spectra={}"]
    settings = ["align.scans=true", f"align.invariant.mode={mode}", *(scans if named else [])]
    recipe = load_recipe(prepared / "recipe.yaml", settings=settings)
    inputs = {**whole.results, "scratch": tmp_path}
    one, parts = (alignment(recipe, {**inputs, "memory": memory}, SILENT) for memory in (None, TINY))
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.zarr"]  # of the run in pieces
    for name in ("shift", "shift_std"):
        # float32 pictures, in which the shift is found to some 1e-6 of a pixel of 0.05 um.
        np.testing.assert_allclose(parts[name].values, one[name].values, atol=1e-7, rtol=1e-6)


def test_pieces_are_put_together(both) -> None:
    _, parts = both
    video = parts.results["composition"]
    store = Store(parts.store.path.with_name("again.zarr"))
    pieces = Pieces(video.isel(time=[number]) for number in range(video.sizes["time"]))
    collected = store.collect("composition", pieces)
    assert store.key("composition") is None  # not there before it is saved
    store.save("composition", collected, key="k", record={"seconds": 1})
    xr.testing.assert_identical(store.load("composition"), video)
    assert store.record("composition") == {"seconds": 1}


def test_a_piece_that_fails_leaves_the_older_result(both) -> None:
    _, parts = both
    store = Store(parts.store.path.with_name("failing.zarr"))
    video = parts.results["composition"]
    store.save("composition", video, key="old", record={})

    def broken():
        yield video.isel(time=[0])
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        store.collect("composition", Pieces(broken()))
    assert store.key("composition") == "old"
    xr.testing.assert_identical(store.load("composition"), video)


def test_results_are_written_from_what_is_read_when_it_is_needed(both, tmp_path, monkeypatch) -> None:
    whole, parts = both
    monkeypatch.setattr("lithiscope.studies.runner._SMALL", 0)
    for study, place in ((whole, tmp_path / "whole"), (parts, tmp_path / "parts")):
        study.results.release(list(study.results))
        write_results(study, place)
    one, other = (tifffile.imread(tmp_path / place / "lithium_fraction.tif") for place in ("whole", "parts"))
    assert one.shape == (8, 3, *whole.results["labels"]["label"].shape)
    np.testing.assert_array_equal(one[:, 0], whole.results["composition"]["lithium_fraction"].values)
    np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6)
    with whole.store.locked(), pytest.raises(FileFormatError, match="another run is writing"):
        write_results(whole, tmp_path / "later")


@pytest.mark.long
def test_forty_scans_of_512_pixels_squared_stay_within_a_gibibyte() -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "stxm_size.py"
    done = subprocess.run(
        [sys.executable, str(script), "--one", "40", "512", "1"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["particles"] > 50
    assert found["all_mib"] < 1024  # with the page; 782 for the run and 819 with the page were measured
