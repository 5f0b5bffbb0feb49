"""Where the rounds of the laws stand, and the arrays from which a run that was killed takes them up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope.learning.arrowhead import Block
from lithiscope.learning.fit import Fit, Particle, Point


class Slope(NamedTuple):
    """Where the laws were, and the slope of minus the logarithm of their posterior there, shape (shared,)."""

    at: np.ndarray
    slope: np.ndarray


class Rounds(NamedTuple):
    """Where the rounds stand.

    Attributes
    ----------
    fit : Fit
        The last that was accepted, with the second derivatives that were known then.
    slopes : tuple of Slope
        Of all rounds before.
    looked : bool
        Whether one of them is that of a place beside the maximum.
    loose : bool
        Whether the fields of the fit are settled roughly.
    """

    fit: Fit
    slopes: tuple[Slope, ...] = ()
    looked: bool = False
    loose: bool = True


def state_of(rounds: Rounds) -> dict[str, np.ndarray]:
    """Return all that a run needs to go on, but the point and the data, as arrays by name.

    Normal equations are held as well: their steps of time may be those of a place before, and to take them up again
    would change the last digits.
    """
    fit = rounds.fit
    state = {
        "flags": np.array([rounds.looked, rounds.loose]),
        "cost": np.array(fit.cost),
        "slopes": np.array(rounds.slopes),
    }
    state |= {} if fit.laws is None else {"laws": fit.laws}
    for n, (block, particle) in enumerate(zip(fit.blocks, fit.particles, strict=True)):
        state |= {f"{name}-{n}": values for name, values in block._asdict().items()}
        state |= {} if particle.weights is None else {f"weights-{n}": np.array(particle.weights)}
        for k, case in enumerate(particle.cases):
            state |= {f"lengths-{n}-{k}": np.asarray(case.lengths), f"first-{n}-{k}": np.asarray(case.first)}
    return state


def rounds_of(fit: Fit, point: Point, state: Mapping[str, np.ndarray]) -> Rounds:
    """Return the rounds as they were when their state was noted.

    Parameters
    ----------
    fit : Fit
        With which they began: it holds the data.
    point : Point
        The last that was accepted.
    state : mapping of str to array
        From `state_of`.
    """
    blocks = [Block(*(state[f"{name}-{n}"] for name in Block._fields)) for n in range(len(fit.particles))]
    particles = [_particle(one, n, state) for n, one in enumerate(fit.particles)]
    cost, laws = float(state["cost"]), state.get("laws")
    looked, loose = (bool(one) for one in state["flags"])
    whole = replace(fit, point=point, blocks=blocks, particles=particles, cost=cost, laws=laws)
    return Rounds(whole, tuple(Slope(*one) for one in state["slopes"]), looked, loose)


def _particle(particle: Particle, number: int, state: Mapping[str, np.ndarray]) -> Particle:
    """Return a particle with the weights of its fields and the steps of time that were noted."""
    cases = tuple(
        eqx.tree_at(
            lambda one: (one.lengths, one.first),
            case,
            (jnp.asarray(state[f"lengths-{number}-{k}"]), jnp.asarray(state[f"first-{number}-{k}"])),
        )
        for k, case in enumerate(particle.cases)
    )
    weights = state.get(f"weights-{number}")
    return particle._replace(cases=cases, weights=None if weights is None else tuple(weights.tolist()))
