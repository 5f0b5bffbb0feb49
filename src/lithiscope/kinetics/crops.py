"""One particle of a composition video at a time, cut out with its noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError

if TYPE_CHECKING:
    import xarray as xr

SIGNAL = "lithium_fraction"


class Crop(NamedTuple):
    """A particle cut out of a video; `space` stands for (y, x) or (z, y, x).

    Attributes
    ----------
    name : str
        Name of the particle.
    window : tuple of slice
        Where the crop lies in the picture.
    mask : ndarray of bool, shape (space)
        Pixels of the particle.
    x : ndarray, shape (time, space)
        Lithium fraction; NaN outside the particle and where it was not measured.
    std : ndarray or None, shape (time, space)
        Standard deviation as it appears in the picture.
    """

    name: str
    window: tuple[slice, ...]
    mask: np.ndarray
    x: np.ndarray
    std: np.ndarray | None


def check_video(video: xr.Dataset, labels: xr.DataArray) -> None:
    """Refuse a video without a lithium fraction, and labels that are not on its pixels.

    Raises
    ------
    AnalysisError
        If the video holds another signal.
    StageError
        If the labels are no image of particle numbers on the same pixels, or hold no particle.
    """
    stages.check(video, "composition_video")
    if SIGNAL not in video:
        raise AnalysisError(
            "the kinetics need a lithium fraction",
            field="attrs['signal']",
            value=video.attrs["signal"],
            limit=SIGNAL,
            remedy="calibrate the signal first",
        )
    check_labels(video[SIGNAL], labels)


def check_labels(maps: xr.DataArray, labels: xr.DataArray) -> None:
    """Refuse labels that are not on the pixels of `maps`, or hold no particle.

    Raises
    ------
    StageError
        With the dimensions or the type found.
    """
    wanted = {str(dim): size for dim, size in maps.sizes.items() if dim not in ("time", "interval")}
    found = {str(dim): size for dim, size in getattr(labels, "sizes", {}).items()}
    if found != wanted:
        raise StageError(
            "labels and video differ",
            field="labels",
            value=found or type(labels),
            limit=str(wanted),
            remedy="use one mask for all cycles, on the pixels of the video",
        )
    if labels.dtype.kind not in "iu" or int(labels.min()) < 0:
        raise StageError("labels are no particle numbers", field="labels", value=labels.dtype, limit="integers from 0")
    if not labels.values.any():
        raise StageError("the labels hold no particle", field="labels", value="all background", remedy="find particles")


def particle_names(labels: xr.DataArray, ids: Mapping[int, str] | None) -> dict[int, str]:
    """Return the name of every particle number: as given, as imported with the labels, else "p01", "p02", ...

    Raises
    ------
    StageError
        If a particle has no name.
    """
    numbers = [int(number) for number in np.unique(labels.values) if number]
    imported = labels.attrs.get("names")
    if ids is None and imported is not None and len(imported) == len(numbers):
        return dict(zip(numbers, map(str, imported), strict=True))
    names = {number: f"p{number:02d}" for number in numbers} if ids is None else dict(ids)
    missing = [number for number in numbers if number not in names]
    if missing:
        raise StageError("a particle has no name", field="ids", value=missing, limit="a name for every particle number")
    return {number: names[number] for number in numbers}


def crops(video: xr.Dataset, labels: xr.DataArray, names: Mapping[int, str]) -> Iterator[Crop]:
    """Yield every particle of the video, cut out."""
    from scipy.ndimage import find_objects

    label = np.asarray(labels.values)
    windows = find_objects(label)
    has_noise = f"{SIGNAL}_std" in video
    for number, name in names.items():
        window = windows[number - 1]
        mask = label[window] == number
        x = np.where(mask, np.asarray(video[SIGNAL].values[:, *window], dtype=float), np.nan)
        std = np.asarray(video[f"{SIGNAL}_std"].values[:, *window], dtype=float) if has_noise else None
        yield Crop(name, window, mask, x, std)


def noise_pattern(crop: Crop, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split the noise before resampling into a size per frame and a pattern over the particle, of mean square 1.

    The pattern (thin pixels are noisier) is that of all frames together, so that noise is simulated once per particle.

    Returns
    -------
    size : ndarray, shape (time,)
        Root mean square over the pixels; NaN without any.
    pattern : ndarray, shape (space)
        NaN outside the particle and where no frame has a value.
    """
    if crop.std is None:
        return np.full(len(crop.x), np.nan), np.full(crop.mask.shape, np.nan)
    known = np.isfinite(crop.x) & np.isfinite(crop.std)
    variance = np.where(known, crop.std, 0.0) ** 2 / gain.reshape(-1, *([1] * crop.mask.ndim)) ** 2
    pixels, frames = known.reshape(len(known), -1).sum(axis=1), known.sum(axis=0)
    size = np.full(len(known), np.nan)
    np.divide(variance.reshape(len(known), -1).sum(axis=1), pixels, out=size, where=pixels > 0)
    pattern = np.full(crop.mask.shape, np.nan)
    np.divide(variance.sum(axis=0), frames, out=pattern, where=frames > 0)
    whole = np.nanmean(pattern) if (frames > 0).any() else np.nan
    return np.sqrt(size), np.sqrt(pattern / whole) if whole > 0 else pattern


def noise_gain(video: xr.Dataset, dim: str = "time") -> np.ndarray:
    """Return apparent over native standard deviation of every frame; 1 where the video keeps none."""
    if "noise_gain" in video:
        return np.asarray(video["noise_gain"].values, dtype=float)
    return np.ones(video.sizes[dim])


def half_cycles(video: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the half cycle of every frame, the half cycles that there are, and their directions.

    A frame belongs to a half cycle when its number is not negative and current flows.

    Raises
    ------
    AnalysisError
        If the frames carry no half cycle or direction.
    """
    missing = [name for name in ("half_cycle", "direction") if name not in video.coords]
    if missing:
        raise AnalysisError(
            "the frames do not say which half cycle they belong to",
            field=" and ".join(missing),
            limit="coordinates half_cycle and direction along time",
            remedy="bring the cell's trace and the images together (cell.at_frames), or state them",
        )
    direction = np.asarray(video["direction"].values, dtype=int)
    of_frame = np.where(direction != 0, np.asarray(video["half_cycle"].values, dtype=int), -1)
    numbers = np.unique(of_frame[of_frame >= 0])
    if not len(numbers):
        raise AnalysisError(
            "no frame belongs to a half cycle",
            field="half_cycle",
            value="all at rest",
            remedy="check the clock that brings images and trace together",
        )
    return of_frame, numbers, np.array([direction[of_frame == number][0] for number in numbers])
