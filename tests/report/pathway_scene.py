"""Stages of boundaries, shapes and pathways with stated numbers: three particles, 0.2C and 2C both ways, a rest."""

from __future__ import annotations

import numpy as np

from lithiscope import stages

NAMES = np.array(["A", "B", "C"])
RATES, DIRECTIONS = np.array([0.2, 0.2, 2.0, 2.0]), np.array([1, -1, 1, -1])
PATHWAYS = np.array(["phase separation", "nonuniform solid solution", "uniform solid solution"])


def interface_table():
    frames = 12
    of_frame = np.repeat([0, 1, 2, 3], 3)
    width = 0.1 + 0.1 * RATES[of_frame] + 0.01 * np.arange(3)[:, None]
    width[1, :3] = np.nan
    mean = 0.1 + 0.1 * RATES + 0.01 * np.arange(3)[:, None]
    mean[1, 0] = np.nan
    speed = np.where(np.diff(of_frame) == 0, 0.05 * DIRECTIONS[of_frame[1:]], np.nan) * np.ones((3, 1))
    both = {"width": ("particle time", width), "velocity": ("particle interval", speed)}
    both |= {
        f"mean_{name}": ("particle half_cycle", values)
        for name, values in (("width", mean), ("slope", 0.8 / mean), ("velocity", 0.05 * DIRECTIONS * np.ones((3, 1))))
    }
    errors = {f"{name}_std": (dims, np.abs(0.1 * values)) for name, (dims, values) in both.items()}
    flags = {f"{name}_flag": (dims, np.isnan(values) * 32) for name, (dims, values) in both.items()}
    time = 600.0 * np.arange(frames)
    return stages.new(
        "interface_table",
        {**both, **errors, **flags, "frame_count": ("particle half_cycle", np.full((3, 4), 3))},
        coords={
            "particle": ("particle", NAMES),
            "time": ("time", time),
            "time_half_cycle": ("time", of_frame),
            "interval_time": ("interval", (time[1:] + time[:-1]) / 2),
            "duration": ("interval", np.diff(time)),
            "half_cycle": ("half_cycle", np.arange(4)),
            "direction": ("half_cycle", DIRECTIONS),
            "applied_c_rate": ("half_cycle", RATES),
        },
        attrs={"shape": "error_function", "resolution": "not taken out"},
    )


def domain_shape():
    verdict = np.array(["faceted", "elliptic", "elliptic", "cannot tell"])
    ellipse, facet = np.array([0.03, 0.002, 0.004, np.nan]), np.array([0.008, 0.03, 0.02, np.nan])
    return stages.new(
        "domain_shape",
        {
            "pixel_count": ("domain", [90, 120, 80, 12]),
            "aspect_ratio": ("domain", [1.5, 1.2, 1.1, np.nan]),
            "ellipse_misfit": ("domain", ellipse),
            "facet_misfit": ("domain", facet),
            "verdict": ("domain", verdict),
            "reason": ("domain", np.array(["", "", "", "too few pixels"])),
        },
        coords={
            "domain": ("domain", np.array(["A 0.1", "A 2.1", "B 2.1", "C 3.1"])),
            "half_cycle": ("domain", [0, 2, 2, 3]),
            "direction": ("domain", [1, 1, 1, -1]),
            "applied_c_rate": ("domain", [0.2, 2.0, 2.0, 2.0]),
        },
    )


def pathway_table():
    name = np.array([PATHWAYS[[1, 0, 2, 1, 0]], PATHWAYS[[1, 1, 2, 2, 0]], ["not decidable"] * 5])
    probability = np.full((3, 5, 3), np.nan)
    probability[:2] = np.where(name[:2, :, None] == PATHWAYS, 0.98, 0.01)
    return stages.new(
        "pathway_table",
        {
            "pathway": ("particle case", name),
            "probability": ("particle case pathway_name", probability),
            "reason": ("particle case", np.where(name == "not decidable", "no frame near half charge", "")),
            "uniformity": ("particle case", np.full((3, 5), 0.6)),
        },
        coords={
            "particle": ("particle", NAMES),
            "pathway_name": ("pathway_name", PATHWAYS),
            "half_cycle": ("case", [0, 1, 2, 3, -1]),
            "direction": ("case", [*DIRECTIONS, 0]),
            "applied_c_rate": ("case", [*RATES, 0.0]),
        },
        attrs={"rule": "uniform: uniformity above 0.85"},
    )


def pathway_diagram():
    share = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    return stages.new(
        "pathway_diagram",
        {
            "count": ("group pathway_name", 2 * share),
            "share": ("group pathway_name", share),
            "share_low": ("group pathway_name", np.clip(share - 0.3, 0, 1)),
            "share_high": ("group pathway_name", np.clip(share + 0.3, 0, 1)),
            "undecided_count": ("group", [1.0, 1.0, 1.0, 1.0, 0.0]),
            "particle_count": ("group", [2, 2, 2, 2, 2]),
            "c_rate": ("group", [0.2, 2.0, 0.2, 2.0, 0.0]),
            "direction": ("group", [1, 1, -1, -1, 0]),
        },
        coords={
            "group": ("group", np.array(["l 0.2C", "l 2C", "d 0.2C", "d 2C", "rest"])),
            "pathway_name": ("pathway_name", PATHWAYS),
        },
    )


def active_particles():
    value = np.array([0.4, 0.9, 0.3, 0.8])
    return stages.new(
        "pooled",
        {
            "value": ("group", value),
            "value_std": ("group", np.full(4, 0.1)),
            "low": ("group", value - 0.1),
            "high": ("group", value + 0.1),
            "c_rate": ("group", [0.2, 2.0, 0.2, 2.0]),
            "direction": ("group", [1, 1, -1, -1]),
            "particle_count": ("group", [3] * 4),
        },
        coords={"group": ("group", np.array(["a", "b", "c", "d"]))},
        attrs={"quantity": "share of active particles near half charge (1)"},
    )


def make_all():
    return {
        "interfaces": interface_table(), "domain_shapes": domain_shape(), "pathways": pathway_table(),
        "pathway_diagram": pathway_diagram(), "active_particles": active_particles(),
    }  # fmt: skip
