"""Directions that a recipe states against what the cell did, under clocks that are well and badly known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.studies.agreement import require_same_directions

TIMES = np.array([500.0, 1500.0, 2500.0, 3500.0, 7000.0, 8000.0, 9000.0])
STATED = xr.Dataset({"direction": ("time", [1, 1, 1, 1, -1, -1, -1])}, coords={"scan": ("time", np.arange(7))})
# Lithiation from 0 to 4000 s, rest, delithiation from 6500 to 9500 s of the trace.
HALVES = stages.new(
    "half_cycles",
    {
        "direction": ("half_cycle", [1, -1]),
        "first_sample": ("half_cycle", [0, 20]),
        "last_sample": ("half_cycle", [10, 30]),
        "start_second": ("half_cycle", [0.0, 6500.0]),
        "end_second": ("half_cycle", [4000.0, 9500.0]),
        "capacity_ah": ("half_cycle", [1e-9, 1e-9]),
        "current_ampere": ("half_cycle", [-1e-9, 1e-9]),
    },
    coords={"half_cycle": ("half_cycle", [0, 1])},
)


def clock(offset: float, std: float, method: str = "edges") -> xr.Dataset:
    return stages.new(
        "clock",
        {
            **{name: ("edge", np.zeros(0)) for name in ("image_second", "trace_second", "residual_second")},
            "offset_second": ("", offset),
            "offset_std": ("", std),
            "drift": ("", 0.0),
            "drift_std": ("", np.nan),
            "reference_second": ("", 0.0),
        },
        coords={"edge": ("edge", np.arange(0))},
        attrs={"method": method, "drift": "unknown"},
    )


def compare(
    offset: float, std: float, method: str = "edges", stated: xr.Dataset = STATED, *, rests: bool = False
) -> None:
    frames = xr.Dataset({"voltage_volt": ("time", np.full(7, 3.4))}, coords={"time": TIMES})
    moved = clock(offset, std, method)
    require_same_directions(frames, HALVES, moved, stated, slack=60.0, rests=rests, file="cell.mpt")


def directions(*values: int) -> xr.Dataset:
    return STATED.assign(direction=("time", list(values)))


def test_a_stated_rest_while_the_current_flows_is_refused() -> None:
    flowing = directions(1, 1, 1, 1, -1, 0, 0)
    with pytest.raises(AnalysisError, match="recipe and trace disagree about the direction") as caught:
        compare(0.0, 10.0, "absolute times", flowing, rests=True)
    assert "2 of 7 frames: scan 5, stated rest; scan 6, stated rest" in str(caught.value)
    assert caught.value.field == "data.series.direction"
    # 0 may state nothing at all, and within the error of the clock a frame may lie outside.
    compare(0.0, 10.0, "absolute times", flowing)
    compare(0.0, 400.0, "absolute times", directions(1, 1, 1, 1, -1, -1, 0), rests=True)


def test_a_stated_rest_in_a_rest_passes_with_any_clock() -> None:
    # Scan 3 at 3950 s began before the current stopped at 4000 s, and at 4400 s after it.
    resting = directions(1, 1, 1, 0, -1, -1, -1)
    for method in ("edges", "absolute times"):
        compare(450.0, 1.0, method, resting, rests=True)
    with pytest.warns(LithiscopeWarning, match="the cell rested at 1 of 6"):
        compare(900.0, 1.0, "absolute times", resting, rests=True)


def test_a_clock_that_fits_passes() -> None:
    compare(0.0, 10.0)
    compare(300.0, 100.0)


def test_a_badly_known_clock_from_edges_does_not_hide_that_it_is_wrong() -> None:
    # 2600 s late: scans 1 to 3 rest, 4 to 6 lie beyond the end; 3 sigma would excuse them all.
    with pytest.raises(AnalysisError, match="contradicts the stated directions") as caught:
        compare(2600.0, 1000.0)
    for word in ("cell.mpt", "6 frames: scan 1, stated lithiation", "known to 1e+03 s", "absolute or markers"):
        assert word in str(caught.value)


def test_other_clocks_and_single_frames_are_judged_by_their_errors() -> None:
    compare(2600.0, 1000.0, "markers")
    compare(1000.0, 300.0)
    with pytest.warns(LithiscopeWarning, match="the cell rested at 2 of 7"):
        compare(1000.0, 30.0)
    with pytest.raises(AnalysisError, match="recipe and trace disagree"):
        compare(3300.0, 10.0, "absolute times")
