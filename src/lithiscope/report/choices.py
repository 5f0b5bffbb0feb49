"""Every figure of a study against one choice: small multiples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report.fitting import columns_of
from lithiscope.report.options import FigureOptions
from lithiscope.report.style import CYCLE, style, to_bytes


def choice_figure(
    choices: Sequence[str],
    figures: Mapping[str, Sequence[float]],
    *,
    name: str,
    options: FigureOptions = FigureOptions(columns=4),  # noqa: B008 (frozen)
) -> bytes:
    """Draw one small panel per figure, the choices across.

    Parameters
    ----------
    choices : sequence of str
        The values of the option, in order.
    figures : mapping of str to sequence of float
        The figures by name, one number per choice; those that never change are left out. ``NAME_std`` is drawn as the
        error bar of ``NAME``.
    name : str
        The option, ``step.option``.
    options : FigureOptions
        Size, columns and format.

    Returns
    -------
    bytes
        PNG or SVG.

    Raises
    ------
    AnalysisError
        If a figure has not one number per choice.
    """
    from matplotlib.figure import Figure

    for label, values in figures.items():
        if len(values) != len(choices):
            raise AnalysisError(
                "a figure needs one number per choice", field=label, value=len(values), limit=str(len(choices))
            )
    bars = {label for label in figures if label.removesuffix("_std") != label and label.removesuffix("_std") in figures}
    moving = {
        label: values
        for label, values in figures.items()
        if label not in bars and np.unique(np.asarray(values, float)).size > 1
    }
    count = max(len(moving), 1)
    columns = columns_of(options.width, min(options.columns, count), least=1.5)
    rows = math.ceil(count / columns)
    joined = "o-" if all(map(_is_number, choices)) else "o"  # a line between categories would mean nothing
    with style(options):
        figure = Figure(figsize=(options.width, 1.55 * rows + 0.3), layout="constrained")
        panels = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
        for axes, (label, values) in zip(panels, moving.items(), strict=False):
            error = figures.get(f"{label}_std")
            axes.errorbar(range(len(choices)), values, yerr=error, fmt=joined, color=CYCLE[0], markersize=3.5)
            axes.set_xticks(range(len(choices)), choices, rotation=30 if max(map(len, choices)) > 5 else 0)
            axes.set_title(label.replace("_", " "), fontsize="small")
            axes.margins(0.12, 0.2)
        for axes in panels[len(moving) :]:
            axes.set_axis_off()
        if not moving:
            panels[0].text(0.5, 0.5, "no figure depends on this choice", ha="center", va="center")
        figure.supxlabel(name, fontsize="medium")
        return to_bytes(figure, options)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
