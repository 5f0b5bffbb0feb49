"""What really happened: kept beside the trace of the virtual potentiostat."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
@dataclass(frozen=True)
class StepTruth:
    """One step as it ran: when (s of the images' clock), the current at both ends (A), the charge (Ah), the lithium."""

    kind: str
    start_second: float
    end_second: float
    first_ampere: float
    last_ampere: float
    charge_ah: float
    lithium_start: float
    lithium_end: float


@final
@dataclass(frozen=True)
class PotentiostatTruth:
    """All that an analysis of the trace should find.

    Attributes
    ----------
    steps : tuple of StepTruth
        In order.
    capacity_ah, resistance_ohm, hysteresis_volt : float
        Of the cell.
    clock_offset, clock_drift : float
        Test time = offset + (1 + drift) x time of the images.
    lithium_fraction, voltage_volt, open_circuit_volt : ndarray (samples,)
        At every sample, without noise.
    """

    steps: tuple[StepTruth, ...]
    capacity_ah: float
    resistance_ohm: float
    hysteresis_volt: float
    clock_offset: float
    clock_drift: float
    lithium_fraction: NDArray[np.float64]
    voltage_volt: NDArray[np.float64]
    open_circuit_volt: NDArray[np.float64]

    def trace_second(self, image_second: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return what the potentiostat's clock shows at a time of the images (s)."""
        return np.asarray(self.clock_offset + (1 + self.clock_drift) * np.asarray(image_second, dtype=float))

    def edges(self) -> NDArray[np.float64]:
        """Return where the current jumps, s of the images' clock; a held voltage that takes over is no jump."""
        before = [0.0, *(step.last_ampere for step in self.steps)]
        return np.array(
            [
                step.start_second
                for step, last in zip(self.steps, before, strict=False)
                if abs(step.first_ampere - last) > 1e-3 * max(abs(step.first_ampere), abs(last))
            ]
        )

    def half_cycle_charges(self) -> list[tuple[int, float, float]]:
        """Return (direction, charge, of it at held voltage) of every run of steps of one sign, in Ah."""
        runs: list[tuple[int, float, float]] = []
        rested = True
        for step in self.steps:
            sign = int(np.sign(step.first_ampere))
            if sign == 0:
                rested = True
                continue
            held = abs(step.charge_ah) if step.kind == "ConstantVoltage" else 0.0
            if runs and not rested and runs[-1][0] == -sign:
                _, charge, already = runs[-1]
                runs[-1] = (-sign, charge + abs(step.charge_ah), already + held)
            else:
                runs.append((-sign, abs(step.charge_ah), held))
            rested = False
        return runs

    def write(self, path: str | Path) -> None:
        """Write all but the arrays as JSON."""
        lines = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not isinstance(getattr(self, field.name), np.ndarray)
        }
        lines["steps"] = [dataclasses.asdict(step) for step in self.steps]
        Path(path).write_text(json.dumps(lines, indent=1), encoding="utf-8")
