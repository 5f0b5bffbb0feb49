from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.errors import FileFormatError
from lithiscope.studies.store import Store


def references() -> xr.Dataset:
    return stages.new(
        "references",
        {"reference": ("component energy", [[1.0, 2.0], [3.0, 4.0]]), "lithium_content": ("component", [1.0, 0.0])},
        coords={"energy": ("energy", [703.0, 706.0]), "component": ("component", ["LFP", "FP µ"])},
        attrs={"source": "test"},
    )


def test_a_step_comes_back_as_it_was(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.save("references", references(), key="k1", record={"seconds": 1.5})
    again = Store(tmp_path / "a.zarr")
    xr.testing.assert_identical(again.load("references"), references())
    assert again.key("references") == "k1"
    assert again.record("references") == {"seconds": 1.5}
    assert again.steps() == ["references"]
    stages.check(again.load("references"), "references")


def test_saving_again_replaces_and_leaves_nothing_behind(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.save("references", references(), key="k1", record={})
    store.save("references", references().assign_attrs(source="new"), key="k2", record={})
    assert store.load("references").attrs["source"] == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr"]


def test_what_is_absent_is_said(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    assert store.key("frames") is None
    assert store.record("frames") == {}
    with pytest.raises(FileFormatError, match="no such step"):
        store.load("frames")


def test_a_folder_that_is_no_store_is_refused_and_untouched(tmp_path: Path):
    folder = tmp_path / "precious.zarr"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(FileFormatError, match="not a lithiscope store"):
        Store(folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_zarr_group_of_somebody_else_is_refused_and_untouched(tmp_path: Path):
    path = tmp_path / "study.zarr"
    xr.Dataset({"mine": ("x", [1.0, 2.0])}).to_zarr(path, zarr_format=3, consolidated=False)
    (path / "labels").mkdir()
    (path / "labels" / "mine").write_text("precious")
    with pytest.raises(FileFormatError, match="not a lithiscope store"):
        Store(path)
    assert (path / "labels" / "mine").read_text() == "precious"


def frames() -> xr.Dataset:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    return stages.new(
        "frames",
        {
            "signal": ("time energy y x", values),
            "signal_flag": ("time energy y x", np.zeros(values.shape, dtype=np.uint16)),
            "exposure_mid": ("time energy", np.arange(6.0).reshape(2, 3)),
        },
        coords={
            "time": ("time", [0.0, 60.0]),
            "scan": ("time", [0, 1]),
            "energy": ("energy", [703.0, 706.0, 713.0]),
            "y": ("y", np.arange(4.0)),
            "x": ("x", np.arange(5.0)),
        },
        attrs={"quantity": "counts"},
    )


def test_what_is_read_later_is_what_was_stored(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.save("frames", frames(), key="k", record={})
    opened, whole = store.open("frames"), frames()
    assert list(opened.data_vars) == list(store.load("frames").data_vars)
    columns = xr.DataArray([0, 4, 4], dims="points")
    for part in (
        {"time": 1},
        {"time": [1, 0], "x": [0, 3]},
        {"y": slice(None, None, -1), "energy": slice(1, 3)},
        {"x": columns, "y": xr.DataArray([3, 0, 1], dims="points")},
    ):
        xr.testing.assert_identical(opened.isel(part).load(), whole.isel(part))
    xr.testing.assert_identical(pickle.loads(pickle.dumps(store.open("frames"))).load(), whole)
    # What was read as a whole is not read again.
    opened["signal"].values[:] = 1.0
    (store.path / "frames" / "signal" / "zarr.json").unlink()
    assert (opened["signal"].values == 1.0).all()


def test_damage_is_told_when_it_is_met(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.save("frames", frames(), key="k", record={})
    (chunk,) = (store.path / "frames" / "signal" / "c" / "1" / "2").rglob("0/0")
    chunk.write_bytes(b"no picture")
    opened = store.open("frames")
    assert opened["signal"].isel(time=0).values.shape == (3, 4, 5)
    for read in (lambda: opened["signal"].values, lambda: opened["signal"].isel(time=1).mean(), opened.load):
        with pytest.raises(FileFormatError, match="damaged") as caught:
            read()
        assert (caught.value.file, caught.value.field) == (str(store.path), "frames")
        assert "--fresh" in str(caught.value.remedy)


def test_a_damaged_step_counts_as_absent_and_says_so_when_read(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.save("references", references(), key="k1", record={"seconds": 1.0})
    (store.path / "references" / "reference" / "zarr.json").write_text("{")
    with pytest.raises(FileFormatError, match="damaged"):
        store.load("references")
    (store.path / "references" / "zarr.json").write_text("{")
    assert store.key("references") is None
    assert store.record("references") == {}
    with pytest.raises(FileFormatError, match="damaged"):
        store.load("references")
    store.save("references", references(), key="k2", record={})
    assert store.key("references") == "k2"
    xr.testing.assert_identical(store.load("references"), references())


def test_variables_come_back_in_the_order_of_the_catalogue(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.save("references", references()[["lithium_content", "reference"]], key="k", record={})
    assert list(store.load("references").data_vars) == ["reference", "lithium_content"]


def test_attributes_of_the_study(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    store.set_attributes({"title": "one"})
    store.set_attributes({"title": "two"})
    assert store.attributes() == {"title": "two"}
    assert xr.open_datatree(store.path, engine="zarr", consolidated=False).attrs["title"] == "two"


def test_two_writers_are_refused(tmp_path: Path):
    store = Store(tmp_path / "a.zarr")
    with (
        store.locked(),
        pytest.raises(FileFormatError, match="another run is writing"),
        Store(store.path).locked(),
    ):
        pass


_WRITER = """
import sys, numpy as np
from lithiscope import stages
from lithiscope.studies.store import Store
store = Store(sys.argv[1])
n = 0
while True:
    n += 1
    data = stages.new("recording", {"counts": ("time y x", np.full((40, 64, 64), float(n)))},
        coords={"time": ("time", np.arange(40.0)), "y": ("y", np.arange(64.0)), "x": ("x", np.arange(64.0))})
    with store.locked():
        store.save("recording", data, key=str(n), record={})
    print(n, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.031, 0.087, 0.153])
def test_a_killed_writer_leaves_a_readable_store(tmp_path: Path, delay: float):
    path = tmp_path / "a.zarr"
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
    store = Store(path)
    if "recording" in store.steps():
        counts = store.load("recording")["counts"].values
        assert np.unique(counts).tolist() == [float(store.key("recording") or 0)]
    with store.locked():
        store.save("references", references(), key="k", record={})
    assert not path.with_name("a.zarr.partial").exists()
    assert store.load("references").sizes["energy"] == 2


def counted(tmp_path: Path) -> tuple[Store, list[Path]]:
    """Return a store with eight pictures of counts, some of them all NaN, and the files of the others."""
    counts = np.random.default_rng(3).poisson(1000, (8, 32, 32)).astype(float)
    counts[6:] = np.nan
    axes = {name: (name, np.arange(float(size))) for name, size in zip(("time", "y", "x"), counts.shape, strict=True)}
    store = Store(tmp_path / "a.zarr")
    data = stages.new("recording", {"counts": ("time y x", counts)}, coords=axes)
    store.save("recording", data, key="1", record={})
    xr.testing.assert_identical(store.load("recording"), data)
    return store, sorted(path for path in (store.path / "recording" / "counts" / "c").rglob("*") if path.is_file())


def test_a_byte_that_flips_on_the_disk_is_an_error_and_no_number(tmp_path: Path):
    store, chunks = counted(tmp_path)
    rng = np.random.default_rng(4)
    for _ in range(40):
        path = chunks[rng.integers(len(chunks))]
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match="recompute it") as caught:
            store.load("recording")
        assert caught.value.field == "recording"
        path.write_bytes(whole)
    store.load("recording")


def test_a_chunk_that_is_gone_is_an_error_and_no_fill_value(tmp_path: Path):
    store, chunks = counted(tmp_path)
    assert len(chunks) == 6  # pictures of NaN are not written, and read as NaN
    chunks[2].unlink()
    for read in (store.load, store.open):
        with pytest.raises(FileFormatError, match="counts has 5 of its 6 chunks"):
            read("recording")
