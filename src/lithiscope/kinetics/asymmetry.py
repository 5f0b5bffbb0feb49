"""Lithiation against delithiation: C-rate and overpotential of every particle at one composition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.covariance import interval_covariance
from lithiscope.kinetics.extend import causes_of
from lithiscope.kinetics.pool_options import AsymmetryOptions

if TYPE_CHECKING:
    import xarray as xr

_RATE, _ETA, _X, _RATIO = "c_rate", "overpotential_volt", "lithium_fraction", "log_ratio"


def rate_asymmetry(
    table: xr.Dataset,
    *,
    options: AsymmetryOptions = AsymmetryOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Read C-rate and overpotential of every particle where it passes one composition, and compare the directions.

    The single-particle counterpart of the overpotential at half of the capacity against C-rate (Koo 2023, fig. 1c),
    which `cell.overpotential_against_rate` reads off the trace.

    Parameters
    ----------
    table : rate_table
        With C-rates; the comparison also needs `overpotential_volt`.
    options : AsymmetryOptions
        The composition, the region, and how alike the applied rates of a pair must be.

    Returns
    -------
    rate_asymmetry
        By particle and half cycle: C-rate and overpotential, interpolated between the two intervals on both sides of
        the composition, with the covariance of neighbours and the error of the composition in their errors; NaN with
        the flag ``missing`` where the particle did not pass it. By pair of half cycles: ln of C-rate over
        |overpotential| on delithiation less that on lithiation, 0 where only F(x) of the reaction matters.

    Raises
    ------
    StageError
        If the table has no half cycles or no such region.
    AnalysisError
        If no interval belongs to a half cycle.
    """
    stages.check(table, "rate_table")
    table = _chosen(table, options.region)
    half = np.asarray(table["half_cycle"].values, dtype=int)
    direction = np.asarray(table["direction"].values, dtype=int)
    numbers = np.unique(half[direction != 0])
    if not len(numbers):
        raise AnalysisError("no interval belongs to a half cycle", field="half_cycle", remedy="give frames a direction")
    columns = _empty(table, len(numbers))
    covariance = interval_covariance(table, _RATE).values if f"{_RATE}_std" in table else None
    for column, number in enumerate(numbers):
        mine = np.flatnonzero((half == number) & (direction != 0))
        for row in range(table.sizes["particle"]):
            own = None if covariance is None else covariance[row]
            for name, value in _passing(table, row, mine, own, options.lithium_fraction).items():
                columns[name][..., row, column] = value
    way = np.array([direction[half == number][0] for number in numbers])
    applied = _applied(table, half, numbers)
    return _assembled(table, columns, numbers, way, applied, options)


def _empty(table: xr.Dataset, half_cycles: int) -> dict[str, np.ndarray]:
    shape = (table.sizes["particle"], half_cycles)
    names = [_RATE, *([f"{_RATE}_std"] if f"{_RATE}_std" in table else [])]
    names += [_ETA, f"{_ETA}_std"] if _ETA in table else []
    columns = {name: np.full(shape, np.nan) for name in names}
    if f"{_RATE}_shift" in table:
        columns[f"{_RATE}_shift"] = np.full((table.sizes["systematic"], *shape), np.nan)
    return columns


def _chosen(table: xr.Dataset, region: str) -> xr.Dataset:
    if "half_cycle" not in table.coords or "direction" not in table.coords:
        raise StageError(
            "the table does not know half cycles", field="half_cycle", remedy="make it from frames that do"
        )
    if "region" not in table:
        return table
    mine = np.flatnonzero(table["region"].values == region)
    if not len(mine):
        raise StageError(
            "the table has no such region",
            field="region",
            value=region,
            limit=", ".join(sorted(set(map(str, table["region"].values)))),
        )
    return table.isel(particle=mine)


def _passing(
    table: xr.Dataset, row: int, mine: np.ndarray, covariance: np.ndarray | None, level: float
) -> dict[str, Any]:
    """Interpolate one particle in one half cycle between the intervals on both sides of the composition."""
    x = np.asarray(table[_X].values[row, mine], dtype=float)
    passed = np.flatnonzero((x[:-1] - level) * (x[1:] - level) <= 0)
    if not len(passed) or x[passed[0]] == x[passed[0] + 1]:
        return {}
    first, second = mine[passed[0]], mine[passed[0] + 1]
    x1, x2 = x[passed[0]], x[passed[0] + 1]
    w = (level - x1) / (x2 - x1)

    def between(values: np.ndarray) -> Any:
        return (1 - w) * values[..., first] + w * values[..., second]

    rate = np.asarray(table[_RATE].values[row], dtype=float)
    found: dict[str, Any] = {_RATE: between(rate)}
    place = 0.0
    if covariance is not None:
        weights = np.array([1 - w, w])
        pair = covariance[np.ix_([first, second], [first, second])]
        place = float(between(np.asarray(table[f"{_X}_std"].values[row], dtype=float)) / abs(x2 - x1))
        found[f"{_RATE}_std"] = np.sqrt(weights @ pair @ weights + ((rate[second] - rate[first]) * place) ** 2)
    if f"{_RATE}_shift" in table:
        found[f"{_RATE}_shift"] = between(np.asarray(table[f"{_RATE}_shift"].values[:, row], dtype=float))
    if _ETA in table:
        eta = np.asarray(table[_ETA].values, dtype=float)
        found[_ETA] = between(eta)
        own = np.asarray(table[f"{_ETA}_std"].values, dtype=float) if f"{_ETA}_std" in table else np.zeros(len(eta))
        variance = ((1 - w) * own[first]) ** 2 + (w * own[second]) ** 2
        found[f"{_ETA}_std"] = np.sqrt(variance + ((eta[second] - eta[first]) * place) ** 2)
    return found


def _applied(table: xr.Dataset, half: np.ndarray, numbers: np.ndarray) -> np.ndarray | None:
    if "applied_c_rate" not in table:
        return None
    rates = np.asarray(table["applied_c_rate"].values, dtype=float)
    known = [rates[(half == number) & np.isfinite(rates)] for number in numbers]
    return np.array([float(np.median(part)) if len(part) else np.nan for part in known])


def _pairs(numbers: np.ndarray, way: np.ndarray, applied: np.ndarray | None, tolerance: float) -> list[tuple[int, int]]:
    """Return, for every lithiation, the nearest delithiation at a like rate, as positions among the half cycles."""
    pairs = []
    for one in np.flatnonzero(way > 0):
        like = np.flatnonzero(way < 0)
        if applied is not None and np.isfinite(applied[one]):
            like = like[np.abs(applied[like] / applied[one] - 1) <= tolerance]
        if len(like):
            pairs.append((int(one), int(like[np.argmin(np.abs(numbers[like] - numbers[one]))])))
    return pairs


def _assembled(
    table: xr.Dataset,
    columns: dict[str, np.ndarray],
    numbers: np.ndarray,
    way: np.ndarray,
    applied: np.ndarray | None,
    options: AsymmetryOptions,
) -> xr.Dataset:
    variables: dict[str, tuple[str, Any]] = {
        name: ("systematic particle half_cycle" if name.endswith("_shift") else "particle half_cycle", values)
        for name, values in columns.items()
    }
    missing = stages.flag_bit("missing")
    for name in (_RATE, _ETA):
        if name in columns:
            variables[f"{name}_flag"] = ("particle half_cycle", np.where(np.isnan(columns[name]), missing, 0))
    pairs = _pairs(numbers, way, applied, options.rate_tolerance) if _ETA in columns else []
    if pairs:
        first, second = (np.array(side) for side in zip(*pairs, strict=True))
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.log(columns[_RATE]) - np.log(np.abs(columns[_ETA]))
        ratio = np.where(np.isfinite(each[:, second] - each[:, first]), each[:, second] - each[:, first], np.nan)
        variables[_RATIO] = ("particle pair", ratio)
        variables[f"{_RATIO}_flag"] = ("particle pair", np.where(np.isnan(ratio), missing, 0))
        if f"{_RATE}_std" in columns:
            relative = (columns[f"{_RATE}_std"] / columns[_RATE]) ** 2 + (columns[f"{_ETA}_std"] / columns[_ETA]) ** 2
            variables[f"{_RATIO}_std"] = ("particle pair", np.sqrt(relative[:, first] + relative[:, second]))
        variables["first"] = ("pair", numbers[first])
        variables["second"] = ("pair", numbers[second])
    coords: dict[str, tuple[str, Any]] = {
        "particle": ("particle", table["particle"].values),
        "half_cycle": ("half_cycle", numbers),
        "direction": ("half_cycle", way),
    }
    if applied is not None:
        coords["applied_c_rate"] = ("half_cycle", applied)
    if f"{_RATE}_shift" in columns:
        coords["systematic"] = ("systematic", np.array(causes_of(table), dtype=str))
    return stages.new("rate_asymmetry", variables, coords=coords, attrs={"lithium_fraction": options.lithium_fraction})
