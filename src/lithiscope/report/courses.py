"""Courses in time: single-particle C-rates beside that of the cell, and any quantity of the particles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.fitting import columns_of, empty_figure, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import finite_std, need, note
from lithiscope.report.style import CYCLE, INK, MARKERS, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

_NAMED = 8  # up to so many particles are named in the legend


def rate_courses(
    table: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the single-particle C-rate of every interval against time, beside the C-rate of the cell.

    Parameters
    ----------
    table : RateTable
        With ``c_rate`` (particle, interval); ``applied_c_rate`` is drawn where it is known. Of a table with regions
        only the rows of whole particles are drawn.
    options : FigureOptions
        Format and size; at most ``max_frames`` particles are drawn.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Horizontal bars span the interval, vertical ones are one standard deviation.

    Raises
    ------
    AnalysisError
        If no particle has a rate.
    """
    check(table, "rate_table")
    need(table, "c_rate", "time")
    if "region" in table and np.any(table["region"].values == "all"):
        table = table.isel(particle=np.flatnonzero(table["region"].values == "all"))
    rate = np.asarray(table["c_rate"].values, dtype=float)
    kept = np.flatnonzero(np.isfinite(rate).any(axis=1))
    if kept.size == 0:
        raise AnalysisError("no particle has a C-rate", field="c_rate", value=len(rate), limit="one trusted value")
    time = np.asarray(table["time"].values, dtype=float) / 60
    half = (
        np.asarray(table["duration"].values, dtype=float) / 120 if "duration" in table.coords else np.zeros(time.size)
    )
    flowing = np.asarray(table["direction"].values) != 0 if "direction" in table.coords else np.ones(time.size, bool)
    std = finite_std(table, "c_rate")
    drawn = kept[readings.thinned(kept.size, options.max_frames)]
    with style(options):
        figure = empty_figure(options, 1.0, 0.36)
        axes = figure.subplots()
        if "applied_c_rate" in table:
            for k, value in enumerate(np.asarray(table["applied_c_rate"].values, dtype=float).tolist()):
                label = "cell" if k == int(np.argmax(np.isfinite(table["applied_c_rate"].values))) else None
                axes.plot([time[k] - half[k], time[k] + half[k]], [value] * 2, color=INK, linewidth=1.6, label=label)
        for number, row in enumerate(drawn.tolist()):
            axes.errorbar(
                time[flowing], rate[row, flowing], xerr=half[flowing], yerr=None if std is None else std[row, flowing],
                fmt=MARKERS[number % len(MARKERS)], color=CYCLE[number % len(CYCLE)], markersize=2.8, elinewidth=0.7,
                label=str(table["particle"].values[row]) if drawn.size <= _NAMED else None,
            )  # fmt: skip
        axes.set(xlabel="time / min", ylabel="single-particle C-rate / (1/h)")
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(rate[drawn][:, flowing], initial=0.0))))
        note(axes, f"{drawn.size} of {len(rate)} particles", where="upper left")
        _plain_legend(figure)
        return to_bytes(figure, options)


def course_curves(
    table: xr.Dataset,
    names: Mapping[str, str],
    *,
    options: FigureOptions = FigureOptions(columns=2),  # noqa: B008 (frozen)
) -> bytes:
    """Draw quantities (particle, time) or (time) of a stage against time, one panel each, one line per particle.

    Parameters
    ----------
    table : Dataset
        Any stage with ``time``.
    names : mapping of str to str
        Variables and what to write at their axes, with units. Those that are absent are left out.
    options : FigureOptions
        Format, size, columns.

    Returns
    -------
    bytes
        PNG, SVG or PDF; bars are one standard deviation.

    Raises
    ------
    AnalysisError
        If none of the variables is there.
    """
    present = [name for name in names if name in table]
    if not present:
        raise AnalysisError("the stage holds nothing to draw", field=", ".join(names), limit=", ".join(map(str, table)))
    columns = columns_of(options.width, min(options.columns, len(present)), least=2.4)
    lines = -(-len(present) // columns)
    with style(options):
        figure = empty_figure(options, 1.0, 0.3, lines=lines, more=0.4)
        grid = figure.subplots(lines, columns, sharex=True, squeeze=False)
        for axes, name in zip(grid.flat, present, strict=False):
            _course_panel(axes, table, name, names[name])
        for axes in grid.flat[len(present) :]:
            axes.set_visible(False)
        _plain_legend(figure)
        return to_bytes(figure, options)


def _course_panel(axes: Any, table: xr.Dataset, name: str, text: str) -> None:
    time = readings.minutes(table)
    std = finite_std(table, name)
    values = np.atleast_2d(np.asarray(table[name].values, dtype=float))
    errors = None if std is None else np.atleast_2d(std)
    particles = [str(p) for p in table["particle"].values] if "particle" in table[name].dims else [""]
    for row in range(len(values)):
        label = particles[row] if 1 < len(values) <= _NAMED and axes.get_subplotspec().is_first_col() else None
        first = axes.get_subplotspec().is_first_row()
        axes.errorbar(
            time, values[row], yerr=None if errors is None else errors[row], fmt=MARKERS[row % len(MARKERS)] + "-",
            color=CYCLE[row % len(CYCLE)], markersize=2.6, linewidth=0.8, elinewidth=0.7,
            label=label if first else None,
        )  # fmt: skip
    axes.set(xlabel="time / min", ylabel=text)


def _plain_legend(figure: Any) -> None:
    """Add one legend for the first panel, without its error bars' repetitions, where there is something to name."""
    handles, texts = figure.axes[0].get_legend_handles_labels()
    if handles:
        legend_beside(figure, handles, texts)
