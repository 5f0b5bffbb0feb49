"""The voltage that the learned laws give, beside the measured one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.report.fitting import empty_figure, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import composition_axis, need_values
from lithiscope.report.style import CYCLE, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

_WAYS = {1: "lithiation", -1: "delithiation", 0: "direction unknown"}


def has_voltage(particle: xr.Dataset) -> bool:
    """Return whether a learned particle was held against a voltage."""
    name = "measured_voltage_volt"
    return name in particle and bool(np.isfinite(particle[name].values).any())


def learned_voltage(
    particle: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the voltage of the model against its mean composition, a line for each half cycle, and the measured points.

    Parameters
    ----------
    particle : learned_particle
        With ``voltage_volt`` and ``measured_voltage_volt``.
    options : FigureOptions
        Format and size.

    Raises
    ------
    StageError, AnalysisError
        If it is another stage, or holds no voltage.
    """
    check(particle, "learned_particle")
    need_values(particle, "voltage_volt", "measured_voltage_volt", "lithium_fraction")
    x = np.nanmean(particle["lithium_fraction"].values, axis=(1, 2))
    model, measured = (particle[name].values for name in ("voltage_volt", "measured_voltage_volt"))
    number = particle["half_cycle"].values if "half_cycle" in particle.coords else np.zeros(len(x), int)
    ways = particle["direction"].values if "direction" in particle.coords else np.zeros(len(x), int)
    told: set[str] = set()
    with style(options):
        figure = empty_figure(options, 0.55, 0.4)
        axes = figure.subplots()
        for one in np.unique(number):
            here = number == one
            way = int(ways[here][0])
            colour = CYCLE[way % 3]
            for values, kind, more in (
                (model, "model", {"linewidth": 1.1}),
                (measured, "measured", {"linestyle": "none", "marker": "o", "markersize": 3.5}),
            ):
                text = f"{_WAYS[way]}, {kind}"
                axes.plot(x[here], values[here], color=colour, label=None if text in told else text, **more)
                told.add(text)
        composition_axis(axes, "mean lithium fraction of the model")
        axes.set_ylabel("voltage / V")
        legend_beside(figure, alignment="left")
        return to_bytes(figure, options)
