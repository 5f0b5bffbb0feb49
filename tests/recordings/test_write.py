"""What is written is read back, in both formats."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lithiscope.errors import OptionError, StageError
from lithiscope.recordings import join_scans, open_recording, write_nexus, write_sdf
from recordings.conftest import make_recording

WRITERS = [(write_sdf, "A.hdr"), (write_nexus, "A.h5")]
both = pytest.mark.parametrize(("write", "name"), WRITERS)
counts = arrays(
    np.float32,
    st.tuples(st.integers(2, 4), st.integers(1, 4), st.integers(1, 5)),
    elements=st.integers(1, 2**24).map(float) | st.floats(-1e6, 1e6, width=32),
).filter(lambda values: all(frame.any() for frame in values))


@pytest.mark.filterwarnings("ignore:.*hard to believe as counts")
@given(counts=counts, start=st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1)), data=st.data())
@both
def test_any_scan_comes_back(write, name, counts, start, data) -> None:
    frames = counts.shape[0]
    gaps = data.draw(st.lists(st.floats(0.001, 1e4), min_size=frames, max_size=frames))
    step = data.draw(st.floats(0.01, 100))
    recording = make_recording(counts, 700 + step * np.arange(frames), mid=np.cumsum(gaps), start=start.isoformat())
    with TemporaryDirectory() as folder:
        back = open_recording(write(recording, Path(folder) / name))
    np.testing.assert_array_equal(back["counts"], recording["counts"])
    np.testing.assert_array_equal(back["counts_flag"], recording["counts_flag"])
    np.testing.assert_allclose(back["exposure_mid"], recording["exposure_mid"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(back["time"], recording["time"], rtol=0, atol=1e-3)
    written = (datetime.fromisoformat(r.attrs["start_local"]) for r in (back, recording))
    assert abs(next(written) - next(written)) <= timedelta(milliseconds=1)
    for axis in ("x", "y", "energy"):
        np.testing.assert_allclose(back[axis], recording[axis], rtol=0, atol=1e-6)
    for field in ("dwell", "ring_current"):
        np.testing.assert_allclose(back[field], recording[field], rtol=1e-12)
    for attribute in ("origin", "saturation", "channel"):
        assert back.attrs[attribute] == recording.attrs[attribute]


@both
def test_missing_pixels_and_frames_come_back(write, name, tmp_path, recwarn) -> None:
    values = np.arange(24, dtype=float).reshape(2, 3, 4) + 1
    values[0, 1, 2] = np.nan
    recording = make_recording(values, [700.0, 710.0])
    np.testing.assert_array_equal(open_recording(write(recording, tmp_path / name))["counts"], recording["counts"])


@both
def test_both_clocks_come_back(write, name, tmp_path) -> None:
    recording = make_recording(np.ones((2, 3, 3)), [700.0, 710.0], start_utc="2020-02-03T12:05:06.789000+00:00")
    back = open_recording(write(recording, tmp_path / name), timezone="America/Los_Angeles")
    assert back.attrs["start_utc"] == recording.attrs["start_utc"]
    assert back.attrs["start_local"] == recording.attrs["start_local"]


def test_whole_counts_are_written_as_integers(tmp_path) -> None:
    write_sdf(make_recording(np.full((2, 2, 2), 65536.0), [700.0, 710.0]), tmp_path / "A.hdr")
    assert (tmp_path / "A_a001.xim").read_text() == "65536\t65536\t\n65536\t65536\t\n"


@both
def test_existing_files_are_safe(write, name, tmp_path) -> None:
    recording = make_recording(np.ones((2, 3, 3)), [700.0, 710.0])
    write(recording, tmp_path / name)
    with pytest.raises(OptionError, match="exists"):
        write(recording, tmp_path / name)
    write(recording, tmp_path / name, overwrite=True)
    with pytest.raises(OptionError, match="folder"):
        write(recording, tmp_path / "nowhere" / name)
    assert not list(tmp_path.glob(".*"))


@both
def test_an_unfinished_file_never_shows(write, name, tmp_path, monkeypatch) -> None:
    def fail(*args, **kwargs):
        raise OSError("disc full")

    monkeypatch.setattr(np, "savetxt", fail)
    monkeypatch.setattr("lithiscope.recordings.nexus.write._write_data", fail)
    with pytest.raises(OSError, match="disc full"):
        write(make_recording(np.ones((2, 3, 3)), [700.0, 710.0]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@both
def test_a_series_is_refused(write, name, tmp_path) -> None:
    scans = [make_recording(np.ones((2, 3, 3)), [700.0, 710.0], start=f"2020-02-03T0{hour}:00:00") for hour in (1, 2)]
    series, _ = join_scans(scans)
    with pytest.raises(StageError, match=r"one scan[\s\S]*isel"):
        write(series, tmp_path / name)
    # A scan taken out of the series keeps its time on the axis of the series.
    back = open_recording(write(series.isel(time=[1]), tmp_path / name))
    np.testing.assert_allclose(back["exposure_mid"], series["exposure_mid"][1:])


def test_nexus_is_laid_out_as_other_programs_ask(tmp_path) -> None:
    """MANTiS 3.3 opens no file whose words are scalars or of variable length, and divides by the current per pixel."""
    import h5py

    recording = make_recording(np.arange(1.0, 25).reshape(2, 3, 4), [700.0, 710.0])
    with h5py.File(write_nexus(recording, tmp_path / "A.hdf5")) as file:
        entry = file["entry1"]
        data = entry[entry.attrs["default"]]
        assert entry["definition"][0] == b"NXstxm"
        assert data["stxm_scan_type"][0] == b"sample image stack"
        assert [word.decode() for word in data.attrs["axes"]] == ["energy", "sample_y", "sample_x"]
        assert {"count_time", "energy", "sample_x", "sample_y", "data"} <= set(data)
        current = recording["ring_current"].values[0, :, None, None] * 1e3
        np.testing.assert_allclose(entry["control/data"], np.broadcast_to(current, (2, 3, 4)), rtol=1e-12)
