"""Elimination by planes against dense inverses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.methods import blocks
from truth.bulk_models import bulk, notched, start


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"transport": pf.Fickian(30.0), "free_energy": pf.RegularSolution(1.0), "gradient_energy": 0.0},
        {"transport": pf.CahnHilliard(30.0, factor=pf.DiffusivityFactor(0.1, 0.5, 0.1))},
        {"mask": notched((4, 5, 6)), "gradient_energy": [20.0, 30.0, 40.0]},
    ],
    ids=["phases", "diffusion", "factor", "three dimensions"],
)
def test_inverse_is_exact_where_nothing_acts_at_a_distance(changes: dict) -> None:
    model = bulk(**changes)
    x, length, v = start(model), jnp.asarray(3.0), jnp.asarray(0.2)
    values = jnp.asarray(np.random.default_rng(0).standard_normal(x.shape))

    @jax.jit
    def found() -> tuple[jax.Array, ...]:
        inverse, transposed = blocks.precondition(model, x, model.rates(x, potential=v), length)
        return jax.jacfwd(lambda y: model.rates(y, potential=v).change)(x), inverse(values), transposed(values)

    jacobian, there, back = found()
    dense = np.linalg.inv(np.eye(x.size) - length * jacobian.reshape(x.size, x.size))
    np.testing.assert_allclose(there.ravel(), dense @ values.ravel(), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(back.ravel(), dense.T @ values.ravel(), rtol=1e-8, atol=1e-9)


def test_planes_lie_across_the_longest_side_of_the_particle() -> None:
    layout = blocks.Layout.of(bulk(notched((8, 13))))
    assert (layout.axis, layout.reach, layout.shape, layout.unknowns) == (1, 2, (11, 6), 12)
