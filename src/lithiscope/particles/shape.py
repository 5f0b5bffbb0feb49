"""Size and place of particles, from their masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.particles.find import edge_numbers
from lithiscope.particles.images import frames_of_cycle, positions, spacing
from lithiscope.particles.kernels import group_nanmean, group_pixels

if TYPE_CHECKING:
    import xarray as xr


def shape_variables(video: xr.Dataset, labels: xr.DataArray, numbers: np.ndarray) -> dict[str, tuple[str, Any]]:
    """Return size, place and thickness of the particles, as variables of a particle table.

    Parameters
    ----------
    video : composition_video
        For pixel size, field of view and thickness.
    labels : DataArray of int, shape (y, x) or (cycle, y, x)
        Particle numbers. With a mask per cycle, `pixel_count` and `area` depend on time, and place and thickness are
        those of all masks of a particle together.
    numbers : ndarray of int
        The particle numbers, ascending.

    Returns
    -------
    dict of str to (dims, array)
        pixel_count, area (um2), centroid (um), bounding_box, touches_edge and thickness (nm) where the video has it.
    """
    pixel = abs(np.prod(spacing(video)))
    images = labels.values.reshape(-1, *labels.shape[-2:])
    count = np.zeros((len(numbers), video.sizes["time"]), dtype=int)
    for image, frames in frames_of_cycle(labels, video):
        count[:, frames] = np.bincount(image.ravel(), minlength=numbers.max() + 1)[numbers][:, None]
    dims = "particle time"
    if "cycle" not in labels.dims:
        dims, count = "particle", count[:, 0]
    touching = set().union(*(edge_numbers(image, _measured(video)) for image in images))
    box, centre = _places(images, numbers)
    result: dict[str, tuple[str, Any]] = {
        "pixel_count": (dims, count),
        "area": (dims, count * pixel),
        "centroid": ("particle axis", positions(video, centre)),
        "bounding_box": ("particle corner", box),
        "touches_edge": ("particle", np.isin(numbers, list(touching))),
    }
    if "thickness" in video:
        thickness = np.asarray(video["thickness"].values, dtype=float).ravel()
        result["thickness"] = ("particle", _mean_over(thickness, images, numbers))
    return result


def _measured(video: xr.Dataset) -> np.ndarray:
    """Pixels with a value in any frame; all of them where only the particles carry values."""
    if "amount" not in video:
        return np.ones((video.sizes["y"], video.sizes["x"]), dtype=bool)
    finite = np.isfinite(video["amount"].values)
    return np.asarray(finite.any(axis=0) if "time" in video["amount"].dims else finite)


def _places(images: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounding box (y_start, y_stop, x_start, x_stop) and mean (row, column) of every particle over all its masks."""
    groups = group_pixels(images)
    row, column = np.unravel_index(groups.pixels % images[0].size, images[0].shape)
    size = np.diff(np.append(groups.start, len(groups.pixels)))
    box = np.empty((len(numbers), 4), dtype=int)
    centre = np.empty((len(numbers), 2))
    for axis, index in enumerate((row, column)):
        box[:, 2 * axis] = np.minimum.reduceat(index, groups.start)
        box[:, 2 * axis + 1] = np.maximum.reduceat(index, groups.start) + 1
        centre[:, axis] = np.add.reduceat(index, groups.start) / size
    return box, centre


def _mean_over(values: np.ndarray, images: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    groups = group_pixels(images)
    return np.asarray(group_nanmean(values[groups.pixels % values.size][None, :], groups.start)[0][: len(numbers)])
