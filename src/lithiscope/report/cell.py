"""Curves of the cell against time: voltage, current and frames, the clock, particles against the electrode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report.fitting import empty_figure, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    DIRECTION_NAMES,
    c_rate_text,
    composition_axis,
    finite_std,
    need,
    need_values,
    note,
    readable,
    zero_line,
)
from lithiscope.report.style import CYCLE, DIRECTION_COLOURS, FAINT, INK, MARKERS, MUTED, WARN, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_MOST_SAMPLES = 4000  # of a trace, drawn as the extremes of each bin


def image_seconds(test_time: Any, clock: xr.Dataset | None) -> Floats:
    """Return times of the trace on the axis of the images.

    Parameters
    ----------
    test_time : array_like
        Seconds since the start of the acquisition.
    clock : Clock, optional
        test = image + offset + drift (image - reference); without it the times are returned as they are.

    Examples
    --------
    >>> image_seconds([130.0, 131.0], None).tolist()
    [130.0, 131.0]
    """
    times = np.asarray(test_time, dtype=float)
    if clock is None:
        return times
    offset, drift, reference = (float(clock[name].values) for name in ("offset_second", "drift", "reference_second"))
    return np.asarray((times - offset + drift * reference) / (1 + drift))


def extremes(time: Floats, values: Floats, most: int = _MOST_SAMPLES) -> tuple[Floats, Floats]:
    """Return a curve of at most `most` points that looks the same: first, least, greatest and last sample of each bin.

    Parameters
    ----------
    time, values : ndarray, shape (samples,)
        The curve, in order.
    most : int
        More samples than these are thinned.

    Examples
    --------
    >>> time = np.arange(1000.0)
    >>> thin = extremes(time, np.where(time == 500, 9.0, 0.0), 100)
    >>> len(thin[0]) <= 100, float(thin[1].max())
    (True, 9.0)
    """
    if time.size <= most:
        return time, values
    starts = np.unique(np.linspace(0, time.size, most // 4 + 1).astype(np.intp))[:-1]
    stops = np.append(starts[1:], time.size)
    kept = np.empty((starts.size, 4), dtype=np.intp)
    kept[:, 0], kept[:, 3] = starts, stops - 1
    lows, highs = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    for k, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        kept[k, 1], kept[k, 2] = start + lows[start:stop].argmin(), start + highs[start:stop].argmax()
    index = np.unique(kept)
    return time[index], values[index]


def cell_curves(
    trace: xr.Dataset,
    *,
    frames: xr.Dataset | None = None,
    clock: xr.Dataset | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw voltage and current against time, with the frames of the microscope marked.

    Parameters
    ----------
    trace : CellTrace
        With ``voltage_volt`` or ``working_electrode_potential_volt``, and ``current_ampere`` where it is known.
    frames : CellFrames, optional
        The frames, on the time axis of the images.
    clock : Clock, optional
        Brings the trace onto the time axis of the images. Without it the axis is the trace's own, and the frames are
        left out, because nobody knows where they lie.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Delithiation (positive current) is shaded orange, lithiation purple.

    Raises
    ------
    StageError, AnalysisError
        If it is no trace, or holds no voltage.
    """
    check(trace, "cell_trace")
    name = voltage_name(trace)
    need_values(trace, name)
    time = image_seconds(trace["test_time_second"].values, clock)
    span = float(np.ptp(time))
    scale, unit = (3600.0, "h") if span > 4 * 3600 else (60.0, "min")
    with style(options):
        figure = empty_figure(options, 1.0, 0.42)
        both = "current_ampere" in trace
        panels = np.atleast_1d(figure.subplots(2 if both else 1, 1, sharex=True, height_ratios=[2, 1] if both else [1]))
        across, up = extremes(time / scale, np.asarray(trace[name].values, dtype=float))
        panels[0].plot(across, up, color=INK, linewidth=0.9)
        panels[0].set(ylabel=f"{voltage_text(name)} / V")
        if both:
            factor, prefixed = readable(trace["current_ampere"].values, "A")
            across, up = extremes(time / scale, factor * np.asarray(trace["current_ampere"].values, dtype=float))
            panels[1].plot(across, up, color=INK, linewidth=0.9)
            zero_line(panels[1])
            panels[1].set(ylabel=f"current / {prefixed}")
            panels[1].margins(y=0.15)
            panels[1].annotate("+ delithiation", (0, 1), xycoords="axes fraction", xytext=(3, -2), va="top",
                               textcoords="offset points", fontsize="x-small", color=MUTED)  # fmt: skip
            _shade_directions(panels, trace, time / scale)
        if frames is not None and clock is not None:
            _mark_frames(panels, frames, scale)
        elif frames is not None:
            note(panels[0], "frames not marked: no clock joins images and trace", colour=WARN)
        panels[-1].set_xlabel(f"time since the start of the {'study' if clock is not None else 'trace'} / {unit}")
        panels[0].margins(x=0.01)
        return to_bytes(figure, options)


def voltage_name(trace: xr.Dataset) -> str:
    """Return the name of the voltage that a trace holds: of the cell, as the frames have it, else of the electrode.

    Raises
    ------
    AnalysisError
        If it holds none.
    """
    for name in ("voltage_volt", "working_electrode_potential_volt"):
        if name in trace:
            return name
    raise AnalysisError("the trace holds no voltage", field="voltage_volt", limit=", ".join(map(str, trace.data_vars)))


def voltage_text(name: str) -> str:
    """Return what a voltage is, for people."""
    return "potential of the working electrode" if name.startswith("working") else "cell voltage"


def _shade_directions(panels: Any, trace: xr.Dataset, time: Floats) -> None:
    if "half_cycle_count" not in trace:
        return
    half = np.asarray(trace["half_cycle_count"].values)
    current = np.asarray(trace["current_ampere"].values, dtype=float)
    starts = np.flatnonzero(np.diff(half, prepend=half[0] - 1))
    stops = np.append(starts[1:], half.size) - 1
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if half[start] >= 0:
            direction = -1 if np.nansum(current[start : stop + 1]) > 0 else 1
            for axes in panels:
                axes.axvspan(time[start], time[stop], color=DIRECTION_COLOURS[direction], alpha=0.09, linewidth=0)


def _mark_frames(panels: Any, frames: xr.Dataset, scale: float) -> None:
    check(frames, "cell_frames")
    time = np.asarray(frames["time"].values, dtype=float) / scale
    for axes, name in zip(panels, ("voltage_volt", "current_ampere"), strict=False):
        axes.plot(
            time, np.full(time.size, 0.015), "|", color=CYCLE[0], markersize=5, transform=axes.get_xaxis_transform()
        )
        if name == "voltage_volt" and name in frames:
            axes.plot(time, frames[name].values, "o", color=CYCLE[0], markersize=3, label=f"{time.size} frames")
            axes.figure.legend(loc="outside upper right")


def clock_residuals(
    clock: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw how far each edge lies from the line that joins the clocks of images and potentiostat.

    Returns
    -------
    bytes
        PNG, SVG or PDF. The band is one standard deviation of the line, offset and drift together; drift is left out of
        it where it could not be known, and that is said.

    Raises
    ------
    AnalysisError
        If there is no edge.
    """
    check(clock, "clock")
    need(clock, "residual_second")
    time = np.asarray(clock["image_second"].values, dtype=float)
    if time.size == 0:
        raise AnalysisError("the clock stands on no edge", field="edge", value=0, limit="at least one edge")
    reference = float(clock["reference_second"].values)
    std = [float(clock[name].values) if name in clock else float("nan") for name in ("offset_std", "drift_std")]
    grid = np.linspace(time.min(), time.max(), 101) if time.size > 1 else np.array([time[0] - 60, time[0] + 60])
    with style(options):
        figure = empty_figure(options, 0.6, 0.3)
        axes = figure.subplots()
        zero_line(axes)
        band = np.sqrt(np.nan_to_num(std[0]) ** 2 + (np.nan_to_num(std[1]) * (grid - reference)) ** 2)
        axes.fill_between(grid / 60, -band, band, color=FAINT, alpha=0.7, linewidth=0, label="1 σ of the line")
        axes.errorbar(
            time / 60, clock["residual_second"].values, yerr=finite_std(clock, "image_second"), fmt="o", markersize=3.4,
            color=CYCLE[0], elinewidth=0.8, capsize=1.6, label=f"{time.size} edge{'s' if time.size > 1 else ''}",
        )  # fmt: skip
        drift = float(clock["drift"].values) * 1e6
        known = f"drift {drift:.0f} ± {1e6 * std[1]:.0f} ppm" if np.isfinite(std[1]) else "drift not known"
        offset = f"offset {float(clock['offset_second'].values):.1f} ± {std[0]:.1f} s" if np.isfinite(std[0]) else ""
        axes.set(xlabel="time of the images / min", ylabel="from the line / s")
        axes.set_title(", ".join(word for word in (offset, known) if word), fontweight="normal", fontsize="small")
        axes.margins(y=0.2)
        legend_beside(figure)
        return to_bytes(figure, options)


def particles_against_cell(
    table: xr.Dataset,
    frames: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the mean x of every particle against the composition of the whole electrode (Lim 2016, Fig. S12).

    Parameters
    ----------
    table : ParticleTable
        Means in every frame; excluded particles are left out.
    frames : CellFrames
        Of the same frames, with the global ``lithium_fraction``.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Colour is the direction, the marker the C-rate; on the diagonal a particle follows the cell.

    Raises
    ------
    AnalysisError
        If the two stages differ in their frames.
    """
    check(table, "particle_table")
    check(frames, "cell_frames")
    need(frames, "lithium_fraction")
    if table.sizes["time"] != frames.sizes["time"]:
        raise AnalysisError(
            "particles and cell differ in their frames", field="time", value=frames.sizes["time"],
            limit=str(table.sizes["time"]), remedy="make the frames of the cell from the times of this video",
        )  # fmt: skip
    excluded = (
        np.asarray(table["excluded"].values, bool) if "excluded" in table else np.zeros(table.sizes["particle"], bool)
    )
    x = np.asarray(table["lithium_fraction"].values, dtype=float)[~excluded]
    whole = np.asarray(frames["lithium_fraction"].values, dtype=float)
    rate = np.asarray(frames["c_rate"].values, dtype=float) if "c_rate" in frames else np.full(whole.size, np.nan)
    direction = np.asarray(frames["direction"].values) if "direction" in frames.coords else np.zeros(whole.size, int)
    with style(options):
        figure = empty_figure(options, 0.62, 0.42)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, zorder=0)
        for number, group in enumerate(_rate_groups(rate)):
            for way in (1, -1, 0):
                here = group[direction[group] == way]
                if here.size:
                    label = f"{DIRECTION_NAMES[way]} {_rate_name(rate[here])}".strip()
                    axes.plot(
                        np.tile(whole[here], len(x)), x[:, here].ravel(), MARKERS[number % len(MARKERS)],
                        color=DIRECTION_COLOURS[way], markersize=3, alpha=0.8, markeredgewidth=0, label=label,
                    )  # fmt: skip
        composition_axis(axes, "lithium fraction of the electrode, from the charge")
        axes.set(ylim=(-0.05, 1.05), yticks=[0, 0.25, 0.5, 0.75, 1], ylabel="mean lithium fraction of a particle")
        axes.set_aspect("equal")
        note(axes, f"{len(x)} particles")
        legend_beside(figure)
        return to_bytes(figure, options)


def _rate_groups(rate: Floats) -> list[Any]:
    """Return the indices of frames of nearly one C-rate (within 10 %), from slow to fast; unknown rates last."""
    order = np.argsort(rate, kind="stable")
    groups: list[list[int]] = []
    for index in order.tolist():
        first = rate[groups[-1][0]] if groups else np.inf
        if groups and (rate[index] <= 1.1 * first or (np.isnan(rate[index]) and np.isnan(first))):
            groups[-1].append(index)
        else:
            groups.append([index])
    return [np.array(group) for group in groups]


def _rate_name(rate: Floats) -> str:
    return c_rate_text(float(np.median(rate))) if np.isfinite(rate).any() else ""
