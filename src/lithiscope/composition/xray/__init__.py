"""Soft X-ray spectro-microscopy: incident intensity, optical density, references, unmixing, thickness and dose.

The way of the data: `optical_density` -> `to_common_time` -> `lithium_fraction` -> `systematic_shifts`, with the end
members from `references_from_spectra`, `references_from_mask` or `references_from_frames`. Beside it lie
`invariant_image` (the picture for registration), `compare_incident`, `thickness`, `dose` and `energy_calibration`;
`fraction_from_counts` with `lithium_rows` is the fast way on bare arrays, for live display.
"""

from lithiscope.composition.xray.attenuation import attenuation_length, thickness, with_thickness
from lithiscope.composition.xray.calibration import EnergyCalibration, energy_calibration
from lithiscope.composition.xray.common_time import to_common_time
from lithiscope.composition.xray.density import optical_density
from lithiscope.composition.xray.dosimetry import dose, with_dose
from lithiscope.composition.xray.incident import compare_incident
from lithiscope.composition.xray.invariant import invariant_image
from lithiscope.composition.xray.kernels.fixed import fraction_from_counts
from lithiscope.composition.xray.model import lithium_rows
from lithiscope.composition.xray.options import (
    CommonTimeOptions,
    DoseOptions,
    IncidentOptions,
    InvariantOptions,
    ReferenceOptions,
    SystematicsOptions,
    ThicknessOptions,
    UnmixOptions,
)
from lithiscope.composition.xray.references import (
    references_from_frames,
    references_from_mask,
    references_from_spectra,
)
from lithiscope.composition.xray.systematics import UNDONE, systematic_shifts
from lithiscope.composition.xray.unmixing import (
    Material,
    attribute_weights,
    find_material,
    joined_attributes,
    lithium_fraction,
)

__all__ = [
    "UNDONE",
    "CommonTimeOptions",
    "DoseOptions",
    "EnergyCalibration",
    "IncidentOptions",
    "InvariantOptions",
    "Material",
    "ReferenceOptions",
    "SystematicsOptions",
    "ThicknessOptions",
    "UnmixOptions",
    "attenuation_length",
    "attribute_weights",
    "compare_incident",
    "dose",
    "energy_calibration",
    "find_material",
    "fraction_from_counts",
    "invariant_image",
    "joined_attributes",
    "lithium_fraction",
    "lithium_rows",
    "optical_density",
    "references_from_frames",
    "references_from_mask",
    "references_from_spectra",
    "systematic_shifts",
    "thickness",
    "to_common_time",
    "with_dose",
    "with_thickness",
]
