"""Virtual kinetic experiments: composition videos and traces of particles whose rates are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.instruments.reaction import (
    Electrode,
    Even,
    Insertion,
    RateField,
    Reacting,
    Reaction,
    Rest,
    react,
    reacting_platelets,
)
from lithiscope.instruments.stxm import Scene

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

# The noise of a pixel in Lim et al. 2016 is 0.06; Zhao et al. 2023 find 0.072.
SIGMA_X = 0.065
PIXEL = 0.05


class KineticExperiment(NamedTuple):
    """What was measured, and what was true.

    Parameters
    ----------
    video : xarray.Dataset
        Stage composition_video with noise, lithium_fraction_std, thickness and label.
    trace : xarray.Dataset
        Stage cell_trace; its test time is the time of the video.
    truth : xarray.Dataset
        The video without noise.
    scene : Scene
        What lay under the microscope.
    reaction : Reaction
        What the electrode did.
    """

    video: xr.Dataset
    trace: xr.Dataset
    truth: xr.Dataset
    scene: Scene
    reaction: Reaction


def one_cycle(c_rate: float, *, rest: float = 600.0) -> tuple[Rest | Insertion | Even, ...]:
    """Return a protocol: lithiation, an ideal hold, delithiation, with rests between."""
    return (
        Rest(rest),
        Insertion(c_rate, 0.95),
        Rest(rest),
        Even(0.97, 1800.0),
        Rest(rest),
        Insertion(c_rate, 0.05),
        Rest(rest),
    )


def kinetic_experiment(
    electrode: Electrode,
    c_rate: float,
    *,
    frames: int = 9,
    seed: int = 0,
    sigma: float = SIGMA_X,
    fields: tuple[RateField, ...] = (),
    pixel: float = PIXEL,
) -> KineticExperiment:
    """Measure three reacting platelets through one cycle, without a microscope between: noise alone.

    Parameters
    ----------
    electrode : Electrode
        What reacts.
    c_rate : float
        Rate of both half cycles (1/h).
    frames : int
        Frames in each half cycle, both ends included.
    seed : int
        Of the noise.
    sigma : float
        Standard deviation of x in each pixel.
    fields : tuple of RateField, optional
        The rates of the three platelets.
    pixel : float
        Pixel size (um).
    """
    reaction = react(electrode, one_cycle(c_rate), start=0.03)
    return observed(reaction, frames=frames, seed=seed, sigma=sigma, fields=fields, pixel=pixel)


def observed(
    reaction: Reaction,
    *,
    frames: int = 9,
    seed: int = 0,
    sigma: float = SIGMA_X,
    fields: tuple[RateField, ...] = (),
    pixel: float = PIXEL,
) -> KineticExperiment:
    """Measure three platelets that take part in a reaction; for the parameters see `kinetic_experiment`."""
    scene = reacting_platelets(reaction, fields)
    spans = [reaction.span(number) for number, step in enumerate(reaction.steps) if isinstance(step, Insertion)]
    # A frame at the very moment of a switch belongs to neither half cycle.
    times = np.concatenate([np.linspace(begin + 1.0, end - 1.0, frames) for begin, end in spans])
    truth = _flat(scene.video(times, pixel=pixel), scene)
    return KineticExperiment(
        with_noise(truth, sigma, np.random.default_rng(seed)), trace_of(reaction), truth, scene, reaction
    )


def _flat(video: xr.Dataset, scene: Scene) -> xr.Dataset:
    """Return the video with platelets as thick at the rim as in the middle, because that is how they react here."""
    thickness = np.concatenate([[0.0], [platelet.thickness for platelet in scene.platelets]])
    return video.assign(thickness=video["thickness"].copy(data=thickness[video["label"].values].astype(np.float32)))


def with_noise(truth: xr.Dataset, sigma: float, rng: np.random.Generator) -> xr.Dataset:
    """Return a composition video with Gaussian noise of a stated standard deviation in each pixel."""
    x = truth["lithium_fraction"].values.astype(float)
    noisy = x + sigma * rng.standard_normal(x.shape)
    missing = ~np.isfinite(x)
    coords = {str(name): (" ".join(map(str, c.dims)), c.values) for name, c in truth.coords.items()}
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", noisy),
            "lithium_fraction_std": ("time y x", np.where(missing, np.nan, sigma)),
            "lithium_fraction_flag": ("time y x", truth["lithium_fraction_flag"].values),
            # Beyond the outline a hundredth of a nanometre is left of the rim, which no microscope sees.
            "thickness": ("y x", np.where(truth["label"].values > 0, truth["thickness"].values, np.nan)),
            "noise_gain": ("time", np.ones(truth.sizes["time"])),
            "label": ("y x", truth["label"].values),
            "mask": ("y x", truth["mask"].values),
        },
        coords={**coords, "cycle": ("time", np.zeros(truth.sizes["time"], dtype=int))},
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )


def trace_of(reaction: Reaction) -> xr.Dataset:
    """Return the trace of a reaction as a potentiostat without noise would write it."""
    return stages.new(
        "cell_trace",
        {
            "test_time_second": ("sample", reaction.time),
            "voltage_volt": ("sample", reaction.volt),
            "current_ampere": ("sample", reaction.current),
            "step_index": ("sample", reaction.step),
        },
        coords={"sample": ("sample", np.arange(reaction.time.size))},
        attrs={"source": "simulation", "format": "virtual electrode", "current_source": "measured"},
    )


def fast_domains_of(experiment: KineticExperiment) -> NDArray[np.bool_]:
    """Return where the rate is truly that of a fast domain, (y, x)."""
    truth = experiment.truth
    y, x = truth["y"].values[:, None], truth["x"].values
    fast = np.zeros(truth["label"].shape, dtype=bool)
    for number, platelet in enumerate(experiment.scene.platelets, start=1):
        pathway = platelet.pathway
        if isinstance(pathway, Reacting):
            cover = pathway.field.cover(platelet.place(y, x))
            fast |= (truth["label"].values == number) & (cover > 0.5)
    return fast
