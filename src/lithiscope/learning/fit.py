"""Levenberg and Marquardt's method for many particles that share their laws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.learning.arrowhead import Block, Tie, newton_step
from lithiscope.learning.cases import recorded
from lithiscope.learning.diary import Diary, Entry
from lithiscope.learning.priors import of_any_amplitude
from lithiscope.learning.program import Case, Program
from lithiscope.progress import SILENT, Reporter

Mapper = Callable[[Callable[..., Any], Iterable[Any]], Iterable[Any]]
"""How a function is mapped over particles: `map`, or that of processes or a cluster."""

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
    scaled : bool
        Whether the amplitudes of ln k and of the initial composition are what their priors say, instead of any.
    """

    program: Program
    cases: tuple[Case, ...]
    tolerance: float
    scaled: bool = True

    @property
    def own(self) -> int:
        """How many numbers belong to this particle alone."""
        layout = self.program.layout
        return layout.field + len(self.cases) * (layout.size - layout.shared - layout.field)

    def fields(self) -> list[slice]:
        """Return where, among its own numbers, the modes of ln k and of each initial composition are."""
        layout = self.program.layout
        mine = layout.size - layout.shared - layout.field
        starts = [layout.field + number * mine for number in range(len(self.cases))]
        # The first number of an initial composition is its level.
        return [slice(0, layout.field), *(slice(start + 1, start + layout.initial) for start in starts)]

    def prior(self, own: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the logarithm of the prior of the particle's own numbers, and the weight of each."""
        cost, weights = 0.5 * float(own @ own), np.ones(len(own))
        for modes in [] if self.scaled else self.fields():
            changed, weights[modes] = of_any_amplitude(own[modes])
            cost += changed - 0.5 * float(own[modes] @ own[modes])
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


class Task(NamedTuple):
    """What is computed for one particle: the particle and where it stands."""

    particle: Particle
    z: np.ndarray


def block_of(task: Task) -> tuple[Block, float, Particle] | None:
    """Return the normal equations and the cost of a particle, and the particle with its steps of time renewed.

    None where the model cannot follow the rate of the particle.
    """
    particle, z = task
    matrix, gradient, cost = np.zeros((len(z), len(z))), np.zeros(len(z)), 0.0
    cases = []
    for case, place in zip(particle.cases, particle.places(), strict=True):
        stepped = with_steps(particle, case, jnp.asarray(z[place]))
        if stepped is None:
            return None
        found = particle.program.normal(stepped, jnp.asarray(z[place]))
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
    total = 0.0
    for case, place in zip(particle.cases, particle.places(), strict=True):
        one = float(particle.program.cost(case, jnp.asarray(z[place])))
        if not np.isfinite(one):
            stepped = with_steps(particle, case, jnp.asarray(z[place]))
            one = np.inf if stepped is None else float(particle.program.cost(stepped, jnp.asarray(z[place])))
        total += one
    return total if np.isfinite(total) else np.inf


def with_steps(particle: Particle, case: Case, z: Any) -> Case | None:
    """Return the case with the steps that the model needs at z, as many places for steps as before if they do."""
    lengths, reached = recorded(particle.program, case, z, tolerance=particle.tolerance)
    if not reached:
        return None
    steps = np.concatenate(lengths)
    room = len(case.lengths)
    if len(steps) > room:
        room = int(2 ** np.ceil(np.log2(1.2 * len(steps))))
    first = np.cumsum([0, *(len(one) for one in lengths)])
    stepped: Case = eqx.tree_at(
        lambda c: (c.lengths, c.first), case, (jnp.asarray(np.pad(steps, (0, room - len(steps)))), jnp.asarray(first))
    )
    return stepped


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
    tie : Tie, optional
        A further term of the cost.
    log_mass : float, optional
        Logarithm of the integral of the posterior over all places of a profile, without the constants of data and
        prior; without it that of Laplace's approximation holds.
    """

    point: Point
    blocks: list[Block]
    particles: list[Particle]
    cost: float
    iterations: int
    converged: bool
    tie: Tie | None = None
    log_mass: float | None = None

    @property
    def whole(self) -> float:
        """Minus the logarithm of the posterior, up to a constant: data, priors and tie."""
        return self.cost + _outside(self.particles, self.point, self.tie)


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
    point, damping, steps, done, converged = diary.begin(Entry(point, damping))
    here = _evaluated(particles, point, mapper)
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
        there = sum(mapper(cost_of, _tasks(now, new)))
        gain = (cost + _outside(now, point, tie) - there - _outside(now, new, tie)) / max(promised, 1e-300)
        reporter.say(f"step {steps}: chi-square {2 * cost:.5g}, promised {promised:.3g}, gain {gain:.2f}")
        if gain < 0.1:
            damping = max(4 * damping, 1e-3)
            converged = promised < enough
            if converged or damping > 1e8:
                break
            continue
        found = _evaluated(now, new, mapper)
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
    return Fit(point, blocks, now, cost, steps, converged, tie)


def _outside(particles: Sequence[Particle], point: Point, tie: Tie | None) -> float:
    """Return the part of the cost that is not of the data."""
    own = sum(particle.prior(one)[0] for particle, one in zip(particles, point.own, strict=True))
    return 0.5 * float(point.shared @ point.shared) + own + (0.0 if tie is None else tie.cost(*point))


def _tasks(particles: Sequence[Particle], point: Point) -> list[Task]:
    pairs = zip(particles, point.own, strict=True)
    return [Task(particle, np.concatenate([point.shared, own])) for particle, own in pairs]


def _evaluated(
    particles: Sequence[Particle], point: Point, mapper: Mapper
) -> tuple[list[Block], float, list[Particle]] | None:
    found = list(mapper(block_of, _tasks(particles, point)))
    good = [one for one in found if one is not None and np.isfinite(one[1]) and np.isfinite(one[0].matrix).all()]
    if len(good) < len(found):
        return None
    return [one[0] for one in good], sum(one[1] for one in good), [one[2] for one in good]
