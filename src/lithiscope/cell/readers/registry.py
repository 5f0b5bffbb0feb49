"""The table of readers: the built-in ones and those of plug-ins."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from lithiscope.cell.readers.raw import Reader
from lithiscope.cell.readers.text import head_of, is_text
from lithiscope.errors import FileFormatError, LithiscopeWarning

GROUP = "lithiscope.cell"
# The reader of plain tables comes last: it takes whatever names a time.
_BUILT_IN = ("biologic", "biologic_binary", "gamry", "neware", "pseudo_ocv")
_LAST = "delimited"


def readers() -> Iterator[Reader]:
    """Yield the built-in readers and those of plug-ins; a plug-in that fails to load warns and is skipped."""
    for name in _BUILT_IN:
        yield cast(Reader, import_module(f"lithiscope.cell.readers.{name}"))
    for entry in entry_points(group=GROUP):
        try:
            reader = entry.load()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a plug-in must not stop the others
            warnings.warn(f"the reader plug-in {entry.name!r} was skipped: {error!r}", LithiscopeWarning, stacklevel=2)
            continue
        yield cast(Reader, reader)
    yield cast(Reader, import_module(f"lithiscope.cell.readers.{_LAST}"))


def reader_for(path: Path, *, columns_named: bool = False) -> Reader:
    """Return the first reader that recognises the file by its content.

    Parameters
    ----------
    path : Path
        The file.
    columns_named : bool
        Whether the user names the columns, so that any text will do.

    Raises
    ------
    FileFormatError
        If the file does not exist, is empty, or no reader knows it.
    """
    if not path.is_file():
        raise FileFormatError("there is no such file", file=path, remedy="check the path; give a file, not a folder")
    try:
        head = head_of(path)
    except OSError as error:
        raise FileFormatError("the file cannot be opened", file=path, value=error) from error
    if not head.strip():
        raise FileFormatError("the file is empty", file=path, remedy="has the potentiostat finished writing it?")
    formats = []
    for reader in readers():
        if reader.can_open(path, head):
            return reader
        formats.append(reader.FORMAT)
    if columns_named and is_text(head):
        return reader
    raise FileFormatError(
        "no reader knows this file",
        file=path,
        value=repr(head[:60]),
        limit=", ".join(formats),
        remedy="export it as text, name the columns of a text file with columns= (recipe: cell.columns), or "
        "install a reader plug-in",
    )
