"""Optical density and its counting noise."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def density(
    counts: Float[np.ndarray, "energies pixels"], incident: Float[np.ndarray, " energies"]
) -> Float[np.ndarray, "energies pixels"]:
    """Return the optical density, OD = -ln(I/I0) (Lim 2016, eq. S1); NaN or infinite where counts are not positive.

    Parameters
    ----------
    counts : (K, N) array
        Transmitted counts.
    incident : (K,) array
        Counts without sample; positive.

    Returns
    -------
    (K, N) array
        Optical density, float64.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        od = np.log(counts, dtype=np.float64)
    np.subtract(np.log(incident, dtype=np.float64)[:, None], od, out=od)
    return np.asarray(od)


def density_variance(
    counts: Float[np.ndarray, "energies pixels"], counts_variance: Float[np.ndarray, "energies pixels"] | float
) -> Float[np.ndarray, "energies pixels"]:
    """Return the random variance of the optical density, var(I)/I^2, to first order.

    Parameters
    ----------
    counts : (K, N) array
        Transmitted counts.
    counts_variance : (K, N) array or float
        Their variance; a float g stands for the Poisson law var(I) = g I, which gives g/I.

    Returns
    -------
    (K, N) array
        Variance, float64; the error of I0 is not in it, because the whole frame shares that one.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        if isinstance(counts_variance, float):
            return np.asarray(np.divide(counts_variance, counts, dtype=np.float64))
        return np.asarray(counts_variance / np.square(counts, dtype=np.float64))
