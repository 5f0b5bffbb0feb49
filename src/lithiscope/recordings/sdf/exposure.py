"""When each frame of an SDF scan was exposed, and how the log of the frames bears on its energies."""

from __future__ import annotations

import warnings
from zoneinfo import ZoneInfo

import numpy as np

from lithiscope.errors import FileFormatError, LithiscopeWarning
from lithiscope.recordings.sdf.header import FrameNote, Header
from lithiscope.recordings.times import seconds_since

PAUSE = 3.0
# How far a monochromator may stand from the energy that was asked for, eV.
_AWAY = 0.5
_NOTHING = FrameNote(None, None, None, None)


def exposure_mid(header: Header, region: int, zone: ZoneInfo | None) -> tuple[np.ndarray | None, str]:
    """Return the middle of each frame's exposure in s since the start of the scan, and how it was found.

    The time logged with a frame is taken as its start: in the older log, which leaves out the first frame, the first
    frame's time is that of the scan, and the others step on from it. A frame lasts until the next begins, or as long
    as the median frame where the next begins after a pause (more than three medians). Without a log, frames last
    dwell times pixels and follow each other without gaps.

    Returns
    -------
    times : ndarray of shape (E,) or None
        None when neither log nor dwell is known.
    found : {"measured", "estimated"}
        How.
    """
    written = [header.notes.get((frame, region), _NOTHING).mid for frame in range(header.energy.size)]
    if any(mid is not None for mid in written):
        return np.array([np.nan if mid is None else mid for mid in written]), "measured"
    starts = _starts(header, zone)
    if starts is not None:
        return _mids(starts)[:, region], "measured"
    return _estimated(header, region), "estimated"


def _starts(header: Header, zone: ZoneInfo | None) -> np.ndarray | None:
    """Return the logged starts (energy, region) in s, NaN where there is none; None when the log is of no use."""
    starts = np.full((header.energy.size, len(header.regions)), np.nan)
    if header.start is None:
        return None
    for (frame, region), note in header.notes.items():
        if note.start is not None and frame < starts.shape[0] and region < starts.shape[1]:
            starts[frame, region] = seconds_since(header.start, note.start, zone)
    if np.isnan(starts).all() or (starts.shape[0] > 1 and np.isnan(starts[1:]).all()):
        return None
    if np.isnan(starts[0, 0]):
        starts[0, 0] = 0.0
    flat = starts[np.isfinite(starts)]
    if flat[0] < -1.0 or np.any(np.diff(flat) <= 0):
        warnings.warn(
            f"{header.path}: the times logged with the frames do not increase from the start of the scan; "
            "exposure times were estimated from the dwell",
            LithiscopeWarning,
            stacklevel=3,
        )
        return None
    return starts


def _mids(starts: np.ndarray) -> np.ndarray:
    """Return the middles of frames that begin at `starts` (energy, region), the region being the inner loop."""
    flat = starts.ravel()
    known = np.flatnonzero(np.isfinite(flat))
    if known.size < 2:
        return starts
    lasts = np.diff(flat[known]) / np.diff(known)
    typical = float(np.median(lasts))
    lasts = np.append(np.where(lasts > PAUSE * typical, typical, lasts), typical)
    mids = np.full(flat.size, np.nan)
    mids[known] = flat[known] + lasts / 2
    return mids.reshape(starts.shape)


def _estimated(header: Header, region: int) -> np.ndarray | None:
    if header.dwell is None:
        return None
    pixels = np.array([part.y.size * part.x.size for part in header.regions])
    lasts = header.dwell[:, None] * pixels
    ends = np.cumsum(lasts).reshape(lasts.shape)
    return np.asarray((ends - lasts / 2)[:, region])


def ring_current(header: Header, region: int) -> np.ndarray | None:
    """Return the logged ring current of each frame in A, NaN where there is none; None when nothing was logged."""
    current = np.full(header.energy.size, np.nan)
    for frame in range(current.size):
        logged = header.notes.get((frame, region), _NOTHING).current
        current[frame] = np.nan if logged is None else logged
    if np.isnan(current[0]) and header.current is not None and (current.size == 1 or np.isfinite(current[1:]).any()):
        current[0] = header.current
    return None if np.isnan(current).all() else current * 1e-3


def check_energies(header: Header, region: int) -> None:
    """Compare the energies logged with the frames to those of the axis.

    Raises
    ------
    FileFormatError
        If the log shows one energy throughout while the axis claims a range, or the energies of the axis in another
        order.

    Warns
    -----
    LithiscopeWarning
        If single frames were taken more than 0.5 eV away from their place on the axis.
    """
    notes = [header.notes.get((frame, region), _NOTHING).energy for frame in range(header.energy.size)]
    logged = np.array([np.nan if energy is None else energy for energy in notes])
    known = np.isfinite(logged)
    if known.sum() < 2:
        return
    if np.ptp(logged[known]) < 0.05 and np.ptp(header.energy[known]) > 1.0:
        raise FileFormatError(
            "every frame was taken at the same energy, though the axis claims a range",
            file=header.path,
            field="Image*.Energy",
            value=f"{logged[known][0]} eV",
            limit=f"{header.energy.min()} to {header.energy.max()} eV",
            remedy="another quantity was scanned; this stack cannot be read as an energy stack",
        )
    away = np.flatnonzero(known & (np.abs(logged - header.energy) > _AWAY))
    if away.size:
        _refuse_another_order(header, logged[known], header.energy[known])
        warnings.warn(
            f"{header.path}: {away.size} frames were logged more than 0.5 eV away from the axis, the first at "
            f"{logged[away[0]]} instead of {header.energy[away[0]]} eV; the axis was kept",
            LithiscopeWarning,
            stacklevel=3,
        )


def _refuse_another_order(header: Header, logged: np.ndarray, axis: np.ndarray) -> None:
    """Refuse an axis that lists the energies of the log in another order: no picture would be at its energy."""
    if np.any(np.abs(np.sort(logged) - np.sort(axis)) > _AWAY):
        return
    raise FileFormatError(
        "the frames were logged at the energies of the axis, in another order than the axis lists them",
        file=header.path,
        field="Image*.Energy",
        value=_listed(logged),
        limit=_listed(axis),
        remedy="put the energies of the StackAxis in the order in which the frames were taken, or, if the axis is "
        "right, remove the Energy of the frames from the header",
    )


def _listed(energies: np.ndarray) -> str:
    more = ", ..." if energies.size > 8 else ""
    return f"{', '.join(f'{energy:g}' for energy in energies[:8])}{more} eV"
