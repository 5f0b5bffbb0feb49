"""Exchange current density against composition: points with their errors, fitted laws, systematic bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.laws import exchange_law, exchange_law_names
from lithiscope.report.fitting import empty_figure, is_narrow, legend_beside
from lithiscope.report.options import FigureOptions
from lithiscope.report.plots import (
    composition_axis,
    finite_std,
    need_values,
    note,
    points,
    quadrature,
    readable,
    second_axis,
    with_error,
)
from lithiscope.report.readings import thinned
from lithiscope.report.style import CYCLE, FAINT, INK, MARKERS, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_FACE = "inactive_face"  # doubles j0 where one face does not react, so it is a second scale and not a band
_CAPACITY = "capacity"
# So many systematic causes are named beside the figure.
_CAUSES = 4
_BAND = 1.96  # standard deviations of a 95 % band
_NAMED = 8  # up to so many particles are named in the legend
_DASHES = ((4, 2), (1, 1.5), (6, 1.5, 1, 1.5), (2, 1))


def exchange_current(
    fit: xr.Dataset,
    *,
    capacity_ratio: float | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw j0 against x in the layout of Lim 2016, Fig. 4A.

    Parameters
    ----------
    fit : LawFit
        Points (hollow where they took no part in the fit), fitted laws, systematic shifts of the rate constant.
    capacity_ratio : float, optional
        Reached over theoretical capacity (150/170 in Lim 2016), by which x may be compressed from either end; the two
        shifted curves are dashed. By default ``attrs["capacity_ratio"]`` of the fit, if there.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Error bars are one standard deviation both ways, the dark band of the preferred law is 95 %,
        the light band adds the systematic shifts (one standard deviation, in quadrature). An inactive face doubles
        every value: the scale at the right.

    Raises
    ------
    StageError, AnalysisError
        If it is no fit, or holds no points.
    """
    check(fit, "law_fit")
    need_values(fit, "lithium_fraction", "exchange_current_density", "x_grid", "fit")
    ratio = capacity_ratio if capacity_ratio is not None else fit.attrs.get("capacity_ratio")
    factor, unit = readable(fit["exchange_current_density"].values, "A/m²")
    best = best_law(fit)
    with style(options):
        figure = empty_figure(options, 1.0, 0.5)
        axes = figure.subplots()
        _draw_laws(axes, fit, best, factor)
        if ratio is not None:
            _draw_capacity(axes, fit, best, factor, float(ratio))
        particles = _draw_points(axes, fit, factor)
        composition_axis(axes)
        axes.set(ylabel=f"exchange current density j₀ / ({unit})", ylim=_limits(fit, factor))
        used = np.asarray(fit["used"].values, bool) if "used" in fit else np.ones(fit.sizes["point"], bool)
        left_out = f"\n{int((~used).sum())} not fitted (hollow)" if not used.all() else ""
        note(axes, f"{particles} particles, {used.size} points{left_out}", where="upper right")
        _face_scale(axes, fit, best, unit)
        legend_beside(figure, alignment="left")
        return to_bytes(figure, options)


def best_law(fit: xr.Dataset) -> int:
    """Return the position of the preferred law, else of the law of the highest likelihood, else 0."""
    names = [str(name) for name in fit["law"].values]
    if fit.attrs.get("preferred") in names:
        return names.index(str(fit.attrs["preferred"]))
    likelihood = fit["log_likelihood"].values if "log_likelihood" in fit else np.zeros(len(names))
    return int(np.argmax(np.where(np.isnan(likelihood), -np.inf, likelihood)))


def law_text(name: str) -> str:
    """Return the name of a law for people."""
    return name.replace("_", " ")


def _draw_laws(axes: Any, fit: xr.Dataset, best: int, factor: float) -> None:
    grid, curves = fit["x_grid"].values, factor * np.asarray(fit["fit"].values)
    random = _BAND * factor * np.asarray(fit["fit_std"].values[best]) if "fit_std" in fit else None
    shift = _systematic_share(fit, best)
    if shift is not None:
        total = np.hypot(curves[best] * shift[0], 0 if random is None else random)
        narrow = is_narrow(axes.figure)
        text = "with systematic, 1 σ" if narrow else "\n".join(["with systematic, 1 σ:", *shift[1]])
        axes.fill_between(
            grid, curves[best] - total, curves[best] + total, color=FAINT, alpha=0.6, linewidth=0, label=text
        )
    if random is not None:
        lower, upper = curves[best] - random, curves[best] + random
        axes.fill_between(grid, lower, upper, color=MUTED, alpha=0.4, linewidth=0, label="95 % of the fit")
    order = [best, *(k for k in range(fit.sizes["law"]) if k != best)]
    for rank, k in enumerate(order):
        line = {"color": INK, "linewidth": 1.4} if rank == 0 else {"color": MUTED, "linewidth": 0.9}
        (drawn,) = axes.plot(grid, curves[k], label=_law_label(fit, k, brief=is_narrow(axes.figure)), **line)
        if rank:
            drawn.set_dashes(_DASHES[(rank - 1) % len(_DASHES)])


def _law_label(fit: xr.Dataset, k: int, *, brief: bool) -> str:
    """Return law, rate constant and goodness; in brief without the constant, which stands in the table of the laws."""
    text = law_text(str(fit["law"].values[k]))
    if "rate_constant" in fit and not brief:
        value = float(fit["rate_constant"].values[k])
        error = float(fit["rate_constant_std"].values[k]) if "rate_constant_std" in fit else float("nan")
        factor, unit = readable([value], "A/m²")
        text += f"\nk₀ = {with_error(factor * value, factor * error)} {unit}"
    freedom = fit.attrs.get("degrees_of_freedom")
    if "chi_square" in fit and freedom:
        text += f", χ²/dof {_two_digits(float(fit['chi_square'].values[k]) / float(freedom))}"
    return text


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):g}"


def _systematic_share(fit: xr.Dataset, best: int) -> tuple[float, list[str]] | None:
    """Return the shift of k0 over k0, all causes but face and capacity in quadrature, with the names of the largest."""
    if not {"rate_constant", "rate_constant_shift", "systematic"} <= set(fit.variables):
        return None
    causes = [str(cause) for cause in fit["systematic"].values]
    kept = [k for k, cause in enumerate(causes) if cause != _FACE and not cause.startswith(_CAPACITY)]
    if not kept:
        return None
    shift = np.asarray(fit["rate_constant_shift"].values[kept, best], dtype=float)
    constant = abs(float(fit["rate_constant"].values[best]))
    share = float(np.sqrt(np.nansum(shift**2)) / constant)
    largest = np.argsort(-np.abs(np.nan_to_num(shift)))[:_CAUSES]
    names = [f"{law_text(causes[kept[k]])} {100 * abs(shift[k]) / constant:.2g} %" for k in largest]
    return share, names + ([f"and {len(kept) - _CAUSES} more"] if len(kept) > _CAUSES else [])


def _draw_capacity(axes: Any, fit: xr.Dataset, best: int, factor: float, ratio: float) -> None:
    grid, curve = np.asarray(fit["x_grid"].values), factor * np.asarray(fit["fit"].values[best])
    for k, across in enumerate((ratio * grid, 1 - ratio + ratio * grid)):
        end = "" if is_narrow(axes.figure) else "\n(capacity)"
        label = f"x compressed to {100 * ratio:.0f} %{end}" if k == 0 else None
        axes.plot(across, curve, "--", color=INK, linewidth=0.7, label=label)


def _draw_points(axes: Any, fit: xr.Dataset, factor: float) -> int:
    names = (
        np.asarray(fit["particle"].values).astype(str) if "particle" in fit.coords else np.full(fit.sizes["point"], "")
    )
    used = np.asarray(fit["used"].values, bool) if "used" in fit else np.ones(names.size, bool)
    x, j = np.asarray(fit["lithium_fraction"].values), factor * np.asarray(fit["exchange_current_density"].values)
    x_std, j_std = finite_std(fit, "lithium_fraction"), finite_std(fit, "exchange_current_density")
    particles = sorted(set(names.tolist()))
    few = len(particles) <= _NAMED
    for number, particle in enumerate(particles):
        for chosen, face in ((used, "full"), (~used, "none")):
            here = chosen & (names == particle)
            if not here.any():
                continue
            axes.errorbar(
                x[here], j[here], xerr=None if x_std is None else x_std[here],
                yerr=None if j_std is None else factor * j_std[here], fmt=MARKERS[number % len(MARKERS)],
                color=CYCLE[number % len(CYCLE)], markersize=3, elinewidth=0.6, fillstyle=face, zorder=3,
                markeredgewidth=0.8, label=(particle or "measured") if few and face == "full" else None,
            )  # fmt: skip
    return len(particles)


def _limits(fit: xr.Dataset, factor: float) -> tuple[float, float]:
    values = factor * np.asarray(fit["exchange_current_density"].values, dtype=float)
    std = finite_std(fit, "exchange_current_density")
    high = np.nanmax(values + (0 if std is None else factor * std))
    low = min(0.0, float(np.nanmin(values)))
    top = float(max(high, factor * float(np.nanmax(fit["fit"].values[best_law(fit)]))))
    return low - 0.04 * top, 1.12 * top


def _face_scale(axes: Any, fit: xr.Dataset, best: int, unit: str) -> None:
    """Add the scale that holds where one face does not react, if the fit knows of that cause."""
    causes = [str(cause) for cause in fit["systematic"].values] if "systematic" in fit.coords else []
    if _FACE not in causes or not {"rate_constant", "rate_constant_shift"} <= set(fit):
        return
    share = float(fit["rate_constant_shift"].values[causes.index(_FACE), best] / fit["rate_constant"].values[best])
    low, high = axes.get_ylim()
    other = second_axis(axes, f"with one inactive face / ({unit})", MUTED)
    other.set_ylim((1 + share) * low, (1 + share) * high)
    other.tick_params(labelcolor=MUTED)


def normalised_exchange(
    channels: xr.Dataset,
    *,
    fit: xr.Dataset | None = None,
    shift: xr.Dataset | None = None,
    chosen: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the normalised exchange current of channels against the composition of their ends (Koo 2023, Fig. 4b).

    Parameters
    ----------
    channels : ChannelTable
        With ``normalised_exchange_current`` and ``surface_lithium_fraction`` (interval, channel).
    fit : LawFit, optional
        Its preferred law over its rate constant is the line. Where the surface composition carries systematic shifts
        (averaging over the end pixels), the line shifted by them is dashed. Without a fit the line is the law by which
        the table was normalised (its attribute ``law``).
    shift : SurfaceShift, optional
        What averaging the composition over the two ends does to that law: the law so shifted is dashed.
    chosen : sequence of int, optional
        Numbers of the channels drawn in colour; by default three in the middle of the particle. The rest is grey.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. Round points are lithiation, squares delithiation; bars are one standard deviation.

    Raises
    ------
    AnalysisError
        If a chosen channel does not exist, or the table lacks what is drawn.
    """
    check(channels, "channel_table")
    need_values(channels, "normalised_exchange_current", "surface_lithium_fraction")
    numbers = _numbers(channels)
    wanted = [int(n) for n in chosen] if chosen is not None else _middle(numbers)
    unknown = sorted(set(wanted) - set(numbers))
    if unknown:
        raise AnalysisError(
            "there is no such channel", field="chosen", value=unknown, limit=f"{min(numbers)} to {max(numbers)}"
        )
    with style(options):
        figure = empty_figure(options, 0.62, 0.42)
        axes = figure.subplots()
        for row, number in enumerate(numbers):
            if number not in wanted:
                _channel_points(axes, channels, row, FAINT, None)
        for k, number in enumerate(wanted):
            _channel_points(axes, channels, numbers.index(number), CYCLE[k % len(CYCLE)], f"channel {number}")
        if fit is not None:
            _normalised_law(axes, fit, quadrature(channels, "surface_lithium_fraction"))
        elif str(channels.attrs.get("law", "")) in _KNOWN:
            _stated_law(axes, str(channels.attrs["law"]), shift)
        composition_axis(axes, "surface lithium fraction of the channel")
        axes.set(ylabel="j₀ / k₀")
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(channels["normalised_exchange_current"].values))))
        count = int(np.isfinite(channels["normalised_exchange_current"].values).sum())
        note(axes, f"{len(numbers)} channels, {count} points", where="upper right")
        legend_beside(figure, alignment="left")
        return to_bytes(figure, options)


def _stated_law(axes: Any, name: str, shift: xr.Dataset | None) -> None:
    """Draw F(x) whole, and dashed F as it appears against the mean of two ends (Koo 2023, Fig. 4b)."""
    law, grid = exchange_law(name), np.linspace(0.005, 0.995, 199)
    values = np.asarray(law(grid), dtype=float)
    axes.plot(grid, values, color=INK, zorder=4, label=f"F(x), {law_text(name)}")
    if shift is None or str(shift.attrs.get("law")) != name:
        return
    x, moved = (np.asarray(shift[n].values, dtype=float).ravel() for n in ("lithium_fraction", "shift"))
    good = np.isfinite(x) & np.isfinite(moved)
    edges = np.quantile(x[good], np.linspace(0, 1, _BINS + 1)) if good.sum() >= _BINS else np.empty(0)
    if edges.size and np.all(np.diff(edges) > 0):
        of = np.clip(np.searchsorted(edges, x[good], side="right") - 1, 0, _BINS - 1)
        centre, size = (np.array([v[good][of == k].mean() for k in range(_BINS)]) for v in (x, moved))
        here = (grid >= centre[0]) & (grid <= centre[-1])
        axes.plot(grid[here], values[here] + np.interp(grid[here], centre, size), "--", color=INK, linewidth=0.9,
                  zorder=4, label="F(x) averaged\nover both ends")  # fmt: skip


_KNOWN = frozenset(exchange_law_names()) - {"coupled_ion_electron", "table"}  # those without parameters of their own
_BINS = 8  # of the composition, for the mean shift


def _numbers(channels: xr.Dataset) -> list[int]:
    if "channel" in channels.coords:
        return [int(n) for n in channels["channel"].values]
    return list(range(channels.sizes["channel"]))


def _middle(numbers: list[int]) -> list[int]:
    inner = numbers[len(numbers) // 4 : max(len(numbers) // 4 + 1, 3 * len(numbers) // 4)]
    return [inner[k] for k in thinned(len(inner), 3).tolist()]


def _channel_points(axes: Any, channels: xr.Dataset, row: int, colour: str, label: str | None) -> None:
    x = np.asarray(channels["surface_lithium_fraction"].values[:, row], dtype=float)
    y = np.asarray(channels["normalised_exchange_current"].values[:, row], dtype=float)
    x_std = finite_std(channels, "surface_lithium_fraction")
    j_std = finite_std(channels, "exchange_current_density")
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = (
            y / channels["exchange_current_density"].values[:, row] if "exchange_current_density" in channels else y * 0
        )
    y_std = None if j_std is None else np.nan_to_num(np.abs(scale) * j_std[:, row])
    direction = np.asarray(channels["direction"].values) if "direction" in channels.coords else np.zeros(x.size, int)
    for way in (1, -1, 0):
        here = direction == way
        if here.any():
            points(
                axes, x[here], y[here], direction=way, x_std=None if x_std is None or not label else x_std[here, row],
                y_std=None if y_std is None or not label else y_std[here], color=colour, label=label,
                zorder=3 if label else 1, markersize=3.4 if label else 2.0,
            )  # fmt: skip
            label = None if label is None else "_" + label.lstrip("_")


def _normalised_law(axes: Any, fit: xr.Dataset, shift: Floats | None) -> None:
    check(fit, "law_fit")
    need_values(fit, "fit", "rate_constant")
    best = best_law(fit)
    curve = fit["fit"].values[best] / float(fit["rate_constant"].values[best])
    axes.plot(fit["x_grid"].values, curve, color=INK, label=law_text(str(fit["law"].values[best])))
    if shift is not None and np.isfinite(shift).any():
        size = float(np.nanmedian(shift))
        for k, way in enumerate((-1, 1)):
            label = f"x shifted by ± {size:.2f}\n(averaging of the ends)" if k == 0 else None
            axes.plot(fit["x_grid"].values + way * size, curve, "--", color=INK, linewidth=0.7, label=label)
