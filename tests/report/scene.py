"""Small synthetic stages: three platelets in eight frames, lithiated and then delithiated."""

from __future__ import annotations

import numpy as np

from lithiscope import stages
from lithiscope.stages import flag_bit

SHAPE = (60, 72)
PIXEL = 0.05  # um
FRAMES = 8
NAMES = ("P01", "P02", "P03")


def axes(shape=SHAPE):
    return {"y": ("y", PIXEL * np.arange(shape[0])), "x": ("x", PIXEL * np.arange(shape[1]))}


def timeline(frames=FRAMES):
    half = frames // 2
    direction = np.where(np.arange(frames) < half, 1, -1)
    return {
        "time": ("time", 240.0 * np.arange(frames) + 90.0),
        "direction": ("time", direction),
        "half_cycle": ("time", np.where(direction == 1, 0, 1)),
        "cycle": ("time", np.zeros(frames, int)),
    }


def platelets(shape=SHAPE):
    """Label picture: a hexagon-like, an elliptic and a rectangular platelet."""
    row, column = np.indices(shape)
    label = np.zeros(shape, int)
    hexagon = np.abs(row - 18) + 0.55 * np.abs(column - 18)
    label[(hexagon < 14) & (np.abs(row - 18) < 12)] = 1
    label[((row - 40) / 14) ** 2 + ((column - 50) / 16) ** 2 < 1] = 2
    label[(np.abs(row - 47) < 7) & (np.abs(column - 17) < 10)] = 3
    return label


def truth(label, frames=FRAMES):
    """Uniform in the first, a front in the second, a shrinking core in the third particle."""
    row, column = np.indices(label.shape)
    progress = np.concatenate([np.linspace(0.05, 0.95, frames // 2), np.linspace(0.95, 0.05, frames - frames // 2)])
    x = np.empty((frames, *label.shape))
    distance = np.maximum(np.abs(row - 47) / 7, np.abs(column - 17) / 10)
    for t, p in enumerate(progress):
        x[t] = p
        x[t][label == 2] = (0.06 + 0.88 / (1 + np.exp((column - 34 - 32 * p) / 1.5)))[label == 2]
        x[t][label == 3] = (0.06 + 0.88 / (1 + np.exp((1 - p - distance) / 0.06)))[label == 3]
    return x


def make_video(label, frames=FRAMES, **extra):
    random = np.random.default_rng(3)
    thickness = np.where(label == 0, 0.01, 1.0 + 0.25 * np.sin(np.indices(label.shape)[1] / 9))
    std = 0.06 / np.sqrt(np.maximum(thickness, 0.2))
    x = truth(label, frames) + std * random.standard_normal((frames, *label.shape))
    flag = np.where(label == 0, flag_bit("no_material"), 0) * np.ones((frames, 1, 1), int)
    flag[2, 14:16, 8:30] |= flag_bit("missing")
    flag[5, 30:33, 40:60] |= flag_bit("saturated")
    flag[:, 20, 20] |= flag_bit("few_counts")
    x = stages.blank_fatal(x, flag)
    std = stages.blank_fatal(std * np.ones_like(x), flag)
    amount = thickness + 0.02 * random.standard_normal(x.shape)
    chi = random.chisquare(4, x.shape)
    shift = np.stack([0.02 * np.nan_to_num(x), 0.01 * (1 - np.nan_to_num(x))])
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_std": ("time y x", std),
            "lithium_fraction_frame_std": ("time", np.full(frames, 0.008)),
            "lithium_fraction_flag": ("time y x", flag),
            "lithium_fraction_shift": ("systematic time y x", shift),
            "amount": ("time y x", amount),
            "thickness": ("y x", 150 * thickness),
            "dose": ("time y x", 2e6 * np.arange(1, frames + 1)[:, None, None] * thickness),
            "chi_square": ("time y x", chi),
            "noise_gain": ("time", np.full(frames, 0.85)),
            "coefficient": ("time component y x", np.stack([amount * truth(label, frames),
                            amount * (1 - truth(label, frames)), 0.1 + 0 * amount], axis=1)),
            **extra,
        },
        coords={**axes(label.shape), **timeline(frames), "component": ("component", ["LFP", "FP", "offset"]),
                "systematic": ("systematic", ["reference purity", "energy calibration"])},
        attrs={"signal": "lithium_fraction", "degrees_of_freedom": 4, "attenuation_table": "Henke 1993",
               "empirical_over_predicted_sigma": 1.08},
    )  # fmt: skip


def make_references(energy):
    lfp = 0.05 + 0.28 * np.exp(-(((energy - 706.2) / 1.1) ** 2)) + 0.10 / (1 + np.exp(-(energy - 710)))
    fp = 0.05 + 0.10 * np.exp(-(((energy - 706.4) / 1.1) ** 2)) + 0.30 * np.exp(-(((energy - 712.8) / 1.8) ** 2))
    return stages.new(
        "references",
        {"reference": ("component energy", np.stack([lfp, fp])), "lithium_content": ("component", [1.0, 0.0])},
        coords={"energy": ("energy", energy), "component": ("component", ["LFP", "FP"])},
        attrs={"source": "synthetic"},
    )


def make_od(video, references):
    """Optical densities of the video's coefficients, with noise of 0.02 per pixel and 0.004 per frame."""
    random = np.random.default_rng(5)
    design = np.vstack([references["reference"].values, np.ones(references.sizes["energy"])])
    clean = np.einsum("tcyx,ce->teyx", video["coefficient"].values.astype(float), design)
    flag = np.zeros(clean.shape, int)
    flag[3, 1, 40:44] = flag_bit("missing")
    times, energies = clean.shape[:2]
    incident = 16000 * np.exp(-np.arange(times)[:, None] / 30) * (1 + 0.02 * np.arange(energies) % 7)
    return stages.new(
        "frames",
        {
            "signal": ("time energy y x", stages.blank_fatal(clean + 0.02 * random.standard_normal(clean.shape), flag)),
            "signal_std": ("time energy y x", stages.blank_fatal(np.full(clean.shape, 0.02), flag)),
            "signal_flag": ("time energy y x", flag),
            "signal_frame_std": ("time energy", np.full((times, energies), 0.004)),
            "incident": ("time energy", incident),
            "incident_std": ("time energy", 0.004 * incident),
            "noise_gain": ("time energy", np.full((times, energies), 0.85)),
        },
        coords={
            **{name: (name, video[name].values) for name in ("y", "x", "time")},
            "energy": ("energy", references["energy"].values),
        },
        attrs={"quantity": "optical_density"},
    )


def make_alignment(frames=FRAMES, energies=3):
    random = np.random.default_rng(7)
    drift = np.cumsum(0.03 * random.standard_normal((frames, 1, 2)), axis=0)
    shift = drift + 0.004 * random.standard_normal((frames, energies, 2))
    flag = np.zeros((frames, energies), int)
    flag[6] = flag_bit("not_aligned")
    lost = (flag > 0)[..., None]
    return stages.new(
        "alignment",
        {
            "shift": ("time energy axis", np.where(lost, np.nan, shift)),
            "shift_std": ("time energy axis", np.where(lost, np.nan, np.full(shift.shape, 0.002))),
            "drift_leakage": ("time energy axis", np.where(lost, np.nan, 0.001 * random.standard_normal(shift.shape))),
            "alignment_flag": ("time energy", flag),
        },
        coords={
            "time": timeline(frames)["time"],
            "energy": ("energy", 703.0 + 3.5 * np.arange(energies)),
            "axis": ("axis", ["y", "x"]),
        },
        attrs={"method": "synthetic"},
    )


def make_table(video, label, names=NAMES):
    numbers = np.arange(1, len(names) + 1)
    x = video["lithium_fraction"].values.astype(float)
    mean = np.stack([np.nanmean(x[:, label == n], axis=1) for n in numbers])
    flag = np.zeros(mean.shape, int)
    flag[1, 5] = flag_bit("saturated")
    count = np.array([(label == n).sum() for n in numbers])
    std = 0.06 / np.sqrt(count)[:, None] * np.ones_like(mean)
    return stages.new(
        "particle_table",
        {
            "lithium_fraction": ("particle time", stages.blank_fatal(mean, flag)),
            "lithium_fraction_std": ("particle time", stages.blank_fatal(std, flag)),
            "lithium_fraction_frame_std": ("time", np.full(mean.shape[1], 0.012)),
            "lithium_fraction_shift": ("systematic particle time", np.stack([0.04 * mean, 0.01 * (1 - mean)])),
            "lithium_fraction_flag": ("particle time", flag),
            "spread": ("particle time", np.full(mean.shape, 0.07)),
            "area": ("particle", count * PIXEL**2),
            "pixel_count": ("particle", count),
            "thickness": ("particle", np.full(len(numbers), 152.0)),
            "touches_edge": ("particle", [True, False, False]),
            "excluded": ("particle", np.zeros(len(numbers), bool)),
            "reason": ("particle", np.array([""] * len(numbers))),
        },
        coords={
            **timeline(mean.shape[1]),
            "particle": ("particle", np.array(names)),
            "label": ("particle", numbers),
            "systematic": ("systematic", ["reference purity", "energy calibration"]),
        },
    )
