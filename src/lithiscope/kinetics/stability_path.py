"""Linear stability beside the measured path of a particle: whether the uniform state was unstable, and what could grow.

Composition and rate of every interval come from two frames, so noise is drawn for the frames and carried to both: a
frame that reads too high makes the interval before too fast and the one after too slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.regime_options import StabilityOptions
from lithiscope.laws import UniformState, growth_rate, insertion_rate, neutral_current

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
_NEEDED = ("insertion_rate", "insertion_rate_std", "lithium_fraction", "thickness")


class _Half(NamedTuple):
    """What a half cycle of one particle gives, over draws; the first draw is the observation."""

    x: FloatArray
    current: FloatArray
    growth: FloatArray
    log_growth: FloatArray
    largest: FloatArray
    share: FloatArray


def stability_path(
    rates: xr.Dataset,
    state: UniformState,
    rate_constant: tuple[float, float],
    *,
    options: StabilityOptions = StabilityOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Return the growth rate of perturbations along the path of every particle, and what it adds up to.

    Parameters
    ----------
    rates : rate_table
        With insertion rate, composition and thickness; one row per particle (or region), intervals with half cycles.
    state : UniformState
        F(x), mu(x) and coherency strain; see `lithiscope.laws.growth_rate`.
    rate_constant : (float, float)
        k0 and its standard deviation, A/m2.
    options : StabilityOptions
        Faces, site density, range of x, draws.

    Returns
    -------
    stability_path
        j~ = -j/k0, s, the probability that s > 0, and the integral of s dt = s dx/j~ within each half cycle with its
        95 % range from the noise of the frames and the error of k0. An interval outside a half cycle, or whose
        composition lies outside the range where the law is trusted, is NaN with a flag.

    Raises
    ------
    AnalysisError
        If the table lacks a variable, or k0 is not above zero.
    """
    stages.check(rates, "rate_table")
    _check(rates, rate_constant)
    rng = np.random.default_rng(options.seed)
    which = np.asarray(rates["half_cycle"].values, dtype=int)
    numbers = np.unique(which[which >= 0])
    shape = (rates.sizes["particle"], rates.sizes["interval"])
    columns = {name: np.full(shape, np.nan) for name in _COLUMNS}
    halves = {name: np.full((shape[0], len(numbers)), np.nan) for name in _HALVES}
    for particle in range(shape[0]):
        unit = _unit(rates, particle, rate_constant, rng, options)
        for number, half_cycle in enumerate(numbers):
            rows = _usable(rates, particle, np.flatnonzero(which == half_cycle), options)
            if len(rows):
                half = _half(rates.isel(particle=particle, interval=rows), state, unit, rng, options)
                _enter(columns, halves, half, particle, number, rows)
    return _assembled(rates, numbers, columns, halves, state, rate_constant)


_COLUMNS = (
    "lithium_fraction",
    "lithium_fraction_std",
    "insertion_current",
    "insertion_current_std",
    "growth_rate",
    "growth_rate_std",
    "unstable_probability",
    "neutral_current",
    "log_growth",
    "log_growth_low",
    "log_growth_high",
)
_HALVES = tuple(f"{name}{end}" for name in ("largest_log_growth", "unstable_share") for end in ("", "_low", "_high"))


def _check(rates: xr.Dataset, rate_constant: tuple[float, float]) -> None:
    missing = [name for name in (*_NEEDED, "half_cycle", "duration") if name not in rates.variables]
    if missing:
        raise AnalysisError(
            "the path of a particle is not complete", field=", ".join(missing), remedy="compute the rate table with it"
        )
    value, std = rate_constant
    if not (np.isfinite(value) and value > 0 and np.isfinite(std) and std >= 0):
        raise AnalysisError(
            "the rate constant cannot be used", field="rate_constant", value=rate_constant, limit="k0 > 0, error >= 0"
        )


def _unit(
    rates: xr.Dataset,
    particle: int,
    rate_constant: tuple[float, float],
    rng: np.random.Generator,
    options: StabilityOptions,
) -> FloatArray:
    """Return the rate of insertion at the current k0, 1/h, over draws: the unit of s."""
    value, std = rate_constant
    thickness = float(rates["thickness"].values[particle])
    at_value = insertion_rate(-value, thickness, site_density=options.site_density, faces=options.faces)
    normal = np.concatenate([[0.0], rng.normal(size=options.draws)])
    return np.asarray(at_value * np.exp(normal * np.log1p(std / value)))


def _usable(rates: xr.Dataset, particle: int, rows: NDArray[np.intp], options: StabilityOptions) -> NDArray[np.intp]:
    row = rates.isel(particle=particle, interval=rows)
    x = np.asarray(row["lithium_fraction"].values, dtype=float)
    known = np.isfinite(x) & np.isfinite(row["insertion_rate"].values) & np.isfinite(row["insertion_rate_std"].values)
    with np.errstate(invalid="ignore"):
        return np.asarray(rows[known & (x > options.edge) & (x < 1 - options.edge)])


def _half(
    row: xr.Dataset, state: UniformState, unit: FloatArray, rng: np.random.Generator, options: StabilityOptions
) -> _Half:
    """Follow one particle through one half cycle, over draws."""
    hours = np.asarray(row["duration"].values, dtype=float) / 3600
    x, rate = _drawn(row, hours, rng, options.draws)
    current = rate / unit[:, None]
    nodes, weights = np.polynomial.legendre.leggauss(8)
    within = x[..., None] + (rate * hours)[..., None] * nodes / 2
    inside = (within > options.edge) & (within < 1 - options.edge)
    s = np.asarray(growth_rate(np.clip(within, options.edge, 1 - options.edge), current[..., None], state))
    s = np.where(inside, s, 0.0)
    pieces = (s @ weights) / 2 * hours * unit[:, None]
    total = np.cumsum(pieces, axis=1)
    from_start = np.concatenate([np.zeros((len(total), 1)), total], axis=1)
    largest = np.max(from_start - np.minimum.accumulate(from_start, axis=1), axis=1)
    way = np.abs(rate * hours)
    share = (((s > 0) @ weights) / 2 * way).sum(axis=1) / np.maximum(way.sum(axis=1), 1e-12)
    middle = np.asarray(growth_rate(np.clip(x, options.edge, 1 - options.edge), current, state))
    return _Half(x, current, middle, total, largest, share)


def _drawn(row: xr.Dataset, hours: FloatArray, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
    """Return composition and rate of the intervals (draws + 1, intervals) with the noise of their frames."""
    std = np.asarray(row["insertion_rate_std"].values, dtype=float) * hours
    share = np.full(len(std), 0.5)
    if "variance_share_after" in row:
        share = np.nan_to_num(np.asarray(row["variance_share_after"].values, dtype=float), nan=0.5)
    # Without the numbers of the frames, intervals are taken as independent.
    before, after = np.arange(len(std)) * 2, np.arange(len(std)) * 2 + 1
    if "before" in row.coords and "after" in row.coords:
        before, after = np.asarray(row["before"].values), np.asarray(row["after"].values)
    noise = rng.normal(size=(draws + 1, int(max(before.max(), after.max())) + 1))
    noise[0] = 0.0
    low, high = noise[:, before] * std * np.sqrt(1 - share), noise[:, after] * std * np.sqrt(share)
    x = np.asarray(row["lithium_fraction"].values, dtype=float) + (low + high) / 2
    rate = np.asarray(row["insertion_rate"].values, dtype=float) + (high - low) / hours
    return x, rate


def _enter(
    columns: dict[str, FloatArray],
    halves: dict[str, FloatArray],
    half: _Half,
    particle: int,
    number: int,
    rows: NDArray[np.intp],
) -> None:
    for name, values in (
        ("lithium_fraction", half.x),
        ("insertion_current", half.current),
        ("growth_rate", half.growth),
    ):
        columns[name][particle, rows] = values[0]
        columns[f"{name}_std"][particle, rows] = values[1:].std(axis=0)
    columns["unstable_probability"][particle, rows] = np.mean(half.growth[1:] > 0, axis=0)
    columns["log_growth"][particle, rows] = half.log_growth[0]
    for name, level in (("low", 0.025), ("high", 0.975)):
        columns[f"log_growth_{name}"][particle, rows] = np.quantile(half.log_growth[1:], level, axis=0)
        halves[f"largest_log_growth_{name}"][particle, number] = np.quantile(half.largest[1:], level)
        halves[f"unstable_share_{name}"][particle, number] = np.quantile(half.share[1:], level)
    halves["largest_log_growth"][particle, number] = half.largest[0]
    halves["unstable_share"][particle, number] = half.share[0]


def _assembled(
    rates: xr.Dataset,
    numbers: NDArray[np.intp],
    columns: dict[str, FloatArray],
    halves: dict[str, FloatArray],
    state: UniformState,
    rate_constant: tuple[float, float],
) -> xr.Dataset:
    x = columns["lithium_fraction"]
    columns["neutral_current"] = np.asarray(neutral_current(x, state))
    flag = np.where(np.isnan(x), stages.flag_bit("missing"), 0)
    which = np.asarray(rates["half_cycle"].values, dtype=int)
    direction = np.zeros(len(numbers), dtype=int)
    if "direction" in rates.coords:
        direction = np.array([int(rates["direction"].values[which == number][0]) for number in numbers], dtype=int)
    return stages.new(
        "stability_path",
        {
            **{name: ("particle interval", values) for name, values in columns.items()},
            **{f"{name}_flag": ("particle interval", flag) for name in ("lithium_fraction", "insertion_current")},
            "growth_rate_flag": ("particle interval", flag),
            **{name: ("particle half_cycle", values) for name, values in halves.items()},
        },
        coords={
            "particle": ("particle", rates["particle"].values),
            "half_cycle": ("half_cycle", numbers),
            "direction": ("half_cycle", direction),
            "of_half_cycle": ("interval", which),
            **({"time": ("interval", rates["time"].values)} if "time" in rates.coords else {}),
        },
        attrs={
            "state": f"F = {state.exchange.formula}; mu = {state.potential.formula}; B = {state.strain:g}",
            "rate_constant": f"{rate_constant[0]:g} +- {rate_constant[1]:g} A/m2",
        },
    )
