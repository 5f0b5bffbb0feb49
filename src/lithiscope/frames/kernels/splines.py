"""B-splines on regular grids: coefficients by cosine transform, values at a constant shift or at any place."""

from __future__ import annotations

from functools import lru_cache
from math import comb, factorial

import numpy as np
from jaxtyping import Float

from lithiscope.frames.kernels.banded import weighted_sum

Box = tuple[tuple[int, int], ...]

# How many pixels more than a box a window has on either side, so that a quintic spline can be moved by a pixel.
BEFORE, AFTER = 3, 4


def bspline(position: Float[np.ndarray, "*shape"], order: int) -> Float[np.ndarray, "*shape"]:
    """Return the centred B-spline of an order, from truncated powers (Unser 1999, IEEE Signal Process. Mag. 16(6), 22).

    Examples
    --------
    >>> bspline(np.array([-1.0, 0.0, 1.0]), 3) * 6
    array([1., 4., 1.])
    """
    knots = np.arange(order + 2)
    signs = np.array([(-1) ** int(j) * comb(order + 1, int(j)) for j in knots], dtype=float)
    # Folded to the left half, where few terms are left and none cancel.
    reach = -np.abs(position)[..., None] + (order + 1) / 2 - knots
    return np.asarray(np.maximum(reach, 0.0) ** order @ signs / factorial(order))


def taps(
    fraction: float | Float[np.ndarray, "*shape"], order: int, derivative: bool = False
) -> tuple[int, Float[np.ndarray, "*shape taps"]]:
    """Return the offset of the first coefficient, and the weights, that evaluate an odd spline at `fraction`."""
    powers = np.asarray(fraction)[..., None] ** np.arange(order + 1)
    return -(order - 1) // 2, powers @ _polynomials(order, derivative)


@lru_cache(maxsize=8)
def _polynomials(order: int, derivative: bool) -> Float[np.ndarray, "powers taps"]:
    """Return the polynomials in the fraction, from 0 to 1, that the weights are: from their values at some places."""
    place = np.linspace(0, 1, order + 1)
    first = -(order - 1) // 2
    at = place[:, None] - np.arange(first, first + order + 1)
    values = bspline(at + 0.5, order - 1) - bspline(at - 0.5, order - 1) if derivative else bspline(at, order)
    return np.linalg.solve(np.vander(place, increasing=True), values)


@lru_cache(maxsize=64)
def _transfer(length: int, order: int, sigma: float) -> Float[np.ndarray, " length"]:
    """Return, per cosine mode, what a Gaussian passes, divided by what the sampled spline passes."""
    omega = np.pi * np.arange(length) / length
    reach = np.arange(1, order // 2 + 1)
    sampled = bspline(np.zeros(1), order)[0] + 2 * np.cos(omega[:, None] * reach) @ bspline(reach.astype(float), order)
    return np.asarray(np.exp(-0.5 * (sigma * omega) ** 2) / sampled)


def coefficients(
    picture: Float[np.ndarray, "*shape"], order: int, sigma: float = 0.0, *, stacked: bool = False
) -> Float[np.ndarray, "*shape"]:
    """Return the coefficients of the spline through a picture smoothed by a Gaussian; the edges mirror the picture.

    Parameters
    ----------
    picture : array
        No NaN. The type (float32 or float64) is kept.
    order : int
        Odd order of the spline.
    sigma : float
        Standard deviation of the Gaussian, pixels; 0 leaves the picture as it is.
    stacked : bool
        Whether the first axis counts pictures.

    Returns
    -------
    array
        Same shape.
    """
    from scipy.fft import dctn, idctn, next_fast_len

    # Lengths with large prime factors are slow; a few mirrored pixels more do no harm.
    axes = range(int(stacked), picture.ndim)
    more = [(0, next_fast_len(n, real=True) - n if axis in axes else 0) for axis, n in enumerate(picture.shape)]
    padded = np.pad(picture, more, mode="symmetric") if np.any(more) else picture
    modes = dctn(padded, type=2, axes=axes)
    for axis in axes:
        transfer = _transfer(padded.shape[axis], order, sigma).astype(picture.dtype)
        modes *= transfer.reshape(-1, *[1] * (picture.ndim - 1 - axis))
    found = idctn(modes, type=2, axes=axes, overwrite_x=True)
    return np.ascontiguousarray(found[tuple(slice(n) for n in picture.shape)])


def translated(
    coefficient: Float[np.ndarray, "*shape"],
    shift: Float[np.ndarray, " axes"],
    box: Box,
    order: int = 5,
) -> Float[np.ndarray, "*out"]:
    """Return the spline at the pixels of `box` plus a constant shift.

    Parameters
    ----------
    coefficient : array
        From `coefficients`.
    shift : (axes,) array
        Pixels.
    box : tuple of (first, one past last)
        Which pixels; box, shift and taps must stay inside the array.
    order : int
        Odd order of the spline.

    Returns
    -------
    array
        Of the shape of the box.
    """
    whole = np.floor(shift).astype(int)
    chosen, weights = [], []
    for axis, ((low, high), base) in enumerate(zip(box, whole, strict=True)):
        first, weight = taps(float(shift[axis] - base), order)
        chosen.append(slice(low + base + first, high + base + first + order))
        weights.append(weight)
    values = coefficient[tuple(chosen)]
    for axis, weight in enumerate(weights):
        values = weighted_sum(values, weight, axis)
    return values


def translated_windows(
    windows: Float[np.ndarray, "stack ..."], shift: Float[np.ndarray, "stack axes"]
) -> Float[np.ndarray, "stack ..."]:
    """Return quintic splines, each at the pixels of one box plus a shift of its own from -1 to 1 pixel.

    Parameters
    ----------
    windows : array
        From `coefficients`, with BEFORE and AFTER pixels more than the box along each axis.
    shift : (stack, axes) array
        Pixels.
    """
    whole = np.floor(shift)
    first, weights = taps(shift - whole, 5)
    placed = np.zeros((*shift.shape, BEFORE + AFTER + 1))
    at = (whole.astype(int) + BEFORE + first)[..., None] + np.arange(weights.shape[-1])
    np.put_along_axis(placed, at, weights, axis=-1)
    for axis in range(shift.shape[1]):
        windows = weighted_sum(windows, placed[:, axis], axis + 1)
    return windows


def warped(
    coefficient: Float[np.ndarray, "*shape"], positions: Float[np.ndarray, "axes ..."], order: int = 5
) -> Float[np.ndarray, "*out"]:
    """Return the spline at any positions (pixels); beyond the edges it is mirrored."""
    from scipy.ndimage import map_coordinates

    found: np.ndarray = map_coordinates(  # type: ignore[call-overload]
        coefficient, positions, order=order, mode="reflect", prefilter=False, output=coefficient.dtype
    )
    return found


@lru_cache(maxsize=16)
def _response(order: int, reach: int) -> Float[np.ndarray, " taps"]:
    impulse = np.zeros(4 * reach + 1)
    impulse[2 * reach] = 1.0
    return coefficients(impulse, order)


def cardinal(fraction: float, order: int = 3, reach: int = 14) -> Float[np.ndarray, " taps"]:
    """Return the weights that spline interpolation truly gives to the pixels -reach ... reach + 1.

    Prefilter and evaluation together, i.e. the cardinal spline sampled at `fraction`; the weights sum to 1. With the
    squares of these weights a variance is propagated exactly. For a cubic spline they fall by 0.27 per pixel.

    Examples
    --------
    >>> float(round(np.sum(cardinal(0.5) ** 2), 4))
    0.7561
    """
    response = _response(order, reach + order)
    centre = 2 * (reach + order)
    first, weight = taps(fraction, order)
    shifted = [response[centre - reach - first - k : centre + reach + 2 - first - k] * w for k, w in enumerate(weight)]
    return np.asarray(np.sum(shifted, axis=0))
