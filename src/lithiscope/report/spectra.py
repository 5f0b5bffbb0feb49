"""Spectra: mean optical density of regions with the fit, its components and what is left over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import AnalysisError
from lithiscope.report import readings
from lithiscope.report.fitting import columns_of, empty_figure, legend_above
from lithiscope.report.options import FigureOptions
from lithiscope.report.style import CYCLE, FAINT, INK, MUTED, style, to_bytes
from lithiscope.stages import check

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_FEW = 8  # up to so many energies the points are drawn and written one by one
_NEAR = 0.05  # eV


@dataclass(frozen=True)
class RegionSpectrum:
    """Mean spectrum of a region in one frame; every array is over the energies, components by name."""

    name: str
    pixels: int
    energy: Floats
    density: Floats
    random_std: Floats
    frame_std: Floats
    components: dict[str, Floats]

    @property
    def fit(self) -> Floats:
        """The sum of the components."""
        return np.asarray(sum(self.components.values(), np.zeros_like(self.energy)))

    @property
    def residual(self) -> Floats:
        """What the fit leaves."""
        return self.density - self.fit


def region_spectrum(
    od: xr.Dataset,
    video: xr.Dataset | None,
    references: xr.Dataset | None,
    inside: NDArray[np.bool_],
    *,
    name: str,
    frame: int = 0,
) -> RegionSpectrum:
    """Average the optical density, and the fit that the video holds, over the pixels of a region.

    Random errors average down as signal_std / noise_gain / sqrt(pixels); the error of I0 does not.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x).
    video : CompositionVideo, optional
        With ``coefficient``; without it there is no fit.
    references : References, optional
        The spectra behind the coefficients.
    inside : ndarray of bool, shape (y, x)
        The region.
    name : str
        What to call it.
    frame : int
        Which scan.

    Raises
    ------
    AnalysisError
        If no pixel of the region has a value at every energy.
    """
    density = np.asarray(od["signal"].isel(time=frame).values, dtype=float)[:, inside]
    whole = np.isfinite(density).all(axis=0)
    coefficients = _coefficients(video, frame, inside)
    if coefficients is not None:
        whole &= np.isfinite(coefficients).all(axis=0)
    count = int(whole.sum())
    if count == 0:
        raise AnalysisError(
            "a region has no pixel with a whole spectrum", field="region", value=name, limit="one pixel"
        )
    energy = np.asarray(od["energy"].values, dtype=float)
    zero = np.zeros_like(energy)
    std, gain = zero, np.ones_like(energy)
    if "noise_gain" in od:
        gain = np.asarray(od["noise_gain"].isel(time=frame).values, dtype=float)
    if "signal_std" in od:
        variance = np.asarray(od["signal_std"].isel(time=frame).values, dtype=float)[:, inside][:, whole] ** 2
        std = np.sqrt(variance.sum(axis=1)) / count / gain
    common = od["signal_frame_std"].isel(time=frame).values if "signal_frame_std" in od else zero
    components = {}
    if coefficients is not None and video is not None and references is not None:
        components = _components(coefficients[:, whole].mean(axis=1), video, references, energy)
    return RegionSpectrum(name, count, energy, density[:, whole].mean(axis=1), std, np.asarray(common), components)


def _coefficients(video: xr.Dataset | None, frame: int, inside: NDArray[np.bool_]) -> Floats | None:
    if video is None or "coefficient" not in video:
        return None
    return np.asarray(video["coefficient"].isel(time=frame).values, dtype=float)[:, inside]


def _components(mean: Floats, video: xr.Dataset, references: xr.Dataset, energy: Floats) -> dict[str, Floats]:
    shapes = component_shapes(video, references, energy)
    return {name: value * shape for value, (name, shape) in zip(mean, shapes.items(), strict=bool(shapes))}


def component_shapes(video: xr.Dataset, references: xr.Dataset, energy: Floats) -> dict[str, Floats]:
    """Return the spectrum of every component of a fit per unit of its coefficient, in the video's order.

    Parameters
    ----------
    video : CompositionVideo
        With the coordinate ``component``.
    references : References
        Spectra of the components that are materials.
    energy : ndarray, shape (energy,)
        Photon energies, eV.

    Returns
    -------
    dict of str to ndarray, shape (energy,)
        NaN further than 0.05 eV from an energy of the references; empty where a component is not known.
    """
    axis = np.asarray(references["energy"].values, dtype=float)
    nearest = np.abs(axis[:, None] - energy).argmin(axis=0)
    near = np.abs(axis[nearest] - energy) <= _NEAR
    known = {str(name): k for k, name in enumerate(references["component"].values)}
    values = references["reference"].transpose("component", "energy").values
    shapes: dict[str, Floats] = {
        "offset": np.ones_like(energy),
        "slope": (energy - energy.mean()) / max(float(np.ptp(energy)), 1e-9),
    }
    shapes |= {name: np.where(near, values[k][nearest], np.nan) for name, k in known.items()}
    names = [str(name) for name in video["component"].values]
    return {name: shapes[name] for name in names} if set(names) <= set(shapes) else {}


def spectra_figure(
    od: xr.Dataset,
    *,
    video: xr.Dataset | None = None,
    references: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    names: dict[int, str] | None = None,
    frame: int = 0,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the mean spectrum of every particle with its fit, the components, and the residuals below.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x).
    video, references : CompositionVideo, References, optional
        Give both to draw the fit.
    labels : DataArray of int, optional
        The regions; without it, where the video has a composition, else the whole picture.
    names : dict of int to str, optional
        Names of the labels.
    frame : int
        Which scan.
    options : FigureOptions
        Format and size; at most six regions are drawn.

    Returns
    -------
    bytes
        PNG or SVG. Points carry the random error; the bar of I0, common to the scan, is the grey band of the residuals.

    Raises
    ------
    AnalysisError
        If no region has a whole spectrum in this scan.
    """
    check(od, "frames")
    spectra = _spectra(od, video, references, labels, names, frame)
    columns = columns_of(options.width, min(3, len(spectra)), least=1.7)
    lines = math.ceil(len(spectra) / columns)
    with style(options):
        figure = empty_figure(options, 1 if columns > 1 else 0.6, 1 / 3, lines=lines, more=0.4)
        # Without a fit there are no residuals, and their panels are as good as gone.
        ratios = [3, 1 if any(spectrum.components for spectrum in spectra) else 1e-3] * lines
        grid = figure.subplots(2 * lines, columns, sharex=True, squeeze=False, height_ratios=ratios)
        for axes in grid.flat:
            axes.set_visible(False)
        for index, spectrum in enumerate(spectra):
            line, column = divmod(index, columns)
            _spectrum_panel(grid[2 * line, column], grid[2 * line + 1, column], spectrum, first=column == 0)
        _legend(figure, [*grid[0, 0].get_legend_handles_labels()[0], *grid[1, 0].get_legend_handles_labels()[0]])
        figure.align_ylabels(grid[:, 0])
        return to_bytes(figure, options)


def first_frame_with_spectra(od: xr.Dataset, **known: Any) -> int | None:
    """Return the first scan in which a region has a whole spectrum, None if there is none.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x).
    **known
        ``video``, ``references``, ``labels`` and ``names``, as for `spectra_figure`.
    """
    for frame in range(od.sizes.get("time", 1)):
        try:
            _spectra(od, **known, frame=frame)
        except AnalysisError:
            continue  # every particle is lost in this scan; take the next
        return frame
    return None


def _spectra(
    od: xr.Dataset,
    video: xr.Dataset | None,
    references: xr.Dataset | None,
    labels: xr.DataArray | None,
    names: dict[int, str] | None,
    frame: int,
) -> list[RegionSpectrum]:
    readings.chosen_frames(od, [frame], 1)
    found = []
    for name, inside in _regions(od, video, labels, names, frame).items():
        try:
            found.append(region_spectrum(od, video, references, inside, name=name, frame=frame))
        except AnalysisError:
            continue  # a particle lost in this scan has no panel; if all are lost, that is said below
    if not found:
        raise AnalysisError(
            "no region has a pixel with a whole spectrum", field="frame", value=frame, remedy="choose another frame"
        )
    return found


def _regions(
    od: xr.Dataset,
    video: xr.Dataset | None,
    labels: xr.DataArray | None,
    names: dict[int, str] | None,
    frame: int,
) -> dict[str, NDArray[np.bool_]]:
    numbers = readings.labels_of_frame(labels, od, frame)
    if numbers is not None and numbers.any():
        chosen = np.unique(numbers[numbers > 0])[:6].tolist()
        return {(names or {}).get(number, f"particle {number}"): numbers == number for number in chosen}
    if video is not None:
        return {"all material": readings.material(video, None, frame)}
    return {"whole picture": np.ones((od.sizes["y"], od.sizes["x"]), dtype=bool)}


def _spectrum_panel(upper: Any, lower: Any, spectrum: RegionSpectrum, *, first: bool) -> None:
    few = spectrum.energy.size <= _FEW
    upper.set_visible(True)
    for k, (name, part) in enumerate(spectrum.components.items()):
        mark = "s" if few else ""
        upper.plot(spectrum.energy, part, mark + "--", color=CYCLE[k + 1], linewidth=0.9, markersize=2.4, label=name)
    if spectrum.components:
        upper.plot(spectrum.energy, spectrum.fit, color=INK, linewidth=1.0, label="fit")
    upper.errorbar(
        spectrum.energy, spectrum.density, yerr=spectrum.random_std, fmt="o", markersize=3.6 if few else 2.0,
        color=CYCLE[0], elinewidth=0.8, capsize=2 if few else 0, label="measured, mean", zorder=1 if not few else 3,
    )  # fmt: skip
    upper.set_title(f"{spectrum.name}  ({spectrum.pixels} px)", parse_math=False)
    if first:
        upper.set_ylabel("optical density")
    if few:
        upper.set_xticks(spectrum.energy)
        upper.margins(x=0.12)
    if spectrum.components:
        _residual_panel(lower, spectrum, few=few, first=first)
        upper.tick_params(labelbottom=False)
    else:
        upper.set_xlabel("photon energy / eV")
        upper.tick_params(labelbottom=True)


def _legend(figure: Any, handles: list[Any]) -> None:
    texts = [handle.get_label() for handle in handles]
    legend_above(figure, handles, texts)


def _residual_panel(axes: Any, spectrum: RegionSpectrum, *, few: bool, first: bool) -> None:
    axes.set_visible(True)
    axes.fill_between(
        spectrum.energy, -spectrum.frame_std, spectrum.frame_std, color=FAINT, linewidth=0, label="I₀, 1 σ"
    )
    axes.axhline(0, color=MUTED, linewidth=0.6)
    axes.errorbar(
        spectrum.energy, spectrum.residual, yerr=spectrum.random_std, fmt="o", markersize=2.6 if few else 1.8,
        color=CYCLE[0], elinewidth=0.8,
    )  # fmt: skip
    reach = 1.3 * float(np.nanmax(np.abs(spectrum.residual) + spectrum.random_std))
    reach = max(reach, 1.3 * float(np.nanmax(spectrum.frame_std)), 1e-6)
    axes.set_ylim(-reach, reach)
    axes.set_xlabel("photon energy / eV")
    axes.tick_params(labelbottom=True)
    if first:
        axes.set_ylabel("residual")


def reference_figure(
    references: xr.Dataset,
    *,
    options: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> bytes:
    """Draw the spectra of the end members with their one-sigma band; returns PNG or SVG bytes."""
    check(references, "references")
    energy = np.asarray(references["energy"].values, dtype=float)
    values = references["reference"].transpose("component", "energy").values
    with style(options):
        figure = empty_figure(options, 0.6, 1 / 3)
        axes = figure.subplots()
        for k, name in enumerate(map(str, references["component"].values)):
            label = name
            if "lithium_content" in references and np.isfinite(references["lithium_content"].values[k]):
                label = f"{name} (x = {references['lithium_content'].values[k]:g})"
            mark = "o-" if energy.size <= _FEW else "-"
            axes.plot(energy, values[k], mark, markersize=3, color=CYCLE[k + 1], label=label)
            if "reference_std" in references:
                std = references["reference_std"].transpose("component", "energy").values[k]
                axes.fill_between(energy, values[k] - std, values[k] + std, color=CYCLE[k + 1], alpha=0.25, linewidth=0)
        if energy.size <= _FEW:
            axes.set_xticks(energy)
        axes.set(xlabel="photon energy / eV", ylabel="OD per unit amount", title="References")
        axes.margins(y=0.12)
        legend_above(figure, side="right", ncols=3)
        return to_bytes(figure, options)
