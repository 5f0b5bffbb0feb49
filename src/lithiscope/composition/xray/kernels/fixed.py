"""Unmixing by one matrix for all pixels: as many unknowns as energies, or equal weights."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from lithiscope.composition.xray.kernels.density import density, density_variance
from lithiscope.composition.xray.kernels.fraction import fraction

# Pixels at a time: some ten float64 temporaries of this length stay in the second-level cache.
BLOCK = 16384


def fixed_covariance(
    operator: Float[np.ndarray, "rows energies"], variance: Float[np.ndarray, "energies pixels"]
) -> Float[np.ndarray, "rows rows pixels"]:
    """Return the covariance of ``operator @ od`` when the energies are independent: sum over k of W_ik W_jk var_k.

    After subtraction of a shared pre-edge the rows of the operator sum to zero, and the variance that the differences
    share is in this sum in full.
    """
    rows, energies = operator.shape
    products = (operator[:, None, :] * operator[None, :, :]).reshape(rows * rows, energies)
    return np.asarray((products @ variance).reshape(rows, rows, -1))


def fraction_from_counts(
    counts: Float[np.ndarray, "energies pixels"],
    incident: Float[np.ndarray, " energies"],
    rows: Float[np.ndarray, "2 energies"],
    counts_per_photon: float = 1.0,
) -> tuple[Float[np.ndarray, " pixels"], Float[np.ndarray, " pixels"], Float[np.ndarray, " pixels"]]:
    """Return x, its standard deviation and the amount straight from counts, block by block.

    Parameters
    ----------
    counts : (K, N) array
        Transmitted counts.
    incident : (K,) array
        Counts without sample.
    rows : (2, K) array
        What turns optical densities into lithium and into amount (`lithium_rows` makes it).
    counts_per_photon : float
        Variance of the counts over their mean.

    Returns
    -------
    x, std, amount : (N,) array
        Lithium fraction, its random standard deviation, and amount in units of the references; float64.
    """
    pixels = counts.shape[1]
    x, std, amount = np.empty((3, pixels))
    products = np.stack([rows[0] * rows[0], rows[0] * rows[1], rows[1] * rows[1]])
    for start in range(0, pixels, BLOCK):
        part = slice(start, start + BLOCK)
        block = counts[:, part]
        sums = rows @ density(block, incident)
        covariance = products @ density_variance(block, counts_per_photon)
        x[part], variance = fraction(sums[0], sums[1], covariance)
        np.sqrt(variance, out=std[part])
        amount[part] = sums[1]
    return x, std, amount
