"""The No-U-Turn sampler: draws from a density whose logarithm and slope are known.

Hoffman and Gelman, J. Mach. Learn. Res. 15, 1593 (2014), with draws that weigh every place of a trajectory (Betancourt,
arXiv:1701.02434 (2017)) instead of slices. Momenta are standard normal: numbers should be about of unit variance.
Everything runs outside of JAX, so that any density can be sampled, with what is compiled already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Density = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Minus the logarithm of a density, and its gradient; not finite where there is none."""

_ACCEPTED = 0.8  # of the energies of a trajectory, to which steps are adapted (Hoffman and Gelman)
_DEEPEST, _RASH = 10, 6  # doublings of a trajectory, and during the warm-up, when steps may be far too short
_DIVERGED = 1000.0  # error of the energy beyond which steps no longer follow the density
_SLOW, _EARLY, _FORGETS = 0.05, 10.0, 0.75  # gamma, t0 and kappa of Nesterov's dual averaging
_SEARCH = 50  # halvings or doublings, at most, that find the first step


class Place(NamedTuple):
    """Where a chain stands.

    Attributes
    ----------
    z, momentum, slope : array, shape (numbers,)
        Position, momentum, and the gradient of minus the logarithm of the density.
    height : float
        Minus the logarithm of the density.
    """

    z: Float[np.ndarray, " numbers"]
    momentum: Float[np.ndarray, " numbers"]
    slope: Float[np.ndarray, " numbers"]
    height: float

    @property
    def energy(self) -> float:
        """Return the energy; infinite where the density has failed."""
        found = self.height + 0.5 * float(self.momentum @ self.momentum)
        return found if np.isfinite(found) else np.inf


class _Tree(NamedTuple):
    """A stretch of a trajectory: its ends in order of time, the sum of its momenta, the place drawn from it."""

    first: Place
    last: Place
    total: np.ndarray
    drawn: Place
    log_weight: float
    turned: bool
    accepted: float
    steps: int
    diverged: bool


@dataclass(frozen=True)
class Chain:
    """One chain, which goes on from where it stands.

    Attributes
    ----------
    place : Place
        Where it stands.
    random : Generator
        Of this chain alone.
    step : float
        Length of the steps.
    middle : float
        Logarithm to which dual averaging pulls the step.
    lack : float
        Mean of what the steps lacked of the wanted acceptance, weighed as dual averaging does.
    log_mean : float
        Mean of the logarithm of the steps so far.
    adapted : int
        How many draws have adapted the step.
    """

    place: Place
    random: np.random.Generator
    step: float
    middle: float
    lack: float = 0.0
    log_mean: float = 0.0
    adapted: int = 0


class Drawn(NamedTuple):
    """What a chain has drawn.

    Attributes
    ----------
    z : array, shape (draw, numbers)
        The draws.
    accepted : array, shape (draw,)
        Mean acceptance in the trajectory of each.
    diverged : array of bool, shape (draw,)
        Whether it met a place that the steps cannot follow.
    gradients : int
        How often the density was asked for.
    """

    z: Float[np.ndarray, "draw numbers"]
    accepted: Float[np.ndarray, " draw"]
    diverged: np.ndarray
    gradients: int


def begun(density: Density, z: Float[np.ndarray, " numbers"], random: np.random.Generator) -> Chain:
    """Return a chain at a place, with a step for which one step keeps about half of the probability.

    Parameters
    ----------
    density : callable
        To sample.
    z : array, shape (numbers,)
        Where it begins.
    random : Generator
        Of this chain alone.
    """
    height, slope = density(z)
    here = Place(z, random.standard_normal(len(z)), slope, height)
    step, way = 1.0, 0
    for _ in range(_SEARCH):
        gain = here.energy - _stepped(density, here, step).energy
        now = 1 if gain > np.log(0.5) else -1
        if way not in (0, now):
            break
        way, step = now, step * 2.0**now
    # Not ten times that (Hoffman and Gelman): numbers are of unit variance, so that nothing is gained by long steps.
    return Chain(here, random, step, float(np.log(step)))


def drawn(density: Density, chain: Chain, count: int, *, adapt: bool) -> tuple[Chain, Drawn]:
    """Return the chain after so many draws, and these.

    Parameters
    ----------
    density : callable
        To sample.
    chain : Chain
        Where it stands; it is left as it is but for its random numbers.
    count : int
        How many draws.
    adapt : bool
        Whether the step is adapted: draws of then are no draws of the density.
    """
    if not adapt and chain.adapted:
        # What the warm-up has settled on, once and for all.
        chain = replace(chain, step=float(np.exp(chain.log_mean)), adapted=0)
    z, accepted = np.zeros((count, len(chain.place.z))), np.zeros(count)
    diverged, gradients = np.zeros(count, bool), 0
    for number in range(count):
        tree = _trajectory(density, chain, _RASH if adapt else _DEEPEST)
        chain = replace(chain, place=tree.drawn)
        z[number], accepted[number] = tree.drawn.z, tree.accepted / tree.steps
        diverged[number], gradients = tree.diverged, gradients + tree.steps
        if adapt:
            chain = _adapted(chain, float(accepted[number]))
    return chain, Drawn(z, accepted, diverged, gradients)


def _adapted(chain: Chain, accepted: float) -> Chain:
    """Return the chain with another step (dual averaging, Hoffman and Gelman's algorithm 6)."""
    count = chain.adapted + 1
    share = 1 / (count + _EARLY)
    lack = (1 - share) * chain.lack + share * (_ACCEPTED - accepted)
    log_step = chain.middle - np.sqrt(count) / _SLOW * lack
    weight = count**-_FORGETS
    mean = weight * log_step + (1 - weight) * chain.log_mean
    return replace(chain, step=float(np.exp(log_step)), lack=lack, log_mean=float(mean), adapted=count)


def _stepped(density: Density, here: Place, step: float) -> Place:
    """Return the place after one step of the leapfrog method."""
    half = here.momentum - 0.5 * step * here.slope
    z = here.z + step * half
    height, slope = density(z)
    return Place(z, half - 0.5 * step * slope, slope, height)


def _trajectory(density: Density, chain: Chain, deepest: int) -> _Tree:
    """Return the trajectory of one draw, doubled until it turns back."""
    random = chain.random
    begin = chain.place._replace(momentum=random.standard_normal(len(chain.place.z)))
    whole = _Tree(begin, begin, begin.momentum, begin, 0.0, turned=False, accepted=0.0, steps=0, diverged=False)
    for depth in range(deepest):
        ahead = bool(random.random() < 0.5)
        part = _grown(density, whole.last if ahead else whole.first, chain, depth, ahead, begin.energy)
        if part.turned or part.diverged:
            accepted, steps = whole.accepted + part.accepted, whole.steps + part.steps
            return whole._replace(accepted=accepted, steps=steps, diverged=part.diverged)
        # The new half is preferred, for it is farther away (Betancourt 2017).
        take = np.log(random.random()) < part.log_weight - whole.log_weight
        whole = _joined(whole, part, ahead, part.drawn if take else whole.drawn)
        if whole.turned:
            break
    return whole


def _grown(density: Density, here: Place, chain: Chain, depth: int, ahead: bool, energy: float) -> _Tree:
    """Return a stretch of 2^depth steps from an end of a trajectory; less where it turns back or diverges."""
    if depth == 0:
        there = _stepped(density, here, chain.step if ahead else -chain.step)
        error = there.energy - energy
        return _Tree(
            there,
            there,
            there.momentum,
            there,
            -error,
            turned=False,
            accepted=float(np.exp(min(0.0, -error))),
            steps=1,
            diverged=error > _DIVERGED,
        )
    one = _grown(density, here, chain, depth - 1, ahead, energy)
    if one.turned or one.diverged:
        return one
    two = _grown(density, one.last if ahead else one.first, chain, depth - 1, ahead, energy)
    if two.turned or two.diverged:
        return two._replace(accepted=one.accepted + two.accepted, steps=one.steps + two.steps)
    weight = np.logaddexp(one.log_weight, two.log_weight)
    take = np.log(chain.random.random()) < two.log_weight - weight
    return _joined(one, two, ahead, two.drawn if take else one.drawn)


def _joined(one: _Tree, two: _Tree, ahead: bool, taken: Place) -> _Tree:
    """Return two stretches as one, the second grown from an end of the first."""
    left, right = (one, two) if ahead else (two, one)
    total = one.total + two.total
    # Across the seam too: else a trajectory that comes back to where it began is not seen to turn.
    turned = (
        _turns(left.first, right.last, total)
        or _turns(left.first, right.first, left.total + right.first.momentum)
        or _turns(left.last, right.last, right.total + left.last.momentum)
    )
    return _Tree(
        left.first,
        right.last,
        total,
        taken,
        float(np.logaddexp(one.log_weight, two.log_weight)),
        turned=turned,
        accepted=one.accepted + two.accepted,
        steps=one.steps + two.steps,
        diverged=False,
    )


def _turns(first: Place, last: Place, total: np.ndarray) -> bool:
    """Return whether either end of a stretch moves back along its sum of momenta."""
    return bool(first.momentum @ total <= 0 or last.momentum @ total <= 0)
