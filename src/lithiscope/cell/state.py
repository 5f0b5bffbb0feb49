"""The state of the cell at every sample: ohmic drop, equilibrium voltage, overpotential, charge, composition."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.halves import halves_of
from lithiscope.cell.kernels.runs import seconds_after, seconds_before
from lithiscope.cell.kernels.smoothing import rounded_noise, stepped_noise
from lithiscope.cell.options import FrameOptions
from lithiscope.cell.samples import Samples
from lithiscope.errors import OptionError

if TYPE_CHECKING:
    import xarray as xr


class Parameters(NamedTuple):
    """Numbers that the state depends on, with their standard deviations; None where they are not known.

    Attributes
    ----------
    capacity_ah, capacity_std : float
        Charge between the two ends of `lithium_range`, Ah; the error is 0 when none was stated.
    resistance_ohm, resistance_std : float or None
        ohm.
    plateau_volt, plateau_std : float or None
        Equilibrium voltage, V.
    curve : (ndarray, ndarray) or None
        Share of lithium and equilibrium voltage over it, V, where the curve is to be used.
    lithium_start : float
        Lithium fraction at the first sample.
    lithium_range : (float, float)
        Lithium fractions of the empty and the full electrode.
    """

    capacity_ah: float
    capacity_std: float
    resistance_ohm: float | None
    resistance_std: float
    plateau_volt: float | None
    plateau_std: float
    curve: tuple[np.ndarray, np.ndarray] | None
    lithium_start: float
    lithium_range: tuple[float, float]


class State(NamedTuple):
    """What the cell did at every sample (s): columns that are averaged as they are, charge (Ah), noise (V, A)."""

    time: np.ndarray
    charge: np.ndarray
    columns: dict[str, np.ndarray]
    voltage_noise: float
    current_noise: float


def parameters_of(
    half_cycles: xr.Dataset, resistance: xr.Dataset | None, equilibrium: xr.Dataset | None, options: FrameOptions
) -> Parameters:
    """Gather the parameters from stages and options.

    Raises
    ------
    OptionError
        If the curve of the equilibrium voltage is asked for and only a stated value is there.
    """
    low, high = options.lithium_range
    capacity, std = _capacity(half_cycles, options)
    ohm = ohm_std = plateau = plateau_std = curve = None
    if resistance is not None:
        stages.check(resistance, "resistance")
        ohm, ohm_std = float(resistance["resistance_ohm"]), float(resistance["resistance_std"])
    if equilibrium is not None:
        stages.check(equilibrium, "equilibrium_voltage")
        plateau, plateau_std = float(equilibrium["plateau_volt"]), float(equilibrium["plateau_std"])
        if options.equilibrium == "curve":
            if "equilibrium_volt" not in equilibrium:
                raise OptionError(
                    "a stated equilibrium voltage has no curve",
                    field="equilibrium",
                    value="curve",
                    remedy="set it to 'plateau', or take the equilibrium voltage from slow half cycles",
                )
            curve = (equilibrium["lithium_share"].values, equilibrium["equilibrium_volt"].values)
            noise = np.interp(0.5, curve[0], equilibrium["equilibrium_std"].values)
            plateau_std = float(noise)
    first = int(half_cycles["direction"].values[0])
    start = options.lithium_start if options.lithium_start is not None else (high if first < 0 else low)
    return Parameters(
        capacity, std, ohm, ohm_std or 0.0, plateau, plateau_std or 0.0, curve, start, options.lithium_range
    )


def shifted(parameters: Parameters) -> dict[str, Parameters]:
    """Return the parameters with one of them moved by its standard deviation, by the name of the cause."""
    found: dict[str, Parameters] = {}
    if parameters.resistance_ohm is not None and parameters.resistance_std > 0:
        moved = parameters.resistance_ohm + parameters.resistance_std
        found["resistance"] = parameters._replace(resistance_ohm=moved)
    if parameters.plateau_volt is not None and parameters.plateau_std > 0:
        std = parameters.plateau_std
        curve = parameters.curve and (parameters.curve[0], parameters.curve[1] + std)
        found["equilibrium_voltage"] = parameters._replace(plateau_volt=parameters.plateau_volt + std, curve=curve)
    if parameters.capacity_std > 0:
        found["capacity"] = parameters._replace(capacity_ah=parameters.capacity_ah + parameters.capacity_std)
    return found


def state_of(samples: Samples, half_cycles: xr.Dataset, parameters: Parameters) -> State:
    """Return the state of the cell at every readable sample."""
    low, high = parameters.lithium_range
    lithium = parameters.lithium_start - (samples.charge - samples.charge[0]) / parameters.capacity_ah * (high - low)
    columns = {
        "voltage_volt": samples.voltage,
        "current_ampere": samples.current,
        "half_cycle_capacity_ah": _half_cycle_charge(samples, half_cycles),
        "lithium_fraction": lithium,
    }
    if parameters.curve is not None:
        columns["equilibrium_voltage_volt"] = np.interp((lithium - low) / (high - low), *parameters.curve)
    elif parameters.plateau_volt is not None:
        columns["equilibrium_voltage_volt"] = np.full(len(lithium), parameters.plateau_volt)
    noises = (rounded_noise(samples.voltage), stepped_noise(samples.current))
    return State(samples.time, samples.charge, columns, *noises)


def completed(values: dict[str, np.ndarray], parameters: Parameters) -> dict[str, np.ndarray]:
    """Return the values with C-rate, ohmic drop and overpotential; V - I R - V_eq holds for means as for moments."""
    current = values["current_ampere"]
    result = {**values, "c_rate": np.abs(current) / parameters.capacity_ah}
    if parameters.resistance_ohm is not None:
        result["ohmic_drop_volt"] = current * parameters.resistance_ohm
        if "equilibrium_voltage_volt" in values:
            result["overpotential_volt"] = (
                values["voltage_volt"] - result["ohmic_drop_volt"] - values["equilibrium_voltage_volt"]
            )
    return result


def windows_of(samples: Samples, half_cycles: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return when each half cycle began and ended, s of test time."""
    parts = [half.part(samples) for half in halves_of(half_cycles)]
    first, last = np.array([part.start for part in parts]), np.array([part.stop - 1 for part in parts])
    before, after = seconds_before(samples.time), seconds_after(samples.time)
    return samples.time[first] - before[first], samples.time[last] + after[last]


def _capacity(half_cycles: xr.Dataset, options: FrameOptions) -> tuple[float, float]:
    if options.capacity_ah is not None:
        return options.capacity_ah, options.capacity_std_ah or 0.0
    if "nominal_capacity_ah" in half_cycles.attrs:
        std = options.capacity_std_ah
        stated = float(half_cycles.attrs.get("nominal_capacity_std_ah", 0.0))
        return float(half_cycles.attrs["nominal_capacity_ah"]), stated if std is None else std
    return float(half_cycles["capacity_ah"].max()), options.capacity_std_ah or 0.0


def _half_cycle_charge(samples: Samples, half_cycles: xr.Dataset) -> np.ndarray:
    """Return the charge since the start of the half cycle, Ah; it stands still in the rest that follows."""
    result = np.zeros(len(samples.time))
    halves = halves_of(half_cycles)
    for index, half in enumerate(halves):
        part = half.part(samples)
        until = halves[index + 1].part(samples).start if index + 1 < len(halves) else len(result)
        passed = np.abs(samples.charge[part.start : part.stop] - half.begin(samples))
        result[part] = passed
        result[part.stop : until] = half.charge
    return result
