"""What averaging the composition of surface pixels does to an exchange current (Koo 2023, fig. 4b)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope.errors import AnalysisError

_NODES = 200  # of the probability; they give the mean of a smooth F to 1e-4 of the shift


class SurfaceShift(NamedTuple):
    """The law as it appears against the mean composition.

    Attributes
    ----------
    averaged : ndarray
        Mean of F over the pixels.
    shift : ndarray
        That mean less F of the mean composition: negative where F is concave.
    """

    averaged: NDArray[np.float64]
    shift: NDArray[np.float64]


def surface_shift(
    law: Callable[[NDArray[np.float64]], NDArray[np.float64]], lithium_fraction: ArrayLike, spread: ArrayLike
) -> SurfaceShift:
    """Shift of j0(x) when x is the mean over surface pixels of different composition.

    The current of the pixels is the sum of their own, so that what is measured at the mean composition m is the mean of
    F and not F(m). To second order the difference is F''(m) spread^2 / 2; here it is exact for compositions that follow
    a Beta distribution with this mean and spread, which stays between 0 and 1.

    Parameters
    ----------
    law : callable
        F(x) of arrays, such as ``laws.exchange_law("skewed_lim")``.
    lithium_fraction : array_like
        Mean composition of the pixels.
    spread : array_like
        Standard deviation of the composition over the pixels, noise taken out; broadcast with `lithium_fraction`.

    Returns
    -------
    SurfaceShift
        In units of F. NaN where the mean is not between 0 and 1, or the spread is larger than full and empty pixels of
        that mean have, sqrt(m(1-m)).

    Raises
    ------
    AnalysisError
        If a spread is negative.

    Examples
    --------
    >>> found = surface_shift(lambda x: x**2, 0.4, 0.1)
    >>> round(float(found.averaged), 6), round(float(found.shift), 6)
    (0.17, 0.01)
    """
    from scipy.special import betaincinv

    mean, size = np.broadcast_arrays(np.asarray(lithium_fraction, dtype=float), np.asarray(spread, dtype=float))
    if np.any(size < 0):
        raise AnalysisError("a spread is negative", field="spread", value=float(np.nanmin(size)), limit="0 or more")
    share = np.divide(size**2, mean * (1 - mean), out=np.full(mean.shape, np.nan), where=(mean > 0) & (mean < 1))
    known = share < 1
    concentration = np.where(known & (share > 1e-9), 1 / np.where(share > 0, share, 1.0) - 1, 1.0)
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    centre = np.where(known, mean, 0.5)
    pixels = betaincinv((concentration * centre)[..., None], (concentration * (1 - centre))[..., None], (node + 1) / 2)
    pixels = np.where((share > 1e-9)[..., None], pixels, centre[..., None])
    own = np.asarray(law(centre), dtype=np.float64)
    averaged = np.asarray(law(np.asarray(pixels, dtype=np.float64)), dtype=np.float64) @ (weight / 2)
    return SurfaceShift(np.where(known, averaged, np.nan), np.where(known, averaged - own, np.nan))
