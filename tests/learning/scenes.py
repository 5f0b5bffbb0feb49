"""Composition videos for the tests of the learning, whose laws are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from lithiscope import stages


def ellipse(height: int, width: int) -> np.ndarray:
    """Return the mask of an ellipse that fills the picture."""
    y, x = np.mgrid[:height, :width]
    return np.asarray(((2 * y + 1) / height - 1) ** 2 + ((2 * x + 1) / width - 1) ** 2 <= 1)


def field(mask: np.ndarray, spread: float, seed: int) -> np.ndarray:
    """Return a smooth ln k of zero mean and given spread inside a mask."""
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(np.random.default_rng(seed).standard_normal(mask.shape), 2.5)
    values = values - values[mask].mean()
    return np.asarray(np.where(mask, values * spread / values[mask].std(), 0.0))


def video_of(x: np.ndarray, mask: np.ndarray, seconds: np.ndarray, half_cycle: np.ndarray, **more: Any) -> Any:
    """Return a composition video on 50 nm pixels with the given values (time, y, x); more may hold std or thickness."""
    std = more.get("std", 0.05)
    variables = {
        "lithium_fraction": ("time y x", np.where(mask, x, np.nan)),
        "lithium_fraction_std": ("time y x", np.where(mask, np.broadcast_to(std, x.shape), np.nan)),
        "label": ("y x", mask.astype(int)),
    }
    if "thickness" in more:
        variables["thickness"] = ("y x", np.where(mask, more["thickness"], np.nan))
    height, width = mask.shape
    coords = {
        "time": ("time", seconds),
        "half_cycle": ("time", half_cycle),
        "direction": ("time", np.where(half_cycle == 0, 1, np.where(half_cycle < 0, 0, -1))),
        "y": ("y", 0.05 * np.arange(height)),
        "x": ("x", 0.05 * np.arange(width)),
    }
    attrs = {"signal": "lithium_fraction", "origin": "simulation"}
    return stages.new("composition_video", variables, coords=coords, attrs=attrs)


def experiment(
    mask: np.ndarray, log_rate: np.ndarray, *, exchange_current: float, sigma: float, frames: int, seed: int
) -> Any:
    """Simulate a lithiation and a delithiation at 0.6C of a platelet 150 nm thick and add noise."""
    import jax.numpy as jnp

    from lithiscope import phasefield as pf

    inside = mask.astype(float)
    faces = [inside * np.roll(inside, -1, axis) for axis in (0, 1)]
    faces[0][-1], faces[1][:, -1] = 0.0, 0.0
    geometry = pf.Geometry(
        (50.0, 50.0),
        jnp.asarray(inside),
        tuple(jnp.asarray(face) for face in faces),
        jnp.asarray(inside * 2 / 150.0),
        pf.ParticleNumbers(mask.astype(int)),
    )
    reaction = pf.Reaction(exchange_current, "skewed_lim", rate=np.exp(log_rate))
    model = pf.Model(geometry, pf.RegularSolution(2.8), reaction, gradient_energy=8.83)
    pictures, seconds, half_cycle, volts, begin = [], [], [], [], 0.0
    for number, (rate, start) in enumerate(((0.6, 0.05), (-0.6, 0.95))):
        protocol = pf.constant_current(rate, seconds=5400.0)
        run = pf.simulate(model, protocol, frames, initial=start, controller=pf.Controller(1e-6))
        pictures.append(run.video["lithium_fraction"].values)
        seconds.append(begin + run.video["time"].values)
        half_cycle.append(np.full(frames, number))
        volts.append(run.record["voltage_volt"].values)
        begin += 6000.0
    x = np.concatenate(pictures).astype(float)
    noisy = x + sigma * np.random.default_rng(seed).standard_normal(x.shape)
    video = video_of(noisy, mask, np.concatenate(seconds), np.concatenate(half_cycle), std=sigma, thickness=150.0)
    return video.assign(voltage_volt=("time", np.concatenate(volts)))
