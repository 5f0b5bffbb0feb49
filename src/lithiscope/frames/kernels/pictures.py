"""Simple properties of pictures, most of them of a stack at once: what is missing, local means, noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from lithiscope.frames.kernels.banded import mirrored, product, weighted_sum


def filled(picture: Float[np.ndarray, "*shape"]) -> tuple[Float[np.ndarray, "*shape"], Bool[np.ndarray, "*shape"]]:
    """Return the picture with the nearest value in place of each NaN, and where it had a value."""
    present = np.isfinite(picture)
    if present.all():
        return picture, present
    if not present.any():
        return np.zeros_like(picture), present
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~present, return_distances=False, return_indices=True)
    return picture[tuple(nearest)], present


def each_filled(
    pictures: Float[np.ndarray, "frames ..."],
) -> tuple[Float[np.ndarray, "frames ..."], Bool[np.ndarray, "frames ..."]]:
    """Return what `filled` does with each picture."""
    present = np.isfinite(pictures)
    return pictures if present.all() else np.stack([filled(picture)[0] for picture in pictures]), present


def present_nearby(present: Bool[np.ndarray, "frames ..."], reach: int = 4) -> Bool[np.ndarray, "frames ..."]:
    """Return where all neighbours within `reach` pixels along each axis are present."""
    if present.all():
        return present
    from scipy.ndimage import minimum_filter

    size = (1, *[2 * reach + 1] * (present.ndim - 1))
    return np.asarray(minimum_filter(present, size, mode="reflect"))


def local_mean(values: Float[np.ndarray, "frames ..."], width: float) -> Float[np.ndarray, "frames ..."]:
    """Return the mean in a triangular window of standard deviation about `width` pixels; the edges mirror the picture.

    The triangle is a box applied twice.
    """
    window = _triangle(box_length(width))
    for axis in range(1, values.ndim):
        values = product(values, mirrored(values.shape[axis], window, values.dtype), axis)
    return values


def inner_mean(values: Float[np.ndarray, "frames ..."], width: float) -> Float[np.ndarray, "frames ..."]:
    """Return the same mean where the window lies inside."""
    window = np.array(_triangle(box_length(width)))
    for axis in range(1, values.ndim):
        values = weighted_sum(values, window, axis)
    return values


@lru_cache(maxsize=16)
def _triangle(length: int) -> tuple[float, ...]:
    box = np.full(length, 1 / length)
    return tuple(np.convolve(box, box).tolist())


def mean_square(value: Float[np.ndarray, "frames ..."], width: float) -> Float[np.ndarray, "frames ..."]:
    """Return the local mean of the square, never zero."""
    return never_zero(local_mean(value * value, width))


def never_zero(power: Float[np.ndarray, "frames ..."]) -> Float[np.ndarray, "frames ..."]:
    """Add, in place, a millionth of the largest value of each picture."""
    most = power.max(axis=tuple(range(1, power.ndim)), keepdims=True)
    power += power.dtype.type(1e-6) * most + power.dtype.type(1e-30)
    return power


def box_length(width: float) -> int:
    """Return the length of the box that, applied twice, has a standard deviation of about `width` pixels."""
    return max(round(float(np.sqrt(6 * width**2 + 1))), 2)


def noise_variance(pictures: Float[np.ndarray, "frames ..."]) -> Float[np.ndarray, " frames"]:
    """Return the variance of white noise, from the median of the finest detail (Donoho & Johnstone 1994, sec. 4.1).

    Texture that is finer than about two pixels counts as noise.
    """
    detail = pictures
    for axis in range(1, pictures.ndim):
        detail = np.diff(detail, axis=axis) / np.sqrt(2).astype(pictures.dtype)
    middle = np.median(np.abs(detail).reshape(len(pictures), -1), axis=1)
    return np.asarray(np.maximum((1.4826 * middle) ** 2, 1e-30))
