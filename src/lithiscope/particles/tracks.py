"""Following particles in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.particles.identity import name_particles
from lithiscope.particles.images import check_labels, frames_of_cycle, spacing
from lithiscope.particles.kernels import Groups, group_count, group_pixels, group_sum
from lithiscope.particles.options import TrackOptions

if TYPE_CHECKING:
    import xarray as xr

_LEAST_SIGMA = 5.0  # an amount below this many of its standard deviations has no centre
_SURE = 5.0  # and a centre that strays by so many of its own was not there by chance


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
    labels : DataArray of int, shape (y, x) or (cycle, y, x)
        Particle numbers; 0 is background. With one image per cycle, each frame has that of its cycle.
    ids : mapping of int to str, optional
        Names of the particles; `name_particles` by default.
    options : TrackOptions
        How far beyond its mask a particle is looked for; what bounds its area.

    Returns
    -------
    particle_tracks
        The centre of the amount within the mask and a margin around it, sum(r A)/sum(A), with its random standard
        deviation. A particle with a missing pixel in a frame has NaN there, flagged ``missing``, because a gap moves
        the centre; so has one that has no mask in that cycle. The area is that of the time-mean amount of the cycle
        above half of its plateau. Frames are read one by one.

    Raises
    ------
    StageError
        If the amount of every frame is not there, or the labels do not fit.
    """
    stages.check(video, "composition_video")
    check_labels(labels, video)
    if "amount" not in video or "time" not in video["amount"].dims:
        raise StageError(
            "particles are followed in the amount of every frame",
            field="amount",
            limit="amount (time, y, x)",
            remedy="use a composition video whose amount depends on time",
        )
    names = name_particles(labels) if ids is None else ids
    numbers = np.unique(labels.values[labels.values > 0])
    count, step = len(numbers), spacing(video)
    centre, centre_std = np.full((2, count, video.sizes["time"], 2), np.nan)
    flag = np.full((count, video.sizes["time"]), stages.flag_bit("missing"))
    cycles = _cycles(video)
    area = np.full((count, len(np.unique(cycles))), np.nan)
    for image, frames in frames_of_cycle(labels, video):
        own, wide = group_pixels(image), group_pixels(_widened(image, options.margin / min(map(abs, step))))
        if not own.numbers.size:
            continue
        rows = np.searchsorted(numbers, wide.numbers)
        for frame in frames:
            centre[rows, frame], centre_std[rows, frame], flag[rows, frame] = _centres(video, int(frame), wide)
        for column, cycle in enumerate(np.unique(cycles)):
            some = frames[cycles[frames] == cycle]
            if some.size:
                area[rows, column] = _areas(video, some, own, wide, options) * abs(step[0] * step[1])
    variables: dict[str, tuple[str, Any]] = {
        "centroid": ("particle time axis", centre),
        "centroid_std": ("particle time axis", centre_std if "amount_std" in video else None),
        "centroid_flag": ("particle time", flag),
        "area": ("particle cycle", area),
    }
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array([names[int(number)] for number in numbers], dtype=str)),
        "label": ("particle", numbers),
        "axis": ("axis", np.array(["y", "x"])),
        "cycle": ("cycle", np.unique(cycles)),
    }
    for name in ("time", "scan", "half_cycle", "direction"):
        if name in video.coords:
            coords[name] = ("time", video[name].values)
    return stages.new("particle_tracks", variables, coords=coords)


def strays(tracks: xr.Dataset, pixel: float) -> list[str]:
    """Return what makes the places of particles doubtful, as sentences with a remedy; none where they stay.

    Parameters
    ----------
    tracks : particle_tracks
        With the standard deviations of the centres.
    pixel : float
        Size of a pixel, um.

    Returns
    -------
    list of str
        Particles whose centre strays from its median place by more than a pixel and five standard deviations.
    """
    stages.check(tracks, "particle_tracks")
    if "centroid_std" not in tracks:
        return []
    away = _away(tracks["centroid"].transpose("particle", "time", "axis").values)
    std = tracks["centroid_std"].transpose("particle", "time", "axis").values
    with np.errstate(invalid="ignore"):
        far = ((np.abs(away) > pixel) & (np.abs(away) > _SURE * std)).any(axis=(1, 2))
    if not far.any():
        return []
    farthest = 1e3 * np.nanmax(np.sqrt(np.sum(away[far] ** 2, axis=2)))
    if far.all() and far.size > 1:
        return [
            f"every particle moves, by up to {farthest:.0f} nm from its median place: the scans are not aligned with "
            "each other, and a pixel is not the same material in every scan (align)"
        ]
    names = [str(name) for name in tracks["particle"].values[far]]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    others = "while the others stayed, " if far.size > 1 else ""
    return [
        f"{listed} moved {others}by up to {farthest:.0f} nm from the median place: a pixel of such a "
        "particle is not the same material in every scan; align by regions that hold it (align.area), use a mask per "
        "cycle (particles.find.per_cycle), or leave it out (particles.table.exclude)"
    ]


def _away(place: np.ndarray) -> np.ndarray:
    """Return places (particle, time, axis) from the median in time of each particle; NaN where there is none."""
    known = np.isfinite(place).any(axis=1, keepdims=True)
    filled = np.where(known, place, 0.0)
    return np.asarray(np.where(known, place - np.nanmedian(filled, axis=1, keepdims=True), np.nan))


def _cycles(video: xr.Dataset) -> np.ndarray:
    """Return the cycle of every frame; 0 where none is declared."""
    return np.asarray(video["cycle"].values if "cycle" in video.coords else np.zeros(video.sizes["time"], dtype=int))


def _widened(image: np.ndarray, pixels: float) -> np.ndarray:
    from skimage.segmentation import expand_labels

    return np.asarray(expand_labels(image, pixels))


def _centres(video: xr.Dataset, frame: int, groups: Groups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the centres (particle, axis) of one frame, their standard deviations, and the flags (particle,)."""
    amount = _pixels(video, "amount", frame, groups.pixels)
    gain = float(video["noise_gain"].values[frame]) if "noise_gain" in video else 1.0
    variance = np.zeros_like(amount)
    if "amount_std" in video:
        variance = (_pixels(video, "amount_std", frame, groups.pixels) / gain) ** 2
    total = group_sum(amount, groups.start)
    missing = group_count(np.isnan(amount), groups.start) > 0
    thin = ~missing & ~(total > _LEAST_SIGMA * np.sqrt(group_sum(variance, groups.start)))
    flag = (missing * stages.flag_bit("missing") | thin * stages.flag_bit("no_material"))[0]
    index = np.unravel_index(groups.pixels, (video.sizes["y"], video.sizes["x"]))
    centre, centre_std = np.empty((2, len(groups.numbers), 2))
    for axis, dim in enumerate(("y", "x")):
        place = np.asarray(video[dim].values, dtype=float)[index[axis]]
        with np.errstate(divide="ignore", invalid="ignore"):
            centre[:, axis] = (group_sum(amount * place, groups.start) / total)[0]
            lever = place - centre[groups.member, axis]
            centre_std[:, axis] = (np.sqrt(group_sum(lever**2 * variance, groups.start)) / np.abs(total))[0]
    lost = stages.fatal_mask(flag)
    centre[lost] = centre_std[lost] = np.nan
    return centre, centre_std, flag


def _pixels(video: xr.Dataset, name: str, frame: int, pixels: np.ndarray) -> np.ndarray:
    """Return the values of some pixels in one frame, as one row."""
    return np.asarray(video[name].variable[frame].values).ravel()[None, pixels].astype(float)


def _areas(video: xr.Dataset, frames: np.ndarray, own: Groups, wide: Groups, options: TrackOptions) -> np.ndarray:
    """Return the area of every particle in some frames, pixels."""
    total, seen = np.zeros((2, video.sizes["y"] * video.sizes["x"]))
    for frame in frames:
        amount = np.asarray(video["amount"].variable[int(frame)].values, dtype=float).ravel()
        known = np.isfinite(amount)
        total += np.where(known, amount, 0.0)
        seen += known
    mean = np.where(seen > 0, total / np.maximum(seen, 1), np.nan)
    plateau = np.array(
        [np.percentile(mean[pixels], options.plateau_percentile) for pixels in np.split(own.pixels, own.start[1:])]
    )
    with np.errstate(invalid="ignore"):
        inside = mean[wide.pixels] > options.threshold * plateau[wide.member]
    area = group_count(inside[None, :], wide.start)[0].astype(float)
    return np.where(np.isfinite(plateau), area, np.nan)
