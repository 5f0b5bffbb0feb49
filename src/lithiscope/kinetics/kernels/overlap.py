"""Overlap of two sets of pixels, and sets of pixels at random places with the same size and smoothness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

_BLOCK = 4_000_000  # numbers worked on at once


def dice(first: Bool[np.ndarray, "... pixels"], second: Bool[np.ndarray, "... pixels"]) -> Float[np.ndarray, ...]:
    """2 |A and B| / (|A| + |B|) along the last axis; NaN where both are empty.

    Examples
    --------
    >>> float(dice(np.array([True, True, False]), np.array([True, False, False])))
    0.6666666666666666
    """
    both = np.asarray(np.count_nonzero(first & second, axis=-1), dtype=float)
    total = np.asarray(np.count_nonzero(first, axis=-1) + np.count_nonzero(second, axis=-1), dtype=float)
    return np.asarray(np.divide(2 * both, total, out=np.full(total.shape, np.nan), where=total > 0))


def dice_std(
    first: Bool[np.ndarray, " pixels"],
    second: Bool[np.ndarray, " pixels"],
    block: Int[np.ndarray, " pixels"],
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Return the standard deviation of the Dice overlap when whole blocks of pixels are drawn with replacement."""
    _, code = np.unique(block, return_inverse=True)
    blocks = int(code.max()) + 1
    counts = np.stack([np.bincount(code, one, blocks) for one in (first & second, first, second)])
    weight = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=draws)
    both, one, two = (weight @ counts.T).T
    total = one + two
    overlap = 2 * both[total > 0] / total[total > 0]
    return float(np.std(overlap)) if len(overlap) > 1 else float("nan")


def random_fields(
    points: Float[np.ndarray, "pixels axes"], scale: float, draws: int, rng: np.random.Generator, waves: int = 40
) -> Float[np.ndarray, "draws pixels"]:
    """Gaussian random fields with the correlation exp(-r^2/(2 scale^2)), as sums of waves in random directions."""
    result = np.empty((draws, len(points)), dtype=np.float64)
    step = max(1, _BLOCK // (len(points) * waves))
    for first in range(0, draws, step):
        count = min(step, draws - first)
        k = rng.standard_normal((count, waves, points.shape[1])) / scale
        phase = rng.uniform(0, 2 * np.pi, (count, waves, 1))
        amplitude = np.sqrt(-2 * np.log(rng.uniform(size=(count, waves, 1))))
        result[first : first + count] = (amplitude * np.cos(k @ points.T + phase)).sum(axis=1)
    return result


def largest(fields: Float[np.ndarray, "draws pixels"], count: int) -> Bool[np.ndarray, "draws pixels"]:
    """Mark the `count` largest values of every row."""
    chosen = np.zeros(fields.shape, dtype=bool)
    if count > 0:
        place = np.argpartition(fields, -count, axis=1)[:, -count:]
        np.put_along_axis(chosen, place, values=True, axis=1)
    return chosen


def neighbour_pairs(mask: Bool[np.ndarray, ...]) -> Int[np.ndarray, "2 pairs"]:
    """Positions, among the pixels of the mask, of every two that share a face."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(np.count_nonzero(mask))
    pairs = []
    for axis in range(mask.ndim):
        one = np.moveaxis(number, axis, 0)[:-1].ravel()
        two = np.moveaxis(number, axis, 0)[1:].ravel()
        both = (one >= 0) & (two >= 0)
        pairs.append(np.stack([one[both], two[both]]))
    return np.concatenate(pairs, axis=1)


def boundary_share(
    chosen: Bool[np.ndarray, "rows pixels"], pairs: Int[np.ndarray, "2 pairs"]
) -> Float[np.ndarray, " rows"]:
    """Share of the neighbouring pairs whose two pixels are in different classes: the length of the boundary."""
    return np.asarray(np.mean(chosen[:, pairs[0]] != chosen[:, pairs[1]], axis=1), dtype=float)


def scales_of(points: Float[np.ndarray, "pixels axes"], count: int = 10) -> Iterator[float]:
    """Yield correlation lengths in equal ratios, from one pixel to four times the particle (almost straight lines)."""
    size = max(float(np.max(np.ptp(points, axis=0))) + 1, 2.0)
    yield from np.geomspace(1.0, 4 * size, count)
