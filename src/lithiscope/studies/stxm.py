"""The steps of an STXM study, in order: raw files to lithium maps and the table of particles."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.composition import xray
from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.frames import correct, resample
from lithiscope.kinetics import dose_check
from lithiscope.particles import exclude_frames, find_particles, import_labels, particle_table
from lithiscope.progress import Reporter
from lithiscope.recordings import open_recording, read_spectrum
from lithiscope.stages import flag_bit
from lithiscope.studies.alignment import align
from lithiscope.studies.names import named_labels
from lithiscope.studies.runner import Step, options_at
from lithiscope.studies.sources import companions, raw_files, read_recording

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

# So small a share of too dense pixels is a speck of dirt; more is worth a warning.
_OPAQUE_SHARE = 0.005

Inputs = Mapping[str, "xr.Dataset"]


def stxm_steps() -> list[Step]:
    """Return the steps of an STXM study."""
    return [
        Step(
            "recording",
            (),
            options_at("data.series", "data.region", "data.timezone", "data.origin"),
            _recording,
            files=raw_files,
        ),
        Step("counts", ("recording",), options_at("correct"), _counts, files=_dark_files),
        Step(
            "alignment",
            ("counts",),
            _alignment_options,
            _alignment,
            files=lambda recipe: [*_incident_files(recipe), *(_reference_files(recipe) if _blind(recipe) else [])],
            methods=lambda recipe: ["lucas1981"] if recipe.align.scans else [],
        ),
        Step(
            "resampled",
            ("counts", "alignment"),
            options_at("align.energies", "align.scans", "align.resample"),
            _resampled,
        ),
        Step("optical_density", ("resampled",), options_at("incident"), _optical_density, files=_incident_files),
        Step("incident_methods", ("resampled",), options_at("incident"), _incident_methods, files=_incident_files),
        Step("references", ("optical_density",), options_at("references"), _references, files=_reference_files),
        Step(
            "composition",
            ("optical_density", "references", "alignment"),
            options_at("composition", "references.energy_offset_std"),
            _composition,
            files=_reference_files,
            methods=_composition_methods,
        ),
        Step(
            "labels",
            ("composition",),
            options_at("particles"),
            _labels,
            files=_label_files,
            remembers=True,
            methods=lambda recipe: ["otsu1979"] if recipe.particles.find.method == "otsu" else [],
        ),
        Step("dose", ("composition", "labels"), options_at("kinetics.dose"), _dose),
        Step("particles", ("composition", "labels"), options_at("particles.table"), _particles),
    ]


def _recording(recipe: Recipe, _inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    return read_recording(recipe, reporter=reporter)


def _counts(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    dark = open_recording(recipe.path(recipe.correct.dark)) if recipe.correct.dark else None
    return correct(inputs["recording"], dark=dark, options=recipe.correct, reporter=reporter)


def _alignment(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    provisional = _density(recipe, inputs["counts"])
    references = _made_references(recipe, provisional) if _blind(recipe) else None
    return align(provisional, references=references, options=recipe.align, reporter=reporter)


def _blind(recipe: Recipe) -> bool:
    """Whether the references say in which picture fronts do not show."""
    return recipe.align.scans and recipe.align.invariant.mode != "pre_edge"


def _alignment_options(recipe: Recipe) -> Any:
    names = ["align.energies", "align.scans", "align.invariant", "align.registration", "incident"]
    return options_at(*names, *(["references"] if _blind(recipe) else []))(recipe)


def _resampled(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    if not (recipe.align.energies or recipe.align.scans):
        return inputs["counts"]
    return resample(inputs["counts"], inputs["alignment"], options=recipe.align.resample, reporter=reporter)


def _optical_density(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    density = _density(recipe, inputs["resampled"])
    opaque = float(((density["signal_flag"].values & flag_bit("opaque")) != 0).mean())
    if opaque > _OPAQUE_SHARE:
        warnings.warn(
            f"{100 * opaque:.2g} % of the optical densities exceed {recipe.incident.opaque_above:g}: stray light "
            "biases them low; look where the flag opaque lies before trusting those particles",
            LithiscopeWarning,
            stacklevel=2,
        )
    if density.attrs.get("spectrum_relative_std") == 0 and not density.attrs["spectrum_std_stated"]:
        warnings.warn(
            "the error of the I0 spectrum is not known and counts as 0; state incident.spectrum_relative_std",
            LithiscopeWarning,
            stacklevel=2,
        )
    return density


def _density(recipe: Recipe, counts: xr.Dataset) -> xr.Dataset:
    return xray.optical_density(counts, **_incident_arguments(recipe, counts))


def _incident_methods(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    counts = inputs["resampled"]
    return xray.compare_incident(counts, **_incident_arguments(recipe, counts))


def _incident_arguments(recipe: Recipe, counts: xr.Dataset) -> dict[str, Any]:
    section = recipe.incident
    return {
        "spectrum": read_spectrum(recipe.path(section.spectrum)) if section.spectrum else None,
        "blank": _region(recipe, section.blank, counts) if section.blank else None,
        "options": xray.IncidentOptions(**section.model_dump(exclude={"spectrum", "blank"})),
    }


def _references(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return _made_references(recipe, inputs["optical_density"])


def _shifted_references(recipe: Recipe, density: xr.Dataset) -> xr.Dataset | None:
    """Return the references with their energies moved by the error of the calibration, where that is known."""
    section = recipe.references
    if not (section.spectra and section.energy_offset_std):
        return None
    return _made_references(recipe, density, moved=section.energy_offset_std)


def _made_references(recipe: Recipe, density: xr.Dataset, *, moved: float = 0.0) -> xr.Dataset:
    section = recipe.references
    options = xray.ReferenceOptions(energy_offset=section.energy_offset + moved, scale=section.scale)
    scans = bool(section.lithiated_scans), bool(section.delithiated_scans)
    masks = section.lithiated_mask, section.delithiated_mask
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
    if all(scans) and not section.spectra and not any(masks):
        return xray.references_from_frames(
            density,
            lithiated=_frames(density, section.lithiated_scans),
            delithiated=_frames(density, section.delithiated_scans),
            mask=_region(recipe, section.mask, density) if section.mask else None,
            options=options,
        )
    if masks[0] and masks[1] and not section.spectra and not any(scans):
        lithiated, delithiated = (_region(recipe, file, density) for file in masks if file)
        return xray.references_from_mask(density, lithiated=lithiated, delithiated=delithiated, options=options)
    raise OptionError(
        "the end members are not given",
        field="references",
        limit="either spectra, or both lithiated_scans and delithiated_scans, or both lithiated_mask and "
        "delithiated_mask",
        remedy="name a file per end member, or the scans held at 2 V and at 4 V, or a region of each",
    )


def _region(recipe: Recipe, file: Path, density: xr.Dataset) -> xr.DataArray:
    return import_labels(recipe.path(file), density) > 0


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


def _composition(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    section, references = recipe.composition, inputs["references"]
    density = xray.to_common_time(inputs["optical_density"], options=section.common_time)
    video = xray.lithium_fraction(density, references, options=section.unmix)
    video = xray.systematic_shifts(
        inputs["optical_density"],
        references,
        video,
        alignment=inputs["alignment"],
        shifted_references=_shifted_references(recipe, inputs["optical_density"]),
        unmix=section.unmix,
        common_time=section.common_time,
        options=section.systematics,
    )
    video = xray.with_thickness(video, density, options=section.thickness)
    return xray.with_dose(video, inputs["optical_density"], options=section.dose)


def _composition_methods(recipe: Recipe) -> list[str]:
    table = {"henke": "henke1993", "chantler": "chantler1995"}
    return ["lim2016", table[recipe.composition.thickness.table]]


def _kept_frames(recipe: Recipe, inputs: Inputs) -> xr.Dataset:
    """Return the video without the frames that the user excluded; they must not shape the masks either."""
    return exclude_frames(inputs["composition"], options=recipe.particles.table)


def _labels(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    section, video = recipe.particles, _kept_frames(recipe, inputs)
    if section.labels:
        label = import_labels(recipe.path(section.labels), video, options=section.imported)
    else:
        label = find_particles(video, options=section.find)
    return named_labels(label, inputs.get("previous"))


def _dose(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels = inputs["labels"]
    names = dict(zip(labels["number"].values.tolist(), labels["particle"].values.tolist(), strict=True))
    image = labels["label"]
    if "cycle" in image.dims:
        # The beam does not ask where a particle was in another cycle.
        image = image.max("cycle")
    return dose_check(inputs["composition"], image, names, options=recipe.kinetics.dose)


def _particles(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels = inputs["labels"]
    names = dict(zip(labels["number"].values.tolist(), labels["particle"].values.tolist(), strict=True))
    return particle_table(_kept_frames(recipe, inputs), labels["label"], names, options=recipe.particles.table)


def _dark_files(recipe: Recipe) -> list[Path]:
    dark = recipe.path(recipe.correct.dark) if recipe.correct.dark else None
    return [dark, *companions(dark)] if dark else []


def _incident_files(recipe: Recipe) -> list[Path]:
    section = recipe.incident
    return [recipe.path(file) for file in (section.spectrum, section.blank) if file]


def _reference_files(recipe: Recipe) -> list[Path]:
    files = [entry.file for entry in recipe.references.spectra.values()]
    section = recipe.references
    masks = (section.mask, section.lithiated_mask, section.delithiated_mask)
    return [recipe.path(file) for file in (*files, *masks) if file]


def _label_files(recipe: Recipe) -> list[Path]:
    return [recipe.path(recipe.particles.labels)] if recipe.particles.labels else []
