"""Numbers in MATLAB 5 files: the structures of arrays that half-cell curves are stored in.

scipy reads the whole format, but a damaged file can end the interpreter with it; this reads the little that is needed
and checks every length (layout after "MAT-File Format", The MathWorks, 2023).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_STRUCTURE = 2
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_LARGEST = 1 << 30


def structures(data: bytes) -> dict[str, dict[str, np.ndarray]]:
    """Return the structures of a file, each with those of its fields that are real arrays of numbers.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    dict of str to dict of str to ndarray
        Flat arrays under the names of structure and field; variables that are no structure have no fields.

    Raises
    ------
    ValueError
        If the file is cut off or its lengths do not fit.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER])
    if order is None:
        raise ValueError("no mark of the byte order")
    found: dict[str, dict[str, np.ndarray]] = {}
    for kind, body in _elements(data[_HEADER:], order):
        if kind == _COMPRESSED:
            inner = zlib.decompressobj()
            kind, body = next(_elements(_inflated(inner, body), order), (0, b""))
        if kind == _MATRIX:
            name, fields = _variable(body, order)
            found[name] = fields
    return found


def _inflated(inner: zlib._Decompress, body: bytes) -> bytes:
    try:
        whole = inner.decompress(body, _LARGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inner.eof:
        raise ValueError("compressed data are cut off, or larger than 1 GiB")
    return whole


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise ValueError("cut off within a tag")
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:
            # Up to four bytes stand in the tag itself.
            kind, size = kind & 0xFFFF, kind >> 16
            start, following = at + 4, at + 8
        else:
            start = at + 8
            following = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(data) or (start == at + 4 and size > 4):
            raise ValueError(f"an element of {size} bytes does not fit into the {len(data) - start} that are left")
        yield kind, data[start : start + size]
        at = following


def _variable(body: bytes, order: str) -> tuple[str, dict[str, np.ndarray]]:
    parts = list(_elements(body, order))
    if len(parts) < 3 or len(parts[0][1]) < 4:
        raise ValueError("a variable lacks its flags, dimensions or name")
    kind = struct.unpack_from(f"{order}I", parts[0][1])[0] & 0xFF
    name = parts[2][1].decode("latin-1")
    if kind != _STRUCTURE or len(parts) < 5 or len(parts[3][1]) < 4:
        return name, {}
    width = struct.unpack_from(f"{order}I", parts[3][1])[0]
    if not 0 < width <= 64:
        raise ValueError(f"names of fields of {width} letters")
    text = parts[4][1]
    names = [text[at : at + width].split(b"\x00")[0].decode("latin-1") for at in range(0, len(text), width)]
    fields: dict[str, np.ndarray] = {}
    # An array of structures repeats the fields; only the first structure is read.
    for field, (inner, content) in zip(names, parts[5:], strict=False):
        values = _numbers(content, order) if inner == _MATRIX else None
        if values is not None:
            fields[field] = values
    return name, fields


def _numbers(body: bytes, order: str) -> np.ndarray | None:
    parts = list(_elements(body, order))
    if len(parts) < 4:
        return None
    dimensions = np.frombuffer(parts[1][1][: len(parts[1][1]) // 4 * 4], dtype=f"{order}i4")
    kind = _NUMBERS.get(parts[3][0])
    if kind is None:
        return None
    content = parts[3][1]
    if len(content) % int(kind[1]):
        raise ValueError("an array ends within a number")
    values = np.frombuffer(content, dtype=order + kind).astype(float)
    if values.size != np.prod(dimensions.astype(float)):
        raise ValueError(f"{values.size} numbers for an array of dimensions {dimensions.tolist()}")
    return values
