"""Composition videos with known truth: amounts of two end members with correlated Gaussian noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lithiscope import stages
from lithiscope.particles.images import label_image

PIXEL = 0.05  # um


def axes(shape, time=1, pixel=PIXEL):
    return {
        "time": ("time", 60.0 * np.arange(time)),
        "y": ("y", pixel * np.arange(shape[0])),
        "x": ("x", 1.0 + pixel * np.arange(shape[1])),
    }


def disc(shape, centre, radius):
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def labels(array, pixel=PIXEL):
    array = np.asarray(array, dtype=np.int32)
    shape = array.shape[-2:]
    coords = {"y": pixel * np.arange(shape[0]), "x": 1.0 + pixel * np.arange(shape[1])}
    like = xr.DataArray(np.zeros(shape), dims=("y", "x"), coords=coords)
    return label_image(array, like, cycle=np.arange(len(array)) if array.ndim == 3 else None)


def end_members(x, amount, sigma, rng, correlation=-0.5):
    """Noisy amounts a, b of the lithiated and the delithiated end member; every pixel has the same covariance."""
    one, two = rng.normal(size=(2, *x.shape))
    noise_b = correlation * one + np.sqrt(1 - correlation**2) * two
    return x * amount + sigma * one, (1 - x) * amount + sigma * noise_b


def measured(a, b, sigma, *, correlation=-0.5, gain=1.0, **extra):
    """A composition video of noisy amounts, with first-order error bars; sigma is that of the picture."""
    amount = a + b
    covariance = correlation * sigma**2
    x = a / amount
    x_std = np.sqrt((a**2 + b**2) * sigma**2 - 2 * a * b * covariance) / amount**2
    lost = ~np.isfinite(x)
    variables = {
        "lithium_fraction": ("time y x", x),
        "lithium_fraction_std": ("time y x", np.where(lost, np.nan, x_std)),
        "lithium_fraction_flag": ("time y x", lost * stages.flag_bit("missing")),
        "amount": ("time y x", amount),
        "amount_std": ("time y x", np.full(x.shape, np.sqrt(2 * sigma**2 + 2 * covariance))),
        "noise_gain": ("time", np.full(len(x), gain)),
        **extra.pop("variables", {}),
    }
    coords = axes(x.shape[1:], len(x)) | extra.pop("coords", {})
    return stages.new("composition_video", variables, coords=coords, attrs={"signal": "lithium_fraction"})


def amounts(amount, **coords):
    """A composition video that only says where the material is; time may be left out."""
    amount = np.asarray(amount, dtype=float)
    dims = "time y x" if amount.ndim == 3 else "y x"
    frames = len(amount) if amount.ndim == 3 else 1
    return stages.new(
        "composition_video",
        {"amount": (dims, amount)},
        coords=axes(amount.shape[-2:], frames) | coords,
        attrs={"signal": "lithium_fraction"},
    )
