"""The table of rates: means over particles, and over regions of them, between sequential frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.kinetics.crops import check_labels, particle_names
from lithiscope.kinetics.extend import causes_of
from lithiscope.kinetics.rates_options import RateTableOptions
from lithiscope.stages.flags import FLAGS

if TYPE_CHECKING:
    import xarray as xr

_RATE, _X = "insertion_rate", "lithium_fraction"
_CURRENT, _EXCHANGE = "current_density", "exchange_current_density"
_ALL = "all"


class _Row(NamedTuple):
    """A particle or a region of it: its names and its pixels."""

    name: str
    of: str
    region: str
    pixels: np.ndarray  # flat indices


Columns = dict[str, np.ndarray]


def rate_table(
    rates: xr.Dataset,
    labels: xr.DataArray | None = None,
    ids: Mapping[int, str] | None = None,
    *,
    regions: Mapping[str, xr.DataArray] | None = None,
    options: RateTableOptions = RateTableOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Reduce rates to one row per particle, and one per region of it, in every interval.

    Parameters
    ----------
    rates : rate_video
        With whatever it has of rate, current density and exchange current density.
    labels : DataArray of int ([z], y, x), optional
        Particle numbers; 0 is background. By default the label that the video carried.
    ids : mapping of int to str, optional
        Name of every particle number.
    regions : mapping of str to DataArray of bool ([z], y, x), optional
        More rows: "fast", "slow", "surface", "internal" or any other name, and where it is. A row is called
        "PARTICLE REGION"; a region without a pixel in a particle makes none.
    options : RateTableOptions
        How complete a region must be; the weight of a pixel.

    Returns
    -------
    rate_table
        Means over the pixels with a value. `_std` is random, from the noise before resampling (std/noise_gain/sqrt(N)
        for equal pixels); `_frame_std` what all pixels of the interval share: I0, and the overpotential's own noise in
        the exchange current. `exchange_current_density_standard_error` is the spread over the pixels over sqrt(N), the
        error bar of Lim 2016 being twice that: it takes true differences for noise and misses what pixels share.
        The single-particle C-rate is |mean dx/dt| over the range of 1C; where the mean is smaller than its error, the
        magnitude is biased upwards.

    Raises
    ------
    StageError
        If labels or regions do not fit the pixels, or a particle has no name.
    """
    stages.check(rates, "rate_video")
    rows = _rows(rates, labels, ids, regions or {})
    columns = [_reduced(rates, row, options) for row in rows]
    whole = {name: np.stack([column[name] for column in columns], axis=-2) for name in columns[0]}
    whole |= _c_rate(whole, float(rates.attrs.get("range_of_1c", 1.0)))
    return _assembled(rates, rows, whole)


def _rows(
    rates: xr.Dataset,
    labels: xr.DataArray | None,
    ids: Mapping[int, str] | None,
    regions: Mapping[str, xr.DataArray],
) -> list[_Row]:
    if labels is None and "label" not in rates:
        raise StageError("there is no particle to take means over", field="labels", remedy="give a label image")
    image = rates["label"] if labels is None else labels
    check_labels(rates[_RATE], image)
    names = particle_names(image, ids)
    flat = np.asarray(image.values).ravel()
    rows = [_Row(name, name, _ALL, np.flatnonzero(flat == number)) for number, name in names.items()]
    for region, mask in regions.items():
        if mask.shape != image.shape or mask.dtype.kind != "b":
            raise StageError(
                "a region is no mask on these pixels",
                field=f"regions[{region!r}]",
                value=f"{mask.dtype} {dict(mask.sizes)}",
                limit=f"bool {dict(image.sizes)}",
                remedy="give True where the region is",
            )
        inside = np.asarray(mask.values).ravel()
        for number, name in names.items():
            pixels = np.flatnonzero((flat == number) & inside)
            if len(pixels):
                rows.append(_Row(f"{name} {region}", name, region, pixels))
    return rows


def _taken(rates: xr.Dataset, name: str, pixels: np.ndarray) -> np.ndarray:
    """Return values of a map on some pixels, (..., interval, pixels)."""
    values = np.asarray(rates[name].values)
    space = rates[name].ndim - (2 if name.endswith("_shift") else 1)
    return values.reshape(*values.shape[:-space], -1)[..., pixels]


def _reduced(rates: xr.Dataset, row: _Row, options: RateTableOptions) -> Columns:
    """Reduce one row to arrays (interval,), or (systematic, interval) for shifts."""
    gain = np.asarray(rates["noise_gain"].values, dtype=float) if "noise_gain" in rates else 1.0
    weight = np.ones(len(row.pixels))
    if options.weight == "thickness" and "thickness" in rates:
        thickness = np.asarray(rates["thickness"].values, dtype=float).ravel()[row.pixels]
        weight = np.where(thickness > 0, thickness, 0.0)
    result: Columns = {}
    for name in (_RATE, _X, _CURRENT, _EXCHANGE):
        if name in rates:
            result |= _means(rates, name, row.pixels, weight, gain, options)
    result["pixel_count"] = np.isfinite(_taken(rates, _RATE, row.pixels)).sum(axis=1)
    return result | _shared_errors(rates, row.pixels, weight, result)


def _means(
    rates: xr.Dataset,
    name: str,
    pixels: np.ndarray,
    weight: np.ndarray,
    gain: np.ndarray | float,
    options: RateTableOptions,
) -> Columns:
    values = _taken(rates, name, pixels).astype(float)
    valid = np.isfinite(values)
    flag = _flags(_taken(rates, f"{name}_flag", pixels), valid, options)
    lost = stages.fatal_mask(flag)
    w = np.where(valid, weight, 0.0)
    total = w.sum(axis=1)
    total = np.where((total > 0) & ~lost, total, np.nan)
    mean = np.where(valid, w * np.nan_to_num(values), 0.0).sum(axis=1) / total
    result = {name: mean, f"{name}_flag": flag | np.where(np.isnan(mean) & ~lost, stages.flag_bit("missing"), 0)}
    if f"{name}_std" in rates:
        std = np.where(valid, _taken(rates, f"{name}_std", pixels).astype(float), 0.0)
        result[f"{name}_std"] = np.sqrt(((w * std) ** 2).sum(axis=1)) / total / gain
    if f"{name}_shift" in rates:
        shift = np.nan_to_num(_taken(rates, f"{name}_shift", pixels).astype(float))
        result[f"{name}_shift"] = np.where(valid, w * shift, 0.0).sum(axis=-1) / total
    if name == _EXCHANGE:
        spread = np.where(valid, w * (np.nan_to_num(values) - mean[:, None]) ** 2, 0.0).sum(axis=1) / total
        count = valid.sum(axis=1)
        result[f"{name}_standard_error"] = np.sqrt(spread / np.where(count > 1, count - 1, np.nan))
    return result


def _flags(bits: np.ndarray, valid: np.ndarray, options: RateTableOptions) -> np.ndarray:
    """Return why a mean has no value, and the warnings that enough of its pixels carry."""
    lost = valid.sum(axis=1) < options.min_valid_share * valid.shape[1]
    result = np.zeros(len(valid), dtype=np.uint16)
    for flag in FLAGS.values():
        carried = ((bits & flag.bit) != 0).sum(axis=1)
        set_here = (lost & (carried > 0)) if flag.fatal else (carried >= options.warning_share * valid.shape[1])
        result |= np.where(set_here, flag.bit, 0).astype(np.uint16)
    return result | np.where(lost & ~stages.fatal_mask(result), stages.flag_bit("missing"), 0).astype(np.uint16)


def _shared_errors(rates: xr.Dataset, pixels: np.ndarray, weight: np.ndarray, means: Columns) -> Columns:
    """Return the errors that all pixels share, of the current densities: those of the rates, and the overpotential's.

    A current density is the rate times a factor; its standard deviation over that of the rate is that factor.
    """
    result: Columns = {}
    for name in (_CURRENT, _EXCHANGE):
        if name not in means:
            continue
        common = np.zeros(len(means[name]))
        if f"{_RATE}_frame_std" in rates and f"{name}_std" in rates:
            own = _taken(rates, f"{name}_std", pixels).astype(float)
            with np.errstate(invalid="ignore", divide="ignore"):
                factor = own / _taken(rates, f"{_RATE}_std", pixels)
            common = rates[f"{_RATE}_frame_std"].values * _mean(factor, weight)
        if name == _EXCHANGE and "overpotential_effect" in rates:
            effect = _taken(rates, "overpotential_effect", pixels).astype(float)
            common = np.hypot(common, _mean(effect, weight))
        result[f"{name}_frame_std"] = np.where(np.isfinite(means[name]), common, np.nan)
    return result


def _mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    valid = np.isfinite(values)
    total = np.where(valid, weight, 0.0).sum(axis=1)
    summed = np.where(valid, weight * np.nan_to_num(values, posinf=0.0, neginf=0.0), 0.0).sum(axis=1)
    return np.asarray(np.divide(summed, total, out=np.zeros(len(values)), where=total > 0))


def _c_rate(whole: Columns, range_of_1c: float) -> Columns:
    result = {"c_rate": np.abs(whole[_RATE]) / range_of_1c, "c_rate_flag": whole[f"{_RATE}_flag"]}
    if f"{_RATE}_std" in whole:
        result["c_rate_std"] = whole[f"{_RATE}_std"] / range_of_1c
    if f"{_RATE}_shift" in whole:
        result["c_rate_shift"] = np.sign(whole[_RATE]) * whole[f"{_RATE}_shift"] / range_of_1c
    return result


def _assembled(rates: xr.Dataset, rows: list[_Row], whole: Columns) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {
        name: ("systematic particle interval" if name.endswith("_shift") else "particle interval", values)
        for name, values in whole.items()
    }
    for name in (f"{_RATE}_frame_std", f"{_X}_frame_std"):
        if name in rates:
            variables[name] = ("interval", rates[name].values)
    if f"{_RATE}_frame_std" in rates:
        scale = float(rates.attrs.get("range_of_1c", 1.0))
        variables["c_rate_frame_std"] = ("interval", rates[f"{_RATE}_frame_std"].values / scale)
    if "variance_share_after" in rates:
        share = np.broadcast_to(rates["variance_share_after"].values, whole[_RATE].shape)
        variables["variance_share_after"] = ("particle interval", share)
    for name in ("overpotential_volt", "overpotential_volt_std", "applied_c_rate"):
        if name in rates:
            variables[name] = ("interval", rates[name].values)
    if "thickness" in rates:
        thickness = np.asarray(rates["thickness"].values, dtype=float).ravel()
        means = [thickness[row.pixels][np.isfinite(thickness[row.pixels])] for row in rows]
        variables["thickness"] = ("particle", [float(part.mean()) if len(part) else np.nan for part in means])
    variables["region"] = ("particle", np.array([row.region for row in rows], dtype=str))
    variables["of"] = ("particle", np.array([row.of for row in rows], dtype=str))
    coords: dict[str, tuple[str, Any]] = {
        str(name): ("interval", c.values) for name, c in rates.coords.items() if c.dims == ("interval",)
    }
    coords["particle"] = ("particle", np.array([row.name for row in rows], dtype=str))
    if causes_of(rates):
        coords["systematic"] = ("systematic", rates["systematic"].values)
    attrs = {name: rates.attrs[name] for name in ("law", "exchange_options", "range_of_1c") if name in rates.attrs}
    return stages.new("rate_table", variables, coords=coords, attrs=attrs)
