"""A sum of Legendre polynomials, with derivatives that cost no more than it does."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from lithiscope.phasefield.arrays import Cells


@jax.custom_jvp
def legendre_series(u: Cells, coefficients: Cells) -> Cells:
    """Return sum_n c_n P_n(u).

    Left to itself, JAX keeps every polynomial for the way back. The derivative by the place is a series too, and that
    by the coefficients the polynomials themselves.

    Parameters
    ----------
    u : array, shape (...,)
        Places.
    coefficients : array, shape (terms,)
        c_n, from n = 0; one term at least.

    Returns
    -------
    array, shape (...,)
        By the recurrence of Clenshaw (Math. Comput. 9, 118 (1955)).
    """
    one = two = jnp.zeros_like(u)
    for n in range(coefficients.shape[0] - 1, 0, -1):
        one, two = coefficients[n] + (2 * n + 1) / (n + 1) * u * one - (n + 1) / (n + 2) * two, one
    return coefficients[0] + u * one - 0.5 * two


@partial(legendre_series.defjvp, symbolic_zeros=True)
def _tangent(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Cells, Any]:
    u, coefficients = primals
    place, weights = tangents
    change: Any = jnp.zeros_like(u)
    if not isinstance(place, SymbolicZero) and coefficients.shape[0] > 1:
        slope = np.polynomial.legendre.legder(np.eye(coefficients.shape[0]))
        change = change + place * legendre_series(u, jnp.asarray(slope) @ coefficients)
    if not isinstance(weights, SymbolicZero):
        change = change + jnp.tensordot(weights, _polynomials(u, coefficients.shape[0]), 1)
    return legendre_series(u, coefficients), change


def _polynomials(u: Cells, terms: int) -> Cells:
    """Return P_n(u), shape (terms, ...), by the recurrence of Bonnet."""
    values = [jnp.ones_like(u), u]
    for n in range(1, terms - 1):
        # Else the compiler works out every polynomial from the first one, again for each.
        after = ((2 * n + 1) * u * values[n] - n * values[n - 1]) / (n + 1)
        values.append(jax.lax.optimization_barrier(after))  # type: ignore[no-untyped-call]
    return jnp.stack(values[:terms])
