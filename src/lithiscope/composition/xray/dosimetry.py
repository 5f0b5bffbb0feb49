"""The dose that the beam left in the material."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.composition.xray.options import DoseOptions
from lithiscope.composition.xray.pictures import FloatArray, axis_values, extended, pictures
from lithiscope.errors import AnalysisError
from lithiscope.units import GRAY

if TYPE_CHECKING:
    import xarray as xr

_ELEMENTARY_CHARGE = 1.602176634e-19  # J/eV, exact (SI 2019)


def dose(
    od: xr.Dataset,
    thickness: xr.DataArray,
    *,
    before: FloatArray | float = 0.0,
    options: DoseOptions = DoseOptions(),  # noqa: B008 (frozen)
) -> xr.DataArray:
    """Return the dose absorbed by each pixel up to and including each scan.

    Absorbed photons, (I0 - I)/efficiency, times photon energy over mass, summed over energies and scans. Everything
    that absorbs along the beam is charged to the material, so the dose is an upper bound where window or liquid
    absorb too. A picture without a value at a pixel is charged that pixel's mean.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x), with ``incident``.
    thickness : DataArray (y, x)
        Nanometres.
    before : array (y, x) or float
        Dose that was absorbed before the first of these scans, Gy.
    options : DoseOptions
        Density, efficiency, least thickness.

    Returns
    -------
    DataArray (time, y, x)
        Gray; NaN where the material is thinner than `minimum_thickness`.

    Raises
    ------
    AnalysisError
        If the incident counts are not known or the thickness has another shape.
    """
    import xarray as xr

    values = pictures(od, quantity="optical_density").values
    if "incident" not in od or thickness.shape != values.shape[2:]:
        raise AnalysisError(
            "the dose cannot be counted",
            field="incident" if "incident" not in od else "thickness",
            value=None if "incident" not in od else thickness.shape,
            limit=f"incident counts per picture, and a thickness of shape {values.shape[2:]}",
            remedy="use the optical density made by optical_density(...) and its thickness",
        )
    photons = od["incident"].values / float(od.attrs.get("counts_per_photon", 1.0)) / options.efficiency
    mass = _pixel_mass(od, np.asarray(thickness.values, dtype=float), options)
    absorbed = np.zeros(values.shape[:1] + values.shape[2:])
    for k, energy in enumerate(axis_values(od, "energy")):
        share = 1 - np.exp(-_filled(values[:, k].astype(float)))
        absorbed += share * photons[:, k, None, None] * energy * _ELEMENTARY_CHARGE
    running = before + np.cumsum(absorbed, axis=0) / mass
    return xr.DataArray(
        running.astype(np.float32),
        dims=("time", "y", "x"),
        coords={name: od[name].values for name in ("time", "y", "x")},
        attrs={"units": GRAY, "long_name": "absorbed dose up to and including the frame"},
    )


def with_dose(
    video: xr.Dataset,
    od: xr.Dataset,
    *,
    before: FloatArray | float = 0.0,
    options: DoseOptions = DoseOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Return the CompositionVideo with its running `dose` (time, y, x) in Gy; it must have a `thickness`.

    `before` is the dose of earlier scans, as for `dose`.

    Raises
    ------
    AnalysisError
        If the video has no thickness, or the incident counts are not known.
    """
    if "thickness" not in video:
        raise AnalysisError(
            "the dose needs the thickness of the material", field="thickness", remedy="call with_thickness before"
        )
    return extended(video, {"dose": ("time y x", dose(od, video["thickness"], before=before, options=options).values)})


def _pixel_mass(od: xr.Dataset, nanometres: FloatArray, options: DoseOptions) -> FloatArray:
    if min(od.sizes["y"], od.sizes["x"]) < 2:
        raise AnalysisError(
            "the area of a pixel is not known",
            field="y, x",
            limit="at least 2 x 2 pixels",
            remedy="use pictures of at least 2 x 2 pixels, or leave the dose out (composition.dose)",
        )
    area = np.prod([np.abs(np.diff(axis_values(od, axis))).mean() for axis in ("y", "x")]) * 1e-12
    there = np.where(nanometres >= options.minimum_thickness, nanometres, np.nan)
    return np.asarray(there * 1e-9 * area * options.density * 1e3)


def _filled(picture: FloatArray) -> FloatArray:
    number = np.isfinite(picture).sum(axis=0)
    mean = np.where(number > 0, np.nansum(picture, axis=0) / np.maximum(number, 1), np.nan)
    return np.where(np.isfinite(picture), picture, mean)
