"""Checks of a trace: statistics that catch wrong signs, units and gaps before they become results."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lithiscope.cell.column_checks import doubtful_columns
from lithiscope.cell.evidence import (
    Run,
    at_held_potential,
    charge_of,
    charge_ratio,
    is_whole,
    jumps,
    known_factor,
    runs_of,
    trends,
)
from lithiscope.cell.finding import Finding
from lithiscope.cell.trace_options import CheckOptions
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

_SIGN_REMEDY = "if the file counts reduction as positive, set current_sign=-1 (TraceOptions; recipe: cell.read)"
_MISTAKEN = (1000.0, 3600.0)  # A taken for mA, hours for seconds
_NEARLY = 0.1
_LEAST_SHARE = 0.01  # of the capacity; less is looked at for a wrong unit


@dataclass(frozen=True)
class _Trace:
    """The arrays of a trace in which time, voltage and current can all be read."""

    time: np.ndarray
    voltage: np.ndarray | None
    current: np.ndarray | None
    capacities: dict[str, np.ndarray]
    runs: list[Run]


def check_trace(
    trace: xr.Dataset,
    *,
    capacity_ah: float | None = None,
    options: CheckOptions = CheckOptions(),  # noqa: B008 - frozen
) -> list[Finding]:
    """Look for the mistakes that published files were found to hold.

    Sign of the current against the trend of the voltage and against its jumps; integral of the current against the
    capacity columns (factors of 1000, 3600, ...); charge against the capacity of the cell; voltages in mV; missing or
    constant current; NaN; time that stands, repeats or runs backwards.

    Parameters
    ----------
    trace : xarray.Dataset
        Stage cell_trace.
    capacity_ah : float, optional
        Capacity of the cell in Ah, as the user knows it.
    options : CheckOptions
        Thresholds.

    Returns
    -------
    list of Finding
        Errors first; empty when nothing is wrong. Nothing is repaired: see `TraceOptions`.

    Raises
    ------
    StageError
        If `trace` is no trace.
    """
    check(trace, "cell_trace")
    # Damaged files hold numbers such as 1e308, whose sums are infinite.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = doubtful_columns(trace, options)
        sound = _readable(trace, options)
        if sound.current is not None:
            found += _sign(sound, options) + _charge(sound, options)
            if capacity_ah is not None:
                found += _capacity(sound, capacity_ah, options)
    return sorted(found, key=lambda finding: finding.severity)


def require_sound(
    trace: xr.Dataset,
    *,
    capacity_ah: float | None = None,
    options: CheckOptions = CheckOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return the trace unchanged; raise the first error that `check_trace` finds, warn of its warnings.

    Parameters
    ----------
    trace, capacity_ah, options
        As for `check_trace`.

    Returns
    -------
    xarray.Dataset
        `trace` itself.

    Raises
    ------
    AnalysisError
        If `check_trace` finds an error.

    Warns
    -----
    LithiscopeWarning
        For each warning.
    """
    source = trace.attrs.get("source")
    for finding in check_trace(trace, capacity_ah=capacity_ah, options=options):
        if finding.severity == "error":
            raise AnalysisError(
                finding.problem,
                file=source,
                field=finding.field,
                value=finding.value,
                limit=finding.limit,
                remedy=finding.remedy,
            )
        warnings.warn(f"{source or 'trace'}: {finding}", LithiscopeWarning, stacklevel=2)
    return trace


def _array(trace: xr.Dataset, name: str, keep: np.ndarray | None = None) -> np.ndarray | None:
    if name not in trace:
        return None
    values = np.asarray(trace[name].values, dtype=float)
    return values if keep is None else values[keep]


def _readable(trace: xr.Dataset, options: CheckOptions) -> _Trace:
    names = ("net_capacity_ah", "charging_capacity_ah", "discharging_capacity_ah")
    time, voltage, current = (_array(trace, name) for name in ("test_time_second", "voltage_volt", "current_ampere"))
    capacities = {name: values for name in names if (values := _array(trace, name)) is not None}
    time = np.zeros(0) if time is None else time
    keep = np.isfinite(time)
    for values in (voltage, current):
        if values is not None and np.isfinite(values).any():
            keep &= np.isfinite(values)
    kept_current = None if current is None else current[keep]
    if kept_current is not None and not np.any(kept_current):
        kept_current = None
    return _Trace(
        time[keep],
        None if voltage is None else voltage[keep],
        kept_current,
        {name: values[keep] for name, values in capacities.items()},
        [] if kept_current is None else runs_of(kept_current, options.run_samples, _array(trace, "step_count", keep)),
    )


def _sign(sound: _Trace, options: CheckOptions) -> list[Finding]:
    """Compare the sign of the current with the trend of the voltage and with its jumps."""
    if sound.voltage is None or sound.current is None:
        return []
    held = at_held_potential(sound.voltage, sound.current)
    trend = trends(sound.time, sound.voltage, sound.runs, options.rank_correlation, held)
    jump = jumps(sound.voltage, sound.current)
    speaking = trend[2] >= options.sign_samples or jump[1] >= options.sign_jumps
    shares = {
        f"the voltage follows the current in {trend[0]:.0%} of the charge ({trend[1]} runs)": (
            trend[0] if trend[1] else None
        ),
        f"{jump[0]:.0%} of {jump[1]} jumps of voltage and current went the same way": (
            jump[0] if jump[1] >= options.sign_jumps else None
        ),
    }
    known = {text: share for text, share in shares.items() if share is not None}
    if not known or all(share >= options.sign_share for share in known.values()):
        return []
    wrong = all(share <= 1 - options.sign_share for share in known.values())
    return [
        Finding(
            "sign",
            "error" if wrong and speaking else "warning",
            "the current has the wrong sign" if wrong else "the sign of the current and the voltage do not agree",
            "current_ampere",
            "; ".join(known),
            f"at least {options.sign_share:.0%}; at most {1 - options.sign_share:.0%} is a wrong sign",
            _SIGN_REMEDY,
        )
    ]


def _charge(sound: _Trace, options: CheckOptions) -> list[Finding]:
    """Compare the integral of the current with the capacity columns."""
    found = []
    for names in (("net_capacity_ah",), ("charging_capacity_ah", "discharging_capacity_ah")):
        columns = [sound.capacities[name] for name in names if name in sound.capacities]
        if len(columns) != len(names) or sound.current is None:
            continue
        ratio, rounding = charge_ratio(sound.time, sound.current, columns, sound.runs)
        field = " - ".join(names)
        if not np.isfinite(ratio) or abs(ratio - 1) <= options.charge_tolerance + rounding:
            continue
        factor = known_factor(abs(ratio), options.factor_tolerance + rounding)
        limit = f"1 within {options.charge_tolerance + rounding:.2g}"
        value = f"capacity over integral of the current: {ratio:.4g}"
        if ratio < 0:
            problem, remedy = "current and capacity have opposite signs", _SIGN_REMEDY
        elif factor is not None:
            problem = f"current, time or capacity is in another unit: a factor of {factor[1]}"
            remedy = (
                f"set the one that fits of current_factor={factor[0]:g}, time_factor={factor[0]:g} and "
                f"capacity_factor={1 / factor[0]:g} (TraceOptions; recipe: cell.read)"
            )
        else:
            problem, remedy = "the integral of the current is not the capacity", "compare the columns of the file"
        severity: Literal["error", "warning"] = "error" if ratio < 0 or factor is not None else "warning"
        found.append(Finding("charge", severity, problem, field, value, limit, remedy))
    return found


def _capacity(sound: _Trace, capacity_ah: float, options: CheckOptions) -> list[Finding]:
    """Compare the charge of the largest half cycle with what the cell can hold."""
    if sound.current is None or not sound.runs:
        return []
    charges = [abs(charge_of(sound.time, sound.current, run)) for run in sound.runs]
    largest = max(charges)
    share = largest / capacity_ah
    factor = known_factor(share, 0.5)
    if share <= options.capacity_excess and not (share < _LEAST_SHARE and factor):
        return []
    # A pulse may well pass a thousandth of the capacity; a half cycle from limit to limit does not.
    whole = [
        charge / capacity_ah
        for charge, run in zip(charges, sound.runs, strict=True)
        if sound.voltage is not None and is_whole(sound.voltage, run, sound.runs)
    ]
    mistaken = bool(whole) and any(abs(max(whole) * wrong - 1) <= _NEARLY for wrong in _MISTAKEN)
    named = f", as if a unit were wrong by {factor[1]}" if factor else ""
    return [
        Finding(
            "capacity",
            "error" if share > options.capacity_excess or mistaken else "warning",
            f"the charge of one half cycle does not fit the cell{named}",
            "current_ampere",
            f"{largest:.4g} Ah, {share:.4g} times the stated capacity",
            f"at most {options.capacity_excess:g} times {capacity_ah:g} Ah"
            if share > options.capacity_excess
            else f"for a half cycle from limit to limit at least {_LEAST_SHARE:g} times {capacity_ah:g} Ah",
            "see the units of time and current: current_factor, time_factor (TraceOptions; recipe: cell.read), or mend "
            "the stated capacity",
        )
    ]
