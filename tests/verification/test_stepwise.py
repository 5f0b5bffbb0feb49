"""Energy and order, step by step: on runs whose answer is known."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import pixels
from lithiscope.phasefield.system import System
from lithiscope.verification.stepwise import every_step, falling_row, order_in_time, rise_of_energy


def platelet() -> pf.Model:
    geometry = pixels(np.ones((2, 3), bool), 50.0, surface="everywhere", thickness=150.0)
    return pf.Model(geometry, pf.RegularSolution(1.0), pf.Reaction(0.05, "symmetric", "linear"))


def uneven() -> jnp.ndarray:
    return jnp.asarray([[0.2, 0.5, 0.4], [0.6, 0.3, 0.7]])


def test_every_step_keeps_the_steps_and_their_times() -> None:
    plan = pf.Plan((0, 0, 1), np.array([0.0, 3.0, 0.0]), (np.array([1.0, 2.0]), np.array([4.0]), np.array([5.0, 6.0])),
                   np.array([True, False, True]))  # fmt: skip
    one = every_step(plan)
    assert one.parts == (0, 0, 0, 1, 1)
    np.testing.assert_array_equal(one.starts, [0, 1, 3, 0, 5])
    np.testing.assert_array_equal(np.concatenate(one.lengths), [1, 2, 4, 5, 6])
    assert one.output.all()
    assert len(one.output) == 5


def test_the_energy_falls_at_rest_and_rises_where_a_current_is_forced_in() -> None:
    model = platelet()
    rise, steps = rise_of_energy(model, pf.rest(20000.0), uneven(), controller=pf.Controller(1e-6))
    assert rise < 0
    assert steps > 5
    row = falling_row("filled", model, pf.constant_current(1.0, seconds=600.0), 0.7)
    assert row.verdict == "fail", "above half, filling an ideal mixture costs free energy"


def test_the_energy_is_looked_at_between_frames_too() -> None:
    # Up to full charge and back again, one frame at each end, between which nothing has changed.
    model = platelet()
    there_and_back = pf.constant_current(1.0, seconds=600.0) + pf.constant_current(-1.0, seconds=600.0)
    rise, _ = rise_of_energy(model, there_and_back, 0.6)
    assert rise > 1e-3


@pytest.mark.parametrize(("method", "order"), [(pf.BogackiShampine(), 3), (pf.LocalRosenbrock(), 3)])
def test_order_of_cells_that_even_out(method: pf.Method, order: int) -> None:
    system = System.of(platelet(), pf.rest(4000.0).parts[0])
    assert order_in_time(system, method, uneven(), 4000.0, 16) == pytest.approx(order, abs=0.3)
