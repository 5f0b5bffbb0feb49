"""Incremental capacity dQ/dV and differential voltage dV/dQ of every half cycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.cell.curves import Curve, curve_of, lengths, require_samples
from lithiscope.cell.halves import Half, halves_of, shared_coordinates
from lithiscope.cell.kernels.density import charge_in_bins
from lithiscope.cell.options import IncrementalOptions
from lithiscope.cell.samples import samples_of
from lithiscope.errors import AnalysisError

if TYPE_CHECKING:
    import xarray as xr

_BINS_PER_WIDTH = 3  # bins of voltage in a standard deviation of the smoothing
_MARGIN = 5.0  # standard deviations of room at both ends, so that no charge is smoothed away
_MOST_BINS = 20_000


class VoltageAxis(NamedTuple):
    """Equal bins of voltage: first edge and width, V, and their number."""

    first: float
    width: float
    bins: int

    def centres(self) -> np.ndarray:
        """Return the centres of the bins, V."""
        return self.first + self.width * (np.arange(self.bins) + 0.5)


def incremental_capacity(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    *,
    options: IncrementalOptions = IncrementalOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return dQ/dV of every half cycle on one axis of voltage.

    The voltage is smoothed along the charge, then the charge of each piece is shared among the bins of voltage that
    it crosses, and the bins are smoothed along the voltage. Both widths are in the attributes. No charge is lost:
    the integral over the voltage is the charge passed, whether or not the voltage is monotonic. Where it runs against
    the direction of the half cycle, as on the plateau of lithium iron phosphate, `signed_incremental_capacity` counts
    the charge negative: it is the sum of dQ/dV over the crossings of a voltage.

    Parameters
    ----------
    trace, half_cycles : cell_trace, half_cycles
        As `split` returns them; half cycles may be chosen with ``isel``.
    options : IncrementalOptions
        Widths, points, replicates.

    Returns
    -------
    incremental_capacity
        The standard deviation is a parametric bootstrap of the noise of the voltage; none with 0 replicates.

    Raises
    ------
    AnalysisError
        If a half cycle has too few samples, or the axis of voltage would be too long.
    """
    curves = curves_of(trace, half_cycles, options)
    axis = voltage_axis(curves, options)
    results = [
        _with_errors(curve, half, axis, options) for half, curve in zip(halves_of(half_cycles), curves, strict=True)
    ]
    names = ("incremental_capacity", "signed_incremental_capacity", "incremental_capacity_std")
    variables: dict[str, tuple[str, Any]] = {
        name: ("half_cycle voltage", np.stack([result[index] for result in results]))
        for index, name in enumerate(names)
        if index < 2 or options.replicates > 1
    }
    variables["capacity_ah"] = ("half_cycle", np.array([curve.charge for curve in curves]))
    return stages.new(
        "incremental_capacity",
        variables,
        coords={**shared_coordinates(half_cycles), "voltage": ("voltage", axis.centres())},
        attrs={**_widths(options), "voltage_width_volt": options.voltage_width_volt},
    )


def differential_voltage(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    *,
    options: IncrementalOptions = IncrementalOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Return dV/dQ of every half cycle on equal shares of its charge.

    Differences of the smoothed voltage, so that the integral over the charge is the change of that voltage. The
    standard deviations follow exactly from the noise of the voltage.

    Parameters
    ----------
    trace, half_cycles : cell_trace, half_cycles
        As `split` returns them.
    options : IncrementalOptions
        Width and number of points.

    Returns
    -------
    differential_voltage
        dV/dQ and the voltage at the centres of the parts.

    Raises
    ------
    AnalysisError
        If a half cycle has too few samples.
    """
    curves = curves_of(trace, half_cycles, options)
    columns: dict[str, list[np.ndarray]] = {}
    for curve in curves:
        piece = curve.charge / options.points
        rows = {
            "differential_voltage": np.diff(curve.voltage) / piece,
            "differential_voltage_std": lengths(curve.root[1:] - curve.root[:-1]) / piece,
            "voltage_volt": (curve.voltage[1:] + curve.voltage[:-1]) / 2,
            "voltage_std": lengths(curve.root[1:] + curve.root[:-1]) / 2,
        }
        for name, values in rows.items():
            columns.setdefault(name, []).append(values)
    variables: dict[str, tuple[str, Any]] = {
        name: ("half_cycle share", np.stack(rows)) for name, rows in columns.items()
    }
    variables["capacity_ah"] = ("half_cycle", np.array([curve.charge for curve in curves]))
    share = (np.arange(options.points) + 0.5) / options.points
    return stages.new(
        "differential_voltage",
        variables,
        coords={**shared_coordinates(half_cycles), "share": ("share", share)},
        attrs=_widths(options),
    )


def curves_of(trace: xr.Dataset, half_cycles: xr.Dataset, options: IncrementalOptions) -> list[Curve]:
    """Return the smoothed curve of every half cycle, held voltage left out unless it is asked for."""
    stages.check(half_cycles, "half_cycles")
    samples = samples_of(
        trace,
        rest_current=half_cycles.attrs.get("rest_current_ampere"),
        charge=half_cycles.attrs.get("charge_source", "current"),
    )
    halves = halves_of(half_cycles)
    require_samples(samples, halves)
    curves = []
    for half in halves:
        held = 0.0 if options.held_voltage else half.held_charge
        curves.append(
            curve_of(
                samples,
                half.part(samples),
                half.begin(samples),
                half.charge - held,
                width=options.charge_width,
                nodes=options.points + 1,
            )
        )
    return curves


def voltage_axis(curves: list[Curve], options: IncrementalOptions) -> VoltageAxis:
    """Return bins of voltage that hold all curves with room for the smoothing.

    Raises
    ------
    AnalysisError
        If there would be too many bins.
    """
    width = options.voltage_width_volt / _BINS_PER_WIDTH
    spread = 5.0 * max(float(curve.voltage_std().max()) for curve in curves)
    room = _MARGIN * options.voltage_width_volt + spread
    low = min(float(curve.voltage.min()) for curve in curves) - room
    high = max(float(curve.voltage.max()) for curve in curves) + room
    bins = int(np.ceil((high - low) / width))
    if bins > _MOST_BINS:
        raise AnalysisError(
            "the smoothing of dQ/dV is too narrow for the range of the voltage",
            field="voltage_width_volt",
            value=options.voltage_width_volt,
            limit=f"at least {(high - low) * _BINS_PER_WIDTH / _MOST_BINS:.2g} V for {high - low:.3g} V",
        )
    return VoltageAxis(low, width, bins)


def density(
    voltage: np.ndarray, charge: float, direction: int, axis: VoltageAxis, *, signed: bool = False
) -> np.ndarray:
    """Return dQ/dV of one curve on the axis, Ah/V, smoothed along the voltage."""
    from scipy.ndimage import gaussian_filter1d

    pieces = np.full(len(voltage) - 1, charge / (len(voltage) - 1))
    if signed:
        pieces = pieces * np.sign(-direction * np.diff(voltage))
    held = charge_in_bins(voltage, pieces, axis.first, axis.width, axis.bins)
    return np.asarray(gaussian_filter1d(held, _BINS_PER_WIDTH, mode="constant", truncate=_MARGIN)) / axis.width


def replicates(curve: Curve, half: Half, axis: VoltageAxis, options: IncrementalOptions) -> Iterator[np.ndarray]:
    """Yield dQ/dV of the curve with fresh noise like its own (parametric bootstrap)."""
    rng = np.random.default_rng([options.seed, half.number])
    for _ in range(options.replicates):
        fresh = curve.voltage + curve.root @ rng.standard_normal(curve.root.shape[1])
        yield density(fresh, curve.charge, half.direction, axis)


def _with_errors(
    curve: Curve, half: Half, axis: VoltageAxis, options: IncrementalOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value = density(curve.voltage, curve.charge, half.direction, axis)
    signed = density(curve.voltage, curve.charge, half.direction, axis, signed=True)
    if options.replicates < 2:
        return value, signed, np.full_like(value, np.nan)
    spread = np.std(np.stack(list(replicates(curve, half, axis, options))), axis=0, ddof=1)
    return value, signed, spread


def _widths(options: IncrementalOptions) -> dict[str, Any]:
    return {
        "charge_width": options.charge_width,
        "held_voltage": "included" if options.held_voltage else "left out",
    }
