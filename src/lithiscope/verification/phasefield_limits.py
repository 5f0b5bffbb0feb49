"""Runs whose parts end at a limit: gradients against differences of the run itself, steps chosen anew each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import pixels
from lithiscope.verification.gradients import Inputs, Where, difference
from lithiscope.verification.rows import Row

_FINE = pf.Controller(1e-12)  # differences of 1e-3 see the errors of the steps, which change with the parameters
_START = 0.1 + 0.02 * np.arange(6).reshape(2, 3) / 6
_LAST = 1e6  # s, after every end
# Compiling takes far longer than running here, so the compiler is told not to try hard.
_quickly: Any = partial(eqx.filter_jit, compiler_options={"xla_backend_optimization_level": 0})

Case = tuple[str, pf.Protocol, list[float], dict[str, Where]]
"""Name, protocol, times of the frames, and parameters."""


def rows() -> Iterator[Row]:
    """Yield a row for each parameter of each kind of limit, and one on many runs at once."""
    for name, protocol, times, where in _cases():
        for what, value in run_differences(platelet(), protocol, times, where).items():
            claim = f"gradient by {what} against central differences of simulate itself, {name}"
            yield Row(
                claim, "the moment of the limit moves", 1e-5, value, 0.0, "a bound of the design, with no slack", "<="
            )
    yield Row(
        "largest difference of x between runs in one program, over parameters and particles, and one by one",
        "jax.vmap",
        0.0,
        many_at_once(),
        1e-12,
        "round-off of sums in another order",
    )


def platelet() -> pf.Model:
    """Return six cells of a solid solution that react on their own."""
    geometry = pixels(np.ones((2, 3), bool), 50.0, surface="everywhere", thickness=150.0)
    rate = np.exp(0.3 * np.random.default_rng(0).standard_normal((2, 3)))
    return pf.Model(geometry, pf.RegularSolution(1.0), pf.Reaction(0.02, "symmetric", rate=rate))


def _cases() -> Iterator[Case]:
    j0: dict[str, Where] = {"j0": lambda g: g.model.reaction.exchange_current}
    where = j0 | {
        "Omega": lambda g: g.model.free_energy.omega,
        "initial field": lambda g: g.start,
        "current": lambda g: g.values[0],
    }
    cut_off = pf.constant_current(2.0, volt_limits=(3.30, np.inf))
    yield "constant current to a voltage", cut_off, [0.0, 300.0, _LAST], where
    both = pf.constant_current_constant_voltage(2.0, 3.34, end_c_rate=0.5, seconds=20000.0)
    held = j0 | {"potential held": lambda g: g.values[1]}
    yield (
        "frame at a constant voltage after a constant current",
        both,
        [300.0, 1100.0],
        j0 | {"current": where["current"]},
    )
    yield "end of a constant voltage at a rate", both, [300.0, 1100.0, _LAST], held
    part = pf.constant_potential(3.34, 1e5).parts[0]
    filled = pf.Protocol((replace(part, fraction_limits=(-np.inf, 0.5)),)) + pf.rest(100.0)
    back = pf.constant_current(-1.0, seconds=1000.0)
    name = "constant voltage to a mean composition, rest, and a frame on the way back"
    yield name, filled + back, [0.0, 300.0, 1000.0, _LAST], j0 | {"potential held": lambda g: g.values[0]}


def run_differences(
    model: pf.Model, protocol: pf.Protocol, times: list[float], where: dict[str, Where]
) -> dict[str, float]:
    """Return the relative difference of the gradient along a direction of each parameter from differences of runs.

    The loss holds <x> and V of every frame, x at the end of the run, and the moment of the end.

    Parameters
    ----------
    model : Model
        The model.
    protocol : Protocol
        What is run, in steps that the program chooses for every value of the parameter.
    times : list of float
        Of the frames, s.
    where : dict of str to callable
        Name of each parameter, and where it is in `Inputs`.
    """
    inputs = Inputs(model, jnp.asarray(_START), tuple(jnp.asarray(part.values) for part in protocol.parts))

    def run(given: Inputs) -> pf.Simulation:
        asked = protocol.with_values([tuple(map(float, one)) for one in given.values])
        return pf.simulate(given.model, asked, times, initial=given.start, controller=_FINE)

    def loss(mean: Any, volt: Any, final: Any, end: Any) -> Any:
        unit = model.thermal_voltage()
        return jnp.sum(mean**2) + 0.1 * jnp.sum(((volt - model.plateau) / unit) ** 2) + jnp.sum(final**4) + end / 3600

    def of_run(given: Inputs) -> Any:
        done = run(given)
        # A frame at the start has no step before it, and replay does not give it.
        frames = done.record.sel(time=slice(1e-9, None))
        mean, volt = frames.mean_lithium_fraction.values, frames.voltage_volt.values
        return loss(mean, volt, done.final, float(frames.time.values[-1]))

    recorded = run(inputs)

    def of_replay(given: Inputs) -> Any:
        asked = protocol.with_values(given.values)
        found = pf.replay(given.model, asked, recorded.plan, recorded.method, given.start)
        mean = jax.vmap(model.geometry.mean)(found.lithium_fraction)
        return loss(mean, found.volt, found.lithium_fraction[-1], found.time[-1])

    slopes = _quickly(eqx.filter_grad(of_replay))(inputs)
    return {name: difference(of_run, inputs, slopes, one) for name, one in where.items()}


def many_at_once() -> float:
    """Return the largest difference of x between runs over parameters, or particles, at once and one by one."""
    model, protocol = platelet(), pf.constant_current_constant_voltage(2.0, 3.34, end_c_rate=0.5, seconds=1000.0)
    run = pf.simulate(model, protocol, 5, initial=jnp.asarray(_START))

    def filled(exchange_current: Any, rate: Any, start: Any) -> Any:
        reaction = (exchange_current, rate)
        changed = eqx.tree_at(lambda m: (m.reaction.exchange_current, m.reaction.rate), model, reaction)
        return pf.replay(changed, protocol, run.plan, run.method, start).lithium_fraction

    currents = jnp.linspace(0.018, 0.022, 3)
    rates = jnp.exp(0.1 * np.random.default_rng(1).standard_normal((4, 2, 3)))
    starts = _START + 0.02 * jnp.arange(4.0)[:, None, None]
    particles = jax.vmap(filled, in_axes=(None, 0, 0))
    together = _quickly(jax.vmap(particles, in_axes=(0, None, None)))(currents, rates, starts)
    one = _quickly(filled)
    alone = [[one(j0, rate, start) for rate, start in zip(rates, starts, strict=True)] for j0 in currents]
    return float(jnp.max(jnp.abs(together - jnp.stack([jnp.stack(row) for row in alone]))))
