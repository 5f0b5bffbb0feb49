"""Maps of rates between frames: insertion rate, current density, exchange current density, and domains on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.fitting import columns_of, size_of
from lithiscope.report.maps import composition_picture
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import (
    DARK,
    DOMAIN,
    View,
    bar_and_key,
    composition_legend,
    draw_domains,
    draw_outlines,
    heading,
    most_panels,
    painted,
    panel_grid,
    scale_bar,
    show,
    tell_thinning,
    view_of,
)
from lithiscope.report.plots import c_rate_text, need, readable, with_error
from lithiscope.report.style import INK, MUTED, style, to_bytes
from lithiscope.stages import FLAGS, check, fatal_mask

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_HEADER = 0.33  # inches above a panel
_FEWEST_SIGMAS = 3.0  # the colours reach at least so many standard deviations of one pixel


@dataclass(frozen=True)
class _Quantity:
    name: str
    text: str
    unit: str
    palette: str  # purple is lithiation and orange delithiation, as in the curves
    diverging: bool = True


_RATE = _Quantity("insertion_rate", "dx/dt", "1/h", "PuOr")
_CURRENT = _Quantity("current_density", "j", "A/m²", "PuOr_r")
_EXCHANGE = _Quantity("exchange_current_density", "j₀", "A/m²", "viridis", diverging=False)


def rate_maps(
    rates: xr.Dataset,
    *,
    table: xr.Dataset | None = None,
    domains: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    intervals: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the insertion rate dx/dt of every interval: white is zero, purple lithiation, orange delithiation.

    Parameters
    ----------
    rates : RateVideo
        With ``insertion_rate`` (interval, y, x).
    table : RateTable, optional
        Gives the C-rate of the cell in every interval, where the rates themselves do not.
    domains : DomainVideo, optional
        Its fast domains are outlined (those of the frame before the interval).
    labels : DataArray of int, (y, x), optional
        Particles; by default the stage's own ``label``.
    intervals : sequence of int, optional
        Which to draw; by default those with a current, thinned evenly to ``options.max_frames``.
    options : FigureOptions
        Format and size.

    Returns
    -------
    bytes
        PNG, SVG or PDF. The colours reach at least three standard deviations of one pixel, so that noise never fills
        the scale, and a bracket at the colour bar shows plus and minus one. The number over a panel is the mean over
        the particles with its random error.

    Raises
    ------
    StageError, AnalysisError
        If the stage holds no such rates, or there is no such interval.
    """
    return _sheet(rates, _RATE, table, domains, labels, intervals, options)


def current_maps(
    rates: xr.Dataset,
    *,
    table: xr.Dataset | None = None,
    domains: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    intervals: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the current density of one face; positive (orange) is delithiation.

    Parameters, colours and errors are those of `rate_maps`; the layout is that of Lim 2016, Fig. 3D.
    """
    return _sheet(rates, _CURRENT, table, domains, labels, intervals, options)


def exchange_maps(
    rates: xr.Dataset,
    *,
    table: xr.Dataset | None = None,
    domains: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    intervals: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the exchange current density from zero upwards; intervals without any value are left out.

    Parameters and errors are those of `rate_maps`.
    """
    return _sheet(rates, _EXCHANGE, table, domains, labels, intervals, options)


def domain_maps(
    video: xr.Dataset,
    domains: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    frames: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the composition with the fast domains outlined in light blue, in the layout of Lim 2016, Fig. 3C.

    Parameters
    ----------
    video : CompositionVideo
        With a fraction.
    domains : DomainVideo
        Of the same frames: 1 fast, 2 slow.
    labels : DataArray of int, optional
        Particles; by default the label of the domains, else of the video.
    frames : sequence of int, optional
        Frames to draw; by default all, thinned evenly.
    options : FigureOptions
        Palette, format, size.

    Returns
    -------
    bytes
        PNG, SVG or PDF.

    Raises
    ------
    AnalysisError
        If the two stages differ in their frames.
    """
    check(video, "composition_video")
    check(domains, "domain_video")
    if domains["domain"].shape != video[str(video.attrs["signal"])].shape:
        raise AnalysisError(
            "domains and composition differ in size",
            field="domain",
            value=domains["domain"].shape,
            limit=str(video[str(video.attrs["signal"])].shape),
            remedy="give the domains of this video",
        )
    labels = next((d["label"] for d in (domains, video) if labels is None and "label" in d), labels)
    brightest = readings.full_brightness(video, options.full_brightness)
    view = view_of(video)
    chosen = readings.chosen_frames(video, frames, most_panels(view, options, header=_HEADER))
    with style(options):
        figure, panels, place = panel_grid(len(chosen), view, options, header=_HEADER)
        any_lost = False
        for axes, frame in zip(panels, chosen.tolist(), strict=True):
            lost = readings.untrusted(video, frame) & readings.material(video, labels, frame)
            any_lost |= bool(lost.any())
            picture = composition_picture(video, frame, brightest, options.palette, lost)
            show(axes, picture, view)
            draw_domains(axes, np.asarray(domains["domain"].values[frame]), view)
            stamp = readings.minutes_text(float(readings.minutes(video)[frame]))
            heading(axes, stamp, _fast_share(domains, frame), readings.direction_text(video, frame))
        draw_outlines(panels, [readings.labels_of_frame(labels, video, int(frame)) for frame in chosen], view)
        scale_bar(panels[0], view)
        place = _domain_key(figure, place)
        composition_legend(figure, place, options.palette, f"{brightest:.2g}", missing=any_lost)
        tell_thinning(figure, len(chosen), video.sizes["time"])
        return to_bytes(figure, options)


def _fast_share(domains: xr.Dataset, frame: int) -> str:
    values = np.asarray(domains["domain"].values[frame])
    decided = int(np.count_nonzero(values))
    return f"fast {100 * np.count_nonzero(values == 1) / decided:.0f} %" if decided else "undecided"


def colour_limits(values: Any, std: Any, *, diverging: bool) -> tuple[float, float, float]:
    """Return the limits of the colours and the noise of one pixel.

    Parameters
    ----------
    values, std : array_like
        The pixels to draw and their standard deviations; NaN is ignored.
    diverging : bool
        Whether zero lies in the middle (else at the bottom).

    Returns
    -------
    low, high, noise : float
        The 99th percentile of the size of the values, but at least three times the median standard deviation.

    Examples
    --------
    >>> colour_limits([0.1, -0.2], [1.0, 1.0], diverging=True)
    (-3.0, 3.0, 1.0)
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    errors = np.asarray(std, dtype=float)
    noise = float(np.median(errors[np.isfinite(errors)])) if np.isfinite(errors).any() else 0.0
    top = float(np.percentile(sizes[np.isfinite(sizes)], 99)) if np.isfinite(sizes).any() else 0.0
    high = max(top, _FEWEST_SIGMAS * noise) or 1.0
    return (-high if diverging else 0.0), high, noise


def _sheet(
    rates: xr.Dataset,
    what: _Quantity,
    table: xr.Dataset | None,
    domains: xr.Dataset | None,
    labels: xr.DataArray | None,
    intervals: Sequence[int] | None,
    options: FigureOptions,
) -> bytes:
    check(rates, "rate_video")
    need(rates, what.name)
    labels = rates["label"] if labels is None and "label" in rates else labels
    inside = np.ones((rates.sizes["y"], rates.sizes["x"]), bool) if labels is None else np.asarray(labels.values) > 0
    view = view_of(rates)
    most = columns_of(options.width - 0.95, options.columns, least=0.17 * options.font_size + 0.08)  # three headings
    options = options.model_copy(update={"columns": most})
    chosen = _chosen(rates, what, inside, intervals, most_panels(view, options, header=_HEADER))
    pictures = {k: _picture(rates, what.name, k) for k in chosen}
    stds = {k: _picture(rates, f"{what.name}_std", k) if f"{what.name}_std" in rates else None for k in chosen}
    factor, unit = readable(np.stack([p[inside] for p in pictures.values()]), what.unit)
    noises = [std[inside] for std in stds.values() if std is not None]
    low, high, noise = (
        factor * limit
        for limit in colour_limits(
            np.stack([p[inside] for p in pictures.values()]), noises or [np.nan], diverging=what.diverging
        )
    )
    with style(options):
        figure, panels, place = panel_grid(len(chosen), view, options, header=_HEADER)
        any_lost = False
        for axes, k in zip(panels, chosen, strict=True):
            lost = _lost(rates, what.name, k) & inside
            any_lost |= bool(lost.any())
            shown = np.where(inside, factor * pictures[k], np.nan)
            show(axes, painted(shown, low, high, what.palette, lost), view)
            _outline_domains(axes, rates, domains, k, view)
            mean = _mean_text(factor * pictures[k][inside], stds[k], inside, _gain(rates, k), factor)
            heading(axes, interval_text(rates, k), mean, _course(rates, table, k))
        numbers = None if labels is None else np.asarray(labels.values, dtype=np.int32)
        draw_outlines(panels, [numbers] * len(panels), view)
        scale_bar(panels[0], view)
        place = place if domains is None else _domain_key(figure, place)
        bar = bar_and_key(figure, place, what.palette, low, high, f"{what.text} / {unit}", missing=any_lost)
        _noise_bracket(bar, noise, diverging=what.diverging)
        tell_thinning(figure, len(chosen), rates.sizes["interval"], "intervals")
        return to_bytes(figure, options)


def _chosen(
    rates: xr.Dataset, what: _Quantity, inside: NDArray[np.bool_], intervals: Sequence[int] | None, most: int
) -> list[int]:
    count = rates.sizes["interval"]
    if intervals is not None:
        wanted = [int(k) for k in intervals]
        if not wanted or min(wanted) < 0 or max(wanted) >= count:
            raise AnalysisError(
                "an interval asked for does not exist", field="intervals", value=wanted, limit=f"0 to {count - 1}"
            )
        return wanted
    held = np.array([np.isfinite(_picture(rates, what.name, k)[inside]).any() for k in range(count)], dtype=bool)
    if "direction" in rates.coords and np.any(rates["direction"].values):
        held &= np.asarray(rates["direction"].values) != 0
    if not held.any():
        raise AnalysisError(
            "no interval holds a value of the quantity to draw",
            field=what.name,
            value=count,
            limit="one interval with a current and a trusted value",
            remedy="read the flags of the stage",
        )
    kept = np.flatnonzero(held)
    return [int(kept[index]) for index in readings.thinned(kept.size, most)]


def _picture(rates: xr.Dataset, name: str, k: int) -> Floats:
    return readings.flat_picture(rates[name].isel(interval=k), 0)


def _lost(rates: xr.Dataset, name: str, k: int) -> NDArray[np.bool_]:
    if f"{name}_flag" not in rates:
        return np.zeros((rates.sizes["y"], rates.sizes["x"]), dtype=bool)
    bits = np.asarray(rates[f"{name}_flag"].values[k])
    return np.asarray(fatal_mask(bits) & ((bits & FLAGS["no_material"].bit) == 0))


def _gain(rates: xr.Dataset, k: int) -> float:
    return float(rates["noise_gain"].values[k]) if "noise_gain" in rates else 1.0


def _mean_text(values: Floats, std: Floats | None, inside: NDArray[np.bool_], gain: float, factor: float) -> str:
    """Return the mean over the particles with the random error of it (resampled pixels share noise: std / gain)."""
    good = np.isfinite(values)
    if not good.any():
        return "no value"
    if std is None:
        return f"{values[good].mean():.2g}"
    error = factor * float(np.sqrt(np.nansum(std[inside][good] ** 2))) / int(good.sum()) / gain
    return with_error(float(values[good].mean()), error)


def interval_text(data: xr.Dataset, k: int) -> str:
    """Return the two times between which an interval lies, in minutes."""
    if "time" not in data.coords:
        return f"interval {k + 1}"
    middle = float(data["time"].values[k]) / 60
    half = float(data["duration"].values[k]) / 120 if "duration" in data.coords else 0.0
    digits = 1 if middle + half < 100 else 0
    return f"{middle - half:.{digits}f}–{middle + half:.{digits}f} min" if half else readings.minutes_text(middle)


def _course(rates: xr.Dataset, table: xr.Dataset | None, k: int) -> str:
    words = [readings.direction_text(rates, k)]
    for stage in (rates, table):
        if stage is not None and "applied_c_rate" in stage and stage.sizes["interval"] == rates.sizes["interval"]:
            applied = float(stage["applied_c_rate"].values[k])
            words.append(c_rate_text(applied) if np.isfinite(applied) else "")
            break
    return " ".join(word for word in words if word)


def _outline_domains(axes: Any, rates: xr.Dataset, domains: xr.Dataset | None, k: int, view: View) -> None:
    if domains is None:
        return
    check(domains, "domain_video")
    frame = int(rates["before"].values[k]) if "before" in rates.coords else k
    draw_domains(axes, np.asarray(domains["domain"].values[frame]), view)


def _noise_bracket(bar: Any, noise: float, *, diverging: bool) -> None:
    """Mark one standard deviation of a pixel at the left of the colour bar."""
    if not noise > 0:
        return
    low = -noise if diverging else 0.0
    for ends, at in ((((low, noise)), (-0.35, -0.35)), ((low, low), (-0.55, -0.15)), ((noise, noise), (-0.55, -0.15))):
        bar.plot(at, ends, color=INK, linewidth=0.8, clip_on=False)
    bar.set_xlim(0, 1)
    bar.annotate(
        "I  ± 1 σ, pixel" if diverging else "I  1 σ, pixel", (0, 0), xycoords="axes fraction", xytext=(-4, -4),
        textcoords="offset points", ha="left", va="top", fontsize="x-small", color=MUTED,
    )  # fmt: skip


def _domain_key(figure: Any, place: Any) -> Any:
    """Draw the key of the domains at the foot of the legend; return the place that is left."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import Normal, withStroke

    left, bottom, width, height = place
    across, up = size_of(figure)
    casing = [withStroke(linewidth=2.0, foreground=DARK), Normal()]
    line = Line2D([], [], color=DOMAIN, linewidth=1.0, path_effects=casing)
    figure.legend(
        [line], ["fast domain"], loc="lower left", bbox_to_anchor=(left / across, (bottom - 0.02) / up), borderpad=0,
        borderaxespad=0, handlelength=1.4, fontsize="x-small",
    )  # fmt: skip
    return left, bottom + 0.2, width, height - 0.2
