"""Surface, inside and currents of channels at one state of charge, by interpolation (Koo 2023, fig. 5)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.kinetics.channels_options import HalfChargeOptions
from lithiscope.kinetics.kernels.channels import local_polynomial
from lithiscope.kinetics.kernels.rates import chain
from lithiscope.kinetics.kernels.unfolding import unfolded_shares

if TYPE_CHECKING:
    import xarray as xr

_SURFACE, _INTERNAL, _END = "surface_lithium_fraction", "internal_lithium_fraction", "end_lithium_fraction"
_FRACTIONS = ("active_fraction", "transformed_fraction")
_ITERATIONS = 200  # of the unfolding, as for the solid solution
_ROUGH = 1e-3  # a change of the mean composition below this is no progress


def at_half_charge(
    table: xr.Dataset,
    *,
    state_of_charge: xr.DataArray | None = None,
    applied_c_rate: Mapping[int, float] | None = None,
    options: HalfChargeOptions = HalfChargeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Bring the composition of surface and inside to the state of charge 0.5 in every half cycle.

    Parameters
    ----------
    table : channel_table
        As `channels` makes it.
    state_of_charge : DataArray, shape (interval,), optional
        Composition to count by, for instance that of the electrode. By default the mean of each particle's channels.
    applied_c_rate : mapping of int to float, optional
        C-rate of the cell in each half cycle of the table, 1/h.
    options : HalfChargeOptions
        State of charge, limits of the active range, window of the interpolation.

    Returns
    -------
    surface_table
        Mean composition of the end pixels and of the inside by a polynomial through the intervals near the state of
        charge (neighbours share a frame: their covariance is used). An end pixel is active between the limits, and
        transformed below the lower one on delithiation or above the upper one on lithiation; noise carries pixels
        across the limits, so the shares are unfolded from the known noise of the interpolated values, and given raw
        beside that. NaN with the flag ``unsolvable`` where the half cycle does not pass the state of charge,
        ``missing`` where there is no value.

    Raises
    ------
    AnalysisError
        If there is no half cycle.
    """
    stages.check(table, "channel_table")
    numbers = _half_cycles(table)
    particles = [str(name) for name in dict.fromkeys(table["particle"].values)]
    columns = _Columns.empty(len(particles), len(numbers), table.sizes["channel"])
    rng = np.random.default_rng(options.seed)
    for column, number in enumerate(numbers):
        for row, name in enumerate(particles):
            own = np.flatnonzero(table["particle"].values == name)
            state = _state(table, own) if state_of_charge is None else np.asarray(state_of_charge.values, dtype=float)
            _fill(columns, row, column, table, own, _weights(table, number, state, options), options, rng)
    rates = np.array([dict(applied_c_rate or {}).get(int(number), np.nan) for number in numbers])
    return _assembled(table, particles, numbers, rates, columns, options)


def channel_profile(
    table: xr.Dataset,
    *,
    state_of_charge: xr.DataArray | None = None,
    options: HalfChargeOptions = HalfChargeOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Bring the current through every channel to one state of charge in every half cycle: the profiles of j_Ch.

    Parameters
    ----------
    table : channel_table
        As `channels` makes it.
    state_of_charge, options
        As for `at_half_charge`.

    Returns
    -------
    channel_table
        One interval per half cycle, with the absolute value of the current density (taken last) and the composition of
        the surface; time is that at which the state of charge is passed.

    Raises
    ------
    AnalysisError
        If there is no half cycle.
    """
    stages.check(table, "channel_table")
    numbers = _half_cycles(table)
    names = ("current_density", _SURFACE)
    shape = (len(numbers), table.sizes["channel"])
    values = {f"{name}{kind}": np.full(shape, np.nan) for name in names for kind in ("", "_std")}
    time = np.full(len(numbers), np.nan)
    for column, number in enumerate(numbers):
        for name in dict.fromkeys(table["particle"].values):
            own = np.flatnonzero(table["particle"].values == name)
            state = _state(table, own) if state_of_charge is None else np.asarray(state_of_charge.values, dtype=float)
            weights = _weights(table, number, state, options)
            if weights is None:
                continue
            time[column] = weights.c @ np.asarray(table["time"].values, dtype=float)[weights.used]
            for variable in names:
                value, std = _interpolated(table, variable, own, weights)
                values[variable][column, own], values[f"{variable}_std"][column, own] = value, std
    values["current_density"] = np.abs(values["current_density"])
    variables: dict[str, tuple[str, Any]] = {key: ("interval channel", one) for key, one in values.items()}
    for name in names:
        lost = np.isnan(values[name])
        variables[f"{name}_flag"] = ("interval channel", lost * stages.flag_bit("unsolvable"))
    for name in ("position", "length", "length_std", "pixel_count"):
        variables[name] = ("channel", table[name].values)
    coords: dict[str, tuple[str, Any]] = {
        "time": ("interval", time),
        "half_cycle": ("interval", numbers),
        "direction": ("interval", _directions(table, numbers)),
        "channel": ("channel", table["channel"].values),
        "particle": ("channel", table["particle"].values),
    }
    return stages.new("channel_table", variables, coords=coords, attrs=_kept(table))


class _Weights(NamedTuple):
    """Which intervals make the value at the state of charge, with which weights."""

    used: np.ndarray
    c: np.ndarray


class _Columns(NamedTuple):
    measured: dict[str, np.ndarray]  # (particle, half cycle), and _std, _flag
    raw: dict[str, np.ndarray]
    ends: np.ndarray
    end: np.ndarray  # (half cycle, channel, end)
    end_std: np.ndarray
    end_flag: np.ndarray

    @classmethod
    def empty(cls, particles: int, half_cycles: int, channels: int) -> _Columns:
        shape = (particles, half_cycles)
        measured: dict[str, np.ndarray] = {}
        for name in (_SURFACE, _INTERNAL, *_FRACTIONS):
            measured |= {name: np.full(shape, np.nan), f"{name}_std": np.full(shape, np.nan)}
            measured[f"{name}_flag"] = np.full(shape, stages.flag_bit("unsolvable"))
        raw = {f"{name}_raw": np.full(shape, np.nan) for name in _FRACTIONS}
        end = np.full((half_cycles, channels, 2), np.nan)
        flag = np.full(end.shape, stages.flag_bit("unsolvable"))
        return cls(measured, raw, np.zeros(shape, dtype=int), end, end.copy(), flag)


def _half_cycles(table: xr.Dataset) -> np.ndarray:
    number, direction = np.asarray(table["half_cycle"].values), np.asarray(table["direction"].values)
    found = np.unique(number[(number >= 0) & (direction != 0)])
    if not len(found):
        raise AnalysisError("no interval belongs to a half cycle", field="half_cycle", remedy="state the half cycles")
    return np.asarray(found)


def _directions(table: xr.Dataset, numbers: np.ndarray) -> np.ndarray:
    number, direction = np.asarray(table["half_cycle"].values), np.asarray(table["direction"].values)
    return np.array([direction[(number == one) & (direction != 0)][0] for one in numbers])


def _state(table: xr.Dataset, own: np.ndarray) -> np.ndarray:
    """Mean composition of a particle in every interval, over the channels with a value."""
    x = np.asarray(table["lithium_fraction"].values, dtype=float)[:, own]
    length = np.where(np.isfinite(x), np.asarray(table["length"].values, dtype=float)[own], 0.0)
    total = length.sum(axis=1)
    mean = np.full(len(x), np.nan)
    np.divide((length * np.nan_to_num(x)).sum(axis=1), total, out=mean, where=total > 0)
    return mean


def _weights(table: xr.Dataset, number: int, state: np.ndarray, options: HalfChargeOptions) -> _Weights | None:
    inside = (np.asarray(table["half_cycle"].values) == number) & np.isfinite(state)
    at = options.state_of_charge
    if not (inside & (state <= at)).any() or not (inside & (state >= at)).any():
        return None
    near = np.flatnonzero(inside & (np.abs(state - at) <= options.window))
    before, after = near[state[near] <= at], near[state[near] >= at]
    if len(near) < options.degree + 2 or not len(before) or not len(after):
        # Too few for a curve: a straight line between the nearest on either side.
        low = np.flatnonzero(inside & (state <= at))
        high = np.flatnonzero(inside & (state >= at))
        near = np.unique([low[np.argmax(state[low])], high[np.argmin(state[high])]])
        if len(near) == 2 and np.ptp(state[near]) < _ROUGH:
            near = near[:1]
        return _Weights(near, local_polynomial(at, state[near], 1))
    return _Weights(near, local_polynomial(at, state[near], options.degree))


def _interpolated(table: xr.Dataset, name: str, own: np.ndarray, weights: _Weights) -> tuple[np.ndarray, np.ndarray]:
    """Value and standard deviation at the state of charge, (channel, ...)."""
    values = np.asarray(table[name].values, dtype=float)[weights.used][:, own]
    value = np.tensordot(weights.c, values, axes=1)
    if f"{name}_std" not in table:
        return value, np.full(value.shape, np.nan)
    std = np.moveaxis(np.asarray(table[f"{name}_std"].values, dtype=float)[weights.used][:, own], 0, -1)
    share = np.full(table.sizes["interval"], 0.5)
    if "variance_share_after" in table:
        share = np.asarray(table["variance_share_after"].values, dtype=float)
    before, after = table["before"].values[weights.used], table["after"].values[weights.used]
    rows = std.reshape(-1, std.shape[-1])
    sign = -1 if name == "current_density" else 1
    shares = np.broadcast_to(share[weights.used], rows.shape).copy()
    covariance = chain(rows, shares, after[:-1] == before[1:], sign)
    variance = np.einsum("i,rij,j->r", weights.c, covariance, weights.c).reshape(value.shape)
    return value, np.sqrt(np.maximum(variance, 0.0))


def _fill(
    columns: _Columns,
    row: int,
    column: int,
    table: xr.Dataset,
    own: np.ndarray,
    weights: _Weights | None,
    options: HalfChargeOptions,
    rng: np.random.Generator,
) -> None:
    """Fill in one particle in one half cycle."""
    if weights is None:
        return
    measured, place = columns.measured, (row, column)
    for name in (_SURFACE, _INTERNAL):
        value, std = _interpolated(table, name, own, weights)
        known = np.isfinite(value)
        measured[f"{name}_flag"][place] = 0 if known.any() else stages.flag_bit("missing")
        if known.any():
            measured[name][place] = value[known].mean()
            measured[f"{name}_std"][place] = np.sqrt((std[known] ** 2).sum()) / known.sum()
    end, end_std = _interpolated(table, _END, own, weights)
    columns.end[column, own], columns.end_std[column, own] = end, end_std
    columns.end_flag[column, own] = np.where(np.isfinite(end), 0, stages.flag_bit("missing"))
    known = np.isfinite(end) & np.isfinite(end_std) & (end_std > 0)
    columns.ends[place] = np.count_nonzero(np.isfinite(end))
    direction = int(_directions(table, np.unique(table["half_cycle"].values[weights.used]))[0])
    for name in _FRACTIONS:
        measured[f"{name}_flag"][place] = stages.flag_bit("missing") if not known.any() else 0
    if known.any():
        limits = (options.lower, options.upper)
        shares = unfolded_shares(
            end[known], end_std[known], limits, iterations=_ITERATIONS, draws=options.draws, rng=rng
        )
        beyond = 2 if direction > 0 else 0
        for name, part in zip(_FRACTIONS, (1, beyond), strict=True):
            measured[name][place], measured[f"{name}_std"][place] = shares.value[part], shares.error[part]
            columns.raw[f"{name}_raw"][place] = shares.raw[part]


def _kept(table: xr.Dataset) -> dict[str, Any]:
    return {key: value for key, value in table.attrs.items() if key != "stage"}


def _assembled(
    table: xr.Dataset,
    particles: list[str],
    numbers: np.ndarray,
    rates: np.ndarray,
    columns: _Columns,
    options: HalfChargeOptions,
) -> xr.Dataset:
    if not np.isfinite(columns.end).any():
        warnings.warn(
            f"no half cycle passes a mean composition of {options.state_of_charge:g}", LithiscopeWarning, stacklevel=3
        )
    dims = "half_cycle channel end"
    variables: dict[str, tuple[str, Any]] = {
        **{name: ("particle half_cycle", values) for name, values in {**columns.measured, **columns.raw}.items()},
        "end_count": ("particle half_cycle", columns.ends),
        _END: (dims, columns.end),
        f"{_END}_std": (dims, columns.end_std),
        f"{_END}_flag": (dims, columns.end_flag),
    }
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", np.array(particles, dtype=str)),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", _directions(table, numbers)),
        "channel": ("channel", table["channel"].values),
        "channel_particle": ("channel", table["particle"].values),
        "end": ("end", table["end"].values),
    }
    if np.isfinite(rates).any():
        coords["applied_c_rate"] = ("half_cycle", rates)
    attrs = {"state_of_charge": options.state_of_charge, "limits": [options.lower, options.upper]}
    return stages.new("surface_table", variables, coords=coords, attrs=attrs)
