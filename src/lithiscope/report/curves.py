"""Curves: particles in time, shifts of the frames, incident counts, and the distribution of chi-square."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.fitting import columns_of, empty_figure, legend_above
from lithiscope.report.options import FigureOptions
from lithiscope.report.style import CYCLE, FAINT, INK, MUTED, WARN, style, to_bytes
from lithiscope.stages import check, each_frame, fatal_mask

if TYPE_CHECKING:
    import xarray as xr

_X = "lithium_fraction"


def particle_curves(
    table: xr.Dataset,
    *,
    particles: Sequence[str] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw mean x against time, one panel per particle, with the three scopes of its uncertainty apart.

    Error bar: random, one sigma. Dark band: the error common to a frame. Light band: named systematic causes, added in
    quadrature. Frames without a trusted mean are crosses on the axis.

    Parameters
    ----------
    table : ParticleTable
        Means, with the scopes of uncertainty that it carries.
    particles : sequence of str, optional
        Which to draw; by default all that are not excluded, thinned evenly to ``options.max_frames`` panels.
    options : FigureOptions
        Format, size, columns.

    Returns
    -------
    bytes
        PNG or SVG.

    Raises
    ------
    AnalysisError
        If there is no such particle.
    """
    check(table, "particle_table")
    rows = _chosen_particles(table, particles, options.max_frames)
    columns = columns_of(options.width, min(len(rows), max(1, options.columns - 2)), least=1.9)
    lines = math.ceil(len(rows) / columns)
    with style(options):
        figure = empty_figure(options, 1.0, 0.25, lines=lines, more=0.55)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, row in zip(grid.flat, rows, strict=False):
            _particle_panel(axes, table, row)
        for axes in grid.flat[len(rows) :]:
            axes.set_visible(False)
        for column in range(columns):
            last = max(line for line in range(lines) if line * columns + column < len(rows))
            grid[last, column].set_xlabel("time / min")
            grid[last, column].tick_params(labelbottom=True)
        figure.supylabel("mean lithium fraction x", fontsize=options.font_size)
        _scope_legend(figure, table)
        return to_bytes(figure, options)


def _chosen_particles(table: xr.Dataset, particles: Sequence[str] | None, most: int) -> list[int]:
    names = [str(name) for name in table["particle"].values]
    if particles is not None:
        unknown = [name for name in particles if name not in names]
        if unknown:
            raise AnalysisError("there is no such particle", field="particles", value=unknown, limit=", ".join(names))
        return [names.index(name) for name in particles]
    excluded = table["excluded"].values if "excluded" in table else np.zeros(len(names), dtype=bool)
    kept = np.flatnonzero(~np.asarray(excluded, dtype=bool))
    if kept.size == 0:
        raise AnalysisError(
            "there is no particle to draw", field="particle", value=len(names), limit="one not excluded"
        )
    return [int(kept[index]) for index in readings.thinned(kept.size, most)]


def _particle_panel(axes: Any, table: xr.Dataset, row: int) -> None:
    time = readings.minutes(table)
    mean = np.asarray(table[_X].values[row], dtype=float)
    colour = CYCLE[row % len(CYCLE)]
    systematic, frame, random = _scopes(table, row)
    for width, alpha in ((systematic, 0.16), (frame, 0.34)):
        if width is not None:
            axes.fill_between(time, mean - width, mean + width, color=colour, alpha=alpha, linewidth=0)
    axes.plot(time, mean, color=colour, linewidth=0.9)
    axes.errorbar(time, mean, yerr=random, fmt="o", markersize=2.6, color=colour, elinewidth=0.9, capsize=1.6)
    lost = ~np.isfinite(mean)
    axes.plot(time[lost], np.zeros(lost.sum()), "x", color=WARN, markersize=4, zorder=4)
    axes.set_title(str(table["particle"].values[row]), parse_math=False)
    medians = [float(np.nanmedian(width)) for width in (random, frame, systematic) if _has_number(width)]
    if medians:
        axes.set_title("σ  " + " · ".join(f"{m:.3f}" for m in medians), loc="right", fontweight="normal", color=MUTED,
                       fontsize="x-small")  # fmt: skip
    axes.set(ylim=(-0.12, 1.12), yticks=[0, 0.25, 0.5, 0.75, 1])
    _shade_delithiation(axes, table)


def _has_number(values: Any) -> bool:
    return values is not None and bool(np.isfinite(values).any())


def _scopes(table: xr.Dataset, row: int) -> tuple[Any, Any, Any]:
    """Return one sigma of systematic, frame and random scope over time; None where the table lacks one."""
    systematic = None
    if f"{_X}_shift" in table:
        systematic = np.sqrt((np.asarray(table[f"{_X}_shift"].values[:, row], dtype=float) ** 2).sum(axis=0))
    frame = table[f"{_X}_frame_std"].values if f"{_X}_frame_std" in table else None
    random = table[f"{_X}_std"].values[row] if f"{_X}_std" in table else None
    return systematic, frame, random


def _shade_delithiation(axes: Any, data: xr.Dataset) -> None:
    time = readings.minutes(data)
    step = np.diff(time).mean() / 2 if time.size > 1 else 0.5
    for first, last, name in readings.half_cycles(data):
        left, right = time[first] - step, time[last] + step
        if name == "delithiation":
            axes.axvspan(left, right, color=FAINT, alpha=0.45, linewidth=0, zorder=0)
        text = axes.annotate(
            name, ((left + right) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, -2),
            textcoords="offset points", ha="center", va="top", fontsize="x-small", color=MUTED,
        )  # fmt: skip
        text.set_in_layout(False)  # it lies inside the axes; the layout must not make room for it


def _scope_legend(figure: Any, table: xr.Dataset) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    if f"{_X}_std" in table:
        handles.append(Line2D([], [], color=MUTED, marker="o", markersize=2.6, linewidth=0.9, label="random, 1 σ"))
    if f"{_X}_frame_std" in table:
        handles.append(Patch(color=MUTED, alpha=0.5, linewidth=0, label="common to a frame, 1 σ"))
    if f"{_X}_shift" in table:
        handles.append(Patch(color=MUTED, alpha=0.22, linewidth=0, label="systematic, 1 σ"))
    if np.isnan(table[_X].values).any():
        handles.append(Line2D([], [], color=WARN, marker="x", markersize=4, linestyle="", label="no trusted value"))
    if handles:
        legend_above(figure, handles=handles)


def shift_curves(
    alignment: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the drift of the frames and, where it is known, of the energies within a scan, with one-sigma bars, in nm.

    The third panel, where present, is the drift that is left after alignment (leakage). Frames that could not be
    aligned are crosses.

    Parameters
    ----------
    alignment : Alignment
        Shifts (time, [energy], axis) with their standard deviation.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG or SVG.
    """
    check(alignment, "alignment")
    with_time = alignment.sizes.get("time", 1) > 1
    with_energy = alignment.sizes.get("energy", 1) > 1
    panels = [
        *(["time"] if with_time or not with_energy else []),
        *(["energy"] if with_energy else []),
        *(["leakage"] if "drift_leakage" in alignment else []),
    ]
    with style(options):
        columns = columns_of(options.width, len(panels), least=2.2)
        lines = math.ceil(len(panels) / columns)
        figure = empty_figure(options, 1.0, 1 / 3, lines=lines)
        grid = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes, what in zip(grid, panels, strict=False):
            {"time": _drift_panel, "energy": _energy_panel, "leakage": _leakage_panel}[what](axes, alignment)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        handles, texts = grid[0].get_legend_handles_labels()
        legend_above(figure, handles, texts, side="right")
        return to_bytes(figure, options)


def track_curves(
    tracks: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw how far the centre of each particle lies from its median place, along y and x, with one-sigma bars, in nm.

    Parameters
    ----------
    tracks : ParticleTracks
        Centres (particle, time, axis) with their standard deviation; at most ``options.max_frames`` particles, thinned
        evenly, are drawn.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG or SVG.
    """
    check(tracks, "particle_tracks")
    chosen = readings.thinned(tracks.sizes["particle"], options.max_frames)
    some = tracks.isel(particle=chosen)
    place = 1e3 * some["centroid"].transpose("particle", "time", "axis").values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a particle without any place has no median either
        away = place - np.nanmedian(place, axis=1, keepdims=True)
    std = np.zeros_like(away)
    if "centroid_std" in some:
        std = 1e3 * some["centroid_std"].transpose("particle", "time", "axis").values
    time, axes_names = readings.minutes(some), [str(name) for name in some["axis"].values]
    with style(options):
        figure = empty_figure(options, 1.0, 1 / 3, lines=1)
        grid = figure.subplots(1, len(axes_names), sharey=True, squeeze=False).ravel()
        for k, (axes, name) in enumerate(zip(grid, axes_names, strict=True)):
            axes.axhline(0, color=FAINT, linewidth=0.8)
            for row, particle in enumerate(some["particle"].values):
                axes.errorbar(
                    time, away[row, :, k], yerr=std[row, :, k], fmt="o-", markersize=2.4, linewidth=0.8,
                    elinewidth=0.8, capsize=1.4, color=CYCLE[row % len(CYCLE)], label=str(particle),
                )  # fmt: skip
            axes.set(xlabel="time / min", title=f"Centre along {name}")
        grid[0].set_ylabel("from its median place / nm")
        handles, texts = grid[0].get_legend_handles_labels()
        if len(handles) <= len(CYCLE):
            legend_above(figure, handles, texts, side="right")
        return to_bytes(figure, options)


def _nanometres(alignment: xr.Dataset, name: str) -> Any:
    return 1e3 * alignment[name].transpose("time", ..., "axis")


def _drift_panel(axes: Any, alignment: xr.Dataset) -> None:
    time = readings.minutes(alignment)
    shift, std = (_nanometres(alignment, name) for name in ("shift", "shift_std"))
    if "energy" in shift.dims:
        std = np.sqrt((std**2).sum("energy")) / shift.sizes["energy"]
        shift = shift.mean("energy")
    for k, axis in enumerate(alignment["axis"].values):
        axes.errorbar(
            time, shift.values[:, k], yerr=std.values[:, k], fmt="o-", markersize=2.6, linewidth=0.9, elinewidth=0.9,
            capsize=1.6, color=CYCLE[k], label=str(axis),
        )  # fmt: skip
    flag = alignment["alignment_flag"]
    lost = fatal_mask(flag.values).reshape(time.size, -1).any(axis=1)
    if lost.any():
        axes.plot(
            time[lost], np.full(lost.sum(), 0.03), "x", color=WARN, markersize=4, label="not aligned",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    axes.set(xlabel="time / min", ylabel="shift / nm", title="Drift between scans")


def _energy_panel(axes: Any, alignment: xr.Dataset) -> None:
    energy = np.asarray(alignment["energy"].values, dtype=float)
    shift = _nanometres(alignment, "shift")
    inside = (shift - shift.mean("energy")).values
    std = _nanometres(alignment, "shift_std").values
    offset = 0.012 * (np.ptp(energy) or 1.0)
    for k, axis in enumerate(alignment["axis"].values):
        across = energy + (2 * k - 1) * offset
        axes.plot(np.tile(across, len(inside)), inside[..., k].ravel(), "o", markersize=1.8, color=CYCLE[k], alpha=0.3)
        count = np.maximum(np.isfinite(inside[..., k]).sum(axis=0), 1)
        error = np.sqrt(np.nansum(std[..., k] ** 2, axis=0)) / count
        axes.errorbar(
            across, readings.time_mean(inside[..., k]), yerr=error, fmt="_", markersize=7, elinewidth=0.9,
            color=CYCLE[k], label=str(axis),
        )  # fmt: skip
    axes.axhline(0, color=MUTED, linewidth=0.6, zorder=0)
    axes.set(xlabel="photon energy / eV", ylabel="from the scan's mean / nm", title="Within a scan")
    if energy.size <= 6:
        axes.set_xticks(energy)


def _leakage_panel(axes: Any, alignment: xr.Dataset) -> None:
    time = readings.minutes(alignment)
    leakage = _nanometres(alignment, "drift_leakage")
    if "energy" in leakage.dims:
        leakage = np.sqrt((leakage**2).mean("energy"))
    for k, axis in enumerate(alignment["axis"].values):
        axes.plot(time, leakage.values[:, k], "o-", markersize=2.6, linewidth=0.9, color=CYCLE[k], label=str(axis))
    axes.axhline(0, color=MUTED, linewidth=0.6)
    axes.set(xlabel="time / min", ylabel="drift left (rms) / nm", title="Left after alignment")


def incident_curves(
    od: xr.Dataset,
    *,
    others: xr.Dataset | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the incident counts I0: against time per energy, or against energy where there is one scan.

    Parameters
    ----------
    od : Frames(optical_density)
        With ``incident`` and ``incident_std`` (time, energy).
    others : Dataset, optional
        I0 found in several ways, ``incident`` (incident_method, time, energy): drawn in a second panel as the
        difference in optical density from the I0 that was used.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG or SVG.

    Raises
    ------
    AnalysisError
        If the stage holds no incident counts.
    """
    check(od, "frames")
    if "incident" not in od:
        raise AnalysisError("the stage holds no incident counts", field="incident", remedy="use optical_density(...)")
    incident = od["incident"].transpose("time", ...).values.reshape(od.sizes["time"], -1)
    std = od["incident_std"].values.reshape(incident.shape) if "incident_std" in od else np.zeros_like(incident)
    energy = _energies(od, incident.shape[1])
    with style(options):
        columns = 1 if others is None else columns_of(options.width, 2, least=2.4)
        lines = 1 if others is None else 3 - columns
        figure = empty_figure(options, 0.6 if others is None else 1.0, 1 / 3, lines=lines)
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        _incident_panel(panels[0], readings.minutes(od), energy, incident, std)
        if others is not None:
            _method_panel(panels[1], readings.minutes(od), energy, incident, others)
        return to_bytes(figure, options)


def _energies(od: xr.Dataset, count: int) -> Any:
    return np.asarray(od["energy"].values, dtype=float) if "energy" in od.coords else np.arange(count, dtype=float)


def _incident_panel(axes: Any, time: Any, energy: Any, incident: Any, std: Any) -> None:
    if time.size == 1:
        axes.errorbar(energy, incident[0], yerr=std[0], fmt="o-", markersize=2, color=CYCLE[0], elinewidth=0.8)
        axes.set(xlabel="photon energy / eV")
    else:
        chosen = readings.thinned(energy.size, 6)
        for k, index in enumerate(chosen.tolist()):
            axes.errorbar(
                time, incident[:, index], yerr=std[:, index], fmt="o-", markersize=2.4, linewidth=0.9, elinewidth=0.8,
                color=CYCLE[k], label=f"{energy[index]:.1f} eV",
            )  # fmt: skip
        axes.set(xlabel="time / min")
        axes.legend(loc="best", ncols=2)
    axes.margins(y=0.18)
    axes.set(ylabel="I₀ / counts per pixel", title="Incident counts used")


def _method_panel(axes: Any, time: Any, energy: Any, incident: Any, others: xr.Dataset) -> None:
    for k, method in enumerate(others["incident_method"].values):
        found = others["incident"].isel(incident_method=k).transpose("time", ...).values.reshape(incident.shape)
        difference = np.log(found / incident)
        across, values = (energy, difference[0]) if time.size == 1 else (time, difference.mean(axis=1))
        axes.plot(across, values, "o-", markersize=2.4, linewidth=0.9, color=CYCLE[k], label=str(method))
    axes.axhline(0, color=MUTED, linewidth=0.6)
    label = "photon energy / eV" if time.size == 1 else "time / min"
    axes.set(xlabel=label, ylabel="change of OD", title="Other ways to find I₀")
    axes.margins(y=0.25)
    axes.legend(loc="best")


def chi_square_histogram(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw how chi-square is distributed over the pixels of material, against what noise of the stated size gives.

    Raises
    ------
    AnalysisError
        If the video has no chi-square, or the fit has no degrees of freedom.
    """
    from scipy.stats import chi2

    values, freedom = chi_square_values(video, labels)
    top = float(max(chi2.ppf(0.9995, freedom), min(np.percentile(values, 99), 4 * chi2.ppf(0.999, freedom))))
    edges = np.linspace(0, top, 41)
    grid = np.linspace(top / 400, top, 400)
    beyond = float(np.mean(values > top))
    with style(options):
        figure = empty_figure(options, 0.5, 1 / 3)
        axes = figure.subplots()
        share = np.histogram(values, edges)[0] / values.size / np.diff(edges)
        axes.stairs(
            share, edges, fill=True, color=CYCLE[0], alpha=0.45, label=f"{values.size:,} values".replace(",", " ")
        )
        density = chi2.pdf(grid, freedom)
        axes.plot(grid, density, color=INK, linewidth=1.1, label=f"noise alone, {freedom} dof")
        axes.set(xlabel="χ²", ylabel="density", title="Chi-square of the fits", xlim=(0, top))
        axes.set_ylim(0, 1.25 * max(share.max(), chi2.pdf(max(freedom - 2, 0.5), freedom)))
        axes.legend(loc="upper right", title=f"{100 * beyond:.1f} % beyond the axis" if beyond >= 0.001 else None)
        return to_bytes(figure, options)


def chi_square_values(video: xr.Dataset, labels: xr.DataArray | None = None) -> tuple[Any, int]:
    """Return the chi-squares of the trusted pixels of material, 1-D, and the degrees of freedom of one fit.

    Raises
    ------
    AnalysisError
        If the video has none, or the fit has no degrees of freedom.
    """
    check(video, "composition_video")
    freedom = int(video.attrs.get("degrees_of_freedom", 0))
    if "chi_square" not in video or freedom < 1:
        raise AnalysisError(
            "there is no chi-square with degrees of freedom",
            field="attrs['degrees_of_freedom']",
            value=freedom,
            limit="at least 1",
            remedy="measure more energies than there are unknowns",
        )
    found = []
    pairs = zip(each_frame(video[str(video.attrs["signal"])]), each_frame(video["chi_square"]), strict=True)
    for frame, (signal, values) in enumerate(pairs):
        trusted = np.isfinite(signal) & np.isfinite(values) & readings.material(video, labels, frame)
        found.append(values[trusted].astype(float))
    chosen = np.concatenate(found)
    if chosen.size == 0:
        raise AnalysisError(
            "no pixel has a chi-square", field="chi_square", value=0, limit="at least one trusted pixel"
        )
    return chosen, freedom
