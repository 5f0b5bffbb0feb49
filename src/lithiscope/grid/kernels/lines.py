"""Digital straight lines: every pixel on exactly one of a family of parallel lines, none resampled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


def line_shift(
    position: Int[np.ndarray, " columns"], direction: Float[np.ndarray, " axes"], along: int
) -> Int[np.ndarray, "columns across"]:
    """Return what to add to a place across to get the number of its line, at positions along an axis.

    Line n passes through the column at position p at n + slope p, rounded half up. The pixel of a column thus differs
    from its line by half a pixel at most, and each line has exactly one pixel in each column.

    Parameters
    ----------
    position : (M,) int array
        Positions of the columns on the axis `along`.
    direction : (D,) array
        Direction of the lines in pixels.
    along : int
        The axis on which the direction is largest, in absolute value.

    Returns
    -------
    (M, D - 1) int array
        For the other axes, in order.
    """
    # Rounded, so that a direction and its reverse, or an angle and its full turn, give the same ties.
    slope = np.round(np.delete(direction, along) / direction[along], 12)
    return np.asarray(np.floor(0.5 - slope * position[:, None]).astype(np.int64))


class Segments(NamedTuple):
    """Unbroken runs of pixels on lines: number of the run and rank in it, per pixel; order and starts of the runs."""

    number: Int[np.ndarray, " pixels"]
    rank: Int[np.ndarray, " pixels"]
    order: Int[np.ndarray, " pixels"]
    starts: Int[np.ndarray, " segments"]


def split_lines(line: Int[np.ndarray, "pixels across"], position: Int[np.ndarray, " pixels"]) -> Segments:
    """Return the runs of consecutive positions on each line, ordered by line and position.

    Parameters
    ----------
    line : (N, D - 1) int array
        Number of each pixel's line.
    position : (N,) int array
        Its position along the line; no two pixels of a line share one.
    """
    order = np.lexsort((position, *line.T[::-1]))
    same_line = (np.diff(line[order], axis=0) == 0).all(axis=1)
    begins = np.concatenate([[True], ~(same_line & (np.diff(position[order]) == 1))])
    starts = np.flatnonzero(begins)
    run = np.cumsum(begins) - 1
    number, rank = np.empty_like(order), np.empty_like(order)
    number[order], rank[order] = run, np.arange(order.size) - starts[run]
    return Segments(number, rank, order, starts)
