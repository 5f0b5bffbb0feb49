"""Two cycles of multigrid: an inverse good enough for few iterations, on any shape and grid."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import ellipsoid, smoothed
from lithiscope.phasefield.methods import multigrid
from lithiscope.phasefield.methods.krylov import solve
from truth.bulk_models import bulk, notched, start

LENGTH = jnp.asarray(1.0)


def disc(cells: int) -> pf.Model:
    """Phases side by side in a smoothed disc of 10 nm radius; cells a radius."""
    h = 10.0 / cells
    geometry = smoothed(ellipsoid((10.0, 8.0), h).distance, h)
    transport = pf.CahnHilliard(300.0)
    return pf.Model(geometry, pf.RegularSolution(2.6), pf.Reaction(0.05), transport, gradient_energy=20.0)


@eqx.filter_jit
def iterations(model: pf.Model, x: Any) -> Any:
    """Iterations to 1e-6, and whether they ended."""
    potential = jnp.asarray(0.2)
    slope, linear = jax.linearize(lambda y: model.rates(y, potential=potential).change, x)
    inverse = multigrid.precondition(model, x, LENGTH)
    found, count = solve(lambda u: u - LENGTH * linear(u), slope, inverse, relative=1e-6, most=100)
    return jnp.where(jnp.isfinite(found).all(), count, 1000)


def test_iterations_are_few_and_hardly_grow_with_the_grid() -> None:
    counts = []
    for cells in (4, 8):
        model = disc(cells)
        place = np.indices(model.geometry.shape)[0] / cells
        x = jnp.where(model.geometry.active, jnp.asarray(0.5 + 0.3 * np.sin(3 * place)), 0.0)
        counts.append(int(iterations(model, x)))
    # Without it a twice finer grid takes four times as many.
    assert counts[0] < 30
    assert counts[1] < 2 * counts[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"transport": pf.Fickian(30.0), "free_energy": pf.RegularSolution(1.0), "gradient_energy": 0.0},
        {"free_energy": pf.RegularSolution(1.0), "gradient_energy": 0.0},
        {"mask": notched((7, 6, 5)), "gradient_energy": [20.0, 30.0, 40.0]},
    ],
    ids=["phases", "diffusion", "no gradient energy", "three dimensions"],
)
def test_transpose_is_the_transpose_and_the_outside_is_left_alone(changes: dict) -> None:
    model = bulk(**changes)
    rng = np.random.default_rng(0)
    first, second = (jnp.asarray(rng.standard_normal(model.geometry.shape)) for _ in range(2))

    @jax.jit
    def both(first: Any, second: Any) -> Any:
        inverse, transposed = multigrid.precondition(model, start(model), LENGTH)
        return transposed(first), inverse(second)

    back, there = both(first, second)
    assert float(jnp.vdot(first, there)) == pytest.approx(float(jnp.vdot(back, second)), rel=1e-10)
    outside = ~model.geometry.active
    np.testing.assert_array_equal(there[outside], second[outside])


def test_level_is_symmetric_and_coarser_levels_keep_the_mass() -> None:
    geometry = disc(4).geometry
    levels = multigrid._hierarchy(geometry.inside, geometry.open_faces)
    one = jnp.ones_like(geometry.inside)
    np.testing.assert_allclose(jnp.where(geometry.active, levels[0](one), 0.0), geometry.inside, atol=1e-14)
    masses = [
        float((level.diagonal - sum(level.after) - sum(level.before))[level.diagonal != 1].sum()) for level in levels
    ]
    sizes = 4.0 ** np.arange(len(levels))
    np.testing.assert_allclose(np.array(masses) * sizes, masses[0], rtol=1e-12)
