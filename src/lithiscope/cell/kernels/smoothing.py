"""Local straight lines through noisy samples, as matrices, so that errors propagate exactly."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_REACH = 4.0  # a Gaussian is cut at so many standard deviations


def white_noise(values: Float[np.ndarray, " samples"]) -> float:
    """Return the standard deviation of the noise of single samples from second differences, robustly.

    A straight trend leaves no trace. NaN for fewer than three samples.
    """
    if len(values) < 3:
        return float("nan")
    bend = values[1:-1] - (values[2:] + values[:-2]) / 2
    return float(1.4826 * np.median(np.abs(bend - np.median(bend))) / np.sqrt(1.5))


def stepped_noise(values: Float[np.ndarray, " samples"]) -> float:
    """Return the standard deviation of the noise of values that often jump, from the quietest of their differences.

    The lower quartile of the absolute differences of neighbours, so that up to three quarters of them may be jumps.
    """
    if len(values) < 2:
        return float("nan")
    # A quarter of the absolute values of a Gaussian lie below 0.3186 standard deviations.
    return float(np.percentile(np.abs(np.diff(values)), 25.0) / 0.3186 / np.sqrt(2.0))


def rounded_noise(values: Float[np.ndarray, " samples"]) -> float:
    """Return `white_noise`, or the last digit over the square root of 12 where most neighbours are rounded alike."""
    sigma = white_noise(values)
    steps = np.abs(np.diff(values))
    if np.count_nonzero(steps) * 2 < len(steps) and steps.any():
        return max(sigma, float(steps[steps > 0].min()) / float(np.sqrt(12.0)))
    return sigma


def binned(
    x: Float[np.ndarray, " samples"], y: Float[np.ndarray, " samples"], bins: int
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"], Int[np.ndarray, " points"]]:
    """Average samples in equal bins of x between 0 and 1; empty bins are left out. Returns x, y and the counts."""
    place = np.clip((x * bins).astype(np.int64), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = count > 0
    sums = [np.bincount(place, weights=values, minlength=bins)[filled] for values in (x, y)]
    return sums[0] / count[filled], sums[1] / count[filled], count[filled]


def local_lines(
    at: Float[np.ndarray, " nodes"],
    x: Float[np.ndarray, " points"],
    weight: Float[np.ndarray, " points"],
    width: float,
) -> tuple[Int[np.ndarray, "nodes near"], Float[np.ndarray, "nodes near"]]:
    """Return which points, and how much of each, make the value of a local straight line at each node.

    Gaussian weights of standard deviation `width`, widened where the points lie further apart (Fan and Gijbels 1996).
    The value at the nodes is ``sum(share * y[place], axis=1)``; straight lines come out exactly. `x` must rise.
    """
    after = np.clip(np.searchsorted(x, at), 1, len(x) - 1)
    above = np.maximum(x[np.minimum(after + 1, len(x) - 1)], at)
    below = np.minimum(x[np.maximum(after - 2, 0)], at)
    local = np.maximum(width, (above - below) / 2)
    first = np.searchsorted(x, at - _REACH * local)
    near = int(np.max(np.searchsorted(x, at + _REACH * local, side="right") - first))
    place = np.minimum(first, len(x) - near)[:, None] + np.arange(near)
    distance = (x[place] - at[:, None]) / local[:, None]
    kernel = weight[place] * np.where(np.abs(distance) <= _REACH, np.exp(-0.5 * distance * distance), 0.0)
    first_moment = kernel * distance
    sum0, sum1, sum2 = kernel.sum(axis=1), first_moment.sum(axis=1), np.sum(first_moment * distance, axis=1)
    share = kernel * (sum2[:, None] - distance * sum1[:, None]) / (sum0 * sum2 - sum1**2)[:, None]
    return place, np.asarray(share)
