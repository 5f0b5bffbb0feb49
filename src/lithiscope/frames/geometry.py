"""Axes and sizes of pixels of frames, read from their coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError

if TYPE_CHECKING:
    import xarray as xr

_UNEVEN = 0.01


def spatial_axes(frames: xr.Dataset, name: str) -> tuple[str, ...]:
    """Return the spatial dimensions of a variable, in order."""
    return tuple(axis for axis in ("z", "y", "x") if axis in frames[name].dims)


def pixel_size(frames: xr.Dataset, axes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the distance of the pixels along each axis, um; 1 for an axis of one pixel.

    Raises
    ------
    AnalysisError
        If the coordinates of an axis are missing, uneven or not increasing.
    """
    sizes = np.ones(len(axes))
    for k, axis in enumerate(axes):
        if axis not in frames.coords:
            raise AnalysisError(
                "a spatial axis has no coordinates", field=axis, remedy="give the pixel positions in um"
            )
        steps = np.diff(np.asarray(frames[axis].values, dtype=float))
        if steps.size == 0:
            continue
        sizes[k] = steps.mean()
        if not np.all(np.isfinite(steps)) or sizes[k] <= 0 or np.ptp(steps) > _UNEVEN * sizes[k]:
            raise AnalysisError(
                "the pixels are not evenly spaced",
                field=axis,
                value=f"steps from {steps.min():.6g} to {steps.max():.6g} um",
                limit=f"even within {100 * _UNEVEN:g} %, increasing",
                remedy="resample the picture onto an even grid first",
            )
    return sizes


def coordinates(data: xr.Dataset, dims: tuple[str, ...]) -> dict[str, tuple[str, Any]]:
    """Return the coordinates of a stage that lie along some of the named dimensions, for `stages.new`."""
    return {
        str(name): (" ".join(str(dim) for dim in coord.dims), coord.values)
        for name, coord in data.coords.items()
        if coord.dims and set(coord.dims) <= set(dims)
    }


def carried(data: xr.Dataset, *names: str) -> dict[str, tuple[str, Any]]:
    """Return the named variables that a stage has, for `stages.new`."""
    return {name: (" ".join(str(dim) for dim in data[name].dims), data[name].values) for name in names if name in data}
