"""Linear interpolation in time between neighbouring scans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Interpolated(NamedTuple):
    """Values and variances (T, N), and where a value was held because it had no neighbour."""

    values: Float[np.ndarray, "times pixels"]
    variance: Float[np.ndarray, "times pixels"]
    held: Bool[np.ndarray, "times pixels"]
    other_share: Float[np.ndarray, "times pixels"]


def interpolate_in_time(
    values: Float[np.ndarray, "times pixels"],
    variance: Float[np.ndarray, "times pixels"],
    exposure: Float[np.ndarray, "times pixels"],
    target: Float[np.ndarray, " times"],
    group: Int[np.ndarray, " times"],
    extrapolate: bool,
) -> Interpolated:
    """Move each value from its own exposure to the target time along the line to a neighbour of the same group.

    The neighbour is the one beyond the target. Where there is none (or it is NaN), the value is held, or the line
    through the neighbour on the other side is extended.

    Parameters
    ----------
    values, variance : (T, N) array
        One energy of every scan, NaN where missing.
    exposure : (T, N) array
        Time of the exposures, s.
    target : (T,) array
        Wanted time of each scan, s.
    group : (T,) array
        Half cycle of each scan; no interpolation across groups.
    extrapolate : bool
        What to do at the ends.

    Returns
    -------
    Interpolated
        `other_share` is the weight f of the neighbour: value (1 - f) own + f other, variance with the squares.
    """
    lag = target[:, None] - exposure
    forward = _share(values, exposure, lag, group, +1)
    backward = _share(values, exposure, lag, group, -1)
    wants_forward = lag > 0
    first, second = (np.where(wants_forward, forward, backward), np.where(wants_forward, backward, forward))
    use_second = np.isnan(first) & np.isfinite(second) & extrapolate
    share = np.where(use_second, second, first)
    still = lag == 0
    held = np.isnan(share) & ~still & np.isfinite(values)
    share = np.where(np.isnan(share) | still, 0.0, share)
    other = wants_forward ^ use_second
    next_values, previous_values = _shifted(values, +1), _shifted(values, -1)
    next_variance, previous_variance = _shifted(variance, +1), _shifted(variance, -1)
    moved = share != 0
    neighbour = np.where(moved, np.where(other, next_values, previous_values), 0.0)
    neighbour_variance = np.where(moved, np.where(other, next_variance, previous_variance), 0.0)
    return Interpolated(
        (1 - share) * values + share * neighbour,
        np.square(1 - share) * variance + np.square(share) * neighbour_variance,
        held,
        share,
    )


def _share(
    values: Float[np.ndarray, "times pixels"],
    exposure: Float[np.ndarray, "times pixels"],
    lag: Float[np.ndarray, "times pixels"],
    group: Int[np.ndarray, " times"],
    step: int,
) -> Float[np.ndarray, "times pixels"]:
    """Return the weight of the neighbour `step` scans on; NaN where there is none in the group, or it is missing."""
    there = np.zeros(group.size, dtype=bool)
    if step > 0:
        there[:-1] = group[1:] == group[:-1]
    else:
        there[1:] = group[1:] == group[:-1]
    gap = _shifted(exposure, step) - exposure
    share = lag / np.where(there[:, None], gap, np.nan)
    return np.where(np.isfinite(_shifted(values, step)), share, np.nan)


def _shifted(values: Float[np.ndarray, "times pixels"], step: int) -> Float[np.ndarray, "times pixels"]:
    return np.roll(values, -step, axis=0)
