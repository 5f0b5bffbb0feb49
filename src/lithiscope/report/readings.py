"""What figures read from stages: times, directions, labels of a frame, untrusted pixels, means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError, StageError
from lithiscope.stages import FLAGS, each_frame, fatal_mask

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_DIRECTIONS = {1: "lithiation", -1: "delithiation", 0: "rest"}


def minutes(data: xr.Dataset) -> Floats:
    """Return the times of the frames in minutes; frame numbers where a stage has no time."""
    if "time" in data.coords:
        return np.asarray(data["time"].values, dtype=float) / 60.0
    return np.arange(data.sizes.get("time", 1), dtype=float)


def minutes_text(value: float) -> str:
    """Return a time stamp.

    Examples
    --------
    >>> minutes_text(7.25), minutes_text(125.0)
    ('7.2 min', '125 min')
    """
    return f"{value:.1f} min" if abs(value) < 100 else f"{value:.0f} min"


def direction_text(data: xr.Dataset, frame: int) -> str:
    """Return lithiation, delithiation or rest; nothing where the direction is not known."""
    if "direction" not in data.coords or not np.any(data["direction"].values):
        return ""
    return _DIRECTIONS.get(int(data["direction"].values[frame]), "")


def half_cycles(data: xr.Dataset) -> list[tuple[int, int, str]]:
    """Return (first frame, last frame, direction) of every run of frames with one direction."""
    if "direction" not in data.coords or not np.any(data["direction"].values):
        return []
    direction = np.asarray(data["direction"].values, dtype=int)
    starts = np.flatnonzero(np.diff(direction, prepend=direction[0] - 1))
    stops = np.append(starts[1:], direction.size) - 1
    return [(int(a), int(b), _DIRECTIONS.get(int(direction[a]), "")) for a, b in zip(starts, stops, strict=True)]


def flat_picture(data: xr.DataArray, frame: int) -> Floats:
    """Return the picture (y, x) of one frame.

    Raises
    ------
    AnalysisError
        If the data have a depth axis, of which a map cannot choose a plane.
    """
    picture = data.isel(time=frame) if "time" in data.dims else data
    if picture.dims != ("y", "x"):
        raise AnalysisError(
            "a map needs pictures without further axes",
            field=str(data.name),
            value=picture.dims,
            limit="(y, x) per frame",
            remedy="choose one plane, energy or channel with .isel(...) first",
        )
    return np.asarray(picture.values, dtype=float)


def labels_of_frame(labels: xr.DataArray | None, video: xr.Dataset, frame: int) -> NDArray[np.int32] | None:
    """Return the label picture (y, x) that holds for a frame; labels may be per cycle.

    Raises
    ------
    StageError
        If labels and video differ in size.
    """
    if labels is None:
        return None
    if "cycle" in labels.dims:
        cycles = np.asarray(labels["cycle"].values)
        wanted = int(video["cycle"].values[frame]) if "cycle" in video.coords else int(cycles[0])
        labels = labels.isel(cycle=int(np.argmin(np.abs(cycles - wanted))))
    if labels.shape != (video.sizes["y"], video.sizes["x"]):
        raise StageError(
            "labels and pictures differ in size",
            field="labels",
            value=labels.shape,
            limit=f"({video.sizes['y']}, {video.sizes['x']})",
            remedy="give the labels that were made from this video",
        )
    return np.asarray(labels.values, dtype=np.int32)


def material(video: xr.Dataset, labels: xr.DataArray | None, frame: int) -> NDArray[np.bool_]:
    """Return where (y, x) there is active material: inside the labels, else where amount gave a composition."""
    inside = labels_of_frame(labels, video, frame)
    if inside is not None:
        return inside > 0
    signal = str(video.attrs["signal"])
    if f"{signal}_flag" in video:
        bits = np.asarray(video[f"{signal}_flag"].isel(time=frame).values)
        return np.asarray((bits & FLAGS["no_material"].bit) == 0)
    return np.isfinite(flat_picture(video[signal], frame))


def untrusted(video: xr.Dataset, frame: int) -> NDArray[np.bool_]:
    """Return where (y, x) the signal is NaN for another reason than too little material: hatched in maps."""
    signal = str(video.attrs["signal"])
    if f"{signal}_flag" not in video:
        return np.zeros((video.sizes["y"], video.sizes["x"]), dtype=bool)
    bits = np.asarray(video[f"{signal}_flag"].isel(time=frame).values)
    return np.asarray(fatal_mask(bits) & ((bits & FLAGS["no_material"].bit) == 0))


def amount_of_frame(video: xr.Dataset, frame: int) -> Floats | None:
    """Return a + b (y, x) of a frame, or None where the video has no amount."""
    return flat_picture(video["amount"], frame) if "amount" in video else None


def full_brightness(video: xr.Dataset, asked: float | None) -> float:
    """Return the amount of full brightness: as asked, else the 95th percentile of the time-mean amount of material."""
    if asked is not None:
        return asked
    if "amount" not in video:
        return 1.0
    signal = each_frame(video[str(video.attrs["signal"])])
    there = reduce(np.logical_or, (np.isfinite(frame) for frame in signal))
    mean = time_mean(each_frame(video["amount"]))
    chosen = mean[there & np.isfinite(mean)]
    level = float(np.percentile(chosen, 95)) if chosen.size else 1.0
    return level if level > 0 else 1.0


def time_mean(frames: Iterable[NDArray[Any]]) -> Floats:
    """Return the mean over frames, each taken once, of what is finite; NaN where nothing is."""
    total: Any = 0.0
    count: Any = 0
    for frame in frames:
        valid = np.isfinite(frame)
        total, count = total + np.where(valid, frame, 0.0), count + valid
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def mean_signal(video: xr.Dataset, labels: xr.DataArray | None, frame: int) -> float:
    """Return the mean of the signal over the particles, weighted by amount; NaN where nothing is valid."""
    values = flat_picture(video[str(video.attrs["signal"])], frame)
    weight = amount_of_frame(video, frame)
    weight = np.ones_like(values) if weight is None else weight
    good = np.isfinite(values) & np.isfinite(weight) & material(video, labels, frame)
    total = float(weight[good].sum())
    return float((values[good] * weight[good]).sum() / total) if total > 0 else float("nan")


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """Return at most `most` frame numbers out of `count`, evenly spread, the first and the last among them.

    Examples
    --------
    >>> thinned(9, 5).tolist()
    [0, 2, 4, 6, 8]
    """
    return np.unique(np.rint(np.linspace(0, count - 1, min(count, most))).astype(np.intp))


def chosen_frames(data: xr.Dataset, frames: Sequence[int] | None, most: int) -> NDArray[np.intp]:
    """Return the frame numbers to draw.

    Raises
    ------
    AnalysisError
        If there is no frame, or a frame was asked for that does not exist.
    """
    count = data.sizes.get("time", 1)
    if count == 0:
        raise AnalysisError("there is no frame to draw", field="time", value=0, limit="at least one frame")
    if frames is None:
        return thinned(count, most)
    wanted = np.asarray(list(frames), dtype=np.intp)
    if wanted.size == 0 or wanted.min() < 0 or wanted.max() >= count:
        raise AnalysisError(
            "a frame asked for does not exist", field="frames", value=list(frames), limit=f"0 to {count - 1}"
        )
    return wanted


def limits(
    values: Any, *, low: float | None = None, percentiles: tuple[float, float] = (0.5, 99.5)
) -> tuple[float, float]:
    """Return robust limits for display: percentiles of what is finite; (0, 1) where nothing is."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return 0.0, 1.0
    bottom, top = np.percentile(finite, percentiles)
    bottom = float(bottom) if low is None else low
    return (bottom, float(top)) if top > bottom else (bottom, bottom + max(abs(bottom), 1.0) * 1e-3)
