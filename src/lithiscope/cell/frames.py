"""What the cell did at the time of each frame, and between two frames."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.clock import to_trace_second
from lithiscope.cell.kernels.averages import means_between
from lithiscope.cell.options import FrameOptions
from lithiscope.cell.samples import Samples, samples_of
from lithiscope.cell.state import Parameters, State, completed, parameters_of, shifted, state_of, windows_of
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.units import VOLT

if TYPE_CHECKING:
    import xarray as xr

_OUT_OF_RANGE = 0.02  # lithium fraction that charge counting may leave its range by


def at_frames(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    clock: xr.Dataset,
    times: np.ndarray,
    *,
    resistance: xr.Dataset | None = None,
    equilibrium: xr.Dataset | None = None,
    options: FrameOptions = FrameOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return voltage, current, overpotential, charge and composition of the cell at the times of the frames.

    Straight lines between the samples. Overpotential = V - I R - V_eq (Lim et al. 2016, supplement); it needs a
    resistance and an equilibrium voltage, and is absent without them.

    Parameters
    ----------
    trace, half_cycles : cell_trace, half_cycles
        As `split` returns them.
    clock : clock
        From `fit_clock`.
    times : array (time,)
        Times of the frames on the axis of the images, s, strictly increasing.
    resistance, equilibrium : resistance, equilibrium_voltage, optional
        From `ohmic_resistance` and `equilibrium_voltage`; both may be stated values.
    options : FrameOptions
        Composition at the start, capacity, gaps.

    Returns
    -------
    cell_frames
        Standard deviations hold the noise of the samples. Shifts, by one standard deviation of their cause:
        "resistance", "equilibrium_voltage", "capacity", and "clock" for the time. Frames outside the trace, or in
        long gaps of it, are NaN with the flag ``missing``. At rest the charge of the half cycle before stands still.

    Raises
    ------
    AnalysisError
        If times are not increasing, no frame lies within the trace, or the trace has no current.

    Warns
    -----
    LithiscopeWarning
        If some frames lie outside the trace, or charge counting leaves the range of the composition.
    """
    times = _ordered(times)
    study = _study(trace, half_cycles, clock, resistance, equilibrium, options)
    second, clock_std = to_trace_second(clock, times)
    inside = _inside(study.samples, second, second, options)
    _require_overlap(inside, second, study.samples, "frames")

    def sampled(state: State, parameters: Parameters, at: np.ndarray) -> dict[str, np.ndarray]:
        """Return the values at moments of test time."""
        found = {name: np.interp(at, state.time, values) for name, values in state.columns.items()}
        return completed(found, parameters)

    values = sampled(study.state, study.parameters, second)
    shifts = {cause: _less(sampled(*moved, second), values) for cause, moved in study.moved.items()}
    if np.any(clock_std > 0):
        shifts["clock"] = _less(sampled(study.state, study.parameters, second + clock_std), values)
    half, direction = _half_cycle(study, second, second, 1.0)
    stds = _stds(study, np.ones(len(times)), values)
    return _stage("cell_frames", "time", values, stds, shifts, ~inside, {"time": times}, half, direction, clock)


def over_intervals(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    clock: xr.Dataset,
    times: np.ndarray,
    *,
    before: np.ndarray | None = None,
    after: np.ndarray | None = None,
    resistance: xr.Dataset | None = None,
    equilibrium: xr.Dataset | None = None,
    options: FrameOptions = FrameOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return the means of what the cell did between two frames.

    Exact means over the time of the straight lines between the samples; the current is the charge passed over the
    duration. An interval that is not within one half cycle
    (it crosses its end, or a rest) has half cycle -1 and direction 0.

    Parameters
    ----------
    trace, half_cycles, clock, times, resistance, equilibrium, options
        As for `at_frames`.
    before, after : array of int (interval,), optional
        Frames at both ends of each interval; sequential frames by default.

    Returns
    -------
    cell_intervals
        `time` is the middle of the interval, `overpotential_spread_volt` by how much the overpotential varied within
        it: a reaction law that bends needs it beside the mean. The rest as for `at_frames`.

    Raises
    ------
    AnalysisError
        As `at_frames`; and if an interval does not go forward in time.
    """
    times = _ordered(times)
    first, last = _ends(times, before, after)
    study = _study(trace, half_cycles, clock, resistance, equilibrium, options)
    second, clock_std = to_trace_second(clock, times)
    start, end = second[first], second[last]
    inside = _inside(study.samples, start, end, options)
    _require_overlap(inside, second, study.samples, "intervals")
    limits = study.samples.time[[0, -1]]

    def averaged(state: State, parameters: Parameters, later: np.ndarray | float = 0.0) -> dict[str, np.ndarray]:
        """Return the means over the intervals, with the clock set later by so many seconds."""
        # A later clock may reach out of the trace by less than the clock is known.
        begin = np.where(inside, np.clip(start + later, *limits), limits[0])
        finish = np.where(inside, np.clip(end + later, *limits), limits[1])
        found = {name: means_between(state.time, values, begin, finish) for name, values in state.columns.items()}
        passed = np.interp(finish, state.time, state.charge) - np.interp(begin, state.time, state.charge)
        found["current_ampere"] = 3600.0 * passed / (finish - begin)
        return completed(found, parameters)

    values = averaged(study.state, study.parameters)
    shifts = {cause: _less(averaged(*moved), values) for cause, moved in study.moved.items()}
    error = (clock_std[first] + clock_std[last]) / 2
    if np.any(error > 0):
        shifts["clock"] = _less(averaged(study.state, study.parameters, error), values)
    spread = _spread(study, np.clip(start, *limits), np.clip(end, *limits), inside)
    half, direction = _half_cycle(study, start, end, options.least_inside)
    counts = np.maximum(np.searchsorted(study.state.time, end) - np.searchsorted(study.state.time, start), 1)
    stds = _stds(study, counts, values)
    coords = {
        "time": (times[first] + times[last]) / 2,
        "duration": times[last] - times[first],
        "before": first,
        "after": last,
    }
    found = _stage("cell_intervals", "interval", values, stds, shifts, ~inside, coords, half, direction, clock)
    return found if spread is None else _with_spread(found, spread)


def _spread(study: _Study, start: np.ndarray, end: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
    """Return by how much the overpotential varies within the intervals (V), the noise of its samples taken out."""
    state, parameters = study.state, study.parameters
    sampled = completed({**state.columns, "current_ampere": study.samples.current}, parameters)
    if "overpotential_volt" not in sampled:
        return None
    eta = sampled["overpotential_volt"]
    begin, finish = np.where(inside, start, state.time[0]), np.where(inside, end, state.time[-1])
    centred = eta - eta.mean()  # so that the difference of two squares keeps its digits
    variance = (
        means_between(state.time, centred**2, begin, finish) - means_between(state.time, centred, begin, finish) ** 2
    )
    noise = np.hypot(state.voltage_noise, state.current_noise * abs(parameters.resistance_ohm or 0.0))
    return np.where(inside, np.sqrt(np.maximum(variance - noise**2, 0.0)), np.nan)


def _with_spread(intervals: xr.Dataset, spread: np.ndarray) -> xr.Dataset:
    attrs = {"units": VOLT, "long_name": "standard deviation of the overpotential in time, within the interval"}
    return stages.check(intervals.assign(overpotential_spread_volt=("interval", spread, attrs)), "cell_intervals")


class _Study(NamedTuple):
    """All that the frames are read from; `moved` holds state and parameters with one of them moved by its error."""

    samples: Samples
    parameters: Parameters
    state: State
    moved: dict[str, tuple[State, Parameters]]
    half_cycles: Any
    windows: tuple[np.ndarray, np.ndarray]


def _study(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    clock: xr.Dataset,
    resistance: xr.Dataset | None,
    equilibrium: xr.Dataset | None,
    options: FrameOptions,
) -> _Study:
    stages.check(half_cycles, "half_cycles")
    stages.check(clock, "clock")
    samples = samples_of(
        trace,
        rest_current=half_cycles.attrs.get("rest_current_ampere"),
        charge=half_cycles.attrs.get("charge_source", "current"),
    )
    parameters = parameters_of(half_cycles, resistance, equilibrium, options)
    state = state_of(samples, half_cycles, parameters)
    moved = {
        cause: (state_of(samples, half_cycles, changed), changed) for cause, changed in shifted(parameters).items()
    }
    low, high = options.lithium_range
    lithium = state.columns["lithium_fraction"]
    if lithium.min() < low - _OUT_OF_RANGE or lithium.max() > high + _OUT_OF_RANGE:
        warnings.warn(
            f"charge counting takes the global lithium fraction from {lithium.min():.3f} to {lithium.max():.3f}, "
            f"outside {low:g} to {high:g}; state lithium_start, or another capacity_ah",
            LithiscopeWarning,
            stacklevel=3,
        )
    return _Study(samples, parameters, state, moved, half_cycles, windows_of(samples, half_cycles))


def _ordered(times: np.ndarray) -> np.ndarray:
    times = np.atleast_1d(np.asarray(times, dtype=float))
    if times.ndim != 1 or len(times) == 0 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise AnalysisError(
            "the frames are in the wrong order",
            field="times",
            value=times.ravel()[:5],
            limit="finite and strictly increasing",
            remedy="sort the frames by time",
        )
    return times


def _ends(times: np.ndarray, before: np.ndarray | None, after: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    first = np.arange(len(times) - 1) if before is None else np.asarray(before, dtype=int)
    last = first + 1 if after is None else np.asarray(after, dtype=int)
    wrong = first.shape != last.shape or len(first) == 0
    if wrong or first.min() < 0 or last.max() >= len(times) or np.any(last <= first):
        raise AnalysisError(
            "the intervals do not lead from one frame to a later one",
            field="before, after",
            value=f"{len(first)} and {len(last)} of {len(times)} frames",
            limit="pairs of frames, before earlier than after",
        )
    return first, last


def _inside(samples: Samples, start: np.ndarray, end: np.ndarray, options: FrameOptions) -> np.ndarray:
    """Return which stretches lie in the trace and touch no long gap of it."""
    time = samples.time
    within = (start >= time[0]) & (end <= time[-1])
    gap = np.flatnonzero(np.diff(time) > options.longest_gap_second)
    touched = np.any((start[:, None] < time[gap + 1]) & (end[:, None] > time[gap]), axis=1)
    return np.asarray(within & ~touched)


def _require_overlap(inside: np.ndarray, second: np.ndarray, samples: Samples, what: str) -> None:
    reach = f"{what} {second[0]:.6g} to {second[-1]:.6g} s, trace {samples.time[0]:.6g} to {samples.time[-1]:.6g} s"
    if not inside.any():
        raise AnalysisError(
            "images and trace do not overlap in time",
            field="times",
            value=f"{reach} of test time",
            remedy="check the clocks (recipe: cell.clock) and their zones, the unit of the trace's time (time_factor), "
            "and that the trace is of this experiment",
        )
    if not inside.all():
        warnings.warn(
            f"{np.count_nonzero(~inside)} of {len(inside)} {what} lie outside the trace or in a gap of it ({reach})",
            LithiscopeWarning,
            stacklevel=3,
        )


def _half_cycle(
    study: _Study, start: np.ndarray, end: np.ndarray, least_inside: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return number and direction of the half cycle that holds each stretch; -1 and 0 where none does."""
    begin, finish = study.windows
    overlap = np.minimum(end[:, None], finish) - np.maximum(start[:, None], begin)
    length = (end - start)[:, None]
    held = np.where(length > 0, overlap >= least_inside * length - 1e-9, overlap >= 0)
    place = np.argmax(held, axis=1)
    found = held.any(axis=1)
    number = study.half_cycles["half_cycle"].values[place]
    return np.where(found, number, -1), np.where(found, study.half_cycles["direction"].values[place], 0)


def _stds(study: _Study, counts: np.ndarray, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the random errors: the noise of the samples, averaged over those of an interval."""
    down = np.sqrt(counts)
    volt, ampere = study.state.voltage_noise / down, study.state.current_noise / down
    parameters = study.parameters
    found = {"voltage_volt": volt, "current_ampere": ampere, "c_rate": ampere / parameters.capacity_ah}
    if "ohmic_drop_volt" in values:
        found["ohmic_drop_volt"] = ampere * abs(parameters.resistance_ohm or 0.0)
    if "overpotential_volt" in values:
        found["overpotential_volt"] = np.hypot(volt, found["ohmic_drop_volt"])
    return found


def _less(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: one[name] - other[name] for name in other}


def _stage(
    stage: str,
    dim: str,
    values: dict[str, np.ndarray],
    stds: dict[str, np.ndarray],
    shifts: dict[str, dict[str, np.ndarray]],
    lost: np.ndarray,
    coords: dict[str, np.ndarray],
    half: np.ndarray,
    direction: np.ndarray,
    clock: xr.Dataset,
) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {}
    for name, column in values.items():
        variables[name] = (dim, np.where(lost, np.nan, column))
        if name in stds:
            variables[f"{name}_std"] = (dim, np.where(lost, np.nan, stds[name]))
        if shifts:
            stacked = np.stack([shift[name] for shift in shifts.values()])
            variables[f"{name}_shift"] = (f"systematic {dim}", np.where(lost, np.nan, stacked))
    variables["cell_flag"] = (dim, np.where(lost, stages.flag_bit("missing"), 0))
    axes: dict[str, tuple[str, Any]] = {name: (dim, column) for name, column in coords.items()}
    axes["half_cycle"] = (dim, np.where(lost, -1, half))
    axes["direction"] = (dim, np.where(lost, 0, direction))
    if shifts:
        axes["systematic"] = ("systematic", np.array(list(shifts)))
    about = f"{clock.attrs.get('method', 'unknown')}; drift {clock.attrs.get('drift', 'unknown')}"
    return stages.new(stage, variables, coords=axes, attrs={"clock": about})
