"""Current densities from rates and thickness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import laws, stages
from lithiscope.errors import AnalysisError, OptionError, StageError, UnitError
from lithiscope.kinetics.extend import causes_of, extended
from lithiscope.kinetics.rates_options import CurrentOptions
from lithiscope.units import NANOMETRE

if TYPE_CHECKING:
    import xarray as xr

_RATE, _CURRENT = "insertion_rate", "current_density"
_THINNEST, _THICKEST = 1.0, 1e5  # nm; beyond, the number is surely in another unit


def with_current_density(
    rates: xr.Dataset,
    thickness: xr.DataArray | float | None = None,
    *,
    options: CurrentOptions = CurrentOptions(),  # noqa: B008 (frozen)
) -> xr.Dataset:
    """Add the current density through each reacting face, j = -e rho_s (dx/dt)/3600 Th/2 (Lim 2016, eq. S6).

    Parameters
    ----------
    rates : rate_video
        From `insertion_rate`.
    thickness : DataArray ([z], y, x) or float, optional
        Along the beam, nm. By default the thickness that the video carried.
    options : CurrentOptions
        Density of sites and whose number it is, faces, errors of the thickness.

    Returns
    -------
    rate_video
        With `current_density` (A/m2, positive = delithiation), its errors and flags, and the `thickness` used. New
        causes of shifts: ``attenuation_table`` (a measured thickness) or ``thickness`` (a stated one), and
        ``inactive_face`` (all of the current through one of two faces: the current density doubles).

    Raises
    ------
    AnalysisError
        If there is no thickness.
    OptionError, UnitError, StageError
        If the thickness is no thickness in nm, or has another shape.
    """
    stages.check(rates, "rate_video")
    dims = tuple(str(dim) for dim in rates[_RATE].dims[1:])
    nanometres = _thickness(rates, thickness, dims)
    stated = isinstance(thickness, (int, float))
    with np.errstate(invalid="ignore"):
        there = nanometres > 0
    weight = laws.current_density(
        1.0, np.where(there, nanometres, np.nan), site_density=options.site_density, faces=options.faces
    ).astype(np.float32)
    flag = np.asarray(rates[f"{_RATE}_flag"].values, np.uint16) | np.where(
        there, 0, stages.flag_bit("no_material")
    ).astype(np.uint16)
    current = np.where(stages.fatal_mask(flag), np.float32(np.nan), rates[_RATE].values * weight)
    space = " ".join(dims)
    variables: dict[str, tuple[str, Any]] = {
        _CURRENT: (f"interval {space}", current),
        f"{_CURRENT}_flag": (f"interval {space}", flag),
        "thickness": (space, nanometres),
    }
    if f"{_RATE}_std" in rates:
        variables[f"{_CURRENT}_std"] = (f"interval {space}", rates[f"{_RATE}_std"].values * np.abs(weight))
    scales = _scales(options, stated)
    old = causes_of(rates)
    causes = [*old, *(cause for cause in scales if cause not in old)]
    if causes:
        shift = np.zeros((len(causes), *current.shape), np.float32)
        if old:
            shift[: len(old)] = rates[f"{_RATE}_shift"].values * weight
        for cause, scale in scales.items():
            shift[causes.index(cause)] += np.float32(scale) * current
        variables[f"{_CURRENT}_shift"] = (f"systematic interval {space}", shift)
    attrs = {
        "faces": options.faces,
        "site_density_per_cubic_metre": f"{options.site_density:.4g} ({options.site_density_source})",
    }
    return extended(rates, variables, causes=causes, attrs=attrs)


def _scales(options: CurrentOptions, stated: bool) -> dict[str, float]:
    """Return the causes that move every current density in proportion, and by how much."""
    scales: dict[str, float] = {}
    if stated and options.stated_thickness_fraction:
        scales["thickness"] = options.stated_thickness_fraction
    if not stated and options.attenuation_fraction:
        scales["attenuation_table"] = options.attenuation_fraction
    if options.faces == 2 and options.inactive_face:
        scales["inactive_face"] = 1.0
    return scales


def _thickness(rates: xr.Dataset, given: xr.DataArray | float | None, dims: tuple[str, ...]) -> np.ndarray:
    shape = tuple(rates.sizes[dim] for dim in dims)
    if isinstance(given, (int, float)):
        if not _THINNEST <= given <= _THICKEST:
            raise OptionError(
                "this is no thickness in nanometres",
                field="thickness",
                value=given,
                limit=f"{_THINNEST:g} to {_THICKEST:g} nm",
                remedy="give it in nm",
            )
        return np.full(shape, float(given))
    if given is None and "thickness" not in rates:
        raise AnalysisError(
            "a current density needs the thickness of the particle",
            field="thickness",
            remedy="make it with composition.xray.with_thickness before the rates, or give a number in nm",
        )
    found = rates["thickness"] if given is None else given
    unit = found.attrs.get("units", NANOMETRE)
    if unit != NANOMETRE:
        raise UnitError(
            "the thickness has the wrong unit",
            field="thickness",
            value=unit,
            limit=NANOMETRE,
            remedy="convert with lithiscope.units.convert",
        )
    if tuple(found.dims) != dims or found.shape != shape:
        raise StageError(
            "thickness and rates differ in shape",
            field="thickness",
            value=dict(found.sizes),
            limit=str(dict(zip(dims, shape, strict=True))),
            remedy="use the thickness of the same pixels",
        )
    values = np.asarray(found.values, dtype=float)
    inside = values > 0
    if "label" in rates and np.any(rates["label"].values > 0):
        inside &= rates["label"].values > 0  # the foot of a rim outside the particles is thin, and no mistake
    known = values[np.isfinite(values) & inside]
    if known.size and not _THINNEST <= float(np.median(known)) <= _THICKEST:
        raise UnitError(
            "these are no thicknesses in nanometres",
            field="thickness",
            value=float(np.median(known)),
            limit=f"a median of {_THINNEST:g} to {_THICKEST:g} nm",
            remedy="give them in nm",
        )
    return values
