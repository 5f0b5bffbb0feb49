"""A check that HDF5 leaves out: a damaged heap of strings on which its library would walk without end.

A global heap (format specification of HDF5, III.E) is a chain of objects, each with its length. Free space, object 0,
of length zero leads back to itself, and no alarm in Python interrupts the library.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from lithiscope.errors import FileFormatError

_HEAD = b"GCOL\x01\x00\x00\x00"
_OBJECT = 16
# Larger files are long to search; what damages them is almost always their end.
_SEARCHED = 256 * 2**20


def check_heaps(path: Path) -> None:
    """Refuse a file with a heap that cannot be walked through; files that are no HDF5 pass.

    Raises
    ------
    FileFormatError
        If an object of a heap has no length, or one that leads out of the heap.
    """
    if path.stat().st_size < len(_HEAD):
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(_HEAD, 0, _SEARCHED)
        while at >= 0:
            if not _walkable(content, at):
                raise FileFormatError(
                    "a heap of strings is damaged",
                    file=path,
                    field=f"byte {at}",
                    remedy="the file is damaged or not finished: copy it again",
                )
            at = content.find(_HEAD, at + 1, _SEARCHED)


def _walkable(content: mmap.mmap, start: int) -> bool:
    if start + _OBJECT > len(content):
        return False
    end = start + struct.unpack_from("<Q", content, start + len(_HEAD))[0]
    at = start + _OBJECT
    if end > len(content):
        return False
    while at + _OBJECT <= end:
        index, size = struct.unpack_from("<H6xQ", content, at)
        step = _OBJECT + -(-size // 8) * 8 if index else size
        if step < _OBJECT or at + step > end:
            return False
        at += step
    return True
