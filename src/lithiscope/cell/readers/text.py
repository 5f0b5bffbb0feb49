"""Tables in text files: fast when every row is sound, row by row when one is not, and nothing made up."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import FileFormatError, LithiscopeWarning

if TYPE_CHECKING:
    import pandas as pd

HEAD_BYTES = 1 << 18
_COMMA = re.compile(rb"^\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*$")
_POINT = re.compile(rb"^\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*$")


@dataclass(frozen=True)
class Table:
    """The rows of a table and how they are written."""

    path: Path
    """The file, for messages."""
    data: bytes
    """The rows, without the line of names."""
    width: int
    """Fields in a row."""
    separator: str
    decimal: str = "."
    lines_before: int = 0
    """Lines of the file before the first row, for messages."""
    at_end: bool = True
    """Whether the file ends with this table."""
    offset: int = 0
    """Empty fields before the first one (tables that start with a tab)."""


def head_of(path: Path, size: int = HEAD_BYTES) -> bytes:
    """Return the first bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(size)


def is_text(head: bytes) -> bool:
    """Whether bytes look like text in an encoding of one byte for each letter (or UTF-8)."""
    return bool(head) and b"\x00" not in head


def decode(line: bytes) -> str:
    """Return a line as text: UTF-8 where it is, else Latin-1 (instruments write the micro sign so)."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def decimal_of(lines: Sequence[bytes], separator: str) -> str:
    r"""Return the decimal mark of a sample of rows, ``","`` or ``"."``.

    Examples
    --------
    >>> decimal_of([b"1\t2,5\t3,1E-005"], "\t")
    ','
    """
    if separator == ",":
        return "."
    fields = [field for line in lines for field in line.split(separator.encode())]
    commas = sum(_COMMA.match(field) is not None for field in fields)
    points = sum(_POINT.match(field) is not None for field in fields)
    return "," if commas > points else "."


def rows_after(data: bytes, lines: int) -> bytes:
    """Return what comes after a number of lines."""
    start = 0
    for _ in range(lines):
        ends = [end for end in (data.find(b"\n", start), data.find(b"\r", start)) if end >= 0]
        if not ends:
            return b""
        start = min(ends) + (2 if data[min(ends) : min(ends) + 2] == b"\r\n" else 1)
    return data[start:]


def read_columns(table: Table, numbers: Sequence[int], texts: Sequence[int] = ()) -> dict[int, np.ndarray]:
    """Read some columns of a table.

    Parameters
    ----------
    table : Table
        The table.
    numbers, texts : sequence of int
        Columns to read as numbers and as text, from 0.

    Returns
    -------
    dict of int to ndarray
        Float columns with NaN where there is no number, and object columns of str. A row with too few or too many
        fields is NaN throughout, because its fields may be shifted.

    Warns
    -----
    LithiscopeWarning
        If rows cannot be read, or the file ends within a row (which is left out).
    """
    if not table.data.strip():
        return {index: np.zeros(0, dtype=object if index in texts else float) for index in (*numbers, *texts)}
    frame = _fast(table, numbers, texts)
    if frame is None:
        return _row_by_row(table, numbers, texts)
    columns = {
        **{index: frame[str(index)].to_numpy(dtype=float) for index in numbers},
        **{index: frame[str(index)].to_numpy(dtype=object) for index in texts},
    }
    if table.at_end and _ends_within_a_field(table):
        _warn_of_truncation(table.path)
        columns = {index: values[:-1] for index, values in columns.items()}
    return columns


def _warn_of_truncation(path: Path) -> None:
    warnings.warn(f"{path}: the file ends within a row, which was left out", LithiscopeWarning, stacklevel=4)


def _fast(table: Table, numbers: Sequence[int], texts: Sequence[int]) -> pd.DataFrame | None:
    """Read with the C parser; None when some row is not as it should be."""
    import pandas as pd

    last = table.width - 1
    kinds: dict[int, Any] = {**dict.fromkeys((*texts, last), str), **dict.fromkeys(numbers, np.float64)}
    # pandas takes numbers in usecols for places, not names.
    types = {str(index): kind for index, kind in kinds.items()}
    try:
        frame: pd.DataFrame = pd.read_csv(
            io.BytesIO(table.data),
            sep=table.separator,
            decimal=table.decimal,
            header=None,
            names=[str(index) for index in range(-table.offset, table.width)],
            usecols=list(types),
            dtype=types,
            encoding="latin-1",
            quoting=3,
            index_col=False,
            **_exact(pd.__version__),
        )
    except (ValueError, pd.errors.ParserError, OverflowError):
        return None
    # The last column shows rows that are too short; with none of them, the number of separators those too long.
    first = next(line for line in table.data[:HEAD_BYTES].splitlines() if line.strip())
    between = len(first.split(table.separator.encode())) - 1
    trailing = between - (table.offset + table.width - 1)
    empty = frame[str(last)].isna()
    sound = (
        (not empty.any() or (last not in numbers and empty.all()))
        and not any(frame[str(index)].isna().any() for index in texts)
        and not any(np.isinf(frame[str(index)]).any() for index in numbers)
        and (trailing == 0 or (trailing == 1 and first.rstrip(b"\r\n").endswith(table.separator.encode())))
        and table.data.count(table.separator.encode()) == between * len(frame)
    )
    return frame if sound else None


def _exact(version: str) -> dict[str, Any]:
    # Currents rebuilt from charge need every digit; newer versions of pandas read exactly and warn about the argument.
    major, minor = (int(part) for part in version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _ends_within_a_field(table: Table) -> bool:
    """Whether the last field is shorter than it ever was in the rows before, without an end of line."""
    tail = table.data[-65536:]
    if tail.endswith((b"\n", b"\r")):
        return False
    fields = [line.rstrip().rsplit(table.separator.encode(), 1)[-1] for line in tail.splitlines()[1:]]
    widths = [len(field) for field in fields[:-1] if field][-50:]
    return len(widths) >= 3 and len(fields[-1]) < min(widths)


def _row_by_row(table: Table, numbers: Sequence[int], texts: Sequence[int]) -> dict[int, np.ndarray]:
    lines = table.data.splitlines(keepends=True)
    rows: list[list[str] | None] = []
    unreadable: list[int] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        fields = _fields(line, table)
        if fields is None:
            unreadable.append(number)
        rows.append(fields)
    if rows and len(unreadable) == len(rows):
        raise FileFormatError(
            "no row has as many fields as the header",
            file=table.path,
            field=f"line {table.lines_before + unreadable[0] + 1}",
            value=decode(lines[unreadable[0]]).strip(),
            limit=f"{table.width} fields",
        )
    cut = table.at_end and not lines[-1].endswith((b"\n", b"\r"))
    if cut and rows and (rows[-1] is None or _ends_within_a_field(table)):
        _warn_of_truncation(table.path)
        if rows.pop() is None:
            unreadable.pop()
    if unreadable:
        warnings.warn(
            f"{table.path}: {len(unreadable)} of {len(rows)} rows do not have {table.width} fields and became NaN "
            f"(flag missing); the first is line {table.lines_before + unreadable[0] + 1}",
            LithiscopeWarning,
            stacklevel=4,
        )
    columns: dict[int, np.ndarray] = {
        index: np.array([_number(row[index], table.decimal) if row else np.nan for row in rows], dtype=float)
        for index in numbers
    }
    columns.update({index: np.array([row[index] if row else "" for row in rows], dtype=object) for index in texts})
    return columns


def _fields(line: bytes, table: Table) -> list[str] | None:
    fields = [field.strip().strip('"') for field in decode(line).rstrip("\r\n").split(table.separator)]
    if any(fields[: table.offset]):
        return None
    fields = fields[table.offset :]
    while len(fields) > table.width and not fields[-1]:
        fields.pop()
    return fields if len(fields) == table.width else None


def _number(text: str, decimal: str) -> float:
    # Python takes 1_000 for a number; no instrument writes it.
    try:
        value = float(text.replace(",", ".") if decimal == "," else text) if "_" not in text else np.nan
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan
