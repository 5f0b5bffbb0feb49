"""Conjugate gradients on systems with a known answer, and their derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.phasefield.elasticity.conjugate_gradients import inner, solve

RANDOM = np.random.default_rng(0)
ROOT = jnp.asarray(RANDOM.normal(size=(6, 6)))
MATRIX = ROOT @ ROOT.T + jnp.eye(6)
LOAD = jnp.asarray(RANDOM.normal(size=6))


def answer(load, matrix=MATRIX, *, start=None, tolerance=1e-12, most=50):
    return solve(lambda v: matrix @ v, load, lambda v: v, start=start, tolerance=tolerance, most=most)


def test_the_solution_and_the_number_of_iterations():
    found, count = answer(LOAD)
    assert np.asarray(found) == pytest.approx(np.linalg.solve(MATRIX, LOAD), rel=1e-9)
    assert 1 <= int(count) <= 12  # six in exact arithmetic


def test_no_load_needs_no_iteration():
    found, count = answer(jnp.zeros(6))
    assert int(count) == 0
    assert not np.any(found)


def test_a_singular_system_with_a_load_in_its_range():
    matrix = jnp.diag(jnp.array([0.0, 1, 2, 3, 4, 5]))
    found, _ = answer(matrix @ LOAD, matrix)
    assert np.asarray(found)[1:] == pytest.approx(np.asarray(LOAD)[1:], rel=1e-9)


def test_the_target_does_not_move_with_the_guess():
    exact, cold = answer(LOAD)
    _, warm = answer(LOAD, start=exact * (1 + 1e-5), tolerance=1e-6)
    assert int(warm) < int(cold)


def test_derivatives_by_load_and_matrix():
    weight = jnp.asarray(RANDOM.normal(size=6))

    def value(load, scale):
        return weight @ answer(load, scale * MATRIX)[0]

    by_load, by_scale = jax.jit(jax.grad(value, (0, 1)))(LOAD, 2.0)
    assert np.asarray(by_load) == pytest.approx(np.linalg.solve(2 * MATRIX, weight), rel=1e-8)
    assert float(by_scale) == pytest.approx(-float(value(LOAD, 2.0)) / 2, rel=1e-8)
    # v ~ 1/scale: the second derivative is 2 v/scale^2.
    second = jax.jit(jax.grad(jax.grad(value, 1), 1))(LOAD, 2.0)
    assert float(second) == pytest.approx(2 * float(value(LOAD, 2.0)) / 4, rel=1e-7)


@pytest.mark.parametrize("load", [LOAD, LOAD.at[0].set(jnp.nan)])
def test_no_answer_is_no_number(load):
    found, count = answer(load, most=1)
    assert np.all(np.isnan(found))
    assert int(count) <= 1


def test_trees():
    load = {"a": LOAD, "b": jnp.asarray(3.0)}
    found, _ = solve(
        lambda v: {"a": MATRIX @ v["a"], "b": 2 * v["b"]},
        load,
        lambda v: v,
        start=None,
        tolerance=1e-12,
        most=50,
    )
    assert float(found["b"]) == pytest.approx(1.5, rel=1e-9)
    assert float(inner(load, load)) == pytest.approx(9 + float(LOAD @ LOAD), rel=1e-14)
