"""Gamry files (.DTA): objects with tabs between their parts, one or several tables, in any country's numbers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from lithiscope.cell.readers.assemble import read_table
from lithiscope.cell.readers.columns import is_trace
from lithiscope.cell.readers.dates import parse_moment
from lithiscope.cell.readers.raw import RawTrace, Request
from lithiscope.cell.readers.text import Table, decimal_of, decode, is_text
from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError

FORMAT = "Gamry DTA"

_NO_SENSOR = -273.15
# Tables of a run, best first; a name may carry a number (CURVE1, CURVE2, ...).
_PREFERRED = ("CURVE", "OCVCURVE")


@dataclass(frozen=True)
class _Curve:
    name: str
    labels: tuple[str, ...]
    table: Table


def can_open(path: Path, head: bytes) -> bool:  # noqa: ARG001 - a reader is asked with both
    """Whether the file starts as Gamry's Framework writes."""
    return is_text(head) and head.lstrip(b"\xef\xbb\xbf").startswith(b"EXPLAIN")


def read(path: Path, request: Request) -> RawTrace:
    """Read the file: all tables of the run, one after the other.

    Raises
    ------
    FileFormatError
        If it holds no table of potential or current against time.
    OptionError
        If the user names a table that does not exist.
    """
    header, tables = _objects(path)
    chosen = _chosen(path, tables, request.options.table)
    parts = [read_table(curve.table, curve.labels, request)[0] for curve in chosen]
    variables = {
        name: np.concatenate([part.get(name, np.full(len(part["test_time_second"]), np.nan)) for part in parts])
        for name in dict.fromkeys(name for part in parts for name in part)
    }
    _without_sensor(variables)
    _warn_of_header(path, header)
    technique = header.get("TAG", "")
    idle = technique == "CORPOT" or all(curve.name == "OCVCURVE" for curve in chosen)
    return RawTrace(variables, _start(path, header, chosen, request), header, technique, open_circuit=idle)


def _objects(path: Path) -> tuple[dict[str, str], list[_Curve]]:
    """Return the header, and where the tables are: only lines of a table start with a blank."""
    header: dict[str, str] = {}
    tables: list[_Curve] = []
    lines = path.read_bytes().splitlines(keepends=True)
    number = 0
    while number < len(lines):
        parts = decode(lines[number]).split("\t")
        number += 1
        if len(parts) > 1 and parts[1].strip() == "TABLE":
            end = number
            while end < len(lines) and lines[end][:1].isspace():
                end += 1
            last = end
            while last > number and not lines[last - 1].strip():
                last -= 1
            tables.append(_curve(path, parts[0].strip(), lines, number, last))
            number = end
        elif len(parts) > 1 and parts[0].strip():
            header[parts[0].strip()] = parts[2 if len(parts) > 2 else 1].strip()
    return header, tables


def _curve(path: Path, name: str, lines: Sequence[bytes], start: int, end: int) -> _Curve:
    names, units = (
        [part.strip() for part in decode(line).split("\t")[1:]]
        for line in ([*lines[start : min(end, start + 2)], b"", b""][:2])
    )
    units += [""] * (len(names) - len(units))
    labels = tuple(f"{label}/{unit}" if unit else label for label, unit in zip(names, units, strict=False))
    rows = lines[start + 2 : end]
    decimal = decimal_of(rows[:50], "\t")
    data = b"".join(rows)
    return _Curve(name, labels, Table(path, data, len(labels), "\t", decimal, start + 2, end == len(lines), offset=1))


def _chosen(path: Path, tables: Sequence[_Curve], wanted: str | None) -> list[_Curve]:
    readable = [table for table in tables if is_trace(table.labels)]
    if wanted is not None:
        found = [table for table in readable if table.name == wanted]
        if not found:
            listed = ", ".join(table.name for table in readable) or "none"
            raise OptionError("the file has no such table", file=path, field="table", value=wanted, limit=listed)
        return found
    kinds = {kind: [table for table in readable if table.name.rstrip("0123456789") == kind] for kind in _PREFERRED}
    found = next((group for group in kinds.values() if group), readable[:1])
    if not found:
        raise FileFormatError(
            "the file holds no table of potential or current against time",
            file=path,
            field="TABLE",
            value=", ".join(table.name for table in tables) or "none",
            limit="a table with T, Vf and Im, such as CURVE",
            remedy="an impedance spectrum alone is no trace; open the file of the charge or discharge",
        )
    left = [table.name for table in readable if table not in found]
    if left:
        warnings.warn(
            f"{path}: read {', '.join(table.name for table in found)}; not {', '.join(left)} "
            "(option table chooses one)",
            LithiscopeWarning,
            stacklevel=4,
        )
    return found


def _start(path: Path, header: dict[str, str], tables: Sequence[_Curve], request: Request) -> datetime | None:
    text = f"{header.get('DATE', '')} {header.get('TIME', '')}"
    decimal = tables[0].table.decimal
    usual = {"/": "month first", ".": "day first"}.get(next((mark for mark in text if mark in "/.-"), ""))
    if usual == "month first" and decimal == ",":
        usual = "day first"
    start = parse_moment(text, date_order=request.options.date_order, usual=usual)
    if start is None and text.strip():
        warnings.warn(
            f"{path}: the start {text.strip()!r} can be read in two ways or in none and was left out "
            "(option date_order)",
            LithiscopeWarning,
            stacklevel=4,
        )
    return start


def _without_sensor(variables: dict[str, np.ndarray]) -> None:
    temperature = variables.get("ambient_temperature_celsius")
    # Without a sensor Gamry writes about -327 degrees.
    if temperature is not None and not np.any(temperature > _NO_SENSOR):
        del variables["ambient_temperature_celsius"]


def _warn_of_header(path: Path, header: dict[str, str]) -> None:
    if header.get("EXPERIMENTABORTED", "F").upper().startswith("T"):
        warnings.warn(f"{path}: the run was aborted; the rows up to then were read", LithiscopeWarning, stacklevel=4)
    if header.get("CONVENTION", "1") != "1":
        warnings.warn(
            f"{path}: the current convention of this file is not the usual one (CONVENTION "
            f"{header['CONVENTION']}); if cathodic current is positive, use the option current_sign=-1",
            LithiscopeWarning,
            stacklevel=4,
        )
