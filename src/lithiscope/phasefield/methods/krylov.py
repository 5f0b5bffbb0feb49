"""Linear systems that are known only by what they do to an array, solved by BiCGStab, with derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from lithiscope.phasefield.arrays import Cells, Number

Linear = Callable[[Cells], Cells]
"""A linear map of arrays."""

_ADJOINT = 1e-10  # residual over load in the transposed solves of a gradient


class _Search(NamedTuple):
    """State of BiCGStab (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 631 (1992))."""

    found: Cells
    residual: Cells
    direction: Cells
    shadow: Cells
    overlap: Number
    size: Number
    iterations: Int[Array, ""]


def solve(
    matrix: Linear, load: Cells, precondition: tuple[Linear, Linear], *, relative: float | Number, most: int
) -> tuple[Cells, Number]:
    """Solve a linear system; a derivative costs one more solve, never the derivative of the iteration.

    Parameters
    ----------
    matrix : callable
        The matrix.
    precondition : (callable, callable)
        An approximate inverse, and its transpose.
    load : array
        Right-hand side.
    relative : float
        Norm of the residual over that of the load.
    most : int
        Iterations, two products each, after which the answer is NaN.

    Returns
    -------
    array
        The solution.
    int
        Number of iterations.
    """

    def forward(operator: Linear, right: Cells) -> tuple[Cells, Number]:
        return _iterate(operator, right, precondition[0], jnp.asarray(relative, right.dtype), most)

    def backward(operator: Linear, right: Cells) -> tuple[Cells, Number]:
        least = jnp.minimum(jnp.asarray(relative, right.dtype), _ADJOINT)
        return _iterate(operator, right, precondition[1], least, most)

    return jax.lax.custom_linear_solve(matrix, load, forward, transpose_solve=backward, has_aux=True)


def _iterate(matrix: Linear, load: Cells, precondition: Linear, relative: Number, most: int) -> tuple[Cells, Number]:
    size = jnp.vdot(load, load)
    target = size * relative**2
    zero = jnp.zeros_like(load)
    start = _Search(zero, load, load, load, size, size, jnp.zeros((), jnp.int32))

    def unfinished(now: _Search) -> Bool[Array, ""]:
        return (now.size > target) & (now.iterations < most)

    def better(now: _Search) -> _Search:
        near = precondition(now.direction)
        image = matrix(near)
        alpha = now.overlap / jnp.vdot(now.shadow, image)
        half = now.residual - alpha * image
        there = precondition(half)
        second = matrix(there)
        square = jnp.vdot(second, second)
        omega = jnp.where(square > 0, jnp.vdot(second, half) / jnp.where(square > 0, square, 1.0), 0.0)
        found = now.found + alpha * near + omega * there
        residual = half - omega * second
        size = jnp.vdot(residual, residual)
        overlap = jnp.vdot(now.shadow, residual)
        # Where the residual has become perpendicular to its shadow the search starts anew from it.
        lost = overlap**2 < 1e-20 * size * jnp.vdot(now.shadow, now.shadow)
        factor = overlap / now.overlap * alpha / jnp.where(omega == 0, 1.0, omega)
        direction = jnp.where(lost, residual, residual + factor * (now.direction - omega * image))
        shadow = jnp.where(lost, residual, now.shadow)
        return _Search(found, residual, direction, shadow, jnp.where(lost, size, overlap), size, now.iterations + 1)

    last = jax.lax.while_loop(unfinished, better, start)
    # Written so that a residual that is NaN or infinite fails too.
    return jnp.where((last.size <= target) & jnp.isfinite(target), last.found, jnp.nan), last.iterations
