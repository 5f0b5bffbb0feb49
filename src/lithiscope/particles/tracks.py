"""Following particles in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.particles.identity import name_particles
from lithiscope.particles.images import check_labels, spacing
from lithiscope.particles.kernels import group_count, group_pixels, group_sum
from lithiscope.particles.options import TrackOptions

if TYPE_CHECKING:
    import xarray as xr

_LEAST_SIGMA = 5.0  # an amount below this many of its standard deviations has no centre


def track(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: TrackOptions = TrackOptions(),  # noqa: B008
) -> xr.Dataset:
    """Follow the particles: their centre in every frame, their area in every cycle.

    Parameters
    ----------
    video : composition_video
        With `amount` (time, y, x).
    labels : DataArray of int, shape (y, x)
        Particle numbers; 0 is background.
    ids : mapping of int to str, optional
        Names of the particles; `name_particles` by default.
    options : TrackOptions
        How far beyond its mask a particle is looked for; what bounds its area.

    Returns
    -------
    particle_tracks
        The centre of the amount within the mask and a margin around it, sum(r A)/sum(A), with its random standard
        deviation. A particle with a missing pixel in a frame has NaN there, flagged ``missing``, because a gap moves
        the centre. The area is that of the time-mean amount of the cycle above half of its plateau.

    Raises
    ------
    StageError
        If the amount of every frame is not there, or the labels do not fit.
    """
    stages.check(video, "composition_video")
    check_labels(labels, video)
    if "amount" not in video or "time" not in video["amount"].dims or "cycle" in labels.dims:
        raise StageError(
            "particles are followed in the amount of every frame, from one mask",
            field="amount and labels",
            limit="amount (time, y, x), labels (y, x)",
            remedy="use a composition video whose amount depends on time",
        )
    from skimage.segmentation import expand_labels

    step = spacing(video)
    names = name_particles(labels) if ids is None else ids
    around = expand_labels(labels.values, options.margin / min(map(abs, step)))
    centre, centre_std, flag = _centres(video, around)
    area, cycles = _areas(video, labels.values, around, abs(step[0] * step[1]), options)
    numbers = [int(number) for number in group_pixels(labels.values).numbers]
    variables: dict[str, tuple[str, Any]] = {
        "centroid": ("particle time axis", centre),
        "centroid_std": ("particle time axis", centre_std),
        "centroid_flag": ("particle time", flag),
        "area": ("particle cycle", area),
    }
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array([names[number] for number in numbers], dtype=str)),
        "label": ("particle", numbers),
        "axis": ("axis", np.array(["y", "x"])),
        "cycle": ("cycle", cycles),
    }
    for name in ("time", "scan", "half_cycle", "direction"):
        if name in video.coords:
            coords[name] = ("time", video[name].values)
    return stages.new("particle_tracks", variables, coords=coords)


def _centres(video: xr.Dataset, around: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    groups = group_pixels(around)
    amount = _pixels(video, "amount", groups.pixels)
    gain = np.asarray(video["noise_gain"].values)[:, None] if "noise_gain" in video else 1.0
    has_noise = "amount_std" in video
    variance = (_pixels(video, "amount_std", groups.pixels) / gain) ** 2 if has_noise else np.zeros_like(amount)
    total = group_sum(amount, groups.start)
    missing = group_count(np.isnan(amount), groups.start) > 0
    thin = ~missing & ~(total > _LEAST_SIGMA * np.sqrt(group_sum(variance, groups.start)))
    flag = missing * stages.flag_bit("missing") | thin * stages.flag_bit("no_material")
    index = np.unravel_index(groups.pixels, around.shape)
    centre, centre_std = np.empty((2, *total.shape, 2))
    for axis, dim in enumerate(("y", "x")):
        place = np.asarray(video[dim].values, dtype=float)[index[axis]]
        with np.errstate(divide="ignore", invalid="ignore"):
            centre[..., axis] = group_sum(amount * place, groups.start) / total
            lever = place - centre[:, groups.member, axis]
            centre_std[..., axis] = np.sqrt(group_sum(lever**2 * variance, groups.start)) / np.abs(total)
    lost = stages.fatal_mask(flag)
    centre[lost] = centre_std[lost] = np.nan
    return centre.swapaxes(0, 1), centre_std.swapaxes(0, 1) if has_noise else None, flag.T


def _pixels(video: xr.Dataset, name: str, pixels: np.ndarray) -> np.ndarray:
    values = np.asarray(video[name].values)
    return values.reshape(len(values), -1)[:, pixels].astype(float)


def _areas(
    video: xr.Dataset, label: np.ndarray, around: np.ndarray, pixel: float, options: TrackOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Area of every particle in every cycle, (particle, cycle), and the cycles; one cycle 0 where none is declared."""
    of_frame = (
        np.asarray(video["cycle"].values) if "cycle" in video.coords else np.zeros(video.sizes["time"], dtype=int)
    )
    cycles = np.unique(of_frame)
    own, wide = group_pixels(label), group_pixels(around)
    area = np.full((len(own.numbers), len(cycles)), np.nan)
    for column, cycle in enumerate(cycles):
        frames = np.flatnonzero(of_frame == cycle)
        mean = np.asarray(video["amount"].isel(time=frames).mean("time", skipna=True, dtype=float).values).ravel()
        plateau = np.array(
            [np.percentile(mean[pixels], options.plateau_percentile) for pixels in np.split(own.pixels, own.start[1:])]
        )
        inside = mean[wide.pixels] > options.threshold * plateau[wide.member]
        area[:, column] = group_count(inside[None, :], wide.start)[0] * pixel
        area[~np.isfinite(plateau), column] = np.nan
    return area, cycles
