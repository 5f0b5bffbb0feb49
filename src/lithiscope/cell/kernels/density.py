"""How much charge passed in each bin of voltage."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_NARROWEST = 1e-3  # a piece that spans less of a bin is widened to this, which keeps the sums accurate


def charge_in_bins(
    voltage: Float[np.ndarray, " nodes"],
    charge: Float[np.ndarray, " pieces"],
    first_edge: float,
    bin_width: float,
    bins: int,
) -> Float[np.ndarray, " bins"]:
    """Share the charge of every straight piece of a curve among the bins of voltage that it crosses.

    Parameters
    ----------
    voltage : ndarray (nodes,)
        Corners of the curve; between two of them lies one piece.
    charge : ndarray (pieces,)
        Charge of each piece; pieces that run backwards may have it negative.
    first_edge, bin_width, bins
        The axis of voltage; it must hold the whole curve.

    Returns
    -------
    ndarray (bins,)
        Its sum is the sum of `charge`.
    """
    margin = _NARROWEST * bin_width / 2
    low = np.minimum(voltage[1:], voltage[:-1]) - margin
    high = np.maximum(voltage[1:], voltage[:-1]) + margin
    # The charge below a voltage is a chain of straight lines; each piece adds its slope at one end and takes it back.
    slope = charge / (high - low)
    corner = np.concatenate([low, high])
    order = np.argsort(corner, kind="stable")
    corner = corner[order]
    slopes = np.cumsum(np.concatenate([slope, -slope])[order])
    below = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(corner))])
    below += np.linspace(0.0, charge.sum() - below[-1], len(below))
    edges = first_edge + bin_width * np.arange(bins + 1)
    return np.diff(np.interp(edges, corner, below))
