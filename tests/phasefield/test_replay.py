"""Recorded steps repeated: the same numbers, and gradients by every noun."""

from __future__ import annotations

from functools import partial

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


# A solid solution that fills evenly: what holds at a limit is an equation for one x.
UNIFORM = pf.Model(
    pixels(np.ones((1, 2), bool), 50.0, surface="everywhere", thickness=150.0),
    pf.RegularSolution(1.0),
    pf.Reaction(0.02, "symmetric"),
)
BEGIN = jnp.full((1, 2), 0.1)
# Compiling takes far longer than running here.
quickly = partial(eqx.filter_jit, compiler_options={"xla_backend_optimization_level": 0})


def with_j0(exchange_current: jax.Array) -> pf.Model:
    return eqx.tree_at(lambda m: m.reaction.exchange_current, UNIFORM, exchange_current)


def by_j0(protocol: pf.Protocol, run: pf.Simulation) -> pf.Frames:
    """The derivative of each frame by j0."""

    def frames(exchange_current: jax.Array) -> pf.Frames:
        return pf.replay(with_j0(exchange_current), protocol, run.plan, run.method, BEGIN)

    return quickly(jax.jacrev(frames))(jnp.asarray(0.02))


def test_parts_after_a_limit_begin_when_it_is_met_and_frames_stay_at_their_times() -> None:
    first = pf.constant_current(2.0, to_fraction=0.4)
    protocol = first + pf.constant_current(-1.0, seconds=900.0) + pf.constant_current(1.0, seconds=60.0)
    run = pf.simulate(UNIFORM, protocol, [300.0, 700.0, 1000.0, 1e6], initial=0.1)
    assert run.plan.ends == ("frame", "fraction", "frame", "frame", "duration", "duration")

    def frames(current: jax.Array) -> tuple[pf.Frames, pf.Frames]:
        changed = protocol.with_values([current * jnp.ones(2), *(part.values for part in protocol.parts[1:])])
        found = pf.replay(UNIFORM, changed, run.plan, run.method, BEGIN)
        return found, found

    slope, found = quickly(jax.jacrev(frames, has_aux=True))(jnp.asarray(2.0))
    np.testing.assert_allclose(found.time, run.record.time[:], rtol=1e-14)
    np.testing.assert_allclose(jnp.mean(found.lithium_fraction, (1, 2)), run.record.mean_lithium_fraction, atol=1e-14)
    # x - 0.1 = I t up to 0.4, which is met after 0.3/I: the second part, at -1/h, begins by 0.3/I^2 earlier per 1/h.
    earlier = 0.3 / 2.0**2
    np.testing.assert_allclose(slope.time, [0.0, 0.0, 0.0, -3600 * earlier], rtol=1e-9)
    np.testing.assert_allclose(
        jnp.mean(slope.lithium_fraction, (1, 2)), [300 / 3600, -earlier, -earlier, 0.0], rtol=1e-9, atol=1e-12
    )


@pytest.mark.long
def test_the_end_at_a_voltage_moves_so_that_the_voltage_holds() -> None:
    protocol = pf.constant_current(2.0, volt_limits=(3.30, np.inf))
    run = pf.simulate(UNIFORM, protocol, [300.0, 1e6], initial=0.1)
    assert run.plan.ends == ("frame", "voltage")

    def potential(x: jax.Array, exchange_current: jax.Array) -> jax.Array:
        return with_j0(exchange_current).rates(jnp.full((1, 2), x), rate=2.0 / 3600).potential

    at_x, at_j0 = jax.grad(potential, (0, 1))(jnp.mean(run.final), 0.02)
    slope = by_j0(protocol, run)
    np.testing.assert_allclose(slope.lithium_fraction[-1], -at_j0 / at_x, rtol=1e-9)
    assert abs(float(slope.volt[-1])) < 1e-9
    np.testing.assert_allclose(slope.time[-1], -at_j0 / at_x * 1800, rtol=1e-9)


def test_the_end_at_a_rate_moves_so_that_the_rate_holds() -> None:
    protocol = pf.constant_potential(3.36, 1e6, rate_limit=0.5)
    run = pf.simulate(UNIFORM, protocol, [0.0, 2e6], initial=0.1)
    assert run.plan.ends == ("rate",)
    volt = (3.36 - UNIFORM.plateau) / UNIFORM.thermal_voltage()

    def insertion(x: jax.Array, exchange_current: jax.Array) -> jax.Array:
        return with_j0(exchange_current).rates(jnp.full((1, 2), x), potential=volt).insertion

    at_x, at_j0 = jax.grad(insertion, (0, 1))(jnp.mean(run.final), 0.02)
    np.testing.assert_allclose(by_j0(protocol, run).lithium_fraction[-1], -at_j0 / at_x, rtol=1e-9)


def test_a_limit_that_holds_from_the_start_does_not_move() -> None:
    volt = float(UNIFORM.plateau + UNIFORM.rates(BEGIN, rate=2.0 / 3600).potential * UNIFORM.thermal_voltage())
    protocol = pf.constant_current(2.0, volt_limits=(volt + 5e-6, np.inf)) + pf.rest(10.0)
    run = pf.simulate(UNIFORM, protocol, [0.0, 5.0], initial=0.1)
    assert run.plan.ends == ("", "frame")
