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


def decay(
    t: Float[np.ndarray, " points"], y: Float[np.ndarray, " points"], std: Float[np.ndarray, " points"]
) -> tuple[float, float]:
    """Rate k of y = y0 exp(-k t) by weighted least squares, with its standard deviation; k < 0 is growth.

    NaN where y0 stands less than two standard deviations off zero, because then any k fits, or where no k is found.

    Examples
    --------
    >>> t = np.linspace(0, 2, 5)
    >>> k, k_std = decay(t, 0.3 * np.exp(-0.7 * t), np.full(5, 0.01))
    >>> round(k, 6), k_std < 0.1
    (0.7, True)
    """
    from scipy.optimize import least_squares

    start = float(np.average(y, weights=1 / std**2))
    scale = float(np.ptp(t))
    passed = (t - t.min()) / scale

    def residual(p: np.ndarray) -> np.ndarray:
        return np.asarray((p[0] * np.exp(-p[1] * passed) - y) / std)

    found = least_squares(residual, x0=[start, 0.0], x_scale=[abs(start) + 1e-9, 1.0])
    slopes = np.asarray(found.jac)
    normal = slopes.T @ slopes
    if not found.success or np.linalg.matrix_rank(normal) < 2:
        return float("nan"), float("nan")
    covariance = np.linalg.inv(normal)
    if abs(found.x[0]) < 2 * np.sqrt(covariance[0, 0]):
        return float("nan"), float("nan")
    return float(found.x[1] / scale), float(np.sqrt(covariance[1, 1]) / scale)
