from __future__ import annotations

import numpy as np
import pytest

from cell.virtual import CAPACITY, OHM, cell, cycled, noisy, trace_of
from lithiscope.cell import (
    ClockOptions,
    EquilibriumOptions,
    FrameOptions,
    ResistanceOptions,
    SplitOptions,
    at_frames,
    equilibrium_voltage,
    fit_clock,
    ohmic_resistance,
    over_intervals,
    split,
)
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError

NOMINAL = SplitOptions(nominal_capacity_ah=CAPACITY, nominal_capacity_std_ah=1e-10)
RESISTANCE = ohmic_resistance(options=ResistanceOptions(ohm=OHM, ohm_std=3e6))
EQUILIBRIUM = equilibrium_voltage(options=EquilibriumOptions(volt=3.425, volt_std=0.004))
START = FrameOptions(lithium_start=0.99)
CELL = cell(slow_delithiation_ohm=3e7, slow_lithiation_ohm=6e7, slow_second=20.0)
MEASURED = cycled((1e-9, 2.5e-9), of=CELL, interval=2.0, clock_offset=500.0, clock_drift=3e-5)
TRACE, HALF = split(MEASURED.trace, options=NOMINAL)
# Image time is the time of the truth.
CLOCK = fit_clock(
    image_second=np.array([0.0, 45_000.0]),
    image_second_std=0.5,
    trace_second=MEASURED.truth.trace_second(np.array([0.0, 45_000.0])),
)
TIMES = np.arange(300.0, 44_000.0, 400.0)
GIVEN = {"resistance": RESISTANCE, "equilibrium": EQUILIBRIUM, "options": START}


def truth_at(times):
    """Return lithium fraction and current of the truth, exactly, at image times."""
    steps = MEASURED.truth.steps
    which = np.searchsorted([step.start_second for step in steps], times, side="right") - 1
    current = np.array([steps[index].first_ampere for index in which])
    share = [
        (time - steps[index].start_second) / (steps[index].end_second - steps[index].start_second)
        for time, index in zip(times, which, strict=True)
    ]
    lithium = np.array(
        [
            steps[index].lithium_start + one * (steps[index].lithium_end - steps[index].lithium_start)
            for one, index in zip(share, which, strict=True)
        ]
    )
    return lithium, current


def test_frames_have_the_current_composition_and_overpotential_of_the_cell():
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    lithium, current = truth_at(TIMES)
    # Edges of the current are known to a second each, of 0.5C: 1.4e-4 of the capacity per edge.
    np.testing.assert_allclose(frames["lithium_fraction"].values, lithium, atol=5e-4)
    np.testing.assert_allclose(frames["current_ampere"].values, current, atol=1e-15)
    np.testing.assert_allclose(frames["c_rate"].values, np.abs(current) / CAPACITY, rtol=1e-6)
    np.testing.assert_allclose(frames["ohmic_drop_volt"].values, current * OHM, atol=1e-9)
    eta = frames["overpotential_volt"].values
    expected = frames["voltage_volt"].values - current * OHM - 3.425
    np.testing.assert_allclose(eta, expected, atol=1e-9)
    direction = frames["direction"].values
    assert np.array_equal(direction, -np.sign(current).astype(int))
    assert np.array_equal(frames["half_cycle"].values >= 0, current != 0)
    assert np.all(frames["cell_flag"].values == 0)


def test_the_overpotential_is_that_of_the_cell_within_its_errors():
    curve = equilibrium_voltage(options=EquilibriumOptions(volt=3.425))
    pulls = []
    for seed in range(20):
        trace, half = split(noisy(MEASURED, 2e-4, seed), options=NOMINAL)
        frames = at_frames(trace, half, CLOCK, TIMES, resistance=RESISTANCE, equilibrium=curve, options=START)
        lithium, current = truth_at(TIMES)
        # The late voltage has arrived when a step is five of its times old.
        settled = np.array([np.min(np.abs(TIMES[index] - MEASURED.truth.edges())) > 200 for index in range(len(TIMES))])
        middle = (lithium > 0.05) & (lithium < 0.95) & (current != 0) & settled
        still = CELL.open_circuit(lithium) - 3.425
        eta = still + np.where(current > 0, 3e7, 6e7) * current
        pulls.append(((frames["overpotential_volt"].values - eta) / frames["overpotential_volt_std"].values)[middle])
    # A value between two samples scatters by 0.6 to 1 times as much as one sample.
    assert 0.6 < np.std(np.concatenate(pulls)) < 1.1


def test_charge_counts_from_the_start_of_each_half_cycle_and_stands_still_at_rest():
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    starts = {-1: 0.99, 1: 0.0}
    lithium, current = truth_at(TIMES)
    charge = frames["half_cycle_capacity_ah"].values
    first = frames["half_cycle"].values == 0
    np.testing.assert_allclose(charge[first], (starts[-1] - lithium[first]) * CAPACITY, atol=5e-4 * CAPACITY)
    resting = np.flatnonzero((current == 0) & (TIMES > 5000))
    before = np.searchsorted(HALF["end_second"].values, MEASURED.truth.trace_second(TIMES[resting])) - 1
    np.testing.assert_allclose(charge[resting], HALF["capacity_ah"].values[before], rtol=1e-12)


def test_shifts_are_signed_and_of_one_standard_deviation():
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    current = frames["current_ampere"].values
    eta = frames["overpotential_volt_shift"]
    np.testing.assert_allclose(eta.sel(systematic="resistance").values, -current * 3e6, atol=1e-12)
    np.testing.assert_allclose(eta.sel(systematic="equilibrium_voltage").values, -0.004, atol=1e-12)
    np.testing.assert_allclose(eta.sel(systematic="capacity").values, 0.0, atol=1e-12)
    rate = frames["c_rate_shift"].sel(systematic="capacity").values
    np.testing.assert_allclose(rate, np.abs(current) / CAPACITY * (1 / 1.02 - 1), atol=1e-12)
    lithium = frames["lithium_fraction_shift"].sel(systematic="capacity").values
    np.testing.assert_allclose(lithium, (0.99 - frames["lithium_fraction"].values) * (1 - 1 / 1.02), atol=1e-12)
    moved = frames["half_cycle_capacity_ah_shift"].sel(systematic="clock").values
    inner = current != 0
    # The clock is known to 0.35 s in the middle and 0.5 s at the ends: so much more current has flowed.
    ratio = moved[inner] / (np.abs(current[inner]) / 3600)
    assert np.median(ratio) == pytest.approx(0.4, abs=0.1)


def test_unknown_errors_make_no_shift():
    exact = fit_clock(options=ClockOptions(offset_second=500.0))
    half = HALF.assign_attrs({})
    half.attrs.pop("nominal_capacity_std_ah", None)
    frames = at_frames(TRACE, half, exact, TIMES, options=START)
    assert "systematic" not in frames.dims
    assert "overpotential_volt" not in frames
    assert "ohmic_drop_volt" not in frames


def test_intervals_are_exact_means_within_a_half_cycle():
    intervals = over_intervals(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    fine = np.linspace(0, 1, 2001)
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    for index in (5, 30, 60, 100):
        at = TIMES[index] + fine * (TIMES[index + 1] - TIMES[index])
        sampled = at_frames(TRACE, HALF, CLOCK, at, **GIVEN)
        for name in ("voltage_volt", "overpotential_volt", "lithium_fraction", "half_cycle_capacity_ah"):
            mean = float(np.trapezoid(sampled[name].values, fine))
            # 2001 points step over the corners of the samples: a hundredth of the noise of 0.1 mV.
            assert float(intervals[name][index]) == pytest.approx(mean, rel=1e-6, abs=2e-5), name
    assert intervals["before"].values.tolist() == list(range(len(TIMES) - 1))
    np.testing.assert_allclose(intervals["time"].values, TIMES[:-1] + 200.0)
    np.testing.assert_allclose(intervals["duration"].values, 400.0)
    assert np.all(intervals["voltage_volt_std"].values < frames["voltage_volt_std"].values[:-1] / 10)


def test_the_change_of_composition_is_the_mean_current():
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    intervals = over_intervals(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    # Amperes are per second of the potentiostat, whose clock gains 30 ppm.
    change = np.diff(frames["lithium_fraction"].values) / (400.0 * 1.00003) * 3600 * CAPACITY
    np.testing.assert_allclose(intervals["current_ampere"].values, -change, atol=1e-17, rtol=1e-6)


def test_intervals_across_a_boundary_have_no_direction():
    intervals = over_intervals(TRACE, HALF, CLOCK, TIMES, **GIVEN)
    edges = MEASURED.truth.edges()
    crossed = np.array([np.any((edges > low + 2) & (edges < low + 398)) for low in TIMES[:-1]])
    _, current = truth_at(TIMES[:-1] + 200.0)
    expected = np.where(crossed, 0, -np.sign(current))
    np.testing.assert_array_equal(intervals["direction"].values, expected)
    np.testing.assert_array_equal(intervals["half_cycle"].values == -1, expected == 0)
    # A frame that begins 20 s before the current: 5 % of the interval lie at rest.
    at = np.array([edges[0] - 20.0, edges[0] + 380.0])
    assert over_intervals(TRACE, HALF, CLOCK, at, **GIVEN)["direction"].values.tolist() == [0]
    tolerant = FrameOptions(lithium_start=0.99, least_inside=0.9)
    assert over_intervals(TRACE, HALF, CLOCK, at, options=tolerant)["direction"].values.tolist() == [-1]


def test_intervals_may_be_any_pairs_of_frames():
    pairs = over_intervals(TRACE, HALF, CLOCK, TIMES, before=np.array([3, 3]), after=np.array([4, 7]), **GIVEN)
    assert pairs["duration"].values.tolist() == [400.0, 1600.0]
    with pytest.raises(AnalysisError, match="earlier than after"):
        over_intervals(TRACE, HALF, CLOCK, TIMES, before=np.array([4]), after=np.array([3]))
    with pytest.raises(AnalysisError, match="from one frame"):
        over_intervals(TRACE, HALF, CLOCK, TIMES[:1])


def test_the_curve_of_the_equilibrium_voltage_follows_the_composition():
    slow, slow_half = split(cycled((0.25e-9,), of=CELL)[0], options=NOMINAL)
    curve = equilibrium_voltage(slow, slow_half, resistance=RESISTANCE)
    options = FrameOptions(lithium_start=0.99, equilibrium="curve")
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, resistance=RESISTANCE, equilibrium=curve, options=options)
    lithium = frames["lithium_fraction"].values
    middle = (lithium > 0.1) & (lithium < 0.9)
    expected = CELL.open_circuit(lithium[middle])
    np.testing.assert_allclose(frames["equilibrium_voltage_volt"].values[middle], expected, atol=0.012)
    with pytest.raises(OptionError, match="has no curve"):
        at_frames(TRACE, HALF, CLOCK, TIMES, equilibrium=EQUILIBRIUM, options=options)


def test_frames_outside_the_trace_are_nan_with_a_flag():
    times = np.array([-600.0, 1000.0, 5000.0, 90_000.0])
    with pytest.warns(LithiscopeWarning, match="2 of 4 frames lie outside"):
        frames = at_frames(TRACE, HALF, CLOCK, times, **GIVEN)
    assert np.isnan(frames["voltage_volt"].values).tolist() == [True, False, False, True]
    assert np.isnan(frames["overpotential_volt_shift"].values[:, [0, 3]]).all()
    assert (frames["cell_flag"].values > 0).tolist() == [True, False, False, True]
    assert frames["direction"].values.tolist() == [0, -1, -1, 0]
    with pytest.warns(LithiscopeWarning, match="2 of 3 intervals"):
        intervals = over_intervals(TRACE, HALF, CLOCK, times, **GIVEN)
    assert np.isnan(intervals["voltage_volt"].values).tolist() == [True, False, True]


def test_frames_in_a_long_gap_are_nan():
    time = TRACE["test_time_second"].values
    holed = TRACE.isel(sample=(time < 3000) | (time > 9000))
    marked, half = split(holed, options=SplitOptions(longest_interruption_second=1e5))
    with pytest.warns(LithiscopeWarning, match="gap"):
        frames = at_frames(marked, half, CLOCK, np.array([1000.0, 5000.0, 12_000.0]))
    assert np.isnan(frames["voltage_volt"].values).tolist() == [False, True, False]


def test_images_and_trace_that_do_not_overlap_are_refused():
    with pytest.raises(AnalysisError, match="do not overlap in time") as caught:
        at_frames(TRACE, HALF, CLOCK, TIMES + 1e6, **GIVEN)
    assert "clock" in str(caught.value.remedy)
    with pytest.raises(AnalysisError, match="do not overlap in time"):
        over_intervals(TRACE, HALF, CLOCK, TIMES + 1e6, **GIVEN)


@pytest.mark.parametrize("times", [np.array([2.0, 1.0]), np.array([1.0, 1.0]), np.array([np.nan]), np.zeros(0)])
def test_frames_in_the_wrong_order_are_refused(times):
    with pytest.raises(AnalysisError, match="wrong order"):
        at_frames(TRACE, HALF, CLOCK, times)


def test_a_trace_without_current_is_refused():
    with pytest.raises(AnalysisError, match="no current"):
        at_frames(TRACE.drop_vars("current_ampere"), HALF, CLOCK, TIMES)


def test_a_composition_out_of_range_is_told():
    with pytest.warns(LithiscopeWarning, match="outside 0 to 1"):
        at_frames(TRACE, HALF, CLOCK, TIMES, options=FrameOptions(lithium_start=0.5))
    narrow = FrameOptions(lithium_start=0.9, lithium_range=(0.05, 0.91))
    frames = at_frames(TRACE, HALF, CLOCK, TIMES, options=narrow)
    low, high = frames["lithium_fraction"].values.min(), frames["lithium_fraction"].values.max()
    assert low > 0.03
    assert high < 0.93
    with pytest.raises(OptionError):
        FrameOptions(lithium_range=(0.9, 0.1))


def test_the_capacity_is_stated_nominal_or_the_largest_measured():
    _, current = truth_at(TIMES)
    _, bare = split(MEASURED.trace)
    for half, options, capacity in (
        (HALF, START, CAPACITY),
        (HALF, FrameOptions(lithium_start=0.99, capacity_ah=6e-9), 6e-9),
        (bare, START, float(bare["capacity_ah"].max())),
    ):
        frames = at_frames(TRACE, half, CLOCK, TIMES, options=options)
        np.testing.assert_allclose(frames["c_rate"].values, np.abs(current) / capacity, rtol=1e-9)


def test_the_spread_of_the_overpotential_within_an_interval_is_that_of_its_course():
    """A voltage that falls along a straight line by 60 mV in an interval has a spread of 60/sqrt(12) mV."""
    time = np.arange(0.0, 3601.0, 10.0)
    current = np.full(time.size, -1e-9)
    noise = 1e-3 * np.random.default_rng(1).standard_normal(time.size)
    trace = trace_of(time, current, 3.4 - 0.06 * time / 1800 + noise)
    _, halves = split(trace)
    found = over_intervals(
        trace,
        halves,
        fit_clock(options=ClockOptions(offset_second=0.0)),
        np.array([0.0, 1800.0, 3600.0]),
        resistance=ohmic_resistance(options=ResistanceOptions(ohm=0.0)),
        equilibrium=equilibrium_voltage(options=EquilibriumOptions(volt=3.45)),
    )
    # The noise of 1 mV is taken out; what is left of it is below a tenth of a millivolt.
    np.testing.assert_allclose(found["overpotential_spread_volt"].values, 0.06 / np.sqrt(12), atol=3e-4)
