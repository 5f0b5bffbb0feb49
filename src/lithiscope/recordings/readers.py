"""The table of readers: the built-in ones and those of plug-ins."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from lithiscope.errors import FileFormatError, LithiscopeWarning
from lithiscope.recordings import stored

if TYPE_CHECKING:
    import xarray as xr

GROUP = "lithiscope.recordings"
# In the order in which they are asked: those that look for one certain mark go before the broader ones.
_BUILT_IN = (
    "lithiscope.recordings.sdf.read",
    "lithiscope.recordings.mistral",
    "lithiscope.recordings.cxi",
    "lithiscope.recordings.nexus.read",
    "lithiscope.recordings.xradia",
    "lithiscope.recordings.stony_brook",
    "lithiscope.recordings.axis2000",
    "lithiscope.recordings.tiff",
    "lithiscope.recordings.stored",
)


class Reader(Protocol):
    """What a reader offers: a module or an object with these names; plug-ins register it in `GROUP`.

    Three more names may be there, for the list of formats: ``ABOUT``, one sentence that says whose files these are;
    ``ENDINGS``, a tuple of file endings; ``RECOGNISED``, what in the content tells the format. A format with dialects
    lists them in ``DIALECTS``, a tuple of `lithiscope.recordings.formats.Dialect`. With a function ``read_scan`` that
    returns a `lithiscope.recordings.scan.Scan`, files of optical densities can be read too.
    """

    @property
    def FORMAT(self) -> str:  # noqa: N802 - a module constant
        """Name of the format."""

    def can_open(self, path: Path) -> bool:
        """Whether the file looks like this format; must not raise for other files."""

    def list_regions(self, path: Path) -> list[str]:
        """Describe each scan region, in order."""

    def open_region(self, path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
        """Read one region as the stage recording."""


def readers() -> Iterator[Reader]:
    """Yield the built-in readers, then those of plug-ins; a plug-in that fails to load warns and is skipped."""
    for _, reader in registered():
        yield reader


def registered() -> Iterator[tuple[str, Reader]]:
    """Yield where each reader comes from, blank for the built-in ones or the name of the plug-in, and the reader."""
    for name in _BUILT_IN:
        yield "", cast(Reader, import_module(name))
    for entry in entry_points(group=GROUP):
        try:
            reader = entry.load()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a plug-in must not stop the others
            warnings.warn(f"the reader plug-in {entry.name!r} was skipped: {error!r}", LithiscopeWarning, stacklevel=2)
            continue
        yield entry.name, cast(Reader, reader)


def reader_for(path: Path) -> Reader:
    """Return the first reader that recognises the file.

    Raises
    ------
    FileFormatError
        If the file does not exist or no reader knows it.
    """
    folder = path.is_dir()
    if not path.is_file() and not (folder and stored.can_open(path)):
        raise FileFormatError("there is no such file", file=path, remedy="check the path; give a file, not a folder")
    if folder:
        return cast(Reader, stored)
    formats = []
    for reader in readers():
        if reader.can_open(path):
            return reader
        formats.append(reader.FORMAT)
    raise FileFormatError(
        "no reader knows this file",
        file=path,
        limit=", ".join(formats),
        remedy="for SDF give the .hdr file; `lithiscope formats` lists what can be read; or install a reader plug-in",
    )


def guess_format(path: str | Path) -> str:
    """Return the name of the format of a file, e.g. ``"SDF"``.

    Raises
    ------
    FileFormatError
        If no reader knows the file.
    """
    return reader_for(Path(path)).FORMAT
