"""Means over particles by C-rate and direction, with the standard error over the particles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.kinetics.uniformity_options import RateGroupOptions

if TYPE_CHECKING:
    import xarray as xr

_WORDS = {1: "lithiation", -1: "delithiation"}


def by_rate(
    table: xr.Dataset,
    variable: str = "uniformity",
    *,
    options: RateGroupOptions = RateGroupOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Average a value of particles and half cycles over the particles of every C-rate and direction.

    Parameters
    ----------
    table : uniformity_table, surface_table or interface_table
        Any stage of kinetics with dims (particle, half_cycle) and a C-rate: `applied_c_rate` of the half cycle where it
        is there, else `c_rate` of the particle.
    variable : str
        What to average.
    options : RateGroupOptions
        Edges of the groups.

    Returns
    -------
    pooled
        Mean over particles (a particle's half cycles of one group are averaged first, because they are no new
        particles), its standard error over the particles (NaN for one particle) and the range by Student's t.

    Raises
    ------
    AnalysisError
        If the table has no such variable or no C-rate.
    OptionError
        If the edges do not ascend, or there are none and no C-rate of the cell.
    """
    stages.check(table, "uniformity_table", "surface_table", "interface_table")
    if variable not in table or table[variable].dims != ("particle", "half_cycle"):
        raise AnalysisError(
            "there is nothing to average", field="variable", value=variable, limit="a variable (particle, half_cycle)"
        )
    rate, of_cell = _rates(table)
    group = _groups(rate, of_cell, options)
    values = np.asarray(table[variable].values, dtype=float)
    direction = np.asarray(table["direction"].values)
    rows: list[dict[str, Any]] = []
    for sign in (1, -1):
        for number in np.unique(group[np.isfinite(group)]):
            inside = (group == number) & np.isfinite(values) & (direction == sign)
            if inside.any():
                rows.append(_row(values, rate, inside, sign, options))
    if not rows:
        raise AnalysisError("no particle has a value", field=variable, remedy="see the flags of the table")
    names = [f"{row['c_rate']:.3g}C {_WORDS[row['direction']]}" for row in rows]
    variables = {name: ("group", np.array([row[name] for row in rows])) for name in rows[0]}
    unit = table[variable].attrs["units"]
    return stages.new(
        "pooled",
        variables,
        coords={"group": ("group", np.array(names, dtype=str))},
        attrs={"quantity": f"{table[variable].attrs['long_name']} ({unit})"},
    )


def _rates(table: xr.Dataset) -> tuple[np.ndarray, bool]:
    shape = (table.sizes["particle"], table.sizes["half_cycle"])
    if "applied_c_rate" in table.coords and np.isfinite(table["applied_c_rate"].values).any():
        return np.broadcast_to(np.asarray(table["applied_c_rate"].values, dtype=float), shape), True
    if "c_rate" in table:
        return np.asarray(table["c_rate"].values, dtype=float), False
    raise AnalysisError("the table has no C-rate", field="applied_c_rate", remedy="give the C-rate of every half cycle")


def _groups(rate: np.ndarray, of_cell: bool, options: RateGroupOptions) -> np.ndarray:
    edges = np.asarray(options.edges, dtype=float)
    if np.any(np.diff(edges) <= 0):
        raise OptionError("edges of C-rates do not ascend", field="edges", value=options.edges)
    if len(edges):
        return np.where(np.isfinite(rate), np.searchsorted(edges, np.nan_to_num(rate), side="right"), np.nan)
    if not of_cell:
        raise OptionError(
            "particles have all different C-rates",
            field="edges",
            value="empty",
            remedy="state edges, or give the C-rate of the cell in every half cycle",
        )
    # A cell's stated rates are round numbers; 1 % tells them apart.
    return np.asarray(np.round(np.log(rate) / 0.01))


def _row(
    values: np.ndarray, rate: np.ndarray, inside: np.ndarray, sign: int, options: RateGroupOptions
) -> dict[str, Any]:
    from scipy.stats import t as student

    kept = np.where(inside, values, np.nan)
    particles = inside.any(axis=1)
    means = np.nanmean(kept[particles], axis=1)
    count = len(means)
    error = float(np.std(means, ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    reach = float(student.ppf(0.5 + options.confidence / 2, count - 1)) * error if count > 1 else float("nan")
    mean = float(means.mean())
    return {
        "value": mean,
        "value_std": error,
        "low": mean - reach,
        "high": mean + reach,
        "c_rate": float(rate[inside].mean()),
        "direction": sign,
        "particle_count": count,
    }
