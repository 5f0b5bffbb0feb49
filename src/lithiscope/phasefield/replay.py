"""Recorded steps replayed as a fixed program: what gradients are taken through."""

from __future__ import annotations

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
    States are kept at every step up to 256 MB, beyond that at every sqrt(n)-th, and the rest is computed again.

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
    for part, first, last in _runs(plan):
        system = System.of(model, protocol.parts[part])
        state, found = _part(system, method, plan, first, last, state)
        keep = np.flatnonzero(plan.output[first:last])
        frames.append(jax.tree.map(lambda values, keep=keep: values[keep], found))
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *frames)


def _runs(plan: Plan) -> list[tuple[int, int, int]]:
    """Return (part, first stretch, stretch after the last) for every part of the protocol that was run."""
    edges = [0, *(int(edge) + 1 for edge in np.flatnonzero(np.diff(plan.parts))), len(plan.parts)]
    return [(plan.parts[first], first, last) for first, last in pairwise(edges)]


def _part(system: System, method: Method, plan: Plan, first: int, last: int, state: State) -> tuple[State, Frames]:
    most = max(len(one) for one in plan.lengths[first:last])
    lengths = np.zeros((last - first, most))
    for row, one in zip(lengths, plan.lengths[first:last], strict=True):
        row[: len(one)] = one
    starts = np.asarray(plan.starts[first:last])
    segments = _segments(lengths.size, most, state.x)

    def step(carry: tuple[Any, State, Rates], length: Any) -> tuple[tuple[Any, State, Rates], None]:
        def taken(now: tuple[Any, State, Rates]) -> tuple[Any, State, Rates]:
            time, before, rates = now
            after, _, there = method.step(system, time, length, before, rates)
            return time + length, after, there

        return jax.lax.cond(length > 0, taken, lambda now: now, carry), None

    kept = jax.checkpoint(step, prevent_cse=False)

    def segment(carry: Any, inner: Any) -> tuple[Any, None]:
        return jax.lax.scan(kept, carry, inner)

    def stretch(carry: tuple[State, Rates], row: tuple[Any, Any]) -> tuple[tuple[State, Rates], Frames]:
        time, inner = row
        before, rates = carry
        now = (time, before, rates)
        if segments == 1:
            (_, after, there), _ = jax.lax.scan(kept, now, inner)
        else:
            parts = jnp.pad(inner, (0, -most % segments)).reshape(segments, -1)
            (_, after, there), _ = jax.lax.scan(jax.checkpoint(segment, prevent_cse=False), now, parts)
        return (after, there), Frames(after.x, system.volt(there), there.insertion)

    dtype = state.x.dtype
    rates = system.rates(jnp.asarray(starts[0], dtype), state.x)
    rows = (jnp.asarray(starts, dtype), jnp.asarray(lengths, dtype))
    (after, _), frames = jax.lax.scan(stretch, (state, rates), rows)
    return after, frames


def _segments(steps: int, most: int, x: Cells) -> int:
    """Return into how many segments the steps of a stretch are cut."""
    if steps * x.size * x.dtype.itemsize <= _MEMORY or most < 4:
        return 1
    return int(np.ceil(np.sqrt(most)))
