"""How x of every frame moves along ways of the numbers, and the gradient of a cost of these changes.

The cells of a depth-averaged particle see each other through the common voltage, and weakly through the gradient
energy. So the equation of a small change, d(dx)/dt = A dx + C (dv + dmu of the neighbours) + what the numbers add, has
coefficients A and C of each cell alone, computed once for all ways; dv is what keeps the current. Each half of a step
is taken with the exact solution of a cell for coefficients that are the means of both ends, of second order. This is
for the matrix of Gauss and Newton's method, which such an error does not hurt; the gradient, which decides where the
fit ends, is the exact one of the discrete steps.

Steps are taken in chunks; the coefficients of a chunk are worked out at once. On the way back the changes are known
where chunks begin, and followed again from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lithiscope import phasefield as pf
from lithiscope.learning.tangent import Steps
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods.local import local_derivatives
from lithiscope.phasefield.system import System

KIND = jnp.float32
_CHUNK = 8  # steps, of two halves each
_put = jax.lax.dynamic_update_index_in_dim


class Pushed(NamedTuple):
    """What drives a small change.

    Attributes
    ----------
    start : array, shape (cells, way)
        Change of the first x.
    field : array, shape (cells, way)
        Change of ln k.
    rate : array, shape (time, way)
        Change of d<x>/dt at every frame, 1/s.
    shared : array, shape (shared,)
        Numbers of the laws; the first ways are along one each.
    laws : callable
        From these numbers to the model that has them.
    """

    start: Float[Array, "cells way"]
    field: Float[Array, "cells way"]
    rate: Float[Array, "time way"]
    shared: Float[Array, " shared"]
    laws: Callable[[Cells], pf.Model]

    def along(self, ways: Float[Array, "way other"]) -> Pushed:
        """Return what drives changes along sums of the ways, in which the laws have no part."""
        start, field, rate = (one.astype(KIND) @ ways.astype(KIND) for one in self[:3])
        return Pushed(start, field, rate, self.shared[:0], self.laws)


class Way(NamedTuple):
    """The changes on their way through the steps.

    Attributes
    ----------
    frames : array, shape (time, cells, way)
        Change of x of every frame.
    kept : array, shape (chunk, cells, way)
        Change of x where each chunk begins; nothing beyond the last.
    means : array, shape (chunk, way)
        What its mean is to be there.
    """

    frames: Float[Array, "time cells way"]
    kept: Float[Array, "chunk cells way"]
    means: Float[Array, "chunk way"]


def directions(system: System, path: Cells, steps: Steps, pushed: Pushed, *, keep: bool = False) -> Way:
    """Return the change of x at every frame along every way.

    In single precision: what is small here is the difference of two runs, not of two numbers.

    Parameters
    ----------
    system : System
        What happens.
    path : array, shape (step + 1, cells)
        As of `followed`.
    steps : Steps
        Steps of time.
    pushed : Pushed
        What drives the changes.
    keep : bool
        Whether `directions_back` follows.
    """
    box = _Box.of(system.model.geometry)
    start = pushed.start.astype(KIND)

    def chunk(span: _Span, now: tuple[Cells, ...]) -> tuple[Cells, ...]:
        changes, mean, kept, means = now
        if keep:
            kept, means = _put(kept, changes, span.number, 0), _put(means, mean, span.number, 0)
        acts = _actions(system, pushed, path[span.places], span.times)
        drive = _Drive(box, acts, pushed.field.astype(KIND), _filling(system, pushed, span.times))
        changes, mean = jax.lax.fori_loop(
            0, 2 * span.size, lambda half, now: drive.step(half, *now)[:2], (changes, mean)
        )
        return changes, mean, kept, means

    def interval(now: Any, one: _Interval) -> Any:
        now = jax.lax.fori_loop(0, one.chunks, lambda number, now: chunk(one.span(steps, number), now), now)
        return now, now[0]

    room = len(steps.lengths) // _CHUNK + len(steps.first) if keep else 0
    kept, means = jnp.zeros((room, *start.shape), KIND), jnp.zeros((room, start.shape[1]), KIND)
    last, later = jax.lax.scan(interval, (start, box.share @ start, kept, means), _Interval.all(steps))
    return Way(jnp.concatenate([start[None], later]), *last[2:])


def directions_back(
    system: System, path: Cells, steps: Steps, pushed: Pushed, way: Way, loads: Float[Array, "time cells way"]
) -> tuple[Any, Cells, Cells]:
    """Return the gradient of a cost of the changes by the arrays of the system, by the start and by x of every step.

    The adjoint of `directions`. For a step c' = m + a v with m = g c + a N c + r f and the voltage
    v = (mean' - <m>)/<a>, a load l' on c' puts s = a . l'/<a> on the mean and m* = l' - share s on m.

    Parameters
    ----------
    system, path, steps, pushed
        As of `directions`; no way is along a number of the laws.
    way : Way
        What that gave, kept.
    loads : array, shape (time, cells, way)
        Gradient of the cost by the changes.

    Returns
    -------
    system : System
        Gradients by its arrays; None for what is no array.
    start : array, shape (cells, way)
        Gradient by the start.
    path : array, shape (step + 1, cells)
        Gradient by x of every step.
    """
    box = _Box.of(system.model.geometry)
    arrays, rest = eqx.partition(system, eqx.is_inexact_array)

    def chunk(span: _Span, now: Any) -> Any:
        load, total, by_path = now
        acts, pull = jax.vjp(
            lambda arrays, points: _actions(eqx.combine(arrays, rest), pushed, points, span.times),
            arrays,
            path[span.places],
        )
        drive = _Drive(box, acts, pushed.field.astype(KIND), _filling(system, pushed, span.times))
        load, by_acts = drive.back(2 * span.size, way.kept[span.number], way.means[span.number], load)
        by_arrays, by_points = pull(by_acts)
        return load, jax.tree.map(jnp.add, total, by_arrays), by_path.at[span.places].add(by_points)

    def interval(now: Any, given: tuple[_Interval, Cells]) -> Any:
        one, more = given
        (load, by_mean), *others = now
        begin, last = ((load + more, by_mean), *others), one.chunks - 1
        return jax.lax.fori_loop(
            0, one.chunks, lambda count, now: chunk(one.span(steps, last - count), now), begin
        ), None

    loads = loads.astype(KIND)
    nothing = jax.tree.map(jnp.zeros_like, ((loads[0], way.means[0]), arrays, path))
    found, _ = jax.lax.scan(interval, nothing, (_Interval.all(steps), loads[1:]), reverse=True)
    (load, by_mean), by_arrays, by_path = found
    return by_arrays, load + loads[0] + box.share[:, None] * by_mean, by_path


class _Span(NamedTuple):
    """A chunk: its number and how many steps it has, and the place in the path and the time of their ends, s.

    Where the chunk is not full, its last place fills the rest.
    """

    number: Number
    size: Number
    places: Int[Array, " place"]
    times: Float[Array, " place"]


class _Interval(NamedTuple):
    """The steps from a frame to the next: the first of them, how many, and how many chunks there are before."""

    first: Number
    steps: Number
    before: Number

    @classmethod
    def all(cls, steps: Steps) -> _Interval:
        """Return those between all frames, as arrays."""
        count = jnp.diff(steps.first)
        chunks = -(-count // _CHUNK)
        return cls(steps.first[:-1], count, jnp.cumsum(chunks) - chunks)

    @property
    def chunks(self) -> Number:
        """Return how many chunks the steps make."""
        return -(-self.steps // _CHUNK)

    def span(self, steps: Steps, number: Number) -> _Span:
        """Return one of its chunks."""
        size = jnp.minimum(_CHUNK, self.steps - number * _CHUNK)
        places = self.first + number * _CHUNK + jnp.minimum(jnp.arange(_CHUNK + 1), size)
        return _Span(self.before + number, size, places, jnp.append(0.0, jnp.cumsum(steps.lengths))[places])


class _Box(NamedTuple):
    """The cells: the share of each in the mean, its neighbours, and how strongly it sees each of them, 1/nm2."""

    share: Cells
    near: tuple[np.ndarray, ...]
    pulls: tuple[Cells, ...]

    @classmethod
    def of(cls, geometry: pf.Geometry) -> _Box:
        """Return the cells of a geometry."""
        numbers = np.arange(geometry.inside.size).reshape(geometry.shape)
        near, pulls = [], []
        for axis, (face, spacing) in enumerate(zip(geometry.open_faces, geometry.spacing, strict=True)):
            for shift, open_face in ((-1, face), (1, jnp.roll(face, 1, axis))):
                near.append(np.roll(numbers, shift, axis).ravel())
                pulls.append((open_face / spacing**2 / geometry.inside).ravel().astype(KIND))
        inside = geometry.inside.ravel()
        return cls((inside / inside.sum()).astype(KIND), tuple(near), tuple(pulls))

    @property
    def whole(self) -> Cells:
        """Return how strongly each sees all of them."""
        return jnp.stack(self.pulls).sum(0)

    def bent(self, changes: Float[Array, "cells way"]) -> Float[Array, "cells way"]:
        """Return minus the curvature, 1/nm2: the chemical potential that changes make in a cell for kappa = 1."""
        seen = (pull[:, None] * changes[near] for near, pull in zip(self.near, self.pulls, strict=True))
        return self.whole[:, None] * changes - sum(seen)

    def bent_back(self, weight: Cells, load: Float[Array, "cells way"]) -> Float[Array, "cells way"]:
        """Return the transposed of `bent` for a load times the weight of each cell."""
        # The neighbours one on and one back take turns: as I see it, it sees me.
        others = [self.pulls[number ^ 1] for number in range(len(self.pulls))]
        seen = ((weight * pull)[near][:, None] * load[near] for near, pull in zip(self.near, others, strict=True))
        return (weight * self.whole)[:, None] * load - sum(seen)


class _Actions(NamedTuple):
    """What each half step does to a small change: by the cell, the voltage, neighbours, ln k and the laws."""

    grown: Float[Array, "half cells"]
    answer: Float[Array, "half cells"]
    bent: Float[Array, "half cells"]
    field: Float[Array, "half cells"]
    laws: Float[Array, "half cells shared"]


class _Drive(NamedTuple):
    """All that makes the half steps of a chunk."""

    box: _Box
    acts: _Actions
    field: Float[Array, "cells way"]
    filling: Float[Array, "half way"]

    def step(self, half: Number, changes: Cells, mean: Cells) -> tuple[Cells, Cells, Cells]:
        """Return the changes after a half step, their mean and that of the voltage."""
        act = _Actions(*(one[half] for one in self.acts))
        moved = act.grown[:, None] * changes + act.field[:, None] * self.field
        moved = moved + act.bent[:, None] * self.box.bent(changes)
        moved = moved.at[:, : act.laws.shape[1]].add(act.laws)
        mean = mean + self.filling[half]
        volt = (mean - self.box.share @ moved) / (self.box.share @ act.answer)
        return moved + act.answer[:, None] * volt, mean, volt

    def back(self, halves: Number, changes: Cells, mean: Cells, load: tuple[Cells, Cells]) -> tuple[Any, _Actions]:
        """Return the loads before the chunk and the gradient by its actions, from the changes there and later loads."""
        rows = len(self.filling)

        def again(half: Number, now: Any) -> Any:
            changes, mean, kept, volts = now
            kept = _put(kept, changes, half, 0)
            changes, mean, volt = self.step(half, changes, mean)
            return changes, mean, kept, _put(volts, volt, half, 0)

        begin = (changes, mean, jnp.zeros((rows, *changes.shape), KIND), jnp.zeros((rows, len(mean)), KIND))
        _, _, kept, volts = jax.lax.fori_loop(0, halves, again, begin)

        def one(count: Number, now: Any) -> Any:
            load, by_acts = now
            half = halves - 1 - count
            load, by = self._step_back(half, kept[half], volts[half], *load)
            return load, _Actions(*(_put(rows, row, half, 0) for rows, row in zip(by_acts, by, strict=True)))

        found: tuple[Any, _Actions] = jax.lax.fori_loop(
            0, halves, one, (load, _Actions(*(jnp.zeros_like(one) for one in self.acts)))
        )
        return found

    def _step_back(
        self, half: Number, changes: Cells, volt: Cells, load: Cells, by_mean: Cells
    ) -> tuple[tuple[Cells, Cells], _Actions]:
        """Return the loads before a half step and the gradient by its actions."""
        act, share = _Actions(*(one[half] for one in self.acts)), self.box.share
        push = (act.answer @ load) / (share @ act.answer)
        moved = _once(load - share[:, None] * push)
        bent = _once(self.box.bent(changes))
        by = _Actions(
            grown=_product(moved, changes),
            answer=load @ volt - share * (push @ volt),
            bent=_product(moved, bent),
            field=_product(moved, self.field),
            laws=act.laws,
        )
        return (act.grown[:, None] * moved + self.box.bent_back(act.bent, moved), by_mean + push), by


def _once(values: Cells) -> Cells:
    """Return values that are worked out once, however often they are looked at."""
    found: Cells = jax.lax.optimization_barrier(values)  # type: ignore[no-untyped-call]
    return found


def _product(one: Cells, other: Cells) -> Cells:
    found: Cells = jnp.einsum("cw,cw->c", one, other)
    return found


def _filling(system: System, pushed: Pushed, times: Cells) -> Float[Array, "half way"]:
    """Return what each half step of a chunk adds to the mean."""
    lengths = jnp.repeat(jnp.diff(times) / 2, 2)
    middles = times[0] + jnp.cumsum(lengths) - lengths / 2
    rate = jax.vmap(lambda nodes: jnp.interp(middles, system.seconds, nodes), in_axes=1, out_axes=1)(pushed.rate)
    return (lengths[:, None] * rate).astype(KIND)


def _actions(system: System, pushed: Pushed, points: Cells, times: Cells) -> _Actions:
    """Return what each half step of a chunk does."""
    points, times = _halved(system, points, times)
    # One by one: of all at once the compiler works out each many times over.
    each = jax.lax.map(lambda point: _coefficients(system, point[0], point[1], pushed), (times, points))
    own, voltage, field, laws = (0.5 * (one[1:] + one[:-1]) for one in each)
    lengths = jnp.diff(times).astype(KIND)[:, None]
    reach = lengths * _mean_growth(lengths * own)
    answer = reach * voltage
    bent = answer * system.model.gradient_energy.astype(KIND)
    return _Actions(jnp.exp(lengths * own), answer, bent, reach * field, reach[..., None] * laws)


def _halved(system: System, points: Cells, times: Cells) -> tuple[Cells, Cells]:
    """Return a stretch of a path and its times with the middle of each step between its ends, by Hermite's cubic."""
    shape, lengths = system.model.geometry.shape, jnp.diff(times)
    slopes = jax.vmap(lambda time, x: system.rates(time, x.reshape(shape)).change.ravel())(times, points)
    middle = (points[1:] + points[:-1]) / 2 + lengths[:, None] / 8 * (slopes[:-1] - slopes[1:])
    # The cubic may leave 0 to 1 where x bends sharply near an end.
    least, most = jnp.minimum(points[1:], points[:-1]), jnp.maximum(points[1:], points[:-1])
    middle = jnp.clip(middle, least / 2, (1 + most) / 2)
    both = jnp.stack([points[:-1], middle], axis=1).reshape(-1, points.shape[1])
    between = jnp.stack([times[:-1], times[:-1] + lengths / 2], axis=1).ravel()
    return jnp.concatenate([both, points[-1:]]), jnp.append(between, times[-1])


class _Coefficients(NamedTuple):
    own: Cells
    voltage: Cells
    field: Cells
    laws: Float[Array, "cells shared"]


def _coefficients(system: System, time: Number, x: Cells, pushed: Pushed) -> _Coefficients:
    model = system.model
    cells = x.reshape(model.geometry.shape)
    rates = system.rates(time, cells)
    own, voltage = local_derivatives(system, cells, rates)

    def by_field(log_rate: Cells) -> Cells:
        there = eqx.tree_at(lambda m: m.reaction.rate, model, model.reaction.rate * jnp.exp(log_rate))  # type: ignore[union-attr]
        change: Cells = there.rates(cells, potential=rates.potential).change
        return change.ravel()

    def by_laws(shared: Cells) -> Cells:
        change: Cells = pushed.laws(shared).rates(cells, potential=rates.potential).change
        return change.ravel()

    _, field = jax.jvp(by_field, (jnp.zeros_like(cells),), (jnp.ones_like(cells),))
    laws = jnp.zeros((x.size, 0))
    if len(pushed.shared):
        laws = jax.jacfwd(by_laws)(pushed.shared)
    return _Coefficients(*(one.astype(KIND) for one in (own.ravel(), voltage.ravel(), field, laws)))


def _mean_growth(exponent: Cells) -> Cells:
    """Return (exp(z) - 1)/z."""
    small = jnp.abs(exponent) < 1e-4
    safe = jnp.where(small, 1.0, exponent)
    found: Cells = jnp.where(small, 1 + exponent / 2, jnp.expm1(safe) / safe)
    return found
