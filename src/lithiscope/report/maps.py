"""Maps: contact sheets of lithium fraction and its error, amount, optical density, chi-square, dose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.colours import Colours, composition_colours, hatch, lookup_table
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import (
    bar_and_key,
    colour_bar,
    composition_legend,
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
from lithiscope.report.plots import readable
from lithiscope.report.style import style, to_bytes
from lithiscope.stages import check, each_frame

if TYPE_CHECKING:
    import xarray as xr

_SHEET_HEADER, _HEADER = 0.33, 0.2  # inches above a panel with a time stamp, or with one line


def lithium_maps(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    frames: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the lithium fraction of the frames as a contact sheet: hue = x, brightness = a + b.

    Parameters
    ----------
    video : CompositionVideo
        With ``lithium_fraction`` (or ``phase_fraction``) (time, y, x); ``amount`` sets the brightness where present.
    labels : DataArray of int, (y, x) or (cycle, y, x), optional
        Particles; their outlines are drawn and the means are taken over them.
    frames : sequence of int, optional
        Frames to draw; by default all of them, thinned evenly to ``options.max_frames``.
    options : FigureOptions
        Palette, format, size.

    Returns
    -------
    bytes
        PNG or SVG. x is clipped to [0, 1] for display only; pixels whose value is not trusted are hatched.

    Raises
    ------
    StageError, AnalysisError
        If the video is no composition video with a fraction, or there is no such frame.
    """
    _require_fraction(video)
    brightest = readings.full_brightness(video, options.full_brightness)
    view = view_of(video)
    chosen = readings.chosen_frames(video, frames, most_panels(view, options, header=_SHEET_HEADER))
    lost = {int(frame): _hatched(video, labels, int(frame)) for frame in chosen}
    with style(options):
        figure, panels, place = panel_grid(len(chosen), view, options, header=_SHEET_HEADER)
        for axes, frame in zip(panels, chosen.tolist(), strict=True):
            picture = composition_picture(video, frame, brightest, options.palette, lost[frame])
            show(axes, picture, view)
            mean = readings.mean_signal(video, labels, frame)
            _sheet_title(axes, video, frame, f"mean {round(mean, 2) + 0.0:.2f}" if np.isfinite(mean) else "no value")
        draw_outlines(panels, [readings.labels_of_frame(labels, video, int(frame)) for frame in chosen], view)
        scale_bar(panels[0], view)
        any_lost = any(bool(mask.any()) for mask in lost.values())
        composition_legend(figure, place, options.palette, f"{brightest:.2g}", missing=any_lost)
        tell_thinning(figure, len(chosen), video.sizes["time"])
        return to_bytes(figure, options)


def composition_picture(video: xr.Dataset, frame: int, brightest: float, palette: str, missing: Any) -> Colours:
    """Return the picture (y, x, 3) of one frame: hue = x, brightness = amount / brightest, hatched where missing."""
    x = readings.flat_picture(video[str(video.attrs["signal"])], frame)
    amount = readings.amount_of_frame(video, frame)
    brightness = 1.0 if amount is None else amount / brightest
    return hatch(composition_colours(x, brightness, palette), missing)


def error_maps(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    frames: Sequence[int] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the random standard deviation of x per pixel, one panel per frame, on one scale; returns PNG or SVG bytes.

    Parameters are those of `lithium_maps`.

    Raises
    ------
    AnalysisError
        If the video carries no standard deviation.
    """
    name = f"{_require_fraction(video)}_std"
    return _sheet(
        video, name, "σ of x\n(random)", "magma", labels=labels, frames=frames, options=options, from_zero=True
    )


def chi_square_map(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the chi-square of the fit over its degrees of freedom, mean over the frames; 1 is what noise alone gives.

    Raises
    ------
    AnalysisError
        If the video has no chi-square, or the fit has no degrees of freedom.
    """
    check(video, "composition_video")
    freedom = int(video.attrs.get("degrees_of_freedom", 0))
    if freedom < 1:
        raise AnalysisError(
            "the fit has no degrees of freedom, so chi-square says nothing",
            field="attrs['degrees_of_freedom']",
            value=freedom,
            limit="at least 1",
            remedy="measure more energies than there are unknowns",
        )
    values = _mean_picture(video, "chi_square") / freedom
    where = readings.material(video, labels, 0)
    return single_map(video, np.where(where, values, np.nan), "χ² / dof", "viridis", labels=labels, options=options)


def amount_map(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    names: Mapping[int, str] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the amount a + b, mean over the frames, with the particles' outlines and names; returns PNG or SVG bytes.

    Raises
    ------
    AnalysisError
        If the video has no amount.
    """
    check(video, "composition_video")
    values = _mean_picture(video, "amount")
    text = "a + b\n(references)"
    return single_map(video, values, text, "viridis", labels=labels, names=names, options=options)


def thickness_map(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the thickness along the beam; returns PNG or SVG bytes.

    Raises
    ------
    AnalysisError
        If the video has no thickness.
    """
    check(video, "composition_video")
    return single_map(
        video, _mean_picture(video, "thickness"), "thickness\n/ nm", "viridis", labels=labels, options=options
    )


def dose_map(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the dose absorbed up to the last frame, in Gy, kGy or MGy; returns PNG or SVG bytes.

    Raises
    ------
    AnalysisError
        If the video has no dose.
    """
    check(video, "composition_video")
    _require(video, "dose")
    last = readings.flat_picture(video["dose"], video.sizes["time"] - 1)
    factor, unit = readable(last, "Gy")
    return single_map(video, last * factor, f"dose\n/ {unit}", "magma", labels=labels, options=options)


def optical_density_maps(
    od: xr.Dataset,
    *,
    frame: int = 0,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the optical density of one scan at its energies on one grey scale; missing pixels are hatched.

    Raises
    ------
    StageError, AnalysisError
        If the stage is no optical density, or there is no such frame.
    """
    check(od, "frames")
    readings.chosen_frames(od, [frame], 1)
    signal = od["signal"].isel(time=frame) if "time" in od["signal"].dims else od["signal"]
    stack = np.asarray(signal.values, dtype=float).reshape(-1, *signal.shape[-2:])
    energies = np.asarray(od["energy"].values, dtype=float) if "energy" in signal.dims else np.array([np.nan])
    view = view_of(od)
    chosen = readings.thinned(len(stack), most_panels(view, options, header=_HEADER))
    low, high = readings.limits(stack[chosen])
    with style(options):
        figure, panels, place = panel_grid(len(chosen), view, options, header=_HEADER)
        for axes, index in zip(panels, chosen.tolist(), strict=True):
            show(axes, painted(stack[index], low, high, "gray", ~np.isfinite(stack[index])), view)
            heading(axes, f"{energies[index]:.2f} eV" if np.isfinite(energies[index]) else "", "")
        scale_bar(panels[0], view)
        bar_and_key(figure, place, "gray", low, high, "OD", missing=bool(np.isnan(stack[chosen]).any()))
        tell_thinning(figure, len(chosen), len(stack), "energies")
        return to_bytes(figure, options)


def single_map(
    video: xr.Dataset,
    values: Any,
    text: str,
    palette: str,
    *,
    labels: xr.DataArray | None = None,
    names: Mapping[int, str] | None = None,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw one picture (y, x) of a quantity, with its colour bar titled `text`, outlines and names of particles."""
    low, high = readings.limits(values, low=0.0)
    view = view_of(video)
    with style(options):
        figure, (axes,), place = panel_grid(1, view, options, header=0.06)
        numbers = readings.labels_of_frame(labels, video, 0)
        show(axes, painted(values, low, high, palette, np.zeros(values.shape, dtype=bool)), view)
        draw_outlines([axes], [numbers], view)
        if names and numbers is not None:
            _write_names(axes, numbers, names, video)
        scale_bar(axes, view)
        left, top_of_bar, width, height = place
        colour_bar(figure, (left, top_of_bar, width, height - 0.3), lookup_table(palette), low, high, text)
        return to_bytes(figure, options)


def _sheet(
    video: xr.Dataset,
    name: str,
    text: str,
    palette: str,
    *,
    labels: xr.DataArray | None,
    frames: Sequence[int] | None,
    options: FigureOptions,
    from_zero: bool,
) -> bytes:
    _require(video, name)
    view = view_of(video)
    chosen = readings.chosen_frames(video, frames, most_panels(view, options, header=_SHEET_HEADER)).tolist()
    pictures = [readings.flat_picture(video[name], frame) for frame in chosen]
    low, high = readings.limits(np.stack(pictures), low=0.0 if from_zero else None)
    with style(options):
        figure, panels, place = panel_grid(len(chosen), view, options, header=_SHEET_HEADER)
        any_lost = False
        for axes, frame, picture in zip(panels, chosen, pictures, strict=True):
            lost = _hatched(video, labels, frame)
            any_lost |= bool(lost.any())
            show(axes, painted(picture, low, high, palette, lost), view)
            inside = picture[np.isfinite(picture) & readings.material(video, labels, frame)]
            _sheet_title(axes, video, frame, f"median {np.median(inside):.2g}" if inside.size else "no value")
        draw_outlines(panels, [readings.labels_of_frame(labels, video, frame) for frame in chosen], view)
        scale_bar(panels[0], view)
        bar_and_key(figure, place, palette, low, high, text, missing=any_lost)
        tell_thinning(figure, len(chosen), video.sizes["time"])
        return to_bytes(figure, options)


def _hatched(video: xr.Dataset, labels: xr.DataArray | None, frame: int) -> Any:
    # Outside the particles a missing value is no news: only holes in material are hatched.
    return readings.untrusted(video, frame) & readings.material(video, labels, frame)


def _sheet_title(axes: Any, video: xr.Dataset, frame: int, value: str) -> None:
    stamp = readings.minutes_text(float(readings.minutes(video)[frame]))
    heading(axes, stamp, value, readings.direction_text(video, frame))


def _write_names(axes: Any, numbers: Any, names: Mapping[int, str], video: xr.Dataset) -> None:
    y, x = (np.asarray(video[axis].values, dtype=float) for axis in ("y", "x"))
    for number, name in names.items():
        rows, columns = np.nonzero(numbers == number)
        if rows.size:
            axes.text(
                x[columns].mean(), y[rows].mean(), name, color="#ffffff", ha="center", va="center", fontsize="small",
                parse_math=False, bbox={"facecolor": "#12151b", "alpha": 0.55, "edgecolor": "none", "pad": 1.2},
            )  # fmt: skip


def _require_fraction(video: xr.Dataset) -> str:
    check(video, "composition_video")
    signal = str(video.attrs["signal"])
    if signal not in ("lithium_fraction", "phase_fraction") or signal not in video:
        raise AnalysisError(
            "a composition map needs a fraction",
            field="attrs['signal']",
            value=signal,
            limit="lithium_fraction or phase_fraction, present in the video",
            remedy="calibrate the contrast first",
        )
    return signal


def _require(video: xr.Dataset, name: str) -> None:
    if name not in video:
        raise AnalysisError(
            "the video does not hold the quantity to draw", field=name, limit=", ".join(map(str, video.data_vars))
        )


def _mean_picture(video: xr.Dataset, name: str) -> Any:
    _require(video, name)
    readings.flat_picture(video[name], 0)
    return readings.time_mean(each_frame(video[name]))
