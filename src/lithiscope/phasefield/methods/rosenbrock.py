"""Linearly implicit method of third order for stiff bulk problems, matrix-free."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods import blocks, multigrid, waves
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.methods.krylov import Linear, solve
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.system import System

# ROS34PW2 of Rang and Angermann, BIT Numer. Math. 45, 761 (2005), table 4.
GAMMA = 4.3586652150845900e-01
ALPHA = np.array(
    [
        [0.0, 0.0, 0.0, 0.0],
        [8.7173304301691801e-01, 0.0, 0.0, 0.0],
        [8.4457060015369423e-01, -1.1299064236484185e-01, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ]
)
GAMMAS = np.array(
    [
        [GAMMA, 0.0, 0.0, 0.0],
        [-8.7173304301691801e-01, GAMMA, 0.0, 0.0],
        [-9.0338057013044082e-01, 5.4180672388095326e-02, GAMMA, 0.0],
        [2.4212380706095346e-01, -1.2232505839045147e00, 5.4526025533510214e-01, GAMMA],
    ]
)
WEIGHTS = np.array([2.4212380706095346e-01, -1.2232505839045147e00, 1.5452602553351020e00, GAMMA])
EMBEDDED = np.array([3.7810903145819369e-01, -9.6042292212423178e-02, 5.0000000000000000e-01, 2.1793326075422950e-01])

# With u = GAMMAS k no stage needs the Jacobian of the stages before it (Hairer and Wanner 1996, IV.7).
_INVERSE = np.linalg.inv(GAMMAS)
PLACES, ENDS, ERRORS = ALPHA @ _INVERSE, WEIGHTS @ _INVERSE, (WEIGHTS - EMBEDDED) @ _INVERSE
BEFORE = np.eye(4) / GAMMA - _INVERSE
# Cells of a block beyond which elimination costs more than the iterations that it saves: in a filled box, whose waves
# are cosines, and in any other shape.
_LARGEST_BLOCK, _LARGEST_FILLED = 160, 64
_MOST_WAVES = 256  # cells a side; beyond that sums over waves cost more than cycles of multigrid
TIMES, _DRIFTS = ALPHA.sum(axis=1), GAMMAS.sum(axis=1)


class Rosenbrock(Method):
    """ROS34PW2 (Rang and Angermann 2005): four stages, L-stable, each one linear system with the same matrix.

    The matrix is the derivative of the rates, voltage and strain included, and is only ever applied to an array.

    Parameters
    ----------
    accuracy : float, optional
        Residual of the linear systems over their load; without it 1/100 of the tolerance of the steps.
    most : int
        Iterations of a linear system after which the step is repeated with a shorter one.
    periodic : tuple of bool, optional
        Which axes close on themselves, for the preconditioner; without it as in the model.
    """

    accuracy: float | None = None
    most: int = eqx.field(static=True, default=60)
    periodic: tuple[bool, ...] | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        if self.accuracy is not None and not 1e-15 < self.accuracy < 0.1:
            raise OptionError(
                "the accuracy of the linear systems is out of range",
                field="accuracy",
                value=self.accuracy,
                limit="1e-15 to 0.1",
                remedy="leave it out: it is then 1/100 of the tolerance of the steps",
            )

    @property
    def order(self) -> int:
        """Return 3."""
        return 3

    @property
    def error_order(self) -> int:
        """Return 2."""
        return 2

    def refusal(self, model: Model) -> str | None:  # noqa: ARG002
        """Return None: it works with everything, at a high price where nothing is stiff."""
        return None

    def prepared(self, model: Model, tolerance: float) -> Method:
        """Return the method with what was left open, from the model and the tolerance of the steps."""
        faces = [np.moveaxis(np.asarray(face), axis, 0) for axis, face in enumerate(model.geometry.open_faces)]
        around = tuple(bool(np.any(face[-1] > 0)) for face in faces)
        return dataclasses.replace(
            self,
            accuracy=max(tolerance / 100, 1e-14) if self.accuracy is None else self.accuracy,
            periodic=around if self.periodic is None else self.periodic,
        )

    def step(
        self, system: System, time: Number, length: Number, state: State, rates: Rates
    ) -> tuple[State, Cells, Rates]:
        """Return the state after a step, the error of x, and the rates there."""

        def slope(moment: Number, x: Cells) -> State:
            there = system.rates(moment, x)
            return State(there.change, there.insertion)

        model = system.model
        _, linear = jax.linearize(slope, time, state.x)
        drift = linear(jnp.ones_like(time), jnp.zeros_like(state.x))
        still = jnp.zeros_like(time)
        inverse = self._preconditioner(model, state.x, rates, GAMMA * length)
        relative = 1e-6 if self.accuracy is None else self.accuracy

        def matrix(u: Cells) -> Cells:
            return u - GAMMA * length * linear(still, u).x

        def stage(found: State, number: Any) -> tuple[State, None]:
            i, place, before, moment, share = number
            here = slope(time + moment * length, _sum(state, place, found).x)
            load = jax.tree.map(lambda f, t: length * (f + length * share * t), here, drift)
            load = _sum(load, before, found)
            u, _ = solve(matrix, GAMMA * load.x, inverse, relative=relative, most=self.most)
            image = jax.tree.map(lambda one: length * one, linear(still, u))
            this = _balanced(model, u, load, image)
            return jax.tree.map(lambda all_, one: all_.at[i].set(one), found, this), None

        nothing = jax.tree.map(lambda one: jnp.zeros((4, *one.shape), one.dtype), state)
        rows = [jnp.asarray(one, state.x.dtype) for one in (PLACES, BEFORE, TIMES, _DRIFTS)]
        found, _ = jax.lax.scan(stage, nothing, (jnp.arange(4), *rows))
        end = _sum(state, jnp.asarray(ENDS, state.x.dtype), found)
        error = jnp.tensordot(jnp.asarray(ERRORS, state.x.dtype), found.x, 1)
        return end, error, system.rates(time + length, end.x)

    def _preconditioner(self, model: Model, x: Cells, rates: Rates, length: Number) -> tuple[Linear, Linear]:
        geometry = model.geometry
        periodic = (False,) * geometry.ndim if self.periodic is None else self.periodic
        unknowns = blocks.Layout.of(model).unknowns
        filled = geometry.active.all() and geometry.particle_count == 1
        if any(periodic) or (filled and unknowns > _LARGEST_FILLED and max(geometry.shape) <= _MOST_WAVES):
            return waves.precondition(model, x, length, periodic)
        if unknowns > _LARGEST_BLOCK:
            return multigrid.precondition(model, x, length)
        return blocks.precondition(model, x, rates, length)


def _balanced(model: Model, u: Cells, load: State, image: State) -> State:
    """Return a stage whose mean over each particle is exact, however well its linear system was solved.

    A stage is gamma (load + image), the image being the Jacobian's of the stage itself. Faces and reaction balance in
    load and image to round-off; what the solution misses of their mean is added evenly.
    """
    missing = GAMMA * (load.x + image.x) - u
    return State(u + model.geometry.particle_mean(missing), GAMMA * (load.exchanged + image.exchanged))


def _sum(start: State, weights: Cells, stages: State) -> State:
    return jax.tree.map(lambda value, terms: value + jnp.tensordot(weights, terms, 1), start, stages)
