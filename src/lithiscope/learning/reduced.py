"""The posterior on the directions that the data narrow, in numbers of about unit variance.

Most modes of a field are as wide as their prior: the data say nothing of them, and a sampler would waste time there.
So numbers are divided by their deviations of the prior and turned into the principal directions of Laplace's
covariance. Those that are as wide as the prior stay where they are while the others are sampled, and are normal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from lithiscope.errors import OptionError
from lithiscope.learning.arrowhead import Solver
from lithiscope.learning.fit import Fit, Mapper, Particle, Point, block_of, slope_of, tasks_of

NARROWED = 0.9
"""Posterior variance over that of the prior below which a direction is sampled: one above has less than 5 % of its
deviation from the data, which is less than the sampler can tell from some hundred draws."""

_LOOKED = 12  # places whose matrices are averaged: what is ten times as stiff elsewhere is found by a few
_LARGEST = 4000  # numbers, whose covariance takes 130 MB and half a minute to be taken apart


@dataclass(frozen=True)
class Reduced:
    """Minus the logarithm of the posterior, and its slope, where all but some directions are held.

    Attributes
    ----------
    particles : tuple of Particle
        With the weights of their fields and the steps of time, which are held.
    centre : array, shape (number,)
        Numbers of the laws, then of each particle, at the fit.
    ways : array, shape (number, direction)
        What moves, for a unit of each direction: one standard deviation of Laplace's.
    rest : array, shape (number, other)
        The same of the directions that are held.
    """

    particles: tuple[Particle, ...]
    centre: Float[np.ndarray, " number"]
    ways: Float[np.ndarray, "number direction"]
    rest: Float[np.ndarray, "number other"]

    def __call__(self, u: Float[np.ndarray, " direction"]) -> tuple[float, np.ndarray]:
        """Return minus the logarithm of the posterior up to a constant, and its gradient."""
        point = self.point(self.centre + self.ways @ u)
        height, shared = 0.5 * float(point.shared @ point.shared), point.shared.copy()
        each = []
        for task, own in zip(tasks_of(self.particles, point), point.own, strict=True):
            cost, slope = slope_of(task)
            prior, weights = task.particle.prior(own)
            height += cost + prior
            shared += slope[: len(shared)]
            each.append(slope[len(shared) :] + weights * own)
        return height, np.concatenate([shared, *each]) @ self.ways

    def point(self, z: Float[np.ndarray, " number"]) -> Point:
        """Return the numbers of the laws and of each particle."""
        shared = self.particles[0].program.layout.shared
        edges = np.cumsum([shared, *(one.own for one in self.particles)])
        first, *own = np.split(z, edges[:-1])
        return Point(first, tuple(own))


def reduced(fit: Fit) -> Reduced:
    """Return the posterior about a fit on the directions that the data narrow.

    Parameters
    ----------
    fit : Fit
        Whose Laplace's covariance gives the directions and their units.

    Raises
    ------
    OptionError
        If there are more numbers than can be taken apart.
    """
    shared = len(fit.point.shared)
    centre = np.concatenate([fit.point.shared, *fit.point.own])
    if len(centre) > _LARGEST:
        raise OptionError(
            "there are too many numbers to sample at once",
            field="particles",
            value=f"{len(centre)} numbers of {len(fit.particles)} particles",
            limit=f"{_LARGEST} numbers",
            remedy="sample fewer particles at a time, or with fewer modes",
        )
    root = np.sqrt(np.concatenate([np.ones(shared), *(block.prior for block in fit.blocks)]))
    variances, axes = np.linalg.eigh(root[:, None] * _covariance(fit) * root)
    ways = axes * np.sqrt(np.maximum(variances, 0.0)) / root[:, None]
    kept = variances < NARROWED
    return Reduced(tuple(fit.particles), centre, ways[:, kept], ways[:, ~kept])


def evened(density: Reduced, random: np.random.Generator, mapper: Mapper = map) -> Reduced:
    """Return the same posterior in units of its mean stiffness over some draws of Laplace's approximation.

    Its valleys bend: at most places some directions are three times narrower than at the fit, and these would set the
    steps of the sampler.

    Parameters
    ----------
    density : Reduced
        In units of Laplace's deviations.
    random : Generator
        For the draws.
    mapper : callable
        `map`, or that of processes.
    """
    shared = density.particles[0].program.layout.shared
    total, count = np.zeros((density.ways.shape[1],) * 2), 0
    for _ in range(_LOOKED):
        point = density.point(density.centre + density.ways @ random.standard_normal(density.ways.shape[1]))
        found = list(mapper(block_of, tasks_of(density.particles, point)))
        if any(one is None or not np.isfinite(one[0].matrix).all() for one in found):
            continue
        count, first = count + 1, shared
        total += density.ways[:shared].T @ density.ways[:shared]
        for block, *_ in found:
            own = slice(first, first + len(block.prior))
            rows = np.vstack([density.ways[:shared], density.ways[own]])
            total, first = total + rows.T @ block.matrix @ rows, own.stop
    if count == 0:
        return density
    stiffness, axes = np.linalg.eigh(total / count)
    return replace(density, ways=density.ways @ (axes / np.sqrt(stiffness)))


def _covariance(fit: Fit) -> Float[np.ndarray, "number number"]:
    """Return Laplace's covariance of all numbers."""
    from scipy.linalg import block_diag

    shared = len(fit.point.shared)
    solver = Solver(fit.blocks, shared)
    laws = np.linalg.inv(solver.matrix if fit.laws is None else fit.laws) if shared else np.zeros((0, 0))
    moves = np.vstack([np.eye(shared), *solver.follow()])
    return np.asarray(moves @ laws @ moves.T + block_diag(np.zeros((shared, shared)), *solver.covariances_of_own()))
