"""How many particles take which pathway, and how many are active, against rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.pathway import PATHWAYS
from lithiscope.kinetics.pathways_options import PathwayOptions

if TYPE_CHECKING:
    import xarray as xr

_WORDS = {1: "lithiation", -1: "delithiation", 0: "rest"}


def pathway_diagram(
    tables: Sequence[xr.Dataset],
    *,
    options: PathwayOptions = PathwayOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Count the particles on every pathway by C-rate and direction.

    Parameters
    ----------
    tables : sequence of pathway_table
        One per study; a particle is one of its own in every table.
    options : PathwayOptions
        Edges of the C-rates; probability of the range.

    Returns
    -------
    pathway_diagram
        A particle counts once in a group: when it went through several half cycles there, each counts a part of it.
        Ranges are those of Jeffreys for one pathway against the others. Groups are lithiation, delithiation and rest,
        each with rising C-rate; C-rates are grouped by the edges or, without any, to two digits.

    Raises
    ------
    AnalysisError
        If there is no table, or no case with a C-rate.
    """
    if not tables:
        raise AnalysisError("there is nothing to count", field="tables", value="none", remedy="give one table a study")
    counts: dict[tuple[int, float], np.ndarray] = {}
    rates: dict[tuple[int, float], list[float]] = {}
    for table in tables:
        stages.check(table, "pathway_table")
        rate = np.asarray(table["applied_c_rate"].values, dtype=float)
        keys = [_key(int(way), float(one), options) for way, one in zip(table["direction"].values, rate, strict=True)]
        for key in sorted({key for key in keys if np.isfinite(key[1])}):
            cases = [k for k, one in enumerate(keys) if one == key]
            rates.setdefault(key, []).extend(rate[cases].tolist())
            for row in np.asarray(table["pathway"].values)[:, cases]:
                counts[key] = counts.get(key, np.zeros(len(PATHWAYS) + 1)) + _parts(row)
    if not counts:
        raise AnalysisError(
            "no half cycle has a C-rate", field="applied_c_rate", remedy="give the cell's trace, or state the edges"
        )
    order = sorted(counts, key=lambda key: ({1: 0, -1: 1, 0: 2}[key[0]], key[1]))
    return _assembled(order, counts, {key: float(np.mean(values)) for key, values in rates.items()}, options)


def _key(direction: int, rate: float, options: PathwayOptions) -> tuple[int, float]:
    if options.edges and np.isfinite(rate) and direction:
        return direction, float(np.searchsorted(options.edges, rate, side="right"))
    return direction, float(f"{rate:.2g}")


def _parts(row: np.ndarray) -> np.ndarray:
    """Return one particle shared out over the pathways that it took; the last place is for cases not decided."""
    named = np.array([np.sum(row == name) for name in PATHWAYS], dtype=float)
    if named.sum():
        return np.append(named / named.sum(), 0.0)
    return np.append(named, 1.0)


def _assembled(
    order: list[tuple[int, float]],
    counts: Mapping[tuple[int, float], np.ndarray],
    rates: Mapping[tuple[int, float], float],
    options: PathwayOptions,
) -> xr.Dataset:
    from scipy.stats import beta

    count = np.array([counts[key][:-1] for key in order])
    total = count.sum(axis=1, keepdims=True)
    share = np.divide(count, total, out=np.full(count.shape, np.nan), where=total > 0)
    tail = (1 - options.interval) / 2
    low, high = (beta.ppf(q, count + 0.5, total - count + 0.5) for q in (tail, 1 - tail))
    known = total > 0
    rate = np.array([rates[key] for key in order])
    words = [
        _WORDS[key[0]] if not key[0] else f"{_WORDS[key[0]]} {one:.2g}C" for key, one in zip(order, rate, strict=True)
    ]
    dims = "group pathway_name"
    variables: dict[str, tuple[str, Any]] = {
        "count": (dims, count),
        "share": (dims, share),
        "share_low": (dims, np.where(known, np.where(count == 0, 0.0, low), np.nan)),
        "share_high": (dims, np.where(known, np.where(count == total, 1.0, high), np.nan)),
        "undecided_count": ("group", np.array([counts[key][-1] for key in order])),
        "particle_count": ("group", np.rint(total[:, 0]).astype(int)),
        "c_rate": ("group", rate),
        "direction": ("group", np.array([key[0] for key in order])),
    }
    coords: dict[str, tuple[str, Any]] = {
        "group": ("group", np.array(words, dtype=str)),
        "pathway_name": ("pathway_name", np.array(PATHWAYS, dtype=str)),
    }
    return stages.new("pathway_diagram", variables, coords=coords)


def active_particles(
    population: xr.Dataset,
    half_cycle: np.ndarray,
    applied_c_rate: Mapping[int, float],
    *,
    options: PathwayOptions = PathwayOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Average the share of active particles near half charge, by C-rate and direction.

    Parameters
    ----------
    population : population
        Share of the particles between the two end compositions, in every frame.
    half_cycle : ndarray of int, shape (time,)
        Half cycle of every frame; -1 at rest.
    applied_c_rate : mapping of int to float
        C-rate of the cell in every half cycle, 1/h.
    options : PathwayOptions
        Range of the electrode's composition that counts as near half charge; edges of the C-rates.

    Returns
    -------
    pooled
        Mean over the frames near half charge of the half cycles of a group. Its error is binomial for the number of
        particles, because they are the same in every frame.

    Raises
    ------
    StageError
        If there is not one half cycle per frame.
    AnalysisError
        If no half cycle with a C-rate has a frame near half charge.
    """
    stages.check(population, "population")
    number = np.asarray(half_cycle, dtype=int)
    if number.shape != (population.sizes["time"],):
        raise StageError(
            "every frame needs its half cycle", field="half_cycle", value=number.shape,
            limit=f"({population.sizes['time']},)", remedy="take it from the video that the particles are from",
        )  # fmt: skip
    whole = np.asarray(population["global_lithium_fraction"].values, dtype=float)
    share = np.asarray(population["active_share"].values, dtype=float)
    near = (whole >= options.lower) & (whole <= options.upper) & np.isfinite(share)
    groups: dict[tuple[int, float], list[tuple[float, float, int]]] = {}
    for column, one in enumerate(population["half_cycle"].values):
        rate = float(applied_c_rate.get(int(one), np.nan))
        used = near & (number == one)
        if used.any() and np.isfinite(rate):
            key = _key(int(population["direction"].values[column]), rate, options)
            count = int(population["particle_count"].values[column])
            groups.setdefault(key, []).append((float(share[used].mean()), rate, max(count, 1)))
    if not groups:
        raise AnalysisError(
            "no half cycle has a C-rate and a frame near half charge", field="active_share", value="none",
            limit=f"electrode between {options.lower:g} and {options.upper:g}",
        )  # fmt: skip
    order = sorted(groups, key=lambda key: (-key[0], key[1]))
    return _active(order, groups, options)


def _active(
    order: list[tuple[int, float]],
    groups: Mapping[tuple[int, float], list[tuple[float, float, int]]],
    options: PathwayOptions,
) -> xr.Dataset:
    from scipy.stats import beta

    value = np.array([np.mean([share for share, _, _ in groups[key]]) for key in order])
    rate = np.array([np.mean([rate for _, rate, _ in groups[key]]) for key in order])
    count = np.array([max(count for _, _, count in groups[key]) for key in order])
    expected = (value * count + 0.5) / (count + 1)
    tail = (1 - options.interval) / 2
    first, second = value * count + 0.5, (1 - value) * count + 0.5
    names = [f"{_WORDS[key[0]]} {one:.2g}C" for key, one in zip(order, rate, strict=True)]
    variables: dict[str, tuple[str, Any]] = {
        "value": ("group", value),
        "value_std": ("group", np.sqrt(expected * (1 - expected) / (count + 2))),
        "low": ("group", np.where(value <= 0, 0.0, beta.ppf(tail, first, second))),
        "high": ("group", np.where(value >= 1, 1.0, beta.ppf(1 - tail, first, second))),
        "c_rate": ("group", rate),
        "direction": ("group", np.array([key[0] for key in order])),
        "particle_count": ("group", count),
    }
    return stages.new(
        "pooled", variables, coords={"group": ("group", np.array(names, dtype=str))},
        attrs={"quantity": "share of active particles near half charge (1)"},
    )  # fmt: skip
