"""Small bulk models of the tests of methods."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import number_parts, pixels
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.model import Rates
from lithiscope.phasefield.system import System


def notched(shape: tuple[int, ...] = (7, 6)) -> np.ndarray:
    """A mask with a corner cut off and a margin."""
    mask = np.zeros(shape, bool)
    mask[(slice(1, -1),) * len(shape)] = True
    mask[(slice(1, 3),) * len(shape)] = False
    return mask


def bulk(mask: np.ndarray | None = None, **changes) -> pf.Model:
    """Phases side by side in a stiff particle whose rim reacts: 2 nm cells, kappa 20 nm2, D 200 and 20 nm2/s."""
    mask = notched() if mask is None else mask
    given = {
        "free_energy": pf.RegularSolution(2.6),
        "reaction": pf.Reaction(0.05),
        "transport": pf.CahnHilliard(np.resize([200.0, 20.0], mask.ndim)),
        "gradient_energy": 20.0,
    } | changes
    return pf.Model(pixels(mask, 2.0, label=number_parts(mask)), **given)


def start(model: pf.Model, low: float = 0.3, high: float = 0.7) -> jnp.ndarray:
    """A smooth change of composition through the grid."""
    place = np.indices(model.geometry.shape).sum(axis=0)
    x = low + (high - low) * (0.5 + 0.5 * np.sin(0.6 * place))
    return jnp.where(model.geometry.active, jnp.asarray(x), 0.0)


def fixed(seconds: float, steps: int) -> pf.Plan:
    """A plan of equal steps."""
    return pf.Plan((0,), np.zeros(1), (np.full(steps, seconds / steps),), np.ones(1, bool))


def march(system: System, method: pf.Method, x: jnp.ndarray, seconds: float, steps: int) -> tuple[State, Rates]:
    """State and rates after equal steps; one program for any number and length of them."""
    x = jnp.asarray(x)
    return _march(system, method, x, jnp.asarray(seconds / steps, x.dtype), jnp.asarray(steps))


@eqx.filter_jit
def _march(system: System, method: pf.Method, x: jnp.ndarray, length: jnp.ndarray, steps: jnp.ndarray) -> tuple:
    def step(number: int, now: tuple) -> tuple:
        state, rates = now
        after, _, there = method.step(system, number * length, length, state, rates)
        return after, there

    begin = (State(x, jnp.zeros(())), system.rates(jnp.zeros(()), x))
    return jax.lax.fori_loop(0, steps, step, begin)
