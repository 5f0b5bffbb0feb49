"""Lines as the counter of pystxmcontrol 2.0 wrote them: more samples than pixels, with the measured positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.nexus.fields import numbers


def binned_lines(
    entry: Any, data: Any, counts: np.ndarray, energy: np.ndarray, file: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Put the samples of each line into the pixels that were asked for.

    A pixel holds the mean of its samples times the usual number of samples in a pixel, so that pixels with a sample
    more or less compare, and counting statistics hold to that number's fluctuation.

    Parameters
    ----------
    entry, data : h5py.Group
        The entry and its channel; ``requested_values`` holds the positions of the pixels in um.
    counts : ndarray of shape (E, Y, N)
        N samples a line; zeros were not taken.
    energy : ndarray of shape (E,)
        In eV.
    file : str
        For messages.

    Returns
    -------
    counts : ndarray of shape (E, Y, X)
        NaN where a pixel has no sample.
    energy, y, x : ndarray
        In eV and um.

    Raises
    ------
    FileFormatError
        If positions are missing or do not fit the samples.
    """
    y, x = (numbers(entry, f"requested_values/sample_{axis}", file=file) for axis in "yx")
    measured = numbers(data, "sample_x", file=file)
    fit = x is not None and measured is not None and measured.shape == counts.shape and x.size > 1
    if y is None or x is None or measured is None or not fit or not np.all(np.isfinite(x)):
        raise FileFormatError(
            "the lines have no positions that fit them",
            file=file,
            field="requested_values",
            value=None if measured is None else measured.shape,
            limit=str(counts.shape),
            remedy="the file is damaged or not finished: copy it again",
        )
    if counts.ndim != 3 or counts.shape[:2] != (energy.size, y.size):
        raise FileFormatError(
            "the axes do not fit the data",
            file=file,
            field=str(data.name),
            value=counts.shape,
            limit=f"{energy.size} energies, {y.size} lines",
            remedy="only images and image stacks over energy can be read",
        )
    step = (x[-1] - x[0]) / (x.size - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        pixel = np.rint((measured - x[0]) / step)
    taken = (counts > 0) & np.isfinite(counts) & (pixel >= 0) & (pixel < x.size)
    line = np.broadcast_to(np.arange(energy.size * y.size).reshape(energy.size, y.size, 1), counts.shape)
    at = line[taken] * x.size + pixel[taken].astype(int)
    length = energy.size * y.size * x.size
    samples = np.bincount(at, minlength=length)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(at, weights=counts[taken], minlength=length) / samples
    usual = np.median(samples[samples > 0]) if taken.any() else 1.0
    return (mean * usual).reshape(energy.size, y.size, x.size), energy, y, x
