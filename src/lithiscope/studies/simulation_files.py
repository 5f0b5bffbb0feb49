"""The files that a simulation recipe may name: masks, outlines, tables of j0, and x at the start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import FileFormatError


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return a mask of two or three dimensions, not 0 is inside; see `read_cells`."""
    values = read_cells(path, "the mask")
    if values.ndim not in (2, 3) or not values.any():
        raise FileFormatError(
            "the mask holds no particle",
            file=path,
            value=f"shape {values.shape}, {np.count_nonzero(values)} cells inside",
            limit="two or three dimensions, some cells not 0",
        )
    return np.asarray(values != 0)


def read_start(path: Path, shape: Sequence[int]) -> NDArray[np.float64]:
    """Return x at the start in every cell of a grid of this shape; see `read_cells`."""
    values = read_cells(path, "the composition at the start")
    if values.shape != tuple(shape) or values.dtype.kind not in "fiu":
        raise FileFormatError(
            "the composition at the start does not fit the grid",
            file=path,
            field="initial",
            value=f"{values.dtype} of shape {values.shape}",
            limit=f"numbers of shape {tuple(shape)}, in the order (z), y, x",
            remedy="shapes other than pictures have empty cells around the particle: give those too",
        )
    return np.asarray(values, dtype=float)


def read_cells(path: Path, what: str) -> NDArray[Any]:
    """Return the numbers of a picture (.png, .tif; several pages are planes along z) or of a .npy.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    from PIL import UnidentifiedImageError

    try:
        if path.suffix.lower() == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        if path.suffix.lower() in (".tif", ".tiff"):
            import tifffile

            return np.asarray(tifffile.imread(path))
        return _picture(path)
    except (OSError, ValueError, EOFError, UnidentifiedImageError) as error:
        raise FileFormatError(
            f"{what} cannot be read",
            file=path,
            limit="a .png or .tif with one value a pixel, or a .npy",
            remedy=str(error) or type(error).__name__,
        ) from None


def _picture(path: Path) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("I"))


def read_outline(path: Path) -> NDArray[np.float64]:
    """Return the points y, x of an outline in um."""
    return _columns(path, "the outline cannot be read", "lines of y,x in um; # begins a remark")


def read_exchange(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and j0 in A/m2 of a table.

    Raises
    ------
    FileFormatError
        If there are not two columns, x does not rise within 0 to 1, or j0 is not above zero.
    """
    limit = "lines of x,j0 in A/m2; x rising within 0 to 1, j0 above 0; # begins a remark"
    points = _columns(path, "the table of j0 cannot be read", limit)
    x, current = points.T if points.shape[1:] == (2,) else (np.zeros(0), np.zeros(0))
    rising = x.size > 1 and bool(np.all(np.diff(x) > 0)) and x[0] >= 0 and x[-1] <= 1
    if not rising or not np.all(np.isfinite(current) & (current > 0)):
        raise FileFormatError(
            "the table of j0 cannot be used",
            file=path,
            field="reaction.exchange_current",
            value=points.tolist(),
            limit=limit,
            remedy="leave out points where j0 is 0: between points ln j0 is straight, beyond them j0 stays",
        )
    return x, current


def _columns(path: Path, problem: str, limit: str) -> NDArray[np.float64]:
    try:
        return np.asarray(np.loadtxt(path, delimiter=",", comments="#", ndmin=2), dtype=float)
    except (OSError, ValueError) as error:
        raise FileFormatError(problem, file=path, limit=limit, remedy=str(error)) from None
