"""Figures over a population: means of particles against C-rate, with the number of particles behind every point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report.plots import bracket, c_rate_text, need, points
from lithiscope.report.style import DIRECTION_COLOURS

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """One point of a figure over a population: its C-rate, direction, value, error and number of particles."""

    c_rate: float
    direction: int
    value: float
    low: float
    high: float
    count: int


def groups_of(data: xr.Dataset, name: str, *, half_cycles: xr.Dataset | None = None) -> list[Group]:
    """Return the points of a population.

    Parameters
    ----------
    data : Pooled, or a table (particle, half_cycle)
        A pooled stage as it is; of a table the means over the particles, grouped by C-rate and direction.
    name : str
        Variable of the table.
    half_cycles : HalfCycles, optional
        Gives the C-rate of every half cycle where the table has no ``applied_c_rate``.

    Returns
    -------
    list of Group
        Errors are one standard error over the particles, or, for a single particle, its own standard deviation.

    Raises
    ------
    AnalysisError
        If variable, direction or C-rate are not known.
    """
    if data.attrs.get("stage") == "pooled":
        return _pooled_groups(data)
    need(data, name, "direction")
    rates = _c_rates(data, half_cycles)
    keys = list(zip(rates, data["direction"].values.tolist(), strict=True))
    values = np.asarray(data[name].transpose("particle", "half_cycle").values, dtype=float)
    found = []
    for rate, direction in sorted({key for key in keys if math.isfinite(key[0])}):
        columns = [k for k, key in enumerate(keys) if key == (rate, direction)]
        means = _particle_means(values[:, columns])
        means = means[np.isfinite(means)]
        if means.size:
            error = _standard_error(data, name, means, columns)
            mean = float(means.mean())
            found.append(Group(rate, int(direction), mean, mean - error, mean + error, means.size))
    return found


def _pooled_groups(data: xr.Dataset) -> list[Group]:
    need(data, "c_rate", "direction")
    value = np.asarray(data["value"].values, dtype=float)
    std = np.nan_to_num(data["value_std"].values) if "value_std" in data else np.zeros(value.size)
    rate, way, count = (data[name].values for name in ("c_rate", "direction", "particle_count"))
    return [
        Group(float(rate[k]), int(way[k]), float(v), float(v - std[k]), float(v + std[k]), int(count[k]))
        for k, v in enumerate(value.tolist())
    ]


def _c_rates(data: xr.Dataset, half_cycles: xr.Dataset | None) -> list[float]:
    if "applied_c_rate" in data.coords:
        return [float(rate) for rate in data["applied_c_rate"].values]
    name = next(
        (n for n in ("nominal_c_rate", "measured_c_rate") if half_cycles is not None and n in half_cycles), None
    )
    if half_cycles is None or name is None:
        raise AnalysisError(
            "the C-rates of the half cycles are not known",
            field="applied_c_rate",
            remedy="give the table of half cycles",
        )
    known = dict(zip(half_cycles["half_cycle"].values.tolist(), half_cycles[name].values.tolist(), strict=True))
    # Nominal rates of one protocol step scatter in their last digits; three are enough to group by.
    return [float(f"{known.get(int(n), math.nan):.3g}") for n in data["half_cycle"].values]


def _standard_error(data: xr.Dataset, name: str, means: Floats, columns: list[int]) -> float:
    if means.size > 1:
        return float(means.std(ddof=1) / math.sqrt(means.size))
    if f"{name}_std" not in data:
        return 0.0
    std = np.asarray(data[f"{name}_std"].transpose("particle", "half_cycle").values, dtype=float)[:, columns]
    return float(np.median(std[np.isfinite(std)])) if np.isfinite(std).any() else 0.0


def _particle_means(values: Floats) -> Floats:
    count = np.isfinite(values).sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)


def rate_points(
    axes: Any, groups: list[Group], *, field: str, filled: bool = True, line: str = "-", counts: bool = True
) -> None:
    """Draw groups against a logarithmic C-rate: one line per direction, numbers of particles in brackets.

    Raises
    ------
    AnalysisError
        If there is no finite value.
    """
    good = [group for group in groups if np.isfinite(group.value) and group.c_rate > 0]
    if not good:
        raise AnalysisError("no group has a value to draw", field=field, value=len(groups), limit="one with a C-rate")
    for direction in (1, -1, 0):
        line_of = sorted((g for g in good if g.direction == direction), key=lambda g: g.c_rate)
        if not line_of:
            continue
        x, y = np.array([g.c_rate for g in line_of]), np.array([g.value for g in line_of])
        bars = np.array([[g.value - g.low for g in line_of], [g.high - g.value for g in line_of]]).clip(min=0)
        points(
            axes, x, y, direction=direction, y_std=bars, line=line, fillstyle="full" if filled else "none",
            markersize=4.2, markeredgewidth=0.9,
        )  # fmt: skip
        for group in line_of if counts else ():
            bracket(axes, group.c_rate, group.high if _upper(good, group) else group.low, group.count,
                    above=_upper(good, group), colour=DIRECTION_COLOURS[direction])  # fmt: skip
    rate_axis(axes, [group.c_rate for group in good])


def _upper(groups: list[Group], one: Group) -> bool:
    """Whether a point lies above the other direction's at nearly the same C-rate, so that its text goes up."""
    near = [g.value for g in groups if g.direction != one.direction and abs(math.log(g.c_rate / one.c_rate)) < 0.5]
    return not near or one.value >= max(near)


def rate_axis(axes: Any, rates: list[float]) -> None:
    """Make C-rate the horizontal axis, logarithmic, with ticks at the rates that were measured."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axes.set_xscale("log")
    kept: list[float] = []
    for rate in sorted(set(rates)):
        if not kept or math.log(rate / kept[-1]) > 0.3:
            kept.append(rate)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([c_rate_text(rate) for rate in kept])
    axes.set_xlim(min(rates) / 1.6, max(rates) * 1.6)
    axes.set_xlabel("C-rate")
