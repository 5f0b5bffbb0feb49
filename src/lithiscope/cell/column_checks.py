"""Checks of single columns of a trace: order, repetition, gaps, believable voltages, a current at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.cell.finding import Finding
from lithiscope.cell.trace_options import CheckOptions

if TYPE_CHECKING:
    import xarray as xr


def doubtful_columns(trace: xr.Dataset, options: CheckOptions) -> list[Finding]:
    """Return what is wrong with time, voltage and current, each for itself.

    Parameters
    ----------
    trace : xarray.Dataset
        Stage cell_trace.
    options : CheckOptions
        Thresholds.

    Returns
    -------
    list of Finding
        In no order.
    """
    return _time(trace) + _gaps(trace) + _values(trace, options)


def _array(trace: xr.Dataset, name: str) -> np.ndarray | None:
    return np.asarray(trace[name].values, dtype=float) if name in trace else None


def _time(trace: xr.Dataset) -> list[Finding]:
    time = np.asarray(trace["test_time_second"].values)
    time = time[np.isfinite(time)]
    steps = np.diff(time)
    found = []
    if np.any(steps < 0):
        where = int(np.argmax(steps < 0))
        found.append(
            Finding(
                "time",
                "error",
                "time runs backwards",
                "test_time_second",
                f"{int(np.sum(steps < 0))} times, first from {time[where]:.6g} s to {time[where + 1]:.6g} s",
                "a time that never falls",
                "the file may hold several runs or changed its clock: split it there, or join files with join_traces",
            )
        )
    repeated = _repeated_rows(trace)
    if repeated:
        found.append(
            Finding(
                "duplicates",
                "warning",
                "rows are there twice",
                "test_time_second",
                f"{repeated} of {len(time)}",
                "every sample once",
                "was the file exported or joined twice? leave the second copy out",
            )
        )
    return found


def _repeated_rows(trace: xr.Dataset) -> int:
    names = [name for name in ("test_time_second", "voltage_volt", "current_ampere") if name in trace]
    rows = np.column_stack([np.asarray(trace[name].values, dtype=float) for name in names])
    rows = rows[np.isfinite(rows[:, 0])]
    order = np.lexsort(rows.T[::-1])
    return int(np.sum(np.all(np.diff(rows[order], axis=0) == 0, axis=1)))


def _gaps(trace: xr.Dataset) -> list[Finding]:
    found = []
    for name in ("test_time_second", "voltage_volt", "current_ampere"):
        values = _array(trace, name)
        if values is None:
            continue
        share = float(np.mean(~np.isfinite(values))) if len(values) else 0.0
        if share > 0:
            found.append(
                Finding(
                    "missing values",
                    "error" if share > 0.5 else "warning",
                    "values are missing",
                    name,
                    f"{share:.2%} of {len(values)} samples",
                    "a number in every row (more than half missing is an error)",
                    "look at the rows with the flag missing; export the file again",
                )
            )
    return found


def _values(trace: xr.Dataset, options: CheckOptions) -> list[Finding]:
    voltage, current = _array(trace, "voltage_volt"), _array(trace, "current_ampere")
    found = []
    typical = np.nan if voltage is None or not np.isfinite(voltage).any() else float(np.nanmedian(np.abs(voltage)))
    if typical > options.largest_voltage:
        found.append(
            Finding(
                "voltage unit",
                "error",
                "the voltage is not that of a cell",
                "voltage_volt",
                f"median {typical:.4g} V",
                f"{options.largest_voltage:g} V",
                "is it in mV? state the unit with columns= (recipe: cell.columns): voltage_volt: (label, mV)",
            )
        )
    if current is None or not np.isfinite(current).any():
        found.append(_no_current("there is no current", "none"))
    elif voltage is not None:
        found += _flat_current(trace, voltage, current)
    return found


def _flat_current(trace: xr.Dataset, voltage: np.ndarray, current: np.ndarray) -> list[Finding]:
    """Doubt a current that is one number although the voltage says otherwise."""
    whole = np.isfinite(voltage) & np.isfinite(current)
    voltage, current = voltage[whole], current[whole]
    if len(current) < 20 or np.ptp(current) > 1e-9 * np.max(np.abs(current)):
        return []
    turned = _turning(voltage)
    if not np.any(current):
        idle = "open circuit" in str(trace.attrs.get("current_source", ""))
        # A relaxing cell moves, but not to and fro over a tenth of a volt.
        return [] if idle or turned < 0.1 else [_no_current("the current is zero throughout", f"{turned:.3g} V")]
    if turned < 0.1:
        return []
    return [
        Finding(
            "constant current",
            "error",
            "the current is one number, but the voltage goes both ways",
            "current_ampere",
            f"{current[0]:.4g} A, while the voltage turns back by {turned:.3g} V",
            "0.1 V",
            "the column may hold the set value or its amount; choose another with columns= (recipe: cell.columns)",
        )
    ]


def _turning(voltage: np.ndarray) -> float:
    """Return how far the voltage goes against its main direction: the smaller of its largest fall and rise."""
    fall = np.max(np.maximum.accumulate(voltage) - voltage)
    rise = np.max(voltage - np.minimum.accumulate(voltage))
    return float(min(fall, rise))


def _no_current(problem: str, value: str) -> Finding:
    return Finding(
        "no current",
        "warning",
        problem,
        "current_ampere",
        value,
        "a current that flows",
        "choose its column with columns= (recipe: cell.columns), or state current_ampere (recipe: cell.read)",
    )
