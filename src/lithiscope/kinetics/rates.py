"""Rates of insertion between sequential frames, in every pixel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.kinetics.kernels.rates import between_frames, deviation_between_frames
from lithiscope.kinetics.rates_options import RateOptions

if TYPE_CHECKING:
    import xarray as xr

_BLOCK = 300_000  # pixels and intervals worked on at once
_X = "lithium_fraction"
_RATE = "insertion_rate"


class Timing(NamedTuple):
    """The intervals between frames: numbers of the frames, length (s), and what the cell did meanwhile."""

    time: np.ndarray
    duration: np.ndarray
    half_cycle: np.ndarray
    direction: np.ndarray
    cycle: np.ndarray | None


class _Signal(NamedTuple):
    """The signal of a video and the line that makes a lithium fraction of it."""

    name: str
    scale: float
    offset: float


def insertion_rate(
    video: xr.Dataset,
    *,
    options: RateOptions = RateOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Turn a composition video into rates dx/dt between sequential frames (Lim 2016, eq. S5).

    Parameters
    ----------
    video : composition_video
        With `lithium_fraction`, or `phase_fraction` and its range of x in the options; dims (time, [z], y, x).
    options : RateOptions
        Range of 1C, range of a phase fraction, longest interval.

    Returns
    -------
    rate_video
        `insertion_rate` (1/h, positive on lithiation) and the `lithium_fraction` in the middle of every interval, each
        with random, common and systematic errors; flags are the union of those of both frames. An interval that does
        not lie within one half cycle, or is much longer than the others, has direction 0 and half cycle -1.
        ``noise_gain`` is that of both frames together; ``variance_share_after`` tells how much of the noise the later
        frame brings, from which `interval_covariance` makes the covariance of neighbours.

    Raises
    ------
    AnalysisError
        If there are fewer than two frames, no times, or a signal without a range of x.
    StageError
        If time does not increase strictly.

    Warns
    -----
    LithiscopeWarning
        If the frames carry no direction, or an interval is too long.
    """
    stages.check(video, "composition_video")
    signal = _signal(video, options)
    timing = _timing(video, options)
    dims = " ".join(str(dim) for dim in video[signal.name].dims[1:])
    variables = _maps(video, signal, timing.duration / 3600)
    result: dict[str, tuple[str, Any]] = {
        name: (f"systematic interval {dims}" if name.endswith("_shift") else f"interval {dims}", values)
        for name, values in variables.items()
    }
    result |= {name: ("interval", values) for name, values in _common(video, signal, timing.duration / 3600).items()}
    for name in ("thickness", "label"):
        if name in video:
            result[name] = (dims, video[name].values)
    return stages.new(
        "rate_video",
        result,
        coords=_coordinates(video, timing, dims, f"{_RATE}_shift" in variables),
        attrs={"range_of_1c": options.range_of_1c, "origin": str(video.attrs.get("origin", ""))},
    )


def _signal(video: xr.Dataset, options: RateOptions) -> _Signal:
    if _X in video:
        return _Signal(_X, 1.0, 0.0)
    ends = options.phase_fraction_range
    if "phase_fraction" in video and ends is not None:
        return _Signal("phase_fraction", ends[1] - ends[0], ends[0])
    raise AnalysisError(
        "rates need a lithium fraction",
        field="attrs['signal']",
        value=video.attrs["signal"],
        limit="lithium_fraction, or phase_fraction with phase_fraction_range",
        remedy="calibrate the signal, or state the compositions of both phases",
    )


def _timing(video: xr.Dataset, options: RateOptions) -> Timing:
    if video.sizes["time"] < 2 or "time" not in video.coords:
        raise AnalysisError(
            "rates need two frames with their times",
            field="time",
            value=video.sizes["time"] if "time" in video.coords else "absent",
            limit="at least 2",
            remedy="give the series of all scans",
        )
    time = np.asarray(video["time"].values, dtype=float)
    duration = np.diff(time)
    half_cycle = _of_both(video, "half_cycle", -1)
    direction = _of_both(video, "direction", 0)
    if "direction" not in video.coords or "half_cycle" not in video.coords:
        warnings.warn(
            "the frames do not say which half cycle they belong to: all intervals have direction 0, and no exchange "
            "current can be fitted",
            LithiscopeWarning,
            stacklevel=3,
        )
    direction[half_cycle < 0] = 0
    long = _too_long(duration, half_cycle, options.largest_gap)
    if long.any():
        warnings.warn(
            f"{int(long.sum())} interval(s) are more than {options.largest_gap:g} times as long as the others of their "
            f"half cycle and get direction 0; the first begins at {time[:-1][long][0]:g} s",
            LithiscopeWarning,
            stacklevel=3,
        )
    direction[long] = 0
    half_cycle[direction == 0] = -1
    cycle = _of_both(video, "cycle", -1) if "cycle" in video.coords else None
    return Timing((time[1:] + time[:-1]) / 2, duration, half_cycle, direction, cycle)


def _of_both(video: xr.Dataset, name: str, otherwise: int) -> np.ndarray:
    """Return a number that both frames of an interval have, else the other."""
    if name not in video.coords:
        return np.full(video.sizes["time"] - 1, otherwise)
    values = np.asarray(video[name].values, dtype=int)
    return np.where(values[1:] == values[:-1], values[1:], otherwise)


def _too_long(duration: np.ndarray, half_cycle: np.ndarray, largest_gap: float) -> np.ndarray:
    long = np.zeros(len(duration), dtype=bool)
    for number in np.unique(half_cycle[half_cycle >= 0]):
        mine = half_cycle == number
        long |= mine & (duration > largest_gap * np.median(duration[mine]))
    return long


def blocks(intervals: int, pixels: int) -> Iterator[slice]:
    """Yield slices of intervals, each small enough to work on at once."""
    size = max(1, _BLOCK // max(pixels, 1))
    for first in range(0, intervals, size):
        yield slice(first, min(first + size, intervals))


def _maps(video: xr.Dataset, signal: _Signal, hours: np.ndarray) -> dict[str, np.ndarray]:
    """Return every map, (interval, space), or (systematic, interval, space) for shifts; float32."""
    name, shape = signal.name, video[signal.name].shape
    shape = (shape[0] - 1, *shape[1:])
    has_std, has_shift = f"{name}_std" in video, f"{name}_shift" in video
    maps = {key: np.empty(shape, np.float32) for key in (_RATE, _X)}
    flags = np.zeros(shape, np.uint16)
    if has_std:
        maps |= {f"{key}_std": np.empty(shape, np.float32) for key in (_RATE, _X)}
    if has_shift:
        causes = video.sizes["systematic"]
        maps |= {f"{key}_shift": np.empty((causes, *shape), np.float32) for key in (_RATE, _X)}
    for block in blocks(shape[0], int(np.prod(shape[1:]))):
        frames = slice(block.start, block.stop + 1)
        x = np.asarray(video[name].values[frames], dtype=float) * signal.scale + signal.offset
        flags[block] = _flags(video, name, frames, x)
        rate, middle = between_frames(x, hours[block])
        lost = stages.fatal_mask(flags[block])
        rate[lost] = middle[lost] = np.nan
        maps[_RATE][block], maps[_X][block] = rate, middle
        if has_std:
            std = np.asarray(video[f"{name}_std"].values[frames], dtype=float) * abs(signal.scale)
            deviations = deviation_between_frames(std, hours[block])
            for key, values in zip((_RATE, _X), deviations, strict=True):
                values[lost] = np.nan
                maps[f"{key}_std"][block] = values
        for cause in range(video.sizes["systematic"]) if has_shift else ():
            shift = np.asarray(video[f"{name}_shift"].values[cause, frames], dtype=float) * signal.scale
            for key, values in zip((_RATE, _X), between_frames(shift, hours[block]), strict=True):
                values[lost] = np.nan
                maps[f"{key}_shift"][cause, block] = values
    return {**maps, f"{_RATE}_flag": flags, f"{_X}_flag": flags}


def _flags(video: xr.Dataset, name: str, frames: slice, x: np.ndarray) -> np.ndarray:
    flag = np.zeros(x.shape, np.uint16)
    if f"{name}_flag" in video:
        flag |= np.asarray(video[f"{name}_flag"].values[frames], np.uint16)
    flag[~np.isfinite(x) & ~stages.fatal_mask(flag)] |= stages.flag_bit("missing")
    return np.asarray(flag[1:] | flag[:-1])


def _common(video: xr.Dataset, signal: _Signal, hours: np.ndarray) -> dict[str, np.ndarray]:
    """Return what belongs to a whole interval: common errors, gain of the noise, share of the frame after."""
    found: dict[str, np.ndarray] = {}
    frame_std = f"{signal.name}_frame_std"
    if frame_std in video:
        std = np.asarray(video[frame_std].values, dtype=float) * abs(signal.scale)
        found[f"{_RATE}_frame_std"], found[f"{_X}_frame_std"] = deviation_between_frames(std, hours)
    gain = np.ones(len(hours) + 1)
    if "noise_gain" in video:
        gain = np.asarray(video["noise_gain"].values, dtype=float)
    if f"{signal.name}_std" not in video:
        return {**found, "noise_gain": np.sqrt((gain[1:] ** 2 + gain[:-1] ** 2) / 2)}
    apparent = np.array([_mean_square(frame) for frame in video[f"{signal.name}_std"].values])
    native = apparent / gain**2
    with np.errstate(invalid="ignore", divide="ignore"):
        together = np.sqrt((apparent[1:] + apparent[:-1]) / (native[1:] + native[:-1]))
        share = native[1:] / (native[1:] + native[:-1])
    # Where a frame has no pixel left there is nothing to weigh.
    found["noise_gain"] = np.where(np.isfinite(together), together, 1.0)
    found["variance_share_after"] = np.where(np.isfinite(share), share, 0.5)
    return found


def _mean_square(std: np.ndarray) -> float:
    known = std[np.isfinite(std)].astype(float)
    return float(np.mean(known**2)) if known.size else float("nan")


def _coordinates(video: xr.Dataset, timing: Timing, dims: str, has_shift: bool) -> dict[str, tuple[str, Any]]:
    number = np.arange(len(timing.duration))
    coords: dict[str, tuple[str, Any]] = {
        "time": ("interval", timing.time),
        "duration": ("interval", timing.duration),
        "before": ("interval", number),
        "after": ("interval", number + 1),
        "half_cycle": ("interval", timing.half_cycle),
        "direction": ("interval", timing.direction),
        **{dim: (dim, video[dim].values) for dim in dims.split()},
    }
    if timing.cycle is not None:
        coords["cycle"] = ("interval", timing.cycle)
    if has_shift:
        coords["systematic"] = ("systematic", video["systematic"].values)
    return coords
