"""Stages of the pathways: boundaries and their motion, shapes of domains, how particles fill and empty."""

from __future__ import annotations

from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import (
    MICROMETRE,
    MICROMETRE_PER_HOUR,
    ONE,
    PER_HOUR,
    PER_MICROMETRE,
    SECOND,
    SQUARE_MICROMETRE,
)

_PARTICLE = {"particle": Variable("particle", ONE, "name, stable between runs", kind="string", required=True)}


def _measured(name: str, dims: str, unit: str, meaning: str) -> dict[str, Variable]:
    return {
        name: Variable(dims, unit, meaning),
        f"{name}_std": Variable(dims, unit, f"random standard deviation of the {name}"),
        f"{name}_flag": Variable(dims, ONE, "flags", kind="int"),
    }


_FRAME = "particle time"
_MEAN = "particle half_cycle"
INTERFACE_TABLE = Stage(
    "interface_table",
    "Width of the boundary between rich and poor inside every particle, and its motion along its normal",
    variables={
        **_measured("width", _FRAME, MICROMETRE, "range of x over its greatest slope, resolution taken out"),
        "width_upper": Variable(_FRAME, MICROMETRE, "upper end of its one-sided 95 % range"),
        "apparent_width": Variable(_FRAME, MICROMETRE, "width as it appears"),
        "apparent_width_std": Variable(_FRAME, MICROMETRE, "its random standard deviation"),
        **_measured("slope", _FRAME, PER_MICROMETRE, "greatest slope of x across the boundary"),
        **_measured("contrast", _FRAME, ONE, "x of the rich side less x of the poor side"),
        "rich": Variable(_FRAME, ONE, "x of the rich side"),
        "poor": Variable(_FRAME, ONE, "x of the poor side"),
        **_measured("position", _FRAME, MICROMETRE, "place along the normal, from the centre of the particle"),
        **_measured("normal_angle", _FRAME, ONE, "normal, from rich to poor, degrees from +x towards +y"),
        "straightness": Variable(_FRAME, ONE, "length of the mean normal: 1 straight, 0 closed"),
        "length": Variable(_FRAME, MICROMETRE, "length of the boundary inside the particle"),
        "chi_square": Variable(_FRAME, ONE, "sum of squared residuals over variance, per degree of freedom"),
        "state": Variable(_FRAME, ONE, "boundary, or why there is no width", kind="string"),
        **_measured(
            "velocity", "particle interval", MICROMETRE_PER_HOUR, "speed along the normal, positive: rich grows"
        ),
        **_measured("mean_width", _MEAN, MICROMETRE, "mean of the widths of the half cycle"),
        **_measured("mean_slope", _MEAN, PER_MICROMETRE, "mean of the slopes of the half cycle"),
        **_measured("mean_velocity", _MEAN, MICROMETRE_PER_HOUR, "way over time in the half cycle"),
        "frame_count": Variable(_MEAN, ONE, "frames of the half cycle with a width", kind="int"),
    },
    coordinates={
        **_PARTICLE,
        "time": Variable("time", SECOND, "seconds since the start of the study, mid-scan"),
        "time_half_cycle": Variable("time", ONE, "number of the half cycle of the frame; -1 at rest", kind="int"),
        "interval_time": Variable("interval", SECOND, "middle of the interval"),
        "duration": Variable("interval", SECOND, "time between the two frames"),
        "interval_half_cycle": Variable("interval", ONE, "number of the half cycle; -1 at rest", kind="int"),
        "half_cycle": Variable("half_cycle", ONE, "number of the half cycle", kind="int"),
        "direction": Variable("half_cycle", ONE, "+1 lithiation, -1 delithiation", kind="int"),
        "applied_c_rate": Variable("half_cycle", PER_HOUR, "C-rate of the cell"),
    },
    attributes={
        "shape": "profile across the boundary",
        "resolution": "full width at half maximum of the probe that was taken out, um; 'not taken out'",
    },
)

DOMAIN_SHAPE = Stage(
    "domain_shape",
    "Whether the fast domains of every particle and half cycle follow the facets or are elliptic",
    variables={
        "pixel_count": Variable("domain", ONE, "pixels of the domain", kind="int"),
        "area": Variable("domain", SQUARE_MICROMETRE, "area of the domain"),
        "inner_edge": Variable("domain", ONE, "share of the domain's edge that lies inside the particle"),
        **_measured("aspect_ratio", "domain", ONE, "long over short axis of the best ellipse"),
        **_measured("ellipse_misfit", "domain", MICROMETRE, "root mean square distance of the edge from that ellipse"),
        **_measured("facet_misfit", "domain", MICROMETRE, "the same from the best polygon with edges along the facets"),
        "ellipse_p_value": Variable("domain", ONE, "probability that an ellipse looks as faceted as this, or more"),
        "facet_p_value": Variable("domain", ONE, "probability that such a polygon looks as elliptic as this, or more"),
        "parallel_share": Variable("domain", ONE, "share of the edge that is parallel to a facet"),
        "parallel_share_random": Variable("domain", ONE, "mean of that share over all orientations of the domain"),
        "parallel_p_value": Variable("domain", ONE, "share of the orientations that lie as near the facets, or nearer"),
        "verdict": Variable("domain", ONE, "faceted, elliptic, neither or cannot tell", kind="string"),
        "reason": Variable("domain", ONE, "why no verdict could be given", kind="string"),
    },
    coordinates={
        "domain": Variable("domain", ONE, "name of the domain", kind="string", required=True),
        "particle": Variable("domain", ONE, "name of the particle", kind="string"),
        "half_cycle": Variable("domain", ONE, "number of the half cycle", kind="int"),
        "direction": Variable("domain", ONE, "+1 lithiation, -1 delithiation", kind="int"),
        "applied_c_rate": Variable("domain", PER_HOUR, "C-rate of the cell"),
        "position_x": Variable("domain", MICROMETRE, "centre of the domain"),
        "position_y": Variable("domain", MICROMETRE, "centre of the domain"),
    },
    attributes={"facets": "stated, or found in the outline of each particle"},
)

PATHWAY_TABLE = Stage(
    "pathway_table",
    "How every particle filled or emptied: uniformly, by domains of solid solution, or by separated phases",
    variables={
        "pathway": Variable("particle case", ONE, "name of the pathway, or not decidable", kind="string"),
        "probability": Variable("particle case pathway_name", ONE, "probability of every pathway"),
        "reason": Variable("particle case", ONE, "what decided, or why nothing could", kind="string"),
        **_measured("uniformity", "particle case", ONE, "uniformity coefficient"),
        **_measured("solid_solution_fraction", "particle case", ONE, "share of solid solution near half charge"),
        "domain_contrast": Variable("particle case", ONE, "x95 - x5 near half charge, noise taken out"),
        "domains_found": Variable("particle case", ONE, "share of the frames near half charge with real domains"),
        "frame_count": Variable("particle case", ONE, "frames near half charge", kind="int"),
    },
    coordinates={
        **_PARTICLE,
        "pathway_name": Variable("pathway_name", ONE, "name of the pathway", kind="string", required=True),
        "half_cycle": Variable("case", ONE, "number of the half cycle; -1 at rest", kind="int"),
        "direction": Variable("case", ONE, "+1 lithiation, -1 delithiation, 0 at rest", kind="int"),
        "applied_c_rate": Variable("case", PER_HOUR, "C-rate of the cell; 0 at rest"),
        "end_time": Variable("case", SECOND, "time of the last frame"),
    },
    attributes={"rule": "the rule, in words"},
)

PATHWAY_DIAGRAM = Stage(
    "pathway_diagram",
    "Shares of the particles that take every pathway, against rate",
    variables={
        "count": Variable("group pathway_name", ONE, "particles; one that took several counts in parts"),
        "share": Variable("group pathway_name", ONE, "share of the decided particles"),
        "share_low": Variable("group pathway_name", ONE, "lower end of its range"),
        "share_high": Variable("group pathway_name", ONE, "upper end of its range"),
        "undecided_count": Variable("group", ONE, "particles without a verdict"),
        "particle_count": Variable("group", ONE, "particles with a verdict", kind="int"),
        "c_rate": Variable("group", PER_HOUR, "C-rate; 0 at rest"),
        "direction": Variable("group", ONE, "+1 lithiation, -1 delithiation, 0 at rest", kind="int"),
    },
    coordinates={
        "group": Variable("group", ONE, "name of the group", kind="string", required=True),
        "pathway_name": Variable("pathway_name", ONE, "name of the pathway", kind="string", required=True),
    },
)

PATHWAY_STAGES = (INTERFACE_TABLE, DOMAIN_SHAPE, PATHWAY_TABLE, PATHWAY_DIAGRAM)
