"""Composition of places that differ in rate alone, in closed form: one equilibrium voltage for every composition.

With dx/dt = k F(x) g(t) everything depends on the reaction coordinate S = integral of |g| dt. For the skewed
F = 3(1-x) sqrt(x(1-x)), s = sqrt(x/(1-x)) obeys ds/dS = +-3/2 k; for the symmetric F = 2 sqrt(x(1-x)), x = sin^2 theta
with dtheta/dS = +-k. Places that run empty do so in a finite time, which stops a solver of differential equations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import OptionError
from lithiscope.instruments.reaction.electrode import Law

Array = NDArray[np.float64]

_GRID, _NEWTON = 2000, 6


def advanced(law: Law, state: Array, change: Array) -> Array:
    """Return the compositions after a reaction.

    Parameters
    ----------
    law : {"skewed", "symmetric", "constant"}
        F(x).
    state : ndarray, shape (R,)
        Compositions before.
    change : ndarray, shape (..., R)
        Rate times reaction coordinate, positive on lithiation.
    """
    if law == "skewed":
        square = np.square(np.maximum(np.sqrt(state / (1 - state)) + 1.5 * change, 0.0))
        return np.asarray(square / (1 + square))
    if law == "symmetric":
        return np.asarray(np.square(np.sin(np.clip(np.arcsin(np.sqrt(state)) + change, 0.0, np.pi / 2))))
    return np.clip(state + 0.5 * change, 0.0, 1.0)


def coordinate(law: Law, state: Array, rate: Array, weight: Array, means: Array) -> Array:
    """Return the signed reaction coordinate at which the mean composition has the wanted values.

    Parameters
    ----------
    law : {"skewed", "symmetric", "constant"}
        F(x).
    state, rate, weight : ndarray, shape (R,)
        Compositions at the start, relative rates, and shares of the electrode.
    means : ndarray, shape (T,)
        Wanted means, all on one side of that of the start.

    Raises
    ------
    OptionError
        If no coordinate leads there.
    """
    sign = 1.0 if means[-1] > state @ weight else -1.0
    grid = sign * np.concatenate([[0.0], np.geomspace(1e-6, 1e4, _GRID)])
    course = advanced(law, state, grid[:, None] * rate) @ weight
    if sign * (course[-1] - means[-1]) < 0:
        raise OptionError(
            "the virtual electrode cannot follow this step", field="steps", value=float(means[-1]), limit=course[-1]
        )
    found = np.interp(sign * means, sign * course, grid)
    for _ in range(_NEWTON):
        miss = advanced(law, state, found[:, None] * rate) @ weight - means
        slope = slope_of_mean(law, state, rate, weight, found)
        found = found - np.divide(miss, slope, out=np.zeros_like(miss), where=slope > 0)
    return np.asarray(found)


def slope_of_mean(law: Law, state: Array, rate: Array, weight: Array, reached: Array) -> Array:
    """Return the derivative of the mean composition by the reaction coordinate at coordinates (T,)."""
    step = 1e-6 * np.maximum(np.abs(reached), 1e-4)
    low, high = (advanced(law, state, (reached + side * step)[:, None] * rate) @ weight for side in (-1, 1))
    return np.asarray((high - low) / (2 * step))
