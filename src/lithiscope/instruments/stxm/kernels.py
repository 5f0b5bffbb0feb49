"""Kernels of the virtual detector: how many of the arriving photons are counted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def gauss_hermite(sigma: float, nodes: int) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Return offsets and weights that average a function over a normal distribution.

    Parameters
    ----------
    sigma : float
        Standard deviation of the distribution; 0 gives one node.
    nodes : int
        Number of nodes; polynomials up to degree 2 nodes - 1 are averaged exactly.

    Returns
    -------
    offsets, weights : ndarray, shape (nodes,)
        In units of sigma times 1; the weights sum to 1.
    """
    if sigma == 0:
        return np.zeros(1), np.ones(1)
    offsets, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return sigma * offsets, weights / weights.sum()


def counted(
    arriving: Float[np.ndarray, "*shape"], uniform: Float[np.ndarray, "*shape"], dead_share: float
) -> Float[np.ndarray, "*shape"]:
    """Draw the counts of a detector with non-paralysable dead time, from its exact distribution.

    At least m photons are counted in a dwell when the m-th comes in time: m waiting times and m - 1 dead times fit, so
    P(M >= m) = P(Gamma(m) <= n (1 - (m - 1) d)), with n the mean number arriving and d the dead time over the dwell.
    The mean is n/(1 + n d) and the variance n/(1 + n d)^3 for large n (Mueller 1973, Nucl. Instrum. Methods 112, 47).

    Parameters
    ----------
    arriving : ndarray
        Mean number of photons that arrive in the dwell.
    uniform : ndarray
        Numbers drawn evenly from [0, 1).
    dead_share : float
        Dead time divided by the dwell; positive.

    Returns
    -------
    ndarray
        Counts.
    """
    from scipy.special import gammainc

    low = np.zeros_like(arriving)
    high = np.full_like(arriving, np.ceil(1 / dead_share) + 1)
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        left = np.maximum(1 - (middle - 1) * dead_share, 0.0)
        reached = gammainc(np.maximum(middle, 1.0), arriving * left) > uniform
        low = np.where(reached | (middle < 1), middle, low)
        high = np.where(reached | (middle < 1), high, middle)
    return low
