"""A platelet with two fast domains, in closed form: the virtual experiment of Lim 2016.

With the linear law, dx/dt = k(r) F(x) s(t) with F = 3 (1-x) sqrt(x(1-x)); u = sqrt(x/(1-x)) then obeys du/dt = 3/2 k s.
So x = u^2/(1 + u^2), u = u0 +- 3/2 k S, and S (the integral of s) follows from the mean composition of the frame.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.optimize import brentq

from lithiscope import stages

PIXEL = 0.05  # um


def platelet(shape=(30, 26), radius=(13.5, 11.5)):
    """An ellipse of about 480 pixels."""
    y, x = np.indices(shape)
    return ((y - (shape[0] - 1) / 2) / radius[0]) ** 2 + ((x - (shape[1] - 1) / 2) / radius[1]) ** 2 <= 1


def two_domains(shape=(30, 26)):
    """Two elliptic fast domains of about 60 and 70 pixels."""
    y, x = np.indices(shape)
    first = ((y - 8) / 5.5) ** 2 + ((x - 9) / 4.0) ** 2 <= 1
    second = ((y - 20) / 4.5) ** 2 + ((x - 15) / 5.5) ** 2 <= 1
    return first | second


def composition(u0, direction, k, s):
    u = np.maximum(np.sqrt(u0 / (1 - u0)) + direction * 1.5 * k * s, 0.0)
    return u**2 / (1 + u**2)


def half_cycle(k, direction, means, start=None):
    """Compositions (frames, pixels) at the wanted mean compositions, from a uniform start."""
    start = (0.03 if direction > 0 else 0.97) if start is None else start
    frames = []
    for mean in means:
        s = brentq(lambda s, mean=mean: composition(start, direction, k, s).mean() - mean, 0, 1e4)
        frames.append(composition(start, direction, k, s))
    return np.array(frames)


def experiment(
    *, frames=9, ratio=3.0, spread=0.0, sigma=0.065, seed=0, cycles=1, mask=None, fast=None, c_rate=0.6, rng_k=None
):
    """Return (video, labels, truth): one lithiation and one delithiation per cycle.

    truth is a dict: fast (y, x), mask (y, x), x (time, y, x) without noise.
    """
    rng = np.random.default_rng(seed)
    mask = platelet() if mask is None else mask
    fast = (two_domains() if fast is None else fast) & mask
    k = np.where(fast, ratio, 1.0)[mask] * np.exp(spread * rng.standard_normal(mask.sum()))
    means = np.linspace(0.1, 0.9, frames)
    x, direction, number, time = [], [], [], []
    step = 0.8 / (frames - 1) / c_rate * 3600
    clock = 0.0
    for half in range(2 * cycles):
        sign = 1 if half % 2 == 0 else -1
        x.append(half_cycle(k, sign, means if sign > 0 else means[::-1]))
        direction += [sign] * frames
        number += [half] * frames
        time += list(clock + step * np.arange(frames))
        clock = time[-1] + 3 * step
    true = np.full((len(time), *mask.shape), np.nan)
    true[:, mask] = np.concatenate(x)
    noisy = true + sigma * rng.standard_normal(true.shape)
    return (
        as_video(noisy, sigma, mask, time, number, direction),
        as_labels(mask),
        {
            "fast": fast,
            "mask": mask,
            "x": true,
        },
    )


def as_labels(label):
    label = np.asarray(label).astype(np.int32)
    return xr.DataArray(label, dims=("y", "x"), coords=_space(label.shape), name="label")


def _space(shape):
    return {"y": PIXEL * np.arange(shape[0]), "x": PIXEL * np.arange(shape[1])}


def as_video(x, sigma, mask, time, half_cycle, direction, gain=1.0, **variables):
    """A composition video of given values; sigma is the standard deviation as it appears."""
    x = np.asarray(x, dtype=float)
    lost = ~np.isfinite(x)
    flag = np.where(lost, np.where(mask, stages.flag_bit("missing"), stages.flag_bit("no_material")), 0)
    std = {} if sigma is None else {"lithium_fraction_std": ("time y x", np.where(lost, np.nan, sigma))}
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_flag": ("time y x", flag),
            **std,
            "noise_gain": ("time", np.full(len(x), gain)),
            **variables,
        },
        coords={
            "time": ("time", time),
            "half_cycle": ("time", half_cycle),
            "direction": ("time", direction),
            **{dim: (dim, values) for dim, values in _space(x.shape[1:]).items()},
        },
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
