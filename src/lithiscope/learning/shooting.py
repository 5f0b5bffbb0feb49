"""Multiple shooting: half cycles in stretches that begin where they were seen, until each ends where the next begins.

A whole half cycle may amplify small differences so much that a fit does not find its way; a stretch from one frame to
the next hardly does. x at the start of each stretch is free at first (Bock and Plitt, IFAC Proc. 17, 1603 (1984)). In
a step that closes all gaps these x follow from the numbers of the whole, so that there is nothing else to solve for
(Albersmeyer and Diehl, SIAM J. Optim. 20, 1655 (2010)).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.learning.arrowhead import Block, Tie, newton_step
from lithiscope.learning.cases import NEAREST, denoised
from lithiscope.learning.diary import Diary, Entry
from lithiscope.learning.fit import Mapper, Particle, Point, outside, together, with_steps, without_voltage
from lithiscope.learning.half_cycles import HalfCycle
from lithiscope.learning.program import Case
from lithiscope.progress import SILENT, Reporter

_ITERATIONS = 30
_GAP = 0.02  # deviation of x that a gap counts with: several times below that of a pixel, so that gaps do close
_CLOSED = 0.01  # root mean square gap from which whole half cycles go on by themselves
_TRIALS = 6  # of the length of a step
_LEAST = 0.1  # decrease over what was promised
_DAMPING, _STIFF = 1.0, 1e6  # at the start, and where nothing moves any more; in units of the prior's weight


class Shots(NamedTuple):
    """A particle in stretches.

    Attributes
    ----------
    particle : Particle
        Whole, without voltages.
    halves : tuple of tuple of Case
        The stretches of each half cycle. All but the first begin at an x of their own, their `middle`.
    """

    particle: Particle
    halves: tuple[tuple[Case, ...], ...]


class Shot(NamedTuple):
    """Where a particle in stretches stands.

    Attributes
    ----------
    block : Block
        Normal equations for when the gaps have closed.
    cost, closed : float
        Of the data: as it is, and when the gaps have closed, to first order.
    gaps : float
        Cost of the gaps.
    widest : float
        Root mean square of x over the worst gap.
    ways : tuple of tuple of arrays, shape (cells, z + 1)
        Change of x where each stretch begins, by every number, and when the gaps close.
    shots : Shots
        With the steps of time that belong to it.
    """

    block: Block
    cost: float
    closed: float
    gaps: float
    widest: float
    ways: tuple[tuple[np.ndarray, ...], ...]
    shots: Shots


def shots_of(particle: Particle, cuts: Sequence[HalfCycle]) -> Shots:
    """Return a particle in stretches from each frame that was seen to the next, beginning at what was seen."""
    deaf = without_voltage(particle)
    return Shots(deaf, tuple(_stretches(case, cut) for case, cut in zip(deaf.cases, cuts, strict=True)))


def _stretches(case: Case, cut: HalfCycle) -> tuple[Case, ...]:
    last = int(np.flatnonzero(cut.told())[-1])
    seams = np.flatnonzero((cut.weight > 0).any((1, 2)))
    edges = [0, *(int(one) for one in seams if 0 < one < last), last]
    number = np.arange(len(case.seconds))
    parts = []
    for a, b in pairwise(edges):
        mine = (number <= b) & ((number > a) | (a == 0))
        part = eqx.tree_at(
            lambda c: (c.seconds, c.weight, c.mean_weight),
            case,
            (case.seconds - case.seconds[a], case.weight * mine[:, None], case.mean_weight * mine),
        )
        parts.append(_begun(part, denoised(cut, a).ravel()) if a else part)
    return tuple(parts)


def _begun(part: Case, x: np.ndarray) -> Case:
    """Return a stretch that begins at x."""
    x = np.where(_inside(part), np.clip(x, NEAREST / 10, 1 - NEAREST / 10), 0.5)
    begun: Case = eqx.tree_at(
        lambda c: (c.middle, c.initial), part, (jnp.asarray(np.log(x / (1 - x))), jnp.zeros_like(part.initial))
    )
    return begun


def _inside(case: Case) -> np.ndarray:
    return np.asarray(case.inside) > 0.5


def shoot(
    shots: Sequence[Shots],
    point: Point,
    *,
    tie: Tie | None = None,
    enough: float = 0.5,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> Point:
    """Return numbers of whole half cycles for which all gaps have closed, as far as they do.

    Parameters
    ----------
    shots : sequence of Shots
        The data.
    point : Point
        Where to start.
    tie : Tie, optional
        A further term of the cost.
    enough : float
        Decrease of the cost that no longer matters.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Told of the end; it may know it.
    """
    diary = Diary() if diary is None else diary
    entry, damping = diary.begin(Entry(point, _DAMPING)), _DAMPING
    here = None if entry.done else _all(shots, point, mapper)
    for number in reporter.track(range(1, _ITERATIONS + 1), label="closing gaps", total=_ITERATIONS):
        if here is None:
            break
        now, widest = _height(here, point, tie), max(one.widest for one in here)
        excess = 0.0 if tie is None else tie.excess(*point)
        shared, own, promised = newton_step([one.block for one in here], point.shared, damping, tie, excess)
        reporter.say(f"stretches, step {number}: gaps of {widest:.3f}, promised {promised:.3g}")
        if widest < _CLOSED and promised < enough:
            break
        falls = now - (_height(here, point, tie, closed=True) - promised)
        for share in 0.5 ** np.arange(_TRIALS):
            new = Point(
                point.shared + share * shared, tuple(a + share * b for a, b in zip(point.own, own, strict=True))
            )
            steps = [np.concatenate([shared, one]) for one in own]
            there = _all([_moved(one, step, share) for one, step in zip(here, steps, strict=True)], new, mapper)
            if there is not None and _height(there, new, tie) < now - _LEAST * share * max(falls, 0.0):
                point, here = new, there
                damping = damping / 5 if share == 1 else damping if share > 0.25 else 4 * damping
                break
        else:
            damping *= 8
            if damping > _STIFF:
                break
    found = entry.point if entry.done else point
    diary.write(Entry(found, damping, done=True))
    return found


def _height(here: Sequence[Shot], point: Point, tie: Tie | None, *, closed: bool = False) -> float:
    """Return what is minimised: the cost of data, gaps and priors; without gaps when these have closed."""
    cost = sum(one.closed if closed else one.cost + one.gaps for one in here)
    return cost + outside([one.shots.particle for one in here], point, tie)


def _moved(here: Shot, step: np.ndarray, share: float) -> Shots:
    """Return the stretches, whose starts follow a share of a step of all numbers, and close as much of the gaps."""
    halves = []
    for half, kept, place in zip(here.shots.halves, here.ways, here.shots.particle.places(), strict=True):
        move = share * np.append(step[place], 1.0)
        later = (_begun(one, _begin(one) + ways @ move) for one, ways in zip(half[1:], kept, strict=True))
        halves.append((half[0], *later))
    return here.shots._replace(halves=tuple(halves))


def _begin(part: Case) -> np.ndarray:
    return np.asarray(jax.nn.sigmoid(part.middle))


def _all(shots: Sequence[Shots], point: Point, mapper: Mapper) -> list[Shot] | None:
    """Return where all particles stand; None where the model cannot follow one."""
    tasks = [(one, np.concatenate([point.shared, own])) for one, own in zip(shots, point.own, strict=True)]
    each = list(mapper(shot, tasks))
    good = [one for one in each if one is not None]
    return good if len(good) == len(each) else None


def shot(given: tuple[Shots, np.ndarray]) -> Shot | None:
    """Return where a particle in stretches stands; None where the model cannot follow.

    The stretches are given, and the numbers of the laws and of the particle.
    """
    shots, z = given
    particle, places = shots.particle, shots.particle.places()
    each = together(lambda half, place: _linked(particle, half, z[place]), shots.halves, places)
    good = [one for one in each if one is not None]
    if len(good) < len(each):
        return None
    matrix, gradient = np.zeros((len(z), len(z))), np.zeros(len(z))
    for place, one in zip(places, good, strict=True):
        matrix[np.ix_(place, place)] += one.matrix[:-1, :-1]
        gradient[place] += one.matrix[-1, :-1]
    own = slice(particle.program.layout.shared, None)
    weights = particle.prior(z[own])[1]
    matrix[own, own] += np.diag(weights)
    gradient[own] += weights * z[own]
    gaps = [gap for one in good for gap in one.gaps]
    return Shot(
        Block(matrix, gradient, weights),
        sum(one.cost for one in good),
        0.5 * sum(float(one.matrix[-1, -1]) for one in good),
        0.5 * sum(float(gap @ gap) for gap in gaps) / _GAP**2,
        max((float(np.sqrt(np.mean(gap**2))) for gap in gaps), default=0.0),
        tuple(one.ways for one in good),
        shots._replace(halves=tuple(one.stretches for one in good)),
    )


class _Half(NamedTuple):
    """The stretches of a half cycle, one after the other: their sums, gaps, ways of the starts, and steps of time."""

    matrix: np.ndarray
    cost: float
    gaps: list[np.ndarray]
    ways: tuple[np.ndarray, ...]
    stretches: tuple[Case, ...]


def _linked(particle: Particle, half: Sequence[Case], z: np.ndarray) -> _Half | None:
    program, at, inside = particle.program, jnp.asarray(z), _inside(half[0])
    ways, last = program.ways(half[0], at), _begin(half[0])
    matrix, cost = np.zeros((len(z) + 1, len(z) + 1)), 0.0
    gaps: list[np.ndarray] = []
    kept, stretches = [], []
    for number, part in enumerate(half):
        if number:
            gap = np.where(inside, last - _begin(part), 0.0)
            ways = ways.at[:, -1].add(gap.astype(ways.dtype))
            gaps.append(gap[inside])
            kept.append(np.asarray(ways))
        stepped = with_steps(particle, part, at)
        if stepped is None:
            return None
        found = program.linked(stepped, at, ways)
        matrix, cost = matrix + np.asarray(found.matrix), cost + float(found.cost)
        if not np.isfinite(matrix).all():
            return None
        ways, last = found.ways, np.asarray(found.last)
        stretches.append(stepped)
    return _Half(matrix, cost, gaps, tuple(kept), tuple(stretches))
