"""NXstxm as each beamline's program writes it, read back number by number."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings import guess_format, open_recording
from lithiscope.recordings.nexus import layout
from lithiscope.stages import flag_bit
from lithiscope.verification.file_builders import NEXUS_DIALECTS, picture, write_dialect

GIVEN = picture()


@pytest.fixture
def written(tmp_path):
    return lambda dialect: write_dialect(tmp_path / "a.h5", dialect, GIVEN)


@pytest.mark.parametrize("dialect", NEXUS_DIALECTS)
def test_every_number_comes_back(written, dialect) -> None:
    recording = open_recording(written(dialect))
    for name in ("energy", "y", "x"):
        # Powers of two of a quarter: exact in every unit that the dialects use.
        np.testing.assert_array_equal(recording[name], getattr(GIVEN, name))
    counts = recording["counts"].values[0]
    taken = np.isfinite(counts)
    np.testing.assert_array_equal(counts[taken], GIVEN.counts[taken])
    np.testing.assert_array_equal(recording["counts_flag"].values[0] == flag_bit("missing"), ~taken)
    assert json.loads(recording.attrs["header"])["dialect"] == dialect.split()[0]
    assert recording.attrs["start_local"] == "2023-05-04T12:30:00"


@pytest.mark.parametrize("dialect", NEXUS_DIALECTS)
def test_only_what_was_not_taken_is_missing(written, dialect) -> None:
    taken = np.isfinite(open_recording(written(dialect))["counts"].values[0])
    expected = np.ones(GIVEN.counts.shape, dtype=bool)
    if dialect == "pySTXM":
        expected[-1] = False
    if dialect == "pystxmcontrol 3":
        expected[-1, 2:] = False
    np.testing.assert_array_equal(taken, expected)


@pytest.mark.parametrize("dialect", [name for name in NEXUS_DIALECTS if name.startswith("pystxmcontrol")])
def test_the_dwell_of_pystxmcontrol_is_in_milliseconds(written, dialect) -> None:
    recording = open_recording(written(dialect))
    np.testing.assert_allclose(recording["dwell"].values[0], GIVEN.dwell, rtol=1e-12)


def test_the_ring_current_is_read_where_it_was_measured(written) -> None:
    current = open_recording(written("Pixelator"))["ring_current"].values[0]
    # 400, 399, 398 mA with a wobble of 0.01 mA a pixel.
    np.testing.assert_allclose(current, [0.400, 0.399, 0.398], rtol=0, atol=1e-5)


@pytest.mark.parametrize("dialect", ["pySTXM", "pystxmcontrol 0"])
def test_a_drawn_line_or_zeros_are_no_ring_current(written, dialect) -> None:
    recording = open_recording(written(dialect))
    assert "ring_current" not in recording
    assert "position_x" not in recording


def test_detectors_of_pystxmcontrol_are_channels_and_default_goes_first(written) -> None:
    path = written("pystxmcontrol 3")
    assert open_recording(path).attrs["channel"] == "default"
    other = open_recording(path, channel="zxrf")["counts"].values[0]
    np.testing.assert_array_equal(other[0], GIVEN.counts[0] + 1)


def test_a_single_image_that_names_its_motors(written) -> None:
    path = written("pySTXM")
    with h5py.File(path, "a") as file:
        data = file["entry1/counter0"]
        for name in ("data", "energy"):
            values = data[name][:1]
            del data[name]
            data[name] = values
        data.attrs["axes"] = ["DNM_SAMPLE_Y", "DNM_SAMPLE_X"]
    np.testing.assert_array_equal(open_recording(path)["counts"].values[0], GIVEN.counts[:1])


def test_a_later_version_is_refused(written) -> None:
    path = written("pystxmcontrol 3")
    with h5py.File(path, "a") as file:
        file["entry0/version"][...] = 4.0
    with pytest.raises(FileFormatError, match="version that this reader does not know"):
        open_recording(path)


def test_lines_without_their_positions_are_refused(written) -> None:
    path = written("pystxmcontrol 2.0")
    with h5py.File(path, "a") as file:
        del file["entry0/requested_values/sample_x"]
    with pytest.raises(FileFormatError, match="no positions"):
        open_recording(path)


def test_a_scan_that_has_not_begun(written) -> None:
    path = written("pystxmcontrol 3")
    with h5py.File(path, "a") as file:
        file["entry0/default/data"][...] = 0
    assert guess_format(path) == "NXstxm"
    with pytest.raises(FileFormatError, match="every frame is blank"):
        open_recording(path)


@pytest.mark.parametrize("dialect", NEXUS_DIALECTS)
def test_some_frames_are_those_of_the_whole(written, dialect) -> None:
    path = written(dialect)
    whole = open_recording(path)
    some = open_recording(path, frames=[1, 0])
    assert some.identical(whole.isel(energy=[0, 1]).assign_coords(time=some["time"]))


def test_the_other_frames_are_not_read(written, monkeypatch) -> None:
    path = written("Pixelator")
    read = []
    true = h5py.Dataset.__getitem__

    def noted(item, key, **options):
        found = true(item, key, **options)
        read.append((item.name, np.size(found)))
        return found

    monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
    open_recording(path, frames=[1])
    largest = max(size for name, size in read if name == "/entry1/counter0/data")
    assert largest == GIVEN.counts[0].size


@pytest.mark.parametrize("frames", [[], [3], [-1], [1, 1]])
def test_frames_that_are_not_there(written, frames) -> None:
    with pytest.raises(OptionError, match="no such frames"):
        open_recording(written("Diamond"), frames=frames)


def test_a_picture_that_is_too_large_says_how_to_take_a_part(written, monkeypatch) -> None:
    path = written("HERMES")
    monkeypatch.setattr(layout, "LARGEST_PICTURE", 8 * 2 * GIVEN.counts[0].size)
    with pytest.raises(FileFormatError, match=r"too large[\s\S]*frames="):
        open_recording(path)
    assert open_recording(path, frames=[0, 1]).sizes["energy"] == 2
