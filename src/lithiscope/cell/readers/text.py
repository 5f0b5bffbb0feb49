"""Tables in text files: fast when every row is sound, row by row when one is not, and nothing made up."""

from __future__ import annotations

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
class Layout:
    """Where the rows of a table stand in a file and how they are written."""

    first_line: int
    """Lines before the first row."""
    separator: str
    width: int
    """Fields in a row."""
    decimal: str = "."
    rows: int | None = None
    """Lines of the table; None: to the end of the file."""
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


def read_columns(
    path: Path, layout: Layout, numbers: Sequence[int], texts: Sequence[int] = ()
) -> dict[int, np.ndarray]:
    """Read some columns of a table.

    Parameters
    ----------
    path : Path
        The file.
    layout : Layout
        Where the table is.
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
    frame = _fast(path, layout, numbers, texts)
    if frame is None:
        return _row_by_row(path, layout, numbers, texts)
    columns = {
        **{index: frame[index].to_numpy(dtype=float) for index in numbers},
        **{index: frame[index].fillna("").to_numpy(dtype=object) for index in texts},
    }
    if layout.rows is None and _ends_within_a_row(path, layout):
        warn_of_truncation(path)
        columns = {index: values[:-1] for index, values in columns.items()}
    return columns


def warn_of_truncation(path: Path) -> None:
    """Say that the last row is not whole and was left out."""
    warnings.warn(f"{path}: the file ends within a row, which was left out", LithiscopeWarning, stacklevel=4)


def _fast(path: Path, layout: Layout, numbers: Sequence[int], texts: Sequence[int]) -> pd.DataFrame | None:
    """Read with the C parser; None when some row is not as it should be."""
    import pandas as pd

    # The column behind the last one shows rows that are too long, the last one those that are too short.
    last, beyond = layout.width - 1, layout.width
    types: dict[int, Any] = dict.fromkeys(numbers, np.float64)
    types.update(dict.fromkeys((*texts, beyond), str))
    if last not in types:
        types[last] = str
    names = [-1 - number for number in range(layout.offset)] + list(range(layout.width + 1))
    try:
        frame: pd.DataFrame = pd.read_csv(
            path,
            sep=layout.separator,
            decimal=layout.decimal,
            header=None,
            names=names,
            usecols=sorted(types),
            dtype=types,
            skiprows=layout.first_line,
            nrows=layout.rows,
            encoding="latin-1",
            quoting=3,
            index_col=False,
            **_exact(pd.__version__),
        )
    except (ValueError, pd.errors.ParserError, OverflowError):
        return None
    short = frame[last].isna()
    infinite = any(np.isinf(frame[index]).any() for index in numbers)
    if frame[beyond].notna().any() or infinite or (short.any() and not short.all()) or (short.all() and last in texts):
        return None
    if short.all() and len(frame) and last in numbers:
        return None
    return frame


def _exact(version: str) -> dict[str, Any]:
    # Currents rebuilt from charge need every digit; newer versions of pandas read exactly and warn about the argument.
    major, minor = (int(part) for part in version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _ends_within_a_row(path: Path, layout: Layout) -> bool:
    """Whether the last field is shorter than it ever was in the rows before, without an end of line."""
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 65536))
        tail = stream.read()
    if tail.endswith((b"\n", b"\r")):
        return False
    fields = [line.rstrip().rsplit(layout.separator.encode(), 1)[-1] for line in tail.splitlines()[1:]]
    if len(fields) < 4:
        return False
    widths = [len(field) for field in fields[:-1] if field][-50:]
    return bool(widths) and len(fields[-1]) < min(widths)


def _row_by_row(path: Path, layout: Layout, numbers: Sequence[int], texts: Sequence[int]) -> dict[int, np.ndarray]:
    lines = path.read_bytes().splitlines(keepends=True)
    end = None if layout.rows is None else layout.first_line + layout.rows
    rows: list[list[str] | None] = []
    unreadable: list[int] = []
    for number, line in enumerate(lines[layout.first_line : end], start=layout.first_line + 1):
        if not line.strip():
            continue
        fields = _fields(line, layout)
        if fields is None:
            unreadable.append(number)
        rows.append(fields)
    whole = [row for row in rows if row is not None]
    if rows and not whole:
        raise FileFormatError(
            "no row has as many fields as the header",
            file=path,
            field=f"line {layout.first_line + 1}",
            value=decode(lines[layout.first_line]).strip(),
            limit=f"{layout.width} fields",
        )
    if unreadable and unreadable[-1] == len(lines) and not lines[-1].endswith((b"\n", b"\r")) and rows[-1] is None:
        warn_of_truncation(path)
        rows.pop()
        unreadable.pop()
    return _as_columns(path, rows, unreadable, layout, numbers, texts)


def _fields(line: bytes, layout: Layout) -> list[str] | None:
    fields = [field.strip().strip('"') for field in decode(line).rstrip("\r\n").split(layout.separator)]
    if any(fields[: layout.offset]):
        return None
    fields = fields[layout.offset :]
    while len(fields) > layout.width and not fields[-1]:
        fields.pop()
    return fields if len(fields) == layout.width else None


def _as_columns(
    path: Path,
    rows: Sequence[list[str] | None],
    unreadable: Sequence[int],
    layout: Layout,
    numbers: Sequence[int],
    texts: Sequence[int],
) -> dict[int, np.ndarray]:
    columns: dict[int, np.ndarray] = {
        index: np.array([_number(row[index], layout.decimal) if row else np.nan for row in rows], dtype=float)
        for index in numbers
    }
    columns.update({index: np.array([row[index] if row else "" for row in rows], dtype=object) for index in texts})
    if unreadable:
        warnings.warn(
            f"{path}: {len(unreadable)} of {len(rows)} rows do not have {layout.width} fields and became NaN "
            f"(flag missing); the first is line {unreadable[0]}",
            LithiscopeWarning,
            stacklevel=5,
        )
    return columns


def _number(text: str, decimal: str) -> float:
    # Python takes 1_000 for a number; no instrument writes it.
    try:
        value = float(text.replace(",", ".") if decimal == "," else text) if "_" not in text else np.nan
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan
