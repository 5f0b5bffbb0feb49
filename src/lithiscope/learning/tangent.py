"""How x of every frame moves with every number, and the gradient of a cost of the frames.

The cells of a depth-averaged particle see each other through the common voltage, and weakly through the gradient
energy. So the equation of a small change, d(dx)/dt = A dx + C (dv + dmu of the neighbours) + what the numbers add, has
coefficients A and C of each cell alone, computed once for all directions; dv is what keeps the current. Each half of a
step is taken with the exact solution of a cell for coefficients that are the means of both ends, of second order. This
is for the matrix of Gauss and Newton's method, which such an error does not hurt; the gradient, which decides where the
fit ends, is the exact one of the discrete steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods import LocalRosenbrock, State
from lithiscope.phasefield.methods.local import local_derivatives
from lithiscope.phasefield.system import System

METHOD = LocalRosenbrock()
_KIND = jnp.float32
_CHUNK = 16  # steps


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


def halved(system: System, path: Float[Array, "step cells"], steps: Steps) -> tuple[Cells, Steps]:
    """Return a path and its steps with the middle of each step between its ends, by Hermite's cubic.

    Parameters
    ----------
    system : System
        What happens.
    path : array, shape (step + 1, cells)
        As of `followed`.
    steps : Steps
        Steps of time.
    """
    shape = system.model.geometry.shape

    def change(time: Number, x: Cells) -> Cells:
        found: Cells = system.rates(time, x.reshape(shape)).change.ravel()
        return found

    slopes = _along(path, steps, change)
    middle = (path[1:] + path[:-1]) / 2 + steps.lengths[:, None] / 8 * (slopes[:-1] - slopes[1:])
    # The cubic may leave 0 to 1 where x bends sharply near an end.
    least, most = jnp.minimum(path[1:], path[:-1]), jnp.maximum(path[1:], path[:-1])
    middle = jnp.clip(middle, least / 2, (1 + most) / 2)
    both = jnp.stack([path[:-1], middle], axis=1).reshape(-1, path.shape[1])
    return jnp.concatenate([both, path[-1:]]), Steps(jnp.repeat(steps.lengths / 2, 2), 2 * steps.first)


def _along(path: Cells, steps: Steps, work: Callable[[Number, Cells], Any]) -> Any:
    """Return what some work gives for each time and x of a path; zero beyond its last step, where nothing is done."""
    times = jnp.append(steps.times, steps.times[-1] + steps.lengths[-1])
    nothing = jax.tree.map(lambda like: jnp.zeros(like.shape, like.dtype), jax.eval_shape(work, times[0], path[0]))

    @jax.checkpoint
    def one(place: tuple[Any, Number, Cells]) -> Any:
        number, time, x = place
        return jax.lax.cond(number <= steps.first[-1], work, lambda *_: nothing, time, x)

    return jax.lax.map(one, (jnp.arange(len(path)), times, path))


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


class Pushed(NamedTuple):
    """What drives a small change.

    Attributes
    ----------
    laws : callable
        From numbers of the laws to the model that has them.
    shared : array, shape (shared,)
        Those numbers.
    field : array, shape (cells, z)
        Change of ln k by every number.
    rate : array, shape (time, z)
        Change of d<x>/dt at every frame by every number, 1/s.
    """

    laws: Any
    shared: Cells
    field: Float[Array, "cells z"]
    rate: Float[Array, "time z"]


class _Coefficients(NamedTuple):
    own: Cells
    voltage: Cells
    field: Cells
    laws: Float[Array, "cells shared"]


def directions(
    system: System, path: Cells, steps: Steps, start: Float[Array, "cells z"], pushed: Pushed
) -> Float[Array, "time cells z"]:
    """Return the change of x at every frame by every number.

    Parameters
    ----------
    system : System
        What happens.
    path : array, shape (step + 1, cells)
        As of `followed`.
    steps : Steps
        Steps of time.
    start : array, shape (cells, z)
        Change of the first x by every number.
    pushed : Pushed
        How the numbers act.

    Returns
    -------
    array, shape (time, cells, z)
        In single precision: what is small here is the difference of two runs, not of two numbers.
    """
    model = system.model
    inside = model.geometry.inside.ravel().astype(_KIND)
    share = inside / inside.sum()
    shared = len(pushed.shared)
    field, start = pushed.field.astype(_KIND), start.astype(_KIND)
    # In single precision too: it only ever meets other changes.
    light = jax.tree.map(lambda leaf: leaf.astype(_KIND) if eqx.is_inexact_array(leaf) else leaf, model)
    acts = _actions(system, path, steps, pushed)

    def neighbours(changes: Cells) -> Cells:
        curved: Cells = jax.vmap(light.curvature, in_axes=-1, out_axes=-1)(changes.reshape(*model.geometry.shape, -1))
        return -curved.reshape(changes.shape)

    def step(now: tuple[Cells, Cells], act: _Actions) -> tuple[Cells, Cells]:
        changes, mean = now
        grown, answer, by_rate, by_laws, more = act
        moved = grown[:, None] * changes + by_rate[:, None] * field + answer[:, None] * neighbours(changes)
        moved = moved.at[:, :shared].add(by_laws)
        mean = mean + more
        volt = (mean - share @ moved) / (share @ answer)
        return moved + answer[:, None] * volt, mean

    # Backward, only what lies at the ends of chunks is kept; the rest is computed again.
    @jax.checkpoint
    def maybe(now: Any, given: Any) -> tuple[Any, None]:
        number, act = given
        return jax.lax.cond(number >= 0, step, lambda now, _: now, now, act), None

    @jax.checkpoint
    def chunk(now: Any, given: Any) -> tuple[Any, Cells]:
        now = jax.lax.cond(given[0][0] >= 0, lambda: jax.lax.scan(maybe, now, given)[0], lambda: now)
        return now, now[0]

    numbers, last = _chunks(steps)
    _, later = jax.lax.scan(chunk, (start, share @ start), (numbers, _Actions(*(one[numbers] for one in acts))))
    found: Cells = jnp.concatenate([start[None], later[last]])
    return found


class _Actions(NamedTuple):
    """What each step does to a small change: by the cell itself, by the voltage, ln k and the laws; and to the mean."""

    grown: Float[Array, "step cells"]
    answer: Float[Array, "step cells"]
    rate: Float[Array, "step cells"]
    laws: Float[Array, "step cells shared"]
    mean: Float[Array, "step z"]


def _actions(system: System, path: Cells, steps: Steps, pushed: Pushed) -> _Actions:
    each = _along(path, steps, lambda time, x: _coefficients(system, time, x, pushed))
    own, voltage, rate, laws = (0.5 * (one[1:] + one[:-1]) for one in each)
    lengths = steps.lengths.astype(_KIND)[:, None]
    reach = lengths * _mean_growth(lengths * own)
    middles = steps.times + steps.lengths / 2
    nodes = jax.vmap(lambda nodes: jnp.interp(middles, system.seconds, nodes), in_axes=1, out_axes=1)(pushed.rate)
    more = lengths * nodes.astype(_KIND)
    return _Actions(jnp.exp(lengths * own), reach * voltage, reach * rate, reach[..., None] * laws, more)


def _chunks(steps: Steps) -> tuple[Int[Array, "chunk step"], Int[Array, " interval"]]:
    """Return the numbers of the steps in chunks that end where a frame is, -1 for none, and the last chunk of each."""
    count = jnp.diff(steps.first)
    used = -(-count // _CHUNK)
    last = jnp.cumsum(used) - 1
    chunk = jnp.arange(len(steps.lengths) // _CHUNK + 1 + len(count))
    interval = jnp.searchsorted(last, chunk)
    safe = jnp.minimum(interval, len(count) - 1)
    within = (chunk - (last - used + 1)[safe])[:, None] * _CHUNK + jnp.arange(_CHUNK)
    real = (interval < len(count))[:, None] & (within < count[safe][:, None])
    return jnp.where(real, steps.first[safe][:, None] + within, -1), last


def _coefficients(system: System, time: Number, x: Cells, pushed: Pushed) -> _Coefficients:
    model = system.model
    cells = x.reshape(model.geometry.shape)
    rates = system.rates(time, cells)
    own, voltage = local_derivatives(system, cells, rates)

    def by_field(log_rate: Cells) -> Cells:
        there = eqx.tree_at(lambda m: m.reaction.rate, model, model.reaction.rate * jnp.exp(log_rate))  # type: ignore[union-attr]
        change: Cells = there.rates(cells, potential=rates.potential).change
        return change.ravel()

    def by_laws(shared: Cells) -> Cells:
        change: Cells = pushed.laws(shared).rates(cells, potential=rates.potential).change
        return change.ravel()

    _, field = jax.jvp(by_field, (jnp.zeros_like(cells),), (jnp.ones_like(cells),))
    if len(pushed.shared):
        laws = jax.vmap(lambda way: jax.jvp(by_laws, (pushed.shared,), (way,))[1], out_axes=1)(
            jnp.eye(len(pushed.shared))
        )
    else:
        laws = jnp.zeros((x.size, 0))
    return _Coefficients(*(one.astype(_KIND) for one in (own.ravel(), voltage.ravel(), field, laws)))


def _mean_growth(exponent: Cells) -> Cells:
    """Return (exp(z) - 1)/z."""
    small = jnp.abs(exponent) < 1e-4
    safe = jnp.where(small, 1.0, exponent)
    found: Cells = jnp.where(small, 1 + exponent / 2, jnp.expm1(safe) / safe)
    return found
