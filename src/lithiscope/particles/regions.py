"""Regions: named polygons in pixel coordinates, between label images and the files of other programs.

Coordinates are (x, y) in pixels as in Fiji and QuPath: integers are pixel corners, pixel (row i, column j) covers
[j, j+1] x [i, i+1] and its centre is at (j + 0.5, i + 0.5). A pixel belongs to a region when its centre does.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeWarning
from lithiscope.particles.kernels import fill_rings


@dataclass(frozen=True)
class Region:
    """One named region.

    Parameters
    ----------
    name : str
        Its name in the file.
    rings : tuple of ndarray, each of shape (corners, 2)
        Closed rings of (x, y) in pixels, the last corner unlike the first; what lies inside an odd number of them
        belongs to the region, so that a ring in a ring is a hole.
    """

    name: str
    rings: tuple[np.ndarray, ...]


def ring(points: Sequence[object] | np.ndarray, *, file: Path, name: str) -> np.ndarray:
    """Check the corners of a ring and return them without a repeated last one; float64, shape (corners, 2).

    Raises
    ------
    FileFormatError
        If they are not three or more pairs of finite numbers.
    """
    try:
        corners = np.asarray(points, dtype=float)
    except (TypeError, ValueError):
        corners = np.empty(0)
    if corners.ndim != 2 or corners.shape[1] not in (2, 3) or not np.isfinite(corners).all():
        raise FileFormatError(
            "the corners of a region are no pairs of numbers",
            file=file,
            field=name,
            limit="[x, y]",
            remedy="export the regions again",
        )
    corners = corners[:, :2]
    if len(corners) > 1 and np.array_equal(corners[0], corners[-1]):
        corners = corners[:-1]
    if len(corners) < 3:
        raise FileFormatError(
            "a region has too few corners",
            file=file,
            field=name,
            value=len(corners),
            limit="3",
            remedy="draw it as a polygon",
        )
    return corners


def pixel_squares(points: Sequence[object] | np.ndarray, *, file: Path, name: str) -> tuple[np.ndarray, ...]:
    """Return the outlines of the pixels in which points (x, y) lie, each pixel once.

    Raises
    ------
    FileFormatError
        If they are not pairs of finite numbers.
    """
    try:
        places = np.asarray(points, dtype=float)
    except (TypeError, ValueError):
        places = np.empty(0)
    if places.ndim != 2 or places.shape[1] not in (2, 3) or not len(places) or not np.isfinite(places).all():
        raise FileFormatError(
            "points are no pairs of numbers", file=file, field=name, limit="[x, y]", remedy="export the points again"
        )
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return tuple(pixel + corners for pixel in np.unique(np.floor(places[:, :2]), axis=0))


def fill(regions: Sequence[Region], shape: tuple[int, int], overlap: str, file: Path) -> np.ndarray:
    """Paint regions into a label image, numbered from 1 in their order.

    Parameters
    ----------
    regions : sequence of Region
        What to paint.
    shape : (int, int)
        Rows and columns.
    overlap : {"error", "first", "last", "joined"}
        Who gets a pixel inside two regions; joined: one of them, where only the area of all together matters.
    file : Path
        For the messages.

    Returns
    -------
    ndarray of int32, shape `shape`

    Raises
    ------
    AnalysisError
        If a region holds no pixel, or two regions overlap and that is an error.
    """
    label = np.zeros(shape, dtype=np.int32)
    for number, region in enumerate(regions, start=1):
        inside = _filled(region, shape)
        if not inside.any():
            raise AnalysisError(
                "a region holds no pixel of the picture",
                file=file,
                field=region.name,
                value=f"x {_extent(region, 0)}, y {_extent(region, 1)} pixels",
                limit=f"x 0 to {shape[1]}, y 0 to {shape[0]}",
                remedy="draw the regions on a picture of this scan, at its pixel size",
            )
        _warn_beyond(region, shape, file)
        taken = inside & (label > 0)
        if taken.any() and overlap == "error":
            _raise_overlap(regions[label[taken][0] - 1], region, int(taken.sum()), file)
        label[inside & ~taken if overlap == "first" else inside] = number
    if overlap == "joined":
        return label
    hidden = sorted(set(range(1, len(regions) + 1)) - set(np.unique(label).tolist()))
    if hidden:
        raise AnalysisError(
            "a region lies wholly under others",
            file=file,
            field=regions[hidden[0] - 1].name,
            value=f"overlap: {overlap}",
            remedy="remove one of them",
        )
    return label


def _filled(region: Region, shape: tuple[int, int]) -> np.ndarray:
    corners = np.concatenate(region.rings)
    following = np.concatenate([np.roll(one, -1, axis=0) for one in region.rings])
    return np.asarray(fill_rings(corners, following, shape))


def _extent(region: Region, axis: int) -> str:
    along = np.concatenate(region.rings)[:, axis]
    return f"{along.min():g} to {along.max():g}"


def _warn_beyond(region: Region, shape: tuple[int, int], file: Path) -> None:
    corners = np.concatenate(region.rings)
    # One pixel is the hand of whoever drew it; more is another picture.
    if (corners < -1).any() or (corners > np.array(shape[::-1]) + 1).any():
        warnings.warn(
            f"{file}: region {region.name!r} reaches beyond the picture of {shape[1]} x {shape[0]} pixels and was cut",
            LithiscopeWarning,
            stacklevel=4,
        )


def _raise_overlap(first: Region, second: Region, pixels: int, file: Path) -> None:
    raise AnalysisError(
        "two regions overlap",
        file=file,
        field=f"{first.name}, {second.name}",
        value=f"{pixels} pixels",
        limit="0 pixels",
        remedy="redraw one of them, or set overlap to first or last",
    )
