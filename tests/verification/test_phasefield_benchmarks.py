"""The published problems of phase field hold, and the checks would notice if they did not."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.verification import phasefield_benchmarks as benchmarks


def test_electrostatic_problem_and_growth() -> None:
    rows = [*benchmarks.electrostatic_rows(), *benchmarks.growth_rows()]
    assert [f"{row.claim}: {row.measured}" for row in rows if row.verdict == "fail"] == []
    assert len({row.claim for row in rows}) == len(rows) == 6


def test_poisson_of_a_linear_potential() -> None:
    # Without charge and with the same value all along the right side the potential is linear, whatever the grid.
    cells, step = 8, 0.5
    found = benchmarks._poisson(np.zeros((cells, cells)), step, np.ones(cells))
    expected = np.broadcast_to((np.arange(cells) + 0.5) / cells, (cells, cells))
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_spectral_energy_of_one_wave() -> None:
    model = benchmarks.separation_model(32)
    k, amplitude = 2 * np.pi * 3 / 200, 1e-3
    x = 0.3 + amplitude * np.cos(k * np.arange(32) * 200 / 32) * np.ones((32, 1))
    local = float(model.geometry.cell_volume * jnp.sum(model.free_energy.density(jnp.asarray(x))))
    gradient = 0.5 * 2.0 * (amplitude * k) ** 2 / 2 * 200**2
    assert benchmarks.spectral_energy(model, x) == pytest.approx(local + gradient, rel=1e-10)


def test_the_manufactured_front_solves_the_equation_with_its_source() -> None:
    # The rates of the exact front are those of its own motion, up to differences of second order.
    now, little, misses = jnp.asarray(3.0), 1e-4, []
    for cells in (200, 400):
        problem = benchmarks._manufactured(cells)
        place = benchmarks._places(problem.model.geometry)
        rates = problem.rates(now, benchmarks._front(*place, now)).change
        motion = (benchmarks._front(*place, now + little) - benchmarks._front(*place, now - little)) / (2 * little)
        misses.append(float(jnp.sqrt(jnp.mean((rates - motion) ** 2))))
    assert misses[0] / misses[1] == pytest.approx(4, rel=0.05)


@pytest.mark.long
def test_every_claim_holds() -> None:
    rows = list(benchmarks.rows(False))
    assert [f"{row.claim}: {row.measured}" for row in rows if row.verdict == "fail"] == []


def test_start_is_that_of_the_problem() -> None:
    assert isinstance(benchmarks.separation_model(16), pf.Model)
    assert benchmarks.separation_start(16)[0, 0] == pytest.approx(0.53)
