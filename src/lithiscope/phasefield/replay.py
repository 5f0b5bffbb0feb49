"""Recorded steps replayed as a fixed program: what gradients are taken through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.phasefield.arrays import Cells
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.protocol import Protocol
from lithiscope.phasefield.system import System

_MEMORY = 2**28  # bytes of states kept for a gradient before segments are used


class Plan(NamedTuple):
    """The accepted steps of a run: what `replay` repeats.

    Attributes
    ----------
    parts : tuple of int
        Part of the protocol of each stretch between two outputs.
    starts : array, shape (stretch,)
        Time from the start of the part at which each stretch begins, s.
    lengths : tuple of arrays
        Lengths of the steps of each stretch, s.
    output : array of bool, shape (stretch,)
        Whether the end of a stretch is one of the times that were asked for.
    """

    parts: tuple[int, ...]
    starts: np.ndarray
    lengths: tuple[np.ndarray, ...]
    output: np.ndarray


class Frames(NamedTuple):
    """What a run gives at the times that were asked for.

    Attributes
    ----------
    lithium_fraction : array, shape (time, (z), y, x)
        x of each cell.
    volt : array, shape (time,)
        V.
    insertion : array, shape (time,)
        What the reaction adds to <x>, 1/s.
    """

    lithium_fraction: Float[Array, "time ..."]
    volt: Float[Array, " time"]
    insertion: Float[Array, " time"]


def replay(model: Model, protocol: Protocol, plan: Plan, method: Method, initial: Cells) -> Frames:
    """Repeat the recorded steps with (other) parameters and give the frames; differentiable in all of them.

    The steps are constants to differentiation, so the gradient is that of the numbers themselves (discrete adjoint).
    States are kept at every step of all parts up to 256 MB, beyond that at every sqrt(n)-th, and the rest is computed
    again.

    Parameters
    ----------
    model : Model
        May differ from the recorded one in its parameters.
    protocol : Protocol
        The recorded one.
    plan : Plan
        From `simulate`.
    method : Method
        The recorded one.
    initial : array
        x at the start.
    """
    state = State(initial, jnp.zeros((), initial.dtype))
    frames: list[Frames] = []
    # Of all parts together: each of many short parts is within the limit, and all of them are kept at once.
    together = _steps_together(sum(len(one) for one in plan.lengths), initial)
    for part, first, last in _runs(plan):
        system = System.of(model, protocol.parts[part])
        state, found = _part(system, method, plan, (first, last), state, together)
        keep = np.flatnonzero(plan.output[first:last])
        frames.append(jax.tree.map(lambda values, keep=keep: values[keep], found))
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *frames)


def _runs(plan: Plan) -> list[tuple[int, int, int]]:
    """Return (part, first stretch, stretch after the last) for every part of the protocol that was run."""
    edges = [0, *(int(edge) + 1 for edge in np.flatnonzero(np.diff(plan.parts))), len(plan.parts)]
    return [(plan.parts[first], first, last) for first, last in pairwise(edges)]


def _part(
    system: System, method: Method, plan: Plan, stretches: tuple[int, int], state: State, together: int
) -> tuple[State, Frames]:
    """Repeat the stretches of one part; frames at the end of each."""
    first, last = stretches
    blocks, ends = _blocks(plan.lengths[first:last], together)

    def step(now: tuple[Any, State, Rates], length: Any) -> tuple[Any, State, Rates]:
        time, before, rates = now
        after, _, there = method.step(system, time, length, before, rates)
        return time + length, after, there

    def maybe(now: tuple[Any, State, Rates], length: Any) -> tuple[tuple[Any, State, Rates], None]:
        return jax.lax.cond(length > 0, step, lambda now, _: now, now, length), None

    @partial(jax.checkpoint, prevent_cse=False)
    def block(now: tuple[Any, State, Rates], lengths: Any) -> tuple[tuple[Any, State, Rates], Frames]:
        # What is computed again must lie inside the checkpoint with what needs it, or it is not fused with it.
        if together == 1:
            now = step(now, lengths[0])
        else:
            now, _ = jax.lax.scan(jax.checkpoint(maybe, prevent_cse=False), now, lengths)
        _, after, there = now
        return now, Frames(after.x, system.volt(there), there.insertion)

    time = jnp.asarray(plan.starts[first], state.x.dtype)
    begin = (time, state, system.rates(time, state.x))
    (_, after, _), frames = jax.lax.scan(block, begin, jnp.asarray(blocks, state.x.dtype))
    return after, jax.tree.map(lambda values: values[ends], frames)


def _blocks(lengths: Sequence[np.ndarray], together: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps in blocks (block, together), zeros where a stretch fills none, and the last block of each."""
    rows, ends = [], []
    for one in lengths:
        rows.append(np.pad(one, (0, -len(one) % together)).reshape(-1, together))
        ends.append(sum(len(row) for row in rows) - 1)
    return np.concatenate(rows), np.array(ends)


def _steps_together(steps: int, x: Cells) -> int:
    """Return how many steps are computed again together: one, or the square root of all where memory is short."""
    return 1 if steps * x.size * x.dtype.itemsize <= _MEMORY else int(np.ceil(np.sqrt(steps)))
