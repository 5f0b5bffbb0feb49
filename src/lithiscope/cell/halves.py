"""Rows of the table of half cycles, and what their curves have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope.cell.kernels.runs import Runs
from lithiscope.cell.samples import Samples
from lithiscope.cell.split import charge_bounds

if TYPE_CHECKING:
    import xarray as xr


class Half(NamedTuple):
    """One half cycle: number, direction (+1 lithiation), first and last sample of the trace, charges in Ah, C-rate."""

    number: int
    direction: int
    first: int
    last: int
    charge: float
    held_charge: float
    c_rate: float

    def part(self, samples: Samples) -> slice:
        """Return which of the readable samples belong to it."""
        first, last = np.searchsorted(samples.number, [self.first, self.last])
        return slice(int(first), int(last) + 1)

    def begin(self, samples: Samples) -> float:
        """Return the charge of the trace at its beginning, Ah."""
        part = self.part(samples)
        runs = Runs(np.array([part.start]), np.array([part.stop - 1]), np.array([-self.direction]))
        return float(charge_bounds(samples, runs)[0][0])


def halves_of(half_cycles: xr.Dataset) -> list[Half]:
    """Return the rows of a table of half cycles."""
    rates = c_rates(half_cycles)
    return [
        Half(int(number), int(direction), int(first), int(last), float(charge), float(held), float(rate))
        for number, direction, first, last, charge, held, rate in zip(
            half_cycles["half_cycle"].values,
            half_cycles["direction"].values,
            half_cycles["first_sample"].values,
            half_cycles["last_sample"].values,
            half_cycles["capacity_ah"].values,
            half_cycles["constant_voltage_ah"].values,
            rates,
            strict=True,
        )
    ]


def c_rates(half_cycles: xr.Dataset) -> np.ndarray:
    """Return the nominal C-rates where a capacity was stated, else the measured ones, 1/h."""
    field = "nominal_c_rate" if "nominal_c_rate" in half_cycles else "measured_c_rate"
    return np.asarray(half_cycles[field].values, dtype=float)


def shared_coordinates(half_cycles: xr.Dataset) -> dict[str, tuple[str, Any]]:
    """Return number, direction and C-rate of the half cycles as coordinates."""
    return {
        "half_cycle": ("half_cycle", half_cycles["half_cycle"].values),
        "direction": ("half_cycle", half_cycles["direction"].values),
        "c_rate": ("half_cycle", c_rates(half_cycles)),
    }
