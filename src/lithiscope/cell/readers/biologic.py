"""EC-Lab and BT-Lab text files (.mpt): a header of any length, or none, and a table separated by tabs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lithiscope.cell.readers.assemble import read_table
from lithiscope.cell.readers.columns import is_trace
from lithiscope.cell.readers.dates import parse_moment
from lithiscope.cell.readers.raw import RawTrace, Request
from lithiscope.cell.readers.text import HEAD_BYTES, Table, decimal_of, decode, is_text, rows_after
from lithiscope.errors import FileFormatError

FORMAT = "BioLogic mpt"

_MAGIC = (b"EC-Lab ASCII FILE", b"BT-Lab ASCII FILE")
_COUNT = re.compile(rb"^Nb header lines\s*:\s*(\d+)")
_LOOP = re.compile(rb"^Loop \d+ from point number (\d+) to \d+")
# EC-Lab writes the month first, whatever the decimal mark.
DATE_ORDER = "month first"
OPEN_CIRCUIT = "Open Circuit Voltage"
_LONGEST_HEADER = 1 << 24


def can_open(path: Path, head: bytes) -> bool:  # noqa: ARG001 - a reader is asked with both
    """Whether the file starts as EC-Lab and BT-Lab write, with or without the header."""
    first = head.splitlines()[0] if head else b""
    without_header = first.startswith((b"mode\t", b"freq/Hz\t")) and b"/" in first
    return is_text(head) and (head.startswith(_MAGIC) or without_header)


def read(path: Path, request: Request) -> RawTrace:
    """Read the file.

    Raises
    ------
    FileFormatError
        If there is no table with a time.
    """
    data = path.read_bytes()
    lines, names = _head(path, data)
    labels = _labels(lines[names])
    rows = rows_after(data, names + 1)
    decimal = decimal_of(rows[:HEAD_BYTES].splitlines()[:50], "\t")
    table = Table(path, rows, len(labels), "\t", decimal, lines_before=names + 1)
    header = _header(lines[:names])
    technique = decode(lines[3]).strip() if names > 3 else ""
    stated = header.get("Acquisition started on", "")
    variables, start = read_table(
        table,
        labels,
        request,
        start=parse_moment(stated, date_order=request.options.date_order, usual=DATE_ORDER),
        usual_order=DATE_ORDER,
    )
    loops = [int(match[1]) for match in map(_LOOP.match, lines[:names]) if match]
    steps = step_count(variables, loops)
    if steps is not None:
        variables["step_count"] = steps
    return RawTrace(variables, start, header, technique, open_circuit=technique == OPEN_CIRCUIT)


def step_count(variables: dict[str, np.ndarray], loops: Sequence[int]) -> np.ndarray | None:
    """Count the steps since the start: a step begins where the sequence Ns changes, or where a loop begins.

    Parameters
    ----------
    variables : dict of str to ndarray
        With ``step_index`` where the file has Ns.
    loops : sequence of int
        First sample of each loop.

    Returns
    -------
    ndarray of float or None
        From 0; None when neither is known.
    """
    count = len(variables["test_time_second"])
    begins = np.zeros(count, dtype=bool)
    sequence = variables.get("step_index")
    if sequence is None and not loops:
        return None
    if sequence is not None:
        begins[1:] = (np.diff(sequence) != 0) & ~np.isnan(np.diff(sequence))
    begins[[first for first in loops if 0 < first < count]] = True
    return np.cumsum(begins).astype(float)


def _head(path: Path, data: bytes) -> tuple[list[bytes], int]:
    """Return the first lines of the file and the number of the one with the names."""
    for size in (HEAD_BYTES, _LONGEST_HEADER):
        lines = data[:size].splitlines()
        names = _names(lines)
        if names is not None:
            return lines, names
    raise FileFormatError(
        "the names of the columns cannot be found",
        file=path,
        field="Nb header lines",
        value=decode(lines[1]) if len(lines) > 1 else None,
        limit="a line with time/s and a potential or current, separated by tabs",
        remedy="export the file again with time/s and Ewe/V; an impedance spectrum alone is no trace",
    )


def _names(lines: Sequence[bytes]) -> int | None:
    stated = [int(match[1]) for match in map(_COUNT.match, lines[:5]) if match]
    if stated and 0 < stated[0] <= len(lines) and is_trace(_labels(lines[stated[0] - 1])):
        return stated[0] - 1
    # The number of header lines is wrong in files that were edited by hand.
    return next((number for number, line in enumerate(lines) if b"\t" in line and is_trace(_labels(line))), None)


def _labels(line: bytes) -> list[str]:
    labels = [label.strip() for label in decode(line).split("\t")]
    while labels and not labels[-1]:
        labels.pop()
    return labels


def _header(lines: Sequence[bytes]) -> dict[str, str]:
    pairs = (decode(line).split(" : ", 1) for line in lines)
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
