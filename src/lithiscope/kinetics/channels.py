"""Currents through the channels of platelets seen along [100], and the composition of their ends (Koo 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import laws, stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.channel_lines import Lines, channel_lines
from lithiscope.kinetics.channels_options import ChannelOptions
from lithiscope.kinetics.crops import check_labels, noise_gain, particle_names
from lithiscope.kinetics.extend import causes_of
from lithiscope.kinetics.kernels.channels import excess_depth, grouped_bits, grouped_means, grouped_variance
from lithiscope.stages.flags import FATAL

if TYPE_CHECKING:
    import xarray as xr

_RATE, _X, _CURRENT = "insertion_rate", "lithium_fraction", "current_density"
_LENGTH_CAUSE, _SURFACE_CAUSE = "channel_length", "surface_averaging"
_WIDTH = float(np.sqrt(8 * np.log(2)))  # full width at half maximum over standard deviation


def channels(
    rates: xr.Dataset,
    labels: xr.DataArray,
    ids: Mapping[int, str] | None = None,
    *,
    amount: xr.DataArray | None = None,
    options: ChannelOptions = ChannelOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Put the pixels of crystals into channels along [010] and integrate the rate along each (Koo 2023, fig. 4).

    j_Ch = e rho_s/3600 x integral of dx/dt along the channel / 2, for two ends that react alike. It keeps its sign
    (positive = delithiation): a mean of absolute values would turn noise into current.

    Parameters
    ----------
    rates : rate_video
        From `insertion_rate`.
    labels : DataArray of int, shape (y, x)
        Particle numbers.
    ids : mapping of int to str, optional
        Name of every particle number.
    amount : DataArray, shape (y, x) or (time, y, x), optional
        Amount of material (the video's). With it the length of a channel counts the covered share of its end pixels,
        which blur does not change; without it the length is known to a pixel only.
    options : ChannelOptions
        Direction of the channels, site density.

    Returns
    -------
    channel_table
        Current density, composition of the whole channel, of its two end pixels (``end_lithium_fraction``, start and
        stop), of their mean (surface) and of the others (internal), mid-interval. Random errors of means count the
        noise before resampling. Named shifts: those of the rates; ``channel_length`` for the current;
        ``surface_averaging`` for the composition of the ends: a pixel is the mean over its 40 nm or so, and the face
        itself lies half a pixel further out on the slope between the end pixel and the next. A channel that the picture
        cuts off, or with too many lost pixels, is NaN.

    Raises
    ------
    StageError
        If rates or labels do not fit.
    AnalysisError
        If the rates are those of a volume, or no channel is long enough.

    Notes
    -----
    x = a/(a+b) of an end pixel holds no signal from outside the particle, because there both amounts are zero, but a
    probe as wide as the pixel (40 nm) mixes in its inner neighbour: it looks 0.16 pixels too deep, 0.006 in x on the
    platelets of Koo 2023. With `probe` in the options that is taken out to first order; narrower structure is lost.
    An end pixel covered less than `min_cover` is merged with the next by amount, see the option.
    """
    stages.check(rates, "rate_video")
    if "z" in rates[_RATE].dims:
        raise AnalysisError("channels are lines in pictures", field="z", remedy="select one plane first")
    check_labels(rates[_RATE], labels)
    names = particle_names(labels, ids)
    lines, axes = channel_lines(labels, names, _mean_amount(amount, labels), options)
    gain = noise_gain(rates, "interval")
    whole = _reduced(rates, _RATE, lines, gain, lines.weight, options)
    middle = _reduced(rates, _X, lines, gain, lines.weight, options)
    internal = lines.weight.copy()
    internal[lines.ends] = 0.0
    inside = _reduced(rates, _X, lines, gain, internal, options)
    current = _current(whole, lines, options)
    ends, surface = _surface(rates, lines, gain, options)
    columns = {_CURRENT: current, _X: middle, "internal_lithium_fraction": inside, "surface_lithium_fraction": surface}
    causes = [*causes_of(rates), _LENGTH_CAUSE, _SURFACE_CAUSE]
    return _assembled(rates, lines, axes, {**columns, "end_lithium_fraction": ends}, causes, options)


class _Column(NamedTuple):
    value: np.ndarray  # (interval, channel[, end])
    std: np.ndarray | None
    flag: np.ndarray
    shift: np.ndarray | None  # (systematic, ...) for the causes of the rates
    more: dict[str, np.ndarray]  # shifts by causes of the channels


def _mean_amount(amount: xr.DataArray | None, labels: xr.DataArray) -> np.ndarray | None:
    if amount is None:
        return None
    mean = amount.mean("time", skipna=True) if "time" in amount.dims else amount
    if mean.shape != labels.shape:
        raise StageError("amount and labels differ", field="amount", value=dict(mean.sizes), limit=str(labels.shape))
    return np.asarray(mean.values, dtype=float)


def _terms(rates: xr.Dataset, name: str, lines: Lines) -> np.ndarray:
    """Return the values of a map at the terms of the channels, (..., interval, terms)."""
    values = np.asarray(rates[name].values)
    taken = values.reshape(*values.shape[:-2], -1)[..., lines.pixel]
    return taken if taken.dtype.kind in "iu" else taken.astype(float)


def _reduced(
    rates: xr.Dataset, name: str, lines: Lines, gain: np.ndarray, weight: np.ndarray, options: ChannelOptions
) -> _Column:
    """Weighted mean of a map over every channel."""
    values = _terms(rates, name, lines)
    found = grouped_means(values, weight, lines.starts)
    lost = ~(found.share >= options.min_valid_share) | lines.cut
    flag = _flags(rates, name, lines, lost)
    std = None
    if f"{name}_std" in rates:
        native = (_terms(rates, f"{name}_std", lines) / gain[:, None]) ** 2
        std = np.where(lost, np.nan, np.sqrt(grouped_variance(values, native, weight, lines.starts)))
    shift = None
    if f"{name}_shift" in rates:
        moved = _terms(rates, f"{name}_shift", lines)
        shift = np.stack([grouped_means(one, weight, lines.starts).mean for one in moved])
        shift = np.where(lost, np.nan, shift)
    return _Column(np.where(lost, np.nan, found.mean), std, flag, shift, {})


def _flags(rates: xr.Dataset, name: str, lines: Lines, lost: np.ndarray) -> np.ndarray:
    bits = np.zeros((rates.sizes["interval"], len(lines.starts)), dtype=np.uint16)
    if f"{name}_flag" in rates:
        bits = grouped_bits(_terms(rates, f"{name}_flag", lines), lines.starts).astype(np.uint16)
    bits = np.where(lost, bits, bits & ~FATAL).astype(np.uint16)
    bits = np.where(lost & lines.cut, bits | stages.flag_bit("outside_view"), bits).astype(np.uint16)
    return np.where(lost & ~stages.fatal_mask(bits), bits | stages.flag_bit("missing"), bits).astype(np.uint16)


def _current(rate: _Column, lines: Lines, options: ChannelOptions) -> _Column:
    per_rate = laws.current_density(1.0, lines.length, site_density=options.site_density, faces=2)
    value = rate.value * per_rate
    return _Column(
        value,
        None if rate.std is None else rate.std * abs(per_rate),
        rate.flag,
        None if rate.shift is None else rate.shift * per_rate,
        {_LENGTH_CAUSE: value * lines.length_std / lines.length},
    )


def _surface(rates: xr.Dataset, lines: Lines, gain: np.ndarray, options: ChannelOptions) -> tuple[_Column, _Column]:
    """Composition of each end pixel, and the mean of both."""
    weights = _end_weights(lines, options)
    rim = np.stack([lines.ends, lines.seconds, 2 * lines.seconds - lines.ends], axis=-1)

    def ends_of(values: np.ndarray) -> np.ndarray:
        # Where the next pixel has no value the end pixel stands as it is, if it is covered.
        each = values[..., rim]
        alone = np.where(lines.weight[lines.ends] < options.min_cover, np.nan, each[..., 0])
        found = np.where(weights == 0, 0.0, weights * each).sum(axis=-1)
        return np.asarray(np.where(np.isfinite(found), found, alone))

    x = _terms(rates, _X, lines)
    value, second = ends_of(x), x[:, lines.seconds]
    lost = ~np.isfinite(value) | lines.cut[:, None]
    value = np.where(lost, np.nan, value)
    flag = np.zeros(value.shape, dtype=np.uint16)
    if f"{_X}_flag" in rates:
        flag = _terms(rates, f"{_X}_flag", lines)[:, lines.ends].astype(np.uint16)
    flag = np.where(lines.cut[:, None], flag | stages.flag_bit("outside_view"), flag).astype(np.uint16)
    flag = np.where(lost & ~stages.fatal_mask(flag), flag | stages.flag_bit("missing"), flag).astype(np.uint16)
    std = None
    if f"{_X}_std" in rates:
        each = np.nan_to_num(_terms(rates, f"{_X}_std", lines)[:, rim])
        std = np.where(lost, np.nan, np.sqrt(((weights * each) ** 2).sum(axis=-1)))
    shift = ends_of(_terms(rates, f"{_X}_shift", lines)) if f"{_X}_shift" in rates else None
    further = (value - second) / 2
    ends = _Column(
        value, std, flag, None if shift is None else np.where(lost, np.nan, shift), {_SURFACE_CAUSE: further}
    )
    surface = _Column(
        value.mean(axis=2),
        None if std is None else np.sqrt((std**2).sum(axis=2)) / 2 / gain[:, None],
        np.bitwise_or.reduce(flag, axis=2),
        None if shift is None else np.where(lost, np.nan, shift).mean(axis=3),
        {_SURFACE_CAUSE: further.mean(axis=2)},
    )
    return ends, surface


def _end_weights(lines: Lines, options: ChannelOptions) -> np.ndarray:
    """Weights of an end pixel and of the two next to it for the mean x over the outermost pixel, (channel, 2, 3).

    What the probe mixes in is taken out along the slope to the next pixel. An end pixel that is hardly covered is first
    merged with the next by amount, because the amounts of both together hardly depend on how well the energies are
    registered; what the pair then lies too deep is taken out along the slope to the third.
    """
    steps = np.unique(lines.step)
    mixing = np.array([excess_depth(options.probe / _WIDTH / step) for step in steps])
    back = mixing[np.searchsorted(steps, lines.step)][:, None] * np.ones(2)
    cover = lines.weight[lines.ends]
    plain = np.stack([1 + back, -back, np.zeros_like(back)], axis=-1)
    share = cover / (1 + cover)
    deep = (cover / 2 + back / (1 + cover)) / (1 + cover / 2)
    merged = np.stack([(1 + deep) * share, (1 + deep) * (1 - share), -deep], axis=-1)
    return np.where((cover < options.min_cover)[..., None], merged, plain)


def _shifts(column: _Column, causes: list[str], known: int) -> np.ndarray:
    result = np.zeros((len(causes), *column.value.shape))
    if column.shift is not None:
        result[:known] = column.shift
    for cause, values in column.more.items():
        result[causes.index(cause)] = np.nan_to_num(values)
    return np.where(np.isfinite(column.value), result, np.nan)


def _assembled(
    rates: xr.Dataset,
    lines: Lines,
    axes: dict[str, float],
    columns: dict[str, _Column],
    causes: list[str],
    options: ChannelOptions,
) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {}
    for name, column in columns.items():
        dims = "interval channel end" if column.value.ndim == 3 else "interval channel"
        variables |= {
            name: (dims, column.value),
            f"{name}_std": (dims, column.std),
            f"{name}_flag": (dims, column.flag),
            f"{name}_shift": (f"systematic {dims}", _shifts(column, causes, len(causes_of(rates)))),
        }
    variables |= {
        "position": ("channel", lines.position),
        "length": ("channel", lines.length),
        "length_std": ("channel", lines.length_std),
        "pixel_count": ("channel", lines.pixels),
    }
    for name in ("noise_gain", "variance_share_after", f"{_X}_frame_std", "overpotential_volt"):
        if name in rates:
            variables[name] = ("interval", rates[name].values)
    if f"{_RATE}_frame_std" in rates:
        per_rate = laws.current_density(1.0, lines.length, site_density=options.site_density, faces=2)
        common = np.asarray(rates[f"{_RATE}_frame_std"].values, dtype=float)[:, None] * abs(per_rate)
        variables[f"{_CURRENT}_frame_std"] = ("interval channel", common)
    coords: dict[str, tuple[str, Any]] = {
        str(name): ("interval", values.values) for name, values in rates.coords.items() if values.dims == ("interval",)
    }
    coords |= {
        "channel": ("channel", np.arange(len(lines.starts))),
        "particle": ("channel", lines.particle),
        "end": ("end", np.array(["start", "stop"])),
        "systematic": ("systematic", np.array(causes, dtype=str)),
    }
    attrs = {
        "axis": ", ".join(f"{name} {angle:.1f}" for name, angle in axes.items()),
        "site_density_per_cubic_metre": f"{options.site_density:g} ({options.site_density_source})",
    }
    return stages.new("channel_table", variables, coords=coords, attrs=attrs)
