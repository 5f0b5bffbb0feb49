"""After the current stops: how fast phases part or even out, and whether particles exchange lithium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.crops import SIGNAL, Crop, check_video, crops, noise_gain, particle_names
from lithiscope.kinetics.kernels.lines import decay, weighted_line
from lithiscope.kinetics.kernels.uniformity import frame_moments
from lithiscope.kinetics.phases_options import RelaxationOptions

if TYPE_CHECKING:
    import xarray as xr

_SERIES = ("spread", "surface_excess", "exchanged")
_RATES = ("spread_rate", "surface_rate", "exchange_rate")


def relaxation(
    video: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    options: RelaxationOptions = RelaxationOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Follow every particle through the rests: its spread, its surface, its mean.

    Parameters
    ----------
    video : composition_video
        With standard deviations and the direction of every frame; frames of direction 0 in sequence are a rest, and
        time counts from the last frame with current (from the first of the rest, if there is none).
    labels : DataArray of int, shape (y, x)
        Particle numbers; one mask for all frames.
    ids : mapping of int to str, optional
        Name of every particle number.
    options : RelaxationOptions
        Width of the rim; fewest frames.

    Returns
    -------
    relaxation_table
        `spread` is the standard deviation of x over the pixels, noise taken out (0 where noise explains it all);
        `surface_excess` the mean of the rim less that of the inside. Their rates are k in exp(-k t), fitted to variance
        and excess: positive while they fade, negative while phases part. `exchanged` is the change of the mean since
        the first frame of the rest, with its rate; `exchange_p_value` says how likely such changes of all particles
        are without exchange, by chi-square with the errors of the pixels and of the frames. A rate needs enough frames
        and a first value above its error, else ``unsolvable``.

    Raises
    ------
    AnalysisError
        If the video has no lithium fraction or standard deviation, or no frame at rest.
    StageError
        If the labels do not fit.
    """
    check_video(video, labels)
    if f"{SIGNAL}_std" not in video:
        raise AnalysisError("a relaxation cannot be told from noise", field=f"{SIGNAL}_std", value="absent")
    rest, elapsed = _rests(video)
    names = particle_names(labels, ids)
    numbers = np.unique(rest[rest >= 0])
    frames = rest.size
    columns: dict[str, np.ndarray] = {}
    for name in _SERIES:
        columns |= {name: np.full((len(names), frames), np.nan), f"{name}_std": np.full((len(names), frames), np.nan)}
    for name in _RATES:
        shape = (len(names), len(numbers))
        columns |= {name: np.full(shape, np.nan), f"{name}_std": np.full(shape, np.nan)}
    means = []
    for row, crop in enumerate(crops(video, labels, names)):
        series = _series(video, crop, labels, rest, options)
        means.append(series)
        for name in _SERIES:
            columns[name][row], columns[f"{name}_std"][row] = getattr(series, name)
        for column, number in enumerate(numbers):
            found = _rates(series, rest == number, elapsed / 3600, options)
            for name, (value, std) in zip(_RATES, found, strict=True):
                columns[name][row, column], columns[f"{name}_std"][row, column] = value, std
    p_value = [_exchange_p(means, video, rest == number) for number in numbers]
    return _assembled(video, names, columns, rest, elapsed, numbers, np.array(p_value))


class _Series(NamedTuple):
    spread: tuple[np.ndarray, np.ndarray]
    surface_excess: tuple[np.ndarray, np.ndarray]
    exchanged: tuple[np.ndarray, np.ndarray]
    variance: tuple[np.ndarray, np.ndarray]
    mean: tuple[np.ndarray, np.ndarray]


def _rests(video: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the rest of every frame (-1 under current), and the seconds since its current stopped."""
    if "direction" not in video.coords or not (video["direction"].values == 0).any():
        raise AnalysisError(
            "no frame was taken at rest",
            field="direction",
            value="absent" if "direction" not in video.coords else "never 0",
            remedy="bring images and trace together (cell.at_frames), or state the direction of every frame",
        )
    idle = np.asarray(video["direction"].values) == 0
    begins = idle & ~np.concatenate([[False], idle[:-1]])
    rest = np.where(idle, np.cumsum(begins) - 1, -1)
    time = np.asarray(video["time"].values, dtype=float)
    first = np.flatnonzero(begins)
    stop = time[np.maximum(first - 1, 0)]
    return rest, np.where(idle, time - stop[np.maximum(rest, 0)], np.nan)


def _series(
    video: xr.Dataset, crop: Crop, labels: xr.DataArray, rest: np.ndarray, options: RelaxationOptions
) -> _Series:
    x = crop.x[:, crop.mask]
    std = np.full_like(x, np.nan) if crop.std is None else crop.std[:, crop.mask]
    gain = noise_gain(video)
    moments = frame_moments(x, std**2, gain)
    idle = np.where(rest >= 0, 0.0, np.nan)
    variance = moments.spread - moments.noise + idle
    variance_std = np.sqrt(moments.spread_variance) + idle
    root = np.sqrt(np.maximum(variance, 0.0))
    rim = _rim(crop, labels, options.rim)
    surface, inside = (frame_moments(x[:, part], std[:, part] ** 2, gain) for part in (rim, ~rim))
    excess = surface.mean - inside.mean + idle
    mean, mean_variance = moments.mean + idle, moments.mean_variance + idle
    first = np.array([np.flatnonzero(rest == number)[0] for number in range(rest.max() + 1)])[np.maximum(rest, 0)]
    start = np.arange(rest.size) == first
    change_std = np.where(start, 0.0, np.sqrt(mean_variance + mean_variance[first])) + idle
    return _Series(
        (root, np.sqrt(np.maximum(variance, 0.0) + variance_std) - root),
        (excess, np.sqrt(surface.mean_variance + inside.mean_variance) + idle),
        (mean - mean[first], change_std),
        (variance, variance_std),
        (mean, np.sqrt(mean_variance)),
    )


def _rim(crop: Crop, labels: xr.DataArray, width: float) -> np.ndarray:
    """Pixels of the particle whose centre is within `width` of its outline."""
    from scipy.ndimage import distance_transform_edt

    step = [abs(float(labels[dim].values[1] - labels[dim].values[0])) for dim in labels.dims]
    padded = np.pad(crop.mask, 1)
    depth = distance_transform_edt(padded, sampling=step)[(slice(1, -1),) * crop.mask.ndim]
    # The distance is to the nearest centre outside; the outline lies half a pixel nearer.
    return np.asarray((depth - min(step) / 2 <= width)[crop.mask])


def _rates(
    series: _Series, inside: np.ndarray, hours: np.ndarray, options: RelaxationOptions
) -> list[tuple[float, float]]:
    """Rates of the variance, the surface excess and the mean in one rest, each with its error."""
    found = []
    for place, (value, std) in enumerate((series.variance, series.surface_excess, series.mean)):
        used = np.flatnonzero(inside & np.isfinite(value) & np.isfinite(std) & (std > 0))
        if len(used) < options.min_frames:
            found.append((np.nan, np.nan))
        elif place == 2:
            line = weighted_line(hours[used], value[used], std[used])
            found.append((line.slope, line.slope_std))
        else:
            found.append(decay(hours[used], value[used], std[used]))
    return found


def _exchange_p(series: list[_Series], video: xr.Dataset, inside: np.ndarray) -> float:
    """Return the probability of the scatter of all particle means about their own average, without exchange."""
    from scipy.stats import chi2

    common = f"{SIGNAL}_frame_std"
    frame_std = np.asarray(video[common].values, dtype=float)[inside] if common in video else np.zeros(inside.sum())
    total, freedom = 0.0, 0
    for one in series:
        value, std = (part[inside] for part in one.mean)
        known = np.isfinite(value)
        if known.sum() < 2:
            continue
        weight = 1 / (std[known] ** 2 + frame_std[known] ** 2)
        centre = weight @ value[known] / weight.sum()
        total += float(weight @ (value[known] - centre) ** 2)
        freedom += int(known.sum()) - 1
    return float(chi2.sf(total, freedom)) if freedom else float("nan")


def _assembled(
    video: xr.Dataset,
    names: Mapping[int, str],
    columns: dict[str, np.ndarray],
    rest: np.ndarray,
    elapsed: np.ndarray,
    numbers: np.ndarray,
    p_value: np.ndarray,
) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {}
    for name, values in columns.items():
        of_rest = name.removesuffix("_std") in _RATES
        variables[name] = ("particle rest" if of_rest else "particle time", values)
        if not name.endswith("_std"):
            reason = "unsolvable" if of_rest else "missing"
            variables[f"{name}_flag"] = (variables[name][0], np.isnan(values) * stages.flag_bit(reason))
    variables["exchange_p_value"] = ("rest", p_value)
    variables["frame_count"] = ("rest", np.array([np.count_nonzero(rest == number) for number in numbers]))
    coords: dict[str, tuple[str, Any]] = {
        "time": ("time", video["time"].values),
        "elapsed": ("time", elapsed),
        "rest_number": ("time", rest),
        "rest": ("rest", numbers),
        "particle": ("particle", np.array(list(names.values()), dtype=str)),
    }
    return stages.new("relaxation_table", variables, coords=coords)
