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

import numpy as np

from lithiscope.learning.arrowhead import Solver, Tie, covariances
from lithiscope.learning.diary import Diary, Entry
from lithiscope.learning.fit import (
    Fit,
    Mapper,
    Particle,
    Point,
    determinant_slope,
    minimise,
    tasks_of,
    without_voltage,
)
from lithiscope.learning.rounds import Rounds, Slope, rounds_of, state_of
from lithiscope.learning.settling import settled
from lithiscope.progress import SILENT, Reporter

ROUGH = 5.0  # decrease of the cost of a particle that does not matter to a start
_FIXED = 1e4  # weight that holds the spread of ln k to 1 % of that of the start
_ROUNDS = 12
NEAR = 0.2  # standard deviations from the maximum that no longer matter
FARTHEST = 6.0  # standard deviations of one particle in one step: the determinant is a straight line no further
_SETTLED, _LOOSE = 0.1, 1.0  # decrease of the cost that the fields may still promise, and far from the maximum
_REMEMBERED = 5  # slopes
_LEAST = 0.02  # of the curvature that Gauss and Newton's matrix has; less is noise
_WORSE = 0.5  # by how much a step may raise what is minimised, for each particle: fields settle so far only


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


def near_best_laws(
    particles: Sequence[Particle],
    point: Point,
    *,
    iterations: int = 30,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> Fit:
    """Return the fit where `at_best_laws` begins: with the spread of ln k as it is, and amplitudes that can be learned.

    Parameters
    ----------
    particles : sequence of Particle
        The data.
    point : Point
        Where to start.
    iterations : int
        Steps, at most.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Told of each accepted step; it may know from where to go on.

    Returns
    -------
    Fit
        Without laws or fields, the fit of all numbers at once, of which nothing is left to be found.
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
    found = fields_at(freed(here.particles), here.point, ROUGH, mapper)
    return replace(here, converged=False) if found is None else _after(here, found)


def freed(particles: Sequence[Particle]) -> list[Particle]:
    """Return particles whose fields have amplitudes that can be learned, one for each band."""
    return [one._replace(weights=(1.0,) * len(one.fields())) for one in particles]


def at_best_laws(here: Fit, mapper: Mapper = map, reporter: Reporter = SILENT, *, near: float = NEAR) -> Fit:
    """Return the fit whose laws are at the maximum of their posterior, the fields being integrated out.

    Parameters
    ----------
    here : Fit
        With fields at their best for its laws. Where amplitudes cannot be learned, there is nothing left to be found.
        Its diary is told of each accepted round; it may know from where to go on.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each step.
    near : float
        Standard deviations from the maximum that no longer matter.
    """
    if any(one.weights is None for one in here.particles):
        return here
    diary = Diary() if here.diary is None else here.diary
    first = here.iterations
    entry = diary.begin(Entry(here.point, 0.0, first))
    now = Rounds(here) if entry.state is None else rounds_of(here, entry.point, entry.state)
    number, converged = entry.steps, entry.converged
    farthest = FARTHEST * np.sqrt(len(here.particles))
    for number in range(0) if entry.done else range(entry.steps + 1, first + 1 + _ROUNDS):
        matrix, step, size, now = _looked(now, mapper)
        now = now._replace(fit=replace(now.fit, laws=matrix))
        reporter.say(f"laws: {size:.2f} standard deviations from the maximum of their posterior")
        if converged := size < near and not now.loose:
            break
        # The slope knows to first order how far the fields still have to go: a straight line only, of which the
        # differences of slopes would tell a wrong curvature.
        if now.loose and size <= FARTHEST:
            now = now._replace(slopes=())
        now = now._replace(loose=size > FARTHEST)
        found = _moved(now.fit, step * min(1.0, farthest / size), mapper, _LOOSE if now.loose else _SETTLED)
        if found is None:
            break
        now = now._replace(fit=replace(found, laws=matrix))
        diary.write(Entry(found.point, 0.0, number, state=state_of(now)))
    if not entry.done:
        diary.write(Entry(now.fit.point, 0.0, number, done=True, converged=converged, state=state_of(now)))
    return replace(now.fit, iterations=number, converged=converged)


def _looked(now: Rounds, mapper: Mapper) -> tuple[np.ndarray, np.ndarray, float, Rounds]:
    """Return second derivatives, Newton's step and its length, after a look at the slope; near the end also beside."""
    here, slopes, beside = now.fit, (*now.slopes, _slope(now.fit, mapper)), None
    matrix, step, size = _newton(here, slopes)
    if size < NEAR and not now.loose and not now.looked:
        beside = _beside(here, matrix, mapper)
    if beside is not None:
        slopes = (*slopes[:-1], _slope(beside, mapper), slopes[-1])
        matrix, step, size = _newton(here, slopes)
    return matrix, step, size, now._replace(slopes=slopes, looked=now.looked or beside is not None)


def _newton(here: Fit, slopes: Sequence[Slope]) -> tuple[np.ndarray, np.ndarray, float]:
    """Return second derivatives, Newton's step from the last slope, and its length in standard deviations."""
    matrix = _curved(Solver(here.blocks, len(here.point.shared)).matrix, slopes)
    step = -np.linalg.solve(matrix, slopes[-1].slope)
    return matrix, step, float(np.sqrt(step @ matrix @ step))


def minus_log_marginal(fit: Fit) -> float:
    """Return minus the logarithm of the posterior of the laws, up to a constant, with the fields at their best."""
    return fit.whole + 0.5 * Solver(fit.blocks, len(fit.point.shared)).log_determinant_of_own()


def _slope(here: Fit, mapper: Mapper) -> Slope:
    """Return where the laws are, and the slope of minus the logarithm of their posterior."""
    from scipy.linalg import solve_triangular

    shared = len(here.point.shared)
    solver = Solver(here.blocks, shared)
    slope = here.point.shared + sum(block.gradient[:shared] for block in here.blocks)
    for block, one in zip(here.blocks, solver.gone, strict=True):
        slope = slope - one.coupling.T @ solve_triangular(one.root, block.gradient[shared:], lower=True)
    return Slope(here.point.shared, slope + _slope_of_determinant(here, solver, mapper))


def _slope_of_determinant(here: Fit, solver: Solver, mapper: Mapper) -> np.ndarray:
    """Return the slope of half the logarithm of the fields' determinant, the fields following the laws."""
    tasks = zip(tasks_of(here.particles, here.point), solver.covariances_of_own(), strict=True)
    slopes = zip(mapper(determinant_slope, tasks), solver.follow(), strict=True)
    return np.asarray(sum(one[: solver.count] + moves.T @ one[solver.count :] for one, moves in slopes))


def mean_of_own(fit: Fit, mapper: Mapper = map) -> list[np.ndarray]:
    """Return the mean of the posterior of each particle's own numbers, the laws as they are.

    The density of a hundred pixels at once is highest where they are known worst, off the middle of where most of the
    probability is. To first order the mean is away from there by minus the covariance times the slope of half the
    logarithm of the determinant (Tierney and Kadane 1986), which is Gauss and Newton's.
    """
    shared = len(fit.point.shared)
    known = Solver(fit.blocks, shared).covariances_of_own()
    slopes = mapper(determinant_slope, zip(tasks_of(fit.particles, fit.point), known, strict=True))
    return [
        own - covariance @ slope[shared:] for own, covariance, slope in zip(fit.point.own, known, slopes, strict=True)
    ]


def _curved(matrix: np.ndarray, slopes: Sequence[Slope]) -> np.ndarray:
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
    return laws_moved(here, way / np.sqrt(way @ row), mapper)


def _moved(here: Fit, step: np.ndarray, mapper: Mapper, enough: float) -> Fit | None:
    """Return the fit after a step of the laws, shortened until it serves; None where none does."""
    limit = minus_log_marginal(here) + _WORSE * len(here.particles)
    for _ in range(5):
        found = laws_moved(here, step, mapper, enough)
        if found is not None and minus_log_marginal(found) < limit:
            return found
        step = step / 2
    return None


def laws_moved(here: Fit, step: np.ndarray, mapper: Mapper = map, enough: float = _SETTLED) -> Fit | None:
    """Return the fit with the laws moved and the fields at their best for them; None where the model cannot follow.

    Parameters
    ----------
    here : Fit
        With the weights of its fields.
    step : array, shape (shared,)
        Of the laws.
    mapper : callable
        `map`, or that of processes or a cluster.
    enough : float
        Decrease of the cost that the fields of a particle may still promise.
    """
    follow = Solver(here.blocks, len(step)).follow()
    own = tuple(one + moves @ step for one, moves in zip(here.point.own, follow, strict=True))
    found = fields_at(here.particles, Point(here.point.shared + step, own), enough, mapper)
    return None if found is None else _after(here, found)


def _after(here: Fit, found: Fit) -> Fit:
    """Return what was found of a fit, with the steps and the diary that belong to that."""
    return replace(found, iterations=here.iterations, diary=here.diary)


def fields_at(particles: Sequence[Particle], point: Point, enough: float, mapper: Mapper = map) -> Fit | None:
    """Return the fit with the fields at their best for the laws of a point; None where the model cannot follow."""
    each = list(mapper(partial(settled, enough=enough), tasks_of(particles, point)))
    good = [one for one in each if one is not None]
    if len(good) < len(each):
        return None
    found = Point(point.shared, tuple(one.own for one in good))
    cost = sum(one.cost for one in good)
    return Fit(found, [one.block for one in good], [one.particle for one in good], cost, 0, converged=False)
