"""A [100] platelet seen from above: 400 nm across the channels' ends, 1 um long, in closed form (Koo 2023).

Coordinates of the particle: u along [010] from -L/2 to L/2 (the channels), v along [001]. The mean of a channel is a
logistic wave, m(v, t) = 1/(1 + exp(-s (t - t0(v))/w)), and its profile m + 1.2 s b m(1-m) ((2u/L)^2 - 1/3), whose mean
over u is m. So the current of a channel between two times is known exactly, and so is x at every point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq

from lithiscope import stages

CHARGE, SITES = 1.602176634e-19, 1.38e28
PIXEL = 40.0  # nm
FINE = 8  # points per pixel and axis


@dataclass(frozen=True)
class Platelet:
    """Geometry in nm, angle of the channels in degrees from +x towards +y, wave in hours."""

    length: float = 400.0
    width: float = 1000.0
    angle: float = 0.0
    offset: tuple[float, float] = (0.0, 0.0)
    shape: tuple[int, int] = (34, 20)
    wave: float = 0.12
    span: float = 0.45
    bow: float = 0.8

    def mean(self, v, t, direction):
        start = 0.5 + self.span * (v / self.width)
        return 1 / (1 + np.exp(-direction * (t - start) / self.wave))

    def x(self, u, v, t, direction):
        m = self.mean(v, t, direction)
        return m + direction * self.bow * 1.2 * m * (1 - m) * ((2 * u / self.length) ** 2 - 1 / 3)

    def places(self):
        """u, v of the fine points and whether they lie inside."""
        rows, columns = (np.arange(n * FINE) for n in self.shape)
        y = (rows + 0.5) / FINE * PIXEL - self.shape[0] * PIXEL / 2 - self.offset[0]
        x = (columns + 0.5) / FINE * PIXEL - self.shape[1] * PIXEL / 2 - self.offset[1]
        turn = np.deg2rad(self.angle)
        u = np.cos(turn) * x[None, :] + np.sin(turn) * y[:, None]
        v = -np.sin(turn) * x[None, :] + np.cos(turn) * y[:, None]
        return u, v, (np.abs(u) <= self.length / 2) & (np.abs(v) <= self.width / 2)

    def particle_mean(self, t, direction):
        v = (np.arange(400) + 0.5) / 400 * self.width - self.width / 2
        return self.mean(v, t, direction).mean()

    def half_time(self, direction):
        """When the whole particle is at 0.5."""
        return brentq(lambda t: self.particle_mean(t, direction) - 0.5, -1, 2)

    def surface(self, t, direction, depth=PIXEL):
        """Mean x over the outermost `depth` of both ends, all channels."""
        v = (np.arange(400) + 0.5) / 400 * self.width - self.width / 2
        u = self.length / 2 - depth * (np.arange(50) + 0.5) / 50
        return self.x(u[:, None], v, t, direction).mean()


def pixels(fine):
    rows, columns = (n // FINE for n in fine.shape)
    return fine.reshape(rows, FINE, columns, FINE).mean(axis=(1, 3))


def experiment(platelet, *, frames=12, sigma=0.065, probe=40.0, seed=0, noisy=True):
    """A lithiation and a delithiation; returns (video, labels, truth).

    probe: full width at half maximum of the beam, nm. truth: dict with x without noise (time, y, x), v of the pixels,
    hours, and the direction of every frame.
    """
    u, v, inside = platelet.places()
    width = probe / 2.3548 / PIXEL * FINE
    cover = pixels(gaussian_filter(inside.astype(float), width))
    mask = cover > 0.5
    hours = np.linspace(0.0, 1.0, frames)
    x, direction = [], []
    for sign in (1, -1):
        for t in hours:
            filled = gaussian_filter(np.where(inside, platelet.x(u, v, t, sign), 0.0), width)
            with np.errstate(invalid="ignore", divide="ignore"):
                x.append(np.where(mask, pixels(filled) / cover, np.nan))
            direction.append(sign)
    x = np.array(x)
    std = sigma / np.where(mask, cover, np.nan)
    rng = np.random.default_rng(seed)
    measured = x + std * rng.standard_normal(x.shape) if noisy else x
    time = 3600 * np.concatenate([hours, hours + 1.3])
    lost = np.broadcast_to(~mask, x.shape)
    space = {dim: (dim, 1e-3 * PIXEL * np.arange(n)) for dim, n in zip("yx", platelet.shape, strict=True)}
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", measured),
            "lithium_fraction_std": ("time y x", np.broadcast_to(std, x.shape)),
            "lithium_fraction_flag": ("time y x", np.where(lost, stages.flag_bit("no_material"), 0)),
            "amount": ("time y x", cover + 0.03 * rng.standard_normal(x.shape) * noisy),
        },
        coords={
            "time": ("time", time),
            "half_cycle": ("time", np.repeat([0, 1], frames)),
            "direction": ("time", direction),
            **space,
        },
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
    labels = xr.DataArray(
        mask.astype(np.int32), dims=("y", "x"), coords={dim: values for dim, (_, values) in space.items()}
    )
    return video, labels, {"x": x, "hours": hours, "direction": np.array(direction), "v": pixels(v), "u": pixels(u)}


def current(platelet, v, start, end, direction):
    """Current density of a channel at v between two times (hours), A/m2, positive = delithiation."""
    rate = (platelet.mean(v, end, direction) - platelet.mean(v, start, direction)) / (end - start)
    return -CHARGE * SITES * rate / 3600 * platelet.length * 1e-9 / 2
