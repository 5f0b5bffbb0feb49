"""Curves of half cycles: voltage against charge, dQ/dV with its peaks, dV/dQ, overpotential against C-rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report.cell import extremes, voltage_name, voltage_text
from lithiscope.report.fitting import empty_figure, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    DIRECTION_NAMES,
    c_rate_text,
    direction_legend,
    finite_std,
    need,
    points,
    quadrature,
    readable,
    zero_line,
)
from lithiscope.report.population import rate_axis
from lithiscope.report.readings import thinned
from lithiscope.report.style import DIRECTION_COLOURS, INK, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_MOST_HALF_CYCLES = 12
_END = 0.05  # share of the charge at either end that does not set the scale of dV/dQ
_SMALL = 0.1  # share of the largest charge


def half_cycle_curves(
    trace: xr.Dataset,
    half_cycles: xr.Dataset,
    *,
    chosen: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw voltage against the charge passed in each half cycle (Koo 2023, Fig. 1b).

    Parameters
    ----------
    trace : CellTrace
        With voltage and ``current_ampere`` or ``net_capacity_ah``.
    half_cycles : HalfCycles
        Of this trace.
    chosen : sequence of int, optional
        Numbers of half cycles; by default all, thinned evenly to twelve.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF.

    Raises
    ------
    AnalysisError
        If there is no such half cycle, or the charge cannot be known.
    """
    check(trace, "cell_trace")
    check(half_cycles, "half_cycles")
    kept = _rows(half_cycles, chosen)
    name = voltage_name(trace)
    curves = [half_cycle_curve(trace, half_cycles, row, name) for row in kept]
    factor, unit = readable(np.concatenate([charge for charge, _ in curves]), "Ah")
    with style(options):
        figure = empty_figure(options, 0.78, 0.42)
        axes = figure.subplots()
        shades = _shades(half_cycles, kept)
        for row, (charge, voltage), alpha in zip(kept, curves, shades, strict=True):
            direction = int(half_cycles["direction"].values[row])
            axes.plot(
                *extremes(factor * charge, voltage), color=DIRECTION_COLOURS[direction], alpha=alpha, linewidth=1.1,
                linestyle="-" if direction > 0 else (0, (5, 1.2)), label=_half_cycle_label(half_cycles, row),
            )  # fmt: skip
        axes.set(xlabel=f"charge passed in the half cycle / {unit}", ylabel=f"{voltage_text(name)} / V")
        axes.set_xlim(left=0)
        legend_beside(figure, title=_shown_of(len(kept), half_cycles))
        return to_bytes(figure, options)


def _shown_of(count: int, half_cycles: xr.Dataset) -> str | None:
    total = half_cycles.sizes["half_cycle"]
    return f"{count} of {total} half cycles" if count < total else None


def _rows(half_cycles: xr.Dataset, chosen: Sequence[int] | None) -> list[int]:
    numbers = [int(n) for n in half_cycles["half_cycle"].values]
    if chosen is None:
        if not numbers:
            raise AnalysisError("there is no half cycle to draw", field="half_cycle", value=0, limit="at least one")
        return [int(row) for row in thinned(len(numbers), _MOST_HALF_CYCLES)]
    unknown = sorted(set(map(int, chosen)) - set(numbers))
    if unknown:
        raise AnalysisError("there is no such half cycle", field="chosen", value=unknown, limit=f"0 to {max(numbers)}")
    return [numbers.index(int(n)) for n in chosen]


def _shades(half_cycles: xr.Dataset, rows: list[int]) -> list[float]:
    """Return opacities: later half cycles of a direction are stronger."""
    direction = half_cycles["direction"].values[rows]
    rank = [int(np.sum(direction[: k + 1] == d)) for k, d in enumerate(direction)]
    total = [int(np.sum(direction == d)) for d in direction]
    return [0.45 + 0.55 * r / t for r, t in zip(rank, total, strict=True)]


def half_cycle_curve(trace: xr.Dataset, half_cycles: xr.Dataset, row: int, name: str) -> tuple[Floats, Floats]:
    """Return the charge passed (Ah, from 0 upwards) and the voltage of one half cycle.

    Raises
    ------
    AnalysisError
        If the trace has neither charge nor current.
    """
    first, last = int(half_cycles["first_sample"].values[row]), int(half_cycles["last_sample"].values[row])
    part = slice(first, last + 1)
    voltage = np.asarray(trace[name].values[part], dtype=float)
    if "net_capacity_ah" in trace:
        net = np.asarray(trace["net_capacity_ah"].values[part], dtype=float)
        return np.abs(net - net[0]), voltage
    need(trace, "current_ampere")
    current = np.abs(np.asarray(trace["current_ampere"].values[part], dtype=float))
    steps = np.diff(np.asarray(trace["test_time_second"].values[part], dtype=float)) * (current[1:] + current[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps))]) / 3600, voltage


def _half_cycle_label(half_cycles: xr.Dataset, row: int) -> str:
    number = int(half_cycles["half_cycle"].values[row])
    text = f"{number}  {DIRECTION_NAMES[int(half_cycles['direction'].values[row])]}"
    for name in ("c_rate", "nominal_c_rate", "measured_c_rate"):
        if name in half_cycles.variables and np.isfinite(half_cycles[name].values[row]):
            return f"{text} {c_rate_text(float(half_cycles[name].values[row]))}"
    return text


def capacity_derivative(
    curves: xr.Dataset,
    *,
    peaks: xr.Dataset | None = None,
    chosen: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw dQ/dV against voltage per half cycle, delithiation upwards and lithiation downwards, with its peaks.

    Parameters
    ----------
    curves : IncrementalCapacity
        dQ/dV (half_cycle, voltage) with its standard deviation.
    peaks : PeakTable, optional
        Marked with one standard deviation both ways.
    chosen : sequence of int, optional
        Numbers of half cycles; by default all, thinned evenly to twelve.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF; bands are one standard deviation.

    Raises
    ------
    AnalysisError
        If there is no such half cycle.
    """
    check(curves, "incremental_capacity")
    need(curves, "incremental_capacity", "direction")
    kept = _rows(curves, chosen)
    factor, unit = readable(curves["incremental_capacity"].values[kept], "Ah/V")
    voltage, std = np.asarray(curves["voltage"].values, dtype=float), finite_std(curves, "incremental_capacity")
    with style(options):
        figure = empty_figure(options, 0.78, 0.42)
        axes = figure.subplots()
        zero_line(axes)
        for row, alpha in zip(kept, _shades(curves, kept), strict=True):
            way = int(curves["direction"].values[row])
            value = -way * factor * np.asarray(curves["incremental_capacity"].values[row], dtype=float)
            colour = DIRECTION_COLOURS[way]
            if std is not None:
                width = factor * std[row]
                axes.fill_between(voltage, value - width, value + width, color=colour, alpha=0.2 * alpha, linewidth=0)
            axes.plot(voltage, value, color=colour, alpha=alpha, linewidth=1.1, label=_half_cycle_label(curves, row))
        if peaks is not None:
            _mark_peaks(axes, peaks, [int(curves["half_cycle"].values[row]) for row in kept], factor)
        axes.set(xlabel="voltage / V", ylabel=f"dQ/dV / ({unit}), lithiation downwards")
        legend_beside(figure, title=_shown_of(len(kept), curves))
        return to_bytes(figure, options)


def small_half_cycles(curves: xr.Dataset) -> list[int]:
    """Return the numbers of the half cycles that passed less than a tenth of the largest charge.

    Per charge their voltage changes so much that beside them nothing is seen of the others.
    """
    charge = np.asarray(curves["capacity_ah"].values, dtype=float)
    small = charge < _SMALL * np.max(charge[np.isfinite(charge)], initial=0.0)
    return [int(number) for number in curves["half_cycle"].values[small]]


def voltage_derivative(
    curves: xr.Dataset,
    *,
    chosen: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw dV/dQ against the charge passed per half cycle, delithiation upwards and lithiation downwards.

    Parameters
    ----------
    curves : DifferentialVoltage
        dV/dQ (half_cycle, share) with its standard deviation.
    chosen : sequence of int, optional
        Numbers of half cycles; by default all but those of `small_half_cycles`, thinned evenly to twelve.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF; bands are one standard deviation. The axis fits the inner nine tenths of the charge: at both
        ends dV/dQ runs away.

    Raises
    ------
    AnalysisError
        If there is no such half cycle.
    """
    check(curves, "differential_voltage")
    need(curves, "differential_voltage", "direction", "capacity_ah")
    if chosen is None:
        curves = curves.isel(half_cycle=~np.isin(curves["half_cycle"].values, small_half_cycles(curves)))
    kept = _rows(curves, chosen)
    share = np.asarray(curves["share"].values, dtype=float)
    values = np.asarray(curves["differential_voltage"].values, dtype=float)
    # The voltage rises on delithiation and falls on lithiation, so that dV/dQ already has its side.
    inner = values[kept][:, (share > _END) & (share < 1 - _END)]
    factor, unit = readable(inner, "V/Ah")
    charge_factor, charge_unit = readable(curves["capacity_ah"].values[kept], "Ah")
    std = finite_std(curves, "differential_voltage")
    with style(options):
        figure = empty_figure(options, 0.78, 0.42)
        axes = figure.subplots()
        zero_line(axes)
        for row, alpha in zip(kept, _shades(curves, kept), strict=True):
            colour = DIRECTION_COLOURS[int(curves["direction"].values[row])]
            charge = share * charge_factor * float(curves["capacity_ah"].values[row])
            value = factor * values[row]
            if std is not None:
                width = factor * std[row]
                axes.fill_between(charge, value - width, value + width, color=colour, alpha=0.2 * alpha, linewidth=0)
            axes.plot(charge, value, color=colour, alpha=alpha, linewidth=1.1, label=_half_cycle_label(curves, row))
        reach = factor * np.abs(inner[np.isfinite(inner)]).max(initial=0.0)
        if reach > 0:
            low = -reach if np.nanmin(inner) < 0 else 0.0
            axes.set_ylim(1.05 * low, 1.05 * reach if np.nanmax(inner) > 0 else 0.0)
        axes.set(xlabel=f"charge passed in the half cycle / {charge_unit}", ylabel=f"dV/dQ / ({unit})")
        axes.set_xlim(left=0)
        legend_beside(figure, title=_shown_of(len(kept), curves))
        return to_bytes(figure, options)


def _mark_peaks(axes: Any, peaks: xr.Dataset, numbers: list[int], factor: float) -> None:
    check(peaks, "peak_table")
    need(peaks, "height", "direction")
    x_std, y_std = finite_std(peaks, "position"), finite_std(peaks, "height")
    label: str | None = "peak, ± 1 σ"
    for k in range(peaks.sizes["peak"]):
        if int(peaks["half_cycle"].values[k]) in numbers:
            way = int(peaks["direction"].values[k])
            axes.errorbar(
                [float(peaks["position_volt"].values[k])], [-way * factor * float(peaks["height"].values[k])],
                xerr=None if x_std is None else [x_std[k]], yerr=None if y_std is None else [factor * y_std[k]],
                fmt="D", color=INK, markersize=2.8, elinewidth=0.8, capsize=1.6, zorder=4, label=label,
            )  # fmt: skip
            label = None


def overpotential_against_rate(
    data: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the size of the overpotential at half capacity against C-rate, both directions (Koo 2023, Fig. 1c).

    Parameters
    ----------
    data : RateOverpotential
        Overpotentials of half cycles, positive = delithiation; both directions are drawn upwards.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Bars are one standard deviation, the band the systematic shifts in quadrature.

    Raises
    ------
    AnalysisError
        If no half cycle has both numbers.
    """
    check(data, "rate_overpotential")
    need(data, "overpotential_volt", "c_rate", "direction")
    rate, value = (np.asarray(data[name].values, dtype=float) for name in ("c_rate", "overpotential_volt"))
    direction = np.asarray(data["direction"].values)
    good = np.isfinite(rate) & np.isfinite(value) & (rate > 0)
    if not good.any():
        raise AnalysisError(
            "no half cycle has an overpotential and a C-rate",
            field="overpotential_volt",
            value=value.size,
            limit="one half cycle with both",
            remedy="read the flags of the stage",
        )
    std, shift = finite_std(data, "overpotential"), quadrature(data, "overpotential")
    with style(options):
        figure = empty_figure(options, 0.5, 0.4)
        axes = figure.subplots()
        for way in (1, -1):
            here = np.flatnonzero(good & (direction == way))
            here = here[np.argsort(rate[here], kind="stable")]
            size = -way * 1e3 * value[here]
            if shift is not None:
                width = 1e3 * np.nan_to_num(shift[here])
                axes.fill_between(
                    rate[here], size - width, size + width, color=DIRECTION_COLOURS[way], alpha=0.15, lw=0
                )
            bars = None if std is None else 1e3 * std[here]
            points(axes, rate[here], size, direction=way, y_std=bars, line="-" if here.size > 1 else "")
        zero_line(axes)
        rate_axis(axes, rate[good].tolist())
        axes.set(ylabel="|overpotential| at half capacity / mV")
        direction_legend(axes, direction[good], loc="upper left", line="-")
        reference = f"V₀ = {float(data['reference_volt'].values):.4f} V, " if "reference_volt" in data else ""
        axes.set_title(f"{reference}{int(good.sum())} half cycles", fontweight="normal", fontsize="small")
        return to_bytes(figure, options)
