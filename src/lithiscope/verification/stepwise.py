"""Runs looked at step by step: the free energy after each accepted step, and the observed order in time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.system import System
from lithiscope.verification.rows import Row


def every_step(plan: pf.Plan) -> pf.Plan:
    """Return a plan with a frame after each of its steps."""
    lengths = [(part, step) for part, one in zip(plan.parts, plan.lengths, strict=True) for step in one]
    starts = [start + np.append(0.0, np.cumsum(one)[:-1]) for start, one in zip(plan.starts, plan.lengths, strict=True)]
    return pf.Plan(
        tuple(part for part, _ in lengths),
        np.concatenate(starts),
        tuple(np.array([step]) for _, step in lengths),
        np.ones(len(lengths), bool),
    )


def rise_of_energy(model: pf.Model, protocol: pf.Protocol, start: Any, **options: Any) -> tuple[float, int]:
    """Return the largest rise of the free energy (kT per site) in any accepted step of a run, and how many there are.

    The steps are those that the run took to its end on its own, repeated with the energy after each.
    """
    run = pf.simulate(model, protocol, [0.0, protocol.duration], initial=start, **options)
    begin = jnp.where(model.geometry.active, jnp.broadcast_to(jnp.asarray(start), model.geometry.shape), 0.0)

    @eqx.filter_jit
    def energies(given: Any) -> Any:
        frames = pf.replay(model, protocol, every_step(run.plan), run.method, given)
        every = jnp.concatenate([given[None], frames.lithium_fraction])
        return jax.lax.map(model.energy, every) / jnp.sum(model.geometry.inside)

    found = np.asarray(energies(begin))
    return float(np.diff(found).max()), found.size - 1


def falling_row(name: str, model: pf.Model, protocol: pf.Protocol, start: Any, **options: Any) -> Row:
    """Return the row on the free energy of a system that can only lose it; round-off is that of a sum over cells."""
    rise, steps = rise_of_energy(model, protocol, start, **options)
    return Row(
        f"largest rise of the free energy in any of the {steps} accepted steps, {name}",
        "second law",
        0.0,
        rise,
        1e-12,
        "round-off",
        "<=",
        "kT per site",
    )


def order_in_time(system: System, method: pf.Method, x: Any, seconds: float, first: int) -> float:
    """Return the order seen in the differences of three runs of `first`, twice and four times as many equal steps."""
    found = [np.asarray(_steps(system, method, x, seconds, count)) for count in (first, 2 * first, 4 * first)]
    coarse, fine = (np.abs(a - b).max() for a, b in pairwise(found))
    return float(np.log2(coarse / fine))


@eqx.filter_jit
def _steps(system: System, method: pf.Method, x: Any, seconds: float, count: int) -> Any:
    """Return x after equal steps."""

    def one(carry: Any, number: Any) -> tuple[Any, None]:
        state, rates = carry
        time = number * seconds / count
        state, _, rates = method.step(system, time, jnp.asarray(seconds / count), state, rates)
        return (state, rates), None

    begin = (State(x, jnp.zeros(())), system.rates(jnp.zeros(()), x))
    return jax.lax.scan(one, begin, jnp.arange(count))[0][0].x
