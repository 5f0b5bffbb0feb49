"""Figures of simulations: maps at chosen moments of each run, and courses against composition or rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope.report.colours import Colours, composition_colours, lookup_table
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import View, length_text, nice_length, view_of
from lithiscope.report.style import CYCLE, INK, MUTED, style, to_bytes

if TYPE_CHECKING:
    import xarray as xr

_MOST_CURVES = 8
_ROOM = 5  # curves whose names find no free corner


@dataclass(frozen=True)
class Line:
    """One curve or row of points of a panel."""

    x: ArrayLike
    y: ArrayLike
    label: str | None = None
    colour: str = INK
    dashed: bool = False
    points: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves in one pair of axes; the texts of the axes carry the units."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False
    level: float | None = None
    level_text: str = ""
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Map:
    """One map: x of a frame of a run, a text above it, framed regions with their corners in shares of the sides."""

    video: xr.Dataset
    frame: int
    text: str
    framed: Sequence[tuple[Sequence[float], Sequence[float]]] = ()


@dataclass(frozen=True)
class MapRow:
    """Maps side by side, with a text at their left and one below the second, such as the crystal axes."""

    text: str
    maps: Sequence[Map] = field(default_factory=tuple)
    below: str = ""


def simulation_figure(
    title: str,
    rows: Sequence[MapRow],
    panels: Sequence[Panel],
    *,
    palette: str = "uniform",
    limits: tuple[float, float] = (0.0, 1.0),
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the maps of a simulation above its curves.

    Parameters
    ----------
    title : str
        Above everything.
    rows : sequence of MapRow
        One or more rows of maps.
    panels : sequence of Panel
        Curves, three in a row.
    palette : str
        Colours of x.
    limits : tuple of float
        x at the ends of the colours.
    options : FigureOptions
        Format and width.

    Returns
    -------
    bytes
        PNG, SVG or PDF.
    """
    from matplotlib.figure import Figure

    columns = max(len(row.maps) for row in rows)
    size = (options.width - 1.3) / columns
    aspect = max(view_of(one.video).aspect for row in rows for one in row.maps)
    map_height = min(size * aspect, 1.9)
    chart_rows = math.ceil(len(panels) / 3)
    heights = [0.3, len(rows) * (map_height + 0.2), chart_rows * 2.3]
    with style(options):
        figure = Figure(figsize=(options.width, sum(heights)), layout="constrained")
        top, charts = np.asarray(figure.subfigures(2, 1, height_ratios=[heights[0] + heights[1], heights[2]]))
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", color=INK, parse_math=False)
        _draw_maps(top, rows, columns, palette, limits)
        for axes, panel in zip(charts.subplots(chart_rows, 3, squeeze=False).flat, panels, strict=False):
            _draw_panel(axes, panel)
        for axes in charts.axes[len(panels) :]:
            axes.set_axis_off()
        return to_bytes(figure, options)


def flat(values: NDArray[Any], weight: NDArray[Any]) -> NDArray[np.float64]:
    """Return a picture (y, x): of a volume (z, y, x) the mean along z, weighted with the material, or NaN."""
    if values.ndim == 2:
        return np.asarray(np.where(weight > 0, values, np.nan))
    total = weight.sum(axis=0)
    mean = np.nansum(np.where(weight > 0, values, 0.0) * weight, axis=0) / np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, mean, np.nan))


def picture(video: xr.Dataset, frame: int, palette: str, limits: tuple[float, float] = (0.0, 1.0)) -> Colours:
    """Return the colours of x between two limits in a frame, y upwards, brightness by the share of each cell inside."""
    weight = np.asarray(video["amount"].values, dtype=float)
    x = flat(np.asarray(video["lithium_fraction"].values[frame], dtype=float), weight)
    bright = weight if weight.ndim == 2 else weight.sum(axis=0) / max(float(weight.sum(axis=0).max()), 1e-300)
    shown = (x - limits[0]) / (limits[1] - limits[0])
    return composition_colours(shown, np.minimum(bright, 1.0), palette)[::-1]


def rate_colour(place: int, count: int) -> str:
    """Return the colour of the n-th of so many rates: from blue (slow) to yellow-brown (fast)."""
    if count <= 1:
        return CYCLE[0]
    table = lookup_table("viridis")
    return "#{:02x}{:02x}{:02x}".format(*table[round(225 * place / (count - 1))])


def _draw_maps(figure: Any, rows: Sequence[MapRow], columns: int, palette: str, limits: tuple[float, float]) -> None:
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        for axes, one in zip(axes_row, row.maps, strict=False):
            view = view_of(one.video)
            axes.imshow(picture(one.video, one.frame, palette, limits), extent=view.extent, interpolation="none")
            axes.set_title(one.text, fontsize="x-small", fontweight="normal", loc="center", pad=2)
            for low, high in one.framed:
                axes.plot(*_frame(view, low, high), color="white", linewidth=0.8, linestyle=(0, (3, 2)))
        for axes in axes_row:
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            for spine in axes.spines.values():
                spine.set_visible(False)
        for axes in axes_row[len(row.maps) :]:
            axes.set_axis_off()
        axes_row[0].set_ylabel(row.text, fontsize="small")
        axes_row[min(1, len(row.maps) - 1)].set_xlabel(row.below, fontsize="small")
    _scale_bar(grid[-1][0], rows[-1].maps[0].video)
    _colour_bar(figure, grid, palette, limits)


def _frame(view: View, low: Sequence[float], high: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the corners of a region, x and y."""
    x = [view.left + share * (view.right - view.left) for share in (low[1], high[1])]
    y = [view.bottom + share * (view.top - view.bottom) for share in (low[0], high[0])]
    return [x[0], x[1], x[1], x[0], x[0]], [y[0], y[0], y[1], y[1], y[0]]


def _scale_bar(axes: Any, video: xr.Dataset) -> None:
    view = view_of(video)
    length = nice_length(view.right - view.left)
    low = view.bottom - 0.07 * (view.top - view.bottom)
    axes.plot([view.left, view.left + length], [low, low], color=INK, linewidth=2, solid_capstyle="butt", clip_on=False)
    axes.annotate(
        length_text(length), (view.left + length, low), xytext=(3, 0), textcoords="offset points", ha="left",
        va="center", color=INK, fontsize="x-small", annotation_clip=False,
    )  # fmt: skip
    axes.set(xlim=(view.left, view.right), ylim=(view.bottom, view.top))


def _colour_bar(figure: Any, grid: Any, palette: str, limits: tuple[float, float]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    scale = ScalarMappable(Normalize(*limits), ListedColormap(lookup_table(palette) / 255))
    bar = figure.colorbar(scale, ax=grid, fraction=0.02, pad=0.01, ticks=[limits[0], sum(limits) / 2, limits[1]])
    bar.set_label("lithium fraction x", fontsize="small")
    bar.outline.set_visible(False)


def _draw_panel(axes: Any, panel: Panel) -> None:
    for line in panel.lines:
        axes.plot(
            np.asarray(line.x), np.asarray(line.y), color=line.colour, label=line.label,
            linestyle="none" if line.points and len(np.atleast_1d(line.x)) < 2 else ("--" if line.dashed else "-"),
            marker="o" if line.points else None, markersize=3.5, markerfacecolor="white" if line.dashed else None,
        )  # fmt: skip
    if panel.level is not None:
        axes.axhline(panel.level, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            panel.level_text, (0.98, panel.level), xycoords=("axes fraction", "data"), xytext=(0, 2), ha="right",
            textcoords="offset points", va="bottom", fontsize="x-small", color=MUTED,
        )  # fmt: skip
    axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    if panel.log_x:
        axes.set_xscale("log")
        decades = _decades(panel)
        if decades < 4.5:
            # Powers of ten alone would leave one label; rates are read as 0.1 and 10.
            _plain_powers(axes.xaxis, (1.0, 2.0, 5.0) if decades < 1.5 else (1.0,))
    if panel.log_y:
        axes.set_yscale("log")
        _plain_powers(axes.yaxis)
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)
    shown = sum(line.label is not None for line in panel.lines)
    if 0 < shown <= _MOST_CURVES:
        # Many curves leave no free corner: their names stand under the panel.
        where: dict[str, Any] = (
            {"loc": "best"} if shown < _ROOM else {"loc": "upper center", "bbox_to_anchor": (0.5, -0.3), "ncols": 4}
        )
        note = "dashed: delithiation" if any(line.dashed for line in panel.lines) else None
        axes.legend(**where, fontsize="x-small", borderpad=0.2, title=note, title_fontsize="x-small")


def _decades(panel: Panel) -> float:
    """Return over how many powers of ten the points of a panel spread along x."""
    known = [np.asarray(line.x, dtype=float) for line in panel.lines]
    values = np.concatenate([one[one > 0] for one in known] or [np.ones(1)])
    return float(np.log10(values.max() / values.min())) if values.size else 0.0


def _plain_powers(axis: Any, parts: Sequence[float] = (1.0, 2.0, 5.0)) -> None:
    """Label these parts of each decade as plain numbers, and nothing between."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=tuple(parts)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
