from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from lithiscope.cell import TraceOptions, open_trace
from lithiscope.errors import FileFormatError, OptionError

SHARE = np.array([-1e-7, 0.1, 0.25, 0.25 - 1e-9, 0.5, 1.0])
VOLTAGE = np.linspace(3.3, 3.5, 6)


def write(path, share=SHARE, voltage=VOLTAGE):
    scipy.io.savemat(path, {"batteryData": {"normalizedCapacity": share, "voltage": voltage}})
    return path


@pytest.mark.parametrize(("direction", "share"), [(1, SHARE), (-1, SHARE[::-1])])
def test_time_and_current_follow_from_capacity_and_rate(tmp_path, direction, share) -> None:
    path = write(tmp_path / "X_Cathode_0C05.mat", share)
    trace = open_trace(path, options=TraceOptions(capacity_ah=2.0))
    # 0C05: a twentieth of 2 Ah in an hour, 20 h in all; the share rises on delithiation.
    np.testing.assert_allclose(trace["current_ampere"], direction * 0.1)
    np.testing.assert_allclose(trace["test_time_second"][-1], 20 * 3600, rtol=1e-6)
    assert np.all(np.diff(trace["test_time_second"]) >= 0)
    np.testing.assert_allclose(trace["net_capacity_ah"], (share - share[0]) * 2.0)
    assert trace.attrs["current_source"] == "stated"


def test_what_the_file_does_not_say(tmp_path) -> None:
    path = write(tmp_path / "curve.mat")
    with pytest.raises(OptionError) as caught:
        open_trace(path)
    assert caught.value.field == "capacity_ah"
    with pytest.raises(OptionError) as caught:
        open_trace(path, options=TraceOptions(capacity_ah=1.0))
    assert caught.value.field == "current_ampere"
    with pytest.raises(OptionError, match="does not go the way"):
        open_trace(path, options=TraceOptions(capacity_ah=1.0, current_ampere=-0.1))
    trace = open_trace(path, options=TraceOptions(capacity_ah=1.0, current_ampere=0.5))
    np.testing.assert_allclose(trace["test_time_second"][-1], 7200, rtol=1e-6)


@pytest.mark.parametrize(
    ("share", "voltage"), [(SHARE, VOLTAGE[:3]), (np.full(6, np.nan), VOLTAGE), (np.array([0.5]), np.array([3.4]))]
)
def test_curves_that_are_none(tmp_path, share, voltage) -> None:
    with pytest.raises(FileFormatError, match="do not belong together"):
        open_trace(write(tmp_path / "0C05.mat", share, voltage), options=TraceOptions(capacity_ah=1.0))


def test_another_matlab_file(tmp_path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"x": np.arange(3.0)})
    with pytest.raises(FileFormatError, match="no curve that is known") as caught:
        open_trace(path, options=TraceOptions(capacity_ah=1.0))
    assert caught.value.value == "x"
