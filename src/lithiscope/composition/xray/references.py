"""End members: their spectra at the energies of the data, from files or from the pictures themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.composition.xray.incident import interpolated
from lithiscope.composition.xray.options import ReferenceOptions
from lithiscope.composition.xray.pictures import FloatArray, axis_values, frame_std, gain, image_mask, pictures
from lithiscope.errors import AnalysisError
from lithiscope.stages import new

if TYPE_CHECKING:
    import xarray as xr

_LITHIUM = {"lithiated": 1.0, "delithiated": 0.0}


def references_from_spectra(
    spectra: Mapping[str, xr.DataArray],
    energies: Any,
    *,
    lithium_content: Mapping[str, float],
    stds: Mapping[str, xr.DataArray] | None = None,
    source: str = "spectra",
    options: ReferenceOptions = ReferenceOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Put spectra of end members on the energies of the data; their scale is kept.

    Parameters
    ----------
    spectra : mapping of name to DataArray (energy)
        Optical density over energy (eV), all on one scale: per thickness, per amount, or per edge jump.
    energies : (K,) array
        Energies of the data, eV.
    lithium_content : mapping of name to float
        Lithium fraction that a component stands for; components that are not named carry none.
    stds : mapping of name to DataArray (energy), optional
        Standard deviations of the spectra.
    source : str
        Where they came from, for the record.
    options : ReferenceOptions
        `energy_offset` shifts the spectra.

    Returns
    -------
    Dataset
        The stage `references`.

    Raises
    ------
    AnalysisError
        If a spectrum does not cover the energies, if one that carries lithium content does not absorb, or if none does.
    """
    axis = np.asarray(energies, dtype=float)
    names = list(spectra)
    unknown = sorted(set(lithium_content) - set(names))
    if unknown or not lithium_content:
        raise AnalysisError(
            "the lithium content does not fit the spectra",
            field="lithium_content",
            value=unknown or "empty",
            limit=", ".join(names),
            remedy="name at least one of the spectra",
        )
    values = [interpolated(spectra[name], axis, field=name, offset=options.energy_offset) for name in names]
    for name, spectrum in zip(names, values, strict=True):
        if np.isfinite(lithium_content.get(name, np.nan)) and not spectrum.mean() > 0:
            raise AnalysisError(
                "a reference does not absorb",
                field=name,
                value=f"mean optical density {spectrum.mean():.3g}",
                limit="above 0, over the energies of the data",
                remedy="give optical densities, -ln(I/I0), not their negative and not counts",
            )
    spread = None
    if stds is not None:
        spread = np.stack(
            [
                interpolated(stds[name], axis, field=f"std of {name}", offset=options.energy_offset)
                if name in stds
                else np.zeros(axis.size)
                for name in names
            ]
        )
    content = [lithium_content.get(name, np.nan) for name in names]
    return _references(names, axis, np.stack(values), spread, content, source)


def references_from_mask(
    od: xr.Dataset,
    *,
    lithiated: Any,
    delithiated: Any,
    options: ReferenceOptions = ReferenceOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Take the end members from two regions that are known to be lithiated and delithiated, over all frames.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x).
    lithiated, delithiated : (Y, X) bool array
        The regions. If they differ in thickness, use ``scale="pre_edge"``.
    options : ReferenceOptions
        The scale.

    Returns
    -------
    Dataset
        The stage `references`: components ``lithiated`` and ``delithiated`` with standard deviations.

    Raises
    ------
    AnalysisError
        If a region is empty, or its pre-edge does not absorb where the scale needs it.
    """
    every = range(od.sizes["time"])
    return _from_pictures(
        od,
        {
            "lithiated": (every, image_mask(lithiated, od, field="lithiated")),
            "delithiated": (every, image_mask(delithiated, od, field="delithiated")),
        },
        options,
    )


def references_from_frames(
    od: xr.Dataset,
    *,
    lithiated: Sequence[int],
    delithiated: Sequence[int],
    mask: Any = None,
    options: ReferenceOptions = ReferenceOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Take the end members from frames in which the same material is known to be lithiated and delithiated.

    With the scale ``mean`` an amount of 1 is the mean thickness of the material ([L]: held at 2 V and at 4 V).

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x); aligned.
    lithiated, delithiated : sequence of int
        Indices along time.
    mask : (Y, X) bool array, optional
        Where the material is; without it every pixel is used.
    options : ReferenceOptions
        The scale.

    Returns
    -------
    Dataset
        The stage `references`: components ``lithiated`` and ``delithiated`` with standard deviations.

    Raises
    ------
    AnalysisError
        If an index does not exist or nothing is left.
    """
    region = np.ones((od.sizes["y"], od.sizes["x"]), bool) if mask is None else image_mask(mask, od, field="mask")
    for field, indices in (("lithiated", lithiated), ("delithiated", delithiated)):
        wrong = [index for index in indices if not -od.sizes["time"] <= index < od.sizes["time"]]
        if wrong or len(indices) == 0:
            raise AnalysisError(
                "a reference frame does not exist",
                field=field,
                value=wrong or "none",
                limit=f"indices 0 to {od.sizes['time'] - 1}",
                remedy="count scans from 0, as `lithiscope check` lists them",
            )
    return _from_pictures(od, {"lithiated": (lithiated, region), "delithiated": (delithiated, region)}, options)


def _from_pictures(
    od: xr.Dataset, regions: Mapping[str, tuple[Sequence[int], np.ndarray]], options: ReferenceOptions
) -> xr.Dataset:
    values, stds = zip(
        *(_mean_spectrum(od, times, mask, name, options) for name, (times, mask) in regions.items()), strict=True
    )
    content = [_LITHIUM[name] for name in regions]
    axis = axis_values(od, "energy")
    return _references(list(regions), axis, np.stack(values), np.stack(stds), content, "pictures")


def _mean_spectrum(
    od: xr.Dataset, times: Sequence[int], mask: np.ndarray, name: str, options: ReferenceOptions
) -> tuple[FloatArray, FloatArray]:
    """Return the mean over region and frames, and its standard deviation: pixels' noise and I0 in quadrature."""
    chosen = list(times)
    total, variance = np.zeros((2, od.sizes["energy"]))
    number = np.zeros(od.sizes["energy"], dtype=int)
    for time in chosen:  # one by one: the series may be larger than the memory
        scan = od.isel(time=[time])
        data = pictures(scan, quantity="optical_density")
        picked = data.values[0][..., mask].astype(float)
        valid = np.isfinite(picked)
        number += valid.sum(axis=1)
        total += np.where(valid, picked, 0).sum(axis=1)
        if data.std is not None:
            native = data.std[0][..., mask].astype(float) / gain(scan)[0][:, None]
            variance += np.where(valid, np.square(native), 0).sum(axis=1)
    if np.any(number == 0):
        raise AnalysisError(
            "a reference region holds no optical density",
            field=name,
            value=f"{int(mask.sum())} pixels",
            limit="at least one pixel with a value at every energy",
            remedy="draw it elsewhere",
        )
    mean = total / number
    common = np.sqrt(np.sum(np.square(frame_std(od)[chosen]), axis=0)) / len(chosen)
    random = np.sqrt(variance) / number
    std = np.hypot(random, common)
    if options.scale == "mean":
        return mean, std
    first = int(np.argmin(axis_values(od, "energy")))
    if not mean[first] > 3 * std[first]:
        raise AnalysisError(
            "the pre-edge of a reference region does not absorb",
            field=name,
            value=f"optical density {mean[first]:.3g} +- {std[first]:.2g}",
            limit="above three standard deviations",
            remedy="use scale='mean', or check I0",
        )
    relative = std[first] / mean[first]
    return mean / mean[first], np.hypot(std / mean[first], mean / mean[first] * relative) * (
        np.arange(mean.size) != first
    )


def _references(
    names: list[str],
    energies: FloatArray,
    values: FloatArray,
    stds: FloatArray | None,
    content: list[float],
    source: str,
) -> xr.Dataset:
    return new(
        "references",
        {
            "reference": ("component energy", values),
            "reference_std": ("component energy", stds),
            "lithium_content": ("component", content),
        }
        if stds is not None
        else {"reference": ("component energy", values), "lithium_content": ("component", content)},
        coords={"component": ("component", names), "energy": ("energy", energies)},
        attrs={"source": source},
    )
