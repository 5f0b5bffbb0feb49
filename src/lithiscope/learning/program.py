"""The compiled program: frames, residuals and normal equations of one half cycle; one program serves all particles."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from lithiscope import phasefield as pf
from lithiscope.learning.blur import Blur, blurred
from lithiscope.learning.directions import KIND, Pushed, directions, directions_back
from lithiscope.learning.tangent import Steps, followed, pulled_back
from lithiscope.learning.unknowns import Unknown, placed
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.system import System

OUTSIDE = 1e-30  # share of a cell outside the particle: the box is the same for all, so no cell may be missing
_FREEDOM = 4.0  # of the t distribution of robust weights


class Layout(NamedTuple):
    """How many numbers each part of the vector z of a half cycle has, in this order.

    Laws, ln k, initial composition, rate, what the frames are off by, and what the voltages are off by; the last is 0
    where no voltage is compared, and 1 otherwise.
    """

    shared: int
    field: int
    initial: int
    rate: int
    offset: int
    volt: int = 0

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
    volts, volt_weight : array, shape (time,)
        Measured voltage in V, and one over its standard deviation.
    means, mean_weight : array, shape (time,)
        Measured mean composition, and one over its standard deviation.
    volt_drop : float
        Standard deviation of what all voltages of the half cycle are off by, V.
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
    volts: Float[Array, " time"]
    volt_weight: Float[Array, " time"]
    means: Float[Array, " time"]
    mean_weight: Float[Array, " time"]
    volt_drop: Number
    lengths: Float[Array, " step"]
    first: Int[Array, " time"]

    @property
    def steps(self) -> Steps:
        """Return the steps of time."""
        return Steps(self.lengths, self.first)

    @property
    def told(self) -> Bool[Array, " time"]:
        """Return whether a frame has data."""
        return (self.weight > 0).any(1) | (self.volt_weight > 0) | (self.mean_weight > 0)

    def mean_of(self, values: Cells) -> Cells:
        """Return means over the particle times `mean_weight`, shape (time, ...), from values of shape (time, cells)."""
        share = (self.inside / self.inside.sum()).astype(values.dtype)
        found: Cells = jnp.einsum("t,c,tc...->t...", self.mean_weight.astype(values.dtype), share, values)
        return found


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


class Linked(NamedTuple):
    """A stretch of a half cycle among others.

    Attributes
    ----------
    cost : float
        As of `Normal`, where it is.
    matrix : array, shape (z + 1, z + 1)
        Gauss and Newton's matrix; the last row holds the gradient and twice the cost when all gaps have closed.
    last : array, shape (cells,)
        x at its end.
    ways : array, shape (cells, z + 1)
        Change of that by every number, and when all gaps before have closed.
    """

    cost: Number
    matrix: Float[Array, "way way"]
    last: Cells
    ways: Float[Array, "cells way"]


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
    blur : float
        Standard deviation of the spot that pictures are taken with, nm, unless it is among the unknowns; 0: none.
    """

    template: pf.Model
    unknowns: tuple[Unknown, ...]
    layout: Layout = eqx.field(static=True)
    robust: bool = eqx.field(static=True)
    blur: float = eqx.field(static=True, default=0.0)

    def model(self, case: Case, shared: Cells, log_rate: Cells) -> pf.Model:
        """Return the model of a particle for some laws and ln k."""
        shape = self.template.geometry.shape
        model: pf.Model = eqx.tree_at(
            lambda m: (m.geometry.inside, m.geometry.open_faces, m.geometry.surface, m.reaction.rate),
            placed(self.unknowns, self.template, shared),
            (
                case.inside.reshape(shape),
                tuple(face.reshape(shape) for face in case.faces),
                case.surface.reshape(shape),
                jnp.exp(log_rate).reshape(shape),
            ),
        )
        return model

    def start(self, case: Case, z: Cells) -> tuple[System, Cells]:
        """Return the system and the initial composition that z stands for."""
        shared, field, initial, rate, *_ = self.layout.split(z)
        model = self.model(case, shared, case.field @ field)
        nodes = (
            case.rate * (1 + case.rate_spread * rate) if self.layout.rate else jnp.full_like(case.seconds, case.rate)
        )
        x = jax.nn.sigmoid(case.middle + case.initial @ initial).reshape(model.geometry.shape)
        return System(model, case.seconds, nodes, "rate"), x

    def frames(self, case: Case, z: Cells) -> Float[Array, "time cells"]:
        """Return x of every frame."""
        return followed(*self.start(case, z), case.steps)[case.first]

    @eqx.filter_jit
    def cost(self, case: Case, z: Cells) -> Number:
        """Return the cost alone."""
        frames = self.frames(case, z)
        return self._cost(self._residual(case, frames, z)) + self._cost_of_frames(case, frames, z)

    def normal(self, case: Case, z: Cells) -> Normal:
        """Return cost, gradient and Gauss and Newton's matrix at z."""
        path = self._path(case, z)
        value, straight, loads, matrix = self._normal(case, z, path)
        return Normal(value, straight + self._pulled(case, z, path, loads), matrix)

    def value_and_gradient(self, case: Case, z: Cells) -> tuple[Number, Cells]:
        """Return the cost and its gradient at z without the matrix, which costs many times as much."""
        path = self._path(case, z)
        value, straight, loads = self._loaded(case, z, path)
        return value, straight + self._pulled(case, z, path, loads)

    # The way there and the way back are programs of their own, so that they are compiled once for all that needs them.
    @eqx.filter_jit
    def _path(self, case: Case, z: Cells) -> Float[Array, "step cells"]:
        """Return x of every step."""
        return followed(*self.start(case, z), case.steps)

    @eqx.filter_jit
    def _pulled(self, case: Case, z: Cells, path: Cells, loads: Cells) -> Float[Array, " z"]:
        """Return the gradient of a cost, from that by x of every step."""
        (system, _), pull = eqx.filter_vjp(lambda at: self.start(case, at), z)
        found: Cells = pull(pulled_back(system, path, case.steps, loads))[0]
        return found

    @eqx.filter_jit
    def _loaded(self, case: Case, z: Cells, path: Cells) -> tuple[Number, Cells, Cells]:
        """Return the cost, and its gradients by z alone and by x of every step."""

        def cost(frames: Cells, z: Cells) -> Number:
            return self._cost(self._residual(case, frames, z)) + self._cost_of_frames(case, frames, z)

        value, (by_frames, straight) = jax.value_and_grad(cost, (0, 1))(path[case.first], z)
        return value, straight, jnp.zeros_like(path).at[case.first].add(by_frames)

    @eqx.filter_jit
    def _normal(self, case: Case, z: Cells, path: Cells) -> tuple[Number, Cells, Cells, Cells]:
        """Return the cost, its gradients by z alone and by x of every step, and Gauss and Newton's matrix."""
        system, x = self.start(case, z)
        frames = path[case.first]

        def cost(frames: Cells, z: Cells) -> tuple[Number, Cells]:
            residual = self._residual(case, frames, z)
            return self._cost(residual) + self._cost_of_frames(case, frames, z), residual

        (value, residual), (by_frames, straight) = jax.value_and_grad(cost, (0, 1), has_aux=True)(frames, z)
        loads = jnp.zeros_like(path).at[case.first].add(by_frames)
        changes = directions(system, path, case.steps, self._pushed(case, z, x)).frames
        return value, straight, loads, self._matrix(case, z, frames, changes, residual)

    def _matrix(self, case: Case, z: Cells, frames: Cells, changes: Cells, residual: Cells) -> Float[Array, "way way"]:
        """Return Gauss and Newton's matrix by the ways of the changes: the numbers, and one more if the gaps close.

        To that way the residuals are added, so that its column is the gradient when they have closed.
        """
        more = changes.shape[-1] - self.layout.size
        share = jnp.sqrt(self._share(residual))
        root, offsets = share * case.weight, self._offsets(case)
        is_blur = jnp.zeros(self.layout.size).at[self._place_of_blur].set(1.0 if self._unknown_blur else 0.0)
        by_blur = jax.jvp(lambda at: self._shown(case, frames[..., None], at)[..., 0], (z,), (is_blur,))[1]

        def add(number: Number, matrix: Cells) -> Cells:
            straight = jnp.pad(offsets[number] + by_blur[number][:, None] * is_blur, ((0, 0), (0, more)))
            rows = root[number][:, None] * (self._shown(case, changes[number], z) + straight)
            if more:
                rows = rows.at[:, -1].add(share[number] * residual[number])
            return matrix + rows.T @ rows

        rows = case.mean_of(changes).astype(z.dtype)
        if more:
            rows = rows.at[:, -1].add(case.mean_of(frames) - case.mean_weight * case.means)
        if self.layout.volt:
            rows = jnp.concatenate(
                [rows, case.volt_weight[:, None] * self._volt_changes(case, z, frames, changes, None)]
            )
        # Stretches have few frames with data.
        with_data = (case.weight > 0).any(1)
        first, last = jnp.argmax(with_data), jnp.max(jnp.where(with_data, jnp.arange(len(frames)) + 1, 0))
        found: Cells = jax.lax.fori_loop(first, last, add, rows.T @ rows)
        return found

    def linked(self, case: Case, z: Cells, ways: Float[Array, "cells way"]) -> Linked:
        """Return cost and normal equations of a stretch of a half cycle, in which the stretches before have a part.

        Parameters
        ----------
        case : Case
            Data of the stretch; without voltages.
        z : array, shape (z,)
            Where.
        ways : array, shape (cells, z + 1)
            Change of the first x by every number, and when all gaps between stretches close.
        """
        return self._linked(case, z, self._path(case, z), ways)

    @eqx.filter_jit
    def _linked(self, case: Case, z: Cells, path: Cells, ways: Cells) -> Linked:
        system, x = self.start(case, z)
        frames = path[case.first]
        pushed = self._pushed(case, z, x)
        field, rate = (jnp.pad(one, ((0, 0), (0, 1))) for one in (pushed.field, pushed.rate))
        changes = directions(system, path, case.steps, pushed._replace(start=ways, field=field, rate=rate)).frames
        residual = self._residual(case, frames, z)
        cost = self._cost(residual) + self._cost_of_frames(case, frames, z)
        return Linked(cost, self._matrix(case, z, frames, changes, residual), frames[-1], changes[-1])

    @eqx.filter_jit
    def ways(self, case: Case, z: Cells) -> Float[Array, "cells way"]:
        """Return the change of the first x by every number, and nothing for a gap."""
        start = self._pushed(case, z, self.start(case, z)[1]).start
        return jnp.pad(start, ((0, 0), (0, 1))).astype(KIND)

    def slope_of_trace(self, case: Case, z: Cells, ways: Float[Array, "own way"]) -> Cells:
        """Return the gradient of half the trace of a matrix times Gauss and Newton's of the own numbers.

        Parameters
        ----------
        case : Case
            Data.
        z : array, shape (z,)
            Where.
        ways : array, shape (own, way)
            A root L of the matrix L L^T, by the numbers of z after those of the laws. With the inverse of Gauss and
            Newton's it is the gradient of half the logarithm of its determinant.
        """
        path = self._path(case, z)
        straight, loads = self._slope(case, z, path, ways)
        found: Cells = straight + self._pulled(case, z, path, loads)
        return found

    @eqx.filter_jit
    def _slope(self, case: Case, z: Cells, path: Cells, ways: Cells) -> tuple[Cells, Cells]:
        """Return the gradients of the trace by z alone and by x of every step."""
        ways = jnp.pad(ways, ((self.layout.shared, 0), (0, 0)))
        (system, _), pull = eqx.filter_vjp(lambda at: self._driven(case, at, ways), z)
        pushed = self._pushed(case, z, path[0]).along(ways)
        way = directions(system, path, case.steps, pushed, keep=True)

        def trace(z: Cells, frames: Cells, changes: Cells) -> Number:
            """Return half the sum of the squared changes of all weighted residuals along the ways."""
            root = jnp.sqrt(self._share(self._residual(case, frames, z))) * case.weight
            rows = root[..., None].astype(changes.dtype) * (
                self._shown(case, changes, z) + (self._offsets(case) @ ways).astype(changes.dtype)
            )
            total = jnp.sum(rows**2) + jnp.sum(case.mean_of(changes) ** 2)
            if self.layout.volt:
                volts = case.volt_weight[:, None] * self._volt_changes(case, z, frames, changes, ways)
                total = total + jnp.sum(volts**2)
            return 0.5 * total

        straight, by_frames, loads = jax.grad(trace, (0, 1, 2))(z, path[case.first], way.frames)
        by_system, by_start, by_path = directions_back(system, path, case.steps, pushed, way, loads)
        (by_z,) = pull((by_system, by_start))
        return straight + by_z, by_path.at[case.first].add(by_frames)

    def _driven(self, case: Case, z: Cells, ways: Cells) -> tuple[System, Cells]:
        """Return the system and the change of the first x along ways of the numbers."""
        system, x = self.start(case, z)
        return system, self._pushed(case, z, x).along(ways).start

    def _pushed(self, case: Case, z: Cells, x: Cells) -> Pushed:
        """Return what drives the changes of x by every number."""
        layout = self.layout
        shared, field, *_ = layout.split(z)
        log_rate = case.field @ field
        edges = np.cumsum(layout)
        x = x.reshape(-1, 1)
        start = jnp.zeros((len(case.inside), layout.size)).at[:, edges[1] : edges[2]].set(x * (1 - x) * case.initial)
        rate = jnp.zeros((len(case.seconds), layout.size))
        if layout.rate:
            rate = rate.at[:, edges[2] : edges[3]].set(case.rate * case.rate_spread * jnp.eye(layout.rate))
        by_field = jnp.zeros_like(start).at[:, edges[0] : edges[1]].set(case.field)
        return Pushed(start, by_field, rate, shared, lambda laws: self.model(case, laws, log_rate))

    def _offsets(self, case: Case) -> Float[Array, "time 1 z"]:
        """Return the change of what all pixels of a frame are off by, by every number."""
        found = jnp.zeros((len(case.seconds), 1, self.layout.size))
        if self.layout.offset:
            first = sum(self.layout[:4])
            found = found.at[:, 0, first : first + self.layout.offset].set(jnp.diag(case.frame_std))
        return found

    def _volt(self, case: Case, z: Cells, time: Number, x: Cells) -> Number:
        """Return the voltage that the cell shows at one time, V."""
        system, _ = self.start(case, z)
        rates = system.rates(time, x.reshape(self.template.geometry.shape))
        return system.volt(rates) + case.volt_drop * self.layout.split(z)[-1].sum()

    def _volt_changes(
        self, case: Case, z: Cells, frames: Cells, changes: Cells, ways: Cells | None
    ) -> Float[Array, "time way"]:
        """Return the change of the voltage of every frame by every number, or along ways of them."""
        by_z, by_x = jax.vmap(jax.grad(lambda *at: self._volt(case, *at), (0, 2)), (None, 0, 0))(
            z, case.seconds, frames
        )
        by_z = by_z if ways is None else by_z @ ways
        straight = jnp.pad(by_z, ((0, 0), (0, changes.shape[-1] - by_z.shape[1])))
        found: Cells = straight + jnp.einsum("tc,tcz->tz", by_x, changes)
        return found

    def _cost_of_frames(self, case: Case, frames: Cells, z: Cells) -> Number:
        """Return half the sum of squared weighted residuals of the mean composition and of the voltage."""
        of_mean = 0.5 * jnp.sum((case.mean_of(frames) - case.mean_weight * case.means) ** 2)
        if not self.layout.volt:
            return of_mean
        model = jax.vmap(lambda *at: self._volt(case, z, *at))(case.seconds, frames)
        known = case.volt_weight > 0
        return of_mean + 0.5 * jnp.sum((case.volt_weight * jnp.where(known, model - case.volts, 0.0)) ** 2)

    @eqx.filter_jit
    def seen(self, case: Case, z: Cells) -> tuple[Cells, Cells, Cells]:
        """Return x of every frame, the voltage in V, and the residuals of x."""
        x = self.frames(case, z)
        volt = jax.vmap(lambda *at: self._volt(case, z, *at))(case.seconds, x)
        return x, volt, self._residual(case, x, z)

    def _residual(self, case: Case, x: Cells, z: Cells) -> Float[Array, "time cells"]:
        """Return model less data over the standard deviation; 0 where there are no data."""
        x = self._shown(case, x[..., None], z)[..., 0]
        if self.layout.offset:
            x = x + (case.frame_std * self.layout.split(z)[4])[:, None]
        return case.weight * jnp.where(case.weight > 0, x - case.x, 0.0)

    def _shown(self, case: Case, maps: Float[Array, "... cells ways"], z: Cells) -> Float[Array, "... cells ways"]:
        """Return maps as the microscope shows them."""
        if not self.blur:
            return maps
        one = self._unknown_blur
        width = self.blur if one is None else one.nanometres(z[self._place_of_blur])
        geometry = self.template.geometry
        return blurred(maps, case.inside, geometry.shape, geometry.spacing, width)

    @property
    def _unknown_blur(self) -> Blur | None:
        return next((one for one in self.unknowns if isinstance(one, Blur)), None)

    @property
    def _place_of_blur(self) -> int:
        """Return which number of z the blur is, if it is one."""
        sizes = [one.size for one in self.unknowns]
        return next((sum(sizes[:n]) for n, one in enumerate(self.unknowns) if isinstance(one, Blur)), 0)

    def _cost(self, residual: Cells) -> Number:
        if self.robust:
            return 0.5 * (_FREEDOM + 1) * jnp.sum(jnp.log1p(residual**2 / _FREEDOM))
        return 0.5 * jnp.sum(residual**2)

    def _share(self, residual: Cells) -> Cells:
        """Return the weight of each residual: 1, or less for an outlier."""
        return (_FREEDOM + 1) / (_FREEDOM + residual**2) if self.robust else jnp.ones_like(residual)
