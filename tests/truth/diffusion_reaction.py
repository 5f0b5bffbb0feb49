"""A channel that takes lithium at both ends, by diffusion with a surface reaction, and what a probe sees of it.

Written apart from the analysis: finite volumes in one dimension, method of lines. Lengths are in units of half the
channel L, times in units of L^2/D with D the chemical diffusivity, mean over x; so tau_bulk = 1 and tau_reaction =
`ratio`. The reaction is Butler-Volmer with F = 3 (1-x) sqrt(x(1-x)) on the regular-solution potential; transport is
Fickian, or driven by the gradient of that potential, with a Cahn-Hilliard term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.ndimage import gaussian_filter1d

CHANNEL = 400.0  # nm
MEAN_F = 3 * 0.8862269 * 1.3293404 / 6  # mean of F over x: B(3/2, 5/2) times 3


@dataclass(frozen=True)
class Particle:
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
    transport: str = "fick"
    kappa: float = 0.0


def exchange(x):
    x = np.clip(x, 1e-9, 1 - 1e-9)
    return 3 * (1 - x) * np.sqrt(x * (1 - x))


def potential(x, omega):
    x = np.clip(x, 1e-9, 1 - 1e-9)
    return omega * (1 - 2 * x) + np.log(x / (1 - x))


def rate(time, x, particle, factor):
    """dx/dt of the cells of a channel; `factor` scales k0 at the two ends."""
    cells = len(x)
    h = 2.0 / cells
    mu = potential(x, particle.omega)
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
    insertion = -exchange(x[[0, -1]]) / MEAN_F / particle.ratio * factor * 2 * np.sinh(eta / 2)
    change = np.empty(cells)
    change[1:-1] = flux[:-1] - flux[1:]
    change[0] = insertion[0] - flux[0]
    change[-1] = flux[-1] + insertion[1]
    return change / h


def simulate(particle, *, start=0.05, stop=0.9, frames=10, factor=(1.0, 1.0), cells=80):
    """Follow a channel until its mean has reached `stop`; return times (frames,) and x (frames, cells)."""
    forward = particle.direction > 0
    first = np.full(cells, start if forward else 1 - start)
    aim = stop if forward else 1 - stop

    def reached(time, x, *_):
        return x.mean() - aim

    reached.terminal = True
    band = 2 if particle.kappa else 1
    solved = solve_ivp(
        rate,
        (0.0, 200.0 * (1 + particle.ratio)),
        first,
        method="LSODA",
        lband=band,
        uband=band,
        rtol=1e-5,
        atol=1e-6,
        events=reached,
        args=(particle, np.asarray(factor)),
        dense_output=True,
    )
    times = np.linspace(0.0, solved.t[-1], frames)
    return times, solved.sol(times).T


def seen(x, rng, *, pixel=40.0, probe=40.0, sigma=0.065, copies=1):
    """Pixels of channels as a microscope sees them: blurred (`probe` = full width at half maximum, nm), with noise.

    x (..., cells) on the whole channel becomes (..., copies, pixels). Beyond the ends there is no material, so the blur
    mixes only what lies inside.
    """
    cells = x.shape[-1]
    sigma_cells = probe / 2.3548 / (CHANNEL / cells)
    weight = gaussian_filter1d(np.ones(cells), sigma_cells, mode="constant")
    blurred = gaussian_filter1d(x, sigma_cells, axis=-1, mode="constant") / weight
    pixels = blurred.reshape(*x.shape[:-1], round(CHANNEL / pixel), -1).mean(axis=-1)
    repeated = np.repeat(pixels[..., None, :], copies, axis=-2)
    return repeated + rng.normal(0.0, sigma, repeated.shape)


THERMAL = 0.025692579  # kT/e at 298.15 K, V
SITES = 1.38e28
TAU_BULK = 10.0  # s


def exchange_current(particle):
    """j0 (A/m2) that goes with the ratio of times."""
    return 1.602176634e-19 * SITES * CHANNEL * 1e-9 / (2 * particle.ratio * TAU_BULK)


def observed_lines(particle, rng, *, frames=10, groups=5, copies=5, spread=0.3, sigma=0.065, start=0.05, stop=0.9):
    """Line cuts of a particle of groups x copies channels whose ends differ in ln k0 by `spread`; times in seconds."""
    factors = np.exp(spread * rng.normal(size=(groups, 2)))
    runs = [simulate(particle, start=start, stop=stop, frames=60, factor=factor) for factor in factors]
    # All channels share the clock of the particle: frames up to when their mean has reached the aim.
    clock = np.linspace(0.0, np.median([times[-1] for times, _ in runs]), frames)
    x = np.stack([np.stack([np.interp(clock, t, cell) for cell in x.T], axis=-1) for t, x in runs])
    pixels = seen(x, rng, sigma=sigma, copies=copies)  # groups, frames, copies, pixels
    return clock * TAU_BULK, np.moveaxis(pixels, 1, 0).reshape(frames, groups * copies, -1)


def as_stage(times, pixels, direction, sigma=0.065, pixel=40.0):
    """Line cuts as the analysis takes them."""
    from lithiscope import stages

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


def random_particle(ratio, rng):
    """A particle of that ratio, of one of two solid solutions, driven either way by 40 to 100 mV."""
    omega, transport = [(0.0, "fick"), (1.5, "potential"), (1.5, "fick")][rng.integers(3)]
    return Particle(ratio, float(rng.uniform(1.6, 4.0)), int(rng.choice([-1, 1])), omega, transport)
