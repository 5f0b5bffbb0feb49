"""Grids of map panels with exact places in inches: pictures, outlines, scale bar and legends never overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.report.colours import Colours, composition_colours, hatch, lookup_table, scalar_colours
from lithiscope.report.fitting import columns_of, size_of
from lithiscope.report.options import FigureOptions
from lithiscope.report.style import INK, MUTED

if TYPE_CHECKING:
    import xarray as xr

_LEGEND = 0.95  # inches kept for the legend at the right
_LEGEND_HEIGHT = 1.3  # inches that a legend needs
_TALLEST = 3.3  # inches, of one panel
_LEAST = 0.145  # inches of width of a panel per point of the text over it
_GAP = 0.08
LETTER = 0.18  # inches over a sheet that is part of a composed figure
_PAGE, _HIGHEST = 9.3, 1.4  # inches of height of a page; height over width of a sheet that is wider than a page
DARK, DOMAIN = "#12151b", "#7fe3ff"


@dataclass(frozen=True)
class View:
    """Where a picture lies: the edges of its outer pixels (um), left, right, bottom, top as displayed (y upwards)."""

    left: float
    right: float
    bottom: float
    top: float
    flipped: bool

    @property
    def aspect(self) -> float:
        """Height over width."""
        return (self.top - self.bottom) / (self.right - self.left)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """What matplotlib's imshow calls the extent."""
        return self.left, self.right, self.bottom, self.top


def view_of(data: xr.Dataset) -> View:
    """Return the view of a stage with pictures; y grows upwards, as a microscope's control program shows it."""
    y, x = (np.asarray(data[name].values, dtype=float) for name in ("y", "x"))
    (y_low, y_high), (x_low, x_high) = (_edges(axis) for axis in (y, x))
    return View(x_low, x_high, y_low, y_high, flipped=bool(y.size > 1 and y[0] > y[-1]))


def _edges(axis: NDArray[np.float64]) -> tuple[float, float]:
    step = abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1) or 1.0
    return float(axis.min() - step / 2), float(axis.max() + step / 2)


def nice_length(width: float) -> float:
    """Return the length of a scale bar: 1, 2 or 5 times a power of ten, nearest below a third of the width.

    Examples
    --------
    >>> nice_length(4.0), nice_length(0.9)
    (1.0, 0.2)
    """
    target = width / 3
    power = 10.0 ** math.floor(math.log10(target))
    return max(step * power for step in (1, 2, 5) if step * power <= target * (1 + 1e-9))


def length_text(micrometres: float) -> str:
    """Return a length with its unit, in nm below 1 um.

    Examples
    --------
    >>> length_text(0.2), length_text(5.0)
    ('200 nm', '5 µm')
    """
    return f"{micrometres:g} µm" if micrometres >= 1 else f"{1000 * micrometres:g} nm"


def panel_grid(count: int, view: View, options: FigureOptions, *, header: float) -> tuple[Any, list[Any], Any]:
    """Make a figure with `count` equal panels and a legend at the right.

    Parameters
    ----------
    count : int
        Number of panels.
    view : View
        Its aspect sets the height of the panels.
    options : FigureOptions
        Width of the figure and number of columns.
    header : float
        Room above every panel for its text, inches.

    Returns
    -------
    figure, panels, legend
        The figure; axes of the panels, row by row; an axes-free rectangle (left, bottom, width, height in inches).
    """
    from matplotlib.figure import Figure

    _, columns = _grid(count, options)
    width, height = _panel_size(columns, view, options)
    total = (columns * (width + _GAP) + _GAP + _LEGEND, sheet_height(count, view, options, header=header))
    figure = Figure(figsize=total) if options.part is None else options.part
    total = size_of(figure)
    top = total[1] - (0.0 if options.part is None else LETTER)
    panels = []
    for number in range(count):
        row, column = divmod(number, columns)
        left, bottom = _GAP + column * (width + _GAP), top - (row + 1) * (height + header)
        axes = figure.add_axes((left / total[0], bottom / total[1], width / total[0], height / total[1]))
        axes.set_axis_off()
        panels.append(axes)
    room = max(height, _LEGEND_HEIGHT)
    legend = (total[0] - _LEGEND + 0.06, top - header - room, _LEGEND, room)
    return figure, panels, legend


def sheet_height(count: int, view: View, options: FigureOptions, *, header: float) -> float:
    """Return the height of a sheet of so many panels, in inches."""
    rows, columns = _grid(count, options)
    return max(rows * (_panel_size(columns, view, options)[1] + header), _LEGEND_HEIGHT + header) + _GAP + 0.05


def _grid(count: int, options: FigureOptions) -> tuple[int, int]:
    rows = math.ceil(count / _most_columns(count, options))
    return rows, math.ceil(count / rows)


def most_panels(view: View, options: FigureOptions, *, header: float) -> int:
    """Return how many panels a sheet holds at most: it fits on a page of a paper, or is not much higher than wide."""
    columns = _most_columns(options.max_frames, options)
    tall = max(_PAGE, _HIGHEST * options.width)
    lines = max(1, int((tall - _GAP - 0.05) / (_panel_size(columns, view, options)[1] + header)))
    return min(options.max_frames, columns * lines)


def _most_columns(count: int, options: FigureOptions) -> int:
    # A panel is wide enough for what stands over it.
    least = _LEAST * options.font_size + _GAP
    return columns_of(options.width - _LEGEND, min(count, options.columns), least=least)


def _panel_size(columns: int, view: View, options: FigureOptions) -> tuple[float, float]:
    width = min((options.width - _LEGEND - _GAP * (columns + 1)) / columns, _TALLEST, _TALLEST / view.aspect)
    return width, width * view.aspect


def show(axes: Any, picture: Colours, view: View) -> None:
    """Draw a picture (y, x, 3)."""
    upright = picture[::-1] if view.flipped else picture
    axes.imshow(upright, origin="lower", extent=view.extent, interpolation="none", aspect="auto")
    axes.set(xlim=(view.left, view.right), ylim=(view.bottom, view.top))


def draw_outlines(panels: Sequence[Any], labels: Sequence[NDArray[np.int32] | None], view: View) -> None:
    """Draw the borders between labels, along the pixel edges, as white lines into panels of one size.

    What several panels share is drawn once and put into each, which keeps a sheet of many particles small.

    Parameters
    ----------
    panels : sequence of matplotlib.axes.Axes
        Each with its picture.
    labels : sequence of ndarray of int, shape (y, x), or None
        Particle numbers of each panel, in the order of the stage.
    view : View
        Where the pictures lie.
    """
    shared: dict[bytes, tuple[NDArray[np.int32], list[Any]]] = {}
    for axes, one in zip(panels, labels, strict=True):
        if one is not None and one.any():
            shared.setdefault(one.tobytes(), (one, []))[1].append(axes)
    for one, those in shared.values():
        _draw_copies(those, outline_segments(one[::-1] if view.flipped else one), one.shape)


def _draw_copies(panels: list[Any], segments: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    from matplotlib.collections import PathCollection

    figure = panels[0].get_figure(root=True)
    boxes = [axes.get_window_extent() for axes in panels]
    inches = np.array([boxes[0].width, boxes[0].height]) / figure.dpi
    figure.add_artist(
        PathCollection(
            [_lines(segments / np.array(shape[::-1]) * inches)],
            offsets=figure.transFigure.inverted().transform([(box.x0, box.y0) for box in boxes]),
            offset_transform=figure.transFigure,
            transform=figure.dpi_scale_trans,
            facecolors="none", edgecolors="#f4f6fa", linewidths=0.6, capstyle="projecting", zorder=0.5,
        )
    )  # fmt: skip


def _lines(points: NDArray[np.float64]) -> Any:
    from matplotlib.path import Path

    return Path(points.reshape(-1, 2), np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(points)))


def draw_domains(axes: Any, domain: NDArray[Any], view: View) -> None:
    """Draw the borders between fast (1) and slow (2) pixels: light blue, cased in dark so that it shows on any colour.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With the picture.
    domain : ndarray of int, shape (y, x)
        1 fast, 2 slow, 0 neither, in the order of the stage.
    view : View
        Where the picture lies.
    """
    upright = domain[::-1] if view.flipped else domain
    _draw_segments(axes, domain_segments(upright), domain.shape, view, ((DARK, 2.0), (DOMAIN, 1.0)))


def _draw_segments(axes: Any, segments: NDArray[np.float64], shape: tuple[int, ...], view: View, strokes: Any) -> None:
    from matplotlib.patches import PathPatch

    if not len(segments):
        return
    pixel = ((view.right - view.left) / shape[1], (view.top - view.bottom) / shape[0])
    path = _lines(segments * pixel + (view.left, view.bottom))
    for colour, width in strokes:
        axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=width, capstyle="projecting"))


def outline_segments(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the straight pieces of the borders between labels.

    Parameters
    ----------
    labels : ndarray of int, shape (y, x)
        Particle numbers; 0 is background.

    Returns
    -------
    ndarray, shape (pieces, 2, 2)
        (start, end) of every piece as (x, y) in pixels from the corner of the first pixel; collinear edges are joined.
    """
    padded = np.pad(labels, 1)
    return _segments(padded[1:, 1:-1] != padded[:-1, 1:-1], padded[1:-1, 1:] != padded[1:-1, :-1])


def domain_segments(domain: NDArray[Any]) -> NDArray[np.float64]:
    """Return the straight pieces of the borders between pixels of value 1 and 2, as `outline_segments` does."""
    padded = np.pad(domain, 1)

    def _between(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray((one * other == 2) & (one + other == 3))

    return _segments(_between(padded[1:, 1:-1], padded[:-1, 1:-1]), _between(padded[1:-1, 1:], padded[1:-1, :-1]))


def _segments(across: NDArray[np.bool_], along: NDArray[np.bool_]) -> NDArray[np.float64]:
    line, start, stop = _runs(across)
    horizontal = np.stack([np.stack([start, line], -1), np.stack([stop, line], -1)], 1)
    line, start, stop = _runs(along.T)
    vertical = np.stack([np.stack([line, start], -1), np.stack([line, stop], -1)], 1)
    return np.concatenate([horizontal, vertical]).astype(float)


def _runs(edges: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    change = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, start = np.nonzero(change == 1)
    return line, start, np.nonzero(change == -1)[1]


def scale_bar(axes: Any, view: View) -> None:
    """Draw a scale bar with its length into the lower left corner."""
    from matplotlib.patches import Rectangle

    width, height = view.right - view.left, view.top - view.bottom
    length = nice_length(width)
    left, bottom = view.left + 0.05 * width, view.bottom + 0.05 * height
    # Sized in points so that small and large panels look alike.
    points = axes.get_window_extent().height / axes.figure.figure.dpi * 72
    thick = 2.2 / points * height
    axes.add_patch(Rectangle((left, bottom), length, thick, facecolor="white", edgecolor="none", zorder=5))
    axes.text(
        left + length / 2, bottom + thick * 1.8, length_text(length), color="#ffffff", ha="center", va="bottom",
        fontsize="x-small", zorder=5, bbox={"facecolor": "#12151b", "alpha": 0.55, "edgecolor": "none", "pad": 0.6},
    )  # fmt: skip


def colour_bar(figure: Any, place: Any, table: Colours, low: float, high: float, text: str) -> Any:
    """Draw a vertical colour bar with its quantity and unit at `place` (inches: left, bottom, width, height)."""
    from matplotlib.ticker import MaxNLocator

    left, bottom, _, height = place
    bar = _inches(figure, left, bottom, 0.13, height)
    bar.imshow(table[:, None, :], origin="lower", aspect="auto", extent=(0, 1, low, high), interpolation="none")
    bar.yaxis.tick_right()
    bar.yaxis.set_major_locator(MaxNLocator(nbins=max(3, min(6, int(height / 0.25))), steps=[1, 2, 2.5, 5, 10]))
    _finish(bar)
    bar.set_title(text, fontsize="small", fontweight="normal", pad=4, loc="left", linespacing=1.1)
    return bar


def composition_legend(figure: Any, place: Any, palette: str, brightest: str, *, missing: bool) -> None:
    """Draw the two-dimensional legend: x upwards, amount from dark to bright; and the hatch, if there is any."""
    left, bottom, _, height = place
    tall = min(height - (0.42 if missing else 0.24), 1.6)
    low = bottom + height - tall
    x, amount = np.linspace(0, 1, 64)[:, None] * np.ones((1, 24)), np.ones((64, 1)) * np.linspace(0, 1, 24)
    box = _inches(figure, left, low, 0.34, tall)
    box.imshow(composition_colours(x, amount, palette), origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    box.yaxis.tick_right()
    box.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    _finish(box)
    box.set_title("Li fraction x", fontsize="small", fontweight="normal", pad=4, loc="left")
    figure.text(
        *_relative(figure, left, low - 0.05), f"a + b  0 → {brightest}", fontsize="x-small", color=MUTED, va="top"
    )
    if missing:
        hatch_key(figure, left, low - 0.34)


def hatch_key(figure: Any, left: float, bottom: float) -> None:
    """Draw the sample of the hatch with its meaning at (left, bottom), inches."""
    key = _inches(figure, left, bottom, 0.18, 0.12)
    key.imshow(hatch(np.zeros((8, 12, 3), dtype=np.uint8), np.ones((8, 12))), aspect="auto", interpolation="none")
    key.set_axis_off()
    figure.text(
        *_relative(figure, left + 0.23, bottom + 0.06), "not trusted", fontsize="x-small", color=INK, va="center"
    )


def heading(axes: Any, left: str, right: str, below: str = "") -> None:
    """Write over a panel: `left` in bold, and in a smaller line under it `below` at the left and `right`."""
    height = 12 if right or below else 3
    axes.annotate(
        left, (0, 1), xytext=(0, height), xycoords="axes fraction", textcoords="offset points",
        fontweight="bold", color=INK, fontsize="medium",
    )  # fmt: skip
    for text, at, side in ((below, 0, "left"), (right, 1, "right")):
        axes.annotate(
            text, (at, 1), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points",
            ha=side, fontsize="x-small", color=MUTED,
        )  # fmt: skip


def bar_and_key(figure: Any, place: Any, palette: str, low: float, high: float, text: str, *, missing: bool) -> Any:
    """Draw the colour bar of a sheet and, where something is missing, the key of the hatch; return the bar's axes."""
    left, bottom, width, height = place
    lines = 0.16 * text.count("\n")
    room = 0.3 if missing else 0.0
    bar = colour_bar(
        figure, (left, bottom + room, width, height - room - lines), lookup_table(palette), low, high, text
    )
    if missing:
        hatch_key(figure, left, bottom)
    return bar


def tell_thinning(figure: Any, shown: int, total: int, what: str = "frames") -> None:
    """Say in the lower right corner how many of all frames are shown, where some are left out."""
    if shown < total:
        figure.text(
            0.995, 0.005, f"{shown} of {total} {what}", ha="right", va="bottom", fontsize="x-small", color=MUTED
        )


def painted(values: NDArray[Any], low: float, high: float, palette: str, missing: NDArray[np.bool_]) -> Colours:
    """Return the picture of a scalar (y, x): palette between the limits, hatch where missing, background where NaN."""
    return hatch(scalar_colours(values, low, high, palette), missing)


def _inches(figure: Any, left: float, bottom: float, width: float, height: float) -> Any:
    across, up = size_of(figure)
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def _relative(figure: Any, left: float, bottom: float) -> tuple[float, float]:
    across, up = size_of(figure)
    return left / across, bottom / up


def _finish(axes: Any) -> None:
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.tick_params(length=2, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
