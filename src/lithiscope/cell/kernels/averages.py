"""Values at a moment, and means over an interval, of what was sampled in time."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def means_between(
    time: Float[np.ndarray, " samples"],
    values: Float[np.ndarray, " samples"],
    start: Float[np.ndarray, " intervals"],
    end: Float[np.ndarray, " intervals"],
) -> Float[np.ndarray, " intervals"]:
    """Return the exact mean over [start, end] of the straight lines between the samples; start < end within time."""
    integral = np.concatenate([[0.0], np.cumsum(np.diff(time) * (values[1:] + values[:-1]) / 2)])
    held = _integral_to(end, time, values, integral) - _integral_to(start, time, values, integral)
    return np.asarray(held / (end - start))


def _integral_to(at: np.ndarray, time: np.ndarray, values: np.ndarray, integral: np.ndarray) -> np.ndarray:
    place = np.clip(np.searchsorted(time, at, side="right") - 1, 0, len(time) - 2)
    here = np.interp(at, time, values)
    part: np.ndarray = integral[place] + (at - time[place]) * (values[place] + here) / 2
    return part
