"""Where every part of a fit stands, so that a fit that was killed goes on from there.

A part is a minimisation, or the rounds by which the laws come to the maximum of their own posterior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from lithiscope.learning.fit import Point


class Entry(NamedTuple):
    """Where one part stands.

    Attributes
    ----------
    point : Point
        The last that was accepted.
    damping : float
        With which a minimisation goes on.
    steps : int
        How many were taken.
    done : bool
        Whether it has ended.
    converged : bool
        Whether it ended because a further step promised too little to matter.
    state : mapping of str to array, optional
        What else it needs to go on.
    """

    point: Point
    damping: float
    steps: int = 0
    done: bool = False
    converged: bool = False
    state: Mapping[str, np.ndarray] | None = None


class Diary:
    """The parts of a fit in their order; a fit is deterministic, so they come again in the same order.

    Parameters
    ----------
    entries : sequence of Entry
        Of a run that was killed.
    keep : callable
        Told of all entries after each accepted step.
    """

    def __init__(self, entries: Sequence[Entry] = (), keep: Callable[[Sequence[Entry]], None] | None = None) -> None:
        self._entries, self._keep, self._number = list(entries), keep, -1

    def begin(self, entry: Entry) -> Entry:
        """Return where the next part stood when the run was killed, or where it is to start."""
        self._number += 1
        if self._number < len(self._entries):
            return self._entries[self._number]
        self._entries.append(entry)
        return entry

    def write(self, entry: Entry) -> None:
        """Note where the present part stands."""
        self._entries[self._number] = entry
        if self._keep is not None:
            self._keep(self._entries)
