"""The way of particles from full to empty: boundaries, shapes of domains, pathways against rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report.fitting import columns_of, empty_figure, legend_above, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    DIRECTION_NAMES,
    c_rate_text,
    direction_legend,
    need,
    need_values,
    note,
    points,
    zero_line,
)
from lithiscope.report.population import groups_of, rate_axis, rate_points
from lithiscope.report.style import CYCLE, DIRECTION_COLOURS, INK, MARKERS, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

# From apart to alike: dark, middle, light, so that a grey print keeps the order.
PATHWAY_COLOURS = {
    "phase separation": "#0b4f7d",
    "nonuniform solid solution": "#56a8d8",
    "uniform solid solution": "#f0c987",
}
_VERDICTS = {"faceted": (1, "s"), "elliptic": (0, "o"), "neither": (2, "^"), "cannot tell": (None, "D")}


def interface_against_rate(
    table: xr.Dataset,
    *,
    half_cycles: xr.Dataset | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw width, slope and speed of the boundaries between rich and poor against C-rate (Koo 2023).

    Parameters
    ----------
    table : InterfaceTable
        Means of the half cycles.
    half_cycles : HalfCycles, optional
        Gives the C-rates where the table has none.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Bars are one standard error over the particles, whose number stands in brackets.

    Raises
    ------
    AnalysisError
        If no half cycle has a width, or the C-rates are not known.
    """
    check(table, "interface_table")
    need_values(table, "mean_width")
    speed = table.assign(mean_velocity=np.abs(table["mean_velocity"]))
    panels = (
        ("mean_width", "width of the boundary / nm", 1e3),
        ("mean_slope", "slope of x / (1/µm)", 1.0),
        ("mean_velocity", "speed of the boundary / (nm/h)", 1e3),
    )
    with style(options):
        columns = columns_of(options.width, 3, least=2.0) // 3 * 2 + 1  # three beside or below each other
        figure = empty_figure(options, 1.0, 0.36, lines=3 // columns)
        grid = figure.subplots(3 // columns, columns).ravel()
        for axes, (name, text, factor) in zip(grid, panels, strict=True):
            scaled = speed.assign({n: factor * speed[n] for n in (name, f"{name}_std")})
            groups = groups_of(scaled, name, half_cycles=half_cycles)
            if any(np.isfinite(group.value) for group in groups):
                rate_points(axes, groups, field=name)
            axes.set(ylabel=text)
            axes.set_ylim(bottom=0)
            axes.margins(y=0.35)
        direction_legend(figure, table["direction"].values, loc="outside upper center", ncols=2, line="-")
        return to_bytes(figure, options)


def boundary_motion(
    table: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(max_frames=9),  # noqa: B008 (frozen)
) -> bytes:
    """Draw width and velocity of the boundary of every particle against time.

    Parameters
    ----------
    table : InterfaceTable
        Widths by frame, velocities by interval.
    options : FigureOptions
        Format and size; at most ``max_frames`` particles.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Velocities along the normal are positive where the rich side grows; bars are one standard
        deviation. Shaded: lithiation.

    Raises
    ------
    AnalysisError
        If there is no boundary at all.
    """
    check(table, "interface_table")
    need_values(table, "width")
    drawn = np.flatnonzero(np.isfinite(table["width"].values).any(axis=1))[: options.max_frames]
    with style(options):
        figure = empty_figure(options, 1.0, 0.5)
        upper, lower = figure.subplots(2, 1, sharex=True)
        minutes, middle = (np.asarray(table[n].values, dtype=float) / 60 for n in ("time", "interval_time"))
        for rank, row in enumerate(drawn.tolist()):
            look: dict[str, Any] = {
                "fmt": MARKERS[rank % len(MARKERS)], "color": CYCLE[rank % len(CYCLE)], "markersize": 3.2,
                "elinewidth": 0.8,
            }  # fmt: skip
            label = str(table["particle"].values[row])
            for axes, name, at in ((upper, "width", minutes), (lower, "velocity", middle)):
                value, std = (1e3 * np.asarray(table[n].values[row], dtype=float) for n in (name, f"{name}_std"))
                axes.errorbar(at, value, yerr=std, label=label if axes is upper else None, **look)
        for axes in (upper, lower):
            _shade(axes, table, minutes)
        zero_line(lower)
        upper.set(ylabel="width / nm")
        upper.set_ylim(bottom=0)
        lower.set(ylabel="velocity along\nthe normal / (nm/h)", xlabel="time / min")
        note(lower, "above zero: the rich side grows", where="upper right")
        legend_beside(figure, *upper.get_legend_handles_labels())
        return to_bytes(figure, options)


def _shade(axes: Any, table: xr.Dataset, minutes: np.ndarray) -> None:
    """Colour the background by the direction of the half cycles."""
    of_frame = np.asarray(table["time_half_cycle"].values)
    for number, direction in zip(table["half_cycle"].values, table["direction"].values, strict=True):
        here = minutes[of_frame == number]
        if here.size:
            axes.axvspan(here.min(), here.max(), color=DIRECTION_COLOURS[int(direction)], alpha=0.08, linewidth=0)


def pathway_shares(
    diagram: xr.Dataset,
    *,
    active: xr.Dataset | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the share of particles on every pathway against rate (Lim 2016, Fig. 3F, with counts).

    Parameters
    ----------
    diagram : PathwayDiagram
        Counts by C-rate and direction.
    active : Pooled, optional
        Share of active particles near half charge, by C-rate and direction.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. A column per C-rate, from phase separation below to uniform above; in brackets the number of
        particles with a verdict (and, after a plus sign, without). Bars on the uniform share are its 95 % range.

    Raises
    ------
    AnalysisError
        If no particle has a verdict.
    """
    check(diagram, "pathway_diagram")
    need(diagram, "share", "particle_count")
    if not (diagram["particle_count"].values > 0).any():
        raise AnalysisError("no particle has a verdict", field="particle_count", value=0, limit="one particle")
    ways = [way for way in (1, -1, 0) if (diagram["direction"].values == way).any()]
    columns = [int((diagram["direction"].values == way).sum()) for way in ways]
    panels = len(ways) + (active is not None)
    with style(options):
        figure = empty_figure(options, 1.0, 0.4)
        ratios = [max(1.5, count) for count in columns] + ([3.0] if active is not None else [])
        grid = figure.subplots(1, panels, width_ratios=ratios, squeeze=False)[0]
        for axes, way in zip(grid, ways, strict=False):
            _columns(axes, diagram.isel(group=np.flatnonzero(diagram["direction"].values == way)), way)
        for axes in grid[1 : len(ways)]:
            axes.set_yticklabels([])
        grid[0].set(ylabel="share of the particles")
        if active is not None:
            _active(grid[-1], active)
        _pathway_legend(figure)
        return to_bytes(figure, options)


def _columns(axes: Any, groups: xr.Dataset, direction: int) -> None:
    share = np.nan_to_num(np.asarray(groups["share"].values, dtype=float))
    low, high = (np.asarray(groups[n].values, dtype=float) for n in ("share_low", "share_high"))
    place = np.arange(len(share))
    base = np.zeros(len(share))
    names = [str(name) for name in groups["pathway_name"].values]
    for k, name in enumerate(names):
        axes.bar(place, share[:, k], bottom=base, width=0.7, color=PATHWAY_COLOURS.get(name, MUTED))
        base += share[:, k]
    last = len(names) - 1
    known = groups["particle_count"].values > 0
    # The uniform share is counted from the top, so its range is too.
    bars = np.clip([high[:, last] - share[:, last], share[:, last] - low[:, last]], 0, None)[:, known]
    axes.errorbar(place[known], 1 - share[known, last], yerr=bars, fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)
    for k in place.tolist():
        waiting = float(groups["undecided_count"].values[k])
        text = f"({int(groups['particle_count'].values[k])}" + (f" + {waiting:g})" if waiting else ")")
        axes.annotate(
            text, (k, 1.0), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom", fontsize="x-small",
            color=MUTED,
        )  # fmt: skip
    rates = groups["c_rate"].values.tolist()
    axes.set(xlim=(-0.6, len(share) - 0.4), ylim=(0, 1.12), yticks=np.linspace(0, 1, 6), xticks=place)
    axes.set_xticklabels(["at rest" if direction == 0 else c_rate_text(rate) for rate in rates])
    axes.grid(visible=False, axis="x")
    axes.set_title("" if direction == 0 else DIRECTION_NAMES[direction], color=DIRECTION_COLOURS[direction])


def _active(axes: Any, active: xr.Dataset) -> None:
    value, low, high = (np.asarray(active[n].values, dtype=float) for n in ("value", "low", "high"))
    rate, way = active["c_rate"].values, active["direction"].values
    for direction in (1, -1):
        here = np.flatnonzero(way == direction)
        here = here[np.argsort(rate[here])]
        if here.size:
            bars = np.clip([value[here] - low[here], high[here] - value[here]], 0, None)
            # Apart, where both directions have the same rate.
            points(axes, rate[here] * (1 + 0.04 * direction), value[here], direction=direction, y_std=bars, line="-")
    rate_axis(axes, rate.tolist())
    axes.set(ylim=(0, 1.12), yticks=np.linspace(0, 1, 6), ylabel="share of active particles")
    direction_legend(axes, way.tolist(), loc="lower left", line="-")


def _pathway_legend(figure: Any) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in reversed(PATHWAY_COLOURS.items())]
    legend_above(figure, handles=handles, ncols=3, columnspacing=1.4, handlelength=1.2)


def shape_misfits(
    shapes: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw how well an ellipse and a polygon along the facets fit every fast domain, and the shapes against rate.

    Parameters
    ----------
    shapes : DomainShape
        The fitted shapes.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Left: misfits of both; above the diagonal the ellipse is the better one. Right: numbers of
        domains by verdict, for every C-rate (or direction, where no C-rate is known).

    Raises
    ------
    AnalysisError
        If no domain was large enough for a fit.
    """
    check(shapes, "domain_shape")
    need_values(shapes, "ellipse_misfit")
    with style(options):
        columns = columns_of(options.width, 2, least=2.4)
        figure = empty_figure(options, 1.0, 0.42, lines=3 - columns)
        left, right = figure.subplots(3 - columns, columns, squeeze=False).ravel()
        across, up = (1e3 * np.asarray(shapes[f"{n}_misfit"].values, dtype=float) for n in ("ellipse", "facet"))
        verdict = np.asarray(shapes["verdict"].values, dtype=str)
        for name, (colour, marker) in _VERDICTS.items():
            here = (verdict == name) & np.isfinite(across)
            if here.any():
                shade = MUTED if colour is None else CYCLE[colour]
                left.plot(across[here], up[here], marker, color=shade, markersize=4, label=name)
        known = np.concatenate([across[np.isfinite(across)], up[np.isfinite(up)]])
        ends = [0.6 * max(float(known.min()), 0.1), 1.6 * float(known.max())]
        left.plot(ends, ends, color=MUTED, linewidth=0.8, zorder=0)
        left.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
        left.set(xlabel="misfit of the best ellipse / nm", ylabel="misfit of the best polygon\nalong the facets / nm")
        note(left, "the ellipse is better", where="upper left")
        note(left, "the polygon is better")
        _verdict_counts(right, shapes, verdict)
        legend_above(figure, *_handles(left, right), ncols=len(_VERDICTS), columnspacing=1.4)
        return to_bytes(figure, options)


def _handles(*panels: Any) -> tuple[list[Any], list[str]]:
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(text, handle)
    return list(found.values()), list(found)


def _verdict_counts(axes: Any, shapes: xr.Dataset, verdict: np.ndarray) -> None:
    way = np.asarray(shapes["direction"].values, dtype=int)
    rate = np.full(way.size, np.nan)
    if "applied_c_rate" in shapes.coords:
        rate = np.asarray(shapes["applied_c_rate"].values, dtype=float)
    words = [
        f"{c_rate_text(one)}\n{DIRECTION_NAMES[int(d)]}" if np.isfinite(one) else DIRECTION_NAMES[int(d)]
        for one, d in zip(rate, way, strict=True)
    ]
    order = sorted(set(zip(way.tolist(), np.nan_to_num(rate, nan=-1).tolist(), words, strict=True)),
                   key=lambda one: (-one[0], one[1]))  # fmt: skip
    base = np.zeros(len(order))
    for name, (colour, _) in _VERDICTS.items():
        count = np.array([sum((v == name) & (w == text) for v, w in zip(verdict, words, strict=True))
                          for _, _, text in order], dtype=float)  # fmt: skip
        if count.any():
            shade = MUTED if colour is None else CYCLE[colour]
            axes.bar(np.arange(len(order)), count, bottom=base, width=0.6, color=shade, label=name)
        base += count
    axes.set(xticks=np.arange(len(order)), ylabel="number of domains", xlim=(-0.6, len(order) - 0.4))
    axes.set_xticklabels([text for _, _, text in order])
    axes.grid(visible=False, axis="x")
    axes.yaxis.get_major_locator().set_params(integer=True)
