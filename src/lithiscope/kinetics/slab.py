"""A slab that takes up lithium through its faces, linear throughout: the yardstick of the regime diagnosis.

Crank, The Mathematics of Diffusion, section 4.3.6 (surface evaporation). u goes from 0 to 1; depths are from the face
in units of the diffusion length L; Bi is the resistance of the bulk over that of the surface. The slowest mode dies as
exp(-beta^2 D t / L^2), with beta tan beta = Bi: beta^2 runs from Bi (reaction limits) to pi^2/4 (bulk limits).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
_MODES = 60


def eigenvalues(biot: float, modes: int = _MODES) -> FloatArray:
    """Return the first roots beta of beta tan(beta) = Bi, one in each [n pi, n pi + pi/2].

    Examples
    --------
    >>> eigenvalues(1.0, 2).round(4)
    array([0.8603, 3.4256])
    """
    n = np.arange(modes) * np.pi
    low, high = n.copy(), n + np.pi / 2
    # beta sin(beta) - Bi cos(beta) changes sign once between; bisection is exact to rounding in 60 halvings.
    for _ in range(60):
        middle = (low + high) / 2
        # The sign of sin and cos in a half period is that of (-1)^n for both.
        below = middle * np.abs(np.sin(middle)) < biot * np.abs(np.cos(middle))
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


@dataclass(frozen=True)
class Slab:
    """The slab at one Biot number.

    Parameters
    ----------
    biot : float
        Resistance of the bulk over that of the surface.
    beta : (modes,) array
        Roots of beta tan(beta) = Bi.
    """

    biot: float
    beta: FloatArray

    @property
    def slowest(self) -> float:
        """Return beta^2 of the slowest mode."""
        return float(self.beta[0] ** 2)

    def left(self, depth: FloatArray, time: FloatArray) -> FloatArray:
        """Return 1 - u at depths (d,) from the face and times (t,) in L^2/D, shape (t, d)."""
        beta = self.beta
        weight = 2 * np.sin(beta) / (beta + np.sin(beta) * np.cos(beta))
        modes = weight[:, None] * np.cos(beta[:, None] * (1 - depth))
        return np.asarray(np.exp(-np.outer(time, beta**2)) @ modes)

    def mean_left(self, time: FloatArray) -> FloatArray:
        """Return the mean of 1 - u over the slab at times (t,)."""
        beta = self.beta
        weight = 2 * np.sin(beta) ** 2 / (beta * (beta + np.sin(beta) * np.cos(beta)))
        return np.asarray(np.exp(-np.outer(time, beta**2)) @ weight)

    def times(self, filling: FloatArray) -> FloatArray:
        """Return when the mean of u is `filling`, in [0, 1), in L^2/D."""
        grid = np.concatenate([[0.0], np.geomspace(1e-5, 12.0, 600) / self.slowest])
        filled = 1 - self.mean_left(grid)
        filled[0] = 0.0
        return np.asarray(np.interp(np.clip(filling, 0.0, 0.9999), np.maximum.accumulate(filled), grid))

    def rate(self, filling: FloatArray) -> FloatArray:
        """Return du/dt of the mean at a filling, in D/L^2, averaged over its neighbourhood of +-0.01."""
        ends = np.stack([np.clip(filling - 0.01, 0.0, 0.98), np.clip(filling + 0.01, 0.02, 0.999)])
        times = self.times(ends.ravel()).reshape(ends.shape)
        return np.asarray((ends[1] - ends[0]) / (times[1] - times[0]))


def driven(depth: FloatArray, time: FloatArray, mean: FloatArray, seconds: float) -> FloatArray:
    """Return u at depths (d,) and times (t,) of a slab whose mean follows a given course, whatever its surface does.

    du/dt = (1/seconds) d2u/dz2 with the flux through the face that makes the mean, constant between two times; the slab
    is uniform at the first. Each mode n of cos(n pi z), z from the middle, is driven by 2 (-1)^n d(mean)/dt and decays
    with (n pi)^2/seconds.

    Parameters
    ----------
    depth : (d,) array
        From the face, in diffusion lengths.
    time : (t,) array
        s.
    mean : (t,) array
        Mean of u.
    seconds : float
        L^2/D.

    Examples
    --------
    >>> u = driven(np.array([0.0, 1.0]), np.array([0.0, 50.0]), np.array([0.0, 0.5]), 1.0)
    >>> u[1].round(4)  # steady: a parabola of height seconds/2 times the rate, about the mean
    array([0.5033, 0.4983])
    """
    number = np.arange(1, _MODES + 1)
    sign, decay = 2.0 * (-1.0) ** number, (number * np.pi) ** 2 / seconds
    modes = np.cos(np.outer(number * np.pi, 1 - np.asarray(depth)))
    amplitude = np.zeros(_MODES)
    found = [np.full(np.shape(depth), mean[0])]
    for step, rate, level in zip(np.diff(time), np.diff(mean) / np.diff(time), mean[1:], strict=True):
        lost = np.exp(-decay * step)
        amplitude = amplitude * lost + sign * rate * (1 - lost) / decay
        found.append(level + amplitude @ modes)
    return np.array(found)


@lru_cache(maxsize=1)
def slabs() -> tuple[Slab, ...]:
    """Return slabs over six decades of Biot number."""
    return tuple(Slab(float(biot), eigenvalues(float(biot))) for biot in np.geomspace(1e-3, 1e3, 61))
