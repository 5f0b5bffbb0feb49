"""Where a curve changes its slope: the best chain of straight pieces."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_LEAST = 3  # points of a piece


def straight_pieces(
    x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], sigma: float, penalty: float
) -> list[int]:
    """Return the first point of every piece of the best division into straight pieces, the first being 0.

    Minimises the sum over the pieces of squared residuals over `sigma` squared, plus `penalty` per piece, exactly
    (dynamic programming). A piece has at least three points.
    """
    cost = _piece_costs(x, y) / sigma**2 + penalty
    points = len(x)
    best = np.full(points + 1, np.inf)
    best[0] = 0.0
    origin = np.zeros(points + 1, dtype=np.int64)
    for end in range(_LEAST, points + 1):
        total = best[: end - _LEAST + 1] + cost[: end - _LEAST + 1, end - 1]
        origin[end] = int(np.argmin(total))
        best[end] = total[origin[end]]
    starts: list[int] = []
    end = points
    while end > 0:
        end = int(origin[end])
        starts.insert(0, end)
    return starts


def _piece_costs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the sum of squared residuals of the best line from point i to point j, shape (points, points)."""
    x = x - x.mean()
    y = y - y.mean()

    def between(values: np.ndarray) -> np.ndarray:
        """Return the sums from point i to point j."""
        running = np.concatenate([[0.0], np.cumsum(values)])
        return np.asarray(running[None, 1:] - running[:-1, None])

    count = np.maximum(between(np.ones_like(x)), 1.0)
    sum_x, sum_y = between(x), between(y)
    xx = between(x * x) - sum_x**2 / count
    xy = between(x * y) - sum_x * sum_y / count
    yy = between(y * y) - sum_y**2 / count
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = yy - np.where(xx > 0, xy**2 / xx, 0.0)
    return np.where(np.isfinite(cost), np.maximum(cost, 0.0), np.inf)
