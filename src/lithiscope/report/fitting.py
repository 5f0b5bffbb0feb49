"""What makes a figure fit its width: sizes and legends of narrow figures, labels and titles on several lines.

A figure for one column of a paper (3.5 inches) and one for both (7.2 inches) come from the same functions.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lithiscope.report.options import FigureOptions

NARROW = 5.0  # inches; below it legends stand under the panels, and a figure takes the whole width
_LEAST, _LEAST_OF_MANY = 2.2, 1.35  # inches, height of a narrow figure's panel, and of one of several below each other


def empty_figure(options: FigureOptions, wide: float, tall: float, *, lines: int = 1, more: float = 0.0) -> Any:
    """Return a figure whose panels keep clear of each other's text.

    Parameters
    ----------
    options : FigureOptions
        With the full width.
    wide, tall : float
        Width, and height of one line of panels, as shares of the full width; a narrow figure takes all of it, and its
        panels keep a height that can be read.
    lines : int
        Lines of panels.
    more : float
        Inches added to the height.
    """
    from matplotlib.figure import Figure

    if options.part is not None:
        return options.part
    width, height = wide * options.width, tall * options.width
    if options.width < NARROW:
        width, height = options.width, max(height, _LEAST if lines == 1 else _LEAST_OF_MANY)
    return Figure(figsize=(width, lines * height + more), layout="constrained")


def is_narrow(figure: Any) -> bool:
    """Return whether a figure, or a part of one, is so narrow that its legend stands under its panels."""
    return float(width_of(figure)) < NARROW


def width_of(figure: Any) -> float:
    """Return the width of a figure, or of a part of one, in inches."""
    return float(figure.bbox.width / figure.figure.dpi)


def size_of(figure: Any) -> tuple[float, float]:
    """Return width and height of a figure, or of a part of one, in inches."""
    return width_of(figure), float(figure.bbox.height / figure.figure.dpi)


def columns_of(width: float, count: int, *, least: float) -> int:
    """Return in how many columns so many panels go, each at least so many inches wide.

    Examples
    --------
    >>> columns_of(7.2, 9, least=1.6), columns_of(3.5, 9, least=1.6), columns_of(3.5, 1, least=1.6)
    (4, 2, 1)
    """
    return max(1, min(count, int(width / least)))


def legend_beside(figure: Any, *items: Any, **more: Any) -> None:
    """Put the legend at the right of the panels, in a narrow figure under them."""
    if is_narrow(figure):
        _legend_row(figure, "outside lower center", items, {"columnspacing": 1.0, **more, "ncols": 4})
    else:
        legend = figure.legend(*items, loc="outside right upper", **more)
        tall = legend.get_window_extent(_renderer(figure)).height / figure.dpi + 0.1
        if figure.figure is figure and tall > figure.get_figheight():
            figure.set_figheight(tall)


def legend_above(figure: Any, *items: Any, ncols: int = 8, side: str = "center", **more: Any) -> None:
    """Put the legend over the panels, on as many rows as the width needs."""
    _legend_row(figure, f"outside upper {side}", items, {**more, "ncols": ncols})


def _legend_row(figure: Any, loc: str, items: Any, more: dict[str, Any]) -> None:
    renderer = _renderer(figure)
    for columns in range(more["ncols"], 0, -1):
        legend = figure.legend(*items, loc=loc, **{**more, "ncols": columns})
        extent = legend.get_window_extent(renderer)
        if extent.width < 0.95 * figure.bbox.width or columns == 1:
            break
        legend.remove()
    rows = -(-len(legend.get_texts()) // columns)
    if rows > 1 and figure.figure is figure:
        figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)


def _renderer(figure: Any) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    root = figure.figure
    return (root.canvas if isinstance(root.canvas, FigureCanvasAgg) else FigureCanvasAgg(root)).get_renderer()


def fit_text(figure: Any) -> None:
    """Break the labels and titles that are longer than their panels into lines, and keep everything on the figure."""
    engine = figure.get_layout_engine()
    if engine is None:
        return  # everything has its place in inches
    renderer = _renderer(figure)
    for _ in range(2):  # broken labels change the panels
        engine.execute(figure)
        broken = [_broken(axes, renderer) for axes in figure.axes if axes.get_visible() and axes.get_subplotspec()]
        if not any(broken):
            break
    # Ticks change with the size of a panel, and that size with the ticks: what still stands out gets a wider edge.
    engine.execute(figure)
    box, (width, height) = figure.get_tightbbox(renderer), figure.get_size_inches()
    pads = engine.get()
    beyond = {"w_pad": max(-box.x0, box.x1 - width), "h_pad": max(-box.y0, box.y1 - height)}
    engine.set(**{name: pads[name] + short + 0.02 for name, short in beyond.items() if short > 0})


def _broken(axes: Any, renderer: Any) -> bool:
    frame = axes.get_window_extent(renderer)
    found = False
    for text, along, room in (
        (axes.xaxis.label, "width", 1.15 * frame.width),
        (axes.yaxis.label, "height", frame.height),
        (axes.title, "width", frame.width),
        (axes._left_title, "width", frame.width),
    ):
        words = text.get_text()
        size = getattr(text.get_window_extent(renderer), along) if words and text.get_visible() else 0.0
        if size > room > 0:
            length = max(len(line) for line in words.split("\n"))
            whole = words.replace("\n", " ").replace(" / ", " /\u00a0")  # the unit keeps its stroke
            lines = textwrap.fill(whole, max(int(length * room / size), 6), break_long_words=False)
            found |= lines != words
            text.set_text(lines)
    return found
