"""How much a perturbation grows while a particle fills or empties: the integral of s along its path."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.laws.stability import UniformState, growth_rate


class Growth(NamedTuple):
    """Logarithm of the amplitude along a path (n,), and the largest rise of it between any two points."""

    log_amplitude: np.ndarray
    largest: float


def growth_integral(path: np.ndarray, current: np.ndarray | float, state: UniformState, *, nodes: int = 16) -> Growth:
    """Return the integral of s dt = s dx/j~ along a path of composition.

    The sign of s alone says little: a state that is unstable for a moment may multiply its noise by 1.1 only.

    Parameters
    ----------
    path : (n,) array
        Compositions in the order of time, within [0, 1], close enough to show where s changes sign.
    current : float or (n - 1,) array
        Insertion current over k0 on each piece of the path: positive where x rises, negative where it falls.
    state : UniformState
        F, mu and strain.
    nodes : int
        Points of the Gauss-Legendre rule on each piece; none is at its ends.

    Returns
    -------
    Growth
        ``log_amplitude`` starts at zero; ``largest`` is the most that noise present at any moment was multiplied by,
        as a logarithm.

    Raises
    ------
    AnalysisError
        If the path leaves [0, 1], or a current does not belong to its piece.
    """
    x = np.asarray(path, dtype=float)
    _check_path(x)
    flow = np.broadcast_to(np.asarray(current, dtype=float), (x.size - 1,))
    steps = np.diff(x)
    _check_flow(steps, flow)
    at, weight = np.polynomial.legendre.leggauss(nodes)
    inner = x[:-1, None] + steps[:, None] * (at + 1) / 2
    moving = steps != 0
    pieces = np.zeros(x.size - 1)
    s = np.asarray(growth_rate(inner[moving], flow[moving, None], state))
    pieces[moving] = (s @ weight) / 2 * steps[moving] / flow[moving]
    log_amplitude = np.concatenate([[0.0], np.cumsum(pieces)])
    return Growth(log_amplitude, float(np.max(log_amplitude - np.minimum.accumulate(log_amplitude))))


def _check_path(x: np.ndarray) -> None:
    if x.ndim != 1 or x.size < 2 or not np.all((x >= 0) & (x <= 1)):
        raise AnalysisError(
            "growth needs a path of compositions",
            field="path",
            value=x if x.size < 20 else f"{x.shape}, {np.nanmin(x):g} to {np.nanmax(x):g}",
            limit="one dimension, two points or more, all between 0 and 1",
            remedy="clip noise at the ends, and leave out frames without a value",
        )


def _check_flow(steps: np.ndarray, flow: np.ndarray) -> None:
    wrong = np.flatnonzero((steps != 0) & ~(steps * flow > 0))
    if wrong.size:
        raise AnalysisError(
            "the current does not belong to the path",
            field="current",
            value=f"{flow[wrong[0]]:g} where x changes by {steps[wrong[0]]:g} (piece {wrong[0]})",
            limit="insertion current positive where x rises, negative where it falls",
            remedy="j~ = -j/k0: turn the sign of a current that is positive on delithiation",
        )
