"""How a particle fills or empties: all cells together, one after the other, or behind a front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from lithiscope.studies.simulation_measures import Floats, cells

if TYPE_CHECKING:
    import xarray as xr

Pathway = Literal["solid solution", "domino", "wave", "unknown"]

TOGETHER = 0.5
"""Duration from which on cells count as filling together: half of all then fill at any time."""
CONNECTED = 0.45
"""Connectedness from which on there is a front: one gives 1, two of equal size 0.5, three 0.33."""
_MIDDLE = (0.4, 0.6)  # of a cell's own range: beyond it a cell may only follow the solubility of its phase
_MOVED = 0.2  # a cell that changes by less has not taken part
_FEWEST = 20
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Filling:
    """How the cells of one run fill.

    Attributes
    ----------
    duration : float
        Time in which a cell passes the middle fifth of its own range, over a fifth of the run; mean over the material.
        1 if all cells fill all the time, near 0 if each jumps in its turn.
    connectedness : float
        Share of those cells that have filled which lies in their largest piece, where it is least between a tenth and a
        half of all: 1 behind one front, 1/2 behind two of equal size, near 0 where cells fill in no order of place.
    """

    duration: float
    connectedness: float

    @property
    def pathway(self) -> Pathway:
        """The pathway in one word, after the thresholds of this module."""
        if not np.isfinite(self.duration):
            return "unknown"
        if self.duration >= TOGETHER:
            return "solid solution"
        return "wave" if self.connectedness >= CONNECTED else "domino"


def filling(video: xr.Dataset) -> Filling:
    """Return how the cells of a run fill, while there is current; NaN where fewer than twenty cells do.

    Parameters
    ----------
    video : composition_video
        Of one half cycle, in two or three dimensions.

    Notes
    -----
    Neighbours of a domino may fill after each other too, where a rate constant that varies smoothly sets the turn, so a
    correlation of the times of neighbours cannot tell it from a wave. What tells them apart is the number of places
    from which filling spreads.
    """
    driven = np.flatnonzero(np.asarray(video["direction"].values))
    video = video.isel(time=slice(0, int(driven[-1]) + 1)) if driven.size else video
    content, weight = cells(video)
    change = content[-1] - content[0]
    moved = np.abs(change) > _MOVED
    if moved.sum() < _FEWEST or content.shape[0] < 3:
        return Filling(float("nan"), float("nan"))
    time = np.asarray(video["time"].values, dtype=float)
    progress = (content[:, moved] - content[0, moved]) / change[moved]
    duration = np.average(_duration(progress, time), weights=weight[moved])
    inside = np.asarray(video["mask"].values, dtype=bool)
    when = np.full(inside.shape, np.nan)
    when[tuple(axis[moved] for axis in np.nonzero(inside))] = _halfway(progress, time)
    return Filling(float(duration), _connectedness(when))


def _duration(progress: Floats, time: Floats) -> Floats:
    """Return the time that each cell spends in the middle of its range, over that of a steady change: (cells,)."""
    low, high = _MIDDLE
    change = np.diff(progress, axis=0)
    passed = np.diff(np.clip(progress, low, high), axis=0)
    resting = (progress[1:] > low) & (progress[1:] < high)
    moving = np.abs(change) > 1e-12
    share = np.where(moving, passed / np.where(moving, change, 1.0), resting)
    return np.asarray(np.diff(time) @ share / ((time[-1] - time[0]) * (high - low)))


def _halfway(progress: Floats, time: Floats) -> Floats:
    """Return when each cell first is halfway, between frames by a straight line: (cells,)."""
    after = np.argmax(progress >= 0.5, axis=0)
    each = np.arange(progress.shape[1])
    low, high = progress[after - 1, each], progress[after, each]
    return np.asarray(time[after - 1] + (0.5 - low) / (high - low) * (time[after] - time[after - 1]))


def _connectedness(when: Floats) -> float:
    """Return the share of the largest piece of those that have filled, where it is least."""
    known = np.isfinite(when)
    rank = np.full(when.shape, when.size)
    rank[known] = np.argsort(np.argsort(when[known], kind="stable"), kind="stable")
    return min(_largest_piece(rank < max(int(share * known.sum()), 1)) for share in _SHARES)


def _largest_piece(filled: NDArray[np.bool_]) -> float:
    pieces, _ = label(filled)
    return float(np.bincount(pieces[filled]).max() / filled.sum())
