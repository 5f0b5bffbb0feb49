"""What every reader hands over, and how it becomes the stage `recording`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import FileFormatError, LithiscopeWarning
from lithiscope.recordings.plausible import check_counts, check_pixels, without_blank_frames
from lithiscope.stages import flag_bit
from lithiscope.times import to_utc, zone_of

if TYPE_CHECKING:
    import xarray as xr

# Headers write positions with three decimals of a micrometre: half a unit there is rounding, not a crooked axis.
ROUNDING = 6e-4
EVEN = 1e-3
# Above this (eV) the unit of the axis is wrong: no microscope of this kind works there.
_LARGEST_ENERGY = 2e5
_PLAIN = {"transmission": "transmissions, I/I0", "optical_density": "optical densities"}


@dataclass(frozen=True)
class Scan:
    """One scan region as its file gives it, in the units of lithiscope; frames in the order of the file.

    Parameters
    ----------
    counts : ndarray of shape (E, Y, X)
        NaN where nothing was measured.
    energy, y, x : ndarray of shape (E,), (Y,), (X,)
        In eV and um.
    start : datetime, optional
        Start of the scan, naive when the file states no zone.
    exposure_mid : ndarray of shape (E,), optional
        Middle of each frame's exposure in s since the start; NaN for frames that were not measured.
    exposure_times : str
        "measured", or "estimated" from dwell and number of pixels.
    dwell, ring_current : ndarray of shape (E,), optional
        In s and A.
    position_y, position_x : ndarray of shape (E, Y, X), optional
        Measured positions in um.
    attrs : mapping
        Further attributes of the stage.
    axis_fields : mapping
        By "y" and "x", the field of the file that holds the positions, with its unit, for messages.
    quantity : str
        What ``counts`` holds: "counts", or what others made of them, "transmission" (I/I0) or "optical_density".
    """

    counts: np.ndarray
    energy: np.ndarray
    y: np.ndarray
    x: np.ndarray
    start: datetime | None = None
    exposure_mid: np.ndarray | None = None
    exposure_times: str = "measured"
    dwell: np.ndarray | None = None
    ring_current: np.ndarray | None = None
    position_y: np.ndarray | None = None
    position_x: np.ndarray | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    axis_fields: Mapping[str, str] = field(default_factory=dict)
    quantity: str = "counts"


def to_recording(scan: Scan, *, path: Path, timezone: str | None) -> xr.Dataset:
    """Make the stage `recording`: sort the frames by energy and the pixels by position, flag what is missing.

    Parameters
    ----------
    scan : Scan
        What was read.
    path : Path
        The file, for ``attrs["source"]`` and for messages.
    timezone : str, optional
        IANA name of the zone of a naive start time.

    Returns
    -------
    xarray.Dataset
        The stage; time axis in s since the start of this scan, of length 1.

    Raises
    ------
    FileFormatError
        If an energy occurs twice or is not positive, or a position occurs twice; if the file holds no counts.
    """
    if scan.quantity != "counts":
        raise FileFormatError(
            f"the file holds {_PLAIN[scan.quantity]}, not counts",
            file=path,
            limit="counts as the detector wrote them: error bars rest on them",
            remedy="give the raw file that it was made from, or read this one with "
            "lithiscope.recordings.open_optical_density and go on from Python",
        )
    given = without_blank_frames(scan.counts, path)
    check_counts(given, path)
    by_energy, rows, columns = scan_order(scan, path)
    pick = np.ix_(by_energy, rows, columns)
    counts = given[pick]
    flag = np.where(np.isnan(counts), flag_bit("missing"), np.uint16(0))
    mid = None
    if scan.exposure_mid is not None:
        mid = np.where(np.isnan(given).all(axis=(1, 2)), np.nan, scan.exposure_mid)[by_energy][None]
    variables = {
        "counts": ("time energy y x", counts[None]),
        "counts_flag": ("time energy y x", flag[None]),
        "exposure_mid": None if mid is None else ("time energy", mid),
        "dwell": None if scan.dwell is None else ("time energy", scan.dwell[by_energy][None]),
        "ring_current": None if scan.ring_current is None else ("time energy", scan.ring_current[by_energy][None]),
        "position_y": None if scan.position_y is None else ("time energy y x", scan.position_y[pick][None]),
        "position_x": None if scan.position_x is None else ("time energy y x", scan.position_x[pick][None]),
    }
    known = None if mid is None else mid[np.isfinite(mid)]
    coords = {
        "time": ("time", [float(known.mean()) if known is not None and known.size else 0.0]),
        "scan": ("time", [0]),
        "energy": ("energy", scan.energy[by_energy]),
        "y": ("y", even_axis(scan.y[rows], file=path, field="y")),
        "x": ("x", even_axis(scan.x[columns], file=path, field="x")),
    }
    attrs = {**_start_attrs(scan, path, timezone), **scan.attrs, "source": path.name}
    present = {name: entry for name, entry in variables.items() if entry is not None}
    return stages.new("recording", present, coords=coords, attrs=attrs)


def scan_order(scan: Scan, path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the order of the frames by energy, and of rows and columns by position.

    Raises
    ------
    FileFormatError
        If an energy occurs twice, is not positive or beyond any microscope, or a position occurs twice.

    Warns
    -----
    LithiscopeWarning
        If the size of a pixel is hard to believe.
    """
    by_energy = _order(scan.energy, file=path, field="energy", unit="eV")
    if scan.energy.min() <= 0:
        raise FileFormatError(
            "an energy is not positive",
            file=path,
            field="energy",
            value=scan.energy.min(),
            remedy="mend the energies in the header",
        )
    rows, columns = (_order(axis, file=path, field=name, unit="um") for axis, name in ((scan.y, "y"), (scan.x, "x")))
    if scan.energy.max() > _LARGEST_ENERGY:
        raise FileFormatError(
            "an energy is beyond any microscope",
            file=path,
            field="energy",
            value=f"{scan.energy.max():g} eV",
            limit=f"{_LARGEST_ENERGY:g} eV",
            remedy="the unit of the energy axis is probably wrong (eV written as keV)",
        )
    check_pixels(scan.y, scan.x, scan.axis_fields, path)
    return by_energy, rows, columns


def _start_attrs(scan: Scan, path: Path, timezone: str | None) -> dict[str, str]:
    zone = zone_of(timezone)
    attrs = {} if scan.exposure_mid is None else {"exposure_times": scan.exposure_times}
    if scan.start is not None:
        attrs["start_local"] = scan.start.replace(tzinfo=None).isoformat()
        utc = to_utc(scan.start, zone, file=path)
        if utc is not None:
            attrs["start_utc"] = utc.isoformat()
    return attrs


def _order(values: np.ndarray, *, file: Path, field: str, unit: str) -> np.ndarray:
    if values.size == 0 or not np.all(np.isfinite(values)):
        raise FileFormatError(
            "an axis is empty or not finite", file=file, field=field, value=values, remedy="mend the axis in the header"
        )
    order = np.argsort(values, kind="stable")
    repeated = np.flatnonzero(np.diff(values[order]) <= 0)
    if repeated.size:
        raise FileFormatError(
            "a point of an axis occurs twice",
            file=file,
            field=field,
            value=f"{values[order][repeated[0]]} {unit}",
            remedy="remove one of the two from the header and the data, or repair the axis",
        )
    return np.asarray(order)


def even_axis(points: np.ndarray, *, file: Path, field: str) -> np.ndarray:
    """Return the points, on an even grid where they leave it by no more than the rounding of a header.

    Parameters
    ----------
    points : ndarray of shape (N,)
        Increasing positions in um.

    Returns
    -------
    ndarray of shape (N,)
        The points themselves if even within 1e-3 of the step, the fitted even grid if rounding to 1e-3 um explains
        the rest, and the points with a warning otherwise.
    """
    if points.size < 3:
        return points
    index = np.arange(points.size, dtype=float)
    step, first = np.polyfit(index, points - points[0], 1)
    grid = points[0] + first + step * index
    off = float(np.abs(points - grid).max())
    if off <= EVEN * step:
        return points
    if off <= min(ROUNDING, 0.1 * step):
        return np.asarray(grid)
    warnings.warn(
        f"{file}: the pixels along {field} are not even (up to {off:.4g} um off a grid of {step:.4g} um); "
        "the positions of the file were kept",
        LithiscopeWarning,
        stacklevel=3,
    )
    return points
