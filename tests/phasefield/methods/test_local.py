"""The linearly implicit method for cells on their own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.system import System

SHAPE = (5, 4)


def _model(transport: pf.Transport | None = None) -> pf.Model:
    ones = np.ones(SHAPE)
    faces = [ones.copy(), ones.copy()]
    faces[0][-1], faces[1][:, -1] = 0.0, 0.0
    geometry = pf.Geometry(
        (50.0, 50.0),
        jnp.asarray(ones),
        (jnp.asarray(faces[0]), jnp.asarray(faces[1])),
        jnp.asarray(ones / 75),
        pf.ParticleNumbers(ones.astype(int)),
    )
    rate = np.exp(0.5 * np.random.default_rng(0).standard_normal(SHAPE))
    reaction = pf.Reaction(0.01, "skewed_lim", rate=rate)
    strain = pf.Coherent(jnp.asarray(1.0))
    return pf.Model(
        geometry, pf.RegularSolution(3.0), reaction, transport, strain, gradient_energy=8.83, allow_unresolved=True
    )


def _ends(system: System, start: float, seconds: float, steps: tuple[int, ...]) -> list[State]:
    x = jnp.full(SHAPE, start)

    @jax.jit
    def run(count: Any) -> State:
        method, length = pf.LocalRosenbrock(), seconds / count

        def step(_: Any, now: Any) -> Any:
            time, state, rates = now
            after, _, there = method.step(system, time, length, state, rates)
            return time + length, after, there

        begin = (jnp.zeros(()), State(x, jnp.zeros(())), system.rates(jnp.zeros(()), x))
        return jax.lax.fori_loop(0, count, step, begin)[1]

    return [run(count) for count in steps]


@pytest.mark.parametrize(
    ("part", "start"),
    [
        (pf.constant_current(0.5, seconds=4000.0).parts[0], 0.3),
        (pf.constant_potential(3.38, 4000.0).parts[0], 0.3),
    ],
)
def test_third_order_and_balanced(part: pf.Part, start: float) -> None:
    system = System.of(_model(), part)
    ends = _ends(system, start, 1000.0, (20, 40, 640))
    errors = [float(jnp.abs(one.x - ends[-1].x).max()) for one in ends[:-1]]
    assert np.log2(errors[0] / errors[1]) > 2.6  # nominal 3, approached from below as the steps get shorter
    for one in ends:
        assert float(one.x.mean()) - start - float(one.exchanged) == pytest.approx(0.0, abs=1e-13)


def test_the_same_as_the_explicit_method() -> None:
    model, protocol = _model(), pf.constant_current(-0.5, seconds=3000.0)
    runs = [
        pf.simulate(model, protocol, 4, initial=0.9, method=method, controller=pf.Controller(1e-6))
        for method in (pf.LocalRosenbrock(), pf.BogackiShampine())
    ]
    difference = np.asarray(runs[0].final - runs[1].final)
    assert np.abs(difference).max() < 1e-4  # some hundred steps of 1e-6 each


def test_transport_is_refused() -> None:
    reason = pf.LocalRosenbrock().refusal(_model(pf.CahnHilliard(100.0)))
    assert reason is not None
    assert "between the cells" in reason
