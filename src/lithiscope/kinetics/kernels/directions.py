"""Directions of edges from the structure tensor."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def slopes_inside(
    values: Float[np.ndarray, "rows y x"], spacing: tuple[float, float]
) -> Float[np.ndarray, "rows 2 y x"]:
    """Central differences along y and x where both neighbours are finite; NaN elsewhere."""
    result = np.full((values.shape[0], 2, *values.shape[1:]), np.nan)
    result[:, 0, 1:-1] = (values[:, 2:] - values[:, :-2]) / (2 * spacing[0])
    result[:, 1, :, 1:-1] = (values[:, :, 2:] - values[:, :, :-2]) / (2 * spacing[1])
    return np.where(np.isfinite(result).all(axis=1, keepdims=True), result, np.nan)


def structure_tensor(slopes: Float[np.ndarray, "rows 2 y x"]) -> Float[np.ndarray, "rows 3"]:
    """Mean of (gy^2, gy gx, gx^2) over the finite pixels; NaN without any."""
    known = np.isfinite(slopes).all(axis=1)
    count = known.sum(axis=(1, 2))
    gy, gx = (np.where(known, slopes[:, axis], 0.0) for axis in (0, 1))
    sums = np.stack([(gy * gy).sum(axis=(1, 2)), (gy * gx).sum(axis=(1, 2)), (gx * gx).sum(axis=(1, 2))], axis=1)
    return np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], np.nan)


def boundary_angle(tensor: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, " rows"]:
    """Direction of the boundary: across the mean gradient; degrees from +x towards +y, in [0, 180).

    Examples
    --------
    >>> float(boundary_angle(np.array([[1.0, 0.0, 0.0]]))[0])
    0.0
    """
    yy, xy, xx = tensor.T
    return np.asarray((np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy)) + 90) % 180)


def coherence(tensor: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, " rows"]:
    """(l1 - l2)/(l1 + l2) of the eigenvalues: 1 for one direction, 0 for none; NaN without a gradient."""
    yy, xy, xx = tensor.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(xx + yy > 0, np.hypot(xx - yy, 2 * xy) / (xx + yy), np.nan))


def axial_difference(first: Float[np.ndarray, ...], second: Float[np.ndarray, ...] | float) -> Float[np.ndarray, ...]:
    """Difference of two directions without sense, degrees, in [-90, 90).

    Examples
    --------
    >>> float(axial_difference(np.array([175.0]), 5.0)[0])
    -10.0
    """
    return np.asarray((first - second + 90) % 180 - 90)


def facet_angles(
    mask: Bool[np.ndarray, "y x"], spacing: tuple[float, float], count: int
) -> Float[np.ndarray, " facets"]:
    """Most frequent directions of an outline, degrees from +x towards +y, in [0, 180), the longest first.

    The gradient of the mask, smoothed by 2 pixels, gives every part of the outline its direction; the density of these
    is smoothed by 8 degrees, and its peaks are at least 25 degrees apart.
    """
    from scipy.ndimage import gaussian_filter

    wide = gaussian_filter(np.pad(mask.astype(float), 8), 2.0)
    gy, gx = np.gradient(wide, *spacing)
    size = np.hypot(gy, gx)
    angle = (np.rad2deg(np.arctan2(gy, gx)) + 90) % 180
    degree = np.arange(180.0)
    near = axial_difference(degree[:, None] - angle.ravel()[None, size.ravel() > 0], 0.0)
    density = np.exp(-0.5 * (near / 8) ** 2) @ size.ravel()[size.ravel() > 0]
    found: list[float] = []
    while len(found) < count and density.max() > 0:
        peak = int(np.argmax(density))
        found.append(_summit(density, peak))
        density = np.where(np.abs(axial_difference(degree, float(peak))) < 25, 0.0, density)
    return np.array(found)


def _summit(density: Float[np.ndarray, " degrees"], peak: int) -> float:
    """Place of the parabola through a peak and its neighbours."""
    before, top, after = density[peak - 1], density[peak], density[(peak + 1) % 180]
    bend = before - 2 * top + after
    return float((peak + (0.5 * (before - after) / bend if bend < 0 else 0.0)) % 180)
