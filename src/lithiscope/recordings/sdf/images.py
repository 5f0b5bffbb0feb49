"""The image files of an SDF scan: their names, and their text."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from lithiscope.errors import FileFormatError


def image_names(stem: str, *, channel: int, frame: int, region: int, frames: int, regions: int) -> list[str]:
    """Return the names that an image file may have, the usual one first.

    The letter is the channel. A stack numbers its energies with three digits, a scan of several regions appends the
    number of the region: ``_a.xim``, ``_a1.xim``, ``_a017.xim``, ``_a0171.xim``.

    Examples
    --------
    >>> image_names("A", channel=0, frame=17, region=1, frames=60, regions=2)
    ['A_a0171.xim']
    >>> image_names("A", channel=1, frame=0, region=0, frames=1, regions=1)
    ['A_b.xim', 'A_b000.xim']
    """
    start = f"{stem}_{chr(ord('a') + channel)}"
    numbered = f"{start}{frame:03d}{region if regions > 1 else ''}.xim"
    if frames > 1:
        return [numbered]
    return [f"{start}{region if regions > 1 else ''}.xim", numbered]


class Image(NamedTuple):
    """An image as its file holds it.

    Attributes
    ----------
    values : ndarray of shape (rows, columns)
        NaN where the file holds nothing that can be trusted.
    lacking : str
        What the file lacks, for a warning; empty for a complete file.
    """

    values: np.ndarray
    lacking: str


def read_image(path: Path, shape: tuple[int, int]) -> Image:
    """Read one image.

    Parameters
    ----------
    path : Path
        A text file with one row of the image a line.
    shape : tuple of int
        Rows and columns that the header states.

    Returns
    -------
    Image
        Rows that the file lacks are NaN; so is a last row that was cut off, because its last number may be cut too,
        and the last number of a whole row where nothing shows that it is all there.

    Raises
    ------
    FileFormatError
        If a row has another length than the header says, there are too many rows, or a word is no number.
    """
    text = path.read_bytes().decode("latin-1")
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    lines = [line.split() for line in text.splitlines()]
    lines = [line for line in lines if line]
    rows, columns = shape
    unfinished = []
    if lines and len(lines) <= rows and len(lines[-1]) < columns and (len(lines) < rows or not text.endswith("\n")):
        unfinished = lines.pop()[:-1]
    _check_rows(lines, shape, path)
    cut = bool(lines) and not unfinished and _last_may_be_cut(text, lines)
    last = [lines[-1].pop()] if cut else []
    image = np.full(shape, np.nan)
    try:
        np.array(unfinished, dtype=float)
        values = np.array([word for line in lines for word in line], dtype=float)
    except ValueError as error:
        raise FileFormatError(
            "an image file holds something that is no number",
            file=path,
            value=error,
            limit="numbers and tabs",
            remedy="the image is damaged: copy it again",
        ) from None
    image.flat[: values.size] = values
    gone = [f"{rows - len(lines)} of {rows} rows"] if len(lines) < rows else []
    return Image(image, " and ".join([*gone, *(f"the last number ({word}, perhaps cut off)" for word in last)]))


def _last_may_be_cut(text: str, lines: list[list[str]]) -> bool:
    """Whether the last number of whole rows may lack digits.

    STXM_Control ends every row, the last one too, with a line feed, right after the number or after a tab: a complete
    file ends in white space. One that ends in a digit was cut, or went through a program that drops the last line feed.
    The decimals tell the two apart: where all numbers are written with equally many, a last
    one with as many is whole. Of whole numbers nothing tells.
    """
    if text[-1:].isspace():
        return False
    decimals = {len(word.partition(".")[2]) for line in lines for word in line}
    return len(decimals) > 1 or decimals == {0}


def _check_rows(lines: list[list[str]], shape: tuple[int, int], path: Path) -> None:
    rows, columns = shape
    wrong = next((number for number, line in enumerate(lines) if len(line) != columns), None)
    if wrong is not None:
        raise FileFormatError(
            "a row of an image file has another length than the header says",
            file=path,
            field=f"row {wrong + 1}",
            value=len(lines[wrong]),
            limit=f"{columns} numbers",
            remedy="check that header and images belong together",
        )
    if len(lines) > rows:
        raise FileFormatError(
            "an image file has more rows than the header says",
            file=path,
            value=len(lines),
            limit=f"{rows} rows",
            remedy="header and image do not belong together: copy both again",
        )
