"""Phases that live side by side, and the interface between them, from the free energy alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.phasefield.arrays import known
from lithiscope.phasefield.free_energy import FreeEnergy


def binodal(free_energy: FreeEnergy, *, points: int = 20001) -> tuple[float, float] | None:
    """Return the two compositions of the widest common tangent below f(x); None for a solid solution or traced numbers.

    Parameters
    ----------
    free_energy : FreeEnergy
        f(x).
    points : int
        Points between 0 and 1; the answer is good to one part of them.
    """
    x = (np.arange(points) + 0.5) / points
    f = known(free_energy.density(jnp.asarray(x)))
    if f is None:
        return None
    defined = np.isfinite(f)
    x, f = x[defined], f[defined]
    hull = _lower_hull(x, f)
    gaps = np.diff(x[hull])
    widest = int(np.argmax(gaps))
    if gaps[widest] < 4 / points:
        return None
    return float(x[hull[widest]]), float(x[hull[widest + 1]])


def interface_width(free_energy: FreeEnergy, gradient_energy: float) -> float:
    """Return the range of x between the phases over the steepest slope of the interface at equilibrium, nm.

    The profile obeys kappa/2 (dx/ds)^2 = f - common tangent (Cahn and Hilliard 1958); infinite for a solid solution.

    Parameters
    ----------
    free_energy : FreeEnergy
        f(x).
    gradient_energy : float
        kappa/(rho_s kT), nm2.

    Examples
    --------
    >>> from lithiscope.phasefield import RegularSolution
    >>> round(interface_width(RegularSolution(4.51), 8.83), 2)
    3.07
    """
    ends = binodal(free_energy)
    if ends is None:
        return np.inf
    x = np.linspace(*ends, 2001)
    f = np.asarray(free_energy.density(jnp.asarray(x)))
    excess = f - np.interp(x, ends, (f[0], f[-1]))
    return float((ends[1] - ends[0]) * np.sqrt(gradient_energy / (2 * excess.max())))


def falling_potential(free_energy: FreeEnergy, *, points: int = 200) -> tuple[float, float] | None:
    """Return the range of x in which mu falls in some cell, to one part of the points; None for a solid solution.

    Parameters
    ----------
    free_energy : FreeEnergy
        f(x); with traced parameters, which have no value yet, the answer is None.
    points : int
        Points between 0 and 1.

    Examples
    --------
    >>> from lithiscope.phasefield import RegularSolution
    >>> falling_potential(RegularSolution(1.9)) is None
    True
    """
    x = (np.arange(points) + 0.5) / points
    mu = known(jax.vmap(free_energy.potential)(jnp.asarray(x)))
    if mu is None:
        return None
    falls = np.any(np.diff(mu, axis=0).reshape(points - 1, -1) < -1e-9, axis=1)  # kT; NaN beyond a table is no fall
    where = np.flatnonzero(falls)
    return None if where.size == 0 else (float(x[where[0]]), float(x[where[-1] + 1]))


def _lower_hull(x: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Return the points of the convex hull that lie on or below the chord from the first point to the last."""
    from scipy.spatial import ConvexHull

    below = f - np.interp(x, x[[0, -1]], f[[0, -1]])
    if np.ptp(below) == 0:
        return np.arange(x.size)
    corners = np.sort(ConvexHull(np.column_stack([x, below])).vertices)
    return np.asarray(corners[below[corners] <= 0])
