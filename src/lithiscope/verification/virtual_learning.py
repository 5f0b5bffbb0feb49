"""Virtual composition videos of a particle whose kinetics are known, for the learning to find.

They come from the engine with its own time steps and tolerance, and from fields that are no draws of the prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from lithiscope import laws, stages

PIXEL, THICKNESS, SIGMA, C_RATE, FRAMES = 50.0, 150.0, 0.07, 0.6, 9
_OMEGA, _COHERENCY, _GRADIENT = 4.51, 3.37, 8.83  # kT, rho_s kT, nm2: LiFePO4
_START, _SMOOTH = 0.05, 150.0  # _SMOOTH, _TEXTURE: nm
_TEXTURE = 100.0
_TRANSFER = ("marcus", "marcus_hush_chidsey", "coupled_ion_electron")  # with an energy of reorganisation
PERIOD = 7200.0  # s from the start of the lithiation to that of the delithiation
_VOLT_OFFSET, _VOLT_DROP = 0.02, 0.001  # V, standard deviations


class Course(NamedTuple):
    """What a virtual particle does in a lithiation and a delithiation, without noise.

    Parameters
    ----------
    x : ndarray, shape (time, y, x)
        Lithium fraction, 0 off the particle; as many frames of each half cycle.
    seconds, volts : ndarray, shape (time,)
        From the start of the first half cycle, and V.
    rng : Generator
        For all that is random afterwards.
    """

    x: np.ndarray
    seconds: np.ndarray
    volts: np.ndarray
    rng: np.random.Generator


@dataclass(frozen=True)
class Truth:
    """What a virtual particle obeys.

    Parameters
    ----------
    shape : tuple of int
        Cells along y and x of the ellipse.
    exchange_current : float
        j0 before F(x), A/m2.
    exchange, law : str
        F(x), and the reaction law, by name.
    reorganisation : float
        Of the law and of F(x), kT; 0: these have none.
    pattern : {"smooth", "domains"}
        ln k: smooth, or two sharp fast domains.
    spread : float
        Standard deviation of a smooth ln k.
    volt_sigma : float
        Noise of the voltage, V; 0: no voltage is told. It is also off by an offset, and each half cycle by a drop.
    c_rate : float
        Of both half cycles, 1/h.
    pixel : float
        Size of a cell, nm.
    frames : int
        Of each half cycle.
    """

    shape: tuple[int, int] = (30, 22)
    exchange_current: float = 0.3
    exchange: str = "skewed_lim"
    law: str = "butler_volmer"
    reorganisation: float = 0.0
    pattern: Literal["smooth", "domains"] = "smooth"
    spread: float = 0.5
    volt_sigma: float = 0.0
    c_rate: float = C_RATE
    pixel: float = PIXEL
    frames: int = FRAMES

    def mask(self) -> np.ndarray:
        """Return where the particle is."""
        height, width = self.shape
        y, x = np.mgrid[:height, :width]
        return np.asarray(((2 * y + 1) / height - 1) ** 2 + ((2 * x + 1) / width - 1) ** 2 <= 1)

    def log_rate(self, seed: int) -> np.ndarray:
        """Return ln k, zero in the mean over the particle."""
        from scipy.ndimage import gaussian_filter

        mask = self.mask()
        if self.pattern == "domains":
            height, width = self.shape
            y, x = np.mgrid[:height, :width]
            first = np.hypot((y - 0.3 * height) / height, (x - 0.4 * width) / width) < 0.16
            second = np.hypot((y - 0.7 * height) / height, (x - 0.6 * width) / width) < 0.14
            field = np.where(first | second, 1.0, 0.0)
        else:
            field = gaussian_filter(np.random.default_rng(seed).standard_normal(self.shape), _SMOOTH / self.pixel)
            field = field * self.spread / field[mask].std()
        return np.where(mask, field - field[mask].mean(), 0.0)

    def exchange_density(self, x: np.ndarray) -> np.ndarray:
        """Return j0(x) of a pixel at the mean of ln k, A/m2."""
        exchange = laws.exchange_law(self.exchange, **self._parameters(self.exchange))
        return np.asarray(self.exchange_current * exchange.value(x))

    def _parameters(self, law: str) -> dict[str, float]:
        return {"reorganisation": self.reorganisation} if law in _TRANSFER else {}

    def potential(self, x: np.ndarray) -> np.ndarray:
        """Return mu(x) over kT; without a voltage strain is included as far as it goes with x of the pixel."""
        strain = 0.0 if self.volt_sigma else _COHERENCY / 2
        return np.asarray(np.log(x / (1 - x)) + (_OMEGA - strain) * (1 - 2 * x))

    def video(self, seed: int) -> Any:
        """Return the composition video of a lithiation and a delithiation, with noise."""
        course = self.course(seed, self.frames)
        rng, x = course.rng, course.x
        video = _video(x + SIGMA * rng.standard_normal(x.shape), self.mask(), course.seconds, self.pixel)
        if not self.volt_sigma:
            return video
        volts = self.shown(course.volts, rng)
        return video.assign(
            voltage_volt=("time", volts),
            voltage_volt_std=("time", np.full(len(volts), self.volt_sigma)),
        )

    def course(self, seed: int, frames: int) -> Course:
        """Return what both half cycles do, without noise, in so many frames each."""
        import jax.numpy as jnp

        from lithiscope import phasefield as pf

        rng, model = np.random.default_rng(1000 + seed), self._model(seed)
        pictures, seconds, volts = [], [], []
        for number, (sign, start) in enumerate(((1, _START), (-1, 1 - _START))):
            protocol = pf.constant_current(sign * self.c_rate, seconds=0.9 * 3600 / self.c_rate)
            run = pf.simulate(
                model,
                protocol,
                frames,
                initial=jnp.asarray(self._textured(start, rng)),
                controller=pf.Controller(1e-6),
            )
            pictures.append(run.video["lithium_fraction"].values)
            seconds.append(run.video["time"].values + number * PERIOD)
            volts.append(run.record["voltage_volt"].values)
        return Course(np.concatenate(pictures).astype(float), np.concatenate(seconds), np.concatenate(volts), rng)

    def shown(self, volts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the voltages of a course as they are measured, noisy and off."""
        offset = _VOLT_OFFSET * rng.standard_normal()
        shown = volts + offset + np.repeat(_VOLT_DROP * rng.standard_normal(2), len(volts) // 2)
        return np.asarray(shown + self.volt_sigma * rng.standard_normal(len(volts)))

    def _textured(self, start: float, rng: np.random.Generator) -> np.ndarray:
        """Return an initial composition that varies by 0.006 from place to place."""
        from scipy.ndimage import gaussian_filter

        mask, width = self.mask(), _TEXTURE / self.pixel
        texture = 0.02 * width * gaussian_filter(rng.standard_normal(mask.shape), width)
        return np.where(mask, np.clip(start + texture - texture[mask].mean(), 0.01, 0.99), 0.0)

    def _model(self, seed: int) -> Any:
        """Return what the engine simulates."""
        import jax.numpy as jnp

        from lithiscope import phasefield as pf

        mask = self.mask()
        inside = mask.astype(float)
        faces = [inside * np.roll(inside, -1, axis) for axis in (0, 1)]
        faces[0][-1], faces[1][:, -1] = 0.0, 0.0
        geometry = pf.Geometry(
            (self.pixel, self.pixel),
            jnp.asarray(inside),
            (jnp.asarray(faces[0]), jnp.asarray(faces[1])),
            jnp.asarray(inside * 2 / THICKNESS),
            pf.ParticleNumbers(mask.astype(int)),
        )
        rate = np.where(mask, np.exp(self.log_rate(seed)), 1.0)
        exchange = pf.Law("exchange", self.exchange, **self._parameters(self.exchange))
        law = pf.Law("reaction", self.law, **self._parameters(self.law))
        reaction = pf.Reaction(self.exchange_current, exchange, law, rate=rate)
        return pf.Model(
            geometry,
            pf.RegularSolution(_OMEGA),
            reaction,
            elasticity=pf.Coherent(jnp.asarray(_COHERENCY)),
            gradient_energy=_GRADIENT,
        )


def _video(x: np.ndarray, mask: np.ndarray, seconds: np.ndarray, pixel: float) -> Any:
    half_cycle = np.repeat([0, 1], len(seconds) // 2)
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", np.where(mask, x, np.nan)),
            "lithium_fraction_std": ("time y x", np.where(mask, np.full_like(x, SIGMA), np.nan)),
            "label": ("y x", mask.astype(int)),
        },
        coords={
            "time": ("time", seconds),
            "half_cycle": ("time", half_cycle),
            "direction": ("time", 1 - 2 * half_cycle),
            "y": ("y", 1e-3 * pixel * np.arange(mask.shape[0])),
            "x": ("x", 1e-3 * pixel * np.arange(mask.shape[1])),
        },
        attrs={"signal": "lithium_fraction", "origin": "simulation"},
    )
