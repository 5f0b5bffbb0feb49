"""Linearly implicit method for cells that react on their own: stiff reactions at the price of explicit steps."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.elasticity import Coherent
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.methods.rosenbrock import BEFORE, ENDS, ERRORS, GAMMA, PLACES, TIMES
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.system import System


class LocalRosenbrock(Method):
    """ROS34PW2 (Rang and Angermann 2005) with the derivative of each cell by itself and by the common voltage.

    The order of this method does not depend on the matrix, so the gradient energy, which couples neighbours and is no
    stiffness on pixels of a microscope, stays out of it. What remains is solved in closed form (Sherman and Morrison).
    """

    @property
    def order(self) -> int:
        """Return 3."""
        return 3

    @property
    def error_order(self) -> int:
        """Return 2."""
        return 2

    def refusal(self, model: Model) -> str | None:
        """Return why the method cannot be used with a model, or None."""
        if model.transport.moves():
            return "lithium moves between the cells, and this method takes each cell on its own"
        return None

    def step(
        self, system: System, time: Number, length: Number, state: State, rates: Rates
    ) -> tuple[State, Cells, Rates]:
        """Return the state after a step, the error of x, and the rates there."""
        geometry = system.model.geometry
        fixed = system.control == "potential"
        by_cell, by_voltage = _derivatives(system, state.x, rates)
        reach = GAMMA * length
        inverse = 1 / (1 - reach * by_cell)
        answers = jnp.zeros((), state.x.dtype) if fixed else geometry.total(by_voltage * inverse)

        def solved(load: State) -> State:
            u = GAMMA * load.x * inverse
            if fixed:
                return State(u, GAMMA * load.exchanged + reach * geometry.mean(by_cell * u))
            # At a given rate the voltage answers, so that the mean changes as it should.
            return State(
                u - reach * by_voltage * inverse * geometry.total(by_cell * u) / answers, GAMMA * load.exchanged
            )

        found: list[State] = []
        for i in range(4):
            here = rates if i == 0 else system.rates(time + TIMES[i] * length, _sum(state, PLACES[i], found).x)
            load = State(length * here.change, length * here.insertion)
            found.append(solved(_sum(load, BEFORE[i], found)))
        end = _sum(state, ENDS, found)
        error = jnp.tensordot(jnp.asarray(ERRORS, state.x.dtype), jnp.stack([one.x for one in found]), 1)
        return end, error, system.rates(time + length, end.x)


def _derivatives(system: System, x: Cells, rates: Rates) -> tuple[Cells, Cells]:
    """Return the derivative of dx/dt by the cell's own x at fixed voltage, and by v."""
    model = system.model
    reaction, geometry = model.reaction, model.geometry
    if reaction is None:
        return jnp.zeros_like(x), jnp.zeros_like(x)
    active = geometry.active & (geometry.surface > 0)
    within = jnp.where(active, x, 0.5)
    rest = rates.mu - model.free_energy.potential(within)
    penalty = model.elasticity.penalty if isinstance(model.elasticity, Coherent) else 0.0
    factor = jnp.where(active, geometry.surface * model.rate_of_current / geometry.inside, 0.0)

    def change(at: Cells) -> tuple[Cells, Cells]:
        mu = model.free_energy.potential(at) + rest + penalty * (at - within)
        value, slope = reaction.current(rates.potential + mu, at, reaction.exchange_density(at))
        return -factor * value, -factor * slope

    (_, by_voltage), (by_cell, _) = jax.jvp(change, (within,), (jnp.ones_like(within),))
    # A cell that runs away from equilibrium (inside a miscibility gap) is no stiffness.
    return jnp.where(active, jnp.minimum(by_cell, 0.0), 0.0), jnp.where(active, by_voltage, 0.0)


def _sum(start: State, weights: Any, stages: list[State]) -> State:
    total = start
    for weight, one in zip(weights, stages, strict=False):
        if weight:
            total = jax.tree.map(lambda value, term, w=float(weight): value + w * term, total, one)
    return total
