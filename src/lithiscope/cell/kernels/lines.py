"""A straight line through a few uncertain points, robust against false ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

_TUKEY = 4.685  # the usual tuning constant of the biweight: 95 % efficient for Gaussian noise


class Line(NamedTuple):
    """y = offset + slope (x - reference), with the weights that the points ended up with (1 = trusted)."""

    offset: float
    offset_std: float
    slope: float
    slope_std: float
    reference: float
    weight: Float[np.ndarray, " points"]


def robust_line(
    x: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], std: Float[np.ndarray, " points"]
) -> Line:
    """Fit a line to three or more points of stated standard deviation; far outliers lose their weight.

    Weights are Tukey's biweight of the residual over its stated standard deviation, started from the line through the
    pair of points that most others agree with. Standard deviations follow from the stated ones.
    """
    weight = _start(x, y, std)
    for _ in range(50):
        line = weighted_line(x, y, std, weight)
        residual = (y - line.offset - line.slope * (x - line.reference)) / std
        fresh = np.where(np.abs(residual) < _TUKEY, (1 - (residual / _TUKEY) ** 2) ** 2, 0.0)
        if np.count_nonzero(fresh) < 2 or np.allclose(fresh, weight, atol=1e-10):
            break
        weight = fresh
    # The final line weighs the points that were kept by their stated errors alone: then these give its errors.
    return weighted_line(x, y, std, (weight > 0.0).astype(float))


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


def _start(x: np.ndarray, y: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Return weights from the line through the pair with which the most points agree (all when they all do)."""
    ones = np.ones(len(x))
    line = weighted_line(x, y, std, ones)
    if np.all(np.abs(y - line.offset - line.slope * (x - line.reference)) < 3.0 * std):
        return ones
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] != x[first]
    first, second = first[apart], second[apart]
    slope = (y[second] - y[first]) / (x[second] - x[first])
    residual = np.abs(y - y[first, None] - slope[:, None] * (x - x[first, None])) / std
    cost = np.minimum(residual, _TUKEY).sum(axis=1)
    best: np.ndarray = (residual[np.argmin(cost)] < _TUKEY).astype(float)
    return best if np.count_nonzero(best) >= 2 else ones
