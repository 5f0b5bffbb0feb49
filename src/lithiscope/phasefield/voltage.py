"""The voltage at which the cells together carry a given rate: closed where the law allows, else Newton's method."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.phasefield.arrays import Cells, Number, constant
from lithiscope.phasefield.reaction import Reaction

_ITERATIONS = 100
_TOLERANCE, _MISS = 50, 5e6  # roundings of the scale: where the search ends, and what is no root
_LONGEST_STEP = 4.0  # kT/e


def driven(
    reaction: Reaction,
    mu: Cells,
    x: Cells,
    exchange_density: Cells,
    weight: Cells,
    *,
    target: Number,
    potential: Number | None = None,
) -> tuple[Number, Cells]:
    """Return v = e(V - V0)/kT and the current density of each cell, at a given sum of currents or a given v.

    Parameters
    ----------
    reaction : Reaction
        The law.
    mu, x, exchange_density : array
        In kT, composition, and k j0 F(x) in A/m2, cell by cell.
    weight : array
        Reacting area of each cell, 0 outside.
    target : float
        Sum of weight times current density, where no potential is given; positive = delithiation.
    potential : float
        v, where that is given.
    """
    if reaction.is_symmetric():
        # The commonest law, and one exponential a cell is all that it needs.
        half = jnp.exp(mu / 2)
        if potential is None:
            factor = _symmetric(half, weight * exchange_density, target)
            v = 2 * jnp.log(factor)
        else:
            v, factor = potential, jnp.exp(potential / 2)
        both = half * factor
        return v, exchange_density * (both - 1 / both)
    if potential is None:
        guess = -jnp.sum(weight * mu) / jnp.sum(weight)
        v = voltage_for(reaction, mu, x, exchange_density, weight, target, guess)
    else:
        v = potential
    return v, reaction.current(v + mu, x, exchange_density)[0]


def voltage_for(
    reaction: Reaction, mu: Cells, x: Cells, exchange_density: Cells, weight: Cells, target: Number, guess: Number
) -> Number:
    """Return v = e(V - V0)/kT at which sum of weight j(v + mu, x) equals the target.

    The sum rises with v, so there is one root; it is NaN where the law cannot carry the current (Marcus kinetics beyond
    its turning point). Derivatives of every order come from the equation at its root (implicit function theorem).

    Parameters
    ----------
    reaction : Reaction
        The law.
    mu, x, exchange_density : array
        In kT, composition, and k j0 F(x) in A/m2, cell by cell.
    weight : array
        Reacting area of each cell, 0 outside.
    target : float
        In the units of weight times A/m2; positive = delithiation.
    guess : float
        Where to start, kT/e.
    """
    if reaction.is_linear():
        each = weight * exchange_density
        return (target - jnp.sum(each * mu)) / jnp.sum(each)
    if reaction.is_symmetric():
        return 2 * jnp.log(_symmetric(jnp.exp(mu / 2), weight * exchange_density, target))
    start = constant((reaction, mu, x, exchange_density, weight, target, guess))

    def excess(v: Number) -> Number:
        return _sum(reaction, v, mu, x, exchange_density, weight)[0] - target

    # Derivatives of every order come from the equation at its root; a linear method needs the second.
    return jax.lax.custom_root(
        excess, start[-1], lambda _, __: _newton(*start), lambda slope, value: value / slope(jnp.ones_like(value))
    )


def _symmetric(half: Cells, each: Cells, target: Number) -> Number:
    """Return e^(v/2), the root of a e^(v/2) - b e^(-v/2) = target, for Butler-Volmer with alpha = 1/2."""
    a, b = jnp.sum(each * half), jnp.sum(each / half)
    root = jnp.sqrt(target * target + 4 * a * b)
    # Two forms of the same root: each keeps its digits for one sign of the target.
    below = jnp.where(target >= 0, 1.0, root - target)
    return jnp.where(target >= 0, (target + root) / (2 * a), 2 * b / below)


def _sum(
    reaction: Reaction, v: Number, mu: Cells, x: Cells, exchange_density: Cells, weight: Cells
) -> tuple[Number, Number]:
    value, slope = reaction.current(v + mu, x, exchange_density)
    used = weight > 0
    return jnp.sum(jnp.where(used, weight * value, 0.0)), jnp.sum(jnp.where(used, weight * slope, 0.0))


def _newton(
    reaction: Reaction, mu: Cells, x: Cells, exchange_density: Cells, weight: Cells, target: Number, guess: Number
) -> Number:
    """Newton's method with steps of limited length, which the exponentials need far from the root."""
    rounding = float(np.finfo(mu.dtype).eps)
    scale = jnp.abs(target) + jnp.sum(weight * exchange_density)

    def wrong(state: tuple[Any, ...]) -> Any:
        count, _, excess, slope = state
        return (jnp.abs(excess) > _TOLERANCE * rounding * scale) & (count < _ITERATIONS) & (slope > 0)

    def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
        count, v, excess, slope = state
        v = v - jnp.clip(excess / slope, -_LONGEST_STEP, _LONGEST_STEP)
        value, slope = _sum(reaction, v, mu, x, exchange_density, weight)
        return count + 1, v, value - target, slope

    value, slope = _sum(reaction, guess, mu, x, exchange_density, weight)
    _, v, excess, _ = jax.lax.while_loop(wrong, step, (0, guess, value - target, slope))
    # At the end of the digits the residual need not fall below the tolerance; a true miss is far above it.
    # In single precision 5e6 roundings are more than the scale itself, so a root to three digits is asked for there.
    return jnp.where(jnp.abs(excess) <= jnp.minimum(_MISS * rounding, 1e-3) * scale, v, jnp.nan)
