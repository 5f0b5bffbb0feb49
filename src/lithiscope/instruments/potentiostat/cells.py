"""Cells that the virtual potentiostat can be connected to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import OptionError

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class VirtualCell:
    """An electrode against lithium, with every number that an analysis could look for.

    V = U(x) + sign(I) h/2 + I R + w, with R_s C_s dw/dt = I R_s - w and positive I taking lithium out.

    Parameters
    ----------
    open_circuit : callable
        Voltage without current U (V) of the lithium fraction, array to array; falling within 0 and 1.
    capacity_ah : float
        Charge between lithium fraction 1 and 0 (Ah).
    resistance_ohm : float
        Resistance that acts at once (ohm).
    slow_delithiation_ohm, slow_lithiation_ohm : float
        Resistance R_s that comes late, by the direction of the current (ohm).
    slow_second : float
        Time R_s C_s in which it comes (s).
    hysteresis_volt : float
        Gap h between the directions at vanishing current (V).
    side_share : float
        Share of the delithiating charge that takes no lithium out.
    """

    open_circuit: Callable[[Array], Array]
    capacity_ah: float
    resistance_ohm: float = 0.0
    slow_delithiation_ohm: float = 0.0
    slow_lithiation_ohm: float = 0.0
    slow_second: float = 30.0
    hysteresis_volt: float = 0.0
    side_share: float = 0.0

    def __post_init__(self) -> None:
        for field in ("capacity_ah", "slow_second"):
            if not getattr(self, field) > 0:
                raise OptionError(
                    "a cell needs this", field=field, value=getattr(self, field), limit="a positive number"
                )
        for field in ("resistance_ohm", "slow_delithiation_ohm", "slow_lithiation_ohm", "hysteresis_volt"):
            if not getattr(self, field) >= 0:
                raise OptionError("a resistance or gap is negative", field=field, value=getattr(self, field))
        if not 0 <= self.side_share < 1:
            raise OptionError("not a share", field="side_share", value=self.side_share, limit="0 to below 1")

    def still_volt(self, lithium: Array) -> Array:
        """Return the open-circuit voltage (V); the lithium fraction stays off 0 and 1, where it may be infinite."""
        return self.open_circuit(np.clip(lithium, 1e-12, 1 - 1e-12))

    def slow_ohm(self, current: float) -> float:
        """Return the late resistance for the direction of this current, ohm."""
        return self.slow_delithiation_ohm if current > 0 else self.slow_lithiation_ohm

    def lithium_per_second(self, current: float) -> float:
        """Return dx/dt (1/s) at this current (A)."""
        useful = 1.0 - self.side_share if current > 0 else 1.0
        return -current * useful / (3600.0 * self.capacity_ah)


def plateau_cell(
    capacity_ah: float = 5e-9,
    *,
    plateau_volt: float = 3.425,
    slope_volt: float = 0.01,
    end_volt: float = 0.025,
    resistance_ohm: float = 1e8,
    hysteresis_volt: float = 0.02,
) -> VirtualCell:
    """Return an electrode like lithium iron phosphate in a liquid cell: one plateau between two steep ends.

    U = V0 + b (1 - 2x) + c ln((1-x)/x) with V0 `plateau_volt`, b `slope_volt` and c `end_volt` (V).
    """

    def open_circuit(x: Array) -> Array:
        return np.asarray(plateau_volt + slope_volt * (1 - 2 * x) + end_volt * np.log((1 - x) / x))

    return VirtualCell(open_circuit, capacity_ah, resistance_ohm=resistance_ohm, hysteresis_volt=hysteresis_volt)


def blank_electrode(
    charge_per_volt: float = 1e-11, *, resistance_ohm: float = 1e8, between: tuple[float, float] = (1.5, 4.5)
) -> VirtualCell:
    """Return an electrode without particles: a capacitor of so many Ah per volt within the voltages `between` (V)."""
    low, high = between

    def open_circuit(x: Array) -> Array:
        return np.asarray(high - (high - low) * x)

    return VirtualCell(open_circuit, charge_per_volt * (high - low), resistance_ohm=resistance_ohm)
