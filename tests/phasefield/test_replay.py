"""Recorded steps repeated: the same numbers, and gradients by every noun."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import pixels

RATE = np.exp(0.3 * np.random.default_rng(0).standard_normal((3, 4)))
SHAPE = pixels(np.ones((3, 4), bool), 50.0, surface="everywhere", thickness=150.0)
LAW = pf.Law("reaction", "butler_volmer", alpha=0.4)
MODEL = pf.Model(
    SHAPE,
    pf.RegularSolution(4.51),
    pf.Reaction(0.05, rate=RATE, law=LAW, film_resistance=0.02),
    elasticity=pf.Coherent(3.37),
    gradient_energy=8.83,
    offset=np.linspace(0.1, 0.2, 12).reshape(3, 4),
)
PROTOCOL = pf.constant_current(1.0, seconds=600.0) + pf.constant_potential(3.40, 300.0)


def nouns(one: pf.Model) -> tuple:
    """What is differentiated by."""
    reaction = one.reaction
    surface = (reaction.exchange_current, reaction.rate, reaction.law.parameters["alpha"], reaction.film)
    return (one.free_energy.omega, one.elasticity.penalty, one.gradient_energy, *surface, one.offset, one.plateau)


@pytest.mark.long
def test_replay_gives_the_run_and_gradients_are_those_of_finite_differences() -> None:
    run = pf.simulate(MODEL, PROTOCOL, 4, initial=0.1)
    x = jnp.full((3, 4), 0.1)
    count = len(nouns(MODEL)) + 1

    @eqx.filter_jit
    def loss(shift: jax.Array) -> tuple[jax.Array, pf.Frames]:
        changed = [leaf * (1 + by) for leaf, by in zip(nouns(MODEL), shift, strict=False)]
        frames = pf.replay(eqx.tree_at(nouns, MODEL, changed), PROTOCOL, run.plan, run.method, x * (1 + shift[-1]))
        return jnp.sum(frames.lithium_fraction**2), frames

    def value(shift: jax.Array) -> float:
        return float(loss(shift)[0])

    frames = loss(jnp.zeros(count))[1]
    np.testing.assert_allclose(frames.lithium_fraction[-1], run.final, rtol=0, atol=1e-13)
    # The plan has no step before the first frame, at the start itself.
    np.testing.assert_allclose(frames.volt, run.record.voltage_volt[1:], rtol=0, atol=1e-12)
    found = eqx.filter_jit(jax.grad(lambda shift: loss(shift)[0]))(jnp.zeros(count))
    for axis in range(count):
        # The plateau is in the exponent over kT/e = 26 mV: 1e-4 of it is 0.3 mV, so its step is smaller.
        size = 1e-6 if axis == count - 2 else 1e-4
        h = jnp.zeros(count).at[axis].set(size)
        difference = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * size)
        # Round-off of the loss 1e-15 over the step, 1e-9 to 1e-11; bar of the project 1e-5.
        assert float(found[axis]) == pytest.approx(difference, rel=1e-6, abs=1e-8)
