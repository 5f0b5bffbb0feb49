"""Half cycles: where the current has one sign, how much charge it passed, and how fast."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.cell.kernels.runs import Runs, bridged, chosen, current_runs, seconds_after, seconds_before
from lithiscope.cell.kernels.smoothing import local_lines, rounded_noise, white_noise
from lithiscope.cell.options import SplitOptions
from lithiscope.cell.samples import Samples, column_charge, samples_of
from lithiscope.errors import LithiscopeWarning

if TYPE_CHECKING:
    import xarray as xr

_DISAGREEMENT = 0.02  # between integrated current and the file's own charge, as a share of a half cycle
_FALL = 0.003  # a current that lies below the constant one by this share, and by its noise, is falling
_SECONDS_PER_HOUR = 3600.0
_SQUARE_METRE_PER_SQUARE_CENTIMETRE = 1e-4


def split(
    trace: xr.Dataset,
    *,
    options: SplitOptions = SplitOptions(),  # noqa: B008 - frozen
) -> tuple[xr.Dataset, xr.Dataset]:
    """Cut a trace into half cycles by the sign of its current.

    A half cycle is a run of current of one sign. Interruptions shorter than ``longest_interruption_second`` are
    bridged, so constant current, a held voltage and a short rest between them are one half cycle; runs with little
    charge (pulses, glitches) count as rest. Between the last sample of one current and the first of the next, the
    change is taken to lie in the middle, at most half a sampling interval from either.

    Parameters
    ----------
    trace : cell_trace
        With time, current and voltage.
    options : SplitOptions
        Capacity, limits of rest and interruption.

    Returns
    -------
    trace : cell_trace
        The same with `half_cycle_count`: number of the half cycle of every sample, -1 at rest.
    half_cycles : half_cycles
        One row per half cycle. `mid_voltage_std` is random, from the noise of the voltage.

    Raises
    ------
    AnalysisError
        If there is no current, or time runs backwards.

    Warns
    -----
    LithiscopeWarning
        If the integral of the current and the file's own charge differ by more than 2 % of a half cycle.
    """
    samples = samples_of(trace, rest_current=options.rest_current_ampere, charge=options.charge)
    runs = _half_cycles(samples, options)
    start, end = charge_bounds(samples, runs)
    capacity = np.abs(end - start)
    if options.charge == "current":
        _compare(trace, samples, runs, capacity)
    count = np.full(trace.sizes["sample"], -1)
    for number, (first, last) in enumerate(zip(samples.number[runs.first], samples.number[runs.last], strict=True)):
        count[first : last + 1] = number
    table = _table(samples, runs, start, capacity, options)
    # A trace that was cut before is cut again.
    marked = trace.drop_vars("half_cycle_count", errors="ignore").assign(half_cycle_count=("sample", _integers(count)))
    marked["half_cycle_count"].attrs = {"units": "1", "long_name": "number of the half cycle from 0; -1 at rest"}
    return stages.check(marked, "cell_trace"), table


def charge_bounds(samples: Samples, runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Return the charge of the trace at the beginning and at the end of each run, Ah."""
    charge = samples.charge
    if samples.stepped:
        return charge[np.maximum(runs.first - 1, 0)], charge[runs.last]
    before = seconds_before(samples.time)[runs.first] / _SECONDS_PER_HOUR
    after = seconds_after(samples.time)[runs.last] / _SECONDS_PER_HOUR
    start = charge[runs.first] - samples.current[runs.first] * before
    return start, charge[runs.last] + samples.current[runs.last] * after


def _integers(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.int32)


def _half_cycles(samples: Samples, options: SplitOptions) -> Runs:
    """Return the runs of current that are half cycles."""
    runs = bridged(current_runs(samples.state), samples.time, options.longest_interruption_second)
    start, end = charge_bounds(samples, runs)
    charge = np.abs(end - start)
    runs = chosen(runs, charge >= options.least_share * charge.max())
    # Without the glitches between them, runs of one sign are neighbours.
    return bridged(runs, samples.time, options.longest_interruption_second)


def _compare(trace: xr.Dataset, samples: Samples, runs: Runs, capacity: np.ndarray) -> None:
    column = column_charge(trace, samples.number)
    if column is None or samples.stepped:
        return
    told = np.abs(column[runs.last] - column[np.maximum(runs.first - 1, 0)])
    difference = np.abs(told - capacity) / np.maximum(capacity, told)
    worst = int(np.argmax(difference))
    if difference[worst] > _DISAGREEMENT:
        warnings.warn(
            f"half cycle {worst}: the current integrates to {capacity[worst]:.4g} Ah, the file's own charge is "
            f"{told[worst]:.4g} Ah; see check_trace, or set charge to 'column' if the samples are too sparse",
            LithiscopeWarning,
            stacklevel=3,
        )


def _table(samples: Samples, runs: Runs, start: np.ndarray, capacity: np.ndarray, options: SplitOptions) -> xr.Dataset:
    direction = -runs.sign
    columns = [
        _measured(samples, slice(first, last + 1), begin, total, options)
        for first, last, begin, total in zip(runs.first, runs.last, start, capacity, strict=True)
    ]
    variables: dict[str, Any] = {name: np.array([row[name] for row in columns]) for name in columns[0]}
    current = np.abs(variables["current_ampere"])
    variables |= {
        "direction": direction,
        "first_sample": samples.number[runs.first],
        "last_sample": samples.number[runs.last],
        "start_second": samples.time[runs.first],
        "end_second": samples.time[runs.last],
        "capacity_ah": capacity,
        "measured_c_rate": current / capacity,
        "coulombic_efficiency": _efficiency(direction, capacity),
        "rest_second": _rests(samples, runs),
    }
    attrs: dict[str, Any] = {
        "rest_current_ampere": samples.rest_current,
        "charge_source": "column" if samples.stepped else "current",
    }
    nominal = options.capacity
    if nominal is not None:
        variables["nominal_c_rate"] = current / nominal
        attrs["nominal_capacity_ah"] = nominal
        if options.nominal_capacity_std_ah is not None:
            attrs["nominal_capacity_std_ah"] = options.nominal_capacity_std_ah
    if options.electrode_area_square_centimetre is not None:
        variables["current_density_ampere_per_square_metre"] = variables["current_ampere"] / (
            options.electrode_area_square_centimetre * _SQUARE_METRE_PER_SQUARE_CENTIMETRE
        )
    if options.active_mass_gram is not None:
        variables["specific_capacity_ah_per_gram"] = capacity / options.active_mass_gram
    return stages.new(
        "half_cycles",
        {name: ("half_cycle", values) for name, values in variables.items()},
        coords={"half_cycle": ("half_cycle", np.arange(len(columns)))},
        attrs=attrs,
    )


def _measured(samples: Samples, part: slice, begin: float, capacity: float, options: SplitOptions) -> dict[str, float]:
    """Return what one half cycle shows: current, charge at held voltage, voltage at half of the charge."""
    voltage, current = samples.voltage[part], samples.current[part]
    flowing = samples.state[part] != 0
    share = np.abs(samples.charge[part] - begin) / capacity
    held = held_from(voltage, current, options.held_volt)
    steady = flowing & (np.arange(len(current)) < held)
    if not steady.any():
        steady = flowing
    volt, std = _at_share(0.5, share[flowing], voltage[flowing], options.mid_width)
    # The charge at held voltage begins where the last sample before it ends.
    passed = 0.0 if held == 0 else float(share[min(held, len(share)) - 1])
    return {
        "current_ampere": float(np.median(current[steady])),
        "mid_voltage_volt": volt,
        "mid_voltage_std": std,
        "constant_voltage_ah": (1.0 - passed) * capacity if held < len(current) else 0.0,
        "final_current_ampere": float(current[flowing][-1]),
    }


def held_from(voltage: np.ndarray, current: np.ndarray, tolerance: float) -> int:
    """Return the first sample of the held voltage at the end of a half cycle; their number when there is none.

    The voltage stays within `tolerance` of its last value (or five times its noise) while the current falls from the
    constant one.
    """
    size = len(voltage)
    noise = rounded_noise(voltage)
    limit = max(tolerance, 5.0 * noise) if np.isfinite(noise) else tolerance
    away = np.flatnonzero(np.abs(voltage - np.median(voltage[-3:])) > limit)
    tail = int(away[-1]) + 1 if len(away) else 0
    amount = np.abs(current)
    constant = np.median(amount[:tail]) if tail >= 3 else amount.max()
    falling = constant - max(_FALL * constant, 5.0 * np.nan_to_num(white_noise(current)))
    if amount[-1] >= falling:
        return size
    full = np.flatnonzero(amount[tail:] >= falling)
    begin = tail + int(full[-1]) + 1 if len(full) and tail else tail
    return begin if size - begin >= 2 else size


def _at_share(at: float, share: np.ndarray, voltage: np.ndarray, width: float) -> tuple[float, float]:
    """Return the voltage at a share of the charge from a local straight line, and its standard deviation."""
    near = np.abs(share - at) <= 5.0 * width
    order = np.argsort(share[near], kind="stable")
    if len(order) < 5:
        order = np.argsort(share, kind="stable")
        return float(np.interp(at, share[order], voltage[order])), float("nan")
    place, part = local_lines(np.array([at]), share[near][order], np.ones(len(order)), width)
    value = np.sum(part * voltage[near][order][place])
    return float(value), float(rounded_noise(voltage) * np.sqrt(np.sum(part**2)))


def _efficiency(direction: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    result = np.full(len(direction), np.nan)
    after = np.flatnonzero((direction[1:] > 0) & (direction[:-1] < 0)) + 1
    result[after] = capacity[after] / capacity[after - 1]
    return result


def _rests(samples: Samples, runs: Runs) -> np.ndarray:
    follows = np.append(runs.first[1:], len(samples.time))
    end = samples.time[np.minimum(follows, len(samples.time) - 1)]
    rest = end - samples.time[runs.last]
    # A half cycle that follows at the next sample leaves no rest between.
    return np.where(follows - runs.last > 1, rest, 0.0)


def voltage_at(samples: Samples, part: slice, begin: float, charge: float, width: float) -> tuple[float, float]:
    """Return the voltage of a half cycle where it has passed `charge` (Ah), averaged over `width` (Ah), and its std."""
    passed = np.abs(samples.charge[part] - begin)
    flowing = samples.state[part] != 0
    if charge > passed[-1]:
        return float("nan"), float("nan")
    return _at_share(charge / width, passed[flowing] / width, samples.voltage[part][flowing], 1.0)
