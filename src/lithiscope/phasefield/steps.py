"""Adaptive steps of time between two outputs, each accepted step recorded."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.model import Rates
from lithiscope.phasefield.plan import LIMITS, End
from lithiscope.phasefield.protocol import Part
from lithiscope.phasefield.system import System

RECORD = 2048  # steps a call can record; a longer stretch is continued by the next call


class Why(IntEnum):
    """Why the steps ended."""

    RUNNING = 0
    REACHED = 1
    LIMIT = 2
    STUCK = 3
    RECORD_FULL = 4


class Controller(eqx.Module):
    """How long the next step may be: proportional-integral control (Gustafsson 1991) of the root mean square error.

    Parameters
    ----------
    tolerance : float
        Error of x that one step may make, root mean square over the cells.
    first : float or None
        Length of the first step, s; None: from the rates.
    longest : float
        s.
    """

    tolerance: float = 1e-4
    first: float | None = None
    longest: float = np.inf

    def __check_init__(self) -> None:
        if not 1e-14 < self.tolerance < 0.1:
            raise OptionError(
                "the tolerance of the time steps is out of range",
                field="tolerance",
                value=self.tolerance,
                limit="1e-14 to 0.1",
            )


class Limits(NamedTuple):
    """Where a part of a protocol ends before its time: V, mean x, and the least |d<x>/dt| in 1/s."""

    volt: Float[Array, 2]
    fraction: Float[Array, 2]
    rate: Number

    @classmethod
    def of(cls, part: Part) -> Limits:
        """Return the limits of a part."""
        return cls(
            jnp.asarray(part.volt_limits), jnp.asarray(part.fraction_limits), jnp.asarray(part.rate_limit / 3600)
        )

    def beyond(self, system: System, state: State, rates: Rates) -> Number:
        """Return by how much the furthest limit is passed, relative to 1 V or to x = 1; negative inside."""
        return jnp.max(self._over(system, state, rates))

    def nearest(self, system: System, state: State, rates: Rates) -> End:
        """Return which limit is passed furthest, or is the least far."""
        return LIMITS[int(jnp.argmax(self._over(system, state, rates))) // 2]

    def _over(self, system: System, state: State, rates: Rates) -> Cells:
        volt, mean = system.volt(rates), system.model.geometry.mean(state.x)
        slow = jnp.where(
            self.rate > 0, 1 - jnp.abs(rates.insertion) / jnp.where(self.rate > 0, self.rate, 1.0), -jnp.inf
        )
        fractions = (self.fraction[0] - mean, mean - self.fraction[1])
        return jnp.stack([self.volt[0] - volt, volt - self.volt[1], *fractions, slow])


class Progress(NamedTuple):
    """Where the steps are; `before` is the state before the last accepted step."""

    time: Number
    state: State
    rates: Rates
    length: Number  # proposed for the next step
    error: Number  # of the last accepted step, over the tolerance
    before: tuple[Number, State, Rates]
    lengths: Cells  # of the accepted steps, RECORD of them
    accepted: Int[Array, ""]
    rejected: Int[Array, ""]
    why: Int[Array, ""]


@eqx.filter_jit
def start(system: System, controller: Controller, state: State, time: float) -> Progress:
    """Return the beginning of a part, with a first step from the rates (Hairer, Norsett and Wanner 1993, II.4)."""
    now = jnp.asarray(time, state.x.dtype)
    rates = system.rates(now, state.x)
    if controller.first is not None:
        length = jnp.asarray(controller.first, state.x.dtype)
    else:
        speed = jnp.sqrt(system.model.geometry.mean(rates.change**2))
        length = 0.01 * jnp.sqrt(controller.tolerance / 1e-4) / jnp.where(speed > 0, speed, 1e-6)
    zero = jnp.zeros((), jnp.int32)
    lengths = jnp.zeros(RECORD, state.x.dtype)
    return Progress(now, state, rates, length, jnp.ones_like(now), (now, state, rates), lengths, zero, zero, zero)


@eqx.filter_jit
def advance(
    system: System, method: Method, controller: Controller, limits: Limits, progress: Progress, end: Number
) -> Progress:
    """Step to `end`, or to the first limit, or until a step fails; the record starts anew.

    Parameters
    ----------
    system : System
        The model under a part of a protocol.
    method : Method
        How to step.
    controller : Controller
        How far.
    limits : Limits
        Where the part ends early.
    progress : Progress
        From `start` or from the last call.
    end : float
        s from the start of the part.
    """
    geometry = system.model.geometry
    bounded = system.model.free_energy.on_ideal_entropy()
    # Where lithium comes and goes x is a share of sites, whatever the free energy says beyond 0 and 1.
    counted = system.model.reaction is not None
    power = 1 / (method.error_order + 1)

    def fits(state: State, rates: Rates) -> Bool[Array, ""]:
        good = jnp.all(jnp.isfinite(jnp.where(geometry.active, state.x + rates.change, 0.0)))
        if bounded:
            good &= jnp.all(jnp.where(geometry.active, (state.x > 0) & (state.x < 1), True))
        elif counted:
            good &= jnp.all(jnp.where(geometry.active, (state.x >= 0) & (state.x <= 1), True))
        return good & jnp.isfinite(rates.potential)

    def step(now: Progress) -> Progress:
        left = end - now.time
        # The last two steps share what is left, so that none is a sliver.
        whole = jnp.minimum(now.length, controller.longest)
        length = jnp.where(whole >= left, left, jnp.where(2 * whole > left, left / 2, whole))
        state, error, rates = method.step(system, now.time, length, now.state, now.rates)
        size = jnp.sqrt(geometry.mean(jnp.where(geometry.active, error, 0.0) ** 2)) / controller.tolerance
        usable = fits(state, rates) & jnp.isfinite(size)
        size = jnp.where(usable, jnp.maximum(size, 1e-8), jnp.inf)
        good = size <= 1
        grow = 0.9 * size ** (-0.7 * power) * now.error ** (0.4 * power)
        shrink = jnp.where(usable, jnp.clip(0.9 * size**-power, 0.1, 0.9), 0.25)
        factor = jnp.where(good, jnp.clip(grow, 0.3, 5.0), shrink)
        # A step cut short by the output says nothing against the length that was proposed.
        proposed = jnp.where(good & (length < whole), jnp.maximum(length * factor, whole), length * factor)
        time = jnp.where(length == left, end, now.time + length)

        here = (now.time, now.state, now.rates)
        # A branch copies nothing, where a choice of each number would.
        state_now, rates_now, before = jax.lax.cond(
            good, lambda: (state, rates, here), lambda: (now.state, now.rates, now.before)
        )

        passed = good & (limits.beyond(system, state, rates) > 0)
        reached = good & (time >= end)
        accepted = now.accepted + good
        stuck = ~good & (length < 1e-10 * jnp.maximum(jnp.abs(end), 1e-9))
        why = jnp.where(passed, Why.LIMIT, jnp.where(reached, Why.REACHED, jnp.where(stuck, Why.STUCK, Why.RUNNING)))
        why = jnp.where((why == Why.RUNNING) & (accepted >= RECORD), Why.RECORD_FULL, why)
        return Progress(
            jnp.where(good, time, now.time),
            state_now,
            rates_now,
            proposed,
            jnp.where(good, size, now.error),
            before,
            jnp.where(good, now.lengths.at[now.accepted].set(length), now.lengths),
            accepted,
            now.rejected + ~good,
            why.astype(jnp.int32),
        )

    zero = jnp.zeros((), jnp.int32)
    fresh = progress._replace(lengths=jnp.zeros_like(progress.lengths), accepted=zero, rejected=zero, why=zero)
    return jax.lax.while_loop(lambda now: now.why == Why.RUNNING, step, fresh)


@eqx.filter_jit
def back_to_limit(system: System, method: Method, limits: Limits, progress: Progress) -> tuple[Number, State, Rates]:
    """Return the moment at which the limit is met, within the last step, and the state and rates there.

    The step is repeated with shorter lengths (regula falsi of the Illinois kind, Dowell and Jarratt, BIT 11, 168
    (1971), to 1e-10 of 1 V or x = 1), so the end is a step like any other.
    """
    time, state, rates = progress.before
    whole = progress.time - time

    def tried(share: Number) -> tuple[Number, tuple[State, Rates]]:
        there, _, rates_there = method.step(system, time, share * whole, state, rates)
        return limits.beyond(system, there, rates_there), (there, rates_there)

    def unfinished(search: _Search) -> Bool[Array, ""]:
        close = (jnp.abs(search.excess) < 1e-10) | (search.high - search.low < 1e-9)
        return (search.tries == 0) | (~close & (search.tries < 60))

    def better(search: _Search) -> _Search:
        low, high, below, above = search.low, search.high, search.below, search.above
        crossing = (low * above - high * below) / (above - below)
        inner = (below < 0) & (crossing > low) & (crossing < high)
        share = jnp.where(inner, crossing, (low + high) / 2)
        excess, outcome = tried(share)
        past = excess > 0
        # The end that stays counts half, or it would stay for ever.
        return _Search(
            jnp.where(past, low, share),
            jnp.where(past, share, high),
            jnp.where(past, below / 2, excess),
            jnp.where(past, excess, above / 2),
            share,
            excess,
            outcome,
            search.tries + 1,
        )

    one = jnp.ones_like(whole)
    below, above = limits.beyond(system, state, rates), limits.beyond(system, progress.state, progress.rates)
    first = _Search(0 * one, one, below, above, one, above, (progress.state, progress.rates), jnp.zeros((), jnp.int32))
    last = jax.lax.while_loop(unfinished, better, first)
    return last.share * whole, *last.outcome


class _Search(NamedTuple):
    """Where a limit is met: between the shares `low` and `high` of a step; the outcome is that of `share`."""

    low: Number
    high: Number
    below: Number
    above: Number
    share: Number
    excess: Number
    outcome: tuple[State, Rates]
    tries: Int[Array, ""]
