"""A scene of the virtual microscope as a composition video: blurred by the probe and with noise, no photons counted."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter, label

from lithiscope import stages

FINE = 8  # points per pixel and axis


def seen_scene(scene, frames, rng, *, pixel=0.04, probe=0.04, sigma=0.065):
    """Return the video of `frames` per half cycle, and the labels; sigma is that of a pixel which is all material."""
    parts = [part for part in scene.protocol if part.direction]
    times = np.concatenate([np.linspace(part.start + 1, part.end - 1, frames) for part in parts])
    y, x = scene.grid(pixel / FINE)
    thick = scene.thickness(y[:, None], x)
    width = probe / 2.3548 / (pixel / FINE)
    amount = means(gaussian_filter(thick, width)) / thick.max()
    mask = amount > 0.5
    filled = [means(gaussian_filter(thick * scene.fraction(t, y[:, None], x), width)) for t in times]
    truth = np.where(mask, np.array(filled) / thick.max() / np.where(mask, amount, 1.0), np.nan)
    std = np.broadcast_to(sigma / np.where(mask, np.minimum(amount, 1.0), np.nan), truth.shape)
    lost = np.broadcast_to(~mask, truth.shape)
    rows, columns = scene.grid(pixel)
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", truth + std * rng.standard_normal(truth.shape)),
            "lithium_fraction_std": ("time y x", std),
            "lithium_fraction_flag": ("time y x", np.where(lost, stages.flag_bit("no_material"), 0)),
            "amount": ("time y x", amount + 0.03 * rng.standard_normal(truth.shape)),
        },
        coords={
            "time": ("time", times),
            "half_cycle": ("time", np.repeat(np.arange(len(parts)), frames)),
            "direction": ("time", np.repeat([part.direction for part in parts], frames)),
            "y": ("y", rows),
            "x": ("x", columns),
        },
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
    numbers = label(mask)[0].astype(np.int32)
    return video, xr.DataArray(numbers, dims=("y", "x"), coords={"y": rows, "x": columns})


def means(fine):
    rows, columns = (n // FINE for n in fine.shape)
    return fine.reshape(rows, FINE, columns, FINE).mean(axis=(1, 3))
