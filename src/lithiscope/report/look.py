"""The one picture of a quick look: maps side by side, each with its own colour bar, over the mean spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lithiscope.report import readings
from lithiscope.report.colours import lookup_table
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import colour_bar, painted, scale_bar, show, view_of
from lithiscope.report.style import CYCLE, MUTED, WARN, style, to_bytes

if TYPE_CHECKING:
    import xarray as xr

_GAP, _BAR, _HEADER, _SPECTRUM = 0.1, 0.72, 0.3, 1.5  # inches


@dataclass(frozen=True)
class LookPanel:
    """One map of a quick look.

    Parameters
    ----------
    title : str
        What is shown.
    values : ndarray of shape (y, x)
        The picture; NaN is left blank.
    unit : str
        Text over the colour bar.
    palette : str
        A palette of the figures.
    from_zero : bool
        Whether the colour bar begins at zero.
    """

    title: str
    values: NDArray[np.float64]
    unit: str
    palette: str = "cividis"
    from_zero: bool = True


def look_sheet(
    data: xr.Dataset,
    panels: Sequence[LookPanel],
    *,
    energy: NDArray[np.float64],
    spectra: dict[str, NDArray[np.float64]],
    warnings: Sequence[str] = (),
    options: FigureOptions = FigureOptions(width=9.0),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the maps of a quick look over the mean spectra.

    Parameters
    ----------
    data : Dataset
        Any stage with the coordinates y and x of the maps.
    panels : sequence of LookPanel
        The maps, left to right.
    energy : ndarray of shape (E,)
        Photon energies (eV).
    spectra : dict of str to ndarray of shape (E,)
        Mean optical densities by the name of their region.
    warnings : sequence of str
        Shown in red at the foot, one line each.
    options : FigureOptions
        Size and format.

    Returns
    -------
    bytes
        PNG or SVG.
    """
    from matplotlib.figure import Figure

    view = view_of(data)
    width = (options.width - len(panels) * (_BAR + _GAP) - _GAP) / len(panels)
    tall = width * view.aspect
    foot = 0.5 + 0.18 * len(warnings)
    height = _HEADER + tall + 0.45 + _SPECTRUM + foot
    with style(options):
        figure = Figure(figsize=(options.width, height))
        for number, panel in enumerate(panels):
            left, bottom = _GAP + number * (width + _BAR + _GAP), height - _HEADER - tall
            axes = figure.add_axes((left / options.width, bottom / height, width / options.width, tall / height))
            axes.set_axis_off()
            low, high = readings.limits(panel.values, low=0.0 if panel.from_zero else None)
            show(axes, painted(panel.values, low, high, panel.palette, np.zeros(panel.values.shape, dtype=bool)), view)
            axes.set_title(panel.title, fontsize="medium")
            scale_bar(axes, view)
            place = (left + width + 0.06, bottom, _BAR, tall - 0.16)
            colour_bar(figure, place, lookup_table(panel.palette), low, high, panel.unit)
        _spectrum(
            figure, energy, spectra, (0.55 / options.width, foot / height, 1 - 0.7 / options.width, _SPECTRUM / height)
        )
        for number, text in enumerate(reversed(warnings)):
            figure.text(0.1 / options.width, (0.06 + 0.18 * number) / height, f"! {text}", color=WARN, fontsize="small")
        return to_bytes(figure, options)


def _spectrum(
    figure: object, energy: NDArray[np.float64], spectra: dict[str, NDArray[np.float64]], place: tuple[float, ...]
) -> None:
    axes = figure.add_axes(place)  # type: ignore[attr-defined]
    marker = "o" if energy.size <= 12 else None
    for (name, values), colour in zip(spectra.items(), CYCLE, strict=False):
        axes.plot(energy, values, color=colour if name != "blank" else MUTED, marker=marker, markersize=3, label=name)
    axes.set(xlabel="photon energy (eV)", ylabel="mean optical density")
    axes.legend(loc="upper left")
