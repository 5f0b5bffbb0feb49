"""Moving a picture once, with its variance and flags, by a cubic B-spline."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt16

from lithiscope.frames.kernels.banded import weighted_sum
from lithiscope.frames.kernels.pictures import filled
from lithiscope.frames.kernels.splines import cardinal, coefficients, translated, warped
from lithiscope.stages.flags import FATAL, flag_bit

_ORDER = 3
_REACH = 8
_PAD = 2
# Weights below this come from rounding of the shift.
_NOTHING = 1e-6


class Moved(NamedTuple):
    """A moved picture: NaN exactly where a fatal flag is set; `gain` is apparent over native standard deviation."""

    values: Float[np.ndarray, "*shape"]
    variance: Float[np.ndarray, "*shape"] | None
    flag: UInt16[np.ndarray, "*shape"]
    gain: float


def move_picture(
    picture: Float[np.ndarray, "*shape"],
    variance: Float[np.ndarray, "*shape"] | None,
    flag: UInt16[np.ndarray, "*shape"],
    shift: Float[np.ndarray, " axes"],
    linear: Float[np.ndarray, "axes axes"] | None,
    min_support: float,
) -> Moved:
    """Return the picture as the reference sees it: the value at r is that of the picture at r + shift.

    Parameters
    ----------
    picture, variance, flag : array
        float64; NaN where a fatal flag is set.
    shift : (axes,) array
        Pixels.
    linear : (axes, axes) array or None
        Linear part about the centre, in pixels; None for a translation.
    min_support : float
        Least share (by linear interpolation) of the nearest neighbours that must be present.

    Returns
    -------
    Moved
        The variance is that of independent pixels under the true weights of the interpolation; with a linear part, or
        within a few pixels of the edge, where the mirrored picture counts twice, it is that of a locally even noise.
    """
    axes = np.stack(np.broadcast_arrays(*np.ix_(*(np.arange(float(n)) for n in picture.shape))))
    if linear is None:
        at = axes + shift.reshape(-1, *[1] * picture.ndim)
    else:
        centre = ((np.array(picture.shape) - 1) / 2).reshape(-1, *[1] * picture.ndim)
        at = np.tensordot(linear, axes - centre, 1) + centre + shift.reshape(centre.shape)
    last = (np.array(picture.shape) - 1.0).reshape(-1, *[1] * picture.ndim)
    outside = np.any((at < -_NOTHING) | (at > last + _NOTHING), axis=0)
    whole, present = filled(picture)
    coefficient = coefficients(whole, _ORDER)
    noise = None if variance is None else filled(variance)[0]
    if linear is None:
        values, spread, gain = _translated(coefficient, noise, shift, outside)
    else:
        values, spread, gain = _warped(coefficient, noise, at, outside)
    bits, support = _gathered(flag, present, at)
    lost = (support < min_support) & ~outside
    result = np.where(lost, bits & FATAL, bits & ~FATAL)
    result = np.where(lost & (result == 0), flag_bit("missing"), result)
    result = np.where(outside, flag_bit("outside_view"), result).astype(np.uint16)
    gone = lost | outside
    values = np.where(gone, np.nan, values)
    return Moved(values, None if spread is None else np.where(gone, np.nan, spread), result, gain)


def _translated(
    coefficient: Float[np.ndarray, "*shape"],
    variance: Float[np.ndarray, "*shape"] | None,
    shift: Float[np.ndarray, " axes"],
    outside: np.ndarray,
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"] | None, float]:
    values = np.full(coefficient.shape, np.nan)
    spread = None if variance is None else np.full(coefficient.shape, np.nan)
    base = np.floor(shift + _NOTHING)
    fraction = np.clip(shift - base, 0.0, 1.0)
    weights = [cardinal(float(part), _ORDER, _REACH) ** 2 for part in fraction]
    gain = float(np.sqrt(np.prod([weight.sum() for weight in weights])))
    if outside.all():
        return values, spread, gain
    # Pixels whose place lies inside the picture form a box.
    box = tuple((int(k.min()), int(k.max()) + 1) for k in np.nonzero(~outside))
    inner = tuple(slice(low, high) for low, high in box)
    padded = np.pad(coefficient, _PAD, mode="symmetric")
    inside = tuple((low + _PAD, high + _PAD) for low, high in box)
    values[inner] = translated(padded, base + fraction, inside, _ORDER)
    if spread is not None and variance is not None:
        reach = _REACH + 1
        part = np.pad(variance, reach, mode="symmetric")
        start = [low + int(k) + 1 for (low, _), k in zip(box, base, strict=True)]
        size = [high - low for low, high in box]
        part = part[tuple(slice(a, a + n + 2 * _REACH + 1) for a, n in zip(start, size, strict=True))]
        for axis, weight in enumerate(weights):
            part = weighted_sum(part, weight, axis)
        spread[inner] = part
    return values, spread, gain


def _warped(
    coefficient: Float[np.ndarray, "*shape"],
    variance: Float[np.ndarray, "*shape"] | None,
    at: Float[np.ndarray, "axes ..."],
    outside: np.ndarray,
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"] | None, float]:
    fractions = np.linspace(0, 1, 65)
    table = [float(np.sum(cardinal(float(part), _ORDER, _REACH) ** 2)) for part in fractions]
    factor = np.prod(np.interp(at - np.floor(at), fractions, table), axis=0)
    gain = float(np.sqrt(factor[~outside].mean())) if not outside.all() else 1.0
    values = warped(coefficient, at, _ORDER)
    return values, None if variance is None else warped(variance, at, 1) * factor, gain


def _gathered(
    flag: UInt16[np.ndarray, "*shape"], present: np.ndarray, at: Float[np.ndarray, "axes ..."]
) -> tuple[UInt16[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Return the flags of all nearest neighbours together, and the share of them that is present."""
    if present.all() and not flag.any():
        return np.zeros_like(flag), np.ones(flag.shape)
    base = np.floor(at + _NOTHING).astype(int)
    fraction = np.clip(at - base, 0.0, 1.0)
    bits, support = np.zeros_like(flag), np.zeros(flag.shape)
    for corner in product((0, 1), repeat=flag.ndim):
        weight = np.prod([fraction[k] if c else 1 - fraction[k] for k, c in enumerate(corner)], axis=0)
        index = tuple(np.clip(base[k] + c, 0, n - 1) for k, (c, n) in enumerate(zip(corner, flag.shape, strict=True)))
        bits |= np.where(weight > _NOTHING, flag[index], 0).astype(np.uint16)
        support += weight * present[index]
    return bits, support
