"""What the cell does without particles, taken out of dQ/dV."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, LithiscopeWarning

if TYPE_CHECKING:
    import xarray as xr

_NAMES = ("incremental_capacity", "signed_incremental_capacity")
_OUTSIDE = 0.01  # share of the charge that may lie outside the voltages of the blank


def subtract_blank(curves: xr.Dataset, blank: xr.Dataset) -> xr.Dataset:
    """Subtract dQ/dV of a blank electrode from that of an electrode with particles, direction by direction.

    The half cycles of the blank that have the same direction are averaged. What is left may be negative: noise, or a
    blank that was larger than the cell's own background.

    Parameters
    ----------
    curves, blank : incremental_capacity
        Of the cell, and of the same cell without particles, over the same voltages.

    Returns
    -------
    incremental_capacity
        On the axis of `curves`; errors are added in quadrature, `capacity_ah` is the charge that is left.

    Raises
    ------
    AnalysisError
        If the blank has no half cycle of a direction.

    Warns
    -----
    LithiscopeWarning
        If more than 1 % of the charge lies at voltages that the blank did not reach.
    """
    for data in (curves, blank):
        stages.check(data, "incremental_capacity")
    axis = curves["voltage"].values
    directions = curves["direction"].values
    means = {int(direction): _mean(blank, int(direction), axis) for direction in np.unique(directions)}
    variables: dict[str, tuple[str, Any]] = {
        name: (
            "half_cycle voltage",
            curves[name].values - np.stack([means[int(direction)][name] for direction in directions]),
        )
        for name in _NAMES
    }
    std = "incremental_capacity_std"
    if std in curves and std in blank:
        others = np.stack([means[int(direction)][std] for direction in directions])
        variables[std] = ("half_cycle voltage", np.hypot(curves[std].values, others))
    width = float(axis[1] - axis[0])
    variables["capacity_ah"] = ("half_cycle", variables["incremental_capacity"][1].sum(axis=1) * width)
    _warn_outside(curves, blank)
    return stages.new(
        "incremental_capacity",
        variables,
        coords={
            name: (str(curves[name].dims[0]), curves[name].values)
            for name in ("half_cycle", "direction", "c_rate", "voltage")
        },
        attrs={
            **{key: value for key, value in curves.attrs.items() if key != "stage"},
            "blank": f"{blank.sizes['half_cycle']} half cycles",
        },
    )


def _mean(blank: xr.Dataset, direction: int, axis: np.ndarray) -> dict[str, np.ndarray]:
    chosen = np.flatnonzero(blank["direction"].values == direction)
    if len(chosen) == 0:
        raise AnalysisError(
            "the blank has no half cycle of this direction",
            field="direction",
            value="lithiation" if direction > 0 else "delithiation",
            remedy="measure the blank in both directions, or choose half cycles with isel",
        )
    grid = blank["voltage"].values
    means = {name: np.interp(axis, grid, blank[name].values[chosen].mean(axis=0), 0.0, 0.0) for name in _NAMES}
    std = "incremental_capacity_std"
    if std in blank:
        common = np.sqrt(np.sum(blank[std].values[chosen] ** 2, axis=0)) / len(chosen)
        means[std] = np.interp(axis, grid, common, 0.0, 0.0)
    return means


def _warn_outside(curves: xr.Dataset, blank: xr.Dataset) -> None:
    held = blank["incremental_capacity"].values.max(axis=0)
    reached = blank["voltage"].values[held > 1e-6 * held.max()]
    axis = curves["voltage"].values
    outside = (axis < reached[0]) | (axis > reached[-1])
    value = curves["incremental_capacity"].values
    share = float(np.max(value[:, outside].sum(axis=1) / value.sum(axis=1))) if outside.any() else 0.0
    if share > _OUTSIDE:
        warnings.warn(
            f"{share:.0%} of the charge lies at voltages that the blank did not reach "
            f"({reached[0]:.3f} to {reached[-1]:.3f} V); nothing was subtracted there",
            LithiscopeWarning,
            stacklevel=3,
        )
