"""The end members of a study: from files, from chosen scans or from chosen regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.composition import xray
from lithiscope.errors import OptionError
from lithiscope.particles import area_of_pixels, import_area
from lithiscope.recordings import read_spectrum

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe, ReferenceSection


def shifted_references(recipe: Recipe, density: xr.Dataset) -> xr.Dataset | None:
    """Return the references with their energies moved by the error of the calibration, where that is known."""
    section = recipe.references
    if not (section.spectra and section.energy_offset_std):
        return None
    return made_references(recipe, density, moved=section.energy_offset_std)


def made_references(recipe: Recipe, density: xr.Dataset, *, moved: float = 0.0) -> xr.Dataset:
    """Return the references that a recipe names, at the energies of optical densities, moved by so many eV.

    Raises
    ------
    OptionError
        If the recipe gives none, more than one kind, or scans that are not there.
    """
    section = recipe.references
    options = xray.ReferenceOptions(energy_offset=section.energy_offset + moved, scale=section.scale)
    scans = bool(section.lithiated_scans), bool(section.delithiated_scans)
    masks = section.lithiated_mask, section.delithiated_mask
    pixels = section.lithiated_pixels, section.delithiated_pixels
    if all(pixels) and not (section.spectra or any(scans) or any(masks)):
        lithiated, delithiated = _chosen_pixels(section, density)
        return xray.references_from_mask(density, lithiated=lithiated, delithiated=delithiated, options=options)
    if any(pixels):
        raise _not_given()
    if section.spectra and not any(scans) and not any(masks):
        spectra = {
            name: read_spectrum(recipe.path(entry.file), column=entry.column) for name, entry in section.spectra.items()
        }
        contents = {
            name: np.nan if entry.lithium_content is None else entry.lithium_content
            for name, entry in section.spectra.items()
        }
        return xray.references_from_spectra(
            spectra, density["energy"].values, lithium_content=contents, options=options
        )
    both = sorted({*section.lithiated_scans} & {*section.delithiated_scans})
    if both:
        raise OptionError(
            "a scan is called lithiated and delithiated",
            field="references.lithiated_scans, references.delithiated_scans",
            value=both[0],
            remedy="name every scan in one of the two only",
        )
    if all(scans) and not section.spectra and not any(masks):
        return xray.references_from_frames(
            density,
            lithiated=_frames(density, section.lithiated_scans),
            delithiated=_frames(density, section.delithiated_scans),
            mask=region_of(recipe, section.mask, density) if section.mask else None,
            options=options,
        )
    if masks[0] and masks[1] and not section.spectra and not any(scans):
        lithiated, delithiated = (region_of(recipe, file, density) for file in masks if file)
        return xray.references_from_mask(density, lithiated=lithiated, delithiated=delithiated, options=options)
    raise _not_given()


def _not_given() -> OptionError:
    return OptionError(
        "the end members are not given, or in more than one way",
        field="references",
        limit="either spectra, or both lithiated_scans and delithiated_scans, or both lithiated_mask and "
        "delithiated_mask, or both lithiated_pixels and delithiated_pixels",
        remedy="name a file per end member, or the scans held at 2 V and at 4 V, or a region or pixels of each",
    )


def _chosen_pixels(section: ReferenceSection, density: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    both = sorted({*section.lithiated_pixels} & {*section.delithiated_pixels})
    if both:
        raise OptionError(
            "a pixel is called lithiated and delithiated",
            field="references.lithiated_pixels, references.delithiated_pixels",
            value=list(both[0]),
            remedy="name every pixel in one of the two only",
        )
    lithiated, delithiated = (
        area_of_pixels(getattr(section, name), density, field=f"references.{name}")
        for name in ("lithiated_pixels", "delithiated_pixels")
    )
    return lithiated, delithiated


def region_of(recipe: Recipe, file: Path, density: xr.Dataset) -> xr.DataArray:
    """Return the area that a file of the recipe marks on the pictures; its regions may overlap."""
    return import_area(recipe.path(file), density)


def _frames(density: xr.Dataset, scans: Sequence[int]) -> list[int]:
    known = density["scan"].values.tolist()
    for scan in scans:
        if scan not in known:
            raise OptionError(
                "there is no such scan",
                field="references",
                value=scan,
                limit=f"one of {known}",
                remedy="use the numbers that `lithiscope check` lists",
            )
    return [known.index(scan) for scan in scans]
