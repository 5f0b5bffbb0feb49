"""Stages of the kinetics: rates and currents in every pixel, and what they say about particles and populations."""

from __future__ import annotations

from lithiscope.stages.coordinates import SPACE
from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import AMPERE_PER_SQUARE_METRE, MICROMETRE, NANOMETRE, ONE, PER_HOUR, SECOND, VOLT

_INTERVAL = {
    "time": Variable("interval", SECOND, "middle of the interval, seconds since the start of the study"),
    "duration": Variable("interval", SECOND, "time between the two frames"),
    "before": Variable("interval", ONE, "index of the frame before", kind="int"),
    "after": Variable("interval", ONE, "index of the frame after", kind="int"),
    "half_cycle": Variable("interval", ONE, "number of the half cycle; -1 at rest", kind="int"),
    "direction": Variable("interval", ONE, "+1 lithiation, -1 delithiation, 0 rest or unknown", kind="int"),
    "cycle": Variable("interval", ONE, "number of the cycle", kind="int"),
}
_SYSTEMATIC = {"systematic": Variable("systematic", ONE, "named cause of a shift", kind="string")}
_PARTICLE = {"particle": Variable("particle", ONE, "name, stable between runs", kind="string", required=True)}


def _with_errors(name: str, dims: str, unit: str, meaning: str, frame: str = "") -> dict[str, Variable]:
    """Return a quantity with its errors, shifts and flag; `frame` is the dimension of its common error, if any."""
    found = {
        name: Variable(dims, unit, meaning),
        f"{name}_std": Variable(dims, unit, f"random standard deviation of the {name}"),
        f"{name}_shift": Variable(f"systematic {dims}", unit, f"signed shift of the {name} by a named cause"),
        f"{name}_flag": Variable(dims, ONE, "flags", kind="int"),
    }
    if frame:
        found[f"{name}_frame_std"] = Variable(frame, unit, "standard deviation common to the interval")
    return found


_SHARE = "share of the random variance that the frame after the interval brings; the one before brings the rest"

_MAPS = "interval [z] y x"
RATE_VIDEO = Stage(
    "rate_video",
    "Rates between sequential frames, in every pixel; neighbouring intervals share a frame",
    variables={
        **_with_errors("insertion_rate", _MAPS, PER_HOUR, "dx/dt, positive on lithiation", "interval"),
        **_with_errors("lithium_fraction", _MAPS, ONE, "composition in the middle of the interval", "interval"),
        **_with_errors(
            "current_density", _MAPS, AMPERE_PER_SQUARE_METRE, "current density of one face, positive = delithiation"
        ),
        **_with_errors("exchange_current_density", _MAPS, AMPERE_PER_SQUARE_METRE, "exchange current density"),
        "thickness": Variable("[z] y x", NANOMETRE, "thickness along the beam"),
        "noise_gain": Variable("interval", ONE, "apparent over native standard deviation, from resampling"),
        "label": Variable("[z] y x", ONE, "particle number; 0 is background", kind="int"),
        "variance_share_after": Variable("interval", ONE, _SHARE),
        "overpotential_volt": Variable("interval", VOLT, "overpotential, positive = delithiation"),
        "overpotential_volt_std": Variable("interval", VOLT, "random standard deviation of the overpotential"),
        "overpotential_effect": Variable(
            _MAPS,
            AMPERE_PER_SQUARE_METRE,
            "signed change of j0 by one standard deviation of the overpotential, common to the interval",
        ),
        "applied_c_rate": Variable("interval", PER_HOUR, "C-rate of the cell"),
    },
    coordinates={**_INTERVAL, **SPACE, **_SYSTEMATIC},
    attributes={
        "faces": "number of reacting faces along the beam",
        "site_density_per_cubic_metre": "lithium sites per volume, and whose number",
        "law": "reaction law that gave the exchange current density",
        "exchange_options": "the options that gave the exchange current density, as JSON",
        "range_of_1c": "change of x that 1C brings in an hour",
        "origin": "'simulation' or the source of the measurement",
    },
)

_TABLE = "particle interval"
RATE_TABLE = Stage(
    "rate_table",
    "Rates of particles, or of regions of them, between sequential frames",
    variables={
        **_with_errors("insertion_rate", _TABLE, PER_HOUR, "mean dx/dt over the pixels", "interval"),
        **_with_errors(
            "c_rate", _TABLE, PER_HOUR, "single-particle C-rate: |mean dx/dt| over the range of 1C", "interval"
        ),
        **_with_errors("lithium_fraction", _TABLE, ONE, "mean composition in the middle of the interval", "interval"),
        **_with_errors(
            "current_density", _TABLE, AMPERE_PER_SQUARE_METRE, "mean current density, positive = delithiation", _TABLE
        ),
        **_with_errors("exchange_current_density", _TABLE, AMPERE_PER_SQUARE_METRE, "exchange current density", _TABLE),
        "exchange_current_density_standard_error": Variable(
            _TABLE,
            AMPERE_PER_SQUARE_METRE,
            "spread over the pixels over the root of their number (Lim's bar is twice it)",
        ),
        "variance_share_after": Variable(_TABLE, ONE, _SHARE),
        "thickness": Variable("particle", NANOMETRE, "mean thickness"),
        "overpotential_volt": Variable("interval", VOLT, "overpotential, positive = delithiation"),
        "overpotential_volt_std": Variable("interval", VOLT, "random standard deviation of the overpotential"),
        "applied_c_rate": Variable("interval", PER_HOUR, "C-rate of the cell"),
        "pixel_count": Variable("particle [interval]", ONE, "pixels behind the value", kind="int"),
        "region": Variable("particle", ONE, "which pixels: all, fast, slow, surface or internal", kind="string"),
        "of": Variable("particle", ONE, "name of the particle that a region belongs to", kind="string"),
    },
    coordinates={**_INTERVAL, **_PARTICLE, **_SYSTEMATIC},
    attributes={
        "law": "reaction law that gave the exchange current density",
        "exchange_options": "the options that gave the exchange current density, as JSON",
        "range_of_1c": "change of x that 1C means",
    },
)

DOMAIN_VIDEO = Stage(
    "domain_video",
    "Fast and slow domains of every particle in every frame",
    variables={
        "domain": Variable(
            "time [z] y x", ONE, "1 fast, 2 slow, 0 no particle or undecided", kind="int", required=True
        ),
        "threshold": Variable("particle time", ONE, "composition that parts fast from slow"),
        "contrast": Variable("particle time", ONE, "x95 - x5 of the smoothed composition"),
        "contrast_noise": Variable("particle time", ONE, "x95 - x5 that noise alone stays below, at the significance"),
        "fast_fraction": Variable("particle time", ONE, "share of the pixels that are fast"),
        "fast_fraction_std": Variable("particle time", ONE, "standard deviation of it"),
        "mean_lithium_fraction": Variable("particle time", ONE, "mean composition of the particle's pixels"),
        "persistent": Variable(
            "half_cycle [z] y x", ONE, "share of the frames of the half cycle in which a pixel is fast"
        ),
        "label": Variable("[z] y x", ONE, "particle number; 0 is background", kind="int"),
    },
    coordinates={
        "time": Variable("time", SECOND, "seconds since the start of the study"),
        "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int"),
        "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
        "time_half_cycle": Variable("time", ONE, "number of the half cycle of the frame; -1 at rest", kind="int"),
        **SPACE,
        **_PARTICLE,
    },
    attributes={"significance": "probability that noise alone passes for domains in a frame"},
)

UNIFORMITY_TABLE = Stage(
    "uniformity_table",
    "Uniformity coefficient of every particle in every half cycle: 1 uniform, 0 binary",
    variables={
        "uniformity": Variable("particle half_cycle", ONE, "uniformity coefficient with the noise taken out"),
        "uniformity_std": Variable("particle half_cycle", ONE, "standard deviation of it"),
        "uniformity_flag": Variable("particle half_cycle", ONE, "flags", kind="int"),
        "uncorrected": Variable("particle half_cycle", ONE, "the same from the standard deviation as it appears"),
        "noise": Variable("particle half_cycle", ONE, "standard deviation of x per pixel that was taken out"),
        "frame_count": Variable("particle half_cycle", ONE, "frames behind the value", kind="int"),
        "c_rate": Variable("particle half_cycle", PER_HOUR, "mean single-particle C-rate of the half cycle"),
    },
    coordinates={
        **_PARTICLE,
        "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int", required=True),
        "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
        "applied_c_rate": Variable("half_cycle", PER_HOUR, "C-rate of the cell"),
    },
)

_CHANNELS = "interval channel"
CHANNEL_TABLE = Stage(
    "channel_table",
    "Lines of pixels along the fast axis of a crystal, with the current through their two ends",
    variables={
        **_with_errors(
            "current_density", _CHANNELS, AMPERE_PER_SQUARE_METRE, "current density, positive = delithiation"
        ),
        **_with_errors("exchange_current_density", _CHANNELS, AMPERE_PER_SQUARE_METRE, "exchange current density"),
        **_with_errors("surface_lithium_fraction", _CHANNELS, ONE, "mean x of the end pixels, mid-interval"),
        **_with_errors("internal_lithium_fraction", _CHANNELS, ONE, "mean x of the other pixels, mid-interval"),
        **_with_errors("lithium_fraction", _CHANNELS, ONE, "mean x of the whole channel, mid-interval"),
        **_with_errors("end_lithium_fraction", f"{_CHANNELS} end", ONE, "x of each end pixel, mid-interval"),
        "normalised_exchange_current": Variable(_CHANNELS, ONE, "exchange current over the fitted k0"),
        "normalised_exchange_current_std": Variable(_CHANNELS, ONE, "random standard deviation of it"),
        "current_density_frame_std": Variable(
            _CHANNELS, AMPERE_PER_SQUARE_METRE, "part of the error common to all channels of the interval"
        ),
        "exchange_current_density_frame_std": Variable(
            _CHANNELS, AMPERE_PER_SQUARE_METRE, "part of the error common to all channels of the interval"
        ),
        "lithium_fraction_frame_std": Variable("interval", ONE, "part of the error common to all pixels, mid-interval"),
        "noise_gain": Variable("interval", ONE, "apparent over native standard deviation, from resampling"),
        "variance_share_after": Variable("interval", ONE, "share of the noise that the later frame brings"),
        "length_std": Variable("channel", NANOMETRE, "standard deviation of the length"),
        "position": Variable("channel", MICROMETRE, "position across the channels"),
        "length": Variable("channel", NANOMETRE, "distance between the two reacting faces"),
        "pixel_count": Variable("channel", ONE, "pixels of the channel", kind="int"),
        "overpotential_volt": Variable("interval", VOLT, "overpotential, positive = delithiation"),
    },
    coordinates={
        **_INTERVAL,
        **_SYSTEMATIC,
        "channel": Variable("channel", ONE, "number of the channel", kind="int"),
        "particle": Variable("channel", ONE, "name of its particle", kind="string"),
        "end": Variable("end", ONE, "which end of the channel: start or stop", kind="string"),
    },
    attributes={
        "axis": "direction of the channels in the image, degrees from +x towards +y",
        "site_density_per_cubic_metre": "lithium sites per volume, and whose number",
        "law": "law F(x) by which exchange currents were normalised",
        "rate_constant": "k0 of that law, A/m2",
        "rate_constant_std": "its standard deviation, A/m2",
    },
)

_CASE = "[particle] [half_cycle]"
_PIECE = f"{_CASE} evidence"


def _with_range(name: str, dims: str, unit: str, meaning: str) -> dict[str, Variable]:
    """Return a quantity with the ends of its 95 % range."""
    return {
        name: Variable(dims, unit, meaning),
        f"{name}_low": Variable(dims, unit, "lower end of its 95 % range"),
        f"{name}_high": Variable(dims, unit, "upper end of its 95 % range"),
    }


EVIDENCE_TABLE = Stage(
    "evidence_table",
    "What speaks for which regime, each piece with its own figure, and the verdict; of one particle in one half cycle, "
    "or of several",
    variables={
        "value": Variable(_PIECE, ONE, "the figure; NaN where it could not be found, and `meaning` says why"),
        "value_std": Variable(_PIECE, ONE, "its standard deviation"),
        "low": Variable(_PIECE, ONE, "lower end of its 95 % range"),
        "high": Variable(_PIECE, ONE, "upper end of its 95 % range"),
        "boundary": Variable(_PIECE, ONE, "value at which the verdict of this piece turns"),
        "probability": Variable(_PIECE, ONE, "probability that this piece speaks for a limit by the surface reaction"),
        "verdict": Variable(
            _PIECE, ONE, "surface-reaction-limited, bulk-diffusion-limited or not decidable", kind="string"
        ),
        "meaning": Variable(_PIECE, ONE, "what the figure is and its unit", kind="string"),
        "overall_verdict": Variable(_CASE, ONE, "the verdict on all pieces", kind="string"),
        "overall_confidence": Variable(_CASE, ONE, "which pieces spoke how, or why there are none", kind="string"),
        "exchange_current_density": Variable(_CASE, AMPERE_PER_SQUARE_METRE, "j0, mean over x, that the pieces took"),
        "exchange_current_density_std": Variable(_CASE, AMPERE_PER_SQUARE_METRE, "its standard deviation"),
        "exchange_current_source": Variable(
            _CASE, ONE, "where j0 came from: stated, or which half cycle", kind="string"
        ),
        **_with_range(
            "tau_bulk", _CASE, SECOND, "time of diffusion along the channel, from the profile or the stated D"
        ),
        **_with_range("tau_reaction", _CASE, SECOND, "time of the surface reaction, from j0"),
        **_with_range("tau_process", _CASE, SECOND, "time to fill the channel at the measured rate"),
    },
    coordinates={
        "evidence": Variable("evidence", ONE, "name of the piece", kind="string", required=True),
        "particle": Variable("particle", ONE, "name of the particle", kind="string"),
        "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int"),
        "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
    },
    attributes={
        "verdict": "the verdict on all",
        "confidence": "how sure, in words with the reason",
        "band": "ratio of times, either way, within which nothing is decided",
        "diffusion_time": "'stated' where tau_bulk is that of the stated diffusivity; absent where of the profile",
    },
    required_attributes=("verdict",),
)

LAW_FIT = Stage(
    "law_fit",
    "A rate constant fitted to exchange current densities against composition",
    variables={
        "lithium_fraction": Variable("point", ONE, "composition of the points"),
        "lithium_fraction_std": Variable("point", ONE, "its standard deviation"),
        "exchange_current_density": Variable("point", AMPERE_PER_SQUARE_METRE, "measured exchange current density"),
        "exchange_current_density_std": Variable("point", AMPERE_PER_SQUARE_METRE, "its standard deviation"),
        "used": Variable("point", ONE, "whether the point took part in the fit", kind="bool"),
        "x_grid": Variable("grid", ONE, "composition of the fitted curve"),
        "fit": Variable("law grid", AMPERE_PER_SQUARE_METRE, "fitted exchange current density"),
        "fit_std": Variable("law grid", AMPERE_PER_SQUARE_METRE, "standard deviation of the curve"),
        "rate_constant": Variable("law", AMPERE_PER_SQUARE_METRE, "k0"),
        "rate_constant_std": Variable("law", AMPERE_PER_SQUARE_METRE, "standard deviation of k0"),
        "rate_constant_shift": Variable(
            "systematic law", AMPERE_PER_SQUARE_METRE, "signed shift of k0 by a named cause"
        ),
        "chi_square": Variable("law", ONE, "sum of squared residuals over variance"),
        "log_likelihood": Variable("law", ONE, "logarithm of the likelihood at the best fit"),
        "peak_position": Variable("law", ONE, "composition of the largest exchange current density"),
        "peak_position_std": Variable("law", ONE, "standard deviation of it"),
        "peak_position_shift": Variable("systematic law", ONE, "signed shift of it by a named cause"),
        "particle_scatter": Variable("law", ONE, "standard deviation of k0 between particles, over k0"),
        "aic": Variable("law", ONE, "information criterion of Akaike: twice the parameters less the log-likelihood"),
    },
    coordinates={
        "law": Variable("law", ONE, "name of the function F(x) in j0 = k0 F(x)", kind="string", required=True),
        "particle": Variable("point", ONE, "name of the particle of the point", kind="string"),
        "direction": Variable("point", ONE, "+1 lithiation, -1 delithiation", kind="int"),
        **_SYSTEMATIC,
    },
    attributes={
        "region": "which rows of the tables of rates were fitted: all, fast, slow, uniform fast, ...",
        "degrees_of_freedom": "points less parameters",
        "preferred": "the law with the best evidence, or none",
        "verdict": "the comparison of the laws in words",
        "capacity_ratio": "reached over theoretical capacity, by which x may be compressed",
    },
)

RATE_ASYMMETRY = Stage(
    "rate_asymmetry",
    "C-rate and overpotential of every particle at one composition, and lithiation against delithiation",
    variables={
        **_with_errors("c_rate", "particle half_cycle", PER_HOUR, "single-particle C-rate at the composition"),
        **_with_errors("overpotential_volt", "particle half_cycle", VOLT, "overpotential when the particle was there"),
        **_with_errors(
            "log_ratio", "particle pair", ONE, "ln of C-rate per overpotential, delithiation over lithiation"
        ),
        "first": Variable("pair", ONE, "number of the half cycle that lithiates", kind="int"),
        "second": Variable("pair", ONE, "number of the half cycle that delithiates", kind="int"),
    },
    coordinates={
        **_SYSTEMATIC,
        **_PARTICLE,
        "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int", required=True),
        "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
        "applied_c_rate": Variable("half_cycle", PER_HOUR, "C-rate of the cell"),
    },
    attributes={"lithium_fraction": "the composition"},
)

POOLED = Stage(
    "pooled",
    "A figure pooled over particles, studies and cells, with the number behind every point",
    variables={
        "value": Variable("group", ONE, "mean over the particles", required=True),
        "value_std": Variable("group", ONE, "standard error by hierarchical bootstrap"),
        "low": Variable("group", ONE, "lower end of the 95 % range"),
        "high": Variable("group", ONE, "upper end of the 95 % range"),
        "c_rate": Variable("group", PER_HOUR, "C-rate of the group"),
        "direction": Variable("group", ONE, "+1 lithiation, -1 delithiation, 0 both", kind="int"),
        "particle_count": Variable("group", ONE, "particles behind the value", kind="int", required=True),
        "study_count": Variable("group", ONE, "studies behind the value", kind="int"),
        "cell_count": Variable("group", ONE, "cells behind the value", kind="int"),
        "drawn": Variable("group", ONE, "what the bootstrap draws: cell, study, particle or none", kind="string"),
    },
    coordinates={"group": Variable("group", ONE, "name of the group", kind="string", required=True)},
    attributes={"quantity": "what was pooled, with its unit"},
    required_attributes=("quantity",),
)

KINETICS_STAGES = (
    RATE_VIDEO,
    RATE_TABLE,
    RATE_ASYMMETRY,
    LAW_FIT,
    DOMAIN_VIDEO,
    UNIFORMITY_TABLE,
    CHANNEL_TABLE,
    EVIDENCE_TABLE,
    POOLED,
)
