"""The laws at the maximum of their own posterior, with the fields of all particles integrated out.

Laws and fields trade off: far from equilibrium x(t) of a pixel is a function of k t alone, whatever that function is,
so ln k may be multiplied by any number if j0(x) and mu(x) follow; and j0 trades off with mu(x). The posterior of a
hundred pixels gets wider or narrower along such a way. The most probable point of all numbers at once lies where it is
narrow, which is not where most of it is. So each place of the laws counts by its height and, through the determinant,
by the width of the fields there (Laplace's approximation of the integral over the fields; Tierney and Kadane, J. Am.
Stat. Assoc. 81, 82 (1986)). The amplitudes of the fields are at the maximum of the evidence (MacKay, Neural Comput. 4,
415 (1992)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lithiscope.learning.arrowhead import Block, Solver, Tie, covariances
from lithiscope.learning.diary import Diary
from lithiscope.learning.fit import (
    Fit,
    Mapper,
    Particle,
    Point,
    determinant_slope,
    evaluated,
    minimise,
    tasks_of,
    without_voltage,
)
from lithiscope.learning.priors import best_weight
from lithiscope.progress import SILENT, Reporter

ROUGH = 5.0  # decrease of the cost of a particle that does not matter to a start
_FIXED = 1e4  # weight that holds the spread of ln k to 1 % of that of the start
_ROUNDS = 12
_NEAR = 0.2  # standard deviations from the maximum that no longer matter
_FARTHEST = 3.0  # standard deviations of one step: the determinant is a straight line no further
_SETTLED, _LOOSE = 0.1, 1.0  # decrease of the cost that the fields may still promise, and far from the maximum
_SETTLING, _REPEATED = 40, 5  # steps of the fields, and of the weights in each
_POOR, _GOOD = 0.1, 0.7  # decrease over what was promised
_SLIGHT = 1.0  # damping, in units of the prior's weight
_REMEMBERED = 5  # slopes
_LEAST = 0.02  # of the curvature that Gauss and Newton's matrix has; less is noise
_WORSE = 0.5  # by how much a step may raise what is minimised, for its slope is known in part


def spread_of(particles: Sequence[Particle], point: Point) -> Tie | None:
    """Return the tie whose row times all numbers is the spread of ln k over that at a point; None without laws."""
    field = particles[0].program.layout.field
    if not len(point.shared) or not field:
        return None
    rows = []
    for particle, own in zip(particles, point.own, strict=True):
        basis = np.asarray(particle.cases[0].field)
        row = np.zeros(len(own))
        row[:field] = (basis @ own[:field]) @ basis
        rows.append(row)
    whole = sum(float(row @ own) for row, own in zip(rows, point.own, strict=True))
    return Tie(np.zeros(len(point.shared)), tuple(row / whole for row in rows), 1.0, _FIXED) if whole > 0 else None


def spread_error(fit: Fit) -> float:
    """Return the relative standard deviation of the spread of ln k; 0 where there is no field or no law."""
    row = spread_of(fit.particles, fit.point)
    if row is None:
        return 0.0
    _, each = covariances(fit.blocks, len(row.shared), fit.laws)
    parts = [one[len(row.shared) :, len(row.shared) :] for one in each]
    return float(np.sqrt(sum(float(way @ part @ way) for way, part in zip(row.own, parts, strict=True))))


def at_best_laws(
    particles: Sequence[Particle],
    point: Point,
    *,
    iterations: int = 30,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> Fit:
    """Return the fit whose laws are at the maximum of their posterior, the fields being integrated out.

    Parameters
    ----------
    particles : sequence of Particle
        The data.
    point : Point
        Where to start.
    iterations : int
        Steps of the first fit, at most, in which the spread of ln k stays as it is where no voltage fixes it.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Told of each accepted step; it may know from where to go on.
    """
    tie = spread_of(particles, point)
    if tie is None:
        return minimise(particles, point, iterations=iterations, mapper=mapper, reporter=reporter, diary=diary)
    # Voltages weigh so much that a fit which is still far off goes astray by them.
    deaf = [without_voltage(one) for one in particles]
    rough = ROUGH * len(particles)
    start = partial(minimise, iterations=iterations, enough=rough, mapper=mapper, reporter=reporter, diary=diary)
    here = start(deaf, point, tie=tie)
    if particles[0].program.layout.volt:
        here = start(particles, here.point, tie=spread_of(particles, here.point))
    free = [one._replace(weights=(1.0,) * len(one.fields())) for one in here.particles]
    settled = _at(replace(here, particles=free), np.zeros(len(point.shared)), mapper, ROUGH)
    if settled is None:
        return replace(here, converged=False)
    return _climbed(settled, mapper, reporter)


def _climbed(here: Fit, mapper: Mapper, reporter: Reporter) -> Fit:
    slopes: list[_Slope] = []
    looked, loose = False, True
    for number in range(here.iterations + 1, here.iterations + 1 + _ROUNDS):
        slopes.append(_slope(here, mapper))
        matrix, step, size = _newton(here, slopes)
        if size < _NEAR and not loose and not looked and (beside := _beside(here, matrix, mapper)) is not None:
            looked = True
            slopes.insert(-1, _slope(beside, mapper))
            matrix, step, size = _newton(here, slopes)
        reporter.say(f"laws: {size:.2f} standard deviations from the maximum of their posterior")
        if size < _NEAR and not loose:
            return replace(here, laws=matrix, iterations=number, converged=True)
        # The slope knows to first order how far the fields still have to go.
        loose = size > _FARTHEST
        found = _moved(here, step * min(1.0, _FARTHEST / size), mapper, _LOOSE if loose else _SETTLED)
        if found is None:
            break
        here = found
    return replace(here, laws=matrix, iterations=number, converged=False)


def _newton(here: Fit, slopes: Sequence[_Slope]) -> tuple[np.ndarray, np.ndarray, float]:
    """Return second derivatives, Newton's step from the last slope, and its length in standard deviations."""
    matrix = _curved(Solver(here.blocks, len(here.point.shared)).matrix, slopes)
    step = -np.linalg.solve(matrix, slopes[-1].slope)
    return matrix, step, float(np.sqrt(step @ matrix @ step))


def minus_log_marginal(fit: Fit) -> float:
    """Return minus the logarithm of the posterior of the laws, up to a constant, with the fields at their best."""
    return fit.whole + 0.5 * Solver(fit.blocks, len(fit.point.shared)).log_determinant_of_own()


class _Slope(NamedTuple):
    at: np.ndarray
    slope: np.ndarray


def _slope(here: Fit, mapper: Mapper) -> _Slope:
    """Return where the laws are, and the slope of minus the logarithm of their posterior."""
    from scipy.linalg import solve_triangular

    shared = len(here.point.shared)
    solver = Solver(here.blocks, shared)
    slope = here.point.shared + sum(block.gradient[:shared] for block in here.blocks)
    for block, one in zip(here.blocks, solver.gone, strict=True):
        slope = slope - one.coupling.T @ solve_triangular(one.root, block.gradient[shared:], lower=True)
    return _Slope(here.point.shared, slope + _slope_of_determinant(here, solver, mapper))


def _slope_of_determinant(here: Fit, solver: Solver, mapper: Mapper) -> np.ndarray:
    """Return the slope of half the logarithm of the fields' determinant, the fields following the laws."""
    tasks = zip(tasks_of(here.particles, here.point), solver.covariances_of_own(), strict=True)
    slopes = zip(mapper(determinant_slope, tasks), solver.follow(), strict=True)
    return np.asarray(sum(one[: solver.count] + moves.T @ one[solver.count :] for one, moves in slopes))


def _curved(matrix: np.ndarray, slopes: Sequence[_Slope]) -> np.ndarray:
    """Return the second derivatives of minus the logarithm of the laws' posterior.

    Gauss and Newton's matrix knows neither that the amplitudes of the fields follow the laws, nor how the fields bend:
    along the way to which the spread of ln k belongs it may be off by a factor of two. The slopes at the last places
    tell (the update of Broyden, Fletcher, Goldfarb and Shanno).
    """
    for one, two in pairwise(slopes[-_REMEMBERED:]):
        way, change = two.at - one.at, two.slope - one.slope
        along = matrix @ way
        if _LEAST * (way @ along) < change @ way:
            matrix = matrix - np.outer(along, along) / (way @ along) + np.outer(change, change) / (change @ way)
    return matrix


def _beside(here: Fit, matrix: np.ndarray, mapper: Mapper) -> Fit | None:
    """Return the fit with laws that are off by a deviation in the way that trades off with the spread of k."""
    tie = spread_of(here.particles, here.point)
    if tie is None:
        return None
    follow = Solver(here.blocks, len(matrix)).follow()
    row = sum(moves.T @ one for moves, one in zip(follow, tie.own, strict=True))
    way = np.linalg.solve(matrix, row)
    return _at(here, way / np.sqrt(way @ row), mapper)


def _moved(here: Fit, step: np.ndarray, mapper: Mapper, settled: float) -> Fit | None:
    """Return the fit after a step of the laws, shortened until it serves; None where none does."""
    before = minus_log_marginal(here)
    for _ in range(5):
        found = _at(here, step, mapper, settled)
        if found is not None and minus_log_marginal(found) < before + _WORSE:
            return found
        step = step / 2
    return None


def laws_moved(here: Fit, step: np.ndarray, mapper: Mapper = map, settled: float = _SETTLED) -> Fit | None:
    """Return the fit with the laws moved and the fields at their best for them; None where the model cannot follow.

    Parameters
    ----------
    here : Fit
        With the weights of its fields.
    step : array, shape (shared,)
        Of the laws.
    mapper : callable
        `map`, or that of processes or a cluster.
    settled : float
        Decrease of the cost that the fields may still promise.
    """
    return _at(here, step, mapper, settled)


def _at(here: Fit, step: np.ndarray, mapper: Mapper, settled: float = _SETTLED) -> Fit | None:
    """Return the fit with the laws moved and the fields at their best for them; None where the model cannot follow."""
    shared = here.point.shared + step
    follow = Solver(here.blocks, len(shared)).follow()
    own = tuple(one + moves @ step for one, moves in zip(here.point.own, follow, strict=True))
    particles, damping, promised = here.particles, 0.0, 0.0
    last: _Place | None = None
    for _ in range(_SETTLING):
        there = evaluated(particles, Point(shared, own), mapper)
        gain = 1.0 if there is not None else -1.0
        if last is not None and there is not None:
            gain = (last.height - there[1] - _prior(particles, own)) / promised
        if gain < _POOR or there is None:
            if last is None:
                return None
            damping = max(4 * damping, _SLIGHT)
        else:
            damping = damping / 5 if damping > _SLIGHT and gain > _GOOD else damping * (gain < _GOOD)
            blocks, cost, particles = there
            weighed = [_weighed(*one, len(shared)) for one in zip(particles, blocks, own, strict=True)]
            particles, blocks = [one.particle for one in weighed], [one.block for one in weighed]
            last = _Place(own, blocks, cost + _prior(particles, own))
            if _stepped(last, len(shared), 0.0)[1] < settled:
                return Fit(Point(shared, own), blocks, particles, cost, here.iterations, converged=False)
        own, promised = _stepped(last, len(shared), damping)
    return None


class _Place(NamedTuple):
    """The own numbers of all particles, their equations, and what is minimised there."""

    own: tuple[np.ndarray, ...]
    blocks: list[Block]
    height: float


def _prior(particles: Sequence[Particle], own: Sequence[np.ndarray]) -> float:
    return float(sum(particle.prior(one)[0] for particle, one in zip(particles, own, strict=True)))


def _stepped(place: _Place, shared: int, damping: float) -> tuple[tuple[np.ndarray, ...], float]:
    """Return the own numbers after Levenberg and Marquardt's step, the laws being held, and what it promises."""
    own, promised = [], 0.0
    for one, block in zip(place.own, place.blocks, strict=True):
        matrix, gradient = block.matrix[shared:, shared:], block.gradient[shared:]
        move = -np.linalg.solve(matrix + damping * np.eye(len(one)), gradient)
        promised += 0.5 * float(damping * move @ move - gradient @ move)
        own.append(one + move)
    return tuple(own), promised


class _Weighed(NamedTuple):
    particle: Particle
    block: Block


def _weighed(particle: Particle, block: Block, own: np.ndarray, shared: int) -> _Weighed:
    """Return a particle, and its equations, with the best weights of its fields for its laws (MacKay 1992).

    The mean of |z|^2 over the posterior sets a weight, so that modes of which the data say nothing count as wide as
    they are, and not as zero.
    """
    data = block.matrix[shared:, shared:] - np.diag(block.prior)
    slope = block.gradient[shared:] - block.prior * own
    weights, fields = list(particle.weights or ()), particle.fields()
    prior = block.prior.copy()
    for _ in range(_REPEATED):
        covariance = np.linalg.inv(data + np.diag(prior))
        wide = (own - covariance @ (slope + prior * own)) ** 2 + np.diag(covariance)
        for number, modes in enumerate(fields[: len(weights)]):
            weights[number] = best_weight(float(wide[modes].sum()), modes.stop - modes.start)
            prior[modes] = weights[number]
    matrix = block.matrix.copy()
    matrix[shared:, shared:] = data + np.diag(prior)
    renewed = Block(matrix, np.concatenate([block.gradient[:shared], slope + prior * own]), prior)
    return _Weighed(particle._replace(weights=tuple(weights)), renewed)
