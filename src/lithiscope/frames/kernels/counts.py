"""Dead time, spikes, saturation and scatter of counts, on bare arrays."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

# Share of a picture below its bright pixels.
_BRIGHT = 0.9
# Spikes come in groups of up to this many pixels; more bright pixels than that are structure.
_CLUSTER = 3
# A standard deviation of normal noise cut at three sigma is this much too small.
_CUT = 0.98658
_MAD = 1.4826
_BLOCK = 4096
# As many pixels at the largest count, and so many times more than at a count just below it, are no counting statistics.
_PILED, _MORE = 10, 4.0


def live_counts(
    counts: Float[np.ndarray, "*shape"], dead_share: Float[np.ndarray, "*dead"] | float
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Undo a non-paralysable dead time: n = m/(1 - m d) (Knoll 2010, Radiation Detection, eq. 4.26).

    Parameters
    ----------
    counts : ndarray
        Counts m as written.
    dead_share : ndarray or float
        Dead time over dwell, d; broadcasts against the counts.

    Returns
    -------
    arrived, slope : ndarray
        Counts n that arrived and dn/dm = 1/(1 - m d)^2; meaningless where m d >= 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        live = 1 - counts * dead_share
        return np.asarray(counts / live), np.asarray(live**-2.0)


def counting_variance(
    counts: Float[np.ndarray, "*shape"], dead_share: Float[np.ndarray, "*dead"] | float, gain: float, read_noise: float
) -> Float[np.ndarray, "*shape"]:
    """Return the variance of counts as written, g m (1 - m d)^2 + r^2 (Mueller 1973, Nucl. Instrum. Methods 112, 47).

    Parameters
    ----------
    counts : ndarray
        Counts m as written; below zero they count as zero.
    dead_share : ndarray or float
        Dead time over dwell, d: it makes counts scatter less.
    gain, read_noise : float
        Counts per photon g, and standard deviation without light r.

    Returns
    -------
    ndarray
        Variance.
    """
    positive = np.maximum(counts, 0.0)
    return np.asarray(gain * positive * (1 - positive * dead_share) ** 2 + read_noise**2)


def prominence(
    counts: Float[np.ndarray, "y x"], variance: Float[np.ndarray, "y x"], threshold: float
) -> Float[np.ndarray, "y x"]:
    """Return by how many sigma a pixel stands above the third brightest of its 24 neighbours; 0 below `threshold`.

    Beside an edge, in a corner and in a slit there are three neighbours as bright as the pixel itself; beside a spike,
    or in a group of up to three, there are not. Sigma is the larger of the stated one and of the scatter within 9 x 9
    pixels, which is the median of second differences along y, so that an edge through the window does not count.

    Parameters
    ----------
    counts : (Y, X) array
        One picture; NaN where there is no value.
    variance : (Y, X) array
        Stated variance of a pixel of that many counts.
    threshold : float
        Sigma below which nothing is of interest.

    Returns
    -------
    (Y, X) array
        Prominence in sigma.
    """
    level = third_brightest(counts)
    found = np.zeros(counts.shape)
    with np.errstate(invalid="ignore"):
        above = np.where(np.isfinite(level), counts - level, 0.0)
        y, x = np.nonzero(above > threshold * np.sqrt(variance))
    sigma = np.maximum(np.sqrt(variance[y, x]), local_scatter(counts, y, x))
    values = above[y, x] / sigma
    found[y, x] = np.where(values > threshold, values, 0.0)
    return found


def third_brightest(counts: Float[np.ndarray, "y x"]) -> Float[np.ndarray, "y x"]:
    """Return the third brightest of the 24 neighbours of each pixel; -inf where fewer than three have a value."""
    from scipy.ndimage import rank_filter

    around = np.ones((5, 5), dtype=bool)
    around[2, 2] = False
    filled = np.where(np.isfinite(counts), counts, -np.inf)
    # Mirrored, because an edge that ends at the border has too few bright pixels within.
    return np.asarray(rank_filter(filled, -_CLUSTER, footprint=around, mode="mirror"))


def local_scatter(
    counts: Float[np.ndarray, "y x"], y: Int[np.ndarray, " pixels"], x: Int[np.ndarray, " pixels"]
) -> Float[np.ndarray, " pixels"]:
    """Return the robust standard deviation of the noise within 9 x 9 pixels of the pixels (y, x); 0 if unknown."""
    bend = np.full(counts.shape, np.nan)
    if counts.shape[0] > 2:
        bend[1:-1] = np.abs(second_difference(counts))
    found = np.empty(y.size)
    for start in range(0, y.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        found[block] = _nan_median(neighbourhood(bend, y[block], x[block], 4))
    return np.nan_to_num(_MAD * found)


def _nan_median(values: Float[np.ndarray, "pixels around"]) -> Float[np.ndarray, " pixels"]:
    empty = ~np.isfinite(values).any(axis=1)
    return np.where(empty, np.nan, np.nanmedian(np.where(empty[:, None], 0.0, values), axis=1))


def second_difference(picture: Float[np.ndarray, "y x"]) -> Float[np.ndarray, "rows x"]:
    """Return the second difference along y, scaled so that white noise keeps its standard deviation; Y - 2 lines."""
    return np.asarray((picture[:-2] - 2 * picture[1:-1] + picture[2:]) / np.sqrt(6))


def neighbourhood(
    picture: Float[np.ndarray, "y x"], y: Int[np.ndarray, " pixels"], x: Int[np.ndarray, " pixels"], reach: int
) -> Float[np.ndarray, "pixels around"]:
    """Return the pixels within `reach` of the pixels (y, x), themselves included; NaN beyond the border."""
    padded = np.pad(picture, reach, constant_values=np.nan)
    steps = np.arange(2 * reach + 1)
    around = padded[y[:, None, None] + steps[:, None], x[:, None, None] + steps]
    return np.asarray(around.reshape(y.size, steps.size**2))


def repaired(
    counts: Float[np.ndarray, "y x"], spike: Bool[np.ndarray, "y x"]
) -> tuple[Float[np.ndarray, " spikes"], Float[np.ndarray, " spikes"]]:
    """Return what stands in for each spike: the median of its 8 neighbours that are no spikes, and its variance.

    The variance is that of the neighbours, because the pixel could have been any of them, plus that of their median,
    pi/2n of it.

    Parameters
    ----------
    counts : (Y, X) array
        One picture.
    spike : (Y, X) bool array
        Where the spikes are.

    Returns
    -------
    value, variance : (S,) arrays
        In the order of ``np.nonzero(spike)``; NaN where fewer than three neighbours have a value.
    """
    y, x = np.nonzero(spike)
    around = neighbourhood(np.where(spike, np.nan, counts), y, x, 1)
    number = np.isfinite(around).sum(axis=1)
    enough = number >= 3
    kept = around[enough]
    value, variance = np.full((2, y.size), np.nan)
    value[enough] = np.nanmedian(kept, axis=1)
    variance[enough] = np.nanvar(kept, axis=1, ddof=1) * (1 + np.pi / (2 * number[enough]))
    return value, variance


def bright_scatter(
    picture: Float[np.ndarray, "y x"], variance: Float[np.ndarray, "y x"]
) -> tuple[float, float, float, int]:
    """Return how much the brightest pixels of a picture scatter, and how much they should.

    Bright pixels are chosen by the mean of 3 x 3 and the scatter is read off the second difference along y: the two
    are independent, so the choice does not bias the scatter. Flicker from line to line is part of it.

    Parameters
    ----------
    picture, variance : (Y, X) array
        Counts and their stated variance; NaN where there is no value.

    Returns
    -------
    scatter, predicted, level : float
        Measured and stated standard deviation, and mean counts; NaN without pixels.
    number : int
        How many pixels that rests on.
    """
    rows, columns = picture.shape
    if rows < 3 or columns < 3:
        return np.nan, np.nan, np.nan, 0
    bend = second_difference(picture)[:, 1:-1]
    parts = [picture[i : rows - 2 + i, j : columns - 2 + j] for i in range(3) for j in range(3)]
    smooth = np.mean(parts, axis=0)
    inside = np.isfinite(smooth)
    if not inside.any():
        return np.nan, np.nan, np.nan, 0
    low, high = np.quantile(smooth[inside], (0.8, _BRIGHT))
    # A mean of nine scatters by a third of a pixel's sigma, so the blank reaches down to about here.
    low = min(low, high - _robust_std(bend[inside & (smooth >= low)]))
    bright = inside & (smooth >= low)
    stated = ((variance[:-2] + 4 * variance[1:-1] + variance[2:]) / 6)[:, 1:-1][bright]
    predicted = float(np.sqrt(stated.mean()))
    # Relative to what is stated for each pixel, or bright pixels beside darker ones would pass for outliers.
    scale = np.sqrt(stated) / predicted if np.all(stated > 0) else 1.0
    measured = _robust_std(bend[bright] / scale)
    return measured, predicted, float(smooth[bright].mean()), int(bright.sum())


def _robust_std(values: Float[np.ndarray, " pixels"]) -> float:
    """Return the standard deviation about 0 with outliers cut at three sigma; the first guess is from the median."""
    spread = _MAD * float(np.median(np.abs(values))) or float(np.sqrt(np.mean(values**2)))
    for _ in range(5):
        kept = values[np.abs(values) <= 3 * spread]
        if kept.size:
            spread = float(np.sqrt(np.mean(kept**2))) / _CUT
    return spread


def largest_counts(
    counts: Float[np.ndarray, "*shape"],
) -> tuple[Float[np.ndarray, " values"], Int[np.ndarray, " values"]]:
    """Return the values of the brightest pixels, as far down as `piled_level` looks, and how many pixels hold each.

    Parameters
    ----------
    counts : ndarray
        As written; NaN is left out. What is found of several parts may be joined for `piled_level`.

    Returns
    -------
    values, numbers : ndarray
        Each value once.
    """
    top = float(np.max(counts, where=np.isfinite(counts), initial=0.0))
    values, numbers = np.unique(counts[(counts >= top - _reach(top)) & (counts <= top)], return_counts=True)
    return values, numbers


def _reach(top: float) -> int:
    """Return how far below the largest count the next ones are looked at."""
    return max(3, round(float(np.sqrt(top)) / 4))


def piled_level(
    values: Float[np.ndarray, " values"], numbers: Int[np.ndarray, " values"], least: float = 100.0
) -> float | None:
    """Return the count at which a detector stopped counting: the largest, when too many pixels hold exactly it.

    The tail of counting statistics falls, so fewer pixels hold the largest count than one just below it. A detector
    that cuts the tail off piles it up there.

    Parameters
    ----------
    values, numbers : ndarray
        From `largest_counts`, of one or several parts of a series.
    least : float
        Below this many counts the steps between counts are too coarse to tell.

    Returns
    -------
    float or None
        None where nothing piles up, or where counts are no whole numbers.
    """
    top = float(np.max(values, initial=0.0))
    if top < least or top != round(top):
        return None
    width = _reach(top)
    near = (values >= top - width) & (values < top)
    at_top, below = int(numbers[values == top].sum()), int(numbers[near].sum())
    piled = below > 0 and at_top >= _PILED and at_top > _MORE * below / width
    return top if piled and bool(np.all(values[near] == np.round(values[near]))) else None
