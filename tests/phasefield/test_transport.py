"""Fluxes through faces."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.errors import OptionError
from lithiscope.phasefield.geometry import pixels

GRID = pixels(np.ones((2, 9), bool), (1.0, 0.5), surface="nowhere")
X = jnp.broadcast_to(jnp.linspace(0.01, 0.99, 9), (2, 9))


def test_ideal_mobility_and_ideal_entropy_are_plain_diffusion_however_steep() -> None:
    ideal = pf.CahnHilliard(7.0).flux(X, jnp.log(X / (1 - X)), GRID)
    plain = pf.Fickian(7.0).flux(X, X, GRID)
    for one, other in zip(ideal, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    assert float(plain[1][0, 0]) == pytest.approx(-7.0 * 0.1225 / 0.5)


def test_closed_faces_carry_nothing() -> None:
    for flux in pf.Fickian(7.0).flux(X, X, GRID)[1], pf.CahnHilliard(7.0, "constant").flux(X, X, GRID)[1]:
        assert not np.any(flux[:, -1])


def test_diffusivity_of_each_axis_and_factor_of_composition() -> None:
    mu = jnp.asarray(np.add.outer([0.0, 1.0], np.arange(9.0)))
    along = pf.CahnHilliard([3.0, 5.0], "constant").flux(X, mu, GRID)
    assert (float(along[0][0, 0]), float(along[1][0, 0])) == pytest.approx((-3.0, -10.0))
    factor = pf.DiffusivityFactor(0.01, 0.5, 0.02)
    assert [float(factor(jnp.asarray(x))) for x in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.1, 0.01])


def test_coefficients_are_those_of_the_flux() -> None:
    plain, curved = pf.CahnHilliard([3.0, 5.0]).coefficients(X, 1 / (X * (1 - X)))
    np.testing.assert_allclose(plain[0], 3.0, rtol=1e-12)
    np.testing.assert_allclose(curved[1], 5 * X * (1 - X))
    assert not np.any(pf.Fickian(2.0).coefficients(X, X)[1][0])
    assert not np.any(pf.NoTransport().coefficients(X, X)[0][0])


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_bad_diffusivity_is_refused(bad: float) -> None:
    for transport in (pf.CahnHilliard, pf.Fickian):
        with pytest.raises(OptionError, match="diffusivity"):
            transport(bad)
