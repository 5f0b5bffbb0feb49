"""Overpotential at half of the capacity against C-rate: the asymmetry of Koo et al. 2023, Fig. 1c."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.cell.halves import Half, halves_of, shared_coordinates
from lithiscope.cell.options import RateOptions
from lithiscope.cell.samples import samples_of
from lithiscope.cell.split import voltage_at
from lithiscope.errors import AnalysisError

if TYPE_CHECKING:
    import xarray as xr

_SAME_RATE = 1.2  # half cycles up to this much faster than the slowest count as equally slow


def overpotential_against_rate(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    *,
    resistance: xr.Dataset | None = None,
    options: RateOptions = RateOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Compare the voltages at half of the capacity over rates and directions.

    The reference is the mean of both directions at the lowest rate (Koo et al. 2023: 3.428 V at 0.2C).

    Parameters
    ----------
    trace, half_cycles : cell_trace, half_cycles
        As `split` returns them; half cycles may be chosen with ``isel``.
    resistance : resistance, optional
        Its drop is taken out; without it the overpotential holds the drop, as in the published figure.
    options : RateOptions
        Which half, and the reference.

    Returns
    -------
    rate_overpotential
        NaN with the flag ``missing`` where a half cycle ended before it came to half of the capacity. The error of
        the reference, and that of the resistance, are common shifts.

    Raises
    ------
    AnalysisError
        If no reference is stated and a direction is missing at the lowest rate.
    """
    stages.check(half_cycles, "half_cycles")
    samples = samples_of(
        trace,
        rest_current=half_cycles.attrs.get("rest_current_ampere"),
        charge=half_cycles.attrs.get("charge_source", "current"),
    )
    halves = halves_of(half_cycles)
    slowest = min(half.c_rate for half in halves)
    slow = [half for half in halves if half.c_rate <= _SAME_RATE * slowest]
    capacity = float(np.mean([half.charge - half.held_charge for half in slow]))
    charges = [capacity if options.at == "composition" else half.charge - half.held_charge for half in halves]
    read = np.array(
        [
            voltage_at(samples, half.part(samples), half.begin(samples), charge / 2, options.width * charge)
            for half, charge in zip(halves, charges, strict=True)
        ]
    )
    current = np.asarray(half_cycles["current_ampere"].values, dtype=float)
    ohm = 0.0 if resistance is None else float(resistance["resistance_ohm"])
    volt, std = read[:, 0] - current * ohm, read[:, 1]
    reference, reference_std = _reference(halves, slow, volt, std, options)
    shifts = {"equilibrium_voltage": np.full(len(halves), -reference_std)}
    if resistance is not None:
        ohm_std = float(resistance["resistance_std"])
        # A wrong resistance moves the reference too, by the mean of the two directions.
        common = 0.0 if options.reference_volt is not None else _mean_of_sides(halves, slow, current)
        shifts["resistance"] = -(current - common) * ohm_std
    lost = ~np.isfinite(volt)
    shift = np.where(lost, np.nan, np.stack(list(shifts.values())))
    variables: dict[str, tuple[str, Any]] = {
        "voltage_volt": ("half_cycle", volt),
        "voltage_std": ("half_cycle", std),
        "overpotential_volt": ("half_cycle", volt - reference),
        "overpotential_std": ("half_cycle", np.where(lost, np.nan, std)),
        "overpotential_shift": ("systematic half_cycle", shift),
        "overpotential_flag": ("half_cycle", np.where(lost, stages.flag_bit("missing"), 0)),
        "reference_volt": ("", reference),
        "reference_std": ("", reference_std),
    }
    return stages.new(
        "rate_overpotential",
        variables,
        coords={**shared_coordinates(half_cycles), "systematic": ("systematic", np.array(list(shifts)))},
        attrs={"at": options.at, "capacity_ah": capacity},
    )


def _reference(
    halves: list[Half], slow: list[Half], volt: np.ndarray, std: np.ndarray, options: RateOptions
) -> tuple[float, float]:
    if options.reference_volt is not None:
        return options.reference_volt, options.reference_std
    directions = {half.direction for half in slow}
    if directions != {-1, 1}:
        raise AnalysisError(
            "the reference needs both directions at the lowest rate",
            field="half_cycles",
            value=f"only {'lithiation' if directions == {1} else 'delithiation'} at {slow[0].c_rate:.3g} C",
            remedy="state options.reference_volt, or choose half cycles with isel",
        )
    return _mean_of_sides(halves, slow, volt), float(np.sqrt(_mean_of_sides(halves, slow, std**2) / len(slow)))


def _mean_of_sides(halves: list[Half], slow: list[Half], values: np.ndarray) -> float:
    """Return the mean over the slow half cycles, both directions counting alike."""
    numbers = {half.number for half in slow}
    sides = [
        np.nanmean(
            [
                value
                for half, value in zip(halves, values, strict=True)
                if half.number in numbers and half.direction == side
            ]
        )
        for side in (-1, 1)
        if any(half.direction == side for half in slow)
    ]
    return float(np.mean(sides))
