"""The steps of an STXM study, in order: raw files to lithium maps and the table of particles."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import LithiscopeWarning
from lithiscope.kinetics import dose_check
from lithiscope.particles import (
    doubts,
    exclude_frames,
    excluded_frames,
    find_particles,
    import_labels,
    particle_table,
    strays,
    track,
)
from lithiscope.progress import Reporter
from lithiscope.studies.names import named_labels
from lithiscope.studies.pieces import Pieces
from lithiscope.studies.runner import Step, options_at
from lithiscope.studies.sources import companions, raw_files, read_recording
from lithiscope.studies.stxm_pictures import (
    alignment,
    blind,
    composition,
    corrected,
    incident_methods,
    optical_density,
    resampled,
)
from lithiscope.studies.stxm_references import made_references
from lithiscope.studies.summary import particle_masks

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

Inputs = Mapping[str, Any]


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
        Step(
            "counts",
            ("recording",),
            options_at("correct"),
            corrected,
            files=_dark_files,
            methods=lambda recipe: ["mueller1973"] if recipe.correct.dead_time > 0 else [],
        ),
        Step(
            "alignment",
            ("counts",),
            _alignment_options,
            alignment,
            files=_alignment_files,
            methods=lambda recipe: ["lucas1981"] if recipe.align.energies or recipe.align.scans else [],
        ),
        Step(
            "resampled",
            ("counts", "alignment"),
            options_at("align.energies", "align.scans", "align.resample"),
            resampled,
            methods=lambda recipe: ["unser1999"] if recipe.align.energies or recipe.align.scans else [],
        ),
        Step("optical_density", ("resampled",), options_at("incident"), optical_density, files=_incident_files),
        Step("incident_methods", ("resampled",), options_at("incident"), incident_methods, files=_incident_files),
        Step("references", ("optical_density",), options_at("references"), _references, files=_reference_files),
        Step(
            "composition",
            ("optical_density", "references", "alignment"),
            options_at("composition", "references.energy_offset_std"),
            composition,
            files=_reference_files,
            methods=_composition_methods,
        ),
        Step(
            "labels",
            ("composition",),
            options_at("particles.find", "particles.labels", "particles.imported", "particles.table"),
            _labels,
            files=_label_files,
            remembers=True,
            methods=lambda recipe: ["otsu1979"] if recipe.particles.find.method == "otsu" else [],
        ),
        Step("tracks", ("composition", "labels"), options_at("particles.track"), _tracks),
        Step("dose", ("composition", "labels"), options_at("kinetics.dose"), _dose),
        Step("particles", ("composition", "labels"), options_at("particles.table"), _particles),
    ]


def _recording(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset | Pieces:
    return read_recording(recipe, memory=inputs.get("memory"), reporter=reporter)


def _references(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return made_references(recipe, inputs["optical_density"])


def _alignment_options(recipe: Recipe) -> Any:
    parts = ("energies", "scans", "area", "max_slip", "invariant", "registration")
    names = [*(f"align.{part}" for part in parts), "incident"]
    return options_at(*names, *(["references"] if blind(recipe) else []))(recipe)


def _alignment_files(recipe: Recipe) -> list[Path]:
    area = [recipe.path(recipe.align.area)] if recipe.align.area else []
    return [*_incident_files(recipe), *area, *(_reference_files(recipe) if blind(recipe) else [])]


def _composition_methods(recipe: Recipe) -> list[str]:
    table = {"henke": "henke1993", "chantler": "chantler1995"}
    return ["lim2016", table[recipe.composition.thickness.table]]


def _kept_frames(recipe: Recipe, inputs: Inputs) -> xr.Dataset:
    """Return the video without the frames that the user excluded; they must not shape the masks either."""
    video = inputs["composition"]
    kept = video.isel(time=~excluded_frames(video, recipe.particles.table.exclude))
    # A cycle of which nothing is left is for the masks to complain about.
    whole = "cycle" not in video.coords or set(kept["cycle"].values) == set(video["cycle"].values)
    return kept if whole and kept.sizes["time"] else exclude_frames(video, options=recipe.particles.table)


def _labels(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    section, video = recipe.particles, _kept_frames(recipe, inputs)
    if section.labels:
        label = import_labels(recipe.path(section.labels), video, options=section.imported)
    else:
        label = find_particles(video, options=section.find)
    return named_labels(label, inputs.get("previous"))


def _tracks(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    video, labels = inputs["composition"], inputs["labels"]
    tracks = track(video, labels["label"], _names(labels), options=recipe.particles.track)
    for text in strays(tracks, float(np.abs(np.diff(video["x"].values)).mean())):
        warnings.warn(text, LithiscopeWarning, stacklevel=2)
    return tracks


def _names(labels: xr.Dataset) -> dict[int, str]:
    return dict(zip(labels["number"].values.tolist(), labels["particle"].values.tolist(), strict=True))


def _dose(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels = inputs["labels"]
    image = labels["label"]
    if "cycle" in image.dims:
        # The beam does not ask where a particle was in another cycle.
        image = image.max("cycle")
    return dose_check(inputs["composition"], image, _names(labels), options=recipe.kinetics.dose)


def _particles(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    labels = inputs["labels"]
    table = particle_table(inputs["composition"], labels["label"], _names(labels), options=recipe.particles.table)
    for text in doubts(table):
        warnings.warn(text, LithiscopeWarning, stacklevel=2)
    if not np.isfinite(table["lithium_fraction"].values).any():
        warnings.warn(_no_value(inputs["composition"], labels["label"]), LithiscopeWarning, stacklevel=2)
    return table


def _no_value(video: xr.Dataset, label: xr.DataArray) -> str:
    """Return in words that no particle has a lithium fraction in any frame, and what its pixels were flagged with."""
    masks = particle_masks(label, video)
    counts: Counter[str] = Counter()
    for flag, mask in zip(stages.each_frame(video["lithium_fraction_flag"]), masks, strict=True):
        counts.update(stages.flag_counts(flag[mask]))
    flags = ", ".join(f"{name} {count}" for name, count in counts.most_common(3) if count)
    return (
        "no particle has a lithium fraction in any frame"
        + (f" (flags of their pixels: {flags})" if flags else "")
        + ": are the references optical densities of these materials, and the frames not all excluded?"
    )


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
