"""Weighted means over groups of pixels with gaps, and local polynomials over intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt


class Means(NamedTuple):
    """Weighted means over groups, the share of the weight behind them, and the sum of squared relative weights."""

    mean: Float[np.ndarray, "rows groups"]
    share: Float[np.ndarray, "rows groups"]


def grouped_means(
    values: Float[np.ndarray, "rows terms"],
    weight: Float[np.ndarray, " terms"],
    starts: Int[np.ndarray, " groups"],
) -> Means:
    """Weighted mean of the finite values of every group; terms sorted by group, groups begin at `starts`."""
    finite = np.isfinite(values)
    total = np.add.reduceat(np.where(finite, weight, 0.0), starts, axis=1)
    whole = np.add.reduceat(weight, starts)
    some = np.where(total > 0, total, 1.0)
    mean = np.add.reduceat(np.where(finite, weight * values, 0.0), starts, axis=1) / some
    return Means(np.where(total > 0, mean, np.nan), total / whole)


def grouped_variance(
    values: Float[np.ndarray, "rows terms"],
    variance: Float[np.ndarray, "rows terms"],
    weight: Float[np.ndarray, " terms"],
    starts: Int[np.ndarray, " groups"],
) -> Float[np.ndarray, "rows groups"]:
    """Variance of `grouped_means` for independent terms."""
    finite = np.isfinite(values) & np.isfinite(variance)
    total = np.add.reduceat(np.where(finite, weight, 0.0), starts, axis=1)
    some = np.where(total > 0, total, np.nan)
    return np.asarray(np.add.reduceat(np.where(finite, weight**2 * variance, 0.0), starts, axis=1) / some**2)


def grouped_bits(
    bits: UInt[np.ndarray, "rows terms"], starts: Int[np.ndarray, " groups"]
) -> UInt[np.ndarray, "rows groups"]:
    """All bits that any term of the group carries."""
    return np.asarray(np.bitwise_or.reduceat(bits, starts, axis=1))


def local_polynomial(at: float, points: Float[np.ndarray, " points"], degree: int) -> Float[np.ndarray, " points"]:
    """Weights c such that sum(c y) is the value at `at` of the least-squares polynomial through (points, y).

    Exact for polynomials of the degree; degree is lowered where there are fewer different points.

    Examples
    --------
    >>> local_polynomial(0.5, np.array([0.4, 0.6]), 1)
    array([0.5, 0.5])
    """
    degree = min(degree, len(np.unique(points)) - 1)
    powers = np.vander(points - at, degree + 1, increasing=True)
    return np.asarray(np.linalg.pinv(powers)[0])


def excess_depth(blur: float) -> float:
    """How much deeper than half a pixel an end pixel looks, in pixels, for a Gaussian probe.

    The particle fills s > 0, the pixel lies at 0 < s < 1, and the probe has the standard deviation `blur` (pixels): the
    mean depth of what the pixel sees, less 1/2.

    Examples
    --------
    >>> round(excess_depth(0.0), 3), round(excess_depth(0.4247), 3)
    (0.0, 0.155)
    """
    from scipy.special import ndtr

    if blur <= 0:
        return 0.0
    depth = np.linspace(0, 1 + 6 * blur, 4001)
    weight = ndtr((1 - depth) / blur) - ndtr(-depth / blur)
    return float(np.trapezoid(depth * weight, depth) / np.trapezoid(weight, depth) - 0.5)
