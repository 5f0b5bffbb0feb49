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
        by_cell, by_voltage = local_derivatives(system, state.x, rates)
        by_cell = jnp.minimum(by_cell, 0.0)  # a cell that runs away from equilibrium (inside a gap) is no stiffness
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

        def stage(found: State, row: tuple[Any, ...]) -> tuple[State, None]:
            number, part, place, before = row
            here = system.rates(time + part * length, _sum(state, place, found).x)
            load = _sum(State(length * here.change, length * here.insertion), before, found)
            return jax.tree.map(lambda all_, one: all_.at[number].set(one), found, solved(load)), None

        begin = solved(State(length * rates.change, length * rates.insertion))
        found = jax.tree.map(lambda one: jnp.zeros((4, *one.shape), one.dtype).at[0].set(one), begin)
        # A loop, not four copies: the program compiles in half the time.
        kind = state.x.dtype
        rows = (jnp.arange(1, 4), *(jnp.asarray(table, kind)[1:] for table in (TIMES, PLACES, BEFORE)))
        found, _ = jax.lax.scan(stage, found, rows)
        end = _sum(state, jnp.asarray(ENDS, kind), found)
        error = jnp.tensordot(jnp.asarray(ERRORS, kind), found.x, 1)
        return end, error, system.rates(time + length, end.x)


def local_derivatives(system: System, x: Cells, rates: Rates) -> tuple[Cells, Cells]:
    """Return the derivative of dx/dt by the cell's own x at fixed voltage, and by v, without the gradient energy."""
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
    return jnp.where(active, by_cell, 0.0), jnp.where(active, by_voltage, 0.0)


def _sum(start: State, weights: Cells, stages: State) -> State:
    return jax.tree.map(lambda value, all_: value + jnp.tensordot(weights, all_, 1), start, stages)
