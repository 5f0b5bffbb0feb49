"""Conjugate gradients for symmetric systems on trees of arrays, with derivatives that cost one more solve."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Int

from lithiscope.phasefield.arrays import Number

Tree = TypeVar("Tree")
Count: TypeAlias = Int[Array, ""]


def inner(first: Tree, second: Tree) -> Number:
    """Return the sum of the products of all entries."""
    products = jax.tree.map(lambda a, b: jnp.sum(a * b), first, second)
    return jnp.asarray(jax.tree.reduce(jnp.add, products))


def _plus(first: Tree, factor: Number, second: Tree) -> Tree:
    return jax.tree.map(lambda a, b: a + factor * b, first, second)


def solve(
    matrix: Callable[[Tree], Tree],
    load: Tree,
    precondition: Callable[[Tree], Tree],
    *,
    start: Tree | None,
    tolerance: float,
    most: int,
) -> tuple[Tree, Count]:
    """Solve a symmetric, positive semi-definite system; derivatives by all that the load and the matrix close over.

    Derivatives of any order are further solves of the same system, so the iteration itself is never differentiated.

    Parameters
    ----------
    matrix, precondition : callable
        The matrix and an approximate inverse, both linear and symmetric.
    load : tree of arrays
        Right-hand side, in the range of the matrix.
    start : tree of arrays, optional
        First guess, zero by default; it changes the number of iterations only.
    tolerance : float
        The residual to reach over the load, both in the norm of the preconditioner.
    most : int
        Iterations after which the answer becomes NaN.

    Returns
    -------
    tree of arrays
        The solution.
    int
        Number of iterations.
    """
    start = jax.lax.stop_gradient(start)
    rest = load if start is None else jax.tree.map(jnp.subtract, load, matrix(start))
    # The size of the load travels as one more equation, a = size: with a good guess the rest is small, but the target
    # is not. Without a guess, and in derivatives, it is zero, and the rest is its own measure.
    size = jnp.zeros(()) if start is None else jax.lax.stop_gradient(inner(load, precondition(load)))
    # One flat vector, because JAX cannot differentiate twice where only some leaves of a tree depend on a parameter.
    flat, shaped = ravel_pytree((rest, size.astype(inner(rest, rest).dtype)))

    def flat_matrix(unknown: Array) -> Array:
        vector, number = shaped(unknown)
        return ravel_pytree((matrix(vector), number))[0]

    def iterate(operator: Callable[[Array], Array], right: Array) -> tuple[Array, Count]:
        remaining, scale = shaped(right)

        def tree_matrix(vector: Tree) -> Tree:
            image: Tree = shaped(operator(ravel_pytree((vector, jnp.zeros_like(scale)))[0]))[0]
            return image

        found, count = _iterate(tree_matrix, remaining, precondition, scale, tolerance, most)
        return ravel_pytree((found, scale))[0], count

    solution, count = jax.lax.custom_linear_solve(flat_matrix, flat, iterate, symmetric=True, has_aux=True)
    change = shaped(solution)[0]
    return change if start is None else jax.tree.map(jnp.add, start, change), count


def _iterate(
    matrix: Callable[[Tree], Tree],
    load: Tree,
    precondition: Callable[[Tree], Tree],
    scale: Number,
    tolerance: float,
    most: int,
) -> tuple[Tree, Count]:
    """Return the solution from a guess of zero and the number of iterations; NaN if there were too many."""
    towards = precondition(load)
    first = inner(load, towards)
    target = tolerance**2 * jnp.where(scale > 0, scale, first)
    state = (jax.tree.map(jnp.zeros_like, load), load, towards, first, jnp.zeros((), int))

    def unfinished(state: tuple[Tree, Tree, Tree, Number, Count]) -> Array:
        return (state[3] > target) & (state[4] < most)

    def better(state: tuple[Tree, Tree, Tree, Number, Count]) -> tuple[Tree, Tree, Tree, Number, Count]:
        found, residual, direction, before, count = state
        image = matrix(direction)
        step = before / inner(direction, image)
        found, residual = _plus(found, step, direction), _plus(residual, -step, image)
        steepest = precondition(residual)
        after = inner(residual, steepest)
        return found, residual, _plus(steepest, after / before, direction), after, count + 1

    found, _, _, reached, count = jax.lax.while_loop(unfinished, better, state)
    # Written so that a residual that is NaN fails too.
    return jax.tree.map(lambda values: jnp.where(reached <= target, values, jnp.nan), found), count
