"""The stages that exist, with every variable, dimension and unit.

Dimensions in brackets are optional. ``q_std`` is random and per pixel; ``q_frame_std`` is common to a frame;
``q_shift(systematic, ...)`` is what a named cause, moved by one standard deviation, does to q (signed, fully
correlated). Dimension order is time, energy or channel, z, y, x; positions are pixel centres.
"""

from __future__ import annotations

from lithiscope.stages.cell import CELL_STAGES
from lithiscope.stages.coordinates import ENERGY, SPACE, TIME
from lithiscope.stages.electrolyte import ELECTROLYTE_STAGES
from lithiscope.stages.kinetics import KINETICS_STAGES
from lithiscope.stages.kinetics_tables import KINETICS_TABLES
from lithiscope.stages.learning import LEARNING_STAGES
from lithiscope.stages.pathways import PATHWAY_STAGES
from lithiscope.stages.schema import Stage, Variable
from lithiscope.stages.simulation import SIMULATION
from lithiscope.units import (
    AMPERE,
    COUNT,
    ELECTRONVOLT,
    GRAY,
    MICROMETRE,
    NANOMETRE,
    ONE,
    SECOND,
    SQUARE_MICROMETRE,
    VOLT,
)

RECORDING = Stage(
    "recording",
    "What the detector wrote: one scan region, or a series of scans of one region",
    variables={
        "counts": Variable("time [energy] [channel] [z] y x", COUNT, "detected transmitted counts", required=True),
        "counts_flag": Variable("time [energy] [channel] [z] y x", ONE, "flags of the counts", kind="int"),
        "exposure_mid": Variable("time [energy]", SECOND, "middle of the exposure, seconds on the time axis"),
        "dwell": Variable("[time] [energy]", SECOND, "exposure of one pixel"),
        "ring_current": Variable("time [energy]", AMPERE, "current in the storage ring"),
        "position_x": Variable("[time] [energy] [y] x", MICROMETRE, "measured position along x"),
        "position_y": Variable("[time] [energy] y [x]", MICROMETRE, "measured position along y"),
    },
    coordinates={**TIME, **ENERGY, **SPACE, "channel": Variable("channel", ONE, "detector channel", kind="string")},
    attributes={
        "start_utc": "start in UTC, ISO 8601; absent when the file's local time has no stated zone",
        "start_local": "start as the file writes it, ISO 8601 without zone",
        "source": "name of the file that was read",
        "format": "format of that file",
        "region": "number of the scan region in the file, from 0",
        "channel": "name of the detector channel that was read",
        "exposure_times": "'measured', or 'estimated' from the dwell and the number of pixels",
        "origin": "who measured it, where; or 'simulation'",
        "saturation": "largest trustworthy count, where the detector's limit is known",
        "header": "the file's own header, as JSON",
    },
)

FRAMES = Stage(
    "frames",
    "Pictures with noise and flags: corrected counts, optical densities, invariant images",
    variables={
        "signal": Variable("time [energy] [channel] [z] y x", ONE, "the picture", required=True),
        "signal_std": Variable(
            "time [energy] [channel] [z] y x",
            ONE,
            "random standard deviation per pixel, with what the error of its shift makes of the slope there",
        ),
        "signal_frame_std": Variable("time [energy]", ONE, "standard deviation common to a frame (I0, flicker)"),
        "signal_flag": Variable("time [energy] [channel] [z] y x", ONE, "flags", required=True, kind="int"),
        "exposure_mid": Variable("time [energy]", SECOND, "middle of the exposure, seconds on the time axis"),
        "dwell": Variable("[time] [energy]", SECOND, "exposure of one pixel"),
        "ring_current": Variable("time [energy]", AMPERE, "current in the storage ring that the counts belong to"),
        "incident": Variable("time [energy]", COUNT, "counts without sample, I0, used for the optical density"),
        "incident_std": Variable("time [energy]", COUNT, "standard deviation of the incident counts"),
        "noise_gain": Variable("time [energy]", ONE, "apparent over native standard deviation, from resampling"),
    },
    coordinates={**TIME, **ENERGY, **SPACE, "channel": Variable("channel", ONE, "detector channel", kind="string")},
    attributes={"quantity": "what the signal is: counts, optical_density, invariant or blank"},
    required_attributes=("quantity",),
)

ALIGNMENT = Stage(
    "alignment",
    "Where each frame lies: a point at r in the reference is found at r + shift in the frame",
    variables={
        "shift": Variable("time [energy] axis", MICROMETRE, "displacement of the sample in the frame", required=True),
        "shift_std": Variable("time [energy] axis", MICROMETRE, "standard deviation of the shift", required=True),
        "affine": Variable("time [energy] axis axis_in", ONE, "linear part about the centre of the image"),
        "affine_std": Variable("time [energy] axis axis_in", ONE, "standard deviation of the linear part"),
        "drift_leakage": Variable("time [energy] axis", MICROMETRE, "drift left after alignment, from image gradients"),
        "alignment_flag": Variable("time [energy]", ONE, "flags", required=True, kind="int"),
        "pair_residual": Variable("time [energy]", MICROMETRE, "root-mean-square disagreement of the frame's pairs"),
    },
    coordinates={
        **TIME,
        **ENERGY,
        "axis": Variable("axis", ONE, "spatial axis", kind="string"),
        "axis_in": Variable("axis_in", ONE, "spatial axis", kind="string"),
    },
    attributes={"method": "how the shifts were found"},
)

_SPECTRUM_COORDS = {
    "energy": Variable("energy", ELECTRONVOLT, "photon energy", required=True),
    "component": Variable("component", ONE, "name of the reference", required=True, kind="string"),
}
REFERENCES = Stage(
    "references",
    "Spectra of the end members, on one energy axis",
    variables={
        "reference": Variable("component energy", ONE, "optical density of one unit of the component", required=True),
        "reference_std": Variable("component energy", ONE, "standard deviation of the reference"),
        "lithium_content": Variable("component", ONE, "lithium fraction of the component; NaN when it carries none"),
    },
    coordinates=_SPECTRUM_COORDS,
    attributes={"source": "where the spectra came from"},
)

COMPOSITION_VIDEO = Stage(
    "composition_video",
    "Where the lithium was: exactly one of lithium_fraction, phase_fraction and contrast, named in attrs['signal']",
    variables={
        **{
            key: value
            for name, meaning in (
                ("lithium_fraction", "lithium fraction, 1 = fully lithiated"),
                ("phase_fraction", "fraction of the new phase"),
                ("contrast", "uncalibrated optical contrast"),
            )
            for key, value in {
                name: Variable("time [z] y x", ONE, meaning),
                f"{name}_std": Variable("time [z] y x", ONE, "random standard deviation per pixel"),
                f"{name}_frame_std": Variable("time", ONE, "standard deviation common to a frame"),
                f"{name}_shift": Variable("systematic time [z] y x", ONE, "signed shift by a named cause"),
                f"{name}_flag": Variable("time [z] y x", ONE, "flags", kind="int"),
            }.items()
        },
        "amount": Variable("[time] [z] y x", ONE, "sum of the end members, in units of the references"),
        "amount_std": Variable("[time] [z] y x", ONE, "random standard deviation of the amount"),
        "thickness": Variable("[z] y x", NANOMETRE, "thickness along the beam"),
        "dose": Variable("time [z] y x", GRAY, "absorbed dose up to and including the frame"),
        "chi_square": Variable("time [z] y x", ONE, "sum of squared residuals over variance"),
        "coefficient": Variable("time component [z] y x", ONE, "amount of each component"),
        "covariance": Variable("time component component_other [z] y x", ONE, "covariance of the coefficients"),
        "noise_gain": Variable("time", ONE, "apparent over native standard deviation, from resampling"),
        "mean_lithium_fraction": Variable("time", ONE, "mean of the only particle, from its charge or a whole picture"),
        "mean_lithium_fraction_std": Variable("time", ONE, "its standard deviation"),
        "voltage_volt": Variable("time", VOLT, "voltage of the cell at the middle of the frame, against lithium"),
        "voltage_volt_std": Variable("time", VOLT, "random standard deviation of the voltage"),
        "label": Variable("[z] y x", ONE, "particle number; 0 is background", kind="int"),
        "mask": Variable("[z] y x", ONE, "where the active material is", kind="bool"),
    },
    coordinates={
        **TIME,
        **SPACE,
        "component": Variable("component", ONE, "name of the reference", kind="string"),
        "component_other": Variable("component_other", ONE, "name of the reference", kind="string"),
        "systematic": Variable("systematic", ONE, "named cause of a shift", kind="string"),
    },
    attributes={
        "signal": "lithium_fraction, phase_fraction or contrast",
        "degrees_of_freedom": "number of energies less number of components",
        "attenuation_table": "the table that gave the thickness",
        "origin": "'simulation' or the source of the measurement",
    },
    required_attributes=("signal",),
)

PARTICLE_TABLE = Stage(
    "particle_table",
    "Every particle in every frame: its mean composition with three scopes of uncertainty, its size and its place",
    variables={
        "lithium_fraction": Variable("particle time", ONE, "mean lithium fraction, weighted by amount", required=True),
        "lithium_fraction_std": Variable("particle time", ONE, "random standard deviation of the mean"),
        "lithium_fraction_frame_std": Variable("time", ONE, "standard deviation common to a frame"),
        "lithium_fraction_shift": Variable("systematic particle time", ONE, "signed shift by a named cause"),
        "lithium_fraction_flag": Variable("particle time", ONE, "flags", kind="int"),
        "spread": Variable("particle time", ONE, "standard deviation of x over the pixels, as it appears"),
        "noise_spread": Variable("particle time", ONE, "the part of the spread that noise makes"),
        "true_spread": Variable("particle time", ONE, "spread with the noise taken out; 0 where noise explains it all"),
        "true_spread_std": Variable("particle time", ONE, "from the true spread to its one-sigma upper bound"),
        "amount": Variable("particle time", ONE, "mean amount of the pixels with a value, in units of the references"),
        "amount_std": Variable("particle time", ONE, "random standard deviation of the mean amount"),
        "thickness": Variable("particle", NANOMETRE, "mean thickness"),
        "dose": Variable("particle time", GRAY, "mean absorbed dose up to and including the frame"),
        "area": Variable("particle [time]", SQUARE_MICROMETRE, "projected area", required=True),
        "pixel_count": Variable("particle [time]", ONE, "number of pixels", kind="int", required=True),
        "valid_pixel_count": Variable("particle time", ONE, "number of pixels with a value", kind="int"),
        "centroid": Variable("particle [time] axis", MICROMETRE, "centre of the particle"),
        "bounding_box": Variable("particle corner", ONE, "first and one-past-last index along each axis", kind="int"),
        "touches_edge": Variable("particle", ONE, "whether the particle reaches the edge of the field", kind="bool"),
        "excluded": Variable("particle", ONE, "whether the user excluded it", kind="bool"),
        "reason": Variable("particle", ONE, "why it was excluded; empty when it was not", kind="string"),
    },
    coordinates={
        **TIME,
        "particle": Variable("particle", ONE, "name, stable between runs", kind="string", required=True),
        "label": Variable("particle", ONE, "number of the particle in the label image", kind="int"),
        "axis": Variable("axis", ONE, "spatial axis", kind="string"),
        "corner": Variable("corner", ONE, "which side of the bounding box", kind="string"),
        "systematic": Variable("systematic", ONE, "named cause of a shift", kind="string"),
    },
)

PARTICLE_TRACKS = Stage(
    "particle_tracks",
    "Where every particle was in every frame, and how large in every cycle",
    variables={
        "centroid": Variable("particle time axis", MICROMETRE, "centre of the amount of material", required=True),
        "centroid_std": Variable("particle time axis", MICROMETRE, "random standard deviation of the centre"),
        "centroid_flag": Variable("particle time", ONE, "flags", kind="int"),
        "area": Variable("particle cycle", SQUARE_MICROMETRE, "projected area; NaN where it was not measured"),
    },
    coordinates={
        **{name: variable for name, variable in TIME.items() if name != "cycle"},
        "particle": Variable("particle", ONE, "name, stable between runs", kind="string", required=True),
        "label": Variable("particle", ONE, "number of the particle in the label image", kind="int"),
        "axis": Variable("axis", ONE, "spatial axis", kind="string"),
        "cycle": Variable("cycle", ONE, "number of the cycle", kind="int"),
    },
)

PARTICLE_LABELS = Stage(
    "particle_labels",
    "Which pixel belongs to which particle, and the names of the particles",
    variables={
        "label": Variable("[cycle] [z] y x", ONE, "particle number; 0 is background", kind="int", required=True),
        "number": Variable("particle", ONE, "number of the particle in the label image", kind="int", required=True),
    },
    coordinates={
        **SPACE,
        "cycle": Variable("cycle", ONE, "number of the cycle", kind="int"),
        "particle": Variable("particle", ONE, "name, stable between runs", kind="string", required=True),
    },
    attributes={
        "retired": "JSON list of names given out before that no particle carries now",
        "retired_masks": "JSON: where they were, as first pixels and lengths of runs in the flattened picture",
    },
)

CATALOGUE: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        RECORDING,
        FRAMES,
        ALIGNMENT,
        REFERENCES,
        COMPOSITION_VIDEO,
        PARTICLE_LABELS,
        PARTICLE_TABLE,
        PARTICLE_TRACKS,
        *CELL_STAGES,
        *KINETICS_STAGES,
        *ELECTROLYTE_STAGES,
        *KINETICS_TABLES,
        *PATHWAY_STAGES,
        SIMULATION,
        *LEARNING_STAGES,
    )
}
