"""What a frame is made into once, before it is compared with others: spline, gradient, variance, where it is valid."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from lithiscope.frames.kernels.banded import mirrored, product, weighted_sum
from lithiscope.frames.kernels.splines import bspline, coefficients, taps

EDGE = 4
_VARIANCE_WIDTH = 1.5


class Noise(NamedTuple):
    """What smoothing by a Gaussian makes of white noise of unit variance, in any number of dimensions.

    Parameters
    ----------
    power : float
        Variance of the smoothed values.
    slope : float
        Variance of their derivative along an axis, per pixel squared.
    """

    power: float
    slope: float


class Template(NamedTuple):
    """A frame, smoothed, as a quintic spline.

    Parameters
    ----------
    coefficient : array
        Of the smoothed picture.
    value : array
        The smoothed picture.
    detail : array
        The value without what varies slowly, to judge likeness by.
    gradient : (axes, ...) array
        Gradient of the value per pixel; with a local gain, without what the gain can follow.
    variance : array
        Of the pixels before smoothing, averaged over neighbours.
    weight : array
        Zero where a pixel, or one near it, is missing; else the user's weight, or one.
    power : array or None
        Local mean of the value squared; only with a local gain.
    """

    coefficient: Float[np.ndarray, "*shape"]
    value: Float[np.ndarray, "*shape"]
    detail: Float[np.ndarray, "*shape"]
    gradient: Float[np.ndarray, "axes ..."]
    variance: Float[np.ndarray, "*shape"]
    weight: Float[np.ndarray, "*shape"]
    power: Float[np.ndarray, "*shape"] | None = None


def make_template(
    picture: Float[np.ndarray, "*shape"],
    variance: Float[np.ndarray, "*shape"] | None,
    weight: Float[np.ndarray, "*shape"] | None,
    sigma: float,
    gain_width: float | None,
) -> Template:
    """Return the template of a frame.

    Parameters
    ----------
    picture, variance, weight : array
        float32; NaN in the picture where it is missing. A variance of None is estimated from the finest detail.
    sigma : float
        Smoothing, pixels.
    gain_width : float or None
        Standard deviation of the window in which a local gain is constant, pixels; None for a global gain.
    """
    whole, present = filled(picture)
    coefficient = coefficients(whole, 5, sigma)
    value, gradient = _value_and_gradient(coefficient)
    if variance is None:
        smooth = np.full_like(whole, noise_variance(whole))
    else:
        known = filled(np.where(variance > 0, variance, np.float32(np.nan)))[0]
        smooth = np.maximum(local_mean(known, _VARIANCE_WIDTH), np.float32(1e-30))
    use = present_nearby(present).astype(np.float32)
    if weight is not None:
        use = use * weight
    if gain_width is None:
        return Template(coefficient, value, value - value.mean(), gradient, smooth, use)
    power = mean_square(value, gain_width)
    share = value / power
    for axis, slope in enumerate(gradient):
        # The local mean of T dT/dx is half the derivative of the local mean of T^2.
        slope -= share * _central_difference(power, axis)
    return Template(coefficient, value, value - local_mean(value, gain_width), gradient, smooth, use, power)


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


def present_nearby(present: Bool[np.ndarray, "*shape"], reach: int = 4) -> Bool[np.ndarray, "*shape"]:
    """Return where all neighbours within `reach` pixels along each axis are present."""
    if present.all():
        return present
    from scipy.ndimage import minimum_filter

    return np.asarray(minimum_filter(present, 2 * reach + 1, mode="reflect"))


def local_mean(values: Float[np.ndarray, "*shape"], width: float) -> Float[np.ndarray, "*shape"]:
    """Return the mean in a triangular window of standard deviation about `width` pixels; the edges mirror the picture.

    The triangle is a box applied twice.
    """
    window = _triangle(box_length(width))
    for axis, length in enumerate(values.shape):
        values = product(values, mirrored(length, window, values.dtype), axis)
    return values


@lru_cache(maxsize=16)
def _triangle(length: int) -> tuple[float, ...]:
    box = np.full(length, 1 / length)
    return tuple(np.convolve(box, box).tolist())


def mean_square(value: Float[np.ndarray, "*shape"], width: float) -> Float[np.ndarray, "*shape"]:
    """Return the local mean of the square, never zero."""
    power = local_mean(value * value, width)
    power += power.dtype.type(1e-6) * power.max() + power.dtype.type(1e-30)
    return power


def box_length(width: float) -> int:
    """Return the length of the box that, applied twice, has a standard deviation of about `width` pixels."""
    return max(round(float(np.sqrt(6 * width**2 + 1))), 2)


def _central_difference(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*shape"]:
    """Return half the derivative, by central differences; zero at the first and last pixel."""
    along = np.moveaxis(values, axis, 0)
    result = np.zeros_like(along)
    np.subtract(along[2:], along[:-2], out=result[1:-1])
    result *= np.float32(0.25)
    return np.moveaxis(result, 0, axis)


def noise_variance(picture: Float[np.ndarray, "*shape"]) -> float:
    """Return the variance of white noise, from the median of the finest detail (Donoho & Johnstone 1994, sec. 4.1).

    Texture that is finer than about two pixels counts as noise.
    """
    detail = picture
    for axis in range(picture.ndim):
        detail = np.diff(detail, axis=axis) / np.sqrt(2)
    return float(max((1.4826 * np.median(np.abs(detail))) ** 2, 1e-30))


def _value_and_gradient(
    coefficient: Float[np.ndarray, "*shape"],
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "axes ..."]]:
    """Return the spline and its gradient at every pixel; beyond the edges the picture is mirrored."""
    found = [_at_pixels(coefficient, derivative) for derivative in (None, *range(coefficient.ndim))]
    return found[0], np.stack(found[1:])


def _at_pixels(coefficient: Float[np.ndarray, "*shape"], derivative: int | None) -> Float[np.ndarray, "*shape"]:
    """Return the spline at every pixel, or its derivative along one axis."""
    for axis, length in enumerate(coefficient.shape):
        weights = taps(0.0, 5, derivative == axis)[1][:5]
        coefficient = product(coefficient, mirrored(length, tuple(weights.tolist()), coefficient.dtype), axis)
    return coefficient


@lru_cache(maxsize=16)
def noise_of(sigma: float, axes: int) -> Noise:
    """Return what smoothing by `sigma` pixels makes of white noise in `axes` dimensions; the same along all axes."""
    impulse = np.zeros(65)
    impulse[32] = 1.0
    coefficient = coefficients(impulse, 5, sigma)
    at = np.arange(-2.0, 3.0)
    value = weighted_sum(coefficient, bspline(at, 5), 0)
    slope = weighted_sum(coefficient, bspline(-at + 0.5, 4) - bspline(-at - 0.5, 4), 0)
    power = float(np.sum(value**2))
    return Noise(power**axes, float(np.sum(slope**2)) * power ** (axes - 1))


def signal_pass(template: Template, sigma: float, gain_width: float | None) -> float:
    """Return how much of white noise in the picture reaches the normal equations: |G J|^2 / |J|^2 of the true gradient.

    The inverse normal matrix would be the covariance of the shift if the residuals were white; smoothing has coloured
    them, so that noise finer than the texture is left out.
    """
    from scipy.ndimage import gaussian_filter

    axes = template.value.ndim
    inner = (slice(EDGE, -EDGE),) * axes
    weight = (template.weight / template.variance)[inner]
    noise_left = [
        noise_of(width, axes).slope * float(template.weight[inner].sum())
        for width in (sigma, float(np.sqrt(2) * sigma))
    ]
    raw, smooth = -noise_left[0], -noise_left[1]
    for slope in template.gradient:
        raw += float(np.sum(weight * slope[inner] ** 2)) / axes
        if template.power is not None and gain_width is not None:
            # The residuals lack what the local gain has followed.
            slope = slope - template.value * local_mean(template.value * slope, gain_width) / template.power
        smooth += float(np.sum(weight * gaussian_filter(slope, sigma)[inner] ** 2)) / axes
    return float(np.clip(smooth / raw, 0.1, 1.0)) if raw > 0 else 1.0
