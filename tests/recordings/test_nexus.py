"""NXstxm files made by hand with the traps of its dialects, one by one."""

from __future__ import annotations

from datetime import datetime

import h5py
import numpy as np
import pytest

from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError, UnitError
from lithiscope.recordings import guess_format, open_recording, open_regions
from recordings.conftest import counts_of

START = "2021-03-16T16:50:18+01:00"


def put(group, name, values, units=None) -> None:
    group[name] = values
    if units is not None:
        group[name].attrs["units"] = units


def make_file(path, *, entry="entry1", channel="counter0", counts=None, energy=(280.0, 285.0, 320.0), unit=b"\xb5m"):
    """Make a file in the dialect of PolLux: definition as an array, Latin-1 units, counter0."""
    counts = counts_of(len(energy)) if counts is None else counts
    with h5py.File(path, "a") as file:
        group = file.create_group(entry)
        group.attrs["NX_class"] = np.bytes_(b"NXentry")
        group["definition"] = np.array([b"NXstxm"])
        group["start_time"] = np.array([START.encode()])
        data = group.create_group(channel)
        data.attrs["NX_class"] = np.bytes_(b"NXdata")
        data.attrs["axes"] = np.array([b"energy", b"sample_y", b"sample_x"])
        data.attrs["signal"] = np.bytes_(b"data")
        data["stxm_scan_type"] = np.array([b"sample image stack"])
        put(data, "data", counts, np.bytes_(b" "))
        put(data, "energy", np.array(energy), np.bytes_(b"eV"))
        put(data, "sample_y", 5189.0 + 0.5 * np.arange(counts.shape[1]), np.bytes_(unit))
        put(data, "sample_x", -4982.0 + 0.5 * np.arange(counts.shape[2]), np.bytes_(unit))
        put(data, "count_time", np.full(len(energy), 0.01), np.bytes_(b"s"))
    return path


def edit(path, change) -> None:
    with h5py.File(path, "a") as file:
        change(file["entry1"])


@pytest.fixture
def stack(tmp_path):
    return make_file(tmp_path / "A.hdf5")


def test_a_plain_stack(stack) -> None:
    recording = open_recording(stack)
    assert guess_format(stack) == "NXstxm"
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(3))
    assert recording["energy"].values.tolist() == [280, 285, 320]
    assert recording["x"].values[0] == -4982.0
    assert recording.attrs["start_utc"] == "2021-03-16T15:50:18+00:00"
    assert recording.attrs["start_local"] == "2021-03-16T16:50:18"
    np.testing.assert_allclose(recording["exposure_mid"], [[0.06, 0.18, 0.30]])
    assert recording.attrs["exposure_times"] == "estimated"


def test_the_end_of_the_scan_spreads_the_estimated_times(stack) -> None:
    edit(stack, lambda entry: put(entry, "end_time", "2021-03-16T16:51:18+01:00"))
    np.testing.assert_allclose(open_recording(stack)["exposure_mid"], [[10, 30, 50]])


def test_the_clock_of_every_pixel(stack) -> None:
    epoch = datetime.fromisoformat(START).timestamp()
    clock = epoch + np.repeat([10.0, 40.0, 70.0], 12) + np.tile(np.arange(12.0), 3)
    edit(stack, lambda entry: put(entry, "instrument/time_detector/data", clock))
    recording = open_recording(stack)
    np.testing.assert_allclose(recording["exposure_mid"], [[15.5, 45.5, 75.5]], atol=1e-6)
    assert recording.attrs["exposure_times"] == "measured"


def test_ring_current_and_what_is_none(stack) -> None:
    edit(stack, lambda entry: put(entry, "control/data", np.repeat([401.0, 400.0, 399.0], 12).reshape(3, 3, 4), "mA"))
    np.testing.assert_allclose(open_recording(stack)["ring_current"], [[0.401, 0.400, 0.399]])
    # A monitor without unit is a counter, or a ramp that a program put there: no current.
    edit(stack, lambda entry: entry["control/data"].attrs.pop("units"))
    assert "ring_current" not in open_recording(stack)


def test_measured_positions_in_the_unit_of_the_axis(stack) -> None:
    x = np.broadcast_to(-4982.0 + 0.5 * np.arange(4), (3, 3, 4)) + 0.01
    edit(stack, lambda entry: put(entry, "instrument/sample_x/data", x.ravel(), " "))
    edit(stack, lambda entry: put(entry, "instrument/sample_y/data", np.zeros(36), " "))
    recording = open_recording(stack)
    np.testing.assert_allclose(recording["position_x"].values[0], x, rtol=0, atol=1e-9)
    assert "position_y" not in recording


def test_names_and_order_of_axes_of_other_beamlines(tmp_path) -> None:
    path = make_file(tmp_path / "A.nxs", channel="Counter1")

    def diamond(entry) -> None:
        data = entry["Counter1"]
        data.move("energy", "photon_energy")
        turned = np.moveaxis(data["data"][()], 0, -1)
        del data["data"]
        data["data"] = turned
        data.attrs["axes"] = ["sample_y", "sample_x", "photon_energy"]

    edit(path, diamond)
    recording = open_recording(path)
    assert recording.attrs["channel"] == "Counter1"
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(3))


def test_a_file_without_classes(stack) -> None:
    def strip(entry) -> None:
        del entry.attrs["NX_class"]
        del entry["counter0"].attrs["NX_class"]
        del entry["definition"]

    edit(stack, strip)
    np.testing.assert_array_equal(open_recording(stack)["counts"].values[0], counts_of(3))


def test_a_single_image_of_two_dimensions(tmp_path) -> None:
    path = make_file(tmp_path / "A.h5", counts=counts_of(1), energy=(700.0,))

    def flatten(entry) -> None:
        data = entry["counter0"]
        flat = data["data"][0]
        del data["data"]
        data["data"] = flat
        data.attrs["axes"] = ["sample_y", "sample_x"]

    edit(path, flatten)
    recording = open_recording(path)
    assert recording.sizes["energy"] == 1
    np.testing.assert_array_equal(recording["counts"].values[0], counts_of(1))


def test_frames_reserved_but_never_written_are_missing(tmp_path) -> None:
    counts = counts_of(3)
    counts[2] = 0
    with pytest.warns(LithiscopeWarning, match="1 of 3 frames"):
        recording = open_recording(make_file(tmp_path / "A.h5", counts=counts))
    assert np.isnan(recording["counts"].values[0, 2]).all()
    assert np.isnan(recording["exposure_mid"].values[0, 2])
    with pytest.raises(FileFormatError, match="every frame is blank"):
        open_recording(make_file(tmp_path / "B.h5", counts=np.zeros((3, 3, 4))))


def test_regions_and_channels(tmp_path) -> None:
    path = make_file(tmp_path / "A.h5")
    make_file(path, entry="entry2", counts=counts_of(3) + 5)
    with pytest.raises(OptionError, match=r"0: entry1; 1: entry2"):
        open_recording(path)
    np.testing.assert_array_equal(open_recording(path, region=1)["counts"].values[0], counts_of(3) + 5)
    assert list(open_regions(path).children) == ["region0", "region1"]
    with pytest.raises(OptionError, match=r"no such channel[\s\S]*counter0"):
        open_recording(path, region=0, channel="counter7")


def _line(entry) -> None:
    del entry["counter0/stxm_scan_type"]
    entry["counter0/stxm_scan_type"] = "sample line spectrum"


def _without(name):
    return lambda entry: entry["counter0"].pop(name)


def _huge(entry) -> None:
    del entry["counter0/data"]
    entry["counter0"].create_dataset("data", shape=(3, 10**6, 10**6), dtype="f8", chunks=(1, 1000, 1000))


def _words(entry) -> None:
    del entry["counter0/data"]
    entry["counter0/data"] = np.full((3, 3, 4), b"x")


def _other_time(entry) -> None:
    entry["start_time"][...] = b"yesterday"


def _no_dwell(entry) -> None:
    entry["counter0/count_time"][...] = -1.0


def _line_axes(entry) -> None:
    del entry["counter0/stxm_scan_type"]
    entry["counter0"].attrs["axes"] = ["energy", "line_position"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_line, "sample line spectrum"),
        (_line_axes, "axes do not fit"),
        (_without("sample_x"), "an axis is missing"),
        (_without("energy"), "an axis is missing"),
        (_huge, "far larger"),
        (_words, "no numbers"),
        (_other_time, "time cannot be read"),
        (_no_dwell, "not positive"),
    ],
)
def test_wrong_files_are_refused(stack, change, message) -> None:
    edit(stack, change)
    with pytest.raises(FileFormatError, match=message):
        open_recording(stack)


def test_positions_without_unit(stack) -> None:
    edit(stack, lambda entry: entry["counter0/sample_x"].attrs.pop("units"))
    with pytest.raises(UnitError, match="sample_x"):
        open_recording(stack)


def test_a_file_that_was_cut_off(stack) -> None:
    stack.write_bytes(stack.read_bytes()[:2000])
    with pytest.raises(FileFormatError, match="cannot be opened"):
        open_recording(stack)


def test_text_that_is_called_hdf5(tmp_path) -> None:
    path = tmp_path / "A.hdf5"
    path.write_text("no HDF5")
    with pytest.raises(FileFormatError, match="cannot be opened"):
        open_recording(path)
