"""Recorded steps replayed as a fixed program: what gradients are taken through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.plan import LIMITS, End, Plan, Stretch
from lithiscope.phasefield.protocol import Protocol
from lithiscope.phasefield.system import System

_MEMORY = 2**28  # bytes of states kept for a gradient before segments are used
_EXPONENTIALS = 12  # arrays that a step of three rates takes exponentials and logarithms of, about


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
    time : array, shape (time,)
        From the start of the run, s; differentiable where a frame is the end of a part at a limit.
    """

    lithium_fraction: Float[Array, "time ..."]
    volt: Float[Array, " time"]
    insertion: Float[Array, " time"]
    time: Float[Array, " time"]


Now = tuple[Number, State, Rates]
"""Time from the start of the part, and state and rates there."""


def replay(model: Model, protocol: Protocol, plan: Plan, method: Method, initial: Cells) -> Frames:
    """Repeat the recorded steps with (other) parameters and give the frames; differentiable in all of them.

    The gradient is that of the numbers themselves (discrete adjoint). The lengths of the steps are constants, but for
    those that follow from the solution. Where a part ended at a limit, the moment of its end depends on the parameters:
    the last step is as long as it takes to the limit, and its derivative is that of the root (implicit function
    theorem). Later parts begin at that moment, and frames at times that were asked for stay at these times. A last
    frame at which the run ended before its time is the state at the moment of the limit, wherever that moment is.

    The values are those of the recorded lengths whatever the parameters, so the gradient holds where the plan was
    recorded: after a change of parameters that moves a limit, record the run anew.

    States are kept at every step of all parts up to 256 MB, beyond that at every sqrt(n)-th, and the rest is computed
    again; exponentials and logarithms of short runs are kept too.

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
    kept = _Kept.of(sum(len(one) for one in plan.lengths), initial)
    begin, late = jnp.zeros((), initial.dtype), None
    for stretches in plan.runs():
        system = System.of(model, protocol.parts[stretches[0].part])
        (time, state, _), found = _part(system, method, stretches, state, kept, late)
        keep = np.flatnonzero([one.output for one in stretches])
        found = found._replace(time=begin + found.time)
        frames.append(jax.tree.map(lambda values, keep=keep: values[keep], found))
        begin = begin + time
        if late is not None or stretches[-1].end in LIMITS:
            late = begin - jax.lax.stop_gradient(begin)
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *frames)


def _part(
    system: System, method: Method, stretches: list[Stretch], state: State, kept: _Kept, late: Number | None
) -> tuple[Now, Frames]:
    """Repeat the stretches of one part that begins so much later (0, with a derivative); frames at the end of each."""
    limit = stretches[-1].end
    lengths = [one.lengths for one in stretches]
    if limit in LIMITS:
        lengths[-1] = lengths[-1][:-1]
    blocks, ends = _blocks(lengths, kept.together)
    steps = jnp.asarray(blocks, state.x.dtype)
    if late is not None:
        steps = steps * (1 + late * jnp.asarray(_longer(stretches, ends), state.x.dtype)[:, None])

    def step(now: Now, length: Any) -> Now:
        time, before, rates = now
        after, _, there = method.step(system, time, length, before, rates)
        return time + length, after, there

    def maybe(now: Now, length: Any) -> tuple[Now, None]:
        return jax.lax.cond(length > 0, step, lambda now, _: now, now, length), None

    def seen(now: Now) -> Frames:
        time, after, there = now
        return Frames(after.x, system.volt(there), there.insertion, time)

    @partial(jax.checkpoint, prevent_cse=False, policy=_exponentials if kept.exponentials else None)
    def block(now: Now, lengths: Any) -> tuple[Now, Frames]:
        # What is computed again must lie inside the checkpoint with what needs it, or it is not fused with it.
        if kept.together == 1:
            now = step(now, lengths[0])
        else:
            now, _ = jax.lax.scan(jax.checkpoint(maybe, prevent_cse=False), now, lengths)
        return now, seen(now)

    @jax.checkpoint
    def last(now: Now) -> Now:
        return step(now, _to_limit(system, method, limit, now, final))

    time = jnp.asarray(stretches[0].start, state.x.dtype)
    begin = (time, state, system.rates(time, state.x))
    now, frames = jax.lax.scan(block, begin, steps)
    if limit not in LIMITS:
        return now, jax.tree.map(lambda values: values[ends], frames)
    final = jnp.asarray(stretches[-1].lengths[-1], state.x.dtype)
    now = last(now)
    return now, jax.tree.map(lambda all_, one: jnp.append(all_[ends[:-1]], one[None], axis=0), frames, seen(now))


def _to_limit(system: System, method: Method, limit: End, now: Now, recorded: Number) -> Number:
    """Return the recorded length of the step to a limit, with the derivatives of the moment at which it is met."""
    time, state, rates = now

    def limited(length: Number) -> Number:
        after, _, there = method.step(system, time, length, state, rates)
        if limit == "voltage":
            return system.volt(there)
        return system.model.geometry.mean(after.x) if limit == "fraction" else there.insertion

    return jax.lax.custom_root(
        limited, recorded, lambda _, length: length, lambda slope, value: value / slope(jnp.ones_like(value))
    )


def _longer(stretches: list[Stretch], ends: np.ndarray) -> np.ndarray:
    """Return by what share the steps of each block grow for every second by which their part begins later, 1/s.

    A frame is at its time from the start of the run, so there is less to go to the first one, and more from the last
    one to where the part ends by its duration. A limit comes when it comes.
    """
    share = np.zeros(int(ends[-1]) + 1)
    if stretches[0].end == "frame":
        share[: ends[0] + 1] = -1 / stretches[0].lengths.sum()
        if stretches[-1].end == "duration":
            share[ends[-2] + 1 :] = 1 / stretches[-1].lengths.sum()
    return share


def _blocks(lengths: Sequence[np.ndarray], together: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps in blocks (block, together), zeros where a stretch fills none, and the last block of each."""
    rows, ends = [], []
    for one in lengths:
        rows.append(np.pad(one, (0, -len(one) % together)).reshape(-1, together))
        ends.append(sum(len(row) for row in rows) - 1)
    return np.concatenate(rows), np.array(ends)


class _Kept(NamedTuple):
    """What is kept for a gradient: of which steps the states, and whether what is dear of each step too."""

    together: int  # steps that are computed again together: one, or the square root of all where memory is short
    exponentials: bool

    @classmethod
    def of(cls, steps: int, x: Cells) -> _Kept:
        """Return what fits into the memory."""
        size = steps * x.size * x.dtype.itemsize
        return cls(1 if size <= _MEMORY else int(np.ceil(np.sqrt(steps))), _EXPONENTIALS * size <= _MEMORY)


def _exponentials(primitive: Any, *_: Any, **__: Any) -> bool:
    """Return whether a result is kept: exponentials and logarithms are half of a step's time, all else is cheap."""
    return primitive.name in ("exp", "log")
