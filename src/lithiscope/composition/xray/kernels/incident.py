"""The counts without sample, found in the picture itself: the bright mode and a quantile with its standard error."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

# A share read off the centre of a Gaussian mode of n pixels scatters by sqrt((1/4 - 1/2pi) n) pixels.
_SHARE = 0.25 - 1 / (2 * np.pi)


def bright_mode(counts: Float[np.ndarray, " pixels"], noise: float, fewest: int = 0) -> tuple[float, float]:
    """Return the centre of the brightest mode of a histogram and the share of pixels in that mode.

    The histogram is smoothed by the noise; of its peaks that rise five standard deviations above their valleys the
    brightest is taken, and refined by the mean of a symmetric window. The blank pixels scatter evenly about their
    centre and nothing is brighter than they are, so twice the share above the centre is the share of the blank.

    Parameters
    ----------
    counts : (N,) array
        Finite counts of one picture.
    noise : float
        Standard deviation of a blank pixel; sets the resolution.
    fewest : int
        A mode of fewer pixels (spikes, a saturated spot) is passed over, and never taken for the blank.

    Returns
    -------
    centre, share : float
        Counts at the centre of the mode; share of the pixels that belong to it, 0 to 1.
    """
    centre, share = _mode(counts, noise)
    while share * counts.size < fewest and (dimmer := counts[counts < centre - 4 * noise]).size >= 2 * fewest:
        centre, share = _mode(dimmer, noise)
    return centre, max(share, fewest / counts.size)


def _mode(counts: Float[np.ndarray, " pixels"], noise: float) -> tuple[float, float]:
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    low, high = float(counts.min()), float(counts.max())
    if high <= low:
        return high, 1.0
    bins = int(np.clip(4 * (high - low) / noise, 32, 4096))
    histogram, edges = np.histogram(counts, bins=bins, range=(low, high))
    width = max(noise / (edges[1] - edges[0]), 2.0)
    padding = int(4 * width)
    smooth = gaussian_filter1d(np.pad(histogram.astype(float), padding), width, mode="constant")
    peaks, found = find_peaks(smooth, prominence=0.0)
    significant = found["prominences"] > 5 * np.sqrt(smooth[peaks] / (2 * np.sqrt(np.pi) * width))
    best = peaks[significant].max() if significant.any() else int(np.argmax(smooth))
    centre = float(edges[0] + (best - padding + 0.5) * (edges[1] - edges[0]))
    for _ in range(10):
        above = counts[(counts > centre) & (counts < centre + 4 * noise)]
        spread = float(np.sqrt(np.mean((above - centre) ** 2))) if above.size else noise
        near = counts[np.abs(counts - centre) <= 1.5 * max(spread, 0.5)]
        centre = float(near.mean()) if near.size else centre
    return centre, min(1.0, 2 * float(np.mean(counts > centre)))


def quantile_with_error(
    counts: Float[np.ndarray, " pixels"], quantile: float, half_width: float, share: float
) -> tuple[float, float]:
    """Return a quantile averaged over a window of quantiles, and its standard error.

    The standard error is the scatter of the rank, which follows from the number of pixels, times the slope of the
    quantile function over the window (the law of a sample quantile). A quantile inside the bright mode scatters by
    the mode's own pixels and by the error of its share; one outside it as in any sample.

    Parameters
    ----------
    counts : (N,) array
        Finite counts of one picture.
    quantile, half_width : float
        Centre and half width of the window, 0 to 1.
    share : float
        Share of the bright mode, which is taken to end at the brightest pixel.

    Returns
    -------
    value, std : float
        In counts.
    """
    half_width = min(half_width, quantile, 1 - quantile, share / 4)
    grid = np.quantile(counts, np.linspace(quantile - half_width, quantile + half_width, 21))
    slope = float(grid[-1] - grid[0]) / (2 * half_width)
    inside = (quantile - (1 - share)) / share
    rank = share * (inside * (1 - inside) + _SHARE) if 0 < inside < 1 else quantile * (1 - quantile)
    return float(grid.mean()), float(slope * np.sqrt(rank / counts.size))
