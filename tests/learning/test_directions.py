"""Small changes along the steps: the way back by hand against automatic differentiation of the plain recurrence."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.learning import directions as module
from lithiscope.learning.directions import Pushed, directions, directions_back
from lithiscope.learning.tangent import Steps, followed
from lithiscope.phasefield.system import System

SHAPE, WAYS = (5, 4), 3
LENGTHS = np.linspace(40.0, 80.0, 12)
FIRST = jnp.array([0, 2, 12, 12])  # a chunk that is not full, two chunks, and a frame that is missing


def system() -> System:
    """Return a particle without two corners of its box, made as the program makes it: from one that fills the box."""
    full = np.ones(SHAPE)
    whole = (jnp.asarray(full), (jnp.asarray(full), jnp.asarray(full)), jnp.asarray(full))
    rate = np.exp(0.5 * np.random.default_rng(0).standard_normal(SHAPE))
    model = pf.Model(
        pf.Geometry((50.0, 50.0), *whole, pf.ParticleNumbers(full.astype(int))),
        pf.RegularSolution(jnp.asarray(2.8)),
        pf.Reaction(0.1, "skewed_lim", rate=rate),
        gradient_energy=jnp.asarray(900.0),  # so large that neighbours matter
    )
    inside = full.copy()
    inside[0, 0] = inside[-1, -1] = 0.0
    faces = [inside * np.roll(inside, -1, axis) for axis in (0, 1)]
    faces[0][-1], faces[1][:, -1] = 0.0, 0.0
    model = eqx.tree_at(
        lambda m: (m.geometry.inside, m.geometry.open_faces, m.geometry.surface),
        model,
        (
            jnp.where(inside > 0, 1.0, 1e-30),
            tuple(jnp.asarray(face) for face in faces),
            jnp.asarray(inside * 2 / 150.0),
        ),
    )
    seconds = np.append(np.cumsum(np.append(0.0, LENGTHS))[FIRST[:3]], 900.0)
    return System(model, jnp.asarray(seconds), jnp.asarray([1.5e-4, 1.7e-4, 1.6e-4, 1.6e-4]), "rate")


def steps(room: int) -> Steps:
    return Steps(jnp.asarray(np.pad(LENGTHS, (0, room - len(LENGTHS)))), FIRST)


def pushed() -> Pushed:
    rng, cells = np.random.default_rng(1), SHAPE[0] * SHAPE[1]
    start, field = (jnp.asarray(rng.standard_normal((cells, WAYS))) for _ in range(2))
    rate = jnp.asarray(1e-4 * rng.standard_normal((len(FIRST), WAYS)))
    return Pushed(0.1 * start, field, rate, jnp.zeros(0), lambda _: system().model)


def plain(system: System, start: Any, path: Any) -> Any:
    """Return the changes of every frame by one loop over the steps, with the curvature that the model has."""
    given, inside = pushed(), system.model.geometry.inside.ravel()
    share, times = (inside / inside.sum()).astype(np.float32), jnp.append(0.0, jnp.cumsum(jnp.asarray(LENGTHS)))

    def half(now: Any, one: Any) -> Any:
        changes, mean = now
        act, filling = one
        pictures = changes.reshape(*SHAPE, WAYS)
        curved = jax.vmap(system.model.curvature, -1, -1)(pictures).reshape(changes.shape).astype(np.float32)
        moved = act.grown[:, None] * changes - act.answer[:, None] * curved
        moved = moved + act.field[:, None] * given.field.astype(np.float32)
        mean = mean + filling
        changes = moved + act.answer[:, None] * (mean - share @ moved) / (share @ act.answer)
        return (changes, mean), None

    def step(now: Any, number: Any) -> Any:
        when = times[number + jnp.arange(2)]
        acts = module._actions(system, given, path[number + jnp.arange(2)], when)
        now, _ = jax.lax.scan(half, now, (acts, module._filling(system, given, when)))
        return now, now[0]

    start = start.astype(np.float32)
    _, later = jax.lax.scan(step, (start, share @ start), jnp.arange(len(LENGTHS)))
    return jnp.concatenate([start[None], later])[FIRST]


@pytest.fixture(scope="module")
def loads() -> Any:
    size = (len(FIRST), SHAPE[0] * SHAPE[1], WAYS)
    return jnp.asarray(np.random.default_rng(2).standard_normal(size), np.float32)


def run(room: int, loads: Any) -> Any:
    """Return the path, the changes and the gradient of a cost of them."""

    @eqx.filter_jit
    def all_of(system: System, steps: Steps) -> Any:
        path = followed(system, jnp.full(SHAPE, 0.2), steps)
        way = directions(system, path, steps, pushed(), keep=True)
        return path, way.frames, directions_back(system, path, steps, pushed(), way, loads)

    return all_of(system(), steps(room))


@pytest.fixture(scope="module")
def found(loads: Any) -> Any:
    return run(len(LENGTHS), loads)


def test_changes_and_the_way_back_are_those_of_the_plain_recurrence(found: Any, loads: Any) -> None:
    path, frames, by = found
    arrays, rest = eqx.partition(system(), eqx.is_inexact_array)

    @jax.jit
    def cost(arrays: Any, start: Any, path: Any) -> Any:
        changes = plain(eqx.combine(arrays, rest), start, path)
        return jnp.sum(changes * loads), changes

    exact, changes = jax.grad(cost, (0, 1, 2), has_aux=True)(arrays, pushed().start, path)
    assert np.allclose(frames, changes, rtol=0, atol=1e-6 * float(jnp.abs(changes).max()))
    of_model = [lambda s: s.model.gradient_energy, lambda s: s.model.reaction.rate, lambda s: s.model.free_energy.omega]
    pairs = [(where(by[0]), where(exact[0])) for where in (*of_model, lambda s: s.values)]
    for mine, other in (*pairs, (by[1], exact[1]), (by[2], exact[2])):
        # Single precision, over two dozen half steps.
        assert np.linalg.norm(other) > 0
        assert np.linalg.norm(mine - other) < 1e-5 * np.linalg.norm(other)


def test_room_for_more_steps_changes_nothing(found: Any, loads: Any) -> None:
    path, frames, (by_system, by_start, by_path) = run(29, loads)
    count = len(LENGTHS) + 1
    assert np.all(path[count:] == 0)
    assert np.all(by_path[count:] == 0)
    here = jax.tree.leaves((path[:count], frames, by_system, by_start, by_path[:count]))
    for mine, other in zip(here, jax.tree.leaves(found), strict=True):
        assert np.allclose(mine, other, rtol=1e-9, atol=0)
