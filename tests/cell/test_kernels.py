from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lithiscope.cell.kernels.averages import means_between
from lithiscope.cell.kernels.density import charge_in_bins
from lithiscope.cell.kernels.lines import likely_scatter, robust_line, weighted_line
from lithiscope.cell.kernels.runs import (
    bridged,
    cumulative_charge,
    current_runs,
    seconds_after,
    seconds_before,
)
from lithiscope.cell.kernels.segments import straight_pieces
from lithiscope.cell.kernels.smoothing import binned, local_lines, rounded_noise, stepped_noise, white_noise

SEEDS = st.integers(0, 10_000)


def test_runs_are_the_stretches_of_one_sign():
    runs = current_runs(np.array([0, 1, 1, 0, 0, -1, 1]))
    assert runs.first.tolist() == [1, 5, 6]
    assert runs.last.tolist() == [2, 5, 6]
    assert runs.sign.tolist() == [1, -1, 1]


def test_bridging_joins_one_sign_over_short_gaps_only():
    state = np.array([1, 1, 0, 1, 0, 0, 0, 1, -1, -1])
    time = 10.0 * np.arange(10)
    assert bridged(current_runs(state), time, 20.0).first.tolist() == [0, 7, 8]
    assert bridged(current_runs(state), time, 40.0).first.tolist() == [0, 8]
    assert bridged(current_runs(state), time, 40.0).last.tolist() == [7, 9]


def test_edges_lie_in_the_middle_of_equal_samples_and_near_event_samples():
    even = np.array([0.0, 10.0, 20.0, 30.0])
    np.testing.assert_allclose(seconds_before(even), [0, 5, 5, 5])
    np.testing.assert_allclose(seconds_after(even), [5, 5, 5, 0])
    # An hour of rest without samples: the new current began at most half a second before its first sample.
    sparse = np.array([0.0, 1.0, 3601.0, 3602.0, 3603.0])
    assert seconds_before(sparse)[2] == 0.5
    assert seconds_after(sparse)[1] == 0.0


@given(SEEDS)
def test_charge_is_the_trapezoidal_sum_where_the_sign_stays(seed):
    rng = np.random.default_rng(seed)
    time, current = np.cumsum(rng.uniform(0.1, 10.0, 50)), rng.uniform(0.5, 2.0, 50)
    charge = cumulative_charge(time, current, np.ones(50, dtype=np.int64))
    assert charge[-1] == pytest.approx(np.trapezoid(current, time) / 3600.0, rel=1e-12)


def test_charge_stops_at_the_edge_of_a_rest():
    time = np.arange(0.0, 60.0, 10.0)
    current = np.array([0.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    charge = cumulative_charge(time, current, np.sign(current).astype(np.int64))
    # Three samples of 10 s each, edges in the middle.
    assert charge[-1] * 3600 == pytest.approx(30.0)


@given(SEEDS, st.floats(0.01, 0.2))
def test_local_lines_reproduce_straight_lines_on_any_points(seed, width):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 1, 40))
    slope, offset = rng.normal(size=2)
    at = np.linspace(0, 1, 17)
    place, share = local_lines(at, x, rng.uniform(0.5, 2.0, 40), width)
    np.testing.assert_allclose(np.sum(share * (offset + slope * x)[place], axis=1), offset + slope * at, atol=1e-7)
    np.testing.assert_allclose(share.sum(axis=1), 1.0, atol=1e-7)


def test_white_noise_sees_through_a_trend_and_a_few_jumps():
    rng = np.random.default_rng(1)
    values = 1e-3 * rng.standard_normal(20_000) + np.linspace(0, 5, 20_000)
    values[::1000] += 1.0
    # The median of 20000 absolute values has a standard error of 1.2 / sqrt(20000); neighbours are correlated.
    assert white_noise(values) == pytest.approx(1e-3, rel=0.03)
    assert np.isnan(white_noise(values[:2]))
    steps = np.round(np.linspace(0, 0.01, 1000) / 1e-3) * 1e-3
    assert rounded_noise(steps) == pytest.approx(1e-3 / np.sqrt(12), rel=1e-6)


def test_stepped_noise_sees_through_many_jumps():
    rng = np.random.default_rng(1)
    values = np.repeat(rng.choice([-1.0, 0.0, 1.0], 10_000), 2) + 1e-3 * rng.standard_normal(20_000)
    # Half of the neighbours jump, two thirds of those to another value: a lower quartile among quiet ones is higher.
    assert 1e-3 < stepped_noise(values) < 2e-3
    assert stepped_noise(1e-3 * rng.standard_normal(20_000)) == pytest.approx(1e-3, rel=0.04)
    assert stepped_noise(np.tile([0.0, 0.0, 1.0, 1.0], 20)) == 0.0


def test_bins_average_what_falls_into_them():
    x, y, count = binned(np.array([0.05, 0.06, 0.95]), np.array([1.0, 3.0, 5.0]), 10)
    np.testing.assert_allclose(x, [0.055, 0.95])
    np.testing.assert_allclose(y, [2.0, 5.0])
    assert count.tolist() == [2, 1]


@given(SEEDS)
def test_charge_in_bins_loses_nothing_and_is_additive(seed):
    rng = np.random.default_rng(seed)
    voltage = np.cumsum(rng.normal(0.002, 0.01, 200))
    charge = rng.uniform(0.1, 1.0, 199)
    low, width = voltage.min() - 0.05, 0.003
    bins = int((voltage.max() - low + 0.05) / width) + 1
    whole = charge_in_bins(voltage, charge, low, width, bins)
    assert whole.sum() == pytest.approx(charge.sum(), rel=1e-9)
    parts = charge_in_bins(voltage[:101], charge[:100], low, width, bins) + charge_in_bins(
        voltage[100:], charge[100:], low, width, bins
    )
    np.testing.assert_allclose(whole, parts, atol=1e-6 * charge.sum())
    mirrored = charge_in_bins(voltage[::-1].copy(), charge[::-1].copy(), low, width, bins)
    np.testing.assert_allclose(whole, mirrored, atol=1e-8 * charge.sum())


def test_charge_of_a_straight_curve_is_even():
    held = charge_in_bins(np.array([0.0, 1.0]), np.array([2.0]), -0.25, 0.25, 6)
    np.testing.assert_allclose(held, [0, 0.5, 0.5, 0.5, 0.5, 0], atol=1e-3)


@given(SEEDS)
def test_means_are_exact_integrals_of_straight_lines(seed):
    rng = np.random.default_rng(seed)
    time, values = np.cumsum(rng.uniform(0.1, 2.0, 30)), rng.normal(size=30)
    start, end = np.sort(rng.uniform(time[0], time[-1], 2))
    fine = np.unique(np.concatenate([time[(time > start) & (time < end)], [start, end]]))
    expected = np.trapezoid(np.interp(fine, time, values), fine) / (end - start)
    mean = means_between(time, values, np.array([start]), np.array([end]))
    np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-9)


@given(SEEDS)
def test_a_robust_line_ignores_a_wild_point(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 100, 8))
    std = np.full(8, 0.1)
    y = 3.0 + 0.02 * x + rng.normal(0, 0.1, 8)
    wrong = int(rng.integers(8))
    spoiled = y.copy()
    spoiled[wrong] += 50.0
    line = robust_line(x, spoiled, std)
    assert line.weight[wrong] == 0.0
    kept = np.arange(8) != wrong
    clean = weighted_line(x[kept], y[kept], std[kept], np.ones(7))
    # The others may lose a point that lies beyond 4.7 standard deviations of the spoiled start, but hardly ever do.
    assert (
        abs(line.offset + line.slope * (50 - line.reference) - clean.offset - clean.slope * (50 - clean.reference))
        < 0.3
    )


def test_the_errors_of_a_line_are_those_of_least_squares():
    x, std = np.array([0.0, 1.0, 2.0, 5.0]), np.array([0.1, 0.2, 0.1, 0.3])
    line = weighted_line(x, 1 + 2 * x, std, np.ones(4))
    design = np.column_stack([np.ones(4), x - line.reference]) / std[:, None]
    covariance = np.linalg.inv(design.T @ design)
    assert line.offset_std == pytest.approx(np.sqrt(covariance[0, 0]))
    assert line.slope_std == pytest.approx(np.sqrt(covariance[1, 1]))
    assert covariance[0, 1] == pytest.approx(0.0, abs=1e-15)
    assert (line.slope, line.offset) == pytest.approx((2.0, 1 + 2 * line.reference))


@pytest.mark.parametrize("freedom", [1, 2, 5, 30])
def test_the_likely_scatter_is_the_quantile_of_chi_square(freedom):
    # The cube root is good to a few per cent, worst for one degree of freedom.
    assert likely_scatter(freedom) == pytest.approx(stats.chi2.isf(1e-4, freedom) / freedom, rel=0.08)


def test_pieces_are_found_where_the_slope_changes():
    x = np.arange(30.0)
    y = np.interp(x, [0, 9.5, 19.5, 29], [0, 0, 10, 5]) + 0.05 * np.random.default_rng(0).standard_normal(30)
    assert straight_pieces(x, y, 0.05, 3 * np.log(30)) == [0, 10, 20]
    assert straight_pieces(x, 0.1 * x, 0.05, 3 * np.log(30)) == [0]
