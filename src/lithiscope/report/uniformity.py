"""Uniformity: the spread of x inside a particle between its two limits, and the coefficient against C-rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report.fitting import columns_of, empty_figure
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    c_rate_text,
    composition_axis,
    direction_legend,
    need,
    points,
)
from lithiscope.report.population import groups_of, rate_points
from lithiscope.report.readings import thinned
from lithiscope.report.style import DIRECTION_COLOURS, FAINT, INK, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]


def spread_against_mean(
    table: xr.Dataset,
    uniformity: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(columns=3),  # noqa: B008 (frozen)
) -> bytes:
    """Draw std(x) over the pixels against mean x, one panel per particle (Lim 2016, Fig. S14).

    Parameters
    ----------
    table : ParticleTable
        With ``spread`` (as it appears) and the half cycle of every frame.
    uniformity : UniformityTable
        The coefficient of every particle and half cycle, and the noise that was taken out.
    options : FigureOptions
        Format, size, columns; at most ``max_frames`` particles are drawn.

    Returns
    -------
    bytes
        PNG, SVG or PDF. The upper limit is the binary one, sqrt(m (1 - m)); the lower one is uniform, where noise alone
        is left. Lines are the fits sqrt((1 - U)^2 m (1 - m) + noise^2), with U beside them.

    Raises
    ------
    StageError, AnalysisError
        If the stages do not belong together or lack what is drawn.
    """
    check(table, "particle_table")
    check(uniformity, "uniformity_table")
    need(table, "spread", "half_cycle")
    need(uniformity, "uniformity")
    names = [str(name) for name in table["particle"].values]
    both = [name for name in map(str, uniformity["particle"].values) if name in names]
    if not both:
        raise AnalysisError(
            "no particle is in both tables", field="particle", value=names, limit=str(uniformity["particle"].values)
        )
    drawn = [both[k] for k in thinned(len(both), options.max_frames).tolist()]
    columns = columns_of(options.width, min(len(drawn), options.columns), least=1.3)
    lines = math.ceil(len(drawn) / columns)
    with style(options):
        figure = empty_figure(options, min(1.0, max(columns, 2) / 3), 0.3, lines=lines, more=0.5)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, name in zip(grid.flat, drawn, strict=False):
            _spread_panel(axes, table.isel(particle=names.index(name)), uniformity.sel(particle=name))
        for axes in grid.flat[len(drawn) :]:
            axes.set_visible(False)
        figure.supxlabel("mean lithium fraction of the particle", fontsize=options.font_size)
        figure.supylabel("standard deviation of x", fontsize=options.font_size)
        direction_legend(figure, uniformity["direction"].values, loc="outside upper center", ncols=3)
        return to_bytes(figure, options)


def _spread_panel(axes: Any, table: xr.Dataset, row: xr.Dataset) -> None:
    m = np.linspace(0, 1, 201)
    binary = np.sqrt(m * (1 - m))
    noise = np.asarray(row["noise"].values, dtype=float) if "noise" in row else np.zeros(row.sizes["half_cycle"])
    floor = float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.0
    axes.plot(m, binary, color=INK, linewidth=0.8)
    axes.fill_between(m, 0, floor, color=FAINT, alpha=0.7, linewidth=0)
    axes.annotate(
        "binary, U = 0", (0.5, 0.5), xytext=(0, 2), textcoords="offset points", ha="center", fontsize="x-small"
    )
    axes.annotate("uniform, U = 1: noise alone", (0.5, 0.0), xytext=(0, 1.5), textcoords="offset points", ha="center",
                  fontsize="x-small", color=MUTED)  # fmt: skip
    rates = [rate_of(row, k) for k in range(row.sizes["half_cycle"])]
    slowest = min((rate for rate in rates if not math.isnan(rate)), default=math.inf)
    for k, half in enumerate(row["half_cycle"].values.tolist()):
        direction = int(row["direction"].values[k]) if "direction" in row.coords else 0
        here = np.asarray(table["half_cycle"].values) == half
        mean, spread = table["lithium_fraction"].values[here], table["spread"].values[here]
        slow = not rates[k] > slowest  # filled and whole; faster half cycles are hollow and dashed
        points(axes, mean, spread, direction=direction, fillstyle="full" if slow else "none", markeredgewidth=0.8)
        value = float(row["uniformity"].values[k])
        if np.isfinite(value):
            fitted = np.sqrt((1 - value) ** 2 * m * (1 - m) + np.nan_to_num(noise[k]) ** 2)
            axes.plot(m, fitted, color=DIRECTION_COLOURS[direction], linewidth=0.8, linestyle="-" if slow else "--")
    axes.set_title(str(row["particle"].values), parse_math=False)
    composition_axis(axes, "")
    axes.set(ylim=(0, 0.56), yticks=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    _list_values(axes, row)


def rate_of(row: xr.Dataset, k: int) -> float:
    """Return the C-rate of the cell in the k-th half cycle, NaN where it is not known."""
    return float(row["applied_c_rate"].values[k]) if "applied_c_rate" in row.coords else float("nan")


def _list_values(axes: Any, row: xr.Dataset) -> None:
    """Write U of every half cycle, at most four, into the free space under the binary limit."""
    for k in range(min(4, row.sizes["half_cycle"])):
        value = float(row["uniformity"].values[k])
        rate = rate_of(row, k)
        direction = int(row["direction"].values[k]) if "direction" in row.coords else 0
        words = [
            "" if math.isnan(rate) else c_rate_text(rate),
            f"U = {value:.2f}" if np.isfinite(value) else "no value",
        ]
        axes.text(
            0.5, 0.43 - 0.045 * k, "  ".join(word for word in words if word), ha="center", va="center",
            fontsize="x-small", color=DIRECTION_COLOURS[direction],
        )  # fmt: skip


def uniformity_against_rate(
    data: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the uniformity coefficient against C-rate for both directions (Lim 2016, Fig. 3E).

    Parameters
    ----------
    data : Pooled or UniformityTable
        Pooled coefficients; or one study's table, of which the means over the particles are drawn.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Bars are one standard error over the particles, whose number stands in brackets.

    Raises
    ------
    AnalysisError
        If no particle has a coefficient.
    """
    check(data, "pooled", "uniformity_table")
    groups = groups_of(data, "uniformity")
    with style(options):
        figure = empty_figure(options, 0.5, 0.4)
        axes = figure.subplots()
        rate_points(axes, groups, field="uniformity")
        axes.set(ylabel="uniformity coefficient U")
        low = min(group.low for group in groups if np.isfinite(group.value))
        axes.set_ylim(min(0.0, low) if low < 0.3 else math.floor(10 * low - 0.5) / 10, 1.03)
        direction_legend(axes, [group.direction for group in groups], loc="best", line="-")
        return to_bytes(figure, options)
