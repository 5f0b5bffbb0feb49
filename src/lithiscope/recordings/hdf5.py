"""Opening HDF5 files that are not NXstxm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.damage import DAMAGE, damage_named
from lithiscope.recordings.heaps import check_heaps
from lithiscope.recordings.nexus.fields import numbers


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file; whatever its damage provokes becomes a `FileFormatError`."""
    check_heaps(path)
    with damage_named(path), h5py.File(path, "r") as file:
        yield file


def holds(path: Path, *names: str) -> bool:
    """Whether the file is HDF5 and has all the named items."""
    try:
        if not h5py.is_hdf5(path):
            return False
        check_heaps(path)
        with h5py.File(path, "r") as file:
            return all(name in file for name in names)
    except (FileFormatError, *DAMAGE):
        return False


def needed(file: Any, name: str, path: Path, *, ndim: int | None = None) -> np.ndarray:
    """Return the numbers of a field, of as many dimensions as stated.

    Raises
    ------
    FileFormatError
        If they are missing, empty, or of other dimensions.
    """
    found = numbers(file, name, file=str(path))
    if found is None or found.size == 0 or (ndim is not None and found.ndim != ndim):
        raise FileFormatError(
            "a field is missing, empty or of another shape",
            file=path,
            field=name,
            value=None if found is None else found.shape,
            limit=None if ndim is None else f"{ndim} dimensions",
            remedy="the file is damaged or not finished: copy it again",
        )
    return found
