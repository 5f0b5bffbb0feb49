"""Sums over particles and filling of polygons, on bare arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Groups(NamedTuple):
    """The pixels of a label image, sorted by label.

    Attributes
    ----------
    numbers : ndarray of int, shape (groups,)
        The labels, ascending; background (0) is left out.
    pixels : ndarray of int, shape (pixels,)
        Flat index of every labelled pixel, particle after particle.
    start : ndarray of int, shape (groups,)
        Where each particle begins in `pixels`.
    member : ndarray of int, shape (pixels,)
        Position in `numbers` of each entry of `pixels`.
    """

    numbers: Int[np.ndarray, " groups"]
    pixels: Int[np.ndarray, " pixels"]
    start: Int[np.ndarray, " groups"]
    member: Int[np.ndarray, " pixels"]


def group_pixels(label: Int[np.ndarray, ...]) -> Groups:
    """Sort the labelled pixels by label, so that a sum over each particle is one `numpy.add.reduceat`."""
    flat = label.ravel()
    inside = np.flatnonzero(flat)
    pixels = inside[np.argsort(flat[inside], kind="stable")]
    numbers, start, counts = np.unique(flat[pixels], return_index=True, return_counts=True)
    return Groups(numbers, pixels, start, np.repeat(np.arange(len(numbers)), counts))


def group_sum(
    values: Float[np.ndarray, "rows pixels"], start: Int[np.ndarray, " groups"]
) -> Float[np.ndarray, "rows groups"]:
    """Sum over the pixels of each particle; pixels sorted as in `group_pixels`."""
    if len(start) == 0:
        return np.zeros((values.shape[0], 0))
    return np.asarray(np.add.reduceat(values, start, axis=1), dtype=float)


def group_count(
    mask: Bool[np.ndarray, "rows pixels"], start: Int[np.ndarray, " groups"]
) -> Int[np.ndarray, "rows groups"]:
    """Count the True pixels of each particle; pixels sorted as in `group_pixels`."""
    if len(start) == 0:
        return np.zeros((mask.shape[0], 0), dtype=np.int64)
    return np.asarray(np.add.reduceat(mask, start, axis=1, dtype=np.int64))


def group_nanmean(
    values: Float[np.ndarray, "rows pixels"], start: Int[np.ndarray, " groups"]
) -> Float[np.ndarray, "rows groups"]:
    """Mean over the finite pixels of each particle; NaN where there is none."""
    valid = np.isfinite(values)
    count = group_count(valid, start)
    total = group_sum(np.where(valid, values, 0.0).astype(float), start)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class Moments(NamedTuple):
    """What the pixels of a particle say together, each of shape (rows, groups).

    Attributes
    ----------
    mean, mean_variance : ndarray
        Ratio of sums, and its random variance.
    spread, noise : ndarray
        Weighted variance over the pixels as it appears, and the part of it that noise makes.
    spread_variance : ndarray
        Random variance of `spread`.
    """

    mean: Float[np.ndarray, "rows groups"]
    mean_variance: Float[np.ndarray, "rows groups"]
    spread: Float[np.ndarray, "rows groups"]
    noise: Float[np.ndarray, "rows groups"]
    spread_variance: Float[np.ndarray, "rows groups"]


def group_moments(
    x: Float[np.ndarray, "rows pixels"],
    variance: Float[np.ndarray, "rows pixels"],
    weight: Float[np.ndarray, "rows pixels"],
    weight_variance: Float[np.ndarray, "rows pixels"],
    gain: Float[np.ndarray, " rows"],
    groups: Groups,
) -> Moments:
    """Mean and variance of x = a/w over each particle, weighted by the amount w that x was divided by.

    Parameters
    ----------
    x, variance : ndarray, shape (rows, pixels)
        Lithium fraction (NaN is left out) and its variance as it appears in the picture.
    weight, weight_variance : ndarray, shape (rows, pixels)
        Amount w and its variance; variance 0 when the weight is not measured in the same frame.
    gain : ndarray, shape (rows,)
        Apparent over native standard deviation of the noise.
    groups : Groups
        The particles.

    Notes
    -----
    The mean is X = sum(a)/sum(w), so dX = sum(da - X dw)/sum(w). With var x = var(a - x w)/w^2 taken at the pixel's
    own x, the variance of da - X dw is w^2 var x - (x - X)^2 var w + 2 (x - X) cov(a - X w, w); the last term sums to
    zero where the noise does not follow x. Sums of pixels carry the native noise, var/gain^2; the spread carries the
    apparent one. The expectation of the weighted spread is the true spread + mean of var x - var X. The variance of
    the spread uses sum_j C_ij^2 <= (native variance)(apparent variance) for the covariance C that resampling makes.
    """
    w = np.where(np.isfinite(x), weight, 0.0)
    v = np.where(w != 0, variance, 0.0)
    native = v / gain[:, None] ** 2
    total = group_sum(w, groups.start)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = group_sum(np.where(w != 0, w * x, 0.0), groups.start) / total
        d2 = np.where(w != 0, x - mean[:, groups.member], 0.0) ** 2
        weighting = d2 * np.where(w != 0, weight_variance, 0.0) / gain[:, None] ** 2
        mean_variance = group_sum(w**2 * native - weighting, groups.start) / total**2
        spread = group_sum(w * d2, groups.start) / total
        noise = group_sum(w * v, groups.start) / total - mean_variance
        floor = group_sum(2 * w**2 * native * v, groups.start)
        signal = group_sum(4 * w**2 * native * (d2 - v), groups.start)
        spread_variance = (floor + np.maximum(signal, 0.0)) / total**2
    return Moments(mean, mean_variance, spread, noise, spread_variance)


def fill_rings(
    corner: Float[np.ndarray, "edges 2"], following: Float[np.ndarray, "edges 2"], shape: tuple[int, int]
) -> Bool[np.ndarray, "y x"]:
    """Pixels whose centre lies inside polygons (even-odd rule; a centre on a left or upper edge is inside).

    Parameters
    ----------
    corner, following : ndarray, shape (edges, 2)
        Both ends of every edge, of all rings together, as (x, y) in pixels: pixel (row i, column j) covers [j, j+1] x
        [i, i+1], and its centre is at (j + 0.5, i + 0.5).
    shape : (int, int)
        Rows and columns of the picture; what lies outside is cut off.

    Notes
    -----
    Every edge flips the pixels to its right in the rows that it crosses; the running sum modulo 2 is the filling.
    """
    rows, columns = shape
    first = np.clip(np.ceil(np.minimum(corner[:, 1], following[:, 1]) - 0.5), 0, rows).astype(int)
    last = np.clip(np.ceil(np.maximum(corner[:, 1], following[:, 1]) - 0.5), 0, rows).astype(int)
    crossed = last - first
    edge = np.repeat(np.arange(len(corner)), crossed)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed) + first[edge]
    rise = (following - corner)[edge]
    x = corner[edge, 0] + (row + 0.5 - corner[edge, 1]) * rise[:, 0] / rise[:, 1]
    column = np.clip(np.ceil(x - 0.5), 0, columns).astype(int)
    flips = np.bincount(row * (columns + 1) + column, minlength=rows * (columns + 1)).reshape(rows, columns + 1)
    return np.asarray(np.cumsum(flips, axis=1)[:, :columns] % 2 == 1)


def overlap(first: Int[np.ndarray, "y x"], second: Int[np.ndarray, "y x"]) -> Float[np.ndarray, "first second"]:
    """Intersection over union of every label of `first` with every label of `second`; background left out.

    Examples
    --------
    >>> overlap(np.array([[1, 1, 0, 2]]), np.array([[0, 7, 7, 0]]))
    array([[0.33333333],
           [0.        ]])
    """
    numbers_1, code_1 = np.unique(np.append(0, first.ravel()), return_inverse=True)
    numbers_2, code_2 = np.unique(np.append(0, second.ravel()), return_inverse=True)
    shape = (len(numbers_1), len(numbers_2))
    common = np.bincount(code_1[1:] * shape[1] + code_2[1:], minlength=shape[0] * shape[1]).reshape(shape)
    size_1, size_2 = common.sum(axis=1)[1:, None], common.sum(axis=0)[None, 1:]
    both = common[1:, 1:]
    return np.asarray(both / (size_1 + size_2 - both), dtype=float)
