"""Stages of the kinetics that reduce maps: domains, line cuts, populations, phases, relaxation, surfaces."""

from __future__ import annotations

from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import GRAY, MICROMETRE, ONE, PER_HOUR, SECOND

_PARTICLE = {"particle": Variable("particle", ONE, "name, stable between runs", kind="string", required=True)}
_HALF_CYCLE = {
    "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int", required=True),
    "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
}
_TIME = {
    "time": Variable("time", SECOND, "seconds since the start of the study, mid-scan"),
    "half_cycle": Variable("time", ONE, "number of the half cycle; -1 at rest", kind="int"),
    "direction": Variable("time", ONE, "+1 lithiation, -1 delithiation, 0 rest or unknown", kind="int"),
}


def _measured(name: str, dims: str, unit: str, meaning: str) -> dict[str, Variable]:
    return {
        name: Variable(dims, unit, meaning),
        f"{name}_std": Variable(dims, unit, f"random standard deviation of the {name}"),
        f"{name}_flag": Variable(dims, ONE, "flags", kind="int"),
    }


DOMAIN_TABLE = Stage(
    "domain_table",
    "Size and growth of the fast domains of every particle in every half cycle",
    variables={
        **_measured("fast_fraction", "particle half_cycle", ONE, "mean share of the pixels that are fast"),
        **_measured("growth", "particle half_cycle", PER_HOUR, "rise of the fast share per hour"),
        **_measured(
            "relative_growth", "particle half_cycle", ONE, "rise of the fast share while the mean x changes by 1"
        ),
        "frame_count": Variable("particle half_cycle", ONE, "frames with significant domains", kind="int"),
    },
    coordinates={**_PARTICLE, **_HALF_CYCLE},
)

DOMAIN_AGREEMENT = Stage(
    "domain_agreement",
    "Whether domains stay: overlap of two sets of fast pixels against that of domains placed at random",
    variables={
        "dice": Variable("pair", ONE, "2 |A and B| / (|A| + |B|) of the fast pixels", required=True),
        "dice_std": Variable("pair", ONE, "standard deviation of it, by resampling blocks of pixels"),
        "dice_null": Variable("pair", ONE, "mean overlap of domains of the same size and smoothness, at random places"),
        "dice_null_high": Variable("pair", ONE, "95th percentile of that overlap"),
        "agreement": Variable("pair", ONE, "share of the pixels that are in the same class in both"),
        "agreement_null": Variable("pair", ONE, "mean of that share at random places"),
        "p_value": Variable("pair", ONE, "probability that random places overlap as much or more"),
        "pixel_count": Variable("pair", ONE, "pixels that have a class in both", kind="int"),
    },
    coordinates={
        "particle": Variable("pair", ONE, "name of the particle", kind="string"),
        "kind": Variable("pair", ONE, "frames, cycles (same direction) or directions (opposite)", kind="string"),
        "first": Variable("pair", ONE, "frame index, or number of the half cycle", kind="int"),
        "second": Variable("pair", ONE, "frame index, or number of the half cycle", kind="int"),
    },
    attributes={"null": "how the random domains are made", "draws": "number of random domains"},
)

LINE_CUTS = Stage(
    "line_cuts",
    "The composition along the same lines in every frame",
    variables=_measured("lithium_fraction", "time sample", ONE, "composition at a point of the line"),
    coordinates={
        **_TIME,
        "line": Variable("sample", ONE, "name of the line", kind="string"),
        "particle": Variable("sample", ONE, "name of the particle that the line lies in", kind="string"),
        "distance": Variable("sample", MICROMETRE, "distance from the start of the line"),
        "position_x": Variable("sample", MICROMETRE, "position of the point"),
        "position_y": Variable("sample", MICROMETRE, "position of the point"),
    },
    attributes={
        "width": "width across the line over which the mean is taken, um",
        "axis": "direction of the lines in the image, degrees from +x towards +y, by particle",
    },
)

POPULATION = Stage(
    "population",
    "Particles against the electrode: together or one after the other, and who took no part",
    variables={
        **_measured("path_slope", "particle half_cycle", ONE, "change of the particle's x per change of the global x"),
        "path_curve": Variable("particle time", ONE, "particle's x less the global x"),
        "inactive_probability": Variable(
            "particle half_cycle", ONE, "probability that its change is below the limit for an active particle"
        ),
        "activity": Variable("particle half_cycle", ONE, "active, inactive or not decidable", kind="string"),
        "status": Variable("particle", ONE, "active, inactive, delaminated or not decidable", kind="string"),
        "delaminated_from": Variable("particle", ONE, "first half cycle without activity; -1 if none", kind="int"),
        **_measured("concurrency", "half_cycle", ONE, "1 all particles alike, 0 one particle after the other"),
        **_measured("active_share", "time", ONE, "share of the particles between the two end compositions"),
        "global_lithium_fraction": Variable("time", ONE, "composition of the electrode, or mean of the particles"),
        "particle_count": Variable("half_cycle", ONE, "particles behind the value", kind="int"),
    },
    coordinates={
        **_PARTICLE,
        **_HALF_CYCLE,
        "time": Variable("time", SECOND, "seconds since the start of the study, mid-scan"),
    },
    attributes={"global": "what stands for the global composition"},
)

PHASE_TABLE = Stage(
    "phase_table",
    "Shares of the pixels in the solid solution and near the two end compositions, with the noise unfolded",
    variables={
        **_measured("solid_solution_fraction", "particle time", ONE, "share of the pixels between the two limits"),
        "solid_solution_raw": Variable("particle time", ONE, "the same share as it appears in the noise"),
        **_measured("rich_fraction", "particle time", ONE, "share of the pixels above the upper limit"),
        **_measured("poor_fraction", "particle time", ONE, "share of the pixels below the lower limit"),
        **_measured("separation", "particle time", ONE, "variance of x over m(1-m): 1 binary, 0 uniform"),
        "pixel_count": Variable("particle time", ONE, "pixels behind the value", kind="int"),
    },
    coordinates={**_TIME, **_PARTICLE},
    attributes={"limits": "the two compositions that bound the solid solution"},
)

BOUNDARY_TABLE = Stage(
    "boundary_table",
    "Direction of the boundary between rich and poor regions, beside the facets of the particle",
    variables={
        **_measured("boundary_angle", "particle time", ONE, "direction of the boundary, degrees from +x towards +y"),
        "coherence": Variable("particle time", ONE, "1 one direction, 0 none; noise taken out"),
        "facet_angle": Variable("particle time", ONE, "nearest facet, degrees from +x towards +y"),
        **_measured("facet_difference", "particle time", ONE, "boundary less facet, degrees, within +-90"),
    },
    coordinates={**_TIME, **_PARTICLE},
    attributes={"facets": "stated, or found in the outline of each particle"},
)

RELAXATION_TABLE = Stage(
    "relaxation_table",
    "What happens inside and between particles after the current stops",
    variables={
        **_measured("spread", "particle time", ONE, "standard deviation of x over the pixels, noise taken out"),
        **_measured("surface_excess", "particle time", ONE, "mean x of the rim less mean x of the inside"),
        **_measured("exchanged", "particle time", ONE, "mean x less that of the first frame of the rest"),
        **_measured("spread_rate", "particle rest", PER_HOUR, "decay rate of the variance; negative = phases part"),
        **_measured("surface_rate", "particle rest", PER_HOUR, "decay rate of the surface excess"),
        **_measured("exchange_rate", "particle rest", PER_HOUR, "rise of the mean x per hour"),
        "exchange_p_value": Variable("rest", ONE, "probability of such changes without exchange between particles"),
        "frame_count": Variable("rest", ONE, "frames of the rest", kind="int"),
    },
    coordinates={
        "time": Variable("time", SECOND, "seconds since the start of the study, mid-scan"),
        "elapsed": Variable("time", SECOND, "seconds since the current stopped"),
        "rest_number": Variable("time", ONE, "number of the rest; -1 while current flows", kind="int"),
        "rest": Variable("rest", ONE, "number of the rest", kind="int"),
        **_PARTICLE,
    },
)

SURFACE_TABLE = Stage(
    "surface_table",
    "Surface and inside of every particle, and its channels, at one state of charge by interpolation",
    variables={
        **_measured("surface_lithium_fraction", "particle half_cycle", ONE, "mean x of the end pixels of the channels"),
        **_measured("internal_lithium_fraction", "particle half_cycle", ONE, "mean x of the other pixels"),
        **_measured("active_fraction", "particle half_cycle", ONE, "share of the end pixels between the two limits"),
        "active_fraction_raw": Variable("particle half_cycle", ONE, "the same share as it appears in the noise"),
        **_measured("transformed_fraction", "particle half_cycle", ONE, "share of the end pixels beyond the limit"),
        "transformed_fraction_raw": Variable("particle half_cycle", ONE, "the same share as it appears in the noise"),
        "end_count": Variable("particle half_cycle", ONE, "end pixels behind the values", kind="int"),
        **_measured("end_lithium_fraction", "half_cycle channel end", ONE, "x of the end pixel of a channel"),
    },
    coordinates={
        **_PARTICLE,
        **_HALF_CYCLE,
        "channel": Variable("channel", ONE, "number of the channel", kind="int"),
        "applied_c_rate": Variable("half_cycle", PER_HOUR, "C-rate of the cell"),
        "channel_particle": Variable("channel", ONE, "name of its particle", kind="string"),
        "end": Variable("end", ONE, "which end of the channel", kind="string"),
    },
    attributes={
        "state_of_charge": "mean composition to which everything is interpolated",
        "limits": "the two compositions that bound the active range",
    },
)

_PATH = "particle interval"
STABILITY_PATH = Stage(
    "stability_path",
    "Linear stability of the uniform state along the measured path of every particle",
    variables={
        **_measured("lithium_fraction", _PATH, ONE, "mean composition in the middle of the interval"),
        **_measured("insertion_current", _PATH, ONE, "insertion current over k0, positive = lithiation"),
        **_measured("growth_rate", _PATH, ONE, "s in units of 2 k0/(e rho_s Th), positive = a perturbation grows"),
        "unstable_probability": Variable(_PATH, ONE, "probability that the growth rate is positive"),
        "neutral_current": Variable(
            _PATH, ONE, "insertion current over k0 at which the growth rate is zero; NaN: none"
        ),
        "log_growth": Variable(_PATH, ONE, "integral of s dt from the start of the half cycle to the interval's end"),
        "log_growth_low": Variable(_PATH, ONE, "lower end of its 95 % range"),
        "log_growth_high": Variable(_PATH, ONE, "upper end of its 95 % range"),
        "largest_log_growth": Variable(
            "particle half_cycle", ONE, "logarithm of the most that noise present at any moment was multiplied by"
        ),
        "largest_log_growth_low": Variable("particle half_cycle", ONE, "lower end of its 95 % range"),
        "largest_log_growth_high": Variable("particle half_cycle", ONE, "upper end of its 95 % range"),
        "unstable_share": Variable("particle half_cycle", ONE, "share of the path in x that is unstable"),
        "unstable_share_low": Variable("particle half_cycle", ONE, "lower end of its 95 % range"),
        "unstable_share_high": Variable("particle half_cycle", ONE, "upper end of its 95 % range"),
    },
    coordinates={
        **_PARTICLE,
        **_HALF_CYCLE,
        "time": Variable("interval", SECOND, "middle of the interval, seconds since the start of the study"),
        "of_half_cycle": Variable("interval", ONE, "number of the half cycle of the interval", kind="int"),
    },
    attributes={
        "state": "F, mu and strain of the uniform state",
        "rate_constant": "k0 and its standard deviation, A/m2",
    },
)

SURFACE_SHIFT = Stage(
    "surface_shift",
    "What averaging the composition over the two ends of every channel does to a law of the exchange current",
    variables={
        **_measured("lithium_fraction", _PATH, ONE, "mean x of the ends of the channels"),
        **_measured("spread", _PATH, ONE, "spread of x between the ends of a channel, rms, noise taken out"),
        "law_value": Variable(_PATH, ONE, "F of the mean x, over the channels"),
        "shift": Variable(_PATH, ONE, "mean F of the ends less F of their mean x, over the channels"),
        "relative_shift": Variable(_PATH, ONE, "the shift over F of the mean x"),
        "channel_count": Variable(_PATH, ONE, "channels behind the value", kind="int"),
    },
    coordinates={
        **_PARTICLE,
        "time": Variable("interval", SECOND, "middle of the interval, seconds since the start of the study"),
        "half_cycle": Variable("interval", ONE, "number of the half cycle; -1 at rest", kind="int"),
        "direction": Variable("interval", ONE, "+1 lithiation, -1 delithiation, 0 rest or unknown", kind="int"),
    },
    attributes={"law": "name of F(x)"},
)

DOSE_TABLE = Stage(
    "dose_table",
    "The dose of every particle against the limit up to which no damage is documented",
    variables={
        "dose": Variable("particle", GRAY, "dose after the last frame", required=True),
        "first_above": Variable("particle", ONE, "first frame above the limit; -1 if none", kind="int", required=True),
        "second_above": Variable("particle", SECOND, "time of that frame; NaN if none"),
    },
    coordinates=_PARTICLE,
    attributes={"limit": "the limit, Gy", "of": "'largest pixel' or 'mean' of the particle"},
    required_attributes=("limit",),
)

KINETICS_TABLES = (
    DOMAIN_TABLE,
    DOMAIN_AGREEMENT,
    LINE_CUTS,
    POPULATION,
    PHASE_TABLE,
    BOUNDARY_TABLE,
    RELAXATION_TABLE,
    SURFACE_TABLE,
    STABILITY_PATH,
    DOSE_TABLE,
    SURFACE_SHIFT,
)
