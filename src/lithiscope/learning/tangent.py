"""x at every step of time, and the gradient of a cost of it: the exact one of the discrete steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lithiscope.phasefield.arrays import Cells
from lithiscope.phasefield.methods import LocalRosenbrock, State
from lithiscope.phasefield.system import System

METHOD = LocalRosenbrock()


class Steps(NamedTuple):
    """Steps of time.

    Attributes
    ----------
    lengths : array, shape (step,)
        s; places beyond the last step hold nothing.
    first : array of int, shape (time,)
        Number of the first step after each frame; the last is the number of steps.
    """

    lengths: Float[Array, " step"]
    first: Int[Array, " time"]

    @property
    def times(self) -> Cells:
        """Return where each step begins, s."""
        return jnp.cumsum(self.lengths) - self.lengths


def followed(system: System, x: Cells, steps: Steps) -> Float[Array, "step cells"]:
    """Return x, flat, at the beginning of each step, and after the last.

    Parameters
    ----------
    system : System
        What happens.
    x : array, shape (y, x)
        At the start.
    steps : Steps
        Steps of time.
    """
    times = steps.times
    room = jnp.zeros((len(steps.lengths) + 1, x.size), x.dtype).at[0].set(x.ravel())

    def step(number: Any, now: Any) -> Any:
        path, state, rates = now
        after, _, there = METHOD.step(system, times[number], steps.lengths[number], state, rates)
        return path.at[number + 1].set(after.x.ravel()), after, there

    begin = (room, State(x, jnp.zeros((), x.dtype)), system.rates(jnp.zeros(()), x))
    path: Cells = jax.lax.fori_loop(0, steps.first[-1], step, begin)[0]
    return path


def pulled_back(system: System, path: Cells, steps: Steps, loads: Float[Array, "step cells"]) -> tuple[Any, Cells]:
    """Return the gradient of a cost by the arrays of the system and by the first x, from that by x of every step.

    This is the discrete adjoint: one way back through the steps.

    Parameters
    ----------
    system : System
        What happens.
    path : array, shape (step + 1, cells)
        As of `followed`.
    steps : Steps
        Steps of time.
    loads : array, shape (step + 1, cells)
        Gradient of the cost by x of the path.

    Returns
    -------
    system : System
        Gradients by its arrays; None for what is no array.
    x : array, shape (y, x)
        Gradient by the first composition.
    """
    arrays, rest = eqx.partition(system, eqx.is_inexact_array)
    times, shape = steps.times, system.model.geometry.shape

    def back(count: Any, now: tuple[Any, Cells]) -> tuple[Any, Cells]:
        total, load = now
        number = steps.first[-1] - 1 - count

        def one(arrays: Any, x: Cells) -> Cells:
            whole = eqx.combine(arrays, rest)
            start = State(x, jnp.zeros((), x.dtype))
            after, _, _ = METHOD.step(whole, times[number], steps.lengths[number], start, whole.rates(times[number], x))
            return after.x

        _, pull = jax.vjp(one, arrays, path[number].reshape(shape))
        by_arrays, by_x = pull(load.reshape(shape))
        return jax.tree.map(jnp.add, total, by_arrays), by_x + loads[number].reshape(shape)

    begin = (jax.tree.map(jnp.zeros_like, arrays), loads[steps.first[-1]].reshape(shape))
    found: tuple[Any, Cells] = jax.lax.fori_loop(0, steps.first[-1], back, begin)
    return found
