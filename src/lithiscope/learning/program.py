"""The compiled program: frames, residuals and normal equations of one half cycle; one program serves all particles."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lithiscope import phasefield as pf
from lithiscope.learning.unknowns import Unknown, placed
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.system import System

OUTSIDE = 1e-30  # share of a cell outside the particle: the box is the same for all, so no cell may be missing
METHOD = pf.LocalRosenbrock()
_TOGETHER = 64  # directions differentiated at once; more do not fit the cache
_FREEDOM = 4.0  # of the t distribution of robust weights


class Layout(NamedTuple):
    """How many numbers each part of the vector z of a half cycle has, in this order."""

    shared: int
    field: int
    initial: int
    rate: int
    offset: int

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return sum(self)

    def split(self, z: Cells) -> tuple[Cells, ...]:
        """Return the parts of z."""
        edges = np.cumsum(self)[:-1]
        return tuple(jnp.split(z, edges))


class Case(eqx.Module):
    """The arrays of one half cycle, all flat over the cells of the box.

    Attributes
    ----------
    inside, surface : array, shape (cells,)
        Geometry: share inside, reacting area over volume in 1/nm.
    faces : tuple of two arrays, shape (cells,)
        Open faces along y and x.
    field, initial : array, shape (cells, modes)
        Maps from z to ln k and to the logit of the initial x.
    middle : array, shape (cells,)
        That logit before any z.
    rate : float
        d<x>/dt in 1/s before any z.
    rate_spread : float
        Standard deviation of the rate at a frame over the rate itself.
    seconds, frame_std : array, shape (time,)
        Times of the frames, and the standard deviation that a frame has in common.
    x, weight : array, shape (time, cells)
        Data, and one over their standard deviation.
    lengths : array, shape (step,)
        Steps of time, s.
    first : array of int, shape (time,)
        Number of the first step after each frame; the last is the number of steps.
    """

    inside: Float[Array, " cells"]
    surface: Float[Array, " cells"]
    faces: tuple[Float[Array, " cells"], ...]
    field: Float[Array, "cells modes"]
    initial: Float[Array, "cells initial_modes"]
    middle: Float[Array, " cells"]
    rate: Number
    rate_spread: Number
    seconds: Float[Array, " time"]
    frame_std: Float[Array, " time"]
    x: Float[Array, "time cells"]
    weight: Float[Array, "time cells"]
    lengths: Float[Array, " step"]
    first: Int[Array, " time"]


class Normal(NamedTuple):
    """Cost and normal equations of a half cycle.

    Attributes
    ----------
    cost : float
        Half the sum of squared weighted residuals (or its robust likeness).
    gradient : array, shape (z,)
        Of the cost.
    matrix : array, shape (z, z)
        Gauss and Newton's matrix.
    """

    cost: Number
    gradient: Float[Array, " z"]
    matrix: Float[Array, "z z"]


class Program(eqx.Module):
    """Model, unknowns and layout: what the program is made of.

    Attributes
    ----------
    template : Model
        A model whose every cell of the box is inside.
    unknowns : tuple of Unknown
        The shared part of z.
    layout : Layout
        Of z.
    robust : bool
        Whether residuals count as of a t distribution with 4 degrees of freedom.
    """

    template: pf.Model
    unknowns: tuple[Unknown, ...]
    layout: Layout = eqx.field(static=True)
    robust: bool = eqx.field(static=True)

    def start(self, case: Case, z: Cells) -> tuple[System, Cells]:
        """Return the system and the initial composition that z stands for."""
        shared, field, initial, rate, _ = self.layout.split(z)
        shape = self.template.geometry.shape
        model = placed(self.unknowns, self.template, shared)
        geometry = model.geometry
        model = eqx.tree_at(
            lambda m: (m.geometry.inside, m.geometry.open_faces, m.geometry.surface, m.reaction.rate),
            model,
            (
                case.inside.reshape(shape),
                tuple(face.reshape(shape) for face in case.faces),
                case.surface.reshape(shape),
                jnp.exp(case.field @ field).reshape(shape),
            ),
        )
        nodes = (
            case.rate * (1 + case.rate_spread * rate) if self.layout.rate else jnp.full_like(case.seconds, case.rate)
        )
        x = jax.nn.sigmoid(case.middle + case.initial @ initial).reshape(geometry.shape)
        return System(model, case.seconds, nodes, "rate"), x

    def frames(self, case: Case, z: Cells) -> tuple[Float[Array, "time cells"], Float[Array, " time"]]:
        """Return x of every frame, and v = e(V - V0)/kT."""
        system, x = self.start(case, z)

        def step(number: Any, now: tuple[Any, State, Any]) -> tuple[Any, State, Any]:
            time, state, rates = now
            length = case.lengths[number]
            after, _, there = METHOD.step(system, time, length, state, rates)
            return time + length, after, there

        def interval(now: tuple[Any, State, Any], edges: Any) -> tuple[tuple[Any, State, Any], Any]:
            now = jax.lax.fori_loop(edges[0], edges[1], step, now)
            return now, (now[1].x.ravel(), now[2].potential)

        begin = (jnp.zeros(()), State(x, jnp.zeros(())), system.rates(jnp.zeros(()), x))
        edges = jnp.stack([case.first[:-1], case.first[1:]], axis=1)
        _, (later, volt) = jax.lax.scan(interval, begin, edges)
        return jnp.concatenate([x.ravel()[None], later]), jnp.concatenate([begin[2].potential[None], volt])

    def residual(self, case: Case, z: Cells) -> Float[Array, "time cells"]:
        """Return model less data over the standard deviation; 0 where there are no data."""
        x, _ = self.frames(case, z)
        if self.layout.offset:
            x = x + (case.frame_std * self.layout.split(z)[-1])[:, None]
        return case.weight * jnp.where(case.weight > 0, x - case.x, 0.0)

    @eqx.filter_jit
    def cost(self, case: Case, z: Cells) -> Number:
        """Return the cost alone."""
        return self._cost(self.residual(case, z))

    @eqx.filter_jit
    def normal(self, case: Case, z: Cells) -> Normal:
        """Return cost, gradient and Gauss and Newton's matrix at z."""
        residual = self.residual(case, z)
        share = self._share(residual).ravel()

        def along(way: Cells) -> Cells:
            changed: Cells = jax.jvp(lambda at: self.residual(case, at), (z,), (way,))[1]
            return changed.ravel()

        rows = jax.lax.map(along, jnp.eye(self.layout.size), batch_size=_TOGETHER)
        weighted = rows * share
        return Normal(self._cost(residual), weighted @ residual.ravel(), weighted @ rows.T)

    @eqx.filter_jit
    def seen(self, case: Case, z: Cells) -> tuple[Cells, Cells, Cells]:
        """Return x of every frame, v, and the residuals."""
        x, volt = self.frames(case, z)
        return x, volt, self.residual(case, z)

    def _cost(self, residual: Cells) -> Number:
        if self.robust:
            return 0.5 * (_FREEDOM + 1) * jnp.sum(jnp.log1p(residual**2 / _FREEDOM))
        return 0.5 * jnp.sum(residual**2)

    def _share(self, residual: Cells) -> Cells:
        """Return the weight of each residual: 1, or less for an outlier."""
        return (_FREEDOM + 1) / (_FREEDOM + residual**2) if self.robust else jnp.ones_like(residual)
