"""The steps of an STXM study that go through all pictures, in pieces along time where the series is long.

Every scan is worked on by itself but for three things: the alignment of scans with each other, which takes one picture
of each; the common time of the energies, for which each scan needs its neighbours; and what counts as material, which
is the time-mean amount of all scans and found on a first way through.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.composition import xray
from lithiscope.errors import LithiscopeWarning
from lithiscope.frames import correct_parts, joined_notes, resample
from lithiscope.progress import Reporter
from lithiscope.recordings import open_recording, read_spectrum
from lithiscope.stages import flag_bit, new
from lithiscope.studies.alignment import align
from lithiscope.studies.pieces import Pieces, Stretch, scans_at_once, stretches
from lithiscope.studies.stxm_references import made_references, region_of, shifted_references

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

# So small a share of too dense pixels is a speck of dirt; more is worth a warning.
_OPAQUE_SHARE = 0.005
# Memory of each step over that of its counts in float32, measured with 40 scans of 3 energies and 512 x 512 pixels.
_CORRECTING, _ALIGNING, _RESAMPLING, _DENSITY, _COMPOSING = 9.0, 12.0, 8.0, 10.0, 40.0

Inputs = Mapping[str, Any]


def blind(recipe: Recipe) -> bool:
    """Whether the references say in which picture fronts do not show."""
    return recipe.align.scans and recipe.align.invariant.mode != "pre_edge"


def corrected(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> Pieces:
    """Correct the counts for detector and beam."""
    recording, memory = inputs["recording"], inputs.get("memory")
    dark = open_recording(recipe.path(recipe.correct.dark)) if recipe.correct.dark else None
    spans = [slice(0, recording.sizes["time"])]
    if "energy" in recording.sizes:
        scans = recording.sizes["time"]
        spans = [span.own for span in stretches(scans, scans_at_once(recording, memory, _CORRECTING))]
    return Pieces(correct_parts(recording, spans, dark=dark, options=recipe.correct, reporter=reporter), joined_notes)


def alignment(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    """Align the energies of each scan, then the scans."""
    counts = inputs["counts"]
    spans = stretches(counts.sizes["time"], scans_at_once(counts, inputs.get("memory"), _ALIGNING))
    references = None
    if blind(recipe):
        shown = _scans_of_references(recipe, counts)
        references = made_references(recipe, density_of(recipe, shown, part=shown is not counts))
    parts = (density_of(recipe, counts.isel(time=span.own), part=len(spans) > 1) for span in spans)
    scratch = inputs["scratch"] if len(spans) > 1 else None
    area = region_of(recipe, recipe.align.area, counts) if recipe.align.area else None
    return align(parts, references=references, area=area, options=recipe.align, scratch=scratch, reporter=reporter)


def _scans_of_references(recipe: Recipe, counts: xr.Dataset) -> xr.Dataset:
    """Return the scans that references are made of: those that are named, any with spectra, all with regions."""
    section = recipe.references
    named = [*section.lithiated_scans, *section.delithiated_scans]
    if section.lithiated_mask or section.delithiated_mask or section.lithiated_pixels or section.delithiated_pixels:
        return counts
    chosen = np.isin(counts["scan"].values, named) if named else np.arange(counts.sizes["time"]) == 0
    return counts.isel(time=np.flatnonzero(chosen)) if chosen.any() else counts


def resampled(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> Pieces:
    """Move every frame once."""
    counts, places = inputs["counts"], inputs["alignment"]
    spans = stretches(counts.sizes["time"], scans_at_once(counts, inputs.get("memory"), _RESAMPLING))
    if not (recipe.align.energies or recipe.align.scans):
        return Pieces(counts.isel(time=span.own) for span in spans)
    options = recipe.align.resample
    return Pieces(
        resample(counts.isel(time=span.own), places.isel(time=span.own), options=options, reporter=reporter)
        for span in spans
    )


def optical_density(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> Pieces:
    """Turn counts into optical densities, and warn of what is too dense."""
    counts = inputs["resampled"]
    spans = stretches(counts.sizes["time"], scans_at_once(counts, inputs.get("memory"), _DENSITY))

    def parts() -> Iterator[xr.Dataset]:
        opaque, total = 0, 0
        for span in spans:
            density = density_of(recipe, counts.isel(time=span.own), part=len(spans) > 1)
            flag = density["signal_flag"].values
            opaque, total = opaque + int(((flag & flag_bit("opaque")) != 0).sum()), total + flag.size
            if density.attrs.get("spectrum_relative_std") == 0 and not density.attrs["spectrum_std_stated"]:
                warnings.warn(
                    "the error of the I0 spectrum is not known and counts as 0; state incident.spectrum_relative_std",
                    LithiscopeWarning,
                    stacklevel=2,
                )
            yield density
        if opaque > _OPAQUE_SHARE * total:
            warnings.warn(
                f"{100 * opaque / total:.2g} % of the optical densities exceed {recipe.incident.opaque_above:g}: stray "
                "light biases them low; look where the flag opaque lies before trusting those particles",
                LithiscopeWarning,
                stacklevel=2,
            )

    return Pieces(parts(), _density_attributes)


def incident_methods(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    """Find I0 in every way that the recipe allows, and warn where they disagree."""
    counts = inputs["resampled"]
    spans = stretches(counts.sizes["time"], scans_at_once(counts, inputs.get("memory"), _DENSITY))
    arguments = incident_arguments(recipe, counts)
    if len(spans) == 1:
        return xray.compare_incident(counts, **arguments)
    return xray.compare_incident((counts.isel(time=span.own) for span in spans), **arguments)


def _density_attributes(found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the attributes of densities that were made in parts."""
    whole = dict(found[0])
    if "blank_share" in whole:
        whole["blank_share"] = [share for part in found for share in part["blank_share"]]
    if "blank_pixels" in whole:
        whole["blank_pixels"] = min(part["blank_pixels"] for part in found)
    return whole


def density_of(recipe: Recipe, counts: xr.Dataset, *, part: bool = False) -> xr.Dataset:
    """Return the optical densities of counts, with I0 as the recipe says."""
    return xray.optical_density(counts, part=part, **incident_arguments(recipe, counts))


def incident_arguments(recipe: Recipe, counts: xr.Dataset) -> dict[str, Any]:
    """Return how I0 is found."""
    section = recipe.incident
    return {
        "spectrum": read_spectrum(recipe.path(section.spectrum)) if section.spectrum else None,
        "blank": region_of(recipe, section.blank, counts) if section.blank else None,
        "options": xray.IncidentOptions(**section.model_dump(exclude={"spectrum", "blank"})),
    }


def composition(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> Pieces:
    """Turn optical densities into lithium fractions with their errors, thickness and dose."""
    density, memory = inputs["optical_density"], inputs.get("memory")
    spans = stretches(density.sizes["time"], scans_at_once(density, memory, _COMPOSING, neighbours=1), neighbours=1)
    weights: list[dict[str, float]] = []

    def parts() -> Iterator[xr.Dataset]:
        series = _Series(recipe, inputs)
        material = series.look_through(spans) if len(spans) > 1 else None
        dose: Any = 0.0
        for span in spans:
            video = series.composed(span, material, dose)
            weights.append(xray.attribute_weights(video))
            dose = video["dose"].values[-1].astype(float)
            yield video

    return Pieces(parts(), lambda found: xray.joined_attributes(found, weights) if len(found) > 1 else found[0])


class _Series:
    """A series of optical densities that is composed stretch by stretch."""

    def __init__(self, recipe: Recipe, inputs: Inputs) -> None:
        self.section = recipe.composition
        self.density, self.references, self.places = (
            inputs[name] for name in ("optical_density", "references", "alignment")
        )
        self.shifted = shifted_references(recipe, self.density)
        self.thin: xr.Dataset | None = None

    def at_common_time(self, span: Stretch, **changes: Any) -> xr.Dataset:
        """Return the densities of a stretch with the energies of each scan at its time."""
        options = self.section.common_time.model_copy(update=changes)
        return xray.to_common_time(self.density.isel(time=span.with_neighbours), options=options).isel(time=span.inner)

    def look_through(self, spans: Sequence[Stretch]) -> xray.Material:
        """Find where there is material, and the time mean of the picture that tells the thickness."""
        total: Any = 0.0
        number: Any = 0

        def parts() -> Iterator[xr.Dataset]:
            nonlocal total, number
            for span in spans:
                part = self.at_common_time(span)
                picture = part["signal"].values[:, [int(np.argmin(part["energy"].values))]]
                total = total + np.nansum(picture, axis=0, dtype=float, keepdims=True)
                number = number + np.isfinite(picture).sum(axis=0, keepdims=True)
                yield part

        material = xray.find_material(parts(), self.references, self.section.unmix)
        self.thin = _picture(self.density, np.where(number > 0, total / np.maximum(number, 1), np.nan))
        return material

    def composed(self, span: Stretch, material: xray.Material | None, dose: Any) -> xr.Dataset:
        """Return the composition of a stretch, after which scans have left a dose."""
        section, own = self.section, self.density.isel(time=span.own).load()
        density = self.at_common_time(span)
        skewed = section.systematics.time_skew and material is not None and "exposure_mid" in own
        video = xray.lithium_fraction(density, self.references, options=section.unmix, material=material)
        video = xray.systematic_shifts(
            own,
            self.references,
            video,
            alignment=self.places.isel(time=span.own),
            shifted_references=self.shifted,
            extrapolated=self.at_common_time(span, **xray.UNDONE) if skewed else None,
            material=material,
            unmix=section.unmix,
            common_time=section.common_time,
            options=section.systematics,
        )
        video = xray.with_thickness(video, density if self.thin is None else self.thin, options=section.thickness)
        return xray.with_dose(video, own, before=dose, options=section.dose)


def _picture(density: xr.Dataset, mean: np.ndarray) -> xr.Dataset:
    """Return the time mean of the lowest energy as densities of one scan."""
    energy = density["energy"].values
    return new(
        "frames",
        {
            "signal": ("time energy y x", mean),
            "signal_flag": ("time energy y x", np.where(np.isfinite(mean), 0, flag_bit("missing"))),
        },
        coords={
            "time": ("time", density["time"].values[:1]),
            "energy": ("energy", energy[[int(np.argmin(energy))]]),
            "y": ("y", density["y"].values),
            "x": ("x", density["x"].values),
        },
        attrs={"quantity": "optical_density"},
    )
