"""The list of formats for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from textwrap import wrap

from lithiscope.recordings.formats import FormatInfo, list_formats

_WIDTH = 118
_INDENT = " " * 6


def format_lines(*, as_json: bool = False) -> Iterator[str]:
    """Yield the lines that `lithiscope formats` prints.

    Parameters
    ----------
    as_json : bool
        Whether to give one JSON list in place of text.
    """
    found = list_formats()
    if as_json:
        yield json.dumps([info.as_json() for info in found], indent=1)
        return
    yield "Files of microscopes, recognised by their content in this order:"
    for info in found:
        yield ""
        yield from _rows(info)
    written = ", ".join(info.name for info in found if info.written)
    yield ""
    yield f"{len(found)} formats can be read; {written} can be written too."


def _rows(info: FormatInfo) -> Iterator[str]:
    ways = "read and written" if info.written else "read"
    source = f", plug-in {info.plug_in}" if info.plug_in else ""
    yield f"{info.name}  ({', '.join(info.endings) or 'any ending'}; {ways}{source})"
    yield from _wrapped(info.about)
    if info.recognised:
        yield from _wrapped(f"told by: {info.recognised}")
    for dialect in info.dialects:
        yield from _wrapped(f"- {dialect.name}: {dialect.about}; told by {dialect.recognised}", hang="  ")


def _wrapped(text: str, hang: str = "") -> list[str]:
    return wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + hang)
