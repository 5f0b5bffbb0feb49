"""Levenberg and Marquardt's method for many particles that share their laws."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.learning.arrowhead import Block, Tie, newton_step
from lithiscope.learning.cases import STEPS, recorded
from lithiscope.learning.diary import Diary, Entry
from lithiscope.learning.priors import of_weight
from lithiscope.learning.program import Case, Normal, Program
from lithiscope.progress import SILENT, Reporter

Mapper = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
"""How a function is mapped over particles: `map`, or that of processes or a cluster."""

_BAND = 4  # modes of the longest wavelengths
_DAMPING = 1.0  # in units of the prior's weight
ENOUGH = 0.5  # decrease of the cost, half a chi-square, that no longer matters


class Point(NamedTuple):
    """Where a fit stands.

    Attributes
    ----------
    shared : array, shape (shared,)
        Numbers of the laws.
    own : tuple of arrays
        Of each particle: field, then for each half cycle initial, rate and offset.
    """

    shared: np.ndarray
    own: tuple[np.ndarray, ...]


class Particle(NamedTuple):
    """The half cycles of one particle.

    Attributes
    ----------
    program : Program
        The same for all.
    cases : tuple of Case
        One for each half cycle.
    tolerance : float
        Of the steps of time.
    weights : tuple of float, optional
        One over the square of the amplitude of each of `fields`, in units of what the options say; none: one.
    apart : int
        How many numbers at the end of the field have amplitudes that are known: contrasts of domains, the level among
        other particles.
    edge : int
        How many numbers before these are single pixels at edges of domains.
    """

    program: Program
    cases: tuple[Case, ...]
    tolerance: float
    weights: tuple[float, ...] | None = None
    apart: int = 0
    edge: int = 0

    @property
    def own(self) -> int:
        """How many numbers belong to this particle alone."""
        layout = self.program.layout
        return layout.field + len(self.cases) * (layout.size - layout.shared - layout.field)

    def fields(self) -> list[slice]:
        """Return where, among its own numbers, those with one unknown amplitude are.

        That is the modes of ln k and of each initial composition, band by band, and all pixels at edges.
        """
        layout = self.program.layout
        mine = layout.size - layout.shared - layout.field
        starts = [layout.field + number * mine for number in range(len(self.cases))]
        # The first number of an initial composition is its level.
        last = layout.field - self.apart
        ends = [(0, last - self.edge), *((start + 1, start + layout.initial) for start in starts)]
        pixels = [slice(last - self.edge, last)] if self.edge else []
        return pixels + [band for first, end in ends for band in bands(first, end)]

    def prior(self, own: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the logarithm of the prior of the particle's own numbers, and the weight of each."""
        cost, weights = 0.5 * float(own @ own), np.ones(len(own))
        for modes, weight in zip(self.fields(), self.weights or (), strict=False):
            weights[modes] = weight
            cost += of_weight(own[modes], weight) - 0.5 * float(own[modes] @ own[modes])
        return cost, weights

    def places(self) -> list[np.ndarray]:
        """Return for each half cycle where its z is within (shared, own)."""
        layout = self.program.layout
        common = layout.shared + layout.field
        mine = layout.size - common
        return [
            np.concatenate([np.arange(common), common + number * mine + np.arange(mine)])
            for number in range(len(self.cases))
        ]


def bands(first: int, last: int) -> list[slice]:
    """Return modes in bands that double in size, from the longest wavelengths to the shortest.

    Each band has its own amplitude. With one for all, the many modes of short wavelength that a smooth field lacks make
    the few that it has look less probable than they are, and shrink them.
    """
    edges = [first]
    while edges[-1] < last:
        edges.append(min(2 * edges[-1] - first + _BAND, last))
    return [slice(a, b) for a, b in pairwise(edges)]


class Task(NamedTuple):
    """What is computed for one particle: the particle and where it stands."""

    particle: Particle
    z: np.ndarray


def block_of(task: Task, *, held: bool = False) -> tuple[Block, float, Particle] | None:
    """Return the normal equations and the cost of a particle, and the particle with its steps of time renewed.

    None where the model cannot follow the rate of the particle. Steps that are held change the cost smoothly, by which
    small differences can be told; they are those of a place nearby.
    """
    particle, z = task
    matrix, gradient, cost = np.zeros((len(z), len(z))), np.zeros(len(z)), 0.0
    places, cases = particle.places(), []

    def one(case: Case, place: np.ndarray) -> tuple[Case, Normal] | None:
        at = jnp.asarray(z[place])
        stepped = case if held else with_steps(particle, case, at)
        return None if stepped is None else (stepped, particle.program.normal(stepped, at))

    for place, answer in zip(places, together(one, particle.cases, places), strict=True):
        if answer is None:
            return None
        stepped, found = answer
        matrix[np.ix_(place, place)] += np.asarray(found.matrix)
        gradient[place] += np.asarray(found.gradient)
        cost += float(found.cost)
        cases.append(stepped)
    own = slice(particle.program.layout.shared, None)
    weights = particle.prior(z[own])[1]
    matrix[own, own] += np.diag(weights)
    gradient[own] += weights * z[own]
    return Block(matrix, gradient, weights), cost, particle._replace(cases=tuple(cases))


def cost_of(task: Task) -> float:
    """Return the cost of the data of one particle; infinite where the model fails.

    The steps of time are kept, so that the cost is smooth; they are renewed only where they are too long.
    """
    particle, z = task

    def one(case: Case, place: np.ndarray) -> float:
        at = jnp.asarray(z[place])
        found = float(particle.program.cost(case, at))
        if np.isfinite(found):
            return found
        stepped = with_steps(particle, case, at)
        return np.inf if stepped is None else float(particle.program.cost(stepped, at))

    total = sum(together(one, particle.cases, particle.places()))
    return total if np.isfinite(total) else np.inf


def slope_of(task: Task) -> tuple[float, np.ndarray]:
    """Return the cost of the data of one particle and its gradient by (shared, own); infinite where the model fails.

    The steps of time are kept as in `cost_of`.
    """
    particle, z = task
    cost, gradient, places = 0.0, np.zeros(len(z)), particle.places()

    def one(case: Case, place: np.ndarray) -> tuple[float, np.ndarray]:
        at = jnp.asarray(z[place])
        value, slope = particle.program.value_and_gradient(case, at)
        if np.isfinite(value):
            return float(value), np.asarray(slope)
        stepped = with_steps(particle, case, at)
        if stepped is None:
            return np.inf, np.zeros(len(place))
        value, slope = particle.program.value_and_gradient(stepped, at)
        return float(value), np.asarray(slope)

    for place, (value, slope) in zip(places, together(one, particle.cases, places), strict=True):
        cost += value
        gradient[place] += slope
    return cost, gradient


def determinant_slope(given: tuple[Task, np.ndarray]) -> np.ndarray:
    """Return the gradient by (shared, own) of half the logarithm of the determinant of a particle's own numbers.

    The inverse of their matrix is given. The steps of time and the weights of the prior stay as they are.
    """
    (particle, z), covariance = given
    shared = particle.program.layout.shared
    slope, places = np.zeros(len(z)), particle.places()

    def one(case: Case, place: np.ndarray) -> np.ndarray:
        own = place[shared:] - shared
        root = jnp.asarray(np.linalg.cholesky(covariance[np.ix_(own, own)]))
        return np.asarray(particle.program.slope_of_trace(case, jnp.asarray(z[place]), root))

    for place, part in zip(places, together(one, particle.cases, places), strict=True):
        slope[place] += part
    return slope


def together(work: Callable[..., Any], *each: Iterable[Any]) -> list[Any]:
    """Return what some work gives for each; compiled programs run side by side in threads."""
    with ThreadPoolExecutor(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))) as pool:
        return list(pool.map(work, *each))


def with_steps(particle: Particle, case: Case, z: Any) -> Case | None:
    """Return the case with the steps that the model needs at z; None where the model cannot follow."""
    try:
        lengths, reached = recorded(particle.program, case, z, tolerance=particle.tolerance)
    except OptionError:  # a trial so far off that there is no such model
        return None
    if not reached:
        return None
    steps = np.concatenate(lengths)
    # In few sizes, so that few programs are compiled; the smallest serves all but violent trials, and what is left of
    # it costs nothing.
    room = STEPS
    while len(steps) > room:
        room *= 3
    first = np.cumsum([0, *(len(one) for one in lengths)])
    stepped: Case = eqx.tree_at(
        lambda c: (c.lengths, c.first), case, (jnp.asarray(np.pad(steps, (0, room - len(steps)))), jnp.asarray(first))
    )
    return stepped


def without_voltage(particle: Particle) -> Particle:
    """Return the particle as if no voltage had been measured."""
    if not particle.program.layout.volt:
        return particle
    cases = (eqx.tree_at(lambda c: c.volt_weight, case, jnp.zeros_like(case.volt_weight)) for case in particle.cases)
    return particle._replace(cases=tuple(cases))


@dataclass
class Fit:
    """The result of a minimisation.

    Attributes
    ----------
    point : Point
        The maximum of the posterior.
    blocks : list of Block
        Normal equations there.
    particles : list of Particle
        With the steps of time that belong to it.
    cost : float
        Half the sum of squared weighted residuals.
    iterations : int
        How many steps were taken.
    converged : bool
        Whether a further step promised too little to matter.
    laws : array, shape (shared, shared), optional
        Second derivatives of minus the logarithm of the posterior of the laws, where they are known better than by
        eliminating all other numbers from the normal equations.
    diary : Diary, optional
        Told of what is made of this fit.
    """

    point: Point
    blocks: list[Block]
    particles: list[Particle]
    cost: float
    iterations: int
    converged: bool
    laws: np.ndarray | None = None
    diary: Diary | None = None

    @property
    def whole(self) -> float:
        """Minus the logarithm of the posterior, up to a constant: data and priors."""
        return self.cost + outside(self.particles, self.point, None)


def joined(some: Sequence[int], one: Fit, others: Sequence[int], other: Fit) -> Fit:
    """Return the fits of some particles and of others, by number, as one fit with the particles in their order.

    Laws, their second derivatives and the diary are those of the first.
    """
    order = np.argsort([*some, *others])
    own, blocks, particles = (
        [each[n] for n in order]
        for each in (
            [*one.point.own, *other.point.own],
            [*one.blocks, *other.blocks],
            [*one.particles, *other.particles],
        )
    )
    point = Point(one.point.shared, tuple(own))
    cost = one.cost + other.cost
    return replace(one, point=point, blocks=blocks, particles=particles, cost=cost, converged=False)


def without(fit: Fit, some: Sequence[int]) -> tuple[list[int], Fit]:
    """Return the numbers of the particles that are not among some, and their part of a fit."""
    left = [n for n in range(len(fit.particles)) if n not in some]
    tasks = tasks_of(fit.particles, fit.point)
    cost = fit.cost - sum(cost_of(tasks[n]) for n in some)
    own = tuple(fit.point.own[n] for n in left)
    blocks, particles = [fit.blocks[n] for n in left], [fit.particles[n] for n in left]
    return left, replace(fit, point=Point(fit.point.shared, own), blocks=blocks, particles=particles, cost=cost)


def minimise(
    particles: Sequence[Particle],
    point: Point,
    *,
    iterations: int = 30,
    tie: Tie | None = None,
    enough: float = ENOUGH,
    damping: float = _DAMPING,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> Fit:
    """Return the maximum of the posterior.

    Parameters
    ----------
    particles : sequence of Particle
        The data.
    point : Point
        Where to start.
    iterations : int
        At most so many steps.
    tie : Tie, optional
        A further term of the cost.
    enough : float
        Decrease of the cost that no longer matters.
    damping : float
        At the start, in units of the prior's weight.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Told of each accepted step; it may know from where to go on.

    Raises
    ------
    AnalysisError
        If the model cannot follow the data at the start.
    """
    diary = Diary() if diary is None else diary
    point, damping, steps, done, converged, _ = diary.begin(Entry(point, damping))
    here = evaluated(particles, point, mapper)
    if here is None:
        raise AnalysisError(
            "the model that the fit starts from cannot follow the measured rates",
            field="start",
            value="no finite run",
            remedy="start from another exchange current or chemical potential, or check the times of the frames",
        )
    blocks, cost, now = here
    todo = range(0) if done else range(steps + 1, iterations + 1)
    for steps in reporter.track(todo, label="fitting", total=len(todo)):
        shared, own, promised = newton_step(
            blocks, point.shared, damping, tie, 0.0 if tie is None else tie.excess(*point)
        )
        new = Point(point.shared + shared, tuple(a + b for a, b in zip(point.own, own, strict=True)))
        there = sum(mapper(cost_of, tasks_of(now, new)))
        gain = (cost + outside(now, point, tie) - there - outside(now, new, tie)) / max(promised, 1e-300)
        reporter.say(f"step {steps}: chi-square {2 * cost:.5g}, promised {promised:.3g}, gain {gain:.2f}")
        if gain < 0.1:
            damping = max(4 * damping, 1e-3)
            converged = promised < enough
            if converged or damping > 1e8:
                break
            continue
        found = evaluated(now, new, mapper)
        if found is None:
            damping = max(4 * damping, 1e-3)
            continue
        point, (blocks, cost, now) = new, found
        damping = damping / 5 if gain > 0.7 else damping
        if promised < enough and damping < _DAMPING:
            converged = True
            break
        diary.write(Entry(point, damping, steps))
    diary.write(Entry(point, damping, steps, done=True, converged=converged))
    return Fit(point, blocks, now, cost, steps, converged, diary=diary)


def outside(particles: Sequence[Particle], point: Point, tie: Tie | None) -> float:
    """Return the part of the cost that is not of the data."""
    own = sum(particle.prior(one)[0] for particle, one in zip(particles, point.own, strict=True))
    return 0.5 * float(point.shared @ point.shared) + own + (0.0 if tie is None else tie.cost(*point))


def tasks_of(particles: Sequence[Particle], point: Point) -> list[Task]:
    """Return what is to be computed for each particle at a point."""
    pairs = zip(particles, point.own, strict=True)
    return [Task(particle, np.concatenate([point.shared, own])) for particle, own in pairs]


def evaluated(
    particles: Sequence[Particle], point: Point, mapper: Mapper = map
) -> tuple[list[Block], float, list[Particle]] | None:
    """Return normal equations, the cost of the data, and the particles with their steps of time, at a point.

    None where the model cannot follow a particle.
    """
    found = list(mapper(block_of, tasks_of(particles, point)))
    good = [one for one in found if one is not None and np.isfinite(one[1]) and np.isfinite(one[0].matrix).all()]
    if len(good) < len(found):
        return None
    return [one[0] for one in good], sum(one[1] for one in good), [one[2] for one in good]
