"""Opening one file: one region, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings.density import to_density
from lithiscope.recordings.nexus.layout import kept_frames
from lithiscope.recordings.readers import Reader, reader_for

if TYPE_CHECKING:
    import xarray as xr


def open_recording(
    path: str | Path,
    *,
    region: int | None = None,
    timezone: str | None = None,
    channel: str | None = None,
    frames: Sequence[int] | None = None,
) -> xr.Dataset:
    """Read one scan region of a file.

    Parameters
    ----------
    path : str or Path
        A file of one of the formats that `list_formats` lists: an SDF header (.hdr), NXstxm and others.
    region : int, optional
        Number of the region, from 0; needed when the file holds several.
    timezone : str, optional
        IANA name of the zone in which the microscope's clock runs, e.g. ``America/Los_Angeles``. Without it, and
        without a zone in the file, the recording has no ``start_utc``.
    channel : str, optional
        Name of the detector channel; the first when None.

    frames : sequence of int, optional
        Numbers of the frames to take, from 0 in the order of energies. From NXstxm the others are not read, so that a
        few frames can be taken from a file that is larger than the memory; from other formats they are read and left.

    Returns
    -------
    xarray.Dataset
        Stage recording: counts (time, energy, y, x) with time of length 1, in s since the start of the scan.

    Raises
    ------
    FileFormatError
        If the file cannot be read as an image stack.
    OptionError
        If the region must be chosen, or does not exist; if zone or channel do not exist.
    """
    path = Path(path)
    reader = reader_for(path)
    number = _region(reader, path, region)
    if frames is None:
        return reader.open_region(path, number, timezone=timezone, channel=channel)
    if "frames" in signature(reader.open_region).parameters:
        some: Any = reader.open_region
        return cast("xr.Dataset", some(path, number, timezone=timezone, channel=channel, frames=frames))
    whole = reader.open_region(path, number, timezone=timezone, channel=channel)
    return whole.isel(energy=np.sort(kept_frames(whole["energy"].values, frames, str(path))))


def open_optical_density(
    path: str | Path, *, region: int | None = None, timezone: str | None = None, channel: str | None = None
) -> xr.Dataset:
    """Read optical densities that another program made, from a file of optical densities or transmissions.

    Such a file does not say how many photons were counted, so the frames have no error bars: a fit gives all pixels the
    same weight, and what follows has no error bars either.

    Parameters
    ----------
    path, region, timezone, channel
        As for `open_recording`.

    Returns
    -------
    xarray.Dataset
        Stage frames of quantity optical_density: signal (time, energy, y, x), NaN with a flag where the file holds
        none, or a transmission that is not positive; time of length 1.

    Raises
    ------
    FileFormatError
        If the file holds counts, or cannot be read.
    OptionError
        If its reader is a plug-in that reads counts only, or the region must be chosen.
    """
    path = Path(path)
    reader = reader_for(path)
    number = _region(reader, path, region)
    read_scan = getattr(reader, "read_scan", None)
    if read_scan is None:
        raise OptionError(
            "the reader of this format reads counts only",
            file=path,
            value=reader.FORMAT,
            remedy="use open_recording and optical_density",
        )
    return to_density(read_scan(path, number, timezone=timezone, channel=channel), path=path)


def _region(reader: Reader, path: Path, region: int | None) -> int:
    """Return the number of the region asked for, or of the only one."""
    regions = reader.list_regions(path)
    listed = "; ".join(f"{number}: {text}" for number, text in enumerate(regions))
    if not regions:
        raise FileFormatError("the file holds no region", file=path, remedy="choose a file of a finished scan")
    if region is None and len(regions) > 1:
        raise OptionError(
            "the file holds several regions",
            file=path,
            field="region",
            limit=listed,
            remedy="choose one with region=, or read all with open_regions",
        )
    number = region or 0
    if not 0 <= number < len(regions):
        raise OptionError(
            "there is no such region",
            file=path,
            field="region",
            value=region,
            limit=listed,
            remedy="choose one of these regions",
        )
    return number


def open_regions(path: str | Path, *, timezone: str | None = None, channel: str | None = None) -> xr.DataTree:
    """Read all scan regions of a file.

    Parameters
    ----------
    path, timezone, channel
        As for `open_recording`.

    Returns
    -------
    xarray.DataTree
        One recording a child, named ``region0``, ``region1``, ...
    """
    import xarray as xr

    path = Path(path)
    reader = reader_for(path)
    recordings = {
        f"region{number}": reader.open_region(path, number, timezone=timezone, channel=channel)
        for number in range(len(reader.list_regions(path)))
    }
    return xr.DataTree.from_dict(recordings)
