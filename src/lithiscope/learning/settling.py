"""The numbers of one particle at their best for laws that are held: each particle is a piece of work of its own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lithiscope.learning.arrowhead import Block
from lithiscope.learning.fit import Particle, Task, block_of, cost_of
from lithiscope.learning.priors import best_weight

_STEPS, _TRIALS = 100, 15  # of the fields, through valleys that bend, and of the length of each
_REPEATED = 5  # times that the weights are found in each
_LATELY = 8  # steps which, if all of them brought less than half of what matters, end the search
_POOR, _GOOD = 0.1, 0.7  # decrease over what was promised
_NEAR = 2.0  # decrease of the cost, so near to the best that the steps of time stay as they are
_NOTHING = 0.01  # decrease of the cost that steps of time blur
_SLIGHT = 1.0  # damping, in units of the prior's weight


class Settled(NamedTuple):
    """A particle whose own numbers are at their best.

    Attributes
    ----------
    own : array, shape (own,)
        The numbers.
    block : Block
        Normal equations there.
    cost : float
        Of the data.
    particle : Particle
        With the steps of time and the weights of its fields that belong to it.
    """

    own: np.ndarray
    block: Block
    cost: float
    particle: Particle

    @property
    def height(self) -> float:
        """Return what is minimised."""
        return self.cost + self.particle.prior(self.own)[0]


def settled(task: Task, enough: float) -> Settled | None:
    """Return a particle settled for its laws; None where the model cannot follow, or it finds no rest.

    Parameters
    ----------
    task : Task
        The particle, and where its numbers start.
    enough : float
        Decrease of the cost that the numbers may still promise.
    """
    shared = task.particle.program.layout.shared
    laws, here, damping = task.z[:shared], _found(task), 0.0
    heights: list[float] = []
    for _ in range(_STEPS):
        if here is None or (left := _step(here.block, shared, 0.0)[1]) < enough:
            return here
        # In a valley that bends, steps promise more than they bring.
        heights.append(here.height)
        if len(heights) > _LATELY and heights[-1 - _LATELY] - here.height < enough / 2:
            return here
        for _ in range(_TRIALS):
            move, promised = _step(here.block, shared, damping)
            own = here.own + move
            # With the steps of time that it has: smooth, and many times as fast as the equations.
            height = cost_of(Task(here.particle, np.concatenate([laws, own]))) + here.particle.prior(own)[0]
            gain = (here.height - height) / promised
            if gain > _POOR:
                break
            if promised < _NOTHING:
                return here
            damping = max(4 * damping, _SLIGHT)
        else:
            return None
        damping = damping / 5 if damping > _SLIGHT and gain > _GOOD else damping * (gain < _GOOD)
        here = _found(Task(here.particle, np.concatenate([laws, own])), held=left < _NEAR)
    return None


def _found(task: Task, *, held: bool = False) -> Settled | None:
    """Return the particle where it stands, with its equations; None where the model cannot follow."""
    shared, found = task.particle.program.layout.shared, block_of(task, held=held)
    if found is None or not (np.isfinite(found[1]) and np.isfinite(found[0].matrix).all()):
        return None
    block, cost, stepped = found
    return _weighed(Settled(task.z[shared:], block, cost, stepped), shared)


def _step(block: Block, shared: int, damping: float) -> tuple[np.ndarray, float]:
    """Return Levenberg and Marquardt's step of the own numbers, the laws being held, and what it promises."""
    matrix, gradient = block.matrix[shared:, shared:], block.gradient[shared:]
    move = -np.linalg.solve(matrix + damping * np.eye(len(gradient)), gradient)
    return move, 0.5 * float(damping * move @ move - gradient @ move)


def _weighed(found: Settled, shared: int) -> Settled:
    """Return a particle with the best weights of its fields for its laws (MacKay 1992).

    The mean of |z|^2 over the posterior sets a weight, so that modes of which the data say nothing count as wide as
    they are, and not as zero.
    """
    particle, block, own = found.particle, found.block, found.own
    data = block.matrix[shared:, shared:] - np.diag(block.prior)
    slope = block.gradient[shared:] - block.prior * own
    weights, fields = list(particle.weights or ()), particle.fields()
    if not weights:
        return found
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
    return found._replace(particle=particle._replace(weights=tuple(weights)), block=renewed)
