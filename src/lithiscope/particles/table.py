"""The table of particles: composition with its uncertainty, size and place of every particle."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.particles.exclusions import blanked, excluded_frames, excluded_particles
from lithiscope.particles.gaps import gap_std
from lithiscope.particles.identity import name_particles, particle_numbers
from lithiscope.particles.images import check_labels, frames_of_cycle
from lithiscope.particles.kernels import Groups, group_count, group_moments, group_nanmean, group_pixels, group_sum
from lithiscope.particles.options import TableOptions
from lithiscope.particles.shape import shape_variables
from lithiscope.stages.flags import FLAGS

if TYPE_CHECKING:
    import xarray as xr

_BLOCK = 1_000_000  # pixels and frames worked on at once; about ten arrays of this size live together
_SIGNAL = "lithium_fraction"
_LACKING = 0.1  # share of a particle's pixels whose loss is told
_LEAST_SIGMA = 5.0  # a summed amount below this many of its standard deviations carries no composition

Columns = dict[str, np.ndarray]


def particle_table(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: TableOptions = TableOptions(),  # noqa: B008
) -> xr.Dataset:
    """Reduce a composition video to one row per particle and frame.

    Parameters
    ----------
    video : composition_video
        With `lithium_fraction` (time, y, x); standard deviations, amount, shifts, thickness and dose are used where
        present.
    labels : DataArray of int, shape (y, x) or (cycle, y, x)
        Particle numbers; 0 is background.
    ids : mapping of int to str, optional
        Name of every particle number; `name_particles` by default.
    options : TableOptions
        Exclusions, and how complete a particle must be.

    Returns
    -------
    particle_table
        The mean is weighted by amount, sum(x (a+b)) / sum(a+b). `lithium_fraction_std` is that of this particle in this
        frame: the noise before resampling, and what pixels without a value may hide (`particles.gaps`); the error
        common to the frame and the named shifts stand beside it. `amount` is the mean over the pixels. `spread` is the
        weighted standard deviation over the pixels; `noise_spread` the part that noise makes; `true_spread` =
        sqrt(spread^2 - noise_spread^2), or 0 where noise explains it all. `true_spread` + `true_spread_std` is always
        the one-sigma upper bound. An excluded particle keeps its row, with NaN, the flag ``excluded`` and its reason.

    Raises
    ------
    AnalysisError
        If the video holds another signal than a lithium fraction, or there is no particle.
    StageError
        If labels and video differ in size, or a particle has no name.
    OptionError
        If an exclusion names something unknown.
    """
    stages.check(video, "composition_video")
    if _SIGNAL not in video:
        raise AnalysisError(
            "the table of particles needs a lithium fraction",
            field="attrs['signal']",
            value=video.attrs["signal"],
            limit=_SIGNAL,
            remedy="calibrate the signal first",
        )
    check_labels(labels, video)
    numbers = particle_numbers(labels)
    names = _checked_names(numbers, name_particles(labels) if ids is None else ids)
    reasons = excluded_particles(names, options.exclude)
    excluded = excluded_frames(video, options.exclude)
    if "amount" not in video:
        warnings.warn(
            "the video has no amount: means over particles weigh all pixels alike", LithiscopeWarning, stacklevel=2
        )
    columns = _columns(video, labels, np.array(numbers), excluded, options)
    _blank(columns, np.array([name in reasons for name in names.values()]))
    return _assembled(video, labels, names, reasons, columns)


def _checked_names(numbers: list[int], ids: Mapping[int, str]) -> dict[int, str]:
    if not numbers:
        raise AnalysisError(
            "the labels hold no particle",
            field="labels",
            value="all background",
            remedy="find or import particles first",
        )
    missing = [number for number in numbers if number not in ids]
    if missing:
        raise StageError(
            "a particle has no name",
            field="ids",
            value=missing,
            limit="a name for every particle number",
            remedy="give ids a name for every number in the labels",
        )
    names = {number: ids[number] for number in numbers}
    if len(set(names.values())) < len(names):
        twice = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
        raise StageError(
            "two particles have one name", field="ids", value=twice, remedy="give every particle its own name"
        )
    return names


def _columns(
    video: xr.Dataset, labels: xr.DataArray, numbers: np.ndarray, excluded: np.ndarray, options: TableOptions
) -> Columns:
    """Every variable over (particle, time) as an array with particles first; shifts as (systematic, particle, time)."""
    columns: Columns = {}
    for image, frames in frames_of_cycle(labels, video):
        groups = group_pixels(image)
        if not len(groups.numbers):
            continue
        rows = np.searchsorted(numbers, groups.numbers)
        for block in _blocks(frames, len(groups.pixels)):
            part = blanked(video.isel(time=block), excluded[block])
            for name, values in _reduced(part, groups, options).items():
                whole = columns.setdefault(name, _empty(values, len(numbers), video.sizes["time"]))
                whole[..., rows[:, None], block] = np.moveaxis(values, -1, -2)
        _add_gaps(columns, video, frames, groups, rows)
    absent = ~np.isfinite(columns[_SIGNAL]) & ~stages.fatal_mask(columns[f"{_SIGNAL}_flag"])
    # A particle without a mask in this cycle.
    columns[f"{_SIGNAL}_flag"][absent] |= stages.flag_bit("missing")
    return columns


def _add_gaps(columns: Columns, video: xr.Dataset, frames: np.ndarray, groups: Groups, rows: np.ndarray) -> None:
    """Add to the errors of the means what lost pixels may hide, and flag the particles that lack many; in place."""
    at = rows[:, None], frames
    size = np.diff(np.append(groups.start, len(groups.pixels)))
    known = np.where(np.isfinite(columns[_SIGNAL][at]), columns["valid_pixel_count"][at], 0)
    share = known.T / size
    gap = gap_std(video, frames, groups, share, columns["spread"][at].T).T
    if f"{_SIGNAL}_std" in columns:
        columns[f"{_SIGNAL}_std"][at] = np.hypot(columns[f"{_SIGNAL}_std"][at], gap)
    lacking = (gap > 0) & (share.max(axis=0, initial=0.0)[:, None] - _LACKING > share.T)
    columns[f"{_SIGNAL}_flag"][at] |= np.where(lacking, stages.flag_bit("incomplete"), 0).astype(np.uint16)


def _empty(values: np.ndarray, particles: int, times: int) -> np.ndarray:
    fill = np.nan if values.dtype.kind == "f" else 0
    return np.full((*values.shape[:-2], particles, times), fill, dtype=values.dtype)


def _blocks(frames: np.ndarray, pixels: int) -> Iterator[np.ndarray]:
    size = max(1, _BLOCK // max(pixels, 1))
    for first in range(0, len(frames), size):
        yield frames[first : first + size]


def _taken(video: xr.Dataset, name: str, groups: Groups) -> np.ndarray:
    """Values of a picture on the labelled pixels, (..., time or 1, pixels); float64 unless it holds flags."""
    data = video[name]
    data = data if "time" in data.dims else data.expand_dims("time")
    values = np.asarray(data.values)
    values = values.reshape(*values.shape[:-2], -1)[..., groups.pixels]
    return values if values.dtype.kind in "iu" else values.astype(float)


def _reduced(video: xr.Dataset, groups: Groups, options: TableOptions) -> Columns:
    """Reduce some frames over the particles; arrays of shape (..., time, groups)."""
    x = _taken(video, _SIGNAL, groups)
    weight, weight_variance = _weights(video, groups, x.shape)
    x = np.where(np.isfinite(weight), x, np.nan)
    has_noise = f"{_SIGNAL}_std" in video
    variance = _taken(video, f"{_SIGNAL}_std", groups) ** 2 if has_noise else np.zeros_like(x)
    gain = (
        np.asarray(video["noise_gain"].values, dtype=float) if "noise_gain" in video else np.ones(video.sizes["time"])
    )
    moments = group_moments(x, variance, weight, weight_variance, gain, groups)
    valid = np.isfinite(x)
    count = group_count(valid, groups.start)
    flag = _flags(video, groups, count, options)
    total = group_sum(np.where(valid, weight, 0.0), groups.start)
    doubt = group_sum(np.where(valid, weight_variance / gain[:, None] ** 2, 0.0), groups.start)
    thin = ~(total > _LEAST_SIGMA * np.sqrt(doubt)) & ~stages.fatal_mask(flag)
    flag[thin] |= stages.flag_bit("no_material")
    lost = stages.fatal_mask(flag)
    result = {f"{_SIGNAL}_flag": flag, "valid_pixel_count": count, **_spreads(moments, count, has_noise)}
    result[_SIGNAL] = moments.mean
    if has_noise:
        # Not positive where the error model does not hold: then there is no error bar, rather than a small one.
        positive = np.where(moments.mean_variance > 0, moments.mean_variance, np.nan)
        result[f"{_SIGNAL}_std"] = np.sqrt(positive)
    if f"{_SIGNAL}_shift" in video:
        shift = _taken(video, f"{_SIGNAL}_shift", groups)
        result[f"{_SIGNAL}_shift"] = _weighted_means(shift, np.where(valid, weight, np.nan), groups)
    for values in result.values():
        if values.dtype.kind == "f":
            values[..., lost] = np.nan
    if "amount" in video and "time" in video["amount"].dims:
        with np.errstate(divide="ignore", invalid="ignore"):
            result["amount"] = np.where(count > 0, total / count, np.nan)
            if "amount_std" in video:
                result["amount_std"] = np.where(count > 0, np.sqrt(doubt) / count, np.nan)
    if "dose" in video:
        result["dose"] = group_nanmean(_taken(video, "dose", groups), groups.start)
    return result


def _weights(video: xr.Dataset, groups: Groups, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Amount and its variance on the labelled pixels; the variance is 0 for a weight of no frame in particular."""
    if "amount" not in video:
        return np.ones(shape), np.zeros(shape)
    weight = np.broadcast_to(_taken(video, "amount", groups), shape)
    if "time" not in video["amount"].dims or "amount_std" not in video:
        return weight, np.zeros(shape)
    return weight, np.broadcast_to(_taken(video, "amount_std", groups) ** 2, shape)


def _weighted_means(values: np.ndarray, weight: np.ndarray, groups: Groups) -> np.ndarray:
    means = np.empty((*values.shape[:-1], len(groups.numbers)))
    for index, one in enumerate(values):
        valid = np.isfinite(one) & np.isfinite(weight)
        total = group_sum(np.where(valid, weight, 0.0), groups.start)
        with np.errstate(divide="ignore", invalid="ignore"):
            means[index] = group_sum(np.where(valid, one * weight, 0.0), groups.start) / total
    return means


def _spreads(moments: Any, count: np.ndarray, has_noise: bool) -> Columns:
    """Spread as it appears, its noise, and what is left; a spread needs two pixels."""
    enough = count >= 2
    spread = np.where(enough & (moments.spread >= 0), moments.spread, np.nan)
    if not has_noise:
        return {"spread": np.sqrt(spread)}
    noise = np.where(enough & (moments.noise >= 0), moments.noise, np.nan)
    left = np.maximum(spread - noise, 0.0)
    upper = np.sqrt(left + np.sqrt(moments.spread_variance))
    true = np.sqrt(left)
    return {
        "spread": np.sqrt(spread),
        "noise_spread": np.sqrt(noise),
        "true_spread": true,
        "true_spread_std": upper - true,
    }


def _flags(video: xr.Dataset, groups: Groups, count: np.ndarray, options: TableOptions) -> np.ndarray:
    """Return the flags of the particles: why one has no value, and the warnings that enough of its pixels carry."""
    size = np.diff(np.append(groups.start, len(groups.pixels)))
    lost = count < options.min_valid_share * size
    result = np.zeros(count.shape, dtype=np.uint16)
    if f"{_SIGNAL}_flag" in video:
        bits = _taken(video, f"{_SIGNAL}_flag", groups).astype(np.uint16)
        for flag in FLAGS.values():
            carrying = (bits & flag.bit) != 0
            if not carrying.any():
                continue
            carried = group_count(carrying, groups.start)
            set_here = (lost & (carried > 0)) if flag.fatal else (carried >= options.warning_share * size)
            result |= np.where(set_here, flag.bit, 0).astype(np.uint16)
    # NaN pixels of a video that keeps no flags.
    result |= np.where(lost & ~stages.fatal_mask(result), stages.flag_bit("missing"), 0).astype(np.uint16)
    return result


def _blank(columns: Columns, excluded: np.ndarray) -> None:
    """Turn the composition of excluded particles into NaN with its flag; dose and counts stay."""
    for name, values in columns.items():
        if values.dtype.kind == "f" and name != "dose":
            values[..., excluded, :] = np.nan
    columns[f"{_SIGNAL}_flag"][excluded] |= stages.flag_bit("excluded")


def _assembled(
    video: xr.Dataset, labels: xr.DataArray, names: dict[int, str], reasons: dict[str, str], columns: Columns
) -> xr.Dataset:
    frame_std = f"{_SIGNAL}_frame_std"
    variables: dict[str, tuple[str, Any]] = {
        name: ("systematic particle time" if values.ndim == 3 else "particle time", values)
        for name, values in columns.items()
    }
    if frame_std in video:
        variables[frame_std] = ("time", video[frame_std].values)
    variables |= shape_variables(video, labels, np.array(list(names)))
    variables["excluded"] = ("particle", np.array([name in reasons for name in names.values()]))
    variables["reason"] = ("particle", np.array([reasons.get(name, "") for name in names.values()], dtype=str))
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array(list(names.values()), dtype=str)),
        "label": ("particle", list(names)),
        "axis": ("axis", np.array(["y", "x"])),
        "corner": ("corner", np.array(["y_start", "y_stop", "x_start", "x_stop"])),
    }
    for name in ("time", "scan", "cycle", "half_cycle", "direction"):
        if name in video.coords:
            coords[name] = ("time", video[name].values)
    if f"{_SIGNAL}_shift" in columns:
        coords["systematic"] = ("systematic", video["systematic"].values)
    weighting = "amount" if "amount" in video else "none"
    return stages.new("particle_table", variables, coords=coords, attrs={"weighting": weighting})
