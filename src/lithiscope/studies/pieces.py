"""Results in pieces along time: for series that are larger than the memory that a run may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import xarray as xr

GIB = 2**30
SHARE = 0.5
"""Of the memory that a run may take, for one stretch: the rest is what steps keep of the whole series."""


@dataclass(frozen=True)
class Pieces:
    """A result that is made and stored piece by piece.

    Attributes
    ----------
    parts : iterator of Dataset
        Stages that follow each other along time; what has no time is taken from the first.
    attributes : callable
        From the attributes of all parts to those of the whole; without it all have the same.
    """

    parts: Iterator[xr.Dataset]
    attributes: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]] = lambda found: found[0]


class Stretch(NamedTuple):
    """Scans that are worked on together, the neighbours that they need, and which of all these they are."""

    own: slice
    with_neighbours: slice
    inner: slice


def stretches(scans: int, at_once: int, *, neighbours: int = 0) -> list[Stretch]:
    """Return a series in stretches of so many scans, each with some neighbours on both sides.

    Examples
    --------
    >>> [stretch.with_neighbours for stretch in stretches(5, 2, neighbours=1)]
    [slice(0, 3, None), slice(1, 5, None), slice(3, 5, None)]
    """
    found = []
    for first in range(0, scans, at_once):
        last = min(first + at_once, scans)
        begin = max(first - neighbours, 0)
        wide = slice(begin, min(last + neighbours, scans))
        found.append(Stretch(slice(first, last), wide, slice(first - begin, last - begin)))
    return found


def scans_at_once(
    frames: xr.Dataset, memory: float | None, factor: float, *, neighbours: int = 0, scans: int | None = None
) -> int:
    """Return how many scans a step can work on at once, at least one.

    Parameters
    ----------
    frames : Dataset
        With sizes time, energy, y and x.
    memory : float or None
        What the run may take, GiB; None: no limit.
    factor : float
        Memory that the step needs over that of the pictures in float32.
    neighbours : int
        Scans on either side that are worked on too.
    scans : int, optional
        Of the whole series, where `frames` is but one of them.
    """
    scans = int(frames.sizes["time"]) if scans is None else scans
    if memory is None:
        return scans
    sizes = frames.sizes
    one = 4.0 * sizes["energy"] * sizes["y"] * sizes["x"] * factor
    fit = int(SHARE * memory * GIB / one)
    return scans if fit >= scans else max(1, fit - 2 * neighbours)
