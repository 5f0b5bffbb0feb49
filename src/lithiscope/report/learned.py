"""What was learned from a video: the laws with bands, the rates of the pixels, and data beside the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.report.colours import Colours, composition_colours, lookup_table
from lithiscope.report.exchange import best_law
from lithiscope.report.fitting import columns_of, empty_figure, legend_beside, size_of
from lithiscope.report.learned_words import known_range, particle_name
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import (
    View,
    colour_bar,
    heading,
    painted,
    panel_grid,
    scale_bar,
    show,
    view_of,
)
from lithiscope.report.plots import composition_axis, need_values, readable, zero_line
from lithiscope.report.readings import thinned
from lithiscope.report.style import CYCLE, FAINT, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.materials import Material

Floats = NDArray[np.float64]

_BAND = 1.96  # standard deviations of a 95 % band
_LEGEND = 0.95  # inches that a sheet keeps at the right
_HEADER = 0.33
_PANEL = 0.145  # inches of width of a panel per point of the text over it
_MOST = 6  # columns of a sheet
_WIDEST = 1.5  # inches of width of a panel
_FAR = 4.0  # standard deviations at the ends of the colours of residuals


def learned_laws(
    laws: xr.Dataset,
    *,
    fit: xr.Dataset | None = None,
    material: Material | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw j0(x) and mu(x) with their 95 % bands, beside the direct estimate and the curves of a parameter set.

    Parameters
    ----------
    laws : learned_laws
        What was learned; where it says nothing the ground is grey and lines are dotted.
    fit : law_fit, optional
        The direct estimate of the kinetics: its points, and its preferred law.
    material : Material, optional
        The set that the laws started from.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF.

    Raises
    ------
    StageError, AnalysisError
        If it is another stage, or holds no finite value.
    """
    check(laws, "learned_laws")
    need_values(laws, "exchange_current_density", "chemical_potential")
    with style(options):
        figure = empty_figure(options, 1.0, 0.4)
        left, right = figure.subplots(1, 2)
        _exchange(left, laws, fit, material)
        _potential(right, laws, material)
        legend_beside(figure, alignment="left")
        return to_bytes(figure, options)


def _exchange(axes: Any, laws: xr.Dataset, fit: xr.Dataset | None, material: Material | None) -> None:
    known = known_range(laws)
    values = np.asarray(laws["exchange_current_density"].values, float)
    factor, unit = readable(values[known] if known.any() else values, "A/m²")
    _curve(axes, laws, factor * values, _std(laws, "exchange_current_density", factor))
    top = [np.max(factor * (values + _BAND * _std(laws, "exchange_current_density", 1.0))[known], initial=0.0)]
    if fit is not None:
        top.append(_direct(axes, fit, factor))
    if material is not None and material.data.reaction is not None:
        x = laws["x_grid"].values
        curve = factor * material.exchange_current * np.asarray(material.exchange_law()(x))
        axes.plot(x, curve, color=CYCLE[1], linewidth=0.9, linestyle=(0, (4, 2)), label=material.name)
    composition_axis(axes)
    axes.set(ylabel=f"exchange current density j₀ / ({unit})", ylim=(0, 1.15 * max(top) or None))


def _direct(axes: Any, fit: xr.Dataset, factor: float) -> float:
    """Draw the direct estimate; returns the largest value that must be seen."""
    used = np.asarray(fit["used"].values, bool) if "used" in fit else np.ones(fit.sizes["point"], bool)
    x, y = (np.asarray(fit[name].values, float)[used] for name in ("lithium_fraction", "exchange_current_density"))
    axes.plot(x, factor * y, ".", color=MUTED, markersize=3, alpha=0.6, label="direct estimate", zorder=1)
    curve = factor * np.asarray(fit["fit"].values[best_law(fit)], float)
    axes.plot(fit["x_grid"].values, curve, color=MUTED, linewidth=0.9, label="its preferred law")
    return float(np.nanmax(curve, initial=0.0))


def _potential(axes: Any, laws: xr.Dataset, material: Material | None) -> None:
    known, x = known_range(laws), laws["x_grid"].values
    mu = np.asarray(laws["chemical_potential"].values, float)
    std = _std(laws, "chemical_potential", 1.0)
    _curve(axes, laws, mu, std)
    seen = known if known.any() else np.ones(len(x), bool)
    low, high = (mu - _BAND * std)[seen].min(), (mu + _BAND * std)[seen].max()
    if material is not None:
        theirs = np.asarray(material.chemical_potential()(x), float)
        theirs -= np.nanmean(theirs[seen])
        axes.plot(x, theirs, color=CYCLE[1], linewidth=0.9, linestyle=(0, (4, 2)))
        low, high = min(low, np.nanmin(theirs[seen])), max(high, np.nanmax(theirs[seen]))
    zero_line(axes)
    composition_axis(axes)
    room = 0.06 * (high - low) + 1e-6
    axes.set(ylabel="μ less its mean / kT", ylim=(low - room, high + room))


def _std(laws: xr.Dataset, name: str, factor: float) -> Floats:
    std = laws.get(f"{name}_std")
    return np.zeros(laws.sizes["x_grid"]) if std is None else factor * np.nan_to_num(np.asarray(std.values, float))


def _curve(axes: Any, laws: xr.Dataset, values: Floats, std: Floats) -> None:
    """Draw a learned curve with its band, dotted on grey where the data say nothing."""
    x, known = laws["x_grid"].values, known_range(laws)
    first = axes.get_subplotspec().is_first_col()
    axes.fill_between(
        x, values - _BAND * std, values + _BAND * std, color=CYCLE[0], alpha=0.25, linewidth=0,
        label="95 %" if first else None,
    )  # fmt: skip
    axes.plot(x, values, color=CYCLE[0], linewidth=0.9, linestyle=(0, (1, 1.5)))
    axes.plot(x, np.where(known, values, np.nan), color=CYCLE[0], linewidth=1.6, label="learned" if first else None)
    edges = np.concatenate([[-0.03], (x[1:] + x[:-1]) / 2, [1.03]])
    changes = np.flatnonzero(np.diff(np.concatenate([[False], ~known, [False]]).astype(int)))
    for place, (start, end) in enumerate(changes.reshape(-1, 2)):
        label = "no data" if first and place == 0 else None
        axes.axvspan(edges[start], edges[end], color=FAINT, alpha=0.6, linewidth=0, zorder=0, label=label)


@dataclass(frozen=True)
class _Row:
    """One line of a sheet: its pictures, and the colour bar at its end (palette, low, high, text)."""

    pictures: list[Colours]
    bar: tuple[str, float, float, str]


def learned_rates(
    particles: Sequence[xr.Dataset],
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw k(r), the standard deviation of ln k, and the mean squared residual of each particle.

    Parameters
    ----------
    particles : sequence of learned_particle
        At most as many as `columns_for` says are drawn.
    options : FigureOptions
        Format and size.

    Raises
    ------
    StageError, AnalysisError
        If it is another stage, or no rate is finite.
    """
    shown = list(particles)[: columns_for(options)]
    for one in shown:
        check(one, "learned_particle")
        need_values(one, "log_rate")
    fields = [np.asarray(one["log_rate"].values, float) for one in shown]
    errors = [np.asarray(one["log_rate_std"].values, float) for one in shown]
    largest = max(float(np.nanpercentile(np.abs(field), 99)) for field in fields) or 1.0
    widest = max(float(np.nanmax(error, initial=0.0)) for error in errors) or 1.0
    rows = [
        _Row([_scalar(f, -largest, largest, "PuOr_r") for f in fields], ("PuOr_r", -largest, largest, "ln k")),
        _Row([_scalar(e, 0.0, widest, "magma") for e in errors], ("magma", 0.0, widest, "σ of ln k")),
    ]
    if all("residual" in one for one in shown):
        squares = [_mean_square(one) for one in shown]
        rows.append(_Row([_scalar(s, 0.0, 3.0, "viridis") for s in squares], ("viridis", 0.0, 3.0, "mean\nresidual²")))
    texts = [(particle_name(one), f"k {np.exp(-s):.2g} … {np.exp(s):.2g}") for one, s in _spreads(shown)]
    return _sheet([view_of(one) for one in shown], texts, rows, options)


def _spreads(particles: Sequence[xr.Dataset]) -> list[tuple[xr.Dataset, float]]:
    return [(one, float(np.nanstd(one["log_rate"].values))) for one in particles]


def _mean_square(particle: xr.Dataset) -> Floats:
    residual = np.asarray(particle["residual"].values, float)
    known = np.isfinite(residual)
    if "measured" in particle:
        known &= np.isfinite(particle["measured"].values)
    total = np.where(known, residual, 0.0) ** 2
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known.any(0), total.sum(0) / np.maximum(known.sum(0), 1), np.nan))


def learned_frames(
    particle: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw data, model and residual of a few frames of one particle.

    Parameters
    ----------
    particle : learned_particle
        With ``measured``, ``lithium_fraction`` and ``residual``.
    options : FigureOptions
        Format, size and palette.

    Raises
    ------
    StageError, AnalysisError
        If it is another stage, or lacks one of them.
    """
    check(particle, "learned_particle")
    need_values(particle, "measured", "lithium_fraction", "residual")
    count = particle.sizes["time"]
    frames = thinned(count, min(columns_for(options), count)).tolist()
    measured, model, residual = (
        np.asarray(particle[name].values, float) for name in ("measured", "lithium_fraction", "residual")
    )
    rows = [
        _Row(
            [composition_colours(one[k], 1.0, options.palette) for k in frames],
            (options.palette, 0.0, 1.0, f"x, {name}"),
        )
        for name, one in (("data", measured), ("model", model))
    ]
    rows.append(
        _Row(
            [_scalar(np.where(np.isfinite(measured[k]), residual[k], np.nan), -_FAR, _FAR, "PuOr_r") for k in frames],
            ("PuOr_r", -_FAR, _FAR, "residual / σ"),
        )
    )
    minutes = np.asarray(particle["time"].values, float) / 60
    means = [float(np.nanmean(model[k])) for k in frames]
    texts = [(f"{minutes[k]:.0f} min", f"x {mean:.2f}") for k, mean in zip(frames, means, strict=True)]
    return _sheet([view_of(particle)] * len(frames), texts, rows, options)


def columns_for(options: FigureOptions) -> int:
    """Return how many frames or particles stand side by side."""
    least = _PANEL * options.font_size + 0.08
    return columns_of(options.width - _LEGEND, _MOST, least=least)


def _scalar(values: Floats, low: float, high: float, palette: str) -> Colours:
    return painted(values, low, high, palette, np.zeros(values.shape, bool))


def _sheet(
    views: Sequence[View],
    texts: Sequence[tuple[str, str]],
    rows: Sequence[_Row],
    options: FigureOptions,
) -> bytes:
    """Draw rows of pictures, each with its own colour bar at the end."""
    across = len(views)
    width = min(options.width, max(across * (_WIDEST + 0.08) + 0.08 + _LEGEND, 3.0))
    few = options.model_copy(update={"columns": across, "width": width})
    with style(options):
        figure, panels, place = panel_grid(across * len(rows), views[0], few, header=_HEADER)
        for number, axes in enumerate(panels):
            row, column = divmod(number, across)
            show(axes, rows[row].pictures[column], views[column])
            if row == 0:
                heading(axes, *texts[column])
        for number, one in enumerate(rows):
            _legend(figure, panels[number * across], place, one)
        scale_bar(panels[0], views[0])
        return to_bytes(figure, options)


def _legend(figure: Any, axes: Any, place: Any, row: _Row) -> None:
    tall, box = size_of(figure)[1], axes.get_position()
    palette, low, high, text = row.bar
    height = (box.y1 - box.y0) * tall - 0.16 * text.count("\n")
    colour_bar(figure, (place[0], box.y0 * tall, place[2], height), lookup_table(palette), low, high, text)
