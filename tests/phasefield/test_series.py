"""The sum of Legendre polynomials and its derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import legendre

from lithiscope.phasefield.series import legendre_series

PLACES = np.linspace(-1, 1, 41).reshape(-1, 1) * np.array([1.0, 0.5])


@pytest.mark.parametrize("terms", [1, 2, 3, 13])
def test_the_sum_and_its_derivatives_are_those_of_numpy(terms: int) -> None:
    coefficients = np.random.default_rng(terms).normal(size=terms)
    value, back = jax.vjp(legendre_series, jnp.asarray(PLACES), jnp.asarray(coefficients))
    weight = np.random.default_rng(1).normal(size=PLACES.shape)
    by_place, by_coefficients = back(jnp.asarray(weight))
    assert np.allclose(value, legendre.legval(PLACES, coefficients), atol=1e-12)
    assert np.allclose(by_place, weight * legendre.legval(PLACES, legendre.legder(coefficients)), atol=1e-11)
    vander = legendre.legvander(PLACES, terms - 1)
    assert np.allclose(by_coefficients, np.tensordot(weight, vander, 2), atol=1e-11)


def test_second_derivatives_go_through() -> None:
    coefficients = np.random.default_rng(0).normal(size=6)

    def slope(u: jax.Array, c: jax.Array) -> jax.Array:
        found: jax.Array = jax.jvp(lambda at: legendre_series(at, c), (u,), (jnp.ones_like(u),))[1]
        return found

    curved = jax.jacfwd(lambda at: slope(at, jnp.asarray(coefficients)))(jnp.asarray(0.3))
    mixed = jax.jacrev(lambda c: slope(jnp.asarray(0.3), c))(jnp.asarray(coefficients))
    assert curved == pytest.approx(legendre.legval(0.3, legendre.legder(coefficients, 2)))
    assert np.allclose(mixed, [legendre.legval(0.3, legendre.legder(one)) for one in np.eye(6)])


def test_one_derivative_alone_is_not_asked_for_the_other() -> None:
    u, c = jnp.asarray(0.4), jnp.arange(4.0)
    by_place = jax.make_jaxpr(lambda at: jax.jvp(lambda a: legendre_series(a, c), (at,), (1.0,))[1])(u)
    assert "optimization_barrier" not in str(by_place)  # the polynomials, which only the coefficients need
