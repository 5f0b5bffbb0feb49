"""The inverse of a monotone function, element by element, for arrays of NumPy or JAX."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from lithiscope.laws.arrays import Array, constant_of

_ROUNDING = 8.0  # of the last digit
_STEPS = 60


def invert_monotone(
    xp: Any, rate: Callable[[Array], Array], slope: Callable[[Array], Array], target: Array, low: Array, high: Array
) -> Array:
    """Return eta with rate(eta) = target for an increasing rate, by Newton's method kept inside a bracket.

    Newton works on asinh(rate/2), which is a straight line for Butler-Volmer with alpha = 1/2 and nearly one for the
    other laws. A last plain step carries the derivatives of implicit differentiation when JAX differentiates.

    Parameters
    ----------
    xp : module
        Namespace of the arrays.
    rate, slope : callable
        The function, increasing between `low` and `high`, and its derivative.
    target : array
        Values wanted.
    low, high : float or array
        The bracket.

    Returns
    -------
    array
        Shape of `target`; NaN where the target is outside the range of the function on the bracket, but for rounding.
    """
    # Where a law has come to its limit, the rate of a smaller eta may lie above that of the end by its rounding.
    room = _ROUNDING * xp.finfo(target.dtype).eps * xp.abs(target)
    reachable = (rate(low + 0 * target) <= target + room) & (target - room <= rate(high + 0 * target))
    wanted = constant_of(xp, xp.where(reachable, target, 0.0))
    goal = xp.arcsinh(wanted / 2)

    def step(eta: Array, below: Array, above: Array) -> tuple[Array, Array, Array]:
        value = constant_of(xp, rate(eta))
        below, above = xp.where(value <= wanted, eta, below), xp.where(value >= wanted, eta, above)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = eta - (xp.arcsinh(value / 2) - goal) * xp.sqrt(4 + value * value) / constant_of(xp, slope(eta))
        kept = (newton >= below) & (newton <= above)
        return xp.where(kept, newton, (below + above) / 2), below, above

    below, above = constant_of(xp, low + 0 * wanted), constant_of(xp, high + 0 * wanted)
    eta = _repeat(xp, step, (xp.clip(2 * goal, below, above), below, above))
    eta = constant_of(xp, eta)
    steepness = slope(eta)
    # At the turning point of a law the slope vanishes, and a plain step would leave it.
    last = xp.where(steepness > 1e-12, (rate(eta) - target) / xp.where(steepness > 1e-12, steepness, 1.0), 0.0)
    return xp.where(reachable, eta - last, xp.nan)


def _repeat(xp: Any, step: Callable[..., tuple[Array, Array, Array]], state: tuple[Array, Array, Array]) -> Array:
    """Return the first part of the state after the steps; JAX gets a loop that it compiles once."""
    if xp is not np:
        lax = import_module(xp.__name__.partition(".")[0]).lax
        return lax.fori_loop(0, _STEPS, lambda _, now: step(*now), state)[0]
    for _ in range(_STEPS):
        older, state = state[0], step(*state)
        if np.all(np.abs(state[0] - older) <= 1e-15 * np.abs(state[0])):
            break
    return state[0]
