"""Peaks of dQ/dV with position, width, area and their errors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.halves import halves_of
from lithiscope.cell.incremental import curves_of, density, replicates, voltage_axis
from lithiscope.cell.options import IncrementalOptions, PeakOptions
from lithiscope.errors import StageError

if TYPE_CHECKING:
    import xarray as xr

_MEASURES = ("position_volt", "height", "width_volt", "area_ah")
_STDS = ("position_std", "height_std", "width_std", "area_std")


class _Window(NamedTuple):
    """A peak on the axis of voltage: bins of its feet and of its top."""

    low: int
    high: int
    top: int


def find_peaks(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    *,
    options: PeakOptions = PeakOptions(),  # noqa: B008 - frozen
    curves: IncrementalOptions = IncrementalOptions(),  # noqa: B008 - frozen
    corrected: xr.Dataset | None = None,
) -> xr.Dataset:
    """Find the peaks of dQ/dV of every half cycle.

    The position is the vertex of a parabola through the top, the width that at half of the height (smoothing
    included), the area the charge between the lowest places towards the neighbouring peaks. The same is done on
    bootstrap replicates of the curve; their scatter is the error.

    Parameters
    ----------
    trace, half_cycles : cell_trace, half_cycles
        As `split` returns them.
    options : PeakOptions
        What counts as a peak.
    curves : IncrementalOptions
        How dQ/dV is made; without replicates there are no errors and `least_sigma` is not used.
    corrected : incremental_capacity, optional
        dQ/dV of these half cycles, made with these `curves`, without that of a blank (`subtract_blank`): its peaks are
        found. Errors of position, width and area are those of the cell's own noise.

    Returns
    -------
    peak_table
        One row per peak, half cycle after half cycle, rising in voltage.

    Raises
    ------
    AnalysisError
        As `incremental_capacity`.
    StageError
        If `corrected` is on another axis of voltage, or of other half cycles.
    """
    smooth = curves_of(trace, half_cycles, curves)
    axis = voltage_axis(smooth, curves)
    centres = axis.centres()
    rows: list[list[float]] = []
    owners: list[tuple[int, int]] = []
    if corrected is not None:
        _require_same(corrected, centres, half_cycles)
    for row, (half, curve) in enumerate(zip(halves_of(half_cycles), smooth, strict=True)):
        value = density(curve.voltage, curve.charge, half.direction, axis)
        fresh = np.array(list(replicates(curve, half, axis, curves)))
        if corrected is not None:
            blank = value - corrected["incremental_capacity"].values[row]
            value, fresh = value - blank, fresh - blank if len(fresh) else fresh
        spread = np.std(fresh, axis=0, ddof=1) if len(fresh) > 1 else np.zeros_like(value)
        for window in _windows(value, spread, options):
            measured = _measure(centres, value, window, options.top_share)
            again = [_measure(centres, one, window, options.top_share) for one in fresh]
            stds = _scatter(np.array(again)) if len(fresh) > 1 else np.full(len(_MEASURES), np.nan)
            rows.append([*measured, *stds, centres[window.low], centres[window.high]])
            owners.append((half.number, half.direction))
    names = (*_MEASURES, *_STDS, "foot_below_volt", "foot_above_volt")
    table = np.array(rows).reshape(len(rows), len(names))
    owner = np.array(owners, dtype=int).reshape(len(rows), 2)
    return stages.new(
        "peak_table",
        {name: ("peak", table[:, index]) for index, name in enumerate(names)},
        coords={
            "peak": ("peak", np.arange(len(rows))),
            "half_cycle": ("peak", owner[:, 0]),
            "direction": ("peak", owner[:, 1]),
        },
        attrs={
            "voltage_width_volt": curves.voltage_width_volt,
            "charge_width": curves.charge_width,
            "replicates": curves.replicates,
        },
    )


def _require_same(corrected: xr.Dataset, centres: np.ndarray, half_cycles: xr.Dataset) -> None:
    stages.check(corrected, "incremental_capacity")
    axis = corrected["voltage"].values
    same = axis.shape == centres.shape and np.allclose(axis, centres, rtol=0, atol=1e-9)
    if not same or not np.array_equal(corrected["half_cycle"].values, half_cycles["half_cycle"].values):
        raise StageError(
            "the curve without the blank is not that of these half cycles",
            field="corrected",
            value=f"{corrected.sizes['half_cycle']} half cycles, {axis.size} voltages",
            limit=f"{half_cycles.sizes['half_cycle']} half cycles, {centres.size} voltages",
            remedy="make it from the same trace and half cycles with the same IncrementalOptions",
        )


def _windows(value: np.ndarray, spread: np.ndarray, options: PeakOptions) -> list[_Window]:
    from scipy import signal

    tops, found = signal.find_peaks(value, prominence=options.least_share * value.max())
    tops = tops[found["prominences"] >= options.least_sigma * spread[tops]]
    # The foot between two peaks is the lowest place between them; the outer feet are where the curve has ended.
    floor = 1e-3 * value.max()
    feet = [int(low + np.argmin(value[low:high])) for low, high in pairwise(tops)]
    windows = []
    for index, top in enumerate(tops):
        low = feet[index - 1] if index else int(np.flatnonzero(value > floor)[0])
        high = feet[index] if index < len(feet) else int(np.flatnonzero(value > floor)[-1])
        windows.append(_Window(low, high, int(top)))
    return windows


def _measure(volt: np.ndarray, value: np.ndarray, window: _Window, top_share: float) -> tuple[float, ...]:
    """Return position (V), height (Ah/V), width at half height (V) and area (Ah) within the window."""
    part = slice(window.low, window.high + 1)
    x, y = volt[part], value[part]
    top = int(np.argmax(y))
    above = y >= top_share * y[top]
    first, last = _run_around(above, top)
    position, height = _vertex(x[first : last + 1], y[first : last + 1], x[top], y[top])
    # The fitted height: the highest bin is the one that noise has lifted.
    left, right = _run_around(y >= height / 2, top)
    width = float("nan")
    if left > 0 and right < len(y) - 1:
        width = _crossing(x, y, right, right + 1, height / 2) - _crossing(x, y, left, left - 1, height / 2)
    # Each foot belongs half to either side.
    area = float(np.sum(y[1:] + y[:-1]) / 2 * (volt[1] - volt[0]))
    return position, height, width, area


def _run_around(inside: np.ndarray, top: int) -> tuple[int, int]:
    outside = np.flatnonzero(~inside)
    below, above = outside[outside < top], outside[outside > top]
    return (int(below[-1]) + 1 if len(below) else 0), (int(above[0]) - 1 if len(above) else len(inside) - 1)


def _vertex(x: np.ndarray, y: np.ndarray, top: float, height: float) -> tuple[float, float]:
    if len(x) < 3:
        return float(top), float(height)
    centre, scale = x.mean(), np.ptp(x)
    square, slope, constant = np.polynomial.polynomial.polyfit((x - centre) / scale, y, 2)[::-1]
    if square >= 0:
        return float(top), float(height)
    vertex = float(np.clip(-slope / (2 * square), -0.5, 0.5))
    return float(centre + scale * vertex), float(constant + slope * vertex + square * vertex**2)


def _crossing(x: np.ndarray, y: np.ndarray, inside: int, outside: int, level: float) -> float:
    share = (y[inside] - level) / (y[inside] - y[outside])
    return float(x[inside] + share * (x[outside] - x[inside]))


def _scatter(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation over the replicates; NaN where a measure exists in fewer than half of them."""
    enough = np.isfinite(values).sum(axis=0) * 2 > len(values)
    result = np.full(values.shape[1], np.nan)
    result[enough] = np.nanstd(values[:, enough], axis=0, ddof=1)
    return result
