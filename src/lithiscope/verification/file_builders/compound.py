"""Compound files of Microsoft ([MS-CFB], version 3), no more than a reader needs: FAT, directory, mini stream."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file that holds the given streams.

    Parameters
    ----------
    streams : mapping of str to bytes
        Names with one slash at most, ``storage/stream``; at most about 6000 sectors of 512 bytes in all.
    """
    tree: dict[str, list[str]] = {}
    for name in streams:
        storage, _, leaf = name.rpartition("/")
        tree.setdefault(storage, []).append(leaf)
    sectors: list[bytes] = []
    fat: list[int] = []
    minis = b""
    minifat: list[int] = []
    places: dict[str, tuple[int, int]] = {}
    for name, content in streams.items():
        if len(content) >= _CUTOFF:
            places[name] = (_append(sectors, fat, content), len(content))
        else:
            places[name] = (len(minifat), len(content))
            pieces = -(-len(content) // _MINI)
            minifat += [len(minifat) + step + 1 for step in range(pieces - 1)] + [_END] * (pieces > 0)
            minis += content.ljust(pieces * _MINI, b"\0")
    mini_at = _append(sectors, fat, minis)
    minifat_at = _append(sectors, fat, struct.pack(f"<{len(minifat)}I", *minifat))
    directory = _directory(tree, places, mini_at, len(minis))
    directory_at = _append(sectors, fat, directory)
    count = 1
    while count * (_SECTOR // 4) < len(fat) + count:
        count += 1
    first = len(sectors)
    fat += [_FAT] * count
    fat += [_FREE] * (count * (_SECTOR // 4) - len(fat))
    table = struct.pack(f"<{len(fat)}I", *fat)
    header = struct.pack("<8s16sHHHHH6x", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6)
    mini_sectors = -(-len(minifat) * 4 // _SECTOR)
    header += struct.pack("<9I", 0, count, directory_at, 0, _CUTOFF, minifat_at, mini_sectors, _END, 0)
    header += struct.pack("<109I", *range(first, first + count), *[_FREE] * (109 - count))
    return header + b"".join(sectors) + table


def _append(sectors: list[bytes], fat: list[int], content: bytes) -> int:
    """Append the sectors of a stream and their chain; return where it begins."""
    pieces = -(-len(content) // _SECTOR)
    if not pieces:
        return _END
    first = len(sectors)
    padded = content.ljust(pieces * _SECTOR, b"\0")
    sectors += [padded[_SECTOR * step : _SECTOR * (step + 1)] for step in range(pieces)]
    fat += [first + step + 1 for step in range(pieces - 1)] + [_END]
    return first


def _directory(
    tree: Mapping[str, list[str]], places: Mapping[str, tuple[int, int]], mini_at: int, mini_size: int
) -> bytes:
    """Return the directory: the root, then the storages, then the streams; siblings form a chain to the right."""
    storages = [name for name in tree if name]
    tops = [*storages, *tree.get("", [])]
    rows: list[tuple[str, int, int, int, int, int]] = []  # name, kind, right, child, sector, size
    first_leaf = 1 + len(tops)
    rows.append(("Root Entry", _ROOT, _FREE, 1 if tops else _FREE, mini_at, mini_size))
    leaves: list[tuple[str, int, int, int, int, int]] = []
    for number, name in enumerate(tops, start=1):
        right = number + 1 if number < len(tops) else _FREE
        if name in storages:
            rows.append((name, _STORAGE, right, first_leaf + len(leaves), 0, 0))
            inside = tree[name]
            for step, leaf in enumerate(inside):
                beside = first_leaf + len(leaves) + 1 if step < len(inside) - 1 else _FREE
                leaves.append((leaf, _STREAM, beside, _FREE, *places[f"{name}/{leaf}"]))
        else:
            rows.append((name, _STREAM, right, _FREE, *places[name]))
    return b"".join(_entry(*row) for row in [*rows, *leaves])


def _entry(name: str, kind: int, right: int, child: int, sector: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII16sIQQIQ", text, len(text), kind, 1, _FREE, right, child, b"", 0, 0, 0, sector, size)
