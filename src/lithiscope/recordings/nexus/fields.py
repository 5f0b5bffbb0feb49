"""Reading single fields of HDF5 files: strings in whatever encoding, units, arrays no larger than their file."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from lithiscope.errors import FileFormatError

# HDF5 lets a file declare arrays that it does not hold; no detector image compresses better than this.
MOST_COMPRESSED = 2000
SMALL = 2**20
# A field of text is one string, or an array of a few.
_FEW = range(1, 1000)


def as_text(value: Any) -> str:
    r"""Return a string of an HDF5 file: scalar or array of one, bytes in UTF-8 or Latin-1.

    Examples
    --------
    >>> as_text(np.array([b"\xb5m"])), as_text("\u03bcm".encode())
    ('µm', 'μm')
    """
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return str(value)


def attribute(item: Any, name: str) -> str:
    """Return an attribute as text, blank when there is none."""
    return as_text(item.attrs[name]).strip() if name in item.attrs else ""


def text(group: Any, name: str) -> str:
    """Return a string field of a group, blank when there is none."""
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or item.size not in _FEW or item.dtype.itemsize > SMALL:
        return ""
    return as_text(item[()]).strip()


def stored(group: Any, name: str, *, file: str) -> Any:
    """Return a numeric field without reading it, or None when there is none.

    Raises
    ------
    FileFormatError
        If it is no array of numbers, or is declared far larger than what the file holds of it.
    """
    item = group.get(name)
    if not isinstance(item, h5py.Dataset):
        return None
    field = f"{group.name}/{name}"
    if item.dtype.kind not in "iufb":
        raise FileFormatError(
            "a field holds no numbers",
            file=file,
            field=field,
            value=item.dtype,
            remedy="export the scan again, or tell us the dialect",
        )
    if item.nbytes > SMALL and not item.is_virtual and item.nbytes > MOST_COMPRESSED * item.id.get_storage_size():
        raise FileFormatError(
            "a field is declared far larger than what the file holds of it",
            file=file,
            field=field,
            value=f"{item.shape}, {item.id.get_storage_size()} bytes stored",
            remedy="the file is damaged or not finished: copy it again",
        )
    return item


def numbers(group: Any, name: str, *, file: str) -> np.ndarray | None:
    """Return a numeric field as float64, or None when there is none; errors are those of `stored`."""
    item = stored(group, name, file=file)
    return None if item is None else as_floats(item[()])


def as_floats(values: Any) -> np.ndarray:
    """Return numbers as float64, whatever kind of NaN is among them."""
    with np.errstate(invalid="ignore"):
        return np.asarray(values, dtype=float)


def some_frames(item: Any, frames: int, kept: np.ndarray) -> np.ndarray:
    """Return some frames of a field that holds a number for each pixel, each frame flat, and read no others.

    Parameters
    ----------
    item : h5py.Dataset
        Frame after frame: flat, or with the frames along its first dimension.
    frames : int
        How many it holds.
    kept : ndarray of int
        Which of them.
    """
    pixels = item.size // frames
    if item.ndim == 1:
        return np.stack([as_floats(item[pixels * frame : pixels * (frame + 1)]) for frame in kept])
    if item.shape[0] == frames:
        return np.stack([as_floats(item[frame]).ravel() for frame in kept])
    return np.asarray(as_floats(item[()]).reshape(frames, pixels)[kept])


def unit(group: Any, name: str) -> str | None:
    """Return the unit of a field, None when it is blank or absent."""
    item = group.get(name)
    return (attribute(item, "units") or None) if isinstance(item, h5py.Dataset) else None
