"""Values along a line through a picture, as sums of pixels with fixed weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Weights(NamedTuple):
    """Which pixels make a sample: flat index and weight; an index of -1 lies outside the picture."""

    pixel: Int[np.ndarray, "samples terms"]
    weight: Float[np.ndarray, "samples terms"]


def bilinear(points: Float[np.ndarray, "samples across 2"], shape: tuple[int, int]) -> Weights:
    """Weights of the four pixels around every point (row, column), averaged over the points across the line.

    Notes
    -----
    A pixel that several points share appears once per point; its weights are added by `sampled`.
    """
    base = np.floor(points).astype(int)
    part = points - base
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    index = base[:, :, None, :] + corners
    share = np.where(corners == 1, part[:, :, None, :], 1 - part[:, :, None, :]).prod(axis=-1)
    inside = ((index >= 0) & (index < np.array(shape))).all(axis=-1)
    flat = np.where(inside, index[..., 0] * shape[1] + index[..., 1], -1)
    count = len(points)
    return Weights(flat.reshape(count, -1), (share / points.shape[1]).reshape(count, -1))


def sampled(
    values: Float[np.ndarray, "frames pixels"],
    variance: Float[np.ndarray, "frames pixels"],
    weights: Weights,
    min_weight: float,
) -> tuple[
    Float[np.ndarray, "frames samples"], Float[np.ndarray, "frames samples"], Bool[np.ndarray, "frames samples"]
]:
    """Weighted mean of the finite pixels of every sample, its variance, and whether enough of its weight was there.

    Parameters
    ----------
    values, variance : ndarray, shape (frames, pixels)
        Flattened pictures; the variance is that before resampling, when pixels were independent.
    weights : Weights
        From `bilinear`.
    min_weight : float
        Least share of the weight that must fall on finite pixels.
    """
    from scipy.sparse import csr_array

    samples, terms = weights.pixel.shape
    row = np.repeat(np.arange(samples), terms)
    used = weights.pixel.ravel() >= 0
    # Building the matrix adds up what several points give to one pixel.
    matrix = csr_array(
        (weights.weight.ravel()[used], (row[used], weights.pixel.ravel()[used])), shape=(samples, values.shape[1])
    )
    finite = np.isfinite(values) & np.isfinite(variance)
    total = (matrix @ finite.T.astype(float)).T
    some = np.where(total > 0, total, 1.0)
    mean = (matrix @ np.where(finite, values, 0.0).T).T / some
    spread = (matrix.power(2) @ np.where(finite, variance, 0.0).T).T / some**2
    return mean, spread, total >= min_weight
