"""BiCGStab against dense solves."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield  # noqa: F401  (double precision)
from lithiscope.phasefield.methods.krylov import solve

SAME = (lambda values: values, lambda values: values)


def system(size: int = 12) -> tuple[jax.Array, jax.Array]:
    """A matrix that is not symmetric, far from singular, and a load."""
    rng = np.random.default_rng(1)
    return jnp.asarray(3 * np.eye(size) + 0.3 * rng.standard_normal((size, size))), jnp.asarray(
        rng.standard_normal(size)
    )


def answer(matrix: jax.Array, load: jax.Array, precondition=SAME, relative: float = 1e-12, most: int = 50) -> tuple:
    return solve(lambda u: matrix @ u, load, precondition, relative=relative, most=most)


def test_solution_is_that_of_a_dense_solver() -> None:
    matrix, load = system()
    found, count = answer(matrix, load)
    assert 0 < count < 15
    np.testing.assert_allclose(found, np.linalg.solve(matrix, load), rtol=1e-10, atol=1e-11)


def test_exact_preconditioner_needs_one_iteration() -> None:
    matrix, load = system()
    inverse = jnp.linalg.inv(matrix)
    found, count = answer(matrix, load, (lambda u: inverse @ u, lambda u: inverse.T @ u), 1e-10)
    assert count == 1
    np.testing.assert_allclose(matrix @ found, load, atol=1e-9)


def test_nothing_to_solve_is_zero() -> None:
    found, count = answer(system()[0], jnp.zeros(12))
    assert count == 0
    assert not np.any(found)


def test_too_few_iterations_give_nan_and_not_a_plausible_number() -> None:
    assert np.isnan(answer(*system(), most=1)[0]).all()


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf])
def test_load_that_is_not_finite_gives_nan(bad: float) -> None:
    matrix, load = system()
    assert np.isnan(answer(matrix, load.at[0].set(bad))[0]).all()


def test_derivatives_of_both_modes_are_those_of_a_dense_solver() -> None:
    matrix, load = system(6)

    def loss(entries: jax.Array, right: jax.Array) -> jax.Array:
        return jnp.sum(answer(entries, right)[0] ** 2)

    def dense(entries: jax.Array, right: jax.Array) -> jax.Array:
        return jnp.sum(jnp.linalg.solve(entries, right) ** 2)

    for found, true in zip(jax.grad(loss, (0, 1))(matrix, load), jax.grad(dense, (0, 1))(matrix, load), strict=True):
        np.testing.assert_allclose(found, true, rtol=1e-8, atol=1e-10)
    forward = jax.jvp(lambda right: loss(matrix, right), (load,), (jnp.ones(6),))[1]
    np.testing.assert_allclose(forward, jnp.sum(jax.grad(dense, 1)(matrix, load)), rtol=1e-8)
