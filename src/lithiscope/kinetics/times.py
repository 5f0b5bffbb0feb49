"""Characteristic times of a channel: how long diffusion and how long the surface reaction would take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.laws import ELEMENTARY_CHARGE, LFP_SITE_DENSITY

_NANOMETRE = 1e-9


def bulk_time(length: float, diffusivity: float) -> float:
    """Return tau_bulk = L^2/D, s.

    Parameters
    ----------
    length : float
        The way that lithium diffuses, nm. [K] takes half of a channel that reacts at both ends, 200 nm of 400.
    diffusivity : float
        m2/s.

    Examples
    --------
    >>> round(bulk_time(200.0, 1e-13), 6)
    0.4
    >>> round(bulk_time(200.0, 1e-18) / 3600, 1)
    11.1
    """
    _positive(length=length, diffusivity=diffusivity)
    return (length * _NANOMETRE) ** 2 / diffusivity


def reaction_time(
    length: float, exchange_current_density: float, *, site_density: float = LFP_SITE_DENSITY, faces: int = 2
) -> float:
    """Return tau_reaction = e rho_s L_ch / (faces j0), s: the time to fill a channel at the current density j0.

    Parameters
    ----------
    length : float
        Length of the channel, nm: with two faces the distance between them.
    exchange_current_density : float
        A/m2.
    site_density : float
        Lithium sites per m3.
    faces : int
        Reacting ends, 1 or 2.

    Examples
    --------
    >>> round(reaction_time(400.0, 0.01))
    44220
    """
    _positive(length=length, exchange_current_density=exchange_current_density, site_density=site_density)
    if faces not in (1, 2):
        raise AnalysisError("a channel has two ends", field="faces", value=faces, limit="1 or 2")
    return ELEMENTARY_CHARGE * site_density * length * _NANOMETRE / (faces * exchange_current_density)


@dataclass(frozen=True)
class TimeRatio:
    """log10(tau_reaction / tau_bulk) when D is only known to lie in a range and j0 has an error.

    Uniform over the range of log10 D, normal in log10 j0 (closed form of their sum).

    Parameters
    ----------
    slowest, fastest : float
        The ratio's logarithm at the smallest and the largest diffusivity.
    spread : float
        Standard deviation of log10 j0.
    """

    slowest: float
    fastest: float
    spread: float

    @property
    def mean(self) -> float:
        """Return the mean."""
        return (self.slowest + self.fastest) / 2

    @property
    def std(self) -> float:
        """Return the standard deviation."""
        return math.sqrt((self.fastest - self.slowest) ** 2 / 12 + self.spread**2)

    def probability_above(self, value: float) -> float:
        """Return the probability that the logarithm of the ratio is above `value`."""
        if self.std == 0:
            return 1.0 if self.mean > value else 0.0 if self.mean < value else 0.5
        if self.fastest - self.slowest < 1e-3 * self.spread:
            return _normal(self.mean - value, self.spread)
        if self.spread < 1e-6 * (self.fastest - self.slowest):
            return float(np.clip((self.fastest - value) / (self.fastest - self.slowest), 0.0, 1.0))
        low, high = (_ramp(end - value, self.spread) for end in (self.slowest, self.fastest))
        return float(np.clip((high - low) / (self.fastest - self.slowest), 0.0, 1.0))

    def quantile(self, probability: float) -> float:
        """Return the value that the logarithm stays below with a probability."""
        if self.std == 0:
            return self.mean
        from scipy.optimize import brentq

        reach = 10 * self.spread + 1e-9
        return float(
            brentq(
                lambda value: 1 - self.probability_above(value) - probability,
                self.slowest - reach,
                self.fastest + reach,
            )
        )


def time_ratio(
    length: float,
    diffusivity: tuple[float, float],
    exchange_current_density: tuple[float, float],
    *,
    site_density: float = LFP_SITE_DENSITY,
    faces: int = 2,
    diffusion_length: Literal["half", "full"] = "half",
) -> TimeRatio:
    """Return tau_reaction / tau_bulk of a channel with its uncertainty.

    Parameters
    ----------
    length : float
        Length of the channel, nm.
    diffusivity : (float, float)
        Smallest and largest diffusivity thought possible, m2/s; the same twice if it is known.
    exchange_current_density : (float, float)
        j0 and its standard deviation, A/m2. An apparent j0 of a half cycle that diffusion limits is too small, so the
        ratio comes out too large: take it from elsewhere, e.g. from a slow half cycle.
    site_density, faces
        See `reaction_time`.
    diffusion_length : {"half", "full"}
        Which part of the channel is L in L^2/D; half for two reacting ends.

    Raises
    ------
    AnalysisError
        If a quantity is not above zero or the range is upside down.
    """
    low, high = diffusivity
    value, std = exchange_current_density
    if high < low or not std >= 0:
        raise AnalysisError(
            "a range is upside down or an error is negative",
            field="diffusivity, exchange_current_density",
            value=(diffusivity, exchange_current_density),
            limit="smallest before largest; a standard deviation of zero or more",
        )
    way = length / 2 if diffusion_length == "half" else length
    reaction = reaction_time(length, value, site_density=site_density, faces=faces)
    ends = [math.log10(reaction / bulk_time(way, d)) for d in (low, high)]
    return TimeRatio(ends[0], ends[1], math.log10(1 + std / value))


def _positive(**quantities: float) -> None:
    for name, value in quantities.items():
        if not (math.isfinite(value) and value > 0):
            raise AnalysisError("a characteristic time needs a positive quantity", field=name, value=value, limit="> 0")


def _normal(value: float, spread: float) -> float:
    return 0.5 * math.erfc(-value / spread / math.sqrt(2))


def _ramp(value: float, spread: float) -> float:
    """Return the integral of the normal distribution function, spread times z Phi(z) + phi(z)."""
    z = value / spread
    return spread * (z * _normal(z, 1.0) + math.exp(-z * z / 2) / math.sqrt(2 * math.pi))
