"""A [100] platelet seen from above: 400 nm across the channels' ends, 1 um long, in closed form (Koo et al. 2023).

Coordinates of the particle: u along [010] from -L/2 to L/2 (the channels), v along [001]. The mean of a channel is a
logistic wave, m(v, t) = 1/(1 + exp(-s (t - t0(v))/w)), and its profile m + 1.2 s b m(1-m) ((2u/L)^2 - 1/3), whose mean
over u is m. So the current of a channel between two times is known exactly, and so is x at every point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope import stages
from lithiscope.instruments.reaction.electrode import ELEMENTARY_CHARGE

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

PIXEL = 40.0
"""Edge of a pixel, nm."""
SITE_DENSITY = 1.38e28
"""Lithium sites per m3."""
_FINE = 8  # points per pixel and axis
_WIDTH = 2.3548  # full width at half maximum of a Gaussian over its standard deviation


@final
@dataclass(frozen=True)
class ChannelPlatelet:
    """A platelet and the wave that fills and empties it.

    Parameters
    ----------
    length, width : float
        Along and across the channels (nm).
    angle : float
        Of the channels, degrees from +x towards +y.
    offset : (float, float)
        Of the centre from that of the picture along y and x (nm).
    shape : (int, int)
        Pixels of the picture.
    wave : float
        Width w of the wave (h); a half cycle lasts 1 h.
    span : float
        How much later the channels at one end of the platelet react than those at the other (h).
    bow : float
        How much the ends of a channel are ahead of its middle; b of the module's formula.
    """

    length: float = 400.0
    width: float = 1000.0
    angle: float = 0.0
    offset: tuple[float, float] = (0.0, 0.0)
    shape: tuple[int, int] = (34, 20)
    wave: float = 0.12
    span: float = 0.45
    bow: float = 0.8

    def mean(self, v: ArrayLike, hour: ArrayLike, direction: int) -> Array:
        """Return the mean composition of channels at v (nm)."""
        start = 0.5 + self.span * (np.asarray(v) / self.width)
        return np.asarray(1 / (1 + np.exp(-direction * (np.asarray(hour) - start) / self.wave)))

    def fraction(self, u: ArrayLike, v: ArrayLike, hour: ArrayLike, direction: int) -> Array:
        """Return the composition at u, v (nm)."""
        m = self.mean(v, hour, direction)
        bow = self.bow * 1.2 * m * (1 - m) * ((2 * np.asarray(u) / self.length) ** 2 - 1 / 3)
        return np.asarray(m + direction * bow)

    def places(self) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Return u and v (nm) of fine points of the picture, and whether they lie inside."""
        rows, columns = (np.arange(n * _FINE) for n in self.shape)
        y = (rows + 0.5) / _FINE * PIXEL - self.shape[0] * PIXEL / 2 - self.offset[0]
        x = (columns + 0.5) / _FINE * PIXEL - self.shape[1] * PIXEL / 2 - self.offset[1]
        turn = np.deg2rad(self.angle)
        u = np.cos(turn) * x[None, :] + np.sin(turn) * y[:, None]
        v = -np.sin(turn) * x[None, :] + np.cos(turn) * y[:, None]
        return np.asarray(u), np.asarray(v), (np.abs(u) <= self.length / 2) & (np.abs(v) <= self.width / 2)

    def position(self, across: ArrayLike) -> Array:
        """Return v (nm) of channels from where they lie across the picture (um from its first pixel)."""
        turn = np.deg2rad(self.angle)
        y, x = ((n - 1) / 2 * PIXEL + d for n, d in zip(self.shape, self.offset, strict=True))
        return np.asarray(np.asarray(across) * 1e3 - (np.cos(turn) * y - np.sin(turn) * x))

    def half_time(self, direction: int) -> float:
        """Return when the mean of the platelet is 0.5 (h)."""
        from scipy.optimize import brentq

        return float(brentq(lambda hour: self.mean(self._across(), hour, direction).mean() - 0.5, -1, 2))

    def surface(self, hour: float, direction: int, depth: float = PIXEL) -> float:
        """Return the mean composition of the outermost `depth` (nm) of both ends of all channels."""
        u = self.length / 2 - depth * (np.arange(50) + 0.5) / 50
        return float(self.fraction(u[:, None], self._across(), hour, direction).mean())

    def current(self, v: ArrayLike, start: float, end: float, direction: int) -> Array:
        """Return the current density of channels at v between two times (h); A/m2, positive on delithiation."""
        rate = (self.mean(v, end, direction) - self.mean(v, start, direction)) / (end - start)
        return np.asarray(-ELEMENTARY_CHARGE * SITE_DENSITY * rate / 3600 * self.length * 1e-9 / 2)

    def _across(self) -> Array:
        return (np.arange(400) + 0.5) / 400 * self.width - self.width / 2


class PlateletMovie(NamedTuple):
    """What was measured of a platelet, and what was true.

    Parameters
    ----------
    video : xarray.Dataset
        Stage composition_video with the amount: a lithiation and a delithiation.
    labels : xarray.DataArray
        1 where more than half of a pixel is platelet.
    hours : ndarray, shape (frames,)
        Time of the frames of each half cycle.
    """

    video: xr.Dataset
    labels: xr.DataArray
    hours: Array


def platelet_movie(
    platelet: ChannelPlatelet,
    *,
    frames: int = 12,
    sigma: float = 0.065,
    probe: float = 40.0,
    seed: int = 0,
    noisy: bool = True,
) -> PlateletMovie:
    """Measure a platelet through a lithiation and a delithiation.

    Parameters
    ----------
    platelet : ChannelPlatelet
        What lies under the beam.
    frames : int
        In each half cycle.
    sigma : float
        Standard deviation of x in a pixel that is all platelet.
    probe : float
        Full width at half maximum of the beam (nm).
    seed : int
        Of the noise.
    noisy : bool
        Whether there is any.
    """
    import xarray as xr

    x, cover = _seen(platelet, np.linspace(0.0, 1.0, frames), probe)
    mask = cover > 0.5
    std = sigma / np.where(mask, cover, np.nan)
    rng = np.random.default_rng(seed)
    measured = x + std * rng.standard_normal(x.shape) if noisy else x
    hours = np.linspace(0.0, 1.0, frames)
    space = {dim: (dim, 1e-3 * PIXEL * np.arange(n)) for dim, n in zip("yx", platelet.shape, strict=True)}
    video = stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", measured),
            "lithium_fraction_std": ("time y x", np.broadcast_to(std, x.shape)),
            "lithium_fraction_flag": (
                "time y x",
                np.where(np.broadcast_to(~mask, x.shape), stages.flag_bit("no_material"), 0),
            ),
            "amount": ("time y x", cover + 0.03 * rng.standard_normal(x.shape) * noisy),
        },
        coords={
            "time": ("time", 3600 * np.concatenate([hours, hours + 1.3])),
            "half_cycle": ("time", np.repeat([0, 1], frames)),
            "direction": ("time", np.repeat([1, -1], frames)),
            **space,
        },
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
    labels = xr.DataArray(
        mask.astype(np.int32), dims=("y", "x"), coords={dim: values for dim, (_, values) in space.items()}
    )
    return PlateletMovie(video, labels, hours)


def _seen(platelet: ChannelPlatelet, hours: Array, probe: float) -> tuple[Array, Array]:
    """Return composition (time, y, x) through the probe, NaN outside, and the covered share of the pixels."""
    from scipy.ndimage import gaussian_filter

    u, v, inside = platelet.places()
    width = probe / _WIDTH / PIXEL * _FINE
    cover = _pixels(gaussian_filter(inside.astype(float), width))
    x = []
    for sign in (1, -1):
        for hour in hours:
            filled = gaussian_filter(np.where(inside, platelet.fraction(u, v, hour, sign), 0.0), width)
            with np.errstate(invalid="ignore", divide="ignore"):
                x.append(np.where(cover > 0.5, _pixels(filled) / cover, np.nan))
    return np.array(x), cover


def _pixels(fine: Array) -> Array:
    rows, columns = (n // _FINE for n in fine.shape)
    return np.asarray(fine.reshape(rows, _FINE, columns, _FINE).mean(axis=(1, 3)))
