"""The potentiostat's trace against virtual experiments with known truth, and against files of real potentiostats."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import cell
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.instruments.potentiostat import (
    ConstantCurrent,
    Measurement,
    PotentiostatOptions,
    Rest,
    Step,
    galvanostatic,
    measure,
    plateau_cell,
    pulses,
)
from lithiscope.verification.cell_real import real_rows
from lithiscope.verification.rows import Row, Unchecked, compare

Array = NDArray[np.float64]

_FRAME = 120.0  # s
_EDGE_STD = 0.1  # s, about a line of a scan
_DRIFT = 2e-5
_VOLT_NOISE = 2e-4  # V
_VIRTUAL = "virtual potentiostat: offset 500 s, drift 20 ppm, edges of three currents over 7.5 h known to 0.1 s each"
_SAMPLED = "coverage of a finite number of trials: three standard errors of the binomial distribution"


def rows(everything: bool) -> Iterator[Row | Unchecked]:
    """Yield the rows of this check; `everything` takes ten times as many trials of the clock."""
    yield from _clock_rows(2000 if everything else 200)
    yield from _image_edge_rows()
    yield from _few_frame_rows()
    yield _resistance_row()
    yield from _integral_rows()
    yield from real_rows()


class _Trial(NamedTuple):
    """Errors of the clock and their stated standard deviations: offset in s, drift as it is."""

    offset: Array
    offset_std: Array
    drift: Array
    drift_std: Array


def _electrode_cell() -> Measurement:
    """Return half cycles and rests of unequal length, so that the edges fit at one offset only."""
    protocol: list[Step] = [
        Rest(700.0),
        ConstantCurrent(1e-9, longest_second=9_000.0),
        Rest(1_300.0),
        ConstantCurrent(-0.5e-9, longest_second=14_000.0),
        Rest(2_100.0),
        ConstantCurrent(2e-9, longest_second=4_000.0),
        Rest(5_000.0),
    ]
    options = PotentiostatOptions(interval_second=1.0, clock_offset=500.0, clock_drift=_DRIFT)
    return measure(plateau_cell(5e-9, end_volt=0.05, slope_volt=0.01), protocol, lithium_start=0.9, options=options)


def _trials(measured: Measurement, count: int) -> _Trial:
    edges = measured.truth.edges()[[0, 3, 5]]
    found = []
    for seed in range(count):
        seen = edges + np.random.default_rng(seed).normal(0, _EDGE_STD, 3)
        clock = cell.fit_clock(measured.trace, image_second=seen, image_second_std=_EDGE_STD)
        middle = np.array([float(clock["reference_second"])])
        second, std = cell.to_trace_second(clock, middle)
        error = float((second - measured.truth.trace_second(middle))[0])
        found.append((error, float(std[0]), float(clock["drift"]) - _DRIFT, float(clock["drift_std"])))
    return _Trial(*np.array(found).T)


def _clock_rows(count: int) -> Iterator[Row]:
    measured = _electrode_cell()
    trial = _trials(measured, count)
    worst = float(np.max(np.abs(trial.offset))) / _FRAME
    claim = "clock from three noisy edges"
    yield Row(
        f"{claim}: largest error of the offset in {count} trials, in frames of 120 s",
        _VIRTUAL,
        0.1,
        worst,
        0.0,
        "a bound of the design, with no slack",
        "<=",
    )
    yield Row(
        f"{claim}: error of the drift that 95 % of {count} trials stay below",
        _VIRTUAL,
        10.0,
        1e6 * float(np.quantile(np.abs(trial.drift), 0.95)),
        0.0,
        f"a bound of the design, with no slack; rms error {1e6 * float(np.sqrt(np.mean(trial.drift**2))):.2g} ppm",
        "<=",
        "ppm",
    )
    for name, error, std in (
        ("offset", trial.offset, trial.offset_std),
        ("drift", trial.drift, trial.drift_std),
    ):
        yield compare(
            f"{claim}: share of {count} trials with the {name} inside 1.96 sigma",
            "normal distribution",
            0.95,
            float(np.mean(np.abs(error) < 1.96 * std)),
            within=3 * np.sqrt(0.95 * 0.05 / count),
            because=_SAMPLED,
        )
    edge = measured.truth.edges()[:1]
    clock = cell.fit_clock(image_second=edge, image_second_std=1.0, trace_second=measured.truth.trace_second(edge))
    unknown = np.isnan(float(clock["drift_std"])) and clock.attrs["drift"].startswith("unknown")
    yield compare(
        "clock from one edge: 1 where it says that the drift is unknown",
        "two unknowns and one equation",
        1,
        float(unknown),
        within=0,
        because="yes or no",
    )


def _image_edge_rows() -> Iterator[Row]:
    """Yield the row on edges found in the mean composition of 30 particles of 500 pixels, sigma 0.065 each."""
    measured = _electrode_cell()
    truth = measured.truth
    sigma = 0.065 / np.sqrt(500 * 30)
    times = np.arange(_FRAME / 2, truth.edges()[-1] + 4000.0, _FRAME)
    lithium = np.interp(truth.trace_second(times), measured.trace["test_time_second"].values, truth.lithium_fraction)
    errors = []
    for seed in range(20):
        seen = lithium + np.random.default_rng(seed).normal(0, sigma, times.size)
        edges = cell.edges_in_images(times, seen, sigma)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LithiscopeWarning)  # a kink too many is left out by the matching
            clock = cell.fit_clock(measured.trace, image_second=edges.second, image_second_std=edges.second_std)
        middle = np.array([float(clock["reference_second"])])
        errors.append(float((cell.to_trace_second(clock, middle)[0] - truth.trace_second(middle))[0]))
    yield Row(
        "clock from the kinks of the mean composition alone: rms error of the offset in 20 trials, in frames of 120 s",
        "virtual potentiostat; 30 particles of 500 pixels with sigma_x 0.065",
        0.1,
        float(np.sqrt(np.mean(np.square(errors)))) / _FRAME,
        0.0,
        "a bound of the design, with no slack",
        "<=",
    )


def _few_frame_rows() -> Iterator[Row]:
    """Yield the rows on few frames of three particles, whose mean bends: right within the errors, or refused."""
    measured = _electrode_cell()
    pulls: dict[int, list[float]] = {1: [], 3: []}
    trials = [
        (rest, frames, bend, seed)
        for rest in pulls
        for frames in (7, 9, 12)
        for bend in (0.5, -0.8)
        for seed in range(5)
    ]
    for rest, frames, bend, seed in trials:
        pulls[rest].append(_pull(measured, frames, rest, bend, seed))
    every = np.array(pulls[1] + pulls[3])
    claim = (
        "clock from the kinks of the mean composition of three particles, 7 to 12 frames a half cycle, curved courses"
    )
    yield Row(
        f"{claim}: share of {len(trials)} trials that are refused or right within 3 sigma",
        "virtual potentiostat; three particles of 500 pixels with sigma_x 0.065",
        0.9973,
        float(np.mean(~(np.abs(every) > 3.0))),
        3 * float(np.sqrt(0.9973 * 0.0027 / len(trials))),
        _SAMPLED,
        ">=",
    )
    yield Row(
        f"{claim}: share with three frames in each rest that are not refused",
        "virtual potentiostat; three particles of 500 pixels with sigma_x 0.065",
        0.8,
        float(np.mean(np.isfinite(pulls[3]))),
        0.0,
        "a bound of the design: a piece of the curve needs three frames",
        ">=",
    )


def _pull(measured: Measurement, frames: int, rest: int, bend: float, seed: int) -> float:
    """Return the error of the clock over its stated standard deviation; NaN where it is refused."""
    truth, trace = measured.truth, measured.trace
    corners = [0.0, *truth.edges(), truth.edges()[-1] + 4000.0]
    spans = pairwise(corners)
    counts = [frames if number % 2 else rest for number in range(len(corners) - 1)]
    times = np.concatenate([np.linspace(*span, count + 2)[1:-1] for span, count in zip(spans, counts, strict=True)])
    lithium = np.interp(truth.trace_second(times), trace["test_time_second"].values, truth.lithium_fraction)
    lithium += bend * lithium * (1 - lithium)
    seen = lithium + 0.065 / np.sqrt(500 * 3) * np.random.default_rng(seed).standard_normal(times.size)
    edges = cell.edges_in_images(times, seen)
    slopes = np.column_stack([edges.slope_before, edges.slope_after])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LithiscopeWarning)  # kinks too many are left out by the matching
            clock = cell.fit_clock(
                trace, image_second=edges.second, image_second_std=edges.second_std, image_slope=slopes
            )
    except AnalysisError:
        return float("nan")
    middle = np.array([float(clock["reference_second"])])
    second, std = cell.to_trace_second(clock, middle)
    return float(((second - truth.trace_second(middle)) / std)[0])


def _resistance_row() -> Row:
    """Return the row on pulses of 1 nA through 100 Mohm."""
    made = plateau_cell(5e-9, end_volt=0.05, slope_volt=0.01, hysteresis_volt=0.0)
    options = PotentiostatOptions(interval_second=1.0, voltage_noise=_VOLT_NOISE, current_noise=1e-12)
    measured = measure(made, pulses(1e-9, 6), lithium_start=0.5, seed=1, options=options)
    found = cell.ohmic_resistance(measured.trace)
    return compare(
        "ohmic drop of 1 nA through the cell, from pulses of the current",
        "Lim 2016: about 100 Mohm; virtual potentiostat, noise 0.2 mV",
        100.0,
        1e6 * 1e-9 * 1e-3 * float(found["resistance_ohm"]),
        within=3 * 1e3 * _VOLT_NOISE * np.sqrt(2 * 4 / 10) / np.sqrt(12),
        because="three times what noise leaves of 12 steps, with a line through ten samples led back at either side",
        unit="mV",
    )


def _integral_rows() -> Iterator[Row]:
    made = plateau_cell(5e-9, end_volt=0.05, slope_volt=0.01)
    options = PotentiostatOptions(interval_second=5.0, voltage_noise=2e-4)
    measured = measure(made, galvanostatic((1e-9,), between=(2.6, 4.3)), seed=1, options=options)
    trace, half_cycles = cell.split(measured.trace)
    curves = cell.incremental_capacity(trace, half_cycles)
    width = float(curves["voltage"][1] - curves["voltage"][0])
    charge = curves["incremental_capacity"].values.sum(axis=1) * width
    yield compare(
        "integral of dQ/dV over the charge of the half cycle, the worse of two",
        "definition of dQ/dV",
        1.0,
        1.0 + float(np.max(np.abs(charge / half_cycles["capacity_ah"].values - 1))),
        within=1e-9,
        because="rounding of doubles",
    )
    derivative = cell.differential_voltage(trace, half_cycles)
    share = derivative["share"].values
    part = derivative["capacity_ah"].values * float(share[1] - share[0])
    # From the middle of the first part to that of the last, by the rule of trapezoids.
    slope, volt = derivative["differential_voltage"].values, derivative["voltage_volt"].values
    passed = part * (slope[:, 1:] + slope[:, :-1]).sum(axis=1) / 2
    yield compare(
        "integral of dV/dQ less the change of the smoothed voltage, the worse of two half cycles",
        "definition of dV/dQ",
        0.0,
        1e3 * float(np.max(np.abs(passed - (volt[:, -1] - volt[:, 0])))),
        within=1e-6,
        because="rounding of doubles",
        unit="mV",
    )
