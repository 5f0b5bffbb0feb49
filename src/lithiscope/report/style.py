"""The look of every figure: type, ink, sizes, and how a figure becomes bytes.

Figures are `matplotlib.figure.Figure` objects, never pyplot's; text is set in matplotlib's own DejaVu Sans, so the same
input gives the same bytes. An SVG keeps its text as text, names the reader's system font first, and turns its ink light
where the reader prefers a dark page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lithiscope.report.fitting import fit_text
from lithiscope.report.options import FigureOptions

INK = "#1f2530"
MUTED = "#626b78"
FAINT = "#d4d9e0"
WARN = "#c2410c"
# Okabe & Ito 2008, in an order that keeps neighbours apart; readable on white and on near-black.
CYCLE = ("#0b7fc4", "#d55e00", "#009e73", "#b8669a", "#c98a00", "#56a8d8", "#8a6bd1", "#7d7f22")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
# Half cycles look alike in every figure: colour, marker and line all tell the direction.
DIRECTION_COLOURS = {1: "#7a5cc0", -1: "#d55e00", 0: "#626b78"}
DIRECTION_MARKERS = {1: "o", -1: "s", 0: "D"}

_DARK_INK = {INK: "#e7eaf0", MUTED: "#a3acba", FAINT: "#3a414d", WARN: "#ff9a5c"}
_FONTS = "'Inter', 'Helvetica Neue', 'Segoe UI', Arial, 'DejaVu Sans', sans-serif"


def _settings(options: FigureOptions) -> dict[str, Any]:
    size = options.font_size
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "legend.fontsize": size - 1,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 6,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.5,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "lines.linewidth": 1.2,
        "legend.frameon": False,
        "legend.handlelength": 1.4,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,  # text that an illustrator can edit
        "svg.hashsalt": "lithiscope",
        "savefig.transparent": True,
        "axes.unicode_minus": True,
        "image.composite_image": False,
        "axes.formatter.useoffset": False,
    }


@contextmanager
def style(options: FigureOptions) -> Iterator[None]:
    """Set the look for the figures made and drawn inside the block."""
    import matplotlib as mpl

    with mpl.rc_context(_settings(options)):
        yield


def to_bytes(figure: Any, options: FigureOptions) -> bytes:
    """Draw a figure and return its bytes, free of dates; a PNG stands on white, an SVG or PDF on nothing.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to draw, inside `style(options)`.
    options : FigureOptions
        Format and resolution.
    """
    if options.part is not None:
        return b""  # the composed figure is saved as one
    fit_text(figure)
    handle = io.BytesIO()
    if options.format == "png":
        figure.savefig(
            handle, format="png", dpi=options.dots_per_inch, facecolor="white", transparent=False, metadata={}
        )
        return handle.getvalue()
    if options.finest_picture is not None:
        _coarsen_pictures(figure, options.finest_picture)
    if options.format == "pdf":
        figure.savefig(handle, format="pdf", dpi=options.dots_per_inch, metadata={"CreationDate": None})
        return handle.getvalue()
    figure.savefig(handle, format="svg", dpi=options.dots_per_inch, metadata={"Date": None, "Creator": "lithiscope"})
    return _for_readers(handle.getvalue().decode("utf-8")).encode("utf-8")


def _coarsen_pictures(figure: Any, finest: int) -> None:
    """Bin the pictures of a figure until none has more pixels per inch."""
    from matplotlib.image import AxesImage

    for image in figure.findobj(AxesImage):
        values = np.asarray(image.get_array())
        inches = image.axes.get_window_extent().width / figure.dpi
        bins = int(values.shape[1] / (inches * finest))
        if bins < 2 or image.origin != "lower" or values.dtype != np.uint8 or values.ndim != 3:
            continue
        rows, columns, colours = values.shape
        padded = np.pad(values, ((0, -rows % bins), (0, -columns % bins), (0, 0)), mode="edge")
        blocks = padded.reshape(padded.shape[0] // bins, bins, padded.shape[1] // bins, bins, colours)
        left, right, bottom, top = image.get_extent()
        image.set_data(np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8))
        # The last blocks reach beyond the picture; the limits of the axes cut them off.
        width, height = (right - left) * padded.shape[1] / columns, (top - bottom) * padded.shape[0] / rows
        limits = image.axes.get_xlim(), image.axes.get_ylim()
        image.set_extent((left, left + width, bottom, bottom + height))
        image.axes.set(xlim=limits[0], ylim=limits[1])


_LONG_NUMBER = re.compile(r"(\d+\.\d)\d+")
_PATH = re.compile(r'(?<= d=")[^"]{20000,}(?=")')


def _short_paths(svg: str) -> str:
    """Cut the coordinates of very long paths, as of the outlines of many particles, to a tenth of a point."""
    return _PATH.sub(lambda path: _LONG_NUMBER.sub(r"\1", path.group()).replace(" \n", "").replace(" L ", "L"), svg)


def _for_readers(svg: str) -> str:
    """Let text use the reader's own sans-serif and let ink follow light and dark; plain shapes keep their colours."""
    svg = _short_paths(svg)
    dark = "".join(
        f'[style*="fill: {ink}"]{{fill:{light}!important}}[style*="stroke: {ink}"]{{stroke:{light}!important}}'
        for ink, light in _DARK_INK.items()
    )
    rules = f"@media screen and (prefers-color-scheme:dark){{{dark}}}image{{image-rendering:pixelated}}"
    head, mark, tail = svg.partition("<defs>")
    return f"{head}<style>{rules}</style>{mark}{tail}".replace("'DejaVu Sans', sans-serif", _FONTS).replace(
        "'DejaVu Sans'", _FONTS
    )
