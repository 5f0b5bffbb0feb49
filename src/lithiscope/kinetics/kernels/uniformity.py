"""Mean and variance of x over the pixels of a particle with the noise apart, and the uniformity coefficient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class FrameMoments(NamedTuple):
    """What the pixels of a particle say in every frame.

    Attributes
    ----------
    mean, mean_variance : ndarray, shape (frames,)
        Mean of x and its random variance.
    spread : ndarray, shape (frames,)
        Variance of x over the pixels, as it appears.
    noise : ndarray, shape (frames,)
        The part of it that noise makes, as expected.
    spread_variance : ndarray, shape (frames,)
        Random variance of `spread`.
    pixels : ndarray, shape (frames,)
        Number of pixels with a value.
    """

    mean: Float[np.ndarray, " frames"]
    mean_variance: Float[np.ndarray, " frames"]
    spread: Float[np.ndarray, " frames"]
    noise: Float[np.ndarray, " frames"]
    spread_variance: Float[np.ndarray, " frames"]
    pixels: Float[np.ndarray, " frames"]


def frame_moments(
    x: Float[np.ndarray, "frames pixels"],
    variance: Float[np.ndarray, "frames pixels"],
    gain: Float[np.ndarray, " frames"],
) -> FrameMoments:
    """Mean and variance over the finite pixels of each frame, all pixels alike.

    Parameters
    ----------
    x, variance : ndarray, shape (frames, pixels)
        Lithium fraction and the variance of its noise as it appears in the picture.
    gain : ndarray, shape (frames,)
        Apparent over native standard deviation of the noise.

    Notes
    -----
    The expectation of the variance over N pixels is the true one + mean noise variance as it appears - variance of the
    mean, which carries the native noise. With C the covariance of the noise, the variance of the spread is
    (2 tr C^2 + 4 d'C d)/N^2; tr C^2 <= sum of native times apparent variance, and the differences d from the mean,
    being smooth, see the native noise.
    """
    known = np.isfinite(x) & np.isfinite(variance)
    count = known.sum(axis=1).astype(float)
    some = np.maximum(count, 1)
    apparent = np.where(known, variance, 0.0)
    native = apparent / gain[:, None] ** 2
    mean = np.where(known, x, 0.0).sum(axis=1) / some
    squares = np.where(known, x - mean[:, None], 0.0) ** 2
    mean_variance = native.sum(axis=1) / some**2
    floor = 2 * (native * apparent).sum(axis=1)
    signal = 4 * np.maximum((native * (squares - apparent)).sum(axis=1), 0.0)
    lost = np.where(count > 0, 0.0, np.nan)
    return FrameMoments(
        mean + lost,
        mean_variance + lost,
        squares.sum(axis=1) / some + lost,
        apparent.sum(axis=1) / some - mean_variance + lost,
        (floor + signal) / some**2 + lost,
        count,
    )


def chosen_frames(moments: FrameMoments, frames: Int[np.ndarray, " chosen"]) -> FrameMoments:
    """Return the moments of some frames."""
    return FrameMoments(*(values[frames] for values in moments))


class Binary(NamedTuple):
    """Least squares of var(x) = q m(1-m) + sigma^2: q = (1-U)^2, its variance, and sigma^2."""

    q: float
    q_variance: float
    noise: float


def fit_binary_share(
    moments: FrameMoments, frame_variance: Float[np.ndarray, " frames"], *, known_noise: bool
) -> Binary:
    """Fit var(x) = q m(1-m) + sigma^2 over the frames, all frames alike.

    Parameters
    ----------
    moments : FrameMoments
        Of the frames of one half cycle.
    frame_variance : ndarray, shape (frames,)
        Variance of x common to all pixels of a frame.
    known_noise : bool
        Whether sigma^2 is the known noise of each frame; otherwise it is fitted, one for all frames.

    Notes
    -----
    Weights that followed the noise would change what is estimated wherever the model does not hold exactly, so that
    the noisy and the noise-free answer would differ; equal weights do not. q has no unique value (NaN) where m(1-m)
    does not vary (fitted noise) or vanishes (known noise).
    """
    binary = np.maximum(moments.mean * (1 - moments.mean), 0.0)
    spread, lever = moments.spread - moments.noise if known_noise else moments.spread, binary
    if not known_noise:
        lever = binary - binary.mean()
    norm = float(lever @ binary)
    if not norm > 1e-6 * len(binary):
        return Binary(np.nan, np.nan, np.nan)
    q = float(lever @ spread) / norm
    # A shift of the whole frame by d moves m(1-m) by (1 - 2m) d and leaves the spread.
    moved = q * (1 - 2 * moments.mean)
    variance = moments.spread_variance + moved**2 * (frame_variance + moments.mean_variance)
    noise = float(np.mean(moments.noise)) if known_noise else float(np.mean(moments.spread - q * binary))
    return Binary(q, float(lever**2 @ variance) / norm**2, noise)


def uniformity_of(q: float, q_std: float) -> tuple[float, float]:
    """U = 1 - sqrt(q) and its standard deviation, never the root of a negative.

    Returns
    -------
    U, std : float
        A negative q, which noise makes of a uniform particle, is U = 1. `std` is half of the way between the two
        one-sigma ends, or, where q is within its error of zero, the way to the lower end.

    Examples
    --------
    >>> u, std = uniformity_of(0.25, 0.01)
    >>> u, round(std, 3)
    (0.5, 0.01)
    """
    root = np.sqrt(max(q, 0.0))
    upper, lower = np.sqrt(max(q + q_std, 0.0)), np.sqrt(max(q - q_std, 0.0))
    std = upper - root if q <= q_std else (upper - lower) / 2
    return float(1 - root), float(std)


def as_it_appears(moments: FrameMoments) -> float:
    """U of Lim 2016 (fig. S14): least squares of the standard deviation as it appears to (1-U) sqrt(m(1-m))."""
    limit = np.sqrt(np.maximum(moments.mean * (1 - moments.mean), 0.0))
    norm = float(limit @ limit)
    return 1 - float(limit @ np.sqrt(moments.spread)) / norm if norm > 0 else float("nan")
