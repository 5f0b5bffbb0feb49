"""Differences between sequential frames, and the covariance of intervals that share a frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def between_frames(
    values: Float[np.ndarray, "frames ..."], hours: Float[np.ndarray, " intervals"]
) -> tuple[Float[np.ndarray, "intervals ..."], Float[np.ndarray, "intervals ..."]]:
    """Rate of change (per hour) and middle of every two sequential frames."""
    duration = hours.reshape(-1, *([1] * (values.ndim - 1)))
    return (values[1:] - values[:-1]) / duration, (values[1:] + values[:-1]) / 2


def deviation_between_frames(
    std: Float[np.ndarray, "frames ..."], hours: Float[np.ndarray, " intervals"]
) -> tuple[Float[np.ndarray, "intervals ..."], Float[np.ndarray, "intervals ..."]]:
    """Propagate standard deviations of independent frames to the rate and to the middle.

    Examples
    --------
    >>> rate, middle = deviation_between_frames(np.array([0.06, 0.08]), np.array([0.1]))
    >>> float(rate[0]), float(middle[0])
    (1.0, 0.05)
    """
    duration = hours.reshape(-1, *([1] * (std.ndim - 1)))
    together = np.sqrt(std[1:] ** 2 + std[:-1] ** 2)
    return together / duration, together / 2


def chain(
    std: Float[np.ndarray, "*rows intervals"],
    share_after: Float[np.ndarray, "*rows intervals"],
    shared: Bool[np.ndarray, " links"],
    sign: int,
) -> Float[np.ndarray, "*rows intervals intervals"]:
    """Covariance of quantities of successive intervals, each a combination of two frames.

    The quantity of interval i is sqrt(1 - a_i) std_i e_before + sign... of independent unit errors e of the frames:
    q_i = std_i (sqrt(a_i) e_after + sign sqrt(1 - a_i) e_before), so neighbours that share a frame have the covariance
    sign std_i std_(i+1) sqrt(a_i (1 - a_(i+1))), about -1/2 of the variance for a rate. Positive semidefinite for any
    shares, because it is built from frames.

    Parameters
    ----------
    std : ndarray
        Standard deviation in each interval.
    share_after : ndarray
        Share a of the variance that the frame after brings.
    shared : ndarray of bool
        Whether an interval ends in the frame in which the next begins.
    sign : int
        -1 for a difference of two frames, +1 for their mean.
    """
    count = std.shape[-1]
    result = np.zeros((*std.shape, count))
    place = np.arange(count)
    result[..., place, place] = std**2
    link = sign * std[..., :-1] * std[..., 1:] * np.sqrt(share_after[..., :-1] * (1 - share_after[..., 1:])) * shared
    result[..., place[:-1], place[1:]] = link
    result[..., place[1:], place[:-1]] = link
    return result
