"""Straight lines and local parabolas through points with known errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Line(NamedTuple):
    """A weighted straight line: value at the weighted centre, slope, their standard deviations, and chi-square."""

    centre: float
    mean: float
    mean_std: float
    slope: float
    slope_std: float
    chi_square: float


def weighted_line(
    t: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], std: Float[np.ndarray, " points"]
) -> Line:
    """Least squares with weights 1/std^2; the slope is NaN without two different t.

    Examples
    --------
    >>> line = weighted_line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), np.ones(3))
    >>> line.slope, round(line.slope_std, 4)
    (2.0, 0.7071)
    """
    w = 1 / std**2
    total = w.sum()
    centre, mean = float(w @ t / total), float(w @ y / total)
    spread = float(w @ (t - centre) ** 2)
    if len(t) < 2 or spread <= 0:
        return Line(centre, mean, float(total**-0.5), np.nan, np.nan, np.nan)
    slope = float(w @ ((t - centre) * (y - mean)) / spread)
    chi_square = float(w @ (y - mean - slope * (t - centre)) ** 2)
    return Line(centre, mean, float(total**-0.5), slope, spread**-0.5, chi_square)
