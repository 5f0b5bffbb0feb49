"""Beam that was lost, weakened or hard to believe, from how bright the lines of all frames are; on bare arrays."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

# Share of a line below its bright level: high enough to see past particles, robust to single spikes.
_BRIGHT = 0.9
# From so many scans on, the upper quartile stands fast against one that is wrong.
_ENOUGH_SCANS = 5
# No energy and no sample makes a frame so many times brighter from one scan to the next.
_TOO_BRIGHT = 20.0
# A line is dim below this share of the darkest line near that place in the other frames; an optical density 0.29 above.
# Blank is in a line that is this bright, in parts of the bright lines of its frame.
_DIM, _BLANK = 0.75, 0.9
# Counts that a line should have to be judged: its bright level then errs by a few per cent.
_JUDGED = 100.0


def line_brightness(counts: Float[np.ndarray, "frames y x"]) -> Float[np.ndarray, "frames y"]:
    """Return the 90th percentile of every line, over its finite pixels; NaN for a line without any."""
    finite = np.isfinite(counts)
    number = finite.sum(axis=-1)
    ordered = np.sort(np.where(finite, counts, np.inf), axis=-1)
    place = np.maximum(np.ceil(_BRIGHT * number) - 1, 0).astype(np.intp)
    found = np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0]
    return np.where(number > 0, found, np.nan)


def lost_lines(
    brightness: Float[np.ndarray, "times energies y"], fraction: float, least: float
) -> Bool[np.ndarray, "times energies y"]:
    """Return the lines that were scanned without beam, with the line before and after each run.

    A line is compared with itself in the other scans of its energy, or, in a single scan, with the bright lines of
    its frame and the bright frames of its scan. The beam went and came back within the lines at the ends of a run.
    Of up to four scans a single one that is far too bright would lift what the others are compared with; there no
    line is held against more than the middle one of all frames.

    Parameters
    ----------
    brightness : (T, K, Y) array
        Bright level of each line, less dark counts; NaN for lines without a value.
    fraction : float
        A line is lost below this share of the level it is compared with.
    least : float
        Lines are judged only where that share is at least so many counts.

    Returns
    -------
    (T, K, Y) bool array
        True for lost lines.
    """
    frames = _upper_quartile(brightness, 2)[..., 0]
    usual = float(_middle(np.where(fraction * frames >= least, frames, np.nan).ravel()))
    if brightness.shape[0] == 1:
        expected = _level_of_single_scan(frames[0], fraction, usual)
    else:
        expected = _upper_quartile(brightness, 0)
        if brightness.shape[0] < _ENOUGH_SCANS and np.isfinite(usual):
            expected = np.minimum(expected, usual)
    with np.errstate(invalid="ignore"):
        lost = (brightness < fraction * expected) & (fraction * expected >= least)
    grown = lost.copy()
    grown[..., 1:] |= lost[..., :-1]
    grown[..., :-1] |= lost[..., 1:]
    return grown


def too_bright(brightness: Float[np.ndarray, "times energies y"], least: float) -> Float[np.ndarray, "times energies"]:
    """Return how many times brighter than usual a frame is, where it is over twenty times; NaN elsewhere.

    Usual is the middle one of the frames with beam: those of the same energy, or of the scan where it is the only one.

    Parameters
    ----------
    brightness : (T, K, Y) array
        As of `lost_lines`.
    least : float
        Twenty times as many counts are the least that a frame with beam has.
    """
    frames = _upper_quartile(brightness, 2)[..., 0]
    lit = np.where(frames >= _TOO_BRIGHT * least, frames, np.nan)
    usual = _middle(lit) if len(lit) > 1 else np.broadcast_to(_middle(lit.T), lit.shape[1:])
    with np.errstate(invalid="ignore"):
        return np.where(lit > _TOO_BRIGHT * usual, lit / usual, np.nan)


def dim_lines(
    brightness: Float[np.ndarray, "times energies y"], least: float
) -> tuple[Bool[np.ndarray, "times energies y"], Float[np.ndarray, "times energies"]]:
    """Return the lines that are darker than lines near that place in any other frame, as behind a beam that dips.

    Each frame is measured by its own bright lines. A line near: within a tenth of the field, which is more than a stage
    drifts between scans; so far from the first and last line nothing is judged, for the sample may have come in there.
    What is dark in two frames is the sample; and only where blank is in a line of all frames but one, it is not the
    sample that made that one darker.

    Parameters
    ----------
    brightness : (T, K, Y) array
        As of `lost_lines`; lost lines NaN.
    least : float
        Lines are judged only where a hundred times as many counts are expected.

    Returns
    -------
    dim : (T, K, Y) bool array
        Never more than half of the lines of a frame, and nothing in a single scan or with two frames only.
    share : (T, K) array
        How bright they are, over what the others make of them; NaN where there are none.
    """
    from scipy.ndimage import minimum_filter1d

    times, energies, count = brightness.shape
    level = _upper_quartile(brightness, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(level > 0, brightness / level, np.nan)
    none = np.zeros(brightness.shape, dtype=bool), np.full((times, energies), np.nan)
    if times < 2 or times * energies < 3:
        return none
    # NaN comes last; of the two lowest, one is not of the frame that is judged.
    second = np.sort(share.reshape(-1, count), axis=0)[1]
    near = max(count // 10, 3)
    floor = minimum_filter1d(np.where(np.isfinite(second), second, np.inf), 2 * near + 1, mode="nearest")
    inside = (np.arange(count) >= near) & (np.arange(count) < count - near)
    sure = (floor >= _BLANK) & np.isfinite(floor) & inside
    with np.errstate(invalid="ignore"):
        dim = (share < _DIM * floor) & (level * floor >= _JUDGED * least) & sure
    dim &= dim.sum(axis=2, keepdims=True) <= count // 2
    ratio = np.where(dim, share / np.where(sure, floor, 1.0), 0.0).sum(axis=2)
    number = dim.sum(axis=2)
    return dim, np.where(number > 0, ratio / np.maximum(number, 1), np.nan)


def _level_of_single_scan(
    frames: Float[np.ndarray, " energies"], fraction: float, usual: float
) -> Float[np.ndarray, "1 energies 1"]:
    with np.errstate(invalid="ignore"):
        return np.where(frames < fraction * usual, usual, frames)[None, :, None]


def _middle(values: Float[np.ndarray, "several ..."]) -> Float[np.ndarray, "*kept"]:
    """Return the middle value along the first axis, of two the lower one; NaN where there is none."""
    ordered = np.sort(values, axis=0)  # NaN comes last
    number = np.isfinite(values).sum(axis=0)
    place = np.maximum((number - 1) // 2, 0)
    return np.asarray(np.take_along_axis(ordered, place[None], axis=0)[0])


def _upper_quartile(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*kept"]:
    empty = ~np.isfinite(values).any(axis=axis, keepdims=True)
    filled = np.where(empty, 0.0, values)
    return np.where(empty, np.nan, np.nanquantile(filled, 0.75, axis=axis, keepdims=True))
