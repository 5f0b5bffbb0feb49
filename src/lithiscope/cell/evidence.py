"""The statistics behind the checks of a trace: runs of one current direction, trends, jumps, charge ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_FACTORS = {
    1000.0: "1000 (milli)",
    1e-3: "1/1000 (milli)",
    1e6: "1e6 (micro)",
    1e-6: "1e-6 (micro)",
    3600.0: "3600 (s and h)",
    1 / 3600.0: "1/3600 (s and h)",
    60.0: "60 (s and min)",
    1 / 60.0: "1/60 (s and min)",
    3.6: "3.6 (mAh and C)",
    1 / 3.6: "1/3.6 (mAh and C)",
}
_LEAST_MOVE = 5e-3  # V: a potentiostat holds a potential better than this
_CROSSED = 0.5  # share of the range of voltages that a whole half cycle runs through,
_AT_LIMIT = 0.05  # and how near to its end it stops
_MANY = 30  # samples that a half cycle has at least,
_WIDE = 0.3  # and V between the limits of a cell that is cycled
_STANDS = 1e-3  # V, how still a held potential stands
_STEPS = 4  # between samples, from which a fall of the current at a standing voltage is no chance
_FREE = 3  # samples that a trend needs
_MOST_RUNS = 400
_MOST_SAMPLES = 400


@dataclass(frozen=True)
class Run:
    """Samples start to stop (exclusive) with a current of one sign."""

    start: int
    stop: int
    sign: int
    weight: float


def runs_of(current: np.ndarray, fewest: int, step: np.ndarray | None = None) -> list[Run]:
    """Return the runs in which a current flows one way, the 400 with the largest sum of currents at most.

    Parameters
    ----------
    current : ndarray (samples,)
        In A, without NaN. Less than 2 % of its 95th percentile counts as rest.
    fewest : int
        Fewest samples of a run.
    step : ndarray (samples,), optional
        Number of the step: a run ends where it changes, because something else may have happened in between.
    """
    amount = np.abs(current)
    level = 0.02 * float(np.percentile(amount[amount > 0], 95)) if np.any(amount > 0) else np.inf
    sign = np.where(amount > level, np.sign(current), 0).astype(int)
    changes = np.diff(sign) != 0
    if step is not None:
        changes |= np.diff(step) != 0
    edges = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(sign)]])
    sums = np.concatenate([[0.0], np.cumsum(amount)])
    runs = [
        Run(int(start), int(stop), int(sign[start]), float(sums[stop] - sums[start]))
        for start, stop in pairwise(edges)
        if stop - start >= fewest and sign[start] != 0
    ]
    return sorted(runs, key=lambda run: -run.weight)[:_MOST_RUNS]


def charge_of(time: np.ndarray, current: np.ndarray, run: Run) -> float:
    """Return the charge of a run in Ah, by the trapezoidal rule."""
    part = slice(run.start, run.stop)
    return float(np.trapezoid(current[part], time[part])) / 3600.0


def is_whole(voltage: np.ndarray, run: Run, runs: Sequence[Run]) -> bool:
    """Whether a run is a half cycle and no pulse.

    Either it runs through most of the range of the trace and stops at its end, or the next run turns it back, both have
    many samples, and the trace covers more volts than a pulse does. The jump at the start of the current, which a pulse
    has too, does not count.
    """
    low, high = float(voltage.min()), float(voltage.max())
    first, last = float(voltage[run.start]), float(voltage[run.stop - 1])
    limit = high if run.sign > 0 else low
    crossed = run.sign * (last - first) >= _CROSSED * (high - low) > 0
    if crossed and abs(last - limit) <= _AT_LIMIT * (high - low):
        return True
    many = [other for other in runs if other.stop - other.start >= _MANY and other.weight >= run.weight / 2]
    after = min((other for other in many if other.start >= run.stop), key=lambda other: other.start, default=None)
    before = max((other for other in many if other.stop <= run.start), key=lambda other: other.stop, default=None)
    turned = any(other is not None and other.sign == -run.sign for other in (before, after))
    return turned and run.stop - run.start >= _MANY and high - low >= _WIDE


def at_held_potential(voltage: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return which samples were taken at a potential that the instrument held or had just left.

    There the current falls in amount while the voltage stands within 1 mV, from one sample to the next four times or
    more; after a step of the potential the voltage says nothing about the sign of the current.
    """
    standing = (np.abs(np.diff(voltage)) <= _STANDS) & (np.diff(np.abs(current)) < 0)
    counted = np.convolve(standing, np.ones(_STEPS), "valid") >= _STEPS if len(standing) >= _STEPS else np.zeros(0)
    held = np.zeros(len(voltage), dtype=bool)
    # Samples of each such stretch, and one to either side of it.
    for shift in range(-1, _STEPS + 2):
        place = np.flatnonzero(counted) + shift
        held[place[(place >= 0) & (place < len(held))]] = True
    return held


def trends(
    time: np.ndarray, voltage: np.ndarray, runs: Sequence[Run], least: float, held: np.ndarray | None = None
) -> tuple[float, int, int]:
    """Return which share of the charge passed with the voltage, how many runs had a say, and their samples.

    A run has a say when the rank correlation of voltage and time exceeds `least` and the voltage moves by 5 mV from its
    10th to its 90th percentile; samples that are `held` have none (see `at_held_potential`).
    """
    held = np.zeros(len(voltage), dtype=bool) if held is None else held
    free = {run: run.start + np.flatnonzero(~held[run.start : run.stop]) for run in runs}
    votes = [
        (run, np.sign(correlation) == run.sign)
        for run in runs
        if len(free[run]) >= _FREE and abs(correlation := _rank_correlation(time, voltage, free[run])) > least
    ]
    total = sum(run.weight for run, _ in votes)
    share = sum(run.weight for run, agrees in votes if agrees) / total if total else np.nan
    return share, len(votes), sum(len(free[run]) for run, _ in votes)


def _rank_correlation(time: np.ndarray, voltage: np.ndarray, samples: np.ndarray) -> float:
    from scipy.stats import rankdata

    take = samples[np.unique(np.linspace(0, len(samples) - 1, min(len(samples), _MOST_SAMPLES)).astype(int))]
    low, high = np.percentile(voltage[take], [10, 90])
    if high - low < _LEAST_MOVE:
        return 0.0
    ranks = [rankdata(values[take]) for values in (time, voltage)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def jumps(voltage: np.ndarray, current: np.ndarray) -> tuple[float, int]:
    """Return which share of the sudden changes of current moved the voltage the same way, and their number.

    A change counts when it exceeds a third of the 95th percentile of |I|, and the voltage moves by at least three
    times its median step.
    """
    if len(current) < 2 or not np.any(current):
        return np.nan, 0
    change, answer = np.diff(current), np.diff(voltage)
    level = np.percentile(np.abs(current[current != 0]), 95) / 3.0
    moved = np.abs(answer) > 3.0 * np.median(np.abs(answer))
    counted = (np.abs(change) > level) & moved
    count = int(counted.sum())
    agree = int(np.sum(np.sign(change[counted]) == np.sign(answer[counted])))
    return (agree / count if count else np.nan), count


def charge_ratio(
    time: np.ndarray, current: np.ndarray, columns: Sequence[np.ndarray], runs: Sequence[Run]
) -> tuple[float, float]:
    """Return the median ratio of the capacity columns to the integral of the current over the runs.

    Parameters
    ----------
    time, current : ndarray (samples,)
        In s and A.
    columns : sequence of ndarray (samples,)
        The net capacity, or the charging and the discharging capacity, in Ah; each may start anew between runs.
    runs : sequence of Run
        Where to look.

    Returns
    -------
    ratio : float
        Median weighted by charge; NaN when nothing can be compared.
    rounding : float
        Relative error that the digits of the file allow.
    """
    increments = np.diff(columns[0])
    if len(columns) == 2:
        rises = [np.maximum(np.diff(np.abs(column)), 0.0) for column in columns]
        increments = rises[0] - rises[1]
    elapsed = np.diff(time) / 3600.0
    rules = ((current[1:] + current[:-1]) / 2.0, current[1:], current[:-1])
    found = []
    for rule in rules:
        passed = rule * elapsed
        # The step into a run is left out: there a counter may start anew.
        pairs = [_sums(passed, increments, run) for run in runs]
        ratios = np.array([column / charge for charge, column in pairs if charge != 0 and np.isfinite(column)])
        weights = np.array([abs(charge) for charge, column in pairs if charge != 0 and np.isfinite(column)])
        if len(ratios):
            found.append(_weighted_median(ratios, weights))
    if not found:
        return np.nan, 0.0
    # Some instruments write the mean current of the interval before, some the momentary one.
    ratio = min(found, key=lambda value: abs(value - 1))
    typical = float(np.median(np.abs(current[runs[0].start : runs[0].stop])))
    largest = max(abs(_sums(rules[0] * elapsed, increments, run)[1]) for run in runs)
    rounding = _digit(current) / 2 / typical + (_digit(columns[0]) / largest if largest else 0.0)
    return ratio, min(rounding, 0.5)


def _sums(passed: np.ndarray, increments: np.ndarray, run: Run) -> tuple[float, float]:
    inside = slice(run.start, run.stop - 1)
    return float(passed[inside].sum()), float(increments[inside].sum())


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    passed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(passed, passed[-1] / 2)])


def _digit(values: np.ndarray) -> float:
    """Return the last decimal place in which the values are written, e.g. 0.001."""
    known = values[np.isfinite(values) & (values != 0)]
    known = known[:: max(1, len(known) // 2000)]
    for place in range(16):
        scaled = known * 10.0**place
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1e-3)):
            return float(10.0**-place)
    return 0.0


def known_factor(ratio: float, tolerance: float) -> tuple[float, str] | None:
    """Return the factor between units that a ratio is near to, with its name, or None.

    Examples
    --------
    >>> known_factor(998.0, 0.1)
    (1000.0, '1000 (milli)')
    """
    if ratio <= 0:
        return None
    nearest = min(_FACTORS, key=lambda factor: abs(np.log(ratio / factor)))
    return (nearest, _FACTORS[nearest]) if abs(np.log(ratio / nearest)) <= np.log1p(tolerance) else None
