"""Real NXstxm files of PolLux (Swiss Light Source), against the figures noted when they were collected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lithiscope.errors import FileFormatError
from lithiscope.recordings import guess_format, open_recording, write_nexus, write_sdf


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    return real_data / "stxm" / "nexus_pollux"


@pytest.fixture(scope="module")
def recording(folder: Path):
    return open_recording(folder / "Sample_Stack_2021-03-16_128.hdf5")


def test_the_stack(recording) -> None:
    assert recording["energy"].values.tolist() == [280, 284.5, 285, 320]
    assert recording["counts"].shape == (1, 4, 50, 50)
    np.testing.assert_array_equal(recording["counts"].values[0, 0, 0, :4], [1080, 1041, 1109, 1101])
    for axis in ("y", "x"):
        np.testing.assert_allclose(np.diff(recording[axis]), 0.5, atol=1e-9)
    np.testing.assert_allclose(recording["dwell"], 0.01)
    assert recording.attrs["start_utc"] == "2021-03-16T15:50:18+00:00"


def test_measured_positions_ring_current_and_times(recording) -> None:
    # The stage followed the line to better than a pixel (0.5 um) on average.
    away = recording["position_y"].values[0] - recording["y"].values[None, :, None]
    assert abs(away.mean()) < 0.5
    assert recording["position_x"].dtype == np.float64
    # The ring was topped up to 400-402 mA.
    assert np.all((recording["ring_current"] > 0.399) & (recording["ring_current"] < 0.403))
    mid = recording["exposure_mid"].values[0]
    assert np.all(np.diff(mid) > 25)
    # The file says that the scan ended 160 s after it began.
    assert 0 < mid[0] < mid[-1] < 160
    assert recording.attrs["exposure_times"] == "measured"


def test_the_line_scan_is_refused(folder: Path) -> None:
    path = folder / "Sample_Line_2021-03-16_096.hdf5"
    assert guess_format(path) == "NXstxm"
    with pytest.raises(FileFormatError, match="sample line spectrum"):
        open_recording(path)


@pytest.mark.parametrize(("write", "name"), [(write_nexus, "a.h5"), (write_sdf, "a.hdr")])
def test_it_comes_back_from_both_formats(recording, tmp_path, write, name) -> None:
    back = open_recording(write(recording, tmp_path / name))
    np.testing.assert_array_equal(back["counts"], recording["counts"])
    np.testing.assert_allclose(back["exposure_mid"], recording["exposure_mid"], atol=1e-3)
    np.testing.assert_allclose(back["x"], recording["x"], rtol=0, atol=1e-6)
