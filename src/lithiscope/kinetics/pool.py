"""Pooling a figure over particles, studies and cells."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.kinetics.pool_options import PoolOptions

if TYPE_CHECKING:
    import xarray as xr

_LEVELS = ("cell", "study", "particle")
_WORDS = {1: "lithiation", -1: "delithiation", 0: "both directions"}
_UNKNOWN = -1.0  # in place of a C-rate; NaN would equal no other
_BLOCK = 4_000_000  # numbers worked on at once


class _Sample(NamedTuple):
    """One particle in one group: its value and where it comes from."""

    group: tuple[int, float]
    value: float
    cell: str
    study: str


def pool(
    tables: Sequence[xr.Dataset],
    quantity: str,
    *,
    studies: Sequence[str] | None = None,
    cells: Sequence[str] | None = None,
    options: PoolOptions = PoolOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Average a figure over the particles of several studies and cells, by direction and C-rate.

    Parameters
    ----------
    tables : sequence of stages
        One per study, with dims (particle, half_cycle) or (particle, interval) and `direction`: rate_table,
        uniformity_table, rate_asymmetry, ... Half cycles are grouped by the applied C-rate, to two digits.
    quantity : str
        Which variable.
    studies, cells : sequence of str, optional
        Name of the study and of the cell of every table. By default every table is a study of its own, and every study
        a cell of its own.
    options : PoolOptions
        Draws, seed, and how many units of a level it takes to draw it.

    Returns
    -------
    pooled
        Mean over the particles of each group (a particle counts once: its half cycles or intervals are averaged
        first), standard error, range, and the numbers of particles, studies and cells behind it. `drawn` is the level
        that the bootstrap draws.

    Raises
    ------
    StageError, AnalysisError
        If a table lacks the quantity, names do not fit the tables, or there is no value at all.

    Warns
    -----
    LithiscopeWarning
        If a group has several cells or studies, but too few to draw them.

    Notes
    -----
    Particles of a cell share its assembly and electrolyte, so they are no independent witnesses: whole cells are drawn
    with replacement, with all their studies and particles; drawing the lower levels again would count their scatter
    twice (Davison and Hinkley 1997, section 3.8). With n units the standard error is enlarged by sqrt(n/(n-1)), which
    the bootstrap lacks, and the range uses Student's t for n - 1.
    """
    names = _names(tables, studies, "studies")
    of_cell = names if cells is None else _names(tables, cells, "cells")
    samples = [
        sample
        for table, study, cell in zip(tables, names, of_cell, strict=True)
        for sample in _samples(table, quantity, study, cell, options)
    ]
    if not samples:
        raise AnalysisError(
            "there is nothing to pool", field=quantity, value="no finite value", remedy="check the flags of the tables"
        )
    rng = np.random.default_rng(options.seed)
    groups = sorted({sample.group for sample in samples}, key=lambda key: (-key[0], key[1]))
    rows = [_pooled([sample for sample in samples if sample.group == group], rng, options) for group in groups]
    unit = str(tables[0][quantity].attrs.get("units", "1"))
    return stages.new(
        "pooled",
        {
            **{
                name: ("group", np.array([row[name] for row in rows]))
                for name in ("value", "value_std", "low", "high", "drawn")
            },
            **{f"{level}_count": ("group", [row[level] for row in rows]) for level in _LEVELS},
            "c_rate": ("group", [np.nan if rate == _UNKNOWN else rate for _, rate in groups]),
            "direction": ("group", [direction for direction, _ in groups]),
        },
        coords={"group": ("group", np.array([_group_name(*group) for group in groups], dtype=str))},
        attrs={"quantity": f"{quantity} ({unit})", "seed": options.seed, "draws": options.draws},
    )


def _names(tables: Sequence[xr.Dataset], given: Sequence[str] | None, what: str) -> list[str]:
    if given is None:
        return [f"study {number}" for number in range(1, len(tables) + 1)]
    if len(given) != len(tables):
        raise StageError(
            "every table needs a name",
            field=what,
            value=list(given),
            limit=f"{len(tables)} names",
            remedy="give one name per table; repeat the name of a cell that has several studies",
        )
    return [str(name) for name in given]


def _group_name(direction: int, rate: float) -> str:
    return _WORDS[direction] if rate == _UNKNOWN else f"{_WORDS[direction]} {rate:g}C"


def _samples(table: xr.Dataset, quantity: str, study: str, cell: str, options: PoolOptions) -> list[_Sample]:
    if quantity not in table or "particle" not in table[quantity].dims or table[quantity].ndim != 2:
        raise StageError(
            "a table has no such quantity by particle",
            field=quantity,
            value=table.attrs.get("stage"),
            limit=", ".join(str(name) for name, data in table.data_vars.items() if data.ndim == 2),
        )
    data = table[quantity].transpose("particle", ...)
    values = np.asarray(data.values, dtype=float)
    along = str(data.dims[1])
    direction = (
        np.asarray(table["direction"].values, dtype=int) if "direction" in table else np.zeros(len(values.T), int)
    )
    if along == "interval":
        # An interval that belongs to no half cycle takes no part.
        values = np.where(direction == 0, np.nan, values)
    keys = list(zip(direction.tolist(), _rates(table, along).tolist(), strict=True))
    rows = np.arange(len(values))
    if "region" in table:
        rows = rows[table["region"].values == options.region]
    found = []
    for group in sorted(set(keys)):
        mine = [number for number, key in enumerate(keys) if key == group]
        for row in rows:
            known = values[row, mine][np.isfinite(values[row, mine])]
            if len(known):
                found.append(_Sample(group, float(known.mean()), cell, f"{cell}/{study}"))
    return found


def _rates(table: xr.Dataset, along: str) -> np.ndarray:
    """Return the applied C-rate of every column to two digits."""
    if "applied_c_rate" not in table:
        return np.full(table.sizes[along], _UNKNOWN)
    rates = np.asarray(table["applied_c_rate"].values, dtype=float)
    return np.array([float(f"{rate:.2g}") if np.isfinite(rate) else _UNKNOWN for rate in rates])


def _pooled(samples: list[_Sample], rng: np.random.Generator, options: PoolOptions) -> dict[str, Any]:
    """Return mean, error and counts of one group."""
    from scipy.stats import t

    values = np.array([sample.value for sample in samples])
    units = {
        "cell": np.unique([sample.cell for sample in samples], return_inverse=True)[1],
        "study": np.unique([sample.study for sample in samples], return_inverse=True)[1],
        "particle": np.arange(len(samples)),
    }
    counts = {level: int(code.max()) + 1 for level, code in units.items()}
    drawn = next((level for level in _LEVELS if counts[level] >= options.fewest_units), "none")
    mean = float(values.mean())
    result: dict[str, Any] = {
        "value": mean,
        "value_std": np.nan,
        "low": np.nan,
        "high": np.nan,
        "drawn": drawn,
        **counts,
    }
    if drawn == "none":
        return result
    above = [level for level in _LEVELS[: _LEVELS.index(drawn)] if counts[level] > 1]
    if above:
        warnings.warn(
            f"{counts[above[0]]} of level {above[0]} cannot tell how they differ: the range holds for these alone",
            LithiscopeWarning,
            stacklevel=3,
        )
    count = counts[drawn]
    std = float(np.std(_draws(values, units[drawn], count, rng, options.draws)) * np.sqrt(count / (count - 1)))
    reach = float(t.ppf(0.5 + options.confidence / 2, count - 1)) * std
    return {**result, "value_std": std, "low": mean - reach, "high": mean + reach}


def _draws(values: np.ndarray, unit: np.ndarray, count: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Return the mean over the particles of whole units drawn with replacement, (draws,)."""
    total, size = np.bincount(unit, values, count), np.bincount(unit, minlength=count)
    means = []
    step = max(1, _BLOCK // count)
    for first in range(0, draws, step):
        times = rng.multinomial(count, np.full(count, 1 / count), size=min(step, draws - first))
        means.append((times @ total) / (times @ size))
    return np.concatenate(means)
