"""Opening one file: one region, or all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lithiscope.errors import OptionError
from lithiscope.recordings.readers import reader_for

if TYPE_CHECKING:
    import xarray as xr


def open_recording(
    path: str | Path, *, region: int | None = None, timezone: str | None = None, channel: str | None = None
) -> xr.Dataset:
    """Read one scan region of a file.

    Parameters
    ----------
    path : str or Path
        An SDF header (.hdr) or an NXstxm file.
    region : int, optional
        Number of the region, from 0; needed when the file holds several.
    timezone : str, optional
        IANA name of the zone in which the microscope's clock runs, e.g. ``America/Los_Angeles``. Without it, and
        without a zone in the file, the recording has no ``start_utc``.
    channel : str, optional
        Name of the detector channel; the first when None.

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
    regions = reader.list_regions(path)
    listed = "; ".join(f"{number}: {text}" for number, text in enumerate(regions))
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
    return reader.open_region(path, number, timezone=timezone, channel=channel)


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
