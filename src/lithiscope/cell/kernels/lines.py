"""A straight line through a few uncertain points, robust against false ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_TUKEY = 4.685  # the usual tuning constant of the biweight: 95 % efficient for Gaussian noise

_RARE = 3.72  # standard deviations that one in ten thousand exceeds


class Line(NamedTuple):
    """y = offset + slope (x - reference), with the weights that the points ended up with (1 = trusted)."""

    offset: float
    offset_std: float
    slope: float
    slope_std: float
    reference: float
    weight: Float[np.ndarray, " points"]


def likely_scatter(freedom: int) -> float:
    """Return the sum of squares per degree of freedom that chance exceeds once in ten thousand times.

    By the cube root of Wilson and Hilferty (1931).
    """
    share = 2.0 / (9.0 * freedom)
    return float((1.0 - share + _RARE * np.sqrt(share)) ** 3)


def robust_line(
    x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], std: Float[np.ndarray, " points"]
) -> Line:
    """Fit a line to three or more points of stated standard deviation; far outliers lose their weight.

    All points are trusted where chance alone makes their scatter. Otherwise weights are Tukey's biweight of the
    residual over its stated standard deviation, started both from all points and from the pair of points that most
    others agree with; the start that ends with the smaller loss holds. Points that kept some weight are then fitted by
    their stated errors alone, which give the errors of the line.
    """
    every = np.ones(len(x))
    if len(x) == 2 or np.mean(_residual(x, y, std, every) ** 2) * len(x) < (len(x) - 2) * likely_scatter(len(x) - 2):
        return weighted_line(x, y, std, every)
    ends = [_reweighted(x, y, std, start) for start in (every, _agreeing(x, y, std))]
    weight = min(ends, key=lambda end: _loss(x, y, std, end))
    return weighted_line(x, y, std, (weight > 0.0).astype(float))


def _reweighted(x: np.ndarray, y: np.ndarray, std: np.ndarray, weight: np.ndarray) -> np.ndarray:
    for _ in range(50):
        residual = _residual(x, y, std, weight)
        fresh = np.where(np.abs(residual) < _TUKEY, (1 - (residual / _TUKEY) ** 2) ** 2, 0.0)
        if np.count_nonzero(fresh) < 2 or np.allclose(fresh, weight, atol=1e-10):
            break
        weight = fresh
    return weight


def _residual(x: np.ndarray, y: np.ndarray, std: np.ndarray, weight: np.ndarray) -> np.ndarray:
    line = weighted_line(x, y, std, weight)
    return np.asarray((y - line.offset - line.slope * (x - line.reference)) / std)


def _loss(x: np.ndarray, y: np.ndarray, std: np.ndarray, weight: np.ndarray) -> float:
    inside = 1 - np.minimum(np.abs(_residual(x, y, std, weight)) / _TUKEY, 1.0) ** 2
    return float(np.sum(1 - inside**3))


def weighted_line(
    x: Float[np.ndarray, " points"],
    y: Float[np.ndarray, " points"],
    std: Float[np.ndarray, " points"],
    weight: Float[np.ndarray, " points"],
) -> Line:
    """Fit a line by weighted least squares; the reference is the weighted mean of x, so that both errors part."""
    total = weight / std**2
    reference = float(np.sum(total * x) / total.sum())
    spread = float(np.sum(total * (x - reference) ** 2))
    offset = float(np.sum(total * y) / total.sum())
    slope = float(np.sum(total * (x - reference) * y) / spread) if spread > 0 else float("nan")
    return Line(
        offset,
        float(1.0 / np.sqrt(total.sum())),
        slope,
        float(1.0 / np.sqrt(spread)) if spread > 0 else float("nan"),
        reference,
        weight,
    )


def _agreeing(x: np.ndarray, y: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Return weights of 1 where points agree with the line through the best pair of points, and 0 elsewhere."""
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] != x[first]
    first, second = first[apart], second[apart]
    slope = (y[second] - y[first]) / (x[second] - x[first])
    residual = np.abs(y - y[first, None] - slope[:, None] * (x - x[first, None])) / std
    best = np.argmin(np.minimum(residual, _TUKEY).sum(axis=1))
    return np.asarray(residual[best] < _TUKEY, dtype=float)
