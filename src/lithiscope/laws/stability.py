"""Linear stability of a uniform particle that reacts at its surface.

Bai, Cogswell and Bazant, Nano Lett. 11, 4890 (2011); Lim 2016, eqs. S12 and S13. A perturbation of wave number k of a
particle of composition x that takes up lithium at the current j~ grows like exp(s t) with

    s(k, j~, x) = -(mu' + B + kappa k^2) sqrt(F^2 + j~^2/4) + (F'/F + [B + kappa k^2]/2) j~

for Butler-Volmer kinetics with alpha = 1/2. The bracket belongs to an F that was built on the full chemical potential;
for an F(x) fitted to data it is left out.

Here the current is the *insertion* current over k0, opposite in sign to the currents elsewhere: j~ = -j/k0 > 0
lithiates. Energies are in kT (B and kappa over rho_s kT). s is in units of 2 k0/(e rho_s Th), the rate of insertion at
the current k0, which `constants.insertion_rate` gives in 1/h; in this unit dx/dt = j~.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lithiscope.laws.arrays import Array, floating
from lithiscope.laws.exchange import ExchangeLaw
from lithiscope.laws.potential import ChemicalPotential, crossings


@dataclass(frozen=True)
class UniformState:
    """What decides whether a uniform particle stays uniform.

    Parameters
    ----------
    exchange : ExchangeLaw
        F(x), j0 = k0 F.
    potential : ChemicalPotential
        mu(x)/kT of a uniform particle.
    strain : float
        B, the coherency strain energy of a perturbation over rho_s kT.
    gradient : float
        kappa k^2 in kT: zero for the longest waves, which grow first.
    full_potential : bool
        Whether F was built on the chemical potential with its gradient and strain, so that it feels the perturbation
        through them.
    """

    exchange: ExchangeLaw
    potential: ChemicalPotential
    strain: float = 0.0
    gradient: float = 0.0
    full_potential: bool = False

    def curvature(self, x: Array) -> Array:
        """Return mu' + B + kappa k^2, negative inside the spinodal."""
        return self.potential.slope(x) + self.strain + self.gradient

    def drift(self, x: Array) -> Array:
        """Return F'/F + [B + kappa k^2]/2: how the rate constant answers to a perturbation."""
        return self.exchange.log_slope(x) + (0.5 * (self.strain + self.gradient) if self.full_potential else 0.0)


def growth_rate(x: Array, current: Array, state: UniformState) -> Array:
    """Return s, the rate at which a perturbation grows (positive) or dies (negative).

    Parameters
    ----------
    x : array
        Composition.
    current : array
        Insertion current over k0, positive = lithiation.
    state : UniformState
        F, mu and strain.

    Returns
    -------
    array
        Broadcast shape, in units of 2 k0/(e rho_s Th); NaN at x = 0 and x = 1, where it has no limit.
    """
    xp, x = floating(x, current)
    x = xp.where((x > 0) & (x < 1), x, xp.nan)
    size = xp.sqrt(state.exchange(x) ** 2 + current * current / 4)
    return -state.curvature(x) * size + state.drift(x) * current


def neutral_current(x: Array, state: UniformState) -> Array:
    """Return the insertion current over k0 at which s = 0: there is at most one at each composition.

    From mu'^2 (F^2 + j~^2/4) = (F'/F)^2 j~^2 with both sides of one sign: |j~| = |mu'| F / sqrt[(F'/F)^2 - mu'^2/4].

    Parameters
    ----------
    x : array
        Composition.
    state : UniformState
        F, mu and strain.

    Returns
    -------
    array
        Positive = lithiation; NaN where no current changes the verdict. Where mu' < 0 (inside the spinodal) larger
        currents of that sign are stable, where mu' > 0 (outside) smaller ones are.
    """
    xp, x = floating(x)
    x = xp.where((x > 0) & (x < 1), x, xp.nan)
    curvature, drift = state.curvature(x), state.drift(x)
    room = drift * drift - curvature * curvature / 4
    there = room > 0
    size = xp.abs(curvature) * state.exchange(x) / xp.sqrt(xp.where(there, room, 1.0))
    return xp.where(there, xp.sign(curvature * drift) * size, xp.nan)


class StableCurrents(NamedTuple):
    """The insertion currents over k0 between which every composition is stable; NaN if there are none."""

    low: float
    high: float


def stable_currents(state: UniformState, *, low: float = 0.0, high: float = 1.0, points: int = 4001) -> StableCurrents:
    """Return the range of insertion currents that keeps every composition between `low` and `high` stable.

    At one composition the stable currents are a half-line that ends at the neutral current (or all, or none), so those
    of many compositions are one interval; its ends are found on a scan and refined.

    Parameters
    ----------
    state : UniformState
        F, mu and strain.
    low, high : float
        Range of composition.
    points : int
        Points of the scan.

    Returns
    -------
    StableCurrents
        In units of k0, infinite where nothing limits it, NaN where no current will do.
    """
    x = low + (high - low) * (np.arange(points) + 0.5) / points
    curvature, neutral = np.asarray(state.curvature(x)), np.asarray(neutral_current(x, state))
    if np.any((curvature < 0) & np.isnan(neutral)) or not np.isfinite(curvature).any():
        return StableCurrents(np.nan, np.nan)
    # Stable above the neutral current: inside the spinodal if it is positive, outside if it is negative.
    floor = np.where(curvature * neutral < 0, neutral, -np.inf)
    ceiling = np.where(curvature * neutral > 0, neutral, np.inf)
    lowest, highest = _extreme(x, floor, state, 1.0), _extreme(x, ceiling, state, -1.0)
    return StableCurrents(lowest, highest) if lowest < highest else StableCurrents(np.nan, np.nan)


def _extreme(x: np.ndarray, bound: np.ndarray, state: UniformState, sign: float) -> float:
    """Return the largest (sign +1) or smallest (-1) bound, refined between the points of the scan."""
    from scipy.optimize import minimize_scalar

    top = int(np.argmax(sign * bound))
    if not np.isfinite(bound[top]) or top in (0, x.size - 1):
        return float(bound[top])
    found = minimize_scalar(
        lambda at: -sign * np.nan_to_num(float(neutral_current(at, state)), nan=sign * bound[top]),
        bounds=(x[top - 1], x[top + 1]),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return float(sign * max(sign * bound[top], -found.fun))


def stable_compositions(current: float, state: UniformState, *, points: int = 4001) -> np.ndarray:
    """Return the intervals of composition that are stable at one insertion current.

    Parameters
    ----------
    current : float
        Insertion current over k0, positive = lithiation.
    state : UniformState
        F, mu and strain.
    points : int
        Points of the scan for changes of sign.

    Returns
    -------
    (n, 2) array
        Lower and upper end of each interval within [0, 1], in order.
    """

    def growth(x: np.ndarray) -> np.ndarray:
        return np.asarray(growth_rate(x, current, state))

    edges = np.concatenate([[0.0], crossings(growth, points), [1.0]])
    pieces = np.stack([edges[:-1], edges[1:]], axis=1)
    stable = pieces[growth(pieces.mean(axis=1)) < 0]
    return _joined(stable)


def _joined(pieces: np.ndarray) -> np.ndarray:
    """Join intervals that touch (a point at which s is zero but does not change sign)."""
    first = np.ones(len(pieces), dtype=bool)
    first[1:] = pieces[1:, 0] > pieces[:-1, 1]
    last = np.roll(first, -1)
    if last.size:
        last[-1] = True
    return np.stack([pieces[first, 0], pieces[last, 1]], axis=1)
