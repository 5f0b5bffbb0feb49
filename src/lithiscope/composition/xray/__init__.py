"""Soft X-ray spectro-microscopy: incident intensity, optical density, references, unmixing into a lithium fraction."""

from lithiscope.composition.xray.density import optical_density
from lithiscope.composition.xray.incident import compare_incident
from lithiscope.composition.xray.options import IncidentOptions, ReferenceOptions, UnmixOptions
from lithiscope.composition.xray.references import (
    references_from_frames,
    references_from_mask,
    references_from_spectra,
)
from lithiscope.composition.xray.unmixing import lithium_fraction

__all__ = [
    "IncidentOptions",
    "ReferenceOptions",
    "UnmixOptions",
    "compare_incident",
    "lithium_fraction",
    "optical_density",
    "references_from_frames",
    "references_from_mask",
    "references_from_spectra",
]
