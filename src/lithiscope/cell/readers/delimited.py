"""Tables with named columns: BDF and other csv files, CHI and Autolab text, and bare columns that the user names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lithiscope.cell.readers.assemble import read_table
from lithiscope.cell.readers.columns import is_trace
from lithiscope.cell.readers.raw import RawTrace, Request
from lithiscope.cell.readers.text import HEAD_BYTES, Table, decimal_of, decode, is_text, rows_after
from lithiscope.errors import FileFormatError, LithiscopeWarning

FORMAT = "table with named columns (csv, BDF)"

_SEPARATORS = (",", ";", "\t")
_NUMBERS = re.compile(rb"^\s*[-+.\d][-+.,\deE]*(?:[\s;,]+[-+.\d][-+.,\deE]*)+\s*$")
_SEARCHED = 500


def can_open(path: Path, head: bytes) -> bool:  # noqa: ARG001 - a reader is asked with both
    """Whether a line names a time and a voltage or current, or the file is two bare columns of time and voltage."""
    if not is_text(head):
        return False
    lines = head.splitlines()
    return _names(lines) is not None or _looks_like_time_and_voltage(lines)


def read(path: Path, request: Request) -> RawTrace:
    """Read the file.

    Raises
    ------
    FileFormatError
        If it holds no table with a time.
    """
    data = path.read_bytes()
    lines = data[:HEAD_BYTES].splitlines()
    found = _named_by(lines, request)
    if found is None:
        return _bare(path, data, lines, request)
    number, separator = found
    labels = _labels(lines[number], separator)
    sample = [line for line in lines[number + 1 : number + 50] if line.strip()]
    rows = rows_after(data, number + 1)
    table = Table(path, rows, len(labels), separator, decimal_of(sample, separator), lines_before=number + 1)
    variables, start = read_table(table, labels, request)
    preamble = b"\n".join(lines[:number])
    if b"Instrument Model:  CHI" in preamble and "current_ampere" in variables:
        warnings.warn(
            f"{path}: CH Instruments counts cathodic current as positive unless it was set otherwise; "
            "compare with check_trace and use the option current_sign=-1",
            LithiscopeWarning,
            stacklevel=3,
        )
    return RawTrace(variables, start, {"preamble": decode(preamble)} if preamble else {})


def _labels(line: bytes, separator: str) -> list[str]:
    labels = [label.strip().strip('"').strip() for label in decode(line).lstrip("#").split(separator)]
    while labels and not labels[-1]:
        labels.pop()
    return labels


def _names(lines: Sequence[bytes]) -> tuple[int, str] | None:
    for number, line in enumerate(lines[:_SEARCHED]):
        for separator in _SEPARATORS:
            if separator.encode() in line and is_trace(_labels(line, separator)):
                return number, separator
    return None


def _named_by(lines: Sequence[bytes], request: Request) -> tuple[int, str] | None:
    """Find the line that holds the names that the user gave, else the one that reads as names."""
    choices = [choice[0] if isinstance(choice, tuple) else choice for choice in (request.columns or {}).values()]
    wanted = {choice for choice in choices if isinstance(choice, str)}
    for number, line in enumerate(lines[:_SEARCHED] if wanted else []):
        for separator in _SEPARATORS:
            if wanted <= set(_labels(line, separator)):
                return number, separator
    return _names(lines)


def _bare(path: Path, data: bytes, lines: Sequence[bytes], request: Request) -> RawTrace:
    """Read columns without names: those that the user numbers, or time in s and voltage in V."""
    first = next((number for number, line in enumerate(lines) if _NUMBERS.match(line)), None)
    if first is None or not (request.columns or _looks_like_time_and_voltage(lines)):
        listed = decode(lines[0]) if lines else ""
        raise FileFormatError(
            "no line names a time and a voltage or current",
            file=path,
            field="columns",
            value=listed,
            remedy="name the columns, e.g. columns={'test_time_second': ('t', 's'), 'voltage_volt': ('U', 'V')}",
        )
    separator = next((mark for mark in ("\t", ";", ",", " ") if mark.encode() in lines[first].strip()), "\t")
    width = len(lines[first].strip().split(separator.encode()))
    labels = [""] * width
    if not request.columns:
        labels[:2] = ["time/s", "voltage/V"]
        warnings.warn(
            f"{path}: the columns have no names; they were taken as time in s and voltage in V "
            "(columns={'test_time_second': (0, 's'), 'voltage_volt': (1, 'V')})",
            LithiscopeWarning,
            stacklevel=4,
        )
    decimal = decimal_of(lines[first : first + 50], separator)
    table = Table(path, rows_after(data, first), width, separator, decimal, lines_before=first)
    variables, start = read_table(table, labels, request)
    return RawTrace(variables, start)


def _looks_like_time_and_voltage(lines: Sequence[bytes]) -> bool:
    # Tables of an electrode's potential against composition have two columns as well: time starts at 0 and passes 60.
    rows = [line.split() for line in lines[:-1] if line.strip()]
    if len(rows) < 10 or any(len(row) != 2 for row in rows):
        return False
    try:
        values = np.array([[float(field) for field in row] for row in rows])
    except ValueError:
        return False
    time, voltage = values.T
    rises = bool(np.all(np.diff(time) > 0)) and time[0] == 0 and time[-1] > 60
    return rises and bool(np.all(np.abs(voltage) < 6))
