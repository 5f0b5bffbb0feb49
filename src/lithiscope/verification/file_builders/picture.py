"""The numbers that the files hold: counts that differ in every pixel, so that no axis can be taken for another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Picture:
    """One stack: counts (E, Y, X), energies in eV, y and x in um, dwell in s.

    The energies have halves and the positions tenths, which float32 keeps to well under a nanometre.
    """

    counts: np.ndarray
    energy: np.ndarray
    y: np.ndarray
    x: np.ndarray
    dwell: np.ndarray = field(default_factory=lambda: np.zeros(0))


def picture(frames: int = 3, rows: int = 4, columns: int = 5, *, first: int = 1000) -> Picture:
    """Return a stack of whole counts from `first` on, each number once."""
    shape = (frames, rows, columns)
    return Picture(
        counts=first + np.arange(np.prod(shape), dtype=float).reshape(shape),
        energy=700.0 + 2.5 * np.arange(frames),
        y=1.5 + 0.25 * np.arange(rows),
        x=-3.0 + 0.5 * np.arange(columns),
        dwell=0.001 * np.arange(2, 2 + frames),
    )
