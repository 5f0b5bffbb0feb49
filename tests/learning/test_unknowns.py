"""Unknowns of the laws."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.learning.priors import smooth
from lithiscope.learning.unknowns import ExchangeCurve, ExchangeFactor, Factor, PotentialCurve, Share, placed


def _model() -> pf.Model:
    ones = np.ones((2, 3))
    faces = (jnp.asarray(np.array([[1.0] * 3, [0.0] * 3])), jnp.asarray(np.array([[1.0, 1.0, 0.0]] * 2)))
    geometry = pf.Geometry((50.0, 50.0), jnp.asarray(ones), faces, jnp.asarray(ones / 75), pf.ParticleNumbers(ones))
    law = pf.Law("reaction", "butler_volmer", alpha=jnp.asarray(0.4))
    return pf.Model(geometry, pf.Legendre([0.0, 3.0]), pf.Reaction(0.02, law=law), gradient_energy=jnp.asarray(8.0))


def test_the_curve_has_the_correlation_that_it_states() -> None:
    curve = ExchangeCurve("symmetric", amplitude=0.7, length=0.3, level=1.5, power=0.0)
    x = np.linspace(0.01, 0.99, 21)
    rows = curve.values(x)
    expected = 0.7**2 * smooth(x[:, None] - x[None], 0.3) + 1.5**2
    # Eight modes hold 99.99 % of this prior's variance.
    assert np.allclose(rows @ rows.T, expected, atol=1e-4)


def test_a_factor_without_terms_is_the_law_itself() -> None:
    law = laws.exchange_law("skewed_lim")
    x = jnp.linspace(0.05, 0.95, 7)
    assert np.allclose(ExchangeFactor(law.name, jnp.zeros(4), jnp.zeros(2)).build()(x), law.value(x))
    twice = ExchangeFactor(law.name, jnp.array([np.log(2.0), 0.0, 0.3]), jnp.zeros(2)).build()(x)
    third = np.polynomial.legendre.legval(1 - 2 * np.asarray(x), [np.log(2.0), 0.0, 0.3])
    assert np.allclose(twice, law.value(x) * np.exp(third))


def test_a_power_of_1_x_turns_the_symmetric_law_into_the_skewed_one() -> None:
    curve = ExchangeCurve("symmetric", level=2.0, power=0.5)
    x = np.linspace(0.02, 0.98, 25)
    z = np.zeros(curve.size)
    z[0], z[-1] = 0.4, 2.0
    found = np.asarray(curve.factor(jnp.asarray(z)).build()(jnp.asarray(x)))
    # 3 (1-x) sqrt(x(1-x)) over 2 sqrt(x(1-x)); its mean over x goes into the level.
    expected = laws.exchange_law("skewed_lim").value(x) * 2 / 3 * np.exp(2.0 * 0.4 + 1)
    assert np.allclose(found, expected)
    assert np.allclose(np.log(found / laws.exchange_law("symmetric").value(x)), curve.values(x) @ z)


def test_unknowns_are_placed_one_after_the_other() -> None:
    model = _model()
    potential = PotentialCurve(jnp.array([3.0, 0.0]), jnp.array([2.0, 1.0]))
    kappa = Factor("gradient energy", lambda m: m.gradient_energy, 0.5)
    alpha = Share("alpha", lambda m: m.reaction.law.parameters["alpha"], 1.0)  # type: ignore[union-attr]
    found = placed((potential, kappa, alpha), model, jnp.array([0.5, -1.0, 2.0, 1.0]))
    assert np.allclose(found.free_energy.coefficients, [0.0, 4.0, -1.0])  # type: ignore[attr-defined]
    assert found.gradient_energy == pytest.approx(8.0 * np.e)
    logit = np.log(0.4 / 0.6) + 1.0
    assert found.reaction.law.parameters["alpha"] == pytest.approx(1 / (1 + np.exp(-logit)))  # type: ignore[union-attr]
    assert potential.names + kappa.names + alpha.names == ("mu term 1", "mu term 2", "gradient energy", "alpha")
