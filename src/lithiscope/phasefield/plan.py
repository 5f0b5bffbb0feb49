"""What a run records of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

End = Literal["frame", "duration", "voltage", "fraction", "rate", ""]
"""What ended a stretch: a time that was asked for, the duration of the part, one of its limits, or none of these."""

LIMITS: tuple[End, ...] = ("voltage", "fraction", "rate")


class Stretch(NamedTuple):
    """The steps between two outputs.

    Attributes
    ----------
    part : int
        Part of the protocol.
    start : float
        Time from the start of the part, s.
    lengths : array
        Of the steps, s.
    end : str
        What ended it.
    output : bool
        Whether its end is a frame.
    """

    part: int
    start: float
    lengths: np.ndarray
    end: End
    output: bool = False


class Plan(NamedTuple):
    """The accepted steps of a run: what `replay` repeats.

    Attributes
    ----------
    parts : tuple of int
        Part of the protocol of each stretch between two outputs.
    starts : array, shape (stretch,)
        Time from the start of the part at which each stretch begins, s.
    lengths : tuple of arrays
        Lengths of the steps of each stretch, s.
    output : array of bool, shape (stretch,)
        Whether the end of a stretch is one of the times that were asked for.
    ends : tuple of str
        What ended each stretch: "frame", "duration", the limit of the part ("voltage", "fraction", "rate"), or "".
        None at all where no part ended at a limit.
    """

    parts: tuple[int, ...]
    starts: np.ndarray
    lengths: tuple[np.ndarray, ...]
    output: np.ndarray
    ends: tuple[End, ...] = ()

    @classmethod
    def of(cls, stretches: Sequence[Stretch]) -> Plan:
        """Return the record of a run; stretches without a step are left out."""
        kept = [one for one in stretches if one.lengths.size]
        return cls(
            tuple(one.part for one in kept),
            np.array([one.start for one in kept]),
            tuple(one.lengths for one in kept),
            np.array([one.output for one in kept], dtype=bool),
            tuple(one.end for one in kept),
        )

    def runs(self) -> list[list[Stretch]]:
        """Return the stretches of each part of the protocol that was run."""
        ends: Sequence[End] = self.ends or [""] * len(self.parts)
        rows = zip(self.parts, self.starts, self.lengths, ends, self.output, strict=True)
        stretches = [Stretch(part, float(start), *rest) for part, start, *rest in rows]
        edges = [0, *(int(edge) + 1 for edge in np.flatnonzero(np.diff(self.parts))), len(self.parts)]
        return [stretches[first:last] for first, last in pairwise(edges)]
