"""What limits the reaction, and whether a uniform particle stays so: evidence, morphology, stability, growth."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.laws import UniformState, growth_integral, growth_rate, stable_currents
from lithiscope.report.fitting import columns_of, empty_figure, legend_above, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    DIRECTION_NAMES,
    composition_axis,
    direction_handles,
    direction_legend,
    need,
    note,
    points,
    zero_line,
)
from lithiscope.report.style import CYCLE, DIRECTION_COLOURS, DIRECTION_MARKERS, FAINT, INK, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

REACTION, DIFFUSION = "surface-reaction-limited", "bulk-diffusion-limited"
_VERDICT_COLOURS = {REACTION: CYCLE[0], DIFFUSION: CYCLE[1]}
_VERDICT_MARKERS = {REACTION: "o", DIFFUSION: "s"}


def verdict_look(verdict: str) -> tuple[str, str]:
    """Return the colour and the marker of a verdict."""
    return _VERDICT_COLOURS.get(verdict, MUTED), _VERDICT_MARKERS.get(verdict, "D")


def number(value: float) -> str:
    """Return a number with at most three digits and a true minus.

    Examples
    --------
    >>> number(-0.0412), number(1330.0)
    ('−0.0412', '1330')
    """
    text = f"{value:.0f}" if 1000 <= abs(value) < 1e5 else f"{value:.3g}"
    return text.replace("-", "−")


def evidence_figure(
    evidence: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw every piece of evidence on its own: how probable it makes a limit by the surface reaction, and its figure.

    Parameters
    ----------
    evidence : EvidenceTable
        Of one particle in one half cycle (for several see `case_figure`): values with their 95 % ranges, the boundary
        at which each verdict turns, and its probability.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. There is no pooled confidence: the verdict over all pieces is the title, in the table's words.

    Raises
    ------
    AnalysisError
        If there is no evidence.
    """
    check(evidence, "evidence_table")
    need(evidence, "probability", "verdict", "value")
    if evidence["value"].ndim != 1:
        raise AnalysisError(
            "this figure is of one particle in one half cycle",
            field="evidence",
            value=dict(evidence.sizes),
            remedy="select one, or draw case_figure",
        )
    count = evidence.sizes["evidence"]
    if count == 0:
        raise AnalysisError("there is no evidence to draw", field="evidence", value=0, limit="at least one piece")
    with style(options):
        figure = empty_figure(options, 1.0, 0.0, more=0.75 + 0.36 * count)
        axes = figure.subplots()
        axes.axvspan(0.05, 0.95, color=FAINT, alpha=0.45, linewidth=0)
        for k in range(count):
            _evidence_row(axes, evidence, k)
        names = [_named(str(name)) for name in evidence["evidence"].values]
        axes.set_yticks(range(count), names, parse_math=False)
        axes.set(xlim=(-0.03, 1.03), ylim=(count - 0.4, -0.6), xticks=[0, 0.05, 0.5, 0.95, 1])
        axes.set_xticklabels(["0\nbulk diffusion", "0.05", "0.5\nnot decidable", "0.95", "1\nsurface reaction"])
        axes.set_xlabel("probability that this piece speaks for a limit by the surface reaction")
        axes.grid(visible=False, axis="y")
        verdict = evidence["overall_verdict"].values if "overall_verdict" in evidence else evidence.attrs["verdict"]
        axes.set_title(str(verdict), parse_math=False)
        return to_bytes(figure, options)


def _named(name: str) -> str:
    return "\n".join(textwrap.wrap(name.replace("_", " "), 24)) or "–"


def _evidence_row(axes: Any, evidence: xr.Dataset, k: int) -> None:
    probability, verdict = float(evidence["probability"].values[k]), str(evidence["verdict"].values[k])
    colour, marker = verdict_look(verdict)
    if np.isfinite(probability):
        axes.plot([0.5, probability], [k, k], color=colour, linewidth=1.4, solid_capstyle="butt")
        axes.plot([probability], [k], marker, color=colour, markersize=6)
    words = number(float(evidence["value"].values[k]))
    if "low" in evidence and "high" in evidence:
        words += f"  [{number(float(evidence['low'].values[k]))}, {number(float(evidence['high'].values[k]))}]"
    if "boundary" in evidence:
        words += f", turns at {number(float(evidence['boundary'].values[k]))}"
    axes.annotate(
        words, (1.0, k), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points", va="center",
        fontsize="small", annotation_clip=False,
    )  # fmt: skip


@dataclass(frozen=True)
class MorphologyPoint:
    """One particle (or literature value) in the morphology diagram; each number as (low, value, high).

    A low end of 0 says that only an upper limit is known, as where the noise hides the gradient.
    """

    name: str
    damkohler: tuple[float, float, float]
    biot: tuple[float, float, float]
    direction: int = 0


def morphology_diagram(
    measured: Sequence[MorphologyPoint],
    *,
    boundaries: tuple[float, float] = (1.0, 1.0),
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw where particles lie between reaction and diffusion, after Fraggedakis 2020 (Energy Environ. Sci. 13, 2142).

    Parameters
    ----------
    measured : sequence of MorphologyPoint
        Damköhler number: time of diffusion over time of filling at the applied current. Biot number: time of diffusion
        over time of the surface reaction. Both with their ranges, which a range of D makes wide.
    boundaries : (float, float)
        Damköhler and Biot number at which the behaviour turns.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF.

    Raises
    ------
    AnalysisError
        If there is no point, or a number is not positive.
    """
    for point in measured:
        ends = (*point.damkohler, *point.biot)
        if not (min(ends) >= 0 and min(point.damkohler[2], point.biot[2]) > 0):
            raise AnalysisError(
                "the numbers of the diagram must be positive", field=point.name, value=(point.damkohler, point.biot)
            )
    if not measured:
        raise AnalysisError("there is no particle to place in the diagram", field="measured", value=0, limit="one")
    known = np.array([[*p.damkohler, *p.biot] for p in measured])
    with style(options):
        figure = empty_figure(options, 0.72, 0.5)
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log")
        lows, highs = [], []
        for part, turn in ((known[:, :3], boundaries[0]), (known[:, 3:], boundaries[1])):
            decades = np.log10(part[part > 0])
            lows.append(10 ** (np.floor(min(decades.min(), np.log10(turn) - 1)) - 0.5))
            highs.append(10 ** (np.ceil(max(decades.max(), np.log10(turn) + 1)) + 0.5))
        axes.set(xlim=(lows[0], highs[0]), ylim=(lows[1], highs[1]))
        _regions(axes, boundaries, lows, highs)
        names = list(dict.fromkeys(point.name for point in measured))
        for point in measured:
            _morphology_point(axes, point, names.index(point.name), (lows[0], lows[1]))
        axes.set(
            xlabel="Damköhler number, diffusion time / filling time", ylabel="Biot number, diffusion / reaction time"
        )
        _morphology_legend(figure, names, measured)
        return to_bytes(figure, options)


def _regions(axes: Any, boundaries: tuple[float, float], lows: list[float], highs: list[float]) -> None:
    filling, reaction = boundaries
    axes.axvspan(filling, highs[0], color=CYCLE[1], alpha=0.10, linewidth=0)
    axes.axvspan(lows[0], filling, color=CYCLE[0], alpha=0.08, linewidth=0)
    axes.axvline(filling, color=MUTED, linewidth=0.8)
    axes.axhline(reaction, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    left, right = np.sqrt(lows[0] * filling), np.sqrt(filling * highs[0])
    for x, y, side, text in (
        (left, 0.985, "top", "diffusion keeps up, reaction is fast:\nphases near equilibrium"),
        (left, 0.015, "bottom", "surface reaction limits:\nintercalation wave, or uniform at high rate"),
        (right, 0.985, "top", "diffusion limits:\nshrinking core"),
        (right, 0.015, "bottom", "both limit"),
    ):
        axes.text(
            x, y, text, transform=axes.get_xaxis_transform(), ha="center", va=side, fontsize="x-small", color=MUTED
        )


_MOST_NAMES = 14


def _morphology_point(axes: Any, point: MorphologyPoint, k: int, edges: tuple[float, float]) -> None:
    colour = CYCLE[k % len(CYCLE)]
    (x_low, x, x_high), (y_low, y, y_high) = point.damkohler, point.biot
    if min(x_low, y_low) <= 0:
        # An upper limit: at its upper end, hollow, with an arrow along the diagonal on which the diffusion time lies.
        axes.plot([x_high], [y_high], DIRECTION_MARKERS[point.direction], color=colour, markersize=5, fillstyle="none")
        axes.annotate(
            "", xy=(x_high / 4, y_high / 4), xytext=(x_high, y_high),
            arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 0.9},
        )  # fmt: skip
        return
    axes.errorbar(
        [x], [y], xerr=[[x - max(x_low, edges[0])], [x_high - x]], yerr=[[y - max(y_low, edges[1])], [y_high - y]],
        fmt=DIRECTION_MARKERS[point.direction], color=colour, markersize=5, elinewidth=1, capsize=2,
        markeredgecolor=INK, markeredgewidth=0.5,
    )  # fmt: skip


def _morphology_legend(figure: Any, names: list[str], measured: Sequence[MorphologyPoint]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=CYCLE[k % len(CYCLE)], linewidth=3, label=name)
        for k, name in enumerate(names[:_MOST_NAMES])
    ]
    handles += [
        Line2D([], [], color=INK, marker=DIRECTION_MARKERS[way], linestyle="none", markersize=4, label=text)
        for way, text in DIRECTION_NAMES.items()
        if way and any(point.direction == way for point in measured)
    ]
    if any(min(*point.damkohler, *point.biot) <= 0 for point in measured):
        handles.append(Line2D([], [], color=INK, marker="o", fillstyle="none", linestyle="none", label="upper limit"))
    legend_beside(figure, handles=handles)


def stability_diagram(
    states: Mapping[str, UniformState],
    *,
    table: xr.Dataset | None = None,
    rate_constants: Mapping[str, float] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw where a uniform particle is unstable, with the measured paths (Lim 2016, Fig. S19).

    Parameters
    ----------
    states : mapping of str to UniformState
        The laws by name: F(x), chemical potential, strain.
    table : RateTable, optional
        Its particles' paths: mean x against the insertion current over k0, -j/k0.
    rate_constants : mapping of str to float, optional
        k0 of each law (A/m2); a law without one has no path, because j~ is not known.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF: the function F over its map; shaded is unstable, above zero lithiation, below delithiation.

    Raises
    ------
    AnalysisError
        If there is no law.
    """
    from matplotlib.patches import Patch

    if not states:
        raise AnalysisError("there is no law whose stability could be drawn", field="states", value=0, limit="one law")
    known = {name: float(k0) for name, k0 in (rate_constants or {}).items() if k0 > 0}
    paths = {name: _paths(table, known[name]) if table is not None and name in known else [] for name in states}
    reach = max([1.0, *(float(np.nanmax(np.abs(c))) * 1.15 for found in paths.values() for _, c, _ in found)])
    with style(options):
        columns = columns_of(options.width, len(states), least=1.5)
        lines = -(-len(states) // columns)
        figure = empty_figure(options, min(1.0, 0.2 + 0.3 * columns), 0.62, lines=lines)
        grid = figure.subplots(
            2 * lines, columns, sharex=True, sharey=False, squeeze=False, height_ratios=[1, 2] * lines
        )
        highest = 0.0
        for place, (name, state) in enumerate(states.items()):
            upper, lower = _pair(grid, place)
            highest = max(highest, _law_panel(upper, name, state))
            _stability_panel(lower, state, reach)
            for x, current, direction in paths[name]:
                points(
                    lower,
                    x,
                    current,
                    direction=direction,
                    line="-",
                    markersize=2.4,
                    linewidth=0.7,
                    alpha=0.85,
                )
            if table is not None and name not in known:
                note(lower, "no k₀: no path")
        for place in range(lines * columns):
            upper, lower = _pair(grid, place)
            if place >= len(states):
                upper.set_visible(False), lower.set_visible(False)
            upper.set_ylim(0, 1.08 * highest)
            first = place % columns == 0
            upper.set_ylabel("F(x)" if first else "")
            lower.set_ylabel("insertion current / k₀\ndelithiation  ←     →  lithiation" if first else "")
            lower.tick_params(labelbottom=place + columns >= len(states), labelleft=first)
            upper.tick_params(labelleft=first)
            lower.set_xlabel(lower.get_xlabel() if place + columns >= len(states) else "")
            lower.set_xticks([0.0, 0.5, 1.0])  # labels of neighbouring panels must not run into each other
        directions = [direction for found in paths.values() for *_, direction in found]
        shaded = Patch(facecolor=CYCLE[3], alpha=0.28, edgecolor=CYCLE[3], label="unstable")
        legend_above(figure, handles=[*direction_handles(directions, line="-"), shaded], side="right")
        return to_bytes(figure, options)


def _pair(grid: Any, place: int) -> tuple[Any, Any]:
    """Return the panels of the law and of its map at a place, counted along the lines."""
    line, column = divmod(place, grid.shape[1])
    return grid[2 * line, column], grid[2 * line + 1, column]


def _paths(table: xr.Dataset, k0: float) -> list[tuple[Floats, Floats, int]]:
    """Return (x, j~, direction) of every particle and half cycle with a current."""
    check(table, "rate_table")
    need(table, "lithium_fraction", "current_density", "half_cycle", "direction")
    found = []
    half, way = np.asarray(table["half_cycle"].values), np.asarray(table["direction"].values)
    for p in range(table.sizes["particle"]):
        x = np.asarray(table["lithium_fraction"].values[p], dtype=float)
        current = -np.asarray(table["current_density"].values[p], dtype=float) / k0
        for number_ in np.unique(half[way != 0]):
            here = (half == number_) & (way != 0) & np.isfinite(x) & np.isfinite(current)
            if here.any():
                found.append((x[here], current[here], int(way[here][0])))
    return found


def _law_panel(axes: Any, name: str, state: UniformState) -> float:
    """Draw F and return its largest value."""
    x = np.linspace(0.001, 0.999, 400)
    values = np.asarray(state.exchange(x))
    axes.plot(x, values, color=INK)
    axes.set_title(name.replace("_", " "), parse_math=False)
    return float(values.max())


def _stability_panel(axes: Any, state: UniformState, reach: float) -> None:
    x, current = np.linspace(0.002, 0.998, 300), np.linspace(-reach, reach, 301)
    growth = np.asarray(growth_rate(x[None, :], current[:, None], state))
    axes.contourf(x, current, growth, levels=[0.0, np.inf], colors=[CYCLE[3]], alpha=0.28)
    axes.contour(x, current, growth, levels=[0.0], colors=[CYCLE[3]], linewidths=1.0)
    zero_line(axes)
    composition_axis(axes)
    axes.set_ylim(-reach, reach)
    window = stable_currents(state)
    if np.isfinite(window.low) and window.low < reach:
        end = f" to {number(window.high)}" if np.isfinite(window.high) else ""
        text = f"every x stable from {number(window.low)}{end}"
        axes.set_title(text, fontsize="x-small", fontweight="normal")


def growth_curves(
    states: Mapping[str, UniformState],
    table: xr.Dataset,
    rate_constants: Mapping[str, float],
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw by how much a perturbation would have grown along the measured paths: the integral of s dx/j~.

    Parameters
    ----------
    states : mapping of str to UniformState
        The laws by name.
    table : RateTable
        Mean x and current of the particles.
    rate_constants : mapping of str to float
        k0 of each law, A/m2.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF: the factor e^(integral), logarithmic, against mean x. The sign of s alone says little; a factor
        below about 3 leaves a particle uniform to the eye.

    Raises
    ------
    AnalysisError
        If no law has a path.
    """
    drawn = [name for name in states if name in rate_constants and _paths(table, rate_constants[name])]
    if not drawn:
        raise AnalysisError("no law has a measured path", field="rate_constants", limit=", ".join(states))
    with style(options):
        columns = columns_of(options.width, len(drawn), least=1.5)
        lines = -(-len(drawn) // columns)
        figure = empty_figure(options, min(1.0, 0.2 + 0.3 * columns), 0.36, lines=lines)
        grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
        for axes in grid.flat[len(drawn) :]:
            axes.set_visible(False)
        directions = set()
        for axes, name in zip(grid.flat, drawn, strict=False):
            for x, current, direction in _paths(table, rate_constants[name]):
                grown = _growth(x, current, states[name])
                if grown is not None:
                    axes.plot(grown[0], np.exp(grown[1]), color=DIRECTION_COLOURS[direction], linewidth=1.0)
                    directions.add(direction)
            axes.set_yscale("log")
            # A perturbation that shrinks a thousandfold is gone; how much further it would shrink says nothing.
            axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-3))
            axes.axhline(1, color=MUTED, linewidth=0.6)
            axes.set_title(name.replace("_", " "), parse_math=False)
            composition_axis(axes, "")
        figure.supxlabel("mean lithium fraction of the particle", fontsize=options.font_size)
        figure.supylabel("growth of a perturbation", fontsize=options.font_size)
        direction_legend(figure, directions, line="-", loc="outside upper right", ncols=2)
        return to_bytes(figure, options)


def _growth(x: Floats, current: Floats, state: UniformState) -> tuple[Floats, Floats] | None:
    """Return compositions and log growth along a path, over the stretch in which noise does not turn it back."""
    path = np.clip(x, 0.005, 0.995)
    steps, flow = np.diff(path), (current[1:] + current[:-1]) / 2
    good = steps * flow > 0
    if path.size < 2 or not good.any():
        return None
    path = np.concatenate([path[:1], path[1:][good]])
    steps = np.diff(path)
    if not np.all(steps * flow[good] > 0):
        return None
    return path, np.asarray(growth_integral(path, flow[good], state).log_amplitude)
