"""The boundary between two phases: where its normal points, how large it is, and how fast it moves along its normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lithiscope.studies.simulation_measures import Floats, cells

if TYPE_CHECKING:
    import xarray as xr

_SMALLEST_PHASE = 0.1  # below it there is a nucleus, and no boundary across the particle
_AXES = ("z", "y", "x")


@dataclass(frozen=True)
class Motion:
    """How a boundary moves while current flows and it spans the particle from side to side.

    Attributes
    ----------
    time : ndarray, shape (frames,)
        Frames at which it does, s.
    position : ndarray, shape (frames,)
        Place of the boundary along its mean normal, nm, from where it is first; rising with the lithium-rich phase.
    tilt : ndarray, shape (frames,)
        Of `boundary_tilt`, degrees.
    speed : float
        Slope of a straight line through the positions, nm/s; NaN for fewer than three frames.
    demanded : float
        What the current asks of a boundary of this area, nm/s: d<x>/dt V / integral of |grad x|, which is the area
        times the step of x (coarea formula).
    """

    time: Floats
    position: Floats
    tilt: Floats
    speed: float
    demanded: float


def boundary_tilt(video: xr.Dataset, threshold: float = 0.5) -> tuple[Floats, Floats]:
    """Return where the normal of the phase boundary points in every frame, degrees.

    The normal is the direction in which x changes most: first principal axis of the sum of (grad x)(grad x)^T over all
    pairs of neighbours inside, so each part of the boundary counts by its area and steepness.

    Parameters
    ----------
    video : composition_video
        Of two or three dimensions.
    threshold : float
        x above which a cell counts as lithium-rich.

    Returns
    -------
    tilt : ndarray, shape (time,)
        Angle between the normal's projection on the picture and the x axis, 0 to 90; NaN where the smaller phase holds
        less than a tenth of the particle.
    inclination : ndarray, shape (time,)
        Angle between the normal and the picture, 0 to 90; 0 in two dimensions.
    """
    normal = np.abs(_normals(_slopes(video)[0]))
    rich = _rich(video, threshold)
    shown = (rich > _SMALLEST_PHASE) & (rich < 1 - _SMALLEST_PHASE)
    across = np.hypot(normal[:, -1], normal[:, -2])
    tilt = np.degrees(np.arctan2(normal[:, -2], normal[:, -1]))
    out = np.degrees(np.arctan2(normal[:, 0], across)) if normal.shape[1] == 3 else np.zeros_like(tilt)
    return np.where(shown, tilt, np.nan), np.where(shown, out, np.nan)


def boundary_motion(video: xr.Dataset, threshold: float = 0.5) -> Motion:
    """Return how the boundary moves along its normal, and how fast the current says it must.

    The place of the boundary is the mean place of (grad x)^2. It moves along the normal only as long as the boundary
    ends at the same two sides, so frames count in which both sides hold both phases.

    Parameters
    ----------
    video : composition_video
        Of two or three dimensions, under current in one direction.
    threshold : float
        x above which a cell counts as lithium-rich.
    """
    tilt = boundary_tilt(video, threshold)[0]
    shown = (np.asarray(video["direction"].values) != 0) & _spans(video, threshold) & np.isfinite(tilt)
    time = np.asarray(video["time"].values, dtype=float)[shown]
    if time.size < 3:
        return Motion(time, np.full(time.shape, np.nan), tilt[shown], float("nan"), float("nan"))
    slopes, places = _slopes(video)
    slopes = slopes[shown]
    normals = _normals(slopes)
    # x falls along the way of a lithium-rich phase that grows.
    normals *= -np.sign(np.sum(slopes.sum(axis=1) * normals, axis=1))[:, None]
    normal = normals.mean(axis=0) / np.linalg.norm(normals.mean(axis=0))
    steep = np.sum(slopes**2, axis=-1)
    position = (steep @ (places @ normal)) / steep.sum(axis=1)
    content, weight = cells(video)
    filling = float(np.polyfit(time, content[shown] @ weight, 1)[0])
    volume = float(np.asarray(video["amount"].values, dtype=float)[np.asarray(video["mask"].values, dtype=bool)].sum())
    area_and_step = float(np.sqrt(steep).sum(axis=1).mean())
    speed = float(np.polyfit(time, position, 1)[0])
    return Motion(time, position - position[0], tilt[shown], speed, filling * volume / area_and_step)


def _rich(video: xr.Dataset, threshold: float) -> Floats:
    content, weight = cells(video)
    return np.asarray((content > threshold) @ weight)


def _spans(video: xr.Dataset, threshold: float) -> NDArray[np.bool_]:
    """Return whether both ends of the particle along y, or both along x, hold both phases: (time,)."""
    inside = np.asarray(video["mask"].values, dtype=bool)
    rich = np.nan_to_num(np.asarray(video["lithium_fraction"].values, dtype=float)) > threshold
    found = np.zeros(len(rich), dtype=bool)
    for axis in (inside.ndim - 2, inside.ndim - 1):
        layers = np.flatnonzero(inside.any(axis=tuple(one for one in range(inside.ndim) if one != axis)))
        both = np.ones(len(rich), dtype=bool)
        for layer in layers[[0, -1]]:
            here = np.take(rich, layer, axis + 1)[:, np.take(inside, layer, axis)]
            both &= here.any(axis=1) & ~here.all(axis=1)
        found |= both
    return found


def _slopes(video: xr.Dataset) -> tuple[Floats, Floats]:
    """Return the slope of x in 1/nm, (time, cells, axes), and the places of the cells in nm, (cells, axes)."""
    inside = np.asarray(video["mask"].values, dtype=bool)
    axes = [name for name in _AXES if name in video.dims]
    places = [np.asarray(video[name].values, dtype=float) * 1e3 for name in axes]
    x = np.nan_to_num(np.asarray(video["lithium_fraction"].values, dtype=float))
    steps = [abs(float(one[-1] - one[0])) / (one.size - 1) for one in places]
    signs = [np.sign(one[-1] - one[0]) for one in places]
    slopes = [_slope(x, inside, axis) * sign / step for axis, (step, sign) in enumerate(zip(steps, signs, strict=True))]
    grid = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1)
    return np.stack(slopes, axis=-1).reshape(len(x), -1, len(axes)), grid.reshape(-1, len(axes))


def _normals(slopes: Floats) -> Floats:
    """Return the first principal axis of the slopes of every frame: (time, axes)."""
    return np.asarray(np.linalg.eigh(np.swapaxes(slopes, 1, 2) @ slopes)[1][:, :, -1])


def _slope(x: Floats, inside: NDArray[np.bool_], axis: int) -> Floats:
    """Return the change of x (time, ...) to the next cell of an axis, mean of both sides; 0 across the surface."""
    along = np.diff(x, axis=axis + 1)
    both = np.take(inside, range(1, inside.shape[axis]), axis) & np.take(inside, range(inside.shape[axis] - 1), axis)
    along = np.where(both, along, 0.0)
    none = np.zeros_like(np.take(along, [0], axis + 1))
    return np.asarray(
        (np.concatenate([none, along], axis + 1) + np.concatenate([along, none], axis + 1)) / 2, dtype=float
    )
