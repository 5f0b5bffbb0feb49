"""Equilibrium voltage: the mean of slow half cycles of both directions, with the gap between them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.curves import Curve, curve_of, require_samples
from lithiscope.cell.halves import Half, halves_of
from lithiscope.cell.kernels.smoothing import binned, local_lines, rounded_noise
from lithiscope.cell.options import EquilibriumOptions
from lithiscope.cell.samples import samples_of
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError

if TYPE_CHECKING:
    import xarray as xr

_SAME_RATE = 1.2  # half cycles up to this much faster than the slowest count as equally slow
_FULL = 0.5  # a half cycle with less than this share of the largest charge is no plateau
_MIDDLE = 0.25  # the plateau is judged between this share and one less it


class _Side(NamedTuple):
    """Mean voltage of one direction over the share of lithium, rising, with its variance, V."""

    voltage: np.ndarray
    variance: np.ndarray


def equilibrium_voltage(
    trace: xr.Dataset | None = None,
    half_cycles: xr.Dataset | None = None,
    *,
    resistance: xr.Dataset | None = None,
    options: EquilibriumOptions = EquilibriumOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return the voltage that the electrode would have without current.

    The mean of the voltages of the slowest full half cycles of both directions at the same share of lithium (Lim et
    al. 2016, supplement). Each half cycle is stretched to its own charge. Held voltage is left out.

    Parameters
    ----------
    trace, half_cycles : cell_trace, half_cycles, optional
        As `split` returns them; not needed for a stated value.
    resistance : resistance, optional
        Its drop is taken out of both directions first.
    options : EquilibriumOptions
        A stated value, or which half cycles.

    Returns
    -------
    equilibrium_voltage
        The curve over `lithium_share`, and `plateau_volt` at its middle. `plateau_std` holds the noise and the rms
        by which the curve leaves the plateau over the middle half of the charge.

    Raises
    ------
    AnalysisError
        If a direction has no full half cycle.
    OptionError
        If a chosen half cycle does not exist.

    Warns
    -----
    LithiscopeWarning
        If the half cycles are faster than ``highest_c_rate``.
    """
    if options.volt is not None:
        stated: dict[str, tuple[str, Any]] = {
            "plateau_volt": ("", options.volt),
            "plateau_std": ("", options.volt_std if options.volt_std is not None else 0.0),
        }
        return stages.new("equilibrium_voltage", stated, coords={}, attrs={"method": "stated"})
    if trace is None or half_cycles is None:
        raise AnalysisError(
            "nothing tells the equilibrium voltage",
            field="trace",
            remedy="give a trace with slow half cycles of both directions, or state volt (recipe: cell.equilibrium)",
        )
    ohm = 0.0 if resistance is None else float(resistance["resistance_ohm"])
    samples = samples_of(
        trace,
        rest_current=half_cycles.attrs.get("rest_current_ampere"),
        charge=half_cycles.attrs.get("charge_source", "current"),
    )
    share = np.linspace(0.0, 1.0, options.points)
    sides: dict[int, _Side] = {}
    used: dict[int, list[Half]] = {}
    for direction in (-1, 1):
        used[direction] = _slowest(half_cycles, direction, options)
        require_samples(samples, used[direction])
        curves = [
            curve_of(
                samples._replace(voltage=samples.voltage - samples.current * ohm),
                half.part(samples),
                half.begin(samples),
                half.charge - half.held_charge,
                width=options.width,
                nodes=options.points,
            )
            for half in used[direction]
        ]
        sides[direction] = _mean_side(curves, direction)
    rates = [half.c_rate for halves in used.values() for half in halves]
    if max(rates) > options.highest_c_rate * 1.01:
        warnings.warn(
            f"the equilibrium voltage comes from half cycles at up to {max(rates):.2g} C; "
            "their overpotential is in it as far as it differs between the directions",
            LithiscopeWarning,
            stacklevel=2,
        )
    attrs = {
        "delithiation": ", ".join(str(half.number) for half in used[-1]),
        "lithiation": ", ".join(str(half.number) for half in used[1]),
        "c_rate": ", ".join(f"{rate:.4g}" for rate in rates),
        "resistance_ohm": ohm,
    }
    return _assembled(share, sides[-1], sides[1], attrs)


def equilibrium_from_curves(
    delithiation: tuple[np.ndarray, np.ndarray],
    lithiation: tuple[np.ndarray, np.ndarray],
    *,
    options: EquilibriumOptions = EquilibriumOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return the equilibrium voltage from two published curves.

    Parameters
    ----------
    delithiation, lithiation : (ndarray, ndarray)
        Share of the capacity that is delithiated (0 = full of lithium, for both directions), and voltage, V.
    options : EquilibriumOptions
        Smoothing and number of points.

    Returns
    -------
    equilibrium_voltage

    Raises
    ------
    AnalysisError
        If a curve has fewer than five points, or does not reach from a tenth to nine tenths of the capacity.
    """
    share = np.linspace(0.0, 1.0, options.points)
    sides = [
        _published(name, *curve, share, options.width)
        for name, curve in (("delithiation", delithiation), ("lithiation", lithiation))
    ]
    return _assembled(share, sides[0], sides[1], {"delithiation": "given", "lithiation": "given", "resistance_ohm": 0})


def _published(name: str, passed: np.ndarray, voltage: np.ndarray, share: np.ndarray, width: float) -> _Side:
    out = 1.0 - np.asarray(passed, dtype=float)
    volt = np.asarray(voltage, dtype=float)
    good = np.isfinite(out) & np.isfinite(volt)
    if np.count_nonzero(good) < 5 or out[good].min() > 0.1 or out[good].max() < 0.9:
        raise AnalysisError(
            "a curve does not cover the capacity",
            field=name,
            value=f"{np.count_nonzero(good)} points",
            limit="at least 5 points between shares 0.1 and 0.9",
        )
    x, y, count = binned(np.clip(out[good], 0.0, 1.0), volt[good], int(np.ceil(2 / width)))
    place, part = local_lines(share, x, count.astype(float), width)
    noise = rounded_noise(volt[good]) / np.sqrt(count)
    return _Side(np.sum(part * y[place], axis=1), np.sum((part * noise[place]) ** 2, axis=1))


def _slowest(half_cycles: xr.Dataset, direction: int, options: EquilibriumOptions) -> list[Half]:
    halves = halves_of(half_cycles)
    if options.half_cycles:
        absent = sorted(set(options.half_cycles) - {half.number for half in halves})
        if absent:
            raise OptionError("there is no such half cycle", field="half_cycles", value=absent)
        found = [half for half in halves if half.number in options.half_cycles and half.direction == direction]
    else:
        largest = max(half.charge for half in halves)
        full = [half for half in halves if half.direction == direction and half.charge >= _FULL * largest]
        slowest = min((half.c_rate for half in full), default=0.0)
        found = [half for half in full if half.c_rate <= _SAME_RATE * slowest]
    if not found:
        raise AnalysisError(
            "the equilibrium voltage needs half cycles of both directions",
            field="half_cycles",
            value=f"no {'lithiation' if direction > 0 else 'delithiation'} with half of the largest charge",
            remedy="choose half_cycles, or state volt (recipe: cell.equilibrium)",
        )
    return found


def _mean_side(curves: list[Curve], direction: int) -> _Side:
    voltage = np.mean([curve.voltage for curve in curves], axis=0)
    variance = np.sum([curve.voltage_std() ** 2 for curve in curves], axis=0) / len(curves) ** 2
    # A lithiation starts empty, so its share of lithium rises along the curve.
    return _Side(voltage, variance) if direction > 0 else _Side(voltage[::-1], variance[::-1])


def _assembled(share: np.ndarray, out: _Side, into: _Side, attrs: dict[str, Any]) -> xr.Dataset:
    mean = (out.voltage + into.voltage) / 2
    std = np.sqrt(out.variance + into.variance) / 2
    gap = out.voltage - into.voltage
    plateau = float(np.interp(0.5, share, mean))
    noise = float(np.interp(0.5, share, std))
    middle = (share >= _MIDDLE) & (share <= 1 - _MIDDLE)
    slope = float(np.sqrt(np.mean((mean[middle] - plateau) ** 2)))
    variables: dict[str, tuple[str, Any]] = {
        "equilibrium_volt": ("lithium_share", mean),
        "equilibrium_std": ("lithium_share", std),
        "delithiation_volt": ("lithium_share", out.voltage),
        "lithiation_volt": ("lithium_share", into.voltage),
        "hysteresis_volt": ("lithium_share", gap),
        "plateau_volt": ("", plateau),
        "plateau_std": ("", float(np.hypot(noise, slope))),
        "plateau_gap_volt": ("", float(np.interp(0.5, share, gap))),
        "plateau_gap_std": ("", 2 * noise),
    }
    return stages.new(
        "equilibrium_voltage",
        variables,
        coords={"lithium_share": ("lithium_share", share)},
        attrs={"method": "plateaus", **attrs},
    )
