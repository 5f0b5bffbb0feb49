"""Damaged files: whatever a library says of them becomes one error that names the file."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lithiscope.errors import FileFormatError, LithiscopeWarning

# What h5py, olefile, tifffile and zarr raise on files that were cut off, or whose structure was damaged.
DAMAGE = (
    *(OSError, RuntimeError, KeyError, IndexError, ValueError, TypeError, AttributeError),
    *(OverflowError, ZeroDivisionError, MemoryError, EOFError, AssertionError, struct.error),
)


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what a library raises on a damaged file into a `FileFormatError`."""
    try:
        yield
    except DAMAGE as error:
        raise FileFormatError(
            "a part of the file cannot be read",
            file=path,
            value=f"{type(error).__name__}: {error}",
            remedy="the file is damaged or not finished: copy it again",
        ) from error


def check_size(shape: tuple[int, ...], item: int, path: Path, *, most: float = 1.0) -> None:
    """Refuse a header that declares more pixels than its file can hold, or none.

    Parameters
    ----------
    shape : tuple of int
        Frames, rows and columns.
    item : int
        Bytes a pixel.
    path : Path
        The file.
    most : float
        How many times larger than the file the pixels may be.

    Raises
    ------
    FileFormatError
        If the header cannot be true.
    """
    pixels = 1
    for length in shape:
        pixels *= int(length)
    size = path.stat().st_size
    if min(shape) < 1 or pixels * item > most * size:
        raise FileFormatError(
            "the header declares more than the file holds, or nothing",
            file=path,
            value=f"{' x '.join(map(str, shape))} pixels of {item} bytes",
            limit=f"{size} bytes in the file",
            remedy="the file is damaged or cut off: copy it again",
        )


def check_step(step: float, path: Path, field: str) -> None:
    """Refuse a size of a pixel (um) that is none."""
    if not 0 < step < 1e4:
        raise FileFormatError(
            "the size of a pixel is none",
            file=path,
            field=field,
            value=f"{step:g} um",
            remedy="the file is damaged: copy it again",
        )


def filled(pixels: np.ndarray, shape: tuple[int, int, int], path: Path) -> np.ndarray:
    """Return a stack of which the end may be missing: NaN from the first row that is not complete.

    Parameters
    ----------
    pixels : ndarray of shape (N,)
        What the file holds, frame after frame and row after row.
    shape : tuple of int
        Frames, rows and columns.
    path : Path
        The file, for the warning.

    Raises
    ------
    FileFormatError
        If there are more pixels than the header declares.

    Warns
    -----
    LithiscopeWarning
        If something is missing.
    """
    _, rows, columns = shape
    if pixels.size > np.prod(shape):
        raise FileFormatError(
            "the file holds more than its header declares",
            file=path,
            value=f"{pixels.size} pixels",
            limit=" x ".join(map(str, shape)),
            remedy="the header belongs to another file, or is damaged: copy both again",
        )
    whole = min(pixels.size // columns, shape[0] * rows) * columns
    stack = np.full(int(np.prod(shape)), np.nan)
    stack[:whole] = pixels[:whole]
    if whole < stack.size:
        warnings.warn(
            f"{path}: the file is cut off after {whole // columns} of {shape[0] * rows} rows; the rest was flagged as "
            "missing",
            LithiscopeWarning,
            stacklevel=3,
        )
    return stack.reshape(shape)
