"""The bare arithmetic against independent solvers, and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from composition import scene
from lithiscope.composition.xray import lithium_rows
from lithiscope.composition.xray.kernels.density import density, density_variance
from lithiscope.composition.xray.kernels.fixed import BLOCK, fixed_covariance, fraction_from_counts
from lithiscope.composition.xray.kernels.fraction import fraction, pooled
from lithiscope.composition.xray.kernels.weighted import solve_non_negative, solve_weighted

seeds = st.integers(0, 2**32 - 1)


def problem(seed, energies=12, components=3, pixels=7):
    rng = np.random.default_rng(seed)
    design = rng.uniform(0, 1, (energies, components))
    od = design @ rng.uniform(-0.2, 1, (components, pixels)) + rng.normal(0, 0.05, (energies, pixels))
    return od, rng.uniform(10, 500, od.shape), design


@given(seeds)
def test_weighted_answer_is_lstsq_of_each_pixel(seed):
    od, weight, design = problem(seed)
    solution = solve_weighted(od, weight, design)
    for n in range(od.shape[1]):
        root = np.sqrt(weight[:, n])
        expected, squares, *_ = np.linalg.lstsq(design * root[:, None], od[:, n] * root, rcond=None)
        np.testing.assert_allclose(solution.coefficients[:, n], expected, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(solution.chi_square[n], squares[0], rtol=1e-8)
        np.testing.assert_allclose(
            solution.covariance[..., n], np.linalg.inv(design.T @ (weight[:, n, None] * design)), rtol=1e-6
        )


@given(seeds)
def test_non_negative_answer_is_that_of_nnls(seed):
    od, weight, design = problem(seed)
    answer = solve_non_negative(solve_weighted(od, weight, design), np.ones(3, dtype=bool))
    for n in range(od.shape[1]):
        root = np.sqrt(weight[:, n])
        expected, _ = nnls(design * root[:, None], od[:, n] * root)
        np.testing.assert_allclose(answer[:, n], expected, atol=1e-8)


@given(seeds, st.floats(0.01, 100))
def test_weights_by_a_factor_change_only_the_covariance(seed, factor):
    od, weight, design = problem(seed)
    one, two = solve_weighted(od, weight, design), solve_weighted(od, factor * weight, design)
    np.testing.assert_allclose(one.coefficients, two.coefficients, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(one.covariance, factor * two.covariance, rtol=1e-8, atol=1e-12)


@given(seeds, st.permutations(range(12)))
def test_order_of_energies_does_not_matter(seed, order):
    od, weight, design = problem(seed)
    one, two = solve_weighted(od, weight, design), solve_weighted(od[order], weight[order], design[order])
    np.testing.assert_allclose(one.coefficients, two.coefficients, rtol=1e-8, atol=1e-10)


def test_pixels_without_enough_energies_are_unsolvable():
    od, weight, design = problem(1)
    weight[:, 0] = 0.0
    weight[2:, 1] = 0.0
    weight[3:, 2] = 0.0
    solution = solve_weighted(od, weight, design)
    assert solution.solvable.tolist() == [False, False, True, True, True, True, True]
    assert np.isnan(solution.coefficients[:, :2]).all()
    assert np.isnan(solution.chi_square[:2]).all()
    assert np.isfinite(solution.coefficients[:, 2:]).all()


@given(seeds)
def test_square_problem_is_the_same_by_weights_and_by_one_matrix(seed):
    od, weight, _ = problem(seed, energies=3)
    design = np.column_stack([scene.LITHIATED, scene.DELITHIATED, np.ones(3)])
    operator = np.linalg.inv(design)
    solution = solve_weighted(od, weight, design)
    np.testing.assert_allclose(operator @ od, solution.coefficients, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fixed_covariance(operator, 1 / weight), solution.covariance, rtol=1e-7, atol=1e-12)


def test_generalised_least_squares_on_differences_is_a_free_constant():
    rng = np.random.default_rng(2)
    design, variance = rng.uniform(0, 1, (5, 2)), rng.uniform(0.01, 0.1, 5)
    od = rng.uniform(0, 1, 5)
    difference = np.hstack([-np.ones((4, 1)), np.eye(4)])
    inverse = np.linalg.inv(difference @ np.diag(variance) @ difference.T)
    reduced = difference @ design
    covariance = np.linalg.inv(reduced.T @ inverse @ reduced)
    expected = covariance @ reduced.T @ inverse @ difference @ od
    solution = solve_weighted(od[:, None], 1 / variance[:, None], np.column_stack([design, np.ones(5)]))
    np.testing.assert_allclose(solution.coefficients[:2, 0], expected, rtol=1e-10)
    np.testing.assert_allclose(solution.covariance[:2, :2, 0], covariance, rtol=1e-10)


@given(st.floats(-0.5, 3), st.floats(0.2, 3), seeds)
def test_variance_of_x_is_the_textbook_formula(a, b, seed):
    if a + b < 0.1:
        return
    root = np.random.default_rng(seed).normal(0, 0.1, (2, 2))
    covariance = (root @ root.T)[:, :, None]
    pool = pooled(np.array([[1.0, 0.0], [1.0, 1.0]]), covariance)
    x, variance = fraction(np.array([a]), np.array([a + b]), pool)
    (va, cov), (_, vb) = covariance[..., 0]
    assert x[0] == pytest.approx(a / (a + b))
    assert variance[0] == pytest.approx((b**2 * va + a**2 * vb - 2 * a * b * cov) / (a + b) ** 4, rel=1e-6, abs=1e-12)


@given(st.floats(0.1, 1e3), seeds)
def test_fraction_does_not_depend_on_the_unit_of_thickness(unit, seed):
    rng = np.random.default_rng(seed)
    lithium, amount, covariance = rng.uniform(0, 1, 5), rng.uniform(1, 2, 5), rng.uniform(0.1, 1, (3, 5))
    one = fraction(lithium, amount, covariance)
    two = fraction(unit * lithium, unit * amount, unit**2 * covariance)
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


@given(st.floats(0.1, 100), seeds)
def test_density_of_scaled_counts_is_shifted_by_the_logarithm(factor, seed):
    counts = np.random.default_rng(seed).uniform(1, 1e4, (2, 5))
    incident = np.array([1e4, 2e4])
    np.testing.assert_allclose(density(factor * counts, incident), density(counts, incident) - np.log(factor))
    np.testing.assert_allclose(density_variance(factor * counts, 1.0), density_variance(counts, 1.0) / factor)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_to_x_in_blocks_is_the_long_way(dtype):
    rng = np.random.default_rng(3)
    od = 0.6 * scene.LITHIATED + 0.4 * scene.DELITHIATED
    counts = rng.poisson(1.6e4 * np.exp(-od)[:, None], (3, BLOCK + 17)).astype(dtype)
    incident = np.full(3, 1.6e4)
    operator = np.linalg.inv(np.column_stack([scene.LITHIATED, scene.DELITHIATED, np.ones(3)]))
    x, std, amount = fraction_from_counts(counts, incident, lithium_rows(scene.ENERGIES, scene.references()))
    a, b, _ = operator @ np.log(incident[:, None] / counts.astype(float))
    np.testing.assert_allclose(amount, a + b, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(x, a / (a + b), rtol=1e-9)
    covariance = fixed_covariance(operator, 1 / counts.astype(float))
    va, vb, cov = covariance[0, 0], covariance[1, 1], covariance[0, 1]
    np.testing.assert_allclose(std**2, (b**2 * va + a**2 * vb - 2 * a * b * cov) / (a + b) ** 4, rtol=1e-6)
