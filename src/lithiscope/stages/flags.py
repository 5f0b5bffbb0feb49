"""The registry of flags: why a value is missing, or what to know about one that stands.

A flag is a bit of a uint16. A fatal bit means that the value is NaN, and a NaN always carries a fatal bit; a warning
bit keeps the value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Flag:
    """One reason: its bit, whether the value is lost, and what it means."""

    bit: int
    fatal: bool
    meaning: str


FLAGS: dict[str, Flag] = {
    "missing": Flag(1 << 0, True, "no measurement: a line lost to a beam dump, an aborted or unreadable frame"),
    "outside_view": Flag(1 << 1, True, "the pixel left the field of view, so resampling had nothing to take"),
    "no_counts": Flag(1 << 2, True, "zero or negative counts, so an optical density does not exist"),
    "saturated": Flag(1 << 3, True, "at or above the largest count that the detector can be trusted with"),
    "no_material": Flag(1 << 4, True, "too little active material for a lithium fraction"),
    "unsolvable": Flag(1 << 5, True, "no trustworthy solution: no unique fit, or outside the range of the law"),
    "not_aligned": Flag(1 << 6, True, "the frame could not be aligned with the others"),
    "excluded": Flag(1 << 7, True, "the frame or particle was excluded by the user"),
    "repaired": Flag(1 << 8, False, "a spike was replaced by the median of its neighbours"),
    "few_counts": Flag(1 << 9, False, "so few counts that a Gaussian error bar is only approximate"),
    "time_held": Flag(1 << 10, False, "no neighbouring scan to interpolate to the common time; the value was held"),
    "opaque": Flag(1 << 11, False, "so absorbing that stray light biases the optical density"),
    "outside_references": Flag(1 << 12, False, "more than three standard deviations outside the two references"),
    "wrong_sign": Flag(1 << 13, False, "current and overpotential have opposite signs, by more than their noise"),
    "incomplete": Flag(1 << 14, False, "a tenth or more of the particle has no value; the error bar allows for it"),
}


def flag_bit(*names: str) -> np.uint16:
    """Return the bits of the named flags together.

    Examples
    --------
    >>> int(flag_bit("missing", "no_counts"))
    5
    """
    bits = 0
    for name in names:
        bits |= FLAGS[name].bit
    return np.uint16(bits)


FATAL = flag_bit(*(name for name, flag in FLAGS.items() if flag.fatal))


def fatal_mask(flag: np.ndarray) -> np.ndarray:
    """Return where a flag array has a fatal bit, i.e. where the value is NaN."""
    return np.asarray((np.asarray(flag) & FATAL) != 0)


def blank_fatal(values: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """Return a copy of `values` with NaN wherever `flag` has a fatal bit; shapes broadcast."""
    return np.where(fatal_mask(flag), np.nan, values)


def flag_counts(flag: np.ndarray) -> dict[str, int]:
    """Return how many elements carry each flag; flags that nothing carries are left out."""
    bits = np.asarray(flag)
    counts = {name: int(np.count_nonzero(bits & flag.bit)) for name, flag in FLAGS.items()}
    return {name: count for name, count in counts.items() if count}


def flag_attributes() -> dict[str, Any]:
    """Return the CF attributes that explain a flag variable."""
    return {
        "flag_masks": [flag.bit for flag in FLAGS.values()],
        "flag_meanings": " ".join(FLAGS),
    }
