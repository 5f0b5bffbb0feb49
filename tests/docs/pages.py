"""The blocks of a page in the order in which a reader meets them, and a small beamtime to try them on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from lithiscope.cli.app import app
from lithiscope.instruments.stxm import MicroscopeOptions
from lithiscope.verification.demo import beamtimes, write_beamtime

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^```(?P<language>\w+)\n(?P<code>.*?)^```|^    lithiscope (?P<command>.+?)$", re.DOTALL | re.MULTILINE
)
_FILE = re.compile(r"`([\w.]+)`:\s*$")


class Block(NamedTuple):
    """A command without the name of the program, a text of some language, or a file that the page tells to write."""

    kind: str
    text: str
    file: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page; one after a line that ends with the name of a file is that file."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        if found["command"]:
            yield Block("command", found["command"])
            continue
        named = _FILE.search(text[: found.start()].rstrip())
        yield Block(found["language"], found["code"], named[1] if named else "")


def small_slow(folder: Path) -> Path:
    """Write what `lithiscope demo` writes to ``slow``, with pixels of 100 nm; return the folder."""
    microscope = MicroscopeOptions(pixel=0.1, probe_nodes=3, spike_share=2e-5, ring_lifetime=36000.0)
    write_beamtime(beamtimes()[0], folder, microscope=microscope)
    return folder


def command(text: str) -> str:
    """Run a command as it stands on a page; return what it printed."""
    shown = CliRunner().invoke(app, shlex.split(text, comments=True))
    assert shown.exit_code == 0, (text, shown.output, shown.exception)
    return shown.output


def follow(page: Path) -> list[tuple[str, str]]:
    """Do all that a page tells, in the working folder; return each command with what it printed.

    Raises
    ------
    AssertionError
        If a command fails.
    """
    told = []
    for block in blocks(page):
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.kind == "command":
            told.append((block.text, command(block.text)))
        elif block.kind == "python":
            exec(compile(block.text, page.name, "exec"), {})
    return told
