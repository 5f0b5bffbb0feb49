"""From pairs of frames to the places of all frames, their errors, and which frames do not fit in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope.frames.kernels.graph import Pairs, Positions, solve_positions
from lithiscope.frames.kernels.pairs import PairFits
from lithiscope.frames.options import RegisterOptions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int_]


class Solution(NamedTuple):
    """Where the frames of one sequence lie, in pixels; NaN for frames that could not be aligned."""

    shift: FloatArray
    linear: FloatArray
    std: FloatArray
    linear_std: FloatArray
    leakage: FloatArray
    residual: FloatArray


def nowhere(shape: tuple[int, ...], axes: int) -> Solution:
    """Return the solution of frames none of which could be aligned."""
    each = ((axes,), (axes, axes), (axes,), (axes, axes), (axes,), ())
    return Solution(*(np.full((*shape, *extra), np.nan) for extra in each))


def solved(pairs: Pairs, fits: PairFits, kept: IntArray, frames: int, options: RegisterOptions) -> Solution:
    """Return positions of the frames that agree; one after the other, the frame whose pairs agree least is left out."""
    if kept.size == 0:
        axes = pairs.shift.shape[1]
        return nowhere((frames,), axes)
    while True:
        inside = np.isin(pairs.first, kept) & np.isin(pairs.second, kept)
        part = Pairs(
            np.searchsorted(kept, pairs.first[inside]),
            np.searchsorted(kept, pairs.second[inside]),
            *(array[inside] for array in pairs[2:]),
        )
        found = solve_positions(part, kept.size)
        rms = _frame_residual(part, found, kept.size)
        if not np.nanmax(rms) > options.max_disagreement:
            break
        kept = np.delete(kept, np.nanargmax(rms))
    good = np.isfinite(found.shift).all(axis=1)
    fits = PairFits(*(array[inside] for array in fits))
    std = np.sqrt(np.maximum(_noise(part, fits, fits.variance, good), 0) + found.variance)
    linear_std = np.sqrt(np.maximum(_noise(part, fits, fits.linear_variance, good), 0) + found.linear_variance)
    leak = np.full(found.shift.shape, np.nan)
    leak[:1] = 0.0
    next_to = part.lag == 1
    leak[part.second[next_to]] = (fits.leakage + found.residual)[next_to]
    leak[~good] = np.nan
    return Solution(
        *(_spread(array, kept, frames) for array in (found.shift, found.linear, std, linear_std, leak, rms))
    )


def _noise(pairs: Pairs, fits: PairFits, variance: FloatArray, good: NDArray[np.bool_]) -> FloatArray:
    """Return the variance of the places of frames that comes from their own noise: the mean over their pairs.

    All pairs count alike, whatever their trust: misfit that a long lag shows has built up over short ones.

    Parameters
    ----------
    variance : (pairs, ...) array
        Of the pairs, from the noise of both frames.
    """
    one = (-1, *[1] * (variance.ndim - 1))
    noise, seen = np.zeros((good.size, *variance.shape[1:])), np.zeros(good.size).reshape(one)
    for ends, share in ((pairs.first, 1 - fits.moving_share), (pairs.second, fits.moving_share)):
        np.add.at(noise, ends, variance * share.reshape(one))
        np.add.at(seen, ends, 1)
    noise /= np.maximum(seen, 1)
    count = max(int(good.sum()), 1)
    # Positions are relative to the mean of all, which has noise too.
    return noise * (1 - 2 / count) + noise[good].sum(axis=0) / count**2 if count > 1 else noise * 0


def _frame_residual(pairs: Pairs, found: Positions, frames: int) -> FloatArray:
    """Return the root-mean-square length of the residuals of the pairs of each frame, weighted by trust, pixels."""
    square = pairs.trust * np.nan_to_num(np.sum(found.residual**2, axis=1))
    total, count = np.zeros(frames), np.zeros(frames)
    for ends in (pairs.first, pairs.second):
        np.add.at(total, ends, square)
        np.add.at(count, ends, pairs.trust)
    rms = np.sqrt(total / np.where(count > 0, count, 1))
    return np.where(np.isfinite(found.shift).all(axis=1), rms, np.nan)


def _spread(values: FloatArray, kept: NDArray[np.int_], frames: int) -> FloatArray:
    """Return the values of the kept frames at their places among all, NaN elsewhere."""
    whole = np.full((frames, *values.shape[1:]), np.nan)
    whole[kept] = values
    return whole
