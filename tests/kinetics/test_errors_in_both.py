"""Fits with errors in all variables: a straight line through the origin has closed forms to compare with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.kinetics.kernels.errors_in_both import Problem, solve

NONE = np.array([])


def line(x, p):
    return x[0]


def problem(x, y, x_std, y_std, group=None, curve=line):
    n = len(y)
    zero = np.zeros((n, n))
    return Problem(
        x[None],
        y,
        np.concatenate([np.diag(np.full(n, x_std)), zero], axis=1)[None],
        np.concatenate([zero, np.diag(np.full(n, y_std))], axis=1),
        np.zeros(n, dtype=int) if group is None else group,
        curve,
    )


def test_without_errors_of_x_it_is_weighted_least_squares():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 2, 20)
    y = 3 * x + 0.1 * rng.standard_normal(20)
    found = solve(problem(x, y, 0.0, 0.1), NONE, scatter=0.0, huber=None)
    assert found.parameters[0] == pytest.approx(np.sum(x * y) / np.sum(x**2), rel=1e-5)
    assert found.covariance[0, 0] == pytest.approx(0.01 / np.sum(x**2), rel=1e-5)
    left = (y - found.parameters[0] * x) / 0.1
    assert found.chi_square == pytest.approx(np.sum(left**2), rel=1e-4)
    assert found.log_likelihood == pytest.approx(-0.5 * (np.sum(left**2) + 20 * np.log(2 * np.pi * 0.01)), rel=1e-4)


def test_with_errors_of_x_it_is_demings_line():
    """Deming's regression through the origin, ratio of variances d: k from a quadratic; plain least squares is low."""
    rng = np.random.default_rng(1)
    true = rng.uniform(0.0, 1.0, 4000)
    x, y = true + 0.2 * rng.standard_normal(4000), 2 * true + 0.3 * rng.standard_normal(4000)
    found = solve(problem(x[:400], y[:400], 0.2, 0.3), NONE, scatter=0.0, huber=None)
    x, y = x[:400], y[:400]
    d = 0.3**2 / 0.2**2
    xx, yy, xy = np.sum(x * x), np.sum(y * y), np.sum(x * y)
    deming = (yy - d * xx + np.sqrt((yy - d * xx) ** 2 + 4 * d * xy**2)) / (2 * xy)
    assert found.parameters[0] == pytest.approx(deming, rel=1e-3)
    assert abs(found.parameters[0] - 2) < 4 * np.sqrt(found.covariance[0, 0])
    assert xy / xx < 1.85


def test_a_scatter_between_groups_is_found_and_enters_the_error():
    """30 groups with a scatter of 0.2: its own error is 0.2/sqrt(58) = 0.026; k is known to 0.2/sqrt(30)."""
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(30), 10)
    x = rng.uniform(0.5, 2, 300)
    k = (1 + 0.2 * rng.standard_normal(30))[group]
    y = k * x + 0.02 * rng.standard_normal(300)
    found = solve(problem(x, y, 0.0, 0.02, group), NONE, scatter=None, huber=None)
    assert found.scatter == pytest.approx(0.2, abs=3 * 0.026)
    means = np.array([np.sum((x * y)[group == g]) / np.sum((x * x)[group == g]) for g in range(30)])
    assert found.parameters[0] == pytest.approx(means.mean(), abs=1e-3)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(means.std(ddof=1) / np.sqrt(30), rel=0.02)
    without = solve(problem(x, x + 0.02 * rng.standard_normal(300), 0.0, 0.02, group), NONE, scatter=None, huber=None)
    assert without.scatter < 0.01


def test_far_points_count_less_when_asked():
    rng = np.random.default_rng(3)
    x = rng.uniform(0.5, 2, 50)
    y = 3 * x + 0.1 * rng.standard_normal(50)
    y[7] += 20
    plain = solve(problem(x, y, 0.0, 0.1), NONE, scatter=0.0, huber=None)
    robust = solve(problem(x, y, 0.0, 0.1), NONE, scatter=0.0, huber=2.0)
    error = 0.1 / np.sqrt(np.sum(x**2))
    assert abs(plain.parameters[0] - 3) > 5 * error
    assert abs(robust.parameters[0] - 3) < 3 * error


@given(scale=st.floats(0.01, 100), seed=st.integers(0, 50))
def test_units_and_order_do_not_matter(scale, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 2, 12)
    y = 3 * x + 0.1 * rng.standard_normal(12)
    order = rng.permutation(12)
    one = solve(problem(x, y, 0.05, 0.1), NONE, scatter=0.0, huber=None)
    two = solve(problem(x[order], scale * y[order], 0.05, 0.1 * scale), NONE, scatter=0.0, huber=None)
    # the iteration stops at a thousandth of the error
    assert two.parameters[0] == pytest.approx(scale * one.parameters[0], rel=1e-4)
    assert two.covariance[0, 0] == pytest.approx(scale**2 * one.covariance[0, 0], rel=1e-3)


def test_a_shape_is_found_with_its_error():
    def power(x, p):
        return x[0] ** p[0]

    rng = np.random.default_rng(4)
    z = []
    for _ in range(200):
        x = rng.uniform(0.5, 2, 30)
        y = 3 * x**1.5 + 0.1 * rng.standard_normal(30)
        found = solve(problem(x, y, 0.0, 0.1, curve=power), np.array([1.0]), scatter=0.0, huber=None)
        z.append((found.parameters - [3, 1.5]) / np.sqrt(np.diag(found.covariance)))
    # 200 fits: a 95 % bar covers 95 +- 1.5 %, three of them allowed
    assert np.mean(np.abs(z) < 1.96, axis=0) == pytest.approx([0.95, 0.95], abs=0.046)
