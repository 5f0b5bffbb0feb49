"""Channels along a crystal axis: their currents and surfaces, surface against inside, and cuts along lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.fitting import columns_of, empty_figure, legend_above
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    DIRECTION_NAMES,
    finite_std,
    need,
    need_values,
    note,
    readable,
    second_axis,
)
from lithiscope.report.population import Group, groups_of, rate_points
from lithiscope.report.rates import interval_text
from lithiscope.report.style import CYCLE, DIRECTION_COLOURS, INK, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_MOST_PANELS = 6
_CURRENT, _SURFACE = CYCLE[0], CYCLE[1]


def channel_profiles(
    channels: xr.Dataset,
    *,
    particle: str | None = None,
    intervals: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(columns=3),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the current of every channel and the composition of its ends against its position (Koo 2023, Fig. 4a).

    Parameters
    ----------
    channels : ChannelTable
        With ``current_density``, ``surface_lithium_fraction`` and ``position``.
    particle : str, optional
        Which particle; by default the first.
    intervals : sequence of int, optional
        Which to draw; by default those with a current, thinned evenly to six.
    options : FigureOptions
        Format, size, columns.

    Returns
    -------
    bytes
        PNG, SVG or PDF: |j| whole and blue with its band of one standard deviation, x dotted and orange.

    Raises
    ------
    AnalysisError
        If particle or interval do not exist.
    """
    check(channels, "channel_table")
    need(channels, "current_density", "surface_lithium_fraction", "position")
    one = _of_particle(channels, particle)
    chosen = _chosen_intervals(one, intervals)
    factor, unit = readable(one["current_density"].values[chosen], "A/m²")
    top = 1.15 * factor * float(np.nanmax(np.abs(one["current_density"].values[chosen])))
    columns = columns_of(options.width, min(len(chosen), options.columns), least=1.45)
    lines = -(-len(chosen) // columns)
    with style(options):
        figure = empty_figure(options, 1.0, 0.26, lines=lines, more=0.55)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for place, k in enumerate(chosen):
            axes = grid.flat[place]
            other = _profile_panel(axes, one, k, factor)
            axes.set_ylim(-0.05 / 1.12 * top, top)
            if place % columns < columns - 1 and place < len(chosen) - 1:
                other.tick_params(labelright=False)
        for axes in grid.flat[len(chosen) :]:
            axes.set_visible(False)
        figure.supxlabel("position across the channels / µm", fontsize=options.font_size)
        figure.supylabel(f"|j| of the channel / ({unit})", fontsize=options.font_size, color=_CURRENT)
        _profile_legend(figure, one)
        return to_bytes(figure, options)


def _of_particle(channels: xr.Dataset, particle: str | None) -> xr.Dataset:
    if "particle" not in channels.coords:
        return channels
    names = [str(name) for name in channels["particle"].values]
    wanted = names[0] if particle is None and names else particle
    if wanted not in names:
        raise AnalysisError(
            "there is no such particle", field="particle", value=particle, limit=", ".join(sorted(set(names)))
        )
    return channels.isel(channel=[k for k, name in enumerate(names) if name == wanted])


def _chosen_intervals(one: xr.Dataset, intervals: Sequence[int] | None) -> list[int]:
    count = one.sizes["interval"]
    if intervals is not None:
        wanted = [int(k) for k in intervals]
        if not wanted or min(wanted) < 0 or max(wanted) >= count:
            raise AnalysisError(
                "an interval asked for does not exist", field="intervals", value=wanted, limit=f"0 to {count - 1}"
            )
        return wanted
    held = np.isfinite(one["current_density"].values).any(axis=1)
    if "direction" in one.coords and np.any(one["direction"].values):
        held &= one["direction"].values != 0
    if not held.any():
        raise AnalysisError(
            "no interval has a current", field="current_density", value=count, limit="one trusted value"
        )
    kept = np.flatnonzero(held)
    return [int(kept[k]) for k in readings.thinned(kept.size, _MOST_PANELS)]


def _profile_panel(axes: Any, one: xr.Dataset, k: int, factor: float) -> Any:
    order = np.argsort(one["position"].values)
    position = np.asarray(one["position"].values, dtype=float)[order]
    current = factor * np.abs(np.asarray(one["current_density"].values[k], dtype=float))[order]
    surface = np.asarray(one["surface_lithium_fraction"].values[k], dtype=float)[order]
    other = second_axis(axes, "")
    for panel, values, name, scale, colour, line in (
        (axes, current, "current_density", factor, _CURRENT, "-"),
        (other, surface, "surface_lithium_fraction", 1.0, _SURFACE, ":"),
    ):
        std = finite_std(one, name)
        if std is not None:
            width = scale * std[k][order]
            panel.fill_between(position, values - width, values + width, color=colour, alpha=0.18, linewidth=0)
        panel.plot(position, values, line, color=colour, linewidth=1.2, marker="o", markersize=1.8)
    other.set(ylim=(-0.05, 1.12), yticks=[0, 0.5, 1])
    other.tick_params(labelcolor=_SURFACE)
    axes.tick_params(axis="y", labelcolor=_CURRENT)
    axes.set_title(interval_text(one, k))
    axes.set_title(readings.direction_text(one, k), loc="right", fontweight="normal", fontsize="small", color=MUTED)
    return other


def _profile_legend(figure: Any, one: xr.Dataset) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_CURRENT, label="|j| of the channel (left)"),
        Line2D([], [], color=_SURFACE, linestyle=":", label="x of its end pixels (right)"),
    ]
    name = str(one["particle"].values[0]) if "particle" in one.coords and one.sizes["channel"] else None
    title = f"{name}: {one.sizes['channel']} channels" if name else None
    legend_above(figure, handles=handles, ncols=2, title=title)


def channel_courses(
    cuts: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(columns=4),  # noqa: B008 (frozen)
) -> bytes:
    """Draw x along the channels, from face to face, in every frame: the mean over the channels of each particle.

    This is what the diagnosis of the limiting step rests on.

    Parameters
    ----------
    cuts : LineCuts
        Lines from face to face with the particle of every sample.
    options : FigureOptions
        Format, size; at most ``columns`` half cycles and four particles are drawn.

    Returns
    -------
    bytes
        PNG, SVG or PDF: one row per particle, one column per half cycle. Curves darken with time; bands are one
        standard error of the mean over the channels, from the noise.

    Raises
    ------
    AnalysisError
        If no sample has a value.
    """
    check(cuts, "line_cuts")
    need_values(cuts, "lithium_fraction", "distance")
    need(cuts, "particle", "line")
    names = [str(name) for name in dict.fromkeys(cuts["particle"].values)][:_MOST_PARTICLES]
    runs = _frame_runs(cuts, columns_of(options.width, options.columns, least=1.2))
    with style(options):
        figure = empty_figure(options, max(len(runs), 2) / max(len(runs), 3), 0.25, lines=len(names), more=0.35)
        grid = figure.subplots(len(names), len(runs), sharex="row", sharey=True, squeeze=False)
        for row, name in enumerate(names):
            one = cuts.isel(sample=np.flatnonzero(cuts["particle"].values == name))
            for column, (frames, direction) in enumerate(runs):
                _course_panel(grid[row, column], one, frames, direction)
                if row == 0:
                    grid[row, column].set_title(DIRECTION_NAMES[direction], fontweight="normal")
            count = len(np.unique(one["line"].values))
            grid[row, 0].set_ylabel(f"{name}, {count} channels\nlithium fraction x", parse_math=False)
        for axes in grid[-1]:
            axes.set_xlabel("along the channel / nm")
        return to_bytes(figure, options)


_MOST_PARTICLES = 4


def _course_panel(axes: Any, one: xr.Dataset, frames: Any, direction: int) -> None:
    step, share = _places(one)
    number = round(float(np.median(np.unique(one["line"].values, return_counts=True)[1])))
    bins = np.clip((share * number).astype(int), 0, number - 1)
    place = (np.arange(number) + 0.5) * step
    x = np.asarray(one["lithium_fraction"].values, dtype=float)
    std = finite_std(one, "lithium_fraction")
    for rank, frame in enumerate(frames.tolist()):
        strength = 0.25 + 0.75 * rank / max(len(frames) - 1, 1)
        known = np.isfinite(x[frame])
        count = np.maximum(np.bincount(bins[known], minlength=number), 1e-9)
        mean = np.where(count >= 1, np.bincount(bins[known], x[frame][known], number) / count, np.nan)
        colour = DIRECTION_COLOURS[direction]
        axes.plot(place, mean, color=colour, alpha=strength, linewidth=1.0, marker="o", markersize=1.6)
        if std is not None:
            error = np.sqrt(np.bincount(bins[known], std[frame][known] ** 2, number)) / count
            axes.fill_between(place, mean - error, mean + error, color=colour, alpha=0.15, linewidth=0)
    time = readings.minutes(one)
    note(axes, f"{time[frames[0]]:.0f} (light) to {time[frames[-1]]:.0f} min", where="upper right")
    axes.set(ylim=(-0.12, 1.2), yticks=[0, 0.5, 1], xlim=(0, number * step))


def _places(one: xr.Dataset) -> tuple[float, Floats]:
    """Return the length of a pixel along the channels (nm), and where in its channel every sample lies, 0 to 1."""
    distance = 1e3 * np.asarray(one["distance"].values, dtype=float)
    _, number = np.unique(one["line"].values, return_inverse=True)
    farthest = np.zeros(number.max() + 1)
    np.maximum.at(farthest, number, distance)
    step = float(np.median(distance[1:][np.diff(number) == 0] - distance[:-1][np.diff(number) == 0]))
    return step, distance / (farthest[number] + step / 2)


_SURFACE_NAMES = ("surface_lithium_fraction", "internal_lithium_fraction", "active_fraction", "transformed_fraction")


def surface_against_rate(
    data: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    half_cycles: xr.Dataset | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw surface and internal x, and the active and transformed share of the surface, against C-rate.

    The layout is that of Koo 2023, Fig. 5b and c.

    Parameters
    ----------
    data : SurfaceTable, or mapping of str to Pooled
        A study's table, whose particles are averaged; or pooled stages by the names of its variables.
    half_cycles : HalfCycles, optional
        Gives the C-rates of a study's half cycles.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Filled points are the surface (left) and the active share (right), hollow ones the inside and
        the transformed share. Bars are one standard error; the number of particles stands in brackets.

    Raises
    ------
    AnalysisError
        If nothing can be drawn or no C-rate is known.
    """
    groups = _surface_groups(data, half_cycles)
    soc = getattr(data, "attrs", {}).get("state_of_charge")
    with style(options):
        columns = columns_of(options.width, 2, least=2.4)
        figure = empty_figure(options, 1.0, 0.42 if columns == 2 else 0.6, lines=3 - columns)
        left, right = figure.subplots(3 - columns, columns, squeeze=False).ravel()
        for axes, names, text in (
            (left, _SURFACE_NAMES[:2], "mean lithium fraction"),
            (right, _SURFACE_NAMES[2:], "share of the surface pixels"),
        ):
            for name in names:
                if groups[name]:
                    whole = name == names[0]
                    rate_points(axes, groups[name], field=name, filled=whole, line="-" if whole else "--", counts=whole)
            axes.set(ylim=(-0.03, 1.1), yticks=np.linspace(0, 1, 6), ylabel=text)
        _surface_legend(figure, [*groups[_SURFACE_NAMES[0]], *groups[_SURFACE_NAMES[2]]])
        if soc is not None:
            left.set_title(f"at a mean x of {soc}", fontweight="normal", fontsize="small")
        return to_bytes(figure, options)


def _surface_groups(
    data: xr.Dataset | Mapping[str, xr.Dataset], half_cycles: xr.Dataset | None
) -> dict[str, list[Group]]:
    import xarray as xr

    stages: Mapping[str, xr.Dataset]
    if isinstance(data, xr.Dataset):
        check(data, "surface_table")
        stages = {name: data for name in _SURFACE_NAMES if name in data}
    else:
        stages = {name: check(data[name], "pooled") for name in _SURFACE_NAMES if name in data}
    if not stages:
        raise AnalysisError("there is nothing to draw", field="data", limit=", ".join(_SURFACE_NAMES))
    found: dict[str, list[Group]] = {name: [] for name in _SURFACE_NAMES}
    return found | {name: groups_of(stage, name, half_cycles=half_cycles) for name, stage in stages.items()}


def _surface_legend(figure: Any, groups: list[Group]) -> None:
    from matplotlib.lines import Line2D

    present = [way for way in (1, -1) if any(group.direction == way for group in groups)]
    handles: list[Any] = [
        Line2D([], [], color=DIRECTION_COLOURS[w], linewidth=3, label=DIRECTION_NAMES[w]) for w in present
    ]
    for words, fill, line in (("surface, active", "full", "-"), ("inside, transformed", "none", "--")):
        handles.append(
            Line2D([], [], color=INK, marker="o", markersize=3.6, fillstyle=fill, linestyle=line, label=words)
        )
    legend_above(figure, handles=handles)


def line_cut_curves(
    cuts: xr.Dataset,
    *,
    lines: Sequence[str] | None = None,
    options: FigureOptions = FigureOptions(columns=4),  # noqa: B008 (frozen)
) -> bytes:
    """Draw x along the same line in every frame: one row per line, one column per half cycle (Lim 2016, Fig. 3A).

    Parameters
    ----------
    cuts : LineCuts
        With ``lithium_fraction`` (time, sample) and the distance of every sample from the start of its line.
    lines : sequence of str, optional
        Names of lines; by default all, at most four.
    options : FigureOptions
        Format, size; at most ``columns`` half cycles are drawn.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Curves darken with time; the bar at the right edge is one standard deviation of a point.

    Raises
    ------
    AnalysisError
        If there is no such line.
    """
    check(cuts, "line_cuts")
    need_values(cuts, "lithium_fraction", "distance")
    names = np.asarray(cuts["line"].values).astype(str) if "line" in cuts.coords else np.full(cuts.sizes["sample"], "")
    known = list(dict.fromkeys(names.tolist()))
    unknown = sorted(set(lines or ()) - set(known))
    if unknown:
        raise AnalysisError("there is no such line", field="lines", value=unknown, limit=", ".join(known))
    drawn = list(lines) if lines else known[:4]
    runs = _frame_runs(cuts, columns_of(options.width, options.columns, least=1.2))
    with style(options):
        figure = empty_figure(options, max(len(runs), 2) / max(len(runs), 3), 0.25, lines=len(drawn), more=0.35)
        grid = figure.subplots(len(drawn), len(runs), sharex="row", sharey=True, squeeze=False)
        for row, name in enumerate(drawn):
            for column, (frames, direction) in enumerate(runs):
                _cut_panel(grid[row, column], cuts, names == name, frames, direction)
                if row == 0:
                    grid[row, column].set_title(DIRECTION_NAMES[direction], fontweight="normal")
            grid[row, 0].set_ylabel(f"{name}\nlithium fraction x" if name else "lithium fraction x")
        for axes in grid[-1]:
            axes.set_xlabel("distance / µm")
        return to_bytes(figure, options)


def _frame_runs(cuts: xr.Dataset, most: int) -> list[tuple[Any, int]]:
    """Return the frames and direction of every half cycle, thinned evenly to `most`."""
    half = np.asarray(cuts["half_cycle"].values) if "half_cycle" in cuts.coords else np.zeros(cuts.sizes["time"], int)
    way = np.asarray(cuts["direction"].values) if "direction" in cuts.coords else np.zeros(cuts.sizes["time"], int)
    runs = [np.flatnonzero(half == n) for n in np.unique(half[half >= 0])] or [np.arange(cuts.sizes["time"])]
    return [(runs[k], int(way[runs[k][0]])) for k in readings.thinned(len(runs), most)]


def _cut_panel(axes: Any, cuts: xr.Dataset, here: NDArray[np.bool_], frames: Any, direction: int) -> None:
    distance = np.asarray(cuts["distance"].values, dtype=float)[here]
    x = np.asarray(cuts["lithium_fraction"].values, dtype=float)[:, here]
    for rank, frame in enumerate(frames.tolist()):
        strength = 0.25 + 0.75 * rank / max(len(frames) - 1, 1)
        axes.plot(distance, x[frame], color=DIRECTION_COLOURS[direction], alpha=strength, linewidth=1.0)
    if "lithium_fraction_std" in cuts:
        errors = np.asarray(cuts["lithium_fraction_std"].values, dtype=float)[:, here]
        std = float(np.median(errors[np.isfinite(errors)])) if np.isfinite(errors).any() else 0.0
        axes.errorbar([1.03], [0.5], yerr=[std], color=INK, elinewidth=1, capsize=2, fmt="none",
                      transform=axes.get_yaxis_transform(), clip_on=False)  # fmt: skip
    time = readings.minutes(cuts)
    note(axes, f"{time[frames[0]]:.0f} (light) to {time[frames[-1]]:.0f} min", where="upper right")
    axes.set(ylim=(-0.12, 1.2), yticks=[0, 0.5, 1])
