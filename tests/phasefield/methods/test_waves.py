"""Constant coefficients on the whole box: exact there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import pixels
from lithiscope.phasefield.methods import waves
from truth.bulk_models import bulk


@pytest.mark.parametrize("periodic", [(False, False), (True, True), (False, True)])
@pytest.mark.parametrize("transport", [pf.CahnHilliard([7.0, 2.0]), pf.Fickian([7.0, 2.0])])
def test_inverse_is_exact_on_a_filled_box_of_even_composition(periodic: tuple, transport: pf.Transport) -> None:
    geometry = pixels(np.ones((6, 5), bool), (1.0, 1.5), surface="nowhere", periodic=periodic)
    kappa = 0.0 if isinstance(transport, pf.Fickian) else [3.0, 5.0]
    model = pf.Model(geometry, pf.RegularSolution(1.0), None, transport, gradient_energy=kappa)
    x = jnp.full((6, 5), 0.3)
    jacobian = jax.jacfwd(lambda y: model.rates(y).change)(x).reshape(30, 30)
    dense = np.linalg.inv(np.eye(30) - 4.0 * jacobian)
    inverse, transposed = waves.precondition(model, x, jnp.asarray(4.0), periodic)
    values = jnp.asarray(np.random.default_rng(0).standard_normal(x.shape))
    np.testing.assert_allclose(inverse(values).ravel(), dense @ values.ravel(), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(transposed(values), inverse(values))


def test_spinodal_composition_does_not_make_it_singular() -> None:
    model = bulk(gradient_energy=20.0)
    inverse, _ = waves.precondition(model, jnp.full((7, 6), 0.5), jnp.asarray(1e3), (False, False))
    size = np.linalg.norm(inverse(jnp.asarray(np.random.default_rng(0).standard_normal((7, 6)))))
    assert 0 < size < np.sqrt(42) * 2
