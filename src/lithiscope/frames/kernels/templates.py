"""What a frame is made into once, before it is compared with others: spline, gradient, variance, where it is valid."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lithiscope.frames.kernels.banded import mirrored, product, weighted_sum
from lithiscope.frames.kernels.pictures import each_filled, local_mean, mean_square, noise_variance, present_nearby
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


class Plane(IntEnum):
    """What a plane of a template shows; with a local gain, the local mean of the value squared comes last.

    Parameters
    ----------
    DETAIL
        The value without what varies slowly, to judge likeness by.
    VARIANCE
        Of the pixels before smoothing, averaged over neighbours.
    VALUE
        The smoothed picture.
    WEIGHT
        Zero where a pixel, or one near it, is missing; else the user's weight, or one.
    GRADIENT
        First axis of the gradient of the value, per pixel, and then the others; with a local gain, without what the
        gain can follow.
    """

    DETAIL = 0
    VARIANCE = 1
    VALUE = 2
    WEIGHT = 3
    GRADIENT = 4


class Template(NamedTuple):
    """A frame, smoothed: coefficients of its quintic spline, and its planes on the same pixels."""

    coefficient: Float[np.ndarray, "*shape"]
    planes: Float[np.ndarray, "planes ..."]


def make_templates(
    pictures: Float[np.ndarray, "frames ..."],
    variance: Float[np.ndarray, "frames ..."] | None,
    weight: Float[np.ndarray, "frames ..."] | None,
    sigma: float,
    gain_width: float | None,
) -> list[Template]:
    """Return the templates of frames.

    Parameters
    ----------
    pictures, variance, weight : array
        float32; NaN in a picture where it is missing. A variance of None is estimated from the finest detail.
    sigma : float
        Smoothing, pixels.
    gain_width : float or None
        Standard deviation of the window in which a local gain is constant, pixels; None for a global gain.
    """
    whole, present = each_filled(pictures)
    coefficient = coefficients(whole, 5, sigma, stacked=True)
    axes = tuple(range(1, whole.ndim))
    count = Plane.GRADIENT + len(axes) + (gain_width is not None)
    planes = np.empty((len(whole), count, *whole.shape[1:]), dtype=whole.dtype)
    value = planes[:, Plane.VALUE]
    value[:] = _at_pixels(coefficient, None)
    slow = value.mean(axis=axes, keepdims=True) if gain_width is None else local_mean(value, gain_width)
    planes[:, Plane.DETAIL] = value - slow
    if gain_width is not None:
        power = planes[:, -1]
        power[:] = mean_square(value, gain_width)
        share = value / power
    for axis in axes:
        slope = _at_pixels(coefficient, axis)
        if gain_width is not None:
            # The local mean of T dT/dx is half the derivative of the local mean of T^2.
            slope -= share * _central_difference(power, axis)
        planes[:, Plane.GRADIENT + axis - 1] = slope
    planes[:, Plane.VARIANCE] = _smooth_variance(whole, variance)
    planes[:, Plane.WEIGHT] = present_nearby(present) if weight is None else present_nearby(present) * weight
    return [Template(*arrays) for arrays in zip(coefficient, planes, strict=True)]


def _smooth_variance(
    pictures: Float[np.ndarray, "frames ..."], variance: Float[np.ndarray, "frames ..."] | None
) -> Float[np.ndarray, "frames ..."]:
    if variance is None:
        return noise_variance(pictures).reshape(-1, *[1] * (pictures.ndim - 1))
    known = each_filled(np.where(variance > 0, variance, np.float32(np.nan)))[0]
    return np.asarray(np.maximum(local_mean(known, _VARIANCE_WIDTH), np.float32(1e-30)))


def _at_pixels(coefficient: Float[np.ndarray, "frames ..."], derivative: int | None) -> Float[np.ndarray, "frames ..."]:
    """Return splines at every pixel, or their derivative along one axis."""
    for axis in range(1, coefficient.ndim):
        weights = taps(0.0, 5, derivative == axis)[1][:5]
        matrix = mirrored(coefficient.shape[axis], tuple(weights.tolist()), coefficient.dtype)
        coefficient = product(coefficient, matrix, axis)
    return coefficient


def _central_difference(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*shape"]:
    """Return half the derivative, by central differences; zero at the first and last pixel."""
    along = np.moveaxis(values, axis, 0)
    result = np.zeros_like(along)
    np.subtract(along[2:], along[:-2], out=result[1:-1])
    result *= np.float32(0.25)
    return np.moveaxis(result, 0, axis)


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

    axes = template.coefficient.ndim
    inner = (slice(EDGE, -EDGE),) * axes
    value, power = template.planes[Plane.VALUE], template.planes[-1]
    weight = (template.planes[Plane.WEIGHT] / template.planes[Plane.VARIANCE])[inner]
    used = float(template.planes[Plane.WEIGHT][inner].sum())
    raw, smooth = (-noise_of(width, axes).slope * used for width in (sigma, float(np.sqrt(2) * sigma)))
    for slope in template.planes[Plane.GRADIENT : Plane.GRADIENT + axes]:
        raw += float(np.sum(weight * slope[inner] ** 2)) / axes
        if gain_width is not None:
            # The residuals lack what the local gain has followed.
            slope = slope - value * local_mean((value * slope)[None], gain_width)[0] / power
        smooth += float(np.sum(weight * gaussian_filter(slope, sigma)[inner] ** 2)) / axes
    return float(np.clip(smooth / raw, 0.1, 1.0)) if raw > 0 else 1.0
