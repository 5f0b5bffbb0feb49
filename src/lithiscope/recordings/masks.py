"""Masks from text files, as aXis2000 and its companions write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import FileFormatError

if TYPE_CHECKING:
    import xarray as xr

LARGEST_MASK = 64 * 2**20


def read_mask(path: str | Path) -> xr.DataArray:
    """Read a text mask (.msk): one line a row of the image, ``O`` inside and a blank outside.

    Parameters
    ----------
    path : str or Path
        The file; its rows are in the order of those of the image files.

    Returns
    -------
    xarray.DataArray
        bool, dimensions (y, x), without coordinates: they are those of the recording that it belongs to.

    Raises
    ------
    FileFormatError
        If there are other characters, or the lines differ in length.
    """
    import xarray as xr

    path = Path(path)
    if not path.is_file() or path.stat().st_size > LARGEST_MASK:
        raise FileFormatError(
            "there is no such file, or it is too large for a mask",
            file=path,
            remedy="mend the path, or save the mask as TIFF",
        )
    lines = path.read_bytes().decode("latin-1").splitlines()
    while lines and not lines[-1]:
        lines.pop()
    lengths = {len(line) for line in lines}
    strange = set().union(*lines) - {"O", " "}
    if strange or len(lengths) != 1:
        raise FileFormatError(
            "the file is no text mask",
            file=path,
            value=sorted(strange) or f"lines of {sorted(lengths)} characters",
            limit="lines of equal length made of O and blanks",
            remedy="save the mask as TIFF, or as text of O and blanks",
        )
    mask = np.array([[letter == "O" for letter in line] for line in lines])
    return xr.DataArray(mask, dims=("y", "x"), name="mask", attrs={"source": path.name})
