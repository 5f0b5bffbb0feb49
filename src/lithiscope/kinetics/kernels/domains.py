"""Smoothing inside a particle, and what parts its fast from its slow pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_BLOCK = 4_000_000  # numbers worked on at once


def smooth_inside(values: Float[np.ndarray, "rows ..."], sigma: float) -> Float[np.ndarray, "rows ..."]:
    """Gaussian smoothing of the finite values alone: G(x m)/G(m), NaN where x is.

    Parameters
    ----------
    values : ndarray, shape (rows, ...)
        Pictures; NaN outside the particle.
    sigma : float
        Standard deviation of the Gaussian, pixels.
    """
    from scipy.ndimage import gaussian_filter

    if sigma == 0:
        return values.copy()
    inside = np.isfinite(values)
    widths = (0.0, *([sigma] * (values.ndim - 1)))
    total = gaussian_filter(np.where(inside, values, 0.0), widths, mode="constant")
    weight = gaussian_filter(inside.astype(float), widths, mode="constant")
    return np.where(inside, total / np.where(inside, weight, 1.0), np.nan)


def middle_and_contrast(
    values: Float[np.ndarray, "rows pixels"],
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """(x95 + x5)/2 and x95 - x5 of every row (Lim 2016, eq. S4); NaN in a row without values."""
    low, high = np.full((2, len(values)), np.nan)
    some = np.isfinite(values).any(axis=1)
    whole = np.isfinite(values).all(axis=1)
    if whole.any():
        low[whole], high[whole] = np.percentile(values[whole], [5, 95], axis=1)
    for row in np.flatnonzero(some & ~whole):
        low[row], high[row] = np.percentile(values[row][np.isfinite(values[row])], [5, 95])
    return (low + high) / 2, high - low


def smoothed_noise(
    std: Float[np.ndarray, ...], sigma: float, draws: int, rng: np.random.Generator
) -> Float[np.ndarray, "draws pixels"]:
    """Noise of the given standard deviation, smoothed as the pictures are, on the finite pixels of `std`."""
    inside = np.isfinite(std)
    result = np.empty((draws, int(inside.sum())))
    step = max(1, _BLOCK // std.size)
    for first in range(0, draws, step):
        count = min(step, draws - first)
        noise = rng.standard_normal((count, *std.shape)) * std
        result[first : first + count] = smooth_inside(noise, sigma)[:, inside]
    return result
