"""The samples of a trace that an analysis can use, and the charge at each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lithiscope.cell.kernels.runs import cumulative_charge
from lithiscope.cell.kernels.smoothing import stepped_noise
from lithiscope.errors import AnalysisError
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

_REST_SIGMA = 5.0  # a current within so many standard deviations of its noise is rest
_REST_SHARE = 1e-4  # and so is one below this share of the large currents; C/100 beside 10C is ten times more
_FIELDS = ("test_time_second", "current_ampere")


class Samples(NamedTuple):
    """Readable samples of a trace.

    Attributes
    ----------
    number : ndarray of int (samples,)
        Position in the trace.
    time, voltage, current : ndarray (samples,)
        s, V, A.
    state : ndarray of int (samples,)
        Sign of the current; 0 at rest.
    charge : ndarray (samples,)
        Charge since the first sample, positive = delithiation, Ah.
    stepped : bool
        Whether the charge of a sample was counted since the sample before (a column), not integrated between them.
    rest_current : float
        Current at or below which the cell rests, A.
    """

    number: np.ndarray
    time: np.ndarray
    voltage: np.ndarray
    current: np.ndarray
    state: np.ndarray
    charge: np.ndarray
    stepped: bool
    rest_current: float


def samples_of(
    trace: xr.Dataset, *, rest_current: float | None = None, charge: Literal["current", "column"] = "current"
) -> Samples:
    """Return the readable samples; the potential of the working electrode goes before the voltage of the cell.

    Raises
    ------
    AnalysisError
        If current or voltage is missing, time runs backwards, nothing rises above the noise, or the columns of the
        charge are asked for and missing.
    """
    check(trace, "cell_trace")
    for field in _FIELDS:
        if field not in trace or not np.isfinite(trace[field].values).any():
            raise AnalysisError(
                "the trace has no current" if field == "current_ampere" else "the trace has no time",
                file=trace.attrs.get("source"),
                field=field,
                remedy="name its column with columns= (recipe: cell.columns), or state a constant current "
                "(current_ampere; recipe: cell.read)",
            )
    time, current = (np.asarray(trace[field].values, dtype=float) for field in _FIELDS)
    voltage = _voltage(trace)
    readable = np.flatnonzero(np.isfinite(time) & np.isfinite(current) & np.isfinite(voltage))
    _require_order(time[readable], readable, trace)
    time, current, voltage = time[readable], current[readable], voltage[readable]
    tolerance = rest_tolerance(current, trace) if rest_current is None else rest_current
    state = np.where(np.abs(current) > tolerance, np.sign(current), 0.0).astype(np.int64)
    column = _column(trace, readable)
    stepped = charge == "column" or trace.attrs.get("current_source") == "from charge"
    if charge == "column" and column is None:
        raise AnalysisError(
            "the trace has no column of charge",
            file=trace.attrs.get("source"),
            field="net_capacity_ah",
            remedy="set charge to 'current'",
        )
    stepped = stepped and column is not None
    total = column if stepped and column is not None else cumulative_charge(time, current, state)
    return Samples(readable, time, voltage, current, state, np.asarray(total), stepped, tolerance)


def column_charge(trace: xr.Dataset, readable: np.ndarray) -> np.ndarray | None:
    """Return the charge that the file's own columns give at the samples, Ah, or None; resets are taken out."""
    return _column(trace, readable)


def rest_tolerance(current: np.ndarray, trace: xr.Dataset) -> float:
    """Return the current below which the cell rests, from the noise of the trace.

    Raises
    ------
    AnalysisError
        If no current rises above it.
    """
    large = float(np.percentile(np.abs(current), 99.0)) if len(current) else 0.0
    noise = stepped_noise(current)
    tolerance = float(max(_REST_SIGMA * (noise if np.isfinite(noise) else 0.0), _REST_SHARE * large))
    if not large > tolerance:
        raise AnalysisError(
            "no current flows in the trace" if large == 0 else "the current does not rise above its noise",
            file=trace.attrs.get("source"),
            field="current_ampere",
            value=f"up to {large:.3g} A, noise {noise:.2g} A",
            remedy="is this the file of the rest only? a known limit can be stated as rest_current_ampere",
        )
    return tolerance


def _voltage(trace: xr.Dataset) -> np.ndarray:
    for field in ("working_electrode_potential_volt", "voltage_volt"):
        if field in trace and np.isfinite(trace[field].values).any():
            return np.asarray(trace[field].values, dtype=float)
    raise AnalysisError(
        "the trace has no voltage",
        file=trace.attrs.get("source"),
        field="voltage_volt",
        remedy="name its column with columns= (recipe: cell.columns)",
    )


def _require_order(time: np.ndarray, number: np.ndarray, trace: xr.Dataset) -> None:
    if len(time) < 3:
        raise AnalysisError(
            "the trace has too few readable samples",
            file=trace.attrs.get("source"),
            field="sample",
            value=len(time),
            limit="at least 3",
        )
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        raise AnalysisError(
            "the time of the trace runs backwards",
            file=trace.attrs.get("source"),
            field="test_time_second",
            value=f"{time[back[0]]:.6g} s, then {time[back[0] + 1]:.6g} s at sample {number[back[0] + 1]}",
            remedy="open each run of its own and use join_traces",
        )


def _column(trace: xr.Dataset, readable: np.ndarray) -> np.ndarray | None:
    if "net_capacity_ah" in trace and np.isfinite(trace["net_capacity_ah"].values[readable]).all():
        return np.asarray(trace["net_capacity_ah"].values[readable], dtype=float)
    total = np.zeros(len(readable))
    found = False
    for field, sign in (("charging_capacity_ah", 1.0), ("discharging_capacity_ah", -1.0)):
        if field in trace and np.isfinite(trace[field].values[readable]).all():
            # Many programs start these columns again with every cycle or step.
            passed = np.diff(trace[field].values[readable], prepend=trace[field].values[readable[0]])
            total += sign * np.cumsum(np.maximum(passed, 0.0))
            found = True
    return total if found else None
