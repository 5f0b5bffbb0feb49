"""The list of formats: what can be read and written, and by what each is recognised."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lithiscope.recordings.readers import Reader, registered

_WRITTEN = {"SDF": "write_sdf", "NXstxm": "write_nexus"}


@dataclass(frozen=True)
class Dialect:
    """One way in which a format is written: its name, whose it is, and what in the content tells it."""

    name: str
    about: str
    recognised: str


@dataclass(frozen=True)
class FormatInfo:
    """One row of the list of formats.

    Parameters
    ----------
    name, about : str
        The format, and whose files these are.
    endings : tuple of str
        Usual endings; files are recognised by their content, not by these.
    recognised : str
        What in the content tells the format.
    written : str
        The function of `lithiscope.recordings` that writes it, blank when it is only read.
    plug_in : str
        The plug-in that reads it, blank for the built-in formats.
    dialects : tuple of Dialect
        The ways in which it is written.
    """

    name: str
    about: str
    endings: tuple[str, ...]
    recognised: str
    written: str = ""
    plug_in: str = ""
    dialects: tuple[Dialect, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


def list_formats() -> list[FormatInfo]:
    """Return the formats that can be read here, in the order in which they are tried; plug-ins come last."""
    return [_info(plug_in, reader) for plug_in, reader in registered()]


def _info(plug_in: str, reader: Reader) -> FormatInfo:
    name = str(reader.FORMAT)
    return FormatInfo(
        name=name,
        about=str(getattr(reader, "ABOUT", "") or "a plug-in that says no more about itself"),
        endings=tuple(map(str, getattr(reader, "ENDINGS", ()))),
        recognised=str(getattr(reader, "RECOGNISED", "")),
        written="" if plug_in else _WRITTEN.get(name, ""),
        plug_in=plug_in,
        dialects=tuple(getattr(reader, "DIALECTS", ())),
    )
