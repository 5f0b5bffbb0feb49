"""Pictures that are copies of each other: one of the two is not what its file says."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import FileFormatError

if TYPE_CHECKING:
    import xarray as xr

# In fewer pixels than these, counts may be equal by chance, or made up.
_PIXELS = 64
# Of the scatter of counting: detectors that write averages scatter less, pictures without noise hardly at all.
_SCATTER = 0.3
_MEDIAN_OF_GAUSSIAN = 0.6745


class SeenPictures:
    """The pictures of a series that were seen so far, one digest each.

    Two exposures never count the same in every pixel. Pictures that do not scatter like counts (blank, hardly lit, or
    calculated without noise) may repeat.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, str] = {}
        self._copies: list[tuple[str, str, str]] = []

    def add(self, scan: xr.Dataset) -> None:
        """Look at the pictures of a scan (stage recording, with its counts), one after the other."""
        name = str(scan.attrs.get("source", "scan"))
        counts = scan["counts"]
        energies = np.broadcast_to(scan["energy"].values, counts.shape[:-2]).ravel()
        for energy, picture in zip(energies, counts.values.reshape(-1, *counts.shape[-2:]), strict=True):
            here = f"{name} at {energy:g} eV"
            digest = blake2b(np.ascontiguousarray(picture, dtype=float).data, digest_size=16).digest()
            if digest not in self._seen:
                self._seen[digest] = here
            elif scatters_like_counts(picture):
                self._copies.append((name, here, self._seen[digest]))

    def refuse_copies(self) -> None:
        """Refuse a series of which one picture is a copy of another.

        To be asked when the scans are known to make a series: a scan given twice is told apart there.

        Raises
        ------
        FileFormatError
            If a picture was equal, pixel for pixel, to another of its scan or of one before.
        """
        if not self._copies:
            return
        name, here, there = self._copies[0]
        more = f"; and {len(self._copies) - 1} more" if len(self._copies) > 1 else ""
        raise FileFormatError(
            "two pictures are equal in every pixel, which two exposures never are",
            file=name,
            field="counts",
            value=f"{here} is {there}{more}",
            remedy="one of the two is a copy: copy both from the microscope again, or leave this scan out",
        )


def scatters_like_counts(picture: np.ndarray) -> bool:
    """Whether pixels differ from their neighbours by as much as counts do by chance.

    Parameters
    ----------
    picture : ndarray of shape (Y, X)
        Counts; NaN where there is no value.

    Examples
    --------
    >>> counts = np.random.default_rng(1).poisson(200.0, (20, 20))
    >>> scatters_like_counts(counts), scatters_like_counts(np.full((20, 20), 200.0))
    (True, False)
    """
    known = picture[np.isfinite(picture)]
    if known.size < _PIXELS or picture.shape[-1] < 3:
        return False
    # The median, so that edges do not count.
    bend = np.abs(np.diff(picture.astype(float), 2, axis=-1))
    bend = bend[np.isfinite(bend)]
    level = max(float(np.median(known)), 0.0)
    scatter = float(np.median(bend)) / (_MEDIAN_OF_GAUSSIAN * np.sqrt(6)) if bend.size else 0.0
    return bool(scatter > _SCATTER * np.sqrt(level) and scatter > 0)
