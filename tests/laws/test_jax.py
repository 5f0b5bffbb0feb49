"""The same laws on arrays of JAX: equal values, and derivatives that agree with the analytic ones."""

import numpy as np
import pytest

from lithiscope.laws import (
    UniformState,
    chemical_potential,
    exchange_current,
    exchange_law,
    growth_rate,
    net_rate,
    neutral_current,
    over_linear,
    overpotential,
    reaction_law,
)

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")


@pytest.fixture(autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


X = np.linspace(0.0, 1.0, 21)
EXCHANGE = [
    exchange_law("skewed_cogswell_bazant", omega=4.49),
    exchange_law("skewed_lim"),
    exchange_law("symmetric"),
    exchange_law("constant"),
    exchange_law("coupled_ion_electron", reorganisation=8.3),
    exchange_law("coupled_ion_electron", reorganisation=8.3, exact=True),
]
POTENTIAL = [
    chemical_potential("regular_solution", omega=4.49),
    chemical_potential("redlich_kister", coefficients=[3.0, 0.2, 0.1]),
    chemical_potential("legendre", coefficients=[0.0, 3.0, 0.2, 0.1]),
    chemical_potential("table", x=X, mu=np.sin(5 * X)),
]
REACTION = [
    reaction_law("linear"),
    reaction_law("butler_volmer"),
    reaction_law("butler_volmer", alpha=0.3),
    reaction_law("marcus", reorganisation=8.3),
    reaction_law("marcus_hush_chidsey", reorganisation=8.3),
    reaction_law("marcus_hush_chidsey", reorganisation=8.3, exact=True),
    reaction_law("coupled_ion_electron", reorganisation=8.3),
]


@pytest.mark.parametrize("law", [*EXCHANGE, *POTENTIAL], ids=lambda law: law.name)
def test_functions_of_composition(law):
    values, slopes = law(jnp.asarray(X)), law.slope(jnp.asarray(X))
    assert isinstance(values, jax.Array)
    np.testing.assert_allclose(values, law(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(slopes, law.slope(X), rtol=1e-12, atol=1e-13)
    inner = jnp.asarray(X[1:-1] + 0.003)
    np.testing.assert_allclose(jax.vmap(jax.grad(law))(inner), law.slope(np.asarray(inner)), rtol=1e-10, atol=1e-10)
    assert np.isfinite(jax.vmap(jax.grad(law))(jnp.array([-0.1, 0.0, 1.0, 1.1]))).all()


@pytest.mark.parametrize("law", REACTION, ids=lambda law: law.name)
def test_reaction_laws(law):
    eta, x = np.linspace(-8, 8, 17), 0.3
    np.testing.assert_allclose(net_rate(jnp.asarray(eta), law, x=x), net_rate(eta, law, x=x), rtol=1e-12, atol=1e-14)
    slope = jax.vmap(jax.grad(lambda e: net_rate(e, law, x=x)))(jnp.asarray(eta))
    np.testing.assert_allclose(slope, law.slope(eta, x), rtol=1e-10, atol=1e-12)
    rate = 0.9 * net_rate(eta, law, x=x)
    back = jax.jit(lambda r: overpotential(r, law, x=x))(jnp.asarray(rate))
    np.testing.assert_allclose(back, overpotential(rate, law, x=x), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("law", REACTION[2:], ids=lambda law: law.name)
def test_derivative_of_the_inverse_is_one_over_the_slope(law):
    eta = jnp.asarray(np.array([-4.0, -0.3, 0.5, 3.0]))
    rate = net_rate(eta, law, x=0.3)
    slope = jax.vmap(jax.grad(lambda r: overpotential(r, law, x=0.3)))(rate)
    np.testing.assert_allclose(slope, 1 / law.slope(np.asarray(eta), 0.3), rtol=1e-9)


def test_parameters_can_be_learned():
    def by_alpha(alpha):
        return overpotential(jnp.asarray(3.0), reaction_law("butler_volmer", alpha=alpha))

    h = 1e-5
    difference = (by_alpha(0.4 + h) - by_alpha(0.4 - h)) / (2 * h)
    assert float(jax.grad(by_alpha)(0.4)) == pytest.approx(float(difference), rel=1e-7)

    def by_reorganisation(value, name):
        return net_rate(jnp.asarray(4.0), reaction_law(name, reorganisation=value), x=0.4)

    for name in ("marcus", "marcus_hush_chidsey", "coupled_ion_electron"):
        difference = (by_reorganisation(8.0 + h, name) - by_reorganisation(8.0 - h, name)) / (2 * h)
        assert float(jax.grad(by_reorganisation)(8.0, name)) == pytest.approx(float(difference), rel=1e-6)

    slope = jax.grad(lambda a: chemical_potential("legendre", coefficients=[0.0, a])(0.2))(3.0)
    assert float(slope) == pytest.approx(0.6)  # P_1(1 - 2x)


def test_conversion_and_stability():
    eta, x = jnp.asarray(np.array([-1.0, 0.0, 2.0])), jnp.asarray(np.array([0.2, 0.5, 0.8]))
    for ours, theirs in zip(exchange_current(0.1, eta), exchange_current(0.1, np.asarray(eta)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose(over_linear(eta), over_linear(np.asarray(eta)), rtol=1e-12)
    state = UniformState(EXCHANGE[0], POTENTIAL[0], strain=3.73)
    np.testing.assert_allclose(growth_rate(x, 0.3, state), growth_rate(np.asarray(x), 0.3, state), rtol=1e-12)
    np.testing.assert_allclose(neutral_current(x, state), neutral_current(np.asarray(x), state), rtol=1e-12)
