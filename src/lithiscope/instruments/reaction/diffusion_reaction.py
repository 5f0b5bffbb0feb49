"""A channel that takes lithium at both ends, by diffusion with a surface reaction, and what a probe sees of it.

Finite volumes in one dimension, method of lines. Lengths are in units of half the channel L, times in units of L^2/D
with D the chemical diffusivity, mean over x; so tau_bulk = 1 and tau_reaction = `ratio`. The reaction is Butler-Volmer
with F = 3 (1-x) sqrt(x(1-x)) on the regular-solution potential; transport is Fickian, or driven by the gradient of that
potential, with a Cahn-Hilliard term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.instruments.reaction.electrode import ELEMENTARY_CHARGE

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

CHANNEL = 400.0
"""Length of a channel, nm."""
SITE_DENSITY = 1.38e28
"""Lithium sites per m3."""
TAU_BULK = 10.0
"""L^2/D of the channels in `observed_lines`, s."""
_MEAN_F = 3 * 0.8862269 * 1.3293404 / 6  # mean of F over x: 3 B(3/2, 5/2)
_CLOSEST = 1e-9
_WIDTH = 2.3548  # full width at half maximum of a Gaussian over its standard deviation


@final
@dataclass(frozen=True)
class ChannelParticle:
    """What a particle is made of and how it is driven.

    Parameters
    ----------
    ratio : float
        tau_reaction / tau_bulk with j0 the mean of k0 F(x) over x.
    drive : float
        |e (V - V0)| / kT.
    direction : int
        +1 lithiation, -1 delithiation.
    omega : float
        Regular-solution coefficient over kT, of the reaction's potential.
    transport : {"fick", "potential"}
        Flux -D grad x, or -D x(1-x) grad mu.
    kappa : float
        Gradient coefficient over kT L^2 (potential only).
    """

    ratio: float
    drive: float = 2.0
    direction: int = 1
    omega: float = 0.0
    transport: Literal["fick", "potential"] = "fick"
    kappa: float = 0.0

    @property
    def exchange_current(self) -> float:
        """j0 (A/m2), mean over x, that goes with the ratio of times and `TAU_BULK`."""
        return ELEMENTARY_CHARGE * SITE_DENSITY * CHANNEL * 1e-9 / (2 * self.ratio * TAU_BULK)


def random_particle(ratio: float, rng: np.random.Generator) -> ChannelParticle:
    """Return a particle of that ratio, of one of three solid solutions, driven either way by 40 to 100 mV."""
    kinds: tuple[tuple[float, Literal["fick", "potential"]], ...] = ((0.0, "fick"), (1.5, "potential"), (1.5, "fick"))
    omega, transport = kinds[rng.integers(3)]
    return ChannelParticle(ratio, float(rng.uniform(1.6, 4.0)), int(rng.choice([-1, 1])), omega, transport)


def _potential(x: Array, omega: float) -> Array:
    x = np.clip(x, _CLOSEST, 1 - _CLOSEST)
    return omega * (1 - 2 * x) + np.log(x / (1 - x))


def _rate(_time: float, x: Array, particle: ChannelParticle, factor: Array) -> Array:
    """Return dx/dt of the cells of a channel; `factor` scales k0 at the two ends."""
    h = 2.0 / len(x)
    mu = _potential(x, particle.omega)
    if particle.kappa:
        padded = np.concatenate([x[:1], x, x[-1:]])
        mu = mu - particle.kappa * np.diff(padded, 2) / h**2
    if particle.transport == "fick":
        flux = -np.diff(x) / h
    else:
        middle = (x[1:] + x[:-1]) / 2
        # x(1-x) dmu/dx = 1 - 2 omega x(1-x), whose mean over x is 1 - omega/3.
        scale = 1 - particle.omega / 3 if particle.omega < 2 else 1.0
        flux = -middle * (1 - middle) * np.diff(mu) / h / scale
    # eta > 0 delithiates: e (V - V0)/kT + mu; V below V0 lithiates.
    eta = -particle.direction * particle.drive + mu[[0, -1]]
    ends = np.clip(x[[0, -1]], _CLOSEST, 1 - _CLOSEST)
    exchange = 3 * (1 - ends) * np.sqrt(ends * (1 - ends))
    insertion = -exchange / _MEAN_F / particle.ratio * factor * 2 * np.sinh(eta / 2)
    change = np.empty(len(x))
    change[1:-1] = flux[:-1] - flux[1:]
    change[0] = insertion[0] - flux[0]
    change[-1] = flux[-1] + insertion[1]
    return change / h


def simulate_channel(
    particle: ChannelParticle,
    *,
    start: float = 0.05,
    stop: float = 0.9,
    frames: int = 10,
    factor: ArrayLike = (1.0, 1.0),
    cells: int = 80,
) -> tuple[Array, Array]:
    """Follow a channel until its mean has reached the end.

    Parameters
    ----------
    particle : ChannelParticle
        What reacts.
    start, stop : float
        Uniform composition at the start and mean at the end, of a lithiation; a delithiation runs from 1 - start.
    frames : int
        Times, from start to end.
    factor : (float, float)
        Of k0 at the two ends.
    cells : int
        Of the mesh.

    Returns
    -------
    times : ndarray, shape (frames,)
        In units of L^2/D.
    x : ndarray, shape (frames, cells)
        Compositions.
    """
    from scipy.integrate import solve_ivp

    forward = particle.direction > 0
    aim = stop if forward else 1 - stop

    class Reached:
        """Event at which the solver stops."""

        terminal = True

        def __call__(self, _time: float, x: Array, *_: object) -> float:
            return float(x.mean()) - aim

    band = 2 if particle.kappa else 1
    solved = solve_ivp(
        _rate,
        (0.0, 200.0 * (1 + particle.ratio)),
        np.full(cells, start if forward else 1 - start),
        method="LSODA",
        lband=band,
        uband=band,
        rtol=1e-5,
        atol=1e-6,
        events=Reached(),
        args=(particle, np.asarray(factor, dtype=float)),
        dense_output=True,
    )
    if solved.sol is None:
        raise OptionError(
            "the virtual channel cannot be followed", field="particle", value=particle, remedy=str(solved.message)
        )
    times = np.linspace(0.0, solved.t[-1], frames)
    return times, np.asarray(solved.sol(times).T)


def seen_channels(
    x: Array,
    rng: np.random.Generator,
    *,
    pixel: float = 40.0,
    probe: float = 40.0,
    sigma: float = 0.065,
    copies: int = 1,
) -> Array:
    """Return pixels of channels as a microscope sees them, blurred and with noise.

    Beyond the ends there is no material, so the blur mixes only what lies inside.

    Parameters
    ----------
    x : ndarray, shape (..., cells)
        Compositions on whole channels.
    rng : Generator
        Of the noise.
    pixel, probe : float
        Pixel and full width at half maximum of the probe (nm).
    sigma : float
        Standard deviation of a pixel.
    copies : int
        Channels with the same composition and noise of their own.

    Returns
    -------
    ndarray, shape (..., copies, pixels)
    """
    from scipy.ndimage import gaussian_filter1d

    cells = x.shape[-1]
    width = probe / _WIDTH / (CHANNEL / cells)
    weight = gaussian_filter1d(np.ones(cells), width, mode="constant")
    blurred = gaussian_filter1d(x, width, axis=-1, mode="constant") / weight
    pixels = blurred.reshape(*x.shape[:-1], round(CHANNEL / pixel), -1).mean(axis=-1)
    repeated = np.repeat(pixels[..., None, :], copies, axis=-2)
    return np.asarray(repeated + rng.normal(0.0, sigma, repeated.shape))


def observed_lines(
    particle: ChannelParticle,
    rng: np.random.Generator,
    *,
    frames: int = 10,
    groups: int = 5,
    copies: int = 5,
    spread: float = 0.3,
    sigma: float = 0.065,
    start: float = 0.05,
    stop: float = 0.9,
) -> tuple[Array, Array]:
    """Return times (s) and pixels (frames, channels, pixels) of a particle of groups x copies channels.

    Parameters
    ----------
    particle : ChannelParticle
        What reacts.
    rng : Generator
        Of the noise and of the rates.
    frames, groups, copies : int
        Frames, channels that differ, and channels of each of these.
    spread : float
        Standard deviation of ln k0 over the ends of the channels.
    sigma : float
        Standard deviation of x in a pixel.
    start, stop : float
        As for `simulate_channel`; all channels share the clock of the particle, whose median channel reaches the end.
    """
    factors = np.exp(spread * rng.normal(size=(groups, 2)))
    runs = [simulate_channel(particle, start=start, stop=stop, frames=60, factor=factor) for factor in factors]
    clock = np.linspace(0.0, np.median([times[-1] for times, _ in runs]), frames)
    x = np.stack([np.stack([np.interp(clock, t, cell) for cell in x.T], axis=-1) for t, x in runs])
    pixels = seen_channels(x, rng, sigma=sigma, copies=copies)  # groups, frames, copies, pixels
    return clock * TAU_BULK, np.moveaxis(pixels, 1, 0).reshape(frames, groups * copies, -1)


def as_line_cuts(
    times: Array, pixels: Array, direction: int, *, sigma: float = 0.065, pixel: float = 40.0
) -> xr.Dataset:
    """Return stage line_cuts of observed channels.

    Parameters
    ----------
    times : ndarray, shape (frames,)
        s.
    pixels : ndarray, shape (frames, channels, pixels)
        Compositions.
    direction : int
        +1 lithiation, -1 delithiation.
    sigma, pixel : float
        Standard deviation and edge (nm) of a pixel.
    """
    frames, channels, number = pixels.shape
    along = np.tile((np.arange(number) + 0.5) * pixel / 1000, channels)
    return stages.new(
        "line_cuts",
        {
            "lithium_fraction": ("time sample", pixels.reshape(frames, -1)),
            "lithium_fraction_std": ("time sample", np.full((frames, channels * number), sigma)),
            "lithium_fraction_flag": ("time sample", np.zeros((frames, channels * number))),
        },
        coords={
            "time": ("time", times),
            "half_cycle": ("time", np.zeros(frames, dtype=int)),
            "direction": ("time", np.full(frames, direction)),
            "line": ("sample", np.repeat([f"channel {i}" for i in range(channels)], number)),
            "distance": ("sample", along),
        },
    )
