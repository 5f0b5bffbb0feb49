"""Whether numbers can be counts and sizes: blank frames become missing, what looks wrong is said by the file's name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lithiscope.errors import FileFormatError, LithiscopeWarning

# No detector of a transmission microscope counts this much in one pixel: such numbers are damaged, or no counts.
LARGEST_COUNT = 1e12
# Optical densities stay below this (the beam has fallen to 3e-7), and no exposure is useful with fewer counts.
LARGEST_DENSITY = 15.0
# Between an atom and a coarse overview: a pixel outside (um) was written in another unit than the header states.
_PIXEL = (5e-4, 100.0)
# No scan is stretched that much along one axis.
_STRETCHED = 20.0
# In fewer pixels than these, equal numbers say nothing.
_FEW_PIXELS = 16


def without_blank_frames(counts: np.ndarray, path: Path) -> np.ndarray:
    """Return the counts with NaN in frames that are zero throughout: space reserved for frames never written.

    Parameters
    ----------
    counts : ndarray of shape (E, Y, X)
        NaN or infinite where nothing was measured.
    path : Path
        The file, for messages.

    Raises
    ------
    FileFormatError
        If no frame holds anything.

    Warns
    -----
    LithiscopeWarning
        If some frames hold nothing.
    """
    finite = np.isfinite(counts)
    blank = ~np.any((counts != 0) & finite, axis=(1, 2))
    if blank.all():
        raise FileFormatError(
            "every frame is blank", file=path, remedy="the scan was aborted, or is still to be written"
        )
    zero = blank & finite.any(axis=(1, 2))
    if zero.any():
        warnings.warn(
            f"{path}: {int(zero.sum())} of {blank.size} frames are blank and were flagged as missing",
            LithiscopeWarning,
            stacklevel=4,
        )
    return np.where(blank[:, None, None] | ~finite, np.nan, counts)


def check_counts(counts: np.ndarray, path: Path) -> None:
    """Refuse numbers that no detector writes, and warn of those that are hard to believe.

    Parameters
    ----------
    counts : ndarray of shape (E, Y, X)
        NaN where nothing was measured.
    path : Path
        The file, for messages.

    Raises
    ------
    FileFormatError
        If a number is beyond any detector.

    Warns
    -----
    LithiscopeWarning
        If all numbers of a frame are the same, most are not positive, or they look like optical densities.
    """
    with np.errstate(invalid="ignore"):
        largest = float(np.nanmax(np.abs(counts)))
        low, high = np.fmin.reduce(counts, axis=(1, 2)), np.fmax.reduce(counts, axis=(1, 2))
        share = float((counts <= 0).sum() / np.isfinite(counts).sum())
    if largest > LARGEST_COUNT:
        raise FileFormatError(
            "a number is beyond any detector",
            file=path,
            field="counts",
            value=f"{largest:g}",
            limit=f"{LARGEST_COUNT:g}",
            remedy="the file is damaged, or its numbers are no counts: copy or export it again",
        )
    level = int(np.count_nonzero(low == high)) if counts[0].size >= _FEW_PIXELS else 0
    doubts = []
    if level:
        doubts.append(f"in {level} of {low.size} frames all pixels hold the same number")
    if share > 0.5:
        doubts.append(f"{100 * share:.0f} % of the numbers are zero or negative")
    if counts[0].size >= _FEW_PIXELS and looks_like_density(counts):
        doubts.append(f"the numbers are fractions up to {largest:.3g}, like optical densities or transmissions")
    if doubts:
        warnings.warn(f"{path}: hard to believe as counts: {'; '.join(doubts)}", LithiscopeWarning, stacklevel=4)


def check_pixels(y: np.ndarray, x: np.ndarray, told: Mapping[str, str], path: Path) -> None:
    """Warn of pixels whose size is hard to believe: a unit in the file is then wrong, or a field of it.

    Parameters
    ----------
    y, x : ndarray of shape (Y,), (X,)
        Positions in um, in any order.
    told : mapping
        By "y" and "x", the field of the file that the positions come from, with its unit.
    path : Path
        The file, for messages.

    Warns
    -----
    LithiscopeWarning
        If a pixel is smaller than 0.5 nm or larger than 100 um, or 20 times longer along one axis than the other.
    """
    steps = {name: float(np.median(np.abs(np.diff(axis)))) for name, axis in (("y", y), ("x", x)) if axis.size > 1}
    if any(not _PIXEL[0] <= step <= _PIXEL[1] for step in steps.values()):
        doubt = f"sizes between {1e3 * _PIXEL[0]:g} nm and {_PIXEL[1]:g} um are usual"
    elif len(steps) == 2 and max(steps.values()) > _STRETCHED * min(steps.values()):
        doubt = f"the two differ by more than {_STRETCHED:g} times"
    else:
        return
    listed = " and ".join(f"{step:g} um along {name} ({told.get(name, name)})" for name, step in steps.items())
    warnings.warn(
        f"{path}: the size of a pixel is hard to believe: {listed}; {doubt}: look at the units that the file states",
        LithiscopeWarning,
        stacklevel=4,
    )


def looks_like_density(values: np.ndarray) -> bool:
    """Whether numbers are fractions as small as optical densities, which counts never are.

    Examples
    --------
    >>> looks_like_density(np.array([0.1, 0.7, 1.9])), looks_like_density(np.array([3.0, 7.0]))
    (True, False)
    """
    known = values[np.isfinite(values)]
    return bool(known.size and np.abs(known).max() <= LARGEST_DENSITY and np.any(known != np.rint(known)))
