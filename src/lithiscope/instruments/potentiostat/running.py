"""Running a protocol on a virtual cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.instruments.potentiostat.cells import Array, VirtualCell
from lithiscope.instruments.potentiostat.options import PotentiostatOptions
from lithiscope.instruments.potentiostat.protocol import ConstantCurrent, ConstantVoltage, Rest, Step
from lithiscope.instruments.potentiostat.truth import PotentiostatTruth, StepTruth

if TYPE_CHECKING:
    import xarray as xr


class Measurement(NamedTuple):
    """A trace of the virtual potentiostat and the truth behind it."""

    trace: xr.Dataset
    truth: PotentiostatTruth


def measure(
    cell: VirtualCell,
    protocol: Sequence[Step],
    *,
    lithium_start: float = 0.99,
    seed: int = 0,
    options: PotentiostatOptions = PotentiostatOptions(),  # noqa: B008 - frozen
) -> Measurement:
    """Run a protocol on a cell and sample it.

    Parameters
    ----------
    cell : VirtualCell
        The cell.
    protocol : sequence of Step
        One after the other.
    lithium_start : float
        Lithium fraction before the first step.
    seed : int
        Of the noise.
    options : PotentiostatOptions
        Sampling, noise, clock.

    Returns
    -------
    Measurement
        The trace (stage cell_trace, with charge columns that are exact) and the truth.

    Raises
    ------
    AnalysisError
        If a step would empty or overfill the electrode before it ends.
    """
    run = _Run(cell, options, lithium=lithium_start)
    for number, step in enumerate(protocol):
        run.add(number, step)
    columns = {name: np.concatenate(parts) for name, parts in run.columns.items()}
    truth = PotentiostatTruth(
        steps=tuple(run.steps),
        capacity_ah=cell.capacity_ah,
        resistance_ohm=cell.resistance_ohm,
        hysteresis_volt=cell.hysteresis_volt,
        clock_offset=options.clock_offset,
        clock_drift=options.clock_drift,
        lithium_fraction=columns["lithium"],
        voltage_volt=columns["voltage"],
        open_circuit_volt=cell.still_volt(columns["lithium"]),
    )
    return Measurement(_trace(columns, truth, options, np.random.default_rng(seed)), truth)


def _trace(
    columns: dict[str, Array], truth: PotentiostatTruth, options: PotentiostatOptions, rng: np.random.Generator
) -> xr.Dataset:
    from datetime import datetime

    voltage = columns["voltage"] + options.voltage_noise * rng.standard_normal(len(columns["voltage"]))
    if options.voltage_digit:
        voltage = np.round(voltage / options.voltage_digit) * options.voltage_digit
    clock = truth.trace_second(columns["second"])
    passed = np.diff(columns["charge"], prepend=0.0)
    variables = {
        "test_time_second": clock,
        "unix_time_second": datetime.fromisoformat(options.start_utc).timestamp() + clock,
        "voltage_volt": voltage,
        "current_ampere": columns["current"] + options.current_noise * rng.standard_normal(len(voltage)),
        "net_capacity_ah": columns["charge"],
        "charging_capacity_ah": np.cumsum(np.maximum(passed, 0)),
        "discharging_capacity_ah": np.cumsum(np.maximum(-passed, 0)),
        "step_index": columns["step"],
        "step_count": columns["step"],
    }
    return stages.new(
        "cell_trace",
        {name: ("sample", values) for name, values in variables.items()},
        coords={"sample": ("sample", np.arange(len(clock)))},
        attrs={
            "source": "virtual potentiostat",
            "technique": "GCPL",
            "start_utc": options.start_utc,
            "current_source": "measured",
            "voltage_source": "cell",
        },
    )


@dataclass
class _Run:
    """The state of the cell while a protocol runs, and what was sampled so far."""

    cell: VirtualCell
    options: PotentiostatOptions
    lithium: float
    second: float = 0.0
    charge: float = 0.0
    late_volt: float = 0.0
    current: float = 0.0
    steps: list[StepTruth] = field(default_factory=list)
    columns: dict[str, list[Array]] = field(default_factory=dict)

    def add(self, number: int, step: Step) -> None:
        """Run one step and keep its samples."""
        if isinstance(step, ConstantVoltage):
            time, current, lithium, late, charge = self._hold(number, step)
        else:
            time, current, lithium, late, charge = self._steady(number, step)
        sign = np.sign(current[0])
        voltage = (
            self.cell.still_volt(lithium)
            + sign * self.cell.hysteresis_volt / 2
            + current * self.cell.resistance_ohm
            + late
        )
        self.steps.append(
            StepTruth(
                type(step).__name__,
                self.second,
                self.second + float(time[-1]),
                float(current[0]),
                float(current[-1]),
                float(charge[-1]),
                self.lithium,
                float(lithium[-1]),
            )
        )
        sampled = {
            "second": self.second + time,
            "current": current,
            "lithium": lithium,
            "voltage": voltage,
            "charge": self.charge + charge,
            "step": np.full(len(time), float(number)),
        }
        for name, values in sampled.items():
            self.columns.setdefault(name, []).append(values)
        self.second += float(time[-1])
        self.charge += float(charge[-1])
        self.lithium, self.late_volt, self.current = float(lithium[-1]), float(late[-1]), float(current[-1])

    def _steady(self, number: int, step: ConstantCurrent | Rest) -> tuple[Array, Array, Array, Array, Array]:
        """Constant current, or none: everything in closed form."""
        current = step.ampere if isinstance(step, ConstantCurrent) else 0.0
        speed = self.cell.lithium_per_second(current)
        room = np.inf if speed == 0 else ((1.0 if speed > 0 else 0.0) - self.lithium) / speed
        longest = step.second if isinstance(step, Rest) else step.longest_second or np.inf
        end = min(longest, room)
        if isinstance(step, ConstantCurrent) and step.until_volt is not None:
            end = self._reaches(step.until_volt, current, end)
        if end >= room:
            raise AnalysisError(
                "a step empties or fills the electrode before it ends",
                field=f"step {number}",
                value=step,
                remedy="state a limit of voltage or time that is reached earlier",
            )
        time = self._times(end)
        slow = current * self.cell.slow_ohm(current)
        late = slow + (self.late_volt - slow) * np.exp(-time / self.cell.slow_second)
        lithium = self.lithium + speed * time
        return time, np.full_like(time, current), lithium, late, current * time / 3600.0

    def _voltage(self, time: float, current: float) -> float:
        slow = current * self.cell.slow_ohm(current)
        late = slow + (self.late_volt - slow) * np.exp(-time / self.cell.slow_second)
        lithium = np.array([self.lithium + self.cell.lithium_per_second(current) * time])
        instant = np.sign(current) * self.cell.hysteresis_volt / 2 + current * self.cell.resistance_ohm
        return float(self.cell.still_volt(lithium)[0] + instant + late)

    def _reaches(self, volt: float, current: float, longest: float) -> float:
        """Return when the voltage first reaches `volt`, or `longest`; it rises or falls all the way."""
        sign = np.sign(current)
        below, above = 0.0, longest
        if sign * (self._voltage(0.0, current) - volt) >= 0:
            return self.options.first_sample_second
        if sign * (self._voltage(longest, current) - volt) < 0:
            return longest
        for _ in range(80):
            middle = (below + above) / 2
            if sign * (self._voltage(middle, current) - volt) < 0:
                below = middle
            else:
                above = middle
        return above

    def _times(self, end: float) -> Array:
        step = self.options.interval_second
        inner = np.arange(1, int(np.ceil(end / step))) * step
        first = min(self.options.first_sample_second, end / 2)
        return np.unique(np.concatenate([[first], inner[inner < end], [end]]))

    def _hold(self, number: int, step: ConstantVoltage) -> tuple[Array, Array, Array, Array, Array]:
        """Integrate lithium, late voltage and charge at a held voltage until the current has fallen."""
        from scipy.integrate import solve_ivp

        cell, sign = self.cell, np.sign(self.current)
        if cell.resistance_ohm <= 0 or sign == 0:
            raise AnalysisError(
                "a held voltage needs a resistance and a current before it", field=f"step {number}", value=step
            )

        def current(state: Array) -> float:
            still = cell.still_volt(state[:1])[0] + sign * cell.hysteresis_volt / 2 + state[1]
            return float((step.volt - still) / cell.resistance_ohm)

        def change(_: float, state: Array) -> list[float]:
            ampere = current(state)
            return [
                cell.lithium_per_second(ampere),
                (ampere * cell.slow_ohm(float(sign)) - state[1]) / cell.slow_second,
                ampere / 3600.0,
            ]

        def fallen(_: float, state: Array) -> float:
            return float(sign) * current(state) - step.until_ampere

        fallen.terminal = True  # type: ignore[attr-defined]
        scale = np.array([1e-10, 1e-10, 1e-12 * cell.capacity_ah])
        longest = 100.0 * 3600.0 * cell.capacity_ah / step.until_ampere
        solved = solve_ivp(
            change,
            (0.0, longest),
            np.array([self.lithium, self.late_volt, 0.0]),
            method="LSODA",
            rtol=1e-9,
            atol=scale,
            events=fallen,
            dense_output=True,
        )
        if solved.sol is None or not solved.t_events or not len(solved.t_events[0]):
            raise AnalysisError("the current of a hold does not fall so far", field=f"step {number}", value=step)
        time = self._times(float(solved.t_events[0][0]))
        state = np.asarray(solved.sol(time))
        return time, np.array([current(column) for column in state.T]), state[0], state[1], state[2]
