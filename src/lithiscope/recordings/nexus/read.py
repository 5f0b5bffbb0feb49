"""Reading one region of an NXstxm file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lithiscope.errors import FileFormatError, UnitError
from lithiscope.recordings.damage import DAMAGE, damage_named
from lithiscope.recordings.heaps import check_heaps
from lithiscope.recordings.nexus.dialects import DIALECTS, Way, way_of
from lithiscope.recordings.nexus.fields import numbers, some_frames, stored, text, unit
from lithiscope.recordings.nexus.layout import chosen_channel, entries, picture
from lithiscope.recordings.scan import Scan, to_recording
from lithiscope.units import AMPERE, MICROMETRE, SECOND, convert

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "NXstxm"
ABOUT = "the NeXus definition for STXM, in HDF5, in the dialects of five programs"
ENDINGS = (".hdf5", ".h5", ".hdf", ".nxs", ".nx5", ".nexus", ".stxm")
RECOGNISED = "an HDF5 group that is defined as NXstxm, or holds a channel with a scan type or photon energies"
__all__ = [
    "ABOUT",
    "DIALECTS",
    "ENDINGS",
    "FORMAT",
    "RECOGNISED",
    "can_open",
    "list_regions",
    "open_region",
    "read_scan",
]
_TOLD = ("definition", "title", "start_time", "end_time")


def can_open(path: Path) -> bool:
    """Whether the file is HDF5 with an STXM scan in it; a broken one goes by its ending, to be told what is wrong."""
    if not path.is_file() or not h5py.is_hdf5(path):
        return path.suffix.lower() in ENDINGS
    try:
        check_heaps(path)
        with h5py.File(path, "r") as file:
            return bool(entries(file))
    except (FileFormatError, *DAMAGE):
        return path.suffix.lower() in ENDINGS


def list_regions(path: Path) -> list[str]:
    """Describe the regions (entries) of the file, in order."""
    with _opened(path) as found:
        return [str(entry.name).strip("/") for entry in found]


def open_region(
    path: Path, region: int, *, timezone: str | None, channel: str | None, frames: Sequence[int] | None = None
) -> xr.Dataset:
    """Read one region of an NXstxm file.

    Parameters
    ----------
    path : Path
        The file.
    region : int
        Number of the entry, from 0.
    timezone : str, optional
        IANA name of the zone, for files whose start time states none.
    channel : str, optional
        Name of the NXdata group; the default one, or the first, when None.
    frames : sequence of int, optional
        Numbers of the frames in the order of energies; the others are not read.

    Returns
    -------
    xarray.Dataset
        Stage recording with one time.
    """
    scan = read_scan(path, region, timezone=timezone, channel=channel, frames=frames)
    return to_recording(scan, path=path, timezone=timezone)


def read_scan(
    path: Path,
    region: int,
    *,
    timezone: str | None,  # noqa: ARG001
    channel: str | None,
    frames: Sequence[int] | None = None,
) -> Scan:
    """Read one region as bare arrays; the arguments are those of `open_region`."""
    file = str(path)
    with _opened(path) as found:
        entry = found[region]
        name, data = chosen_channel(entry, channel, file)
        way = way_of(entry, data, file)
        counts, energies, y, x, kept = picture(entry, data, way, frames, file)
        if way.zero_is_missing:
            counts = np.where(counts == 0, np.nan, counts)
        start = _moment(entry, "start_time", file)
        shape = (energies.size, y.size, x.size)
        dwell = _dwell(data, shape[0], way, file)
        mid, how = _exposure(entry, shape, start, dwell, file)
        ring = _ring_current(entry, shape[0], file)
        at_y, at_x = (
            _positions(entry, name, shape, kept, axis, unit(data, name) or MICROMETRE, file)
            for name, axis in (("sample_y", y), ("sample_x", x))
        )
        header = {field: text(entry, field) for field in _TOLD} | {
            "stxm_scan_type": text(data, "stxm_scan_type"),
            "dialect": way.dialect.name,
        }
        attrs = {"format": FORMAT, "region": region, "channel": name, "header": json.dumps(header)}
        return Scan(
            counts=counts,
            energy=energies[kept],
            y=y,
            x=x,
            start=start,
            exposure_mid=None if mid is None else mid[kept],
            exposure_times=how,
            dwell=None if dwell is None else dwell[kept],
            ring_current=None if ring is None else ring[kept],
            position_y=at_y,
            position_x=at_x,
            attrs=attrs | _extras(entry),
            axis_fields=_axis_fields(data),
        )


def _axis_fields(data: Any) -> dict[str, str]:
    """Return which fields hold the positions, and the units that they state."""
    names = {axis: f"sample_{axis}" for axis in ("y", "x")}
    return {axis: f"{data.name}/{name}, {unit(data, name) or 'without units'}" for axis, name in names.items()}


@contextmanager
def _opened(path: Path) -> Iterator[list[Any]]:
    check_heaps(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise FileFormatError(
            "the file cannot be opened as HDF5", file=path, value=error, remedy="it may be cut off, or still be written"
        ) from None
    with file, damage_named(path):
        found = entries(file)
        if not found:
            raise FileFormatError(
                "the file holds no STXM scan",
                file=path,
                limit="an NXentry of definition NXstxm",
                remedy="choose an NXstxm file",
            )
        yield found


def _moment(entry: Any, field: str, file: str) -> datetime | None:
    written = text(entry, field)
    if not written:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        raise FileFormatError(
            "a time cannot be read",
            file=file,
            field=field,
            value=written,
            limit="ISO 8601",
            remedy="mend the time in the header",
        ) from None


def _dwell(data: Any, frames: int, way: Way, file: str) -> np.ndarray | None:
    times = numbers(data, "count_time", file=file)
    if times is None or times.size == 0 or times.size % frames not in (0, 1 % frames):
        return None
    stated = way.dwell_unit or unit(data, "count_time") or SECOND
    seconds = convert(times.ravel(), stated, SECOND, field="count_time", file=file)
    if not np.all(seconds > 0):
        raise FileFormatError(
            "the dwell time is not positive",
            file=file,
            field="count_time",
            value=seconds.min(),
            remedy="mend the dwell time in the header",
        )
    return np.full(frames, seconds[0]) if seconds.size == 1 else np.asarray(seconds.reshape(frames, -1).mean(axis=1))


def _exposure(
    entry: Any, shape: tuple[int, int, int], start: datetime | None, dwell: np.ndarray | None, file: str
) -> tuple[np.ndarray | None, str]:
    """Return the middle of each frame's exposure in s since the start, and whether it was measured or estimated.

    Measured: written by lithiscope, or the clock of every pixel (PolLux). Estimated: the time from start to end, or
    else the dwell, shared among the frames.
    """
    frames, pixels = shape[0], shape[1] * shape[2]
    written = numbers(entry, "collection/exposure_mid", file=file)
    if written is not None and written.shape == (frames,):
        return written, "measured"
    clock = stored(entry, "instrument/time_detector/data", file=file)
    if clock is not None and clock.size == frames * pixels and start is not None and start.tzinfo is not None:
        means = [some_frames(clock, frames, np.array([frame])).mean() for frame in range(frames)]
        return np.array(means) - start.timestamp(), "measured"
    share = np.ones(frames) if dwell is None else dwell
    end = _moment(entry, "end_time", file)
    if start is not None and end is not None and (start.tzinfo is None) == (end.tzinfo is None) and end > start:
        lasts = (end - start).total_seconds() * share / share.sum()
    elif dwell is not None:
        lasts = dwell * pixels
    else:
        return None, "estimated"
    return np.cumsum(lasts) - lasts / 2, "estimated"


def _ring_current(entry: Any, frames: int, file: str) -> np.ndarray | None:
    """Return the mean ring current of each frame in A; None when the monitor is something else than a current.

    A straight line over all pixels is what a program drew between two readings (pySTXM), and zero is a ring without
    beam, or nothing at all (pystxmcontrol): neither is a measurement.
    """
    monitor = numbers(entry, "control/data", file=file)
    if monitor is None or monitor.size == 0 or monitor.size % frames or not np.all(monitor > 0):
        return None
    if monitor.size > max(frames, 3) and _straight(monitor.ravel()):
        return None
    try:
        current = convert(monitor, unit(entry, "control/data"), AMPERE, field="control/data", file=file)
    except UnitError:
        return None
    return np.asarray(current.reshape(frames, -1).mean(axis=1))


def _straight(values: np.ndarray) -> bool:
    """Whether values lie on a straight line that is not level, to the rounding of float32."""
    line = np.linspace(values[0], values[-1], values.size)
    return bool(values[0] != values[-1] and np.abs(values - line).max() <= 2e-7 * np.abs(values).max())


def _positions(
    entry: Any, name: str, shape: tuple[int, ...], kept: np.ndarray, axis: np.ndarray, axis_unit: str | None, file: str
) -> np.ndarray | None:
    """Return the measured positions in um, in the unit of the axis where they state none; None if they do not fit."""
    field = f"instrument/{name}/data"
    item = stored(entry, field, file=file)
    if item is None or item.size != np.prod(shape):
        return None
    measured = some_frames(item, shape[0], kept)
    positions = convert(measured, unit(entry, field) or axis_unit, MICROMETRE, field=field, file=file)
    if np.ptp(positions) == 0:
        return None  # filled with where the scan began
    # Far from the axis it is another motor (a coarse stage) or another unit.
    near = abs(float(positions.mean() - axis.mean())) <= np.ptp(axis) + 1.0
    return np.asarray(positions).reshape(kept.size, *shape[1:]) if near else None


def _extras(entry: Any) -> dict[str, Any]:
    """Return what lithiscope wrote beyond the definition."""
    extras: dict[str, Any] = {}
    if origin := text(entry, "collection/origin"):
        extras["origin"] = origin
    saturation = numbers(entry, "collection/saturation", file="")
    return extras if saturation is None else extras | {"saturation": float(saturation)}
