"""The common voltage: it carries the current, for every law, with derivatives of first and second order."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.phasefield.voltage import voltage_for

LAWS = {
    "linear": pf.Reaction(0.1, law="linear"),
    "symmetric": pf.Reaction(0.1),
    "alpha": pf.Reaction(0.1, law=pf.Law("reaction", "butler_volmer", alpha=0.3)),
    "marcus": pf.Reaction(0.1, law=pf.Law("reaction", "marcus", reorganisation=20.0)),
    "hush": pf.Reaction(0.1, law=pf.Law("reaction", "marcus_hush_chidsey", reorganisation=8.0)),
    "film": pf.Reaction(0.1, film_resistance=0.05),
    "film and alpha": pf.Reaction(0.1, law=pf.Law("reaction", "butler_volmer", alpha=0.6), film_resistance=0.05),
}
RNG = np.random.default_rng(3)
X, MU, WEIGHT = (jnp.asarray(RNG.uniform(low, high, 9)) for low, high in ((0.1, 0.9), (-2, 2), (0.5, 1.5)))


def root(reaction: pf.Reaction, mu: jax.Array, target: jax.Array) -> jax.Array:
    return voltage_for(reaction, mu, X, reaction.exchange_density(X), WEIGHT, target, jnp.zeros(()))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("target", [-0.3, 0.0, 0.2])
def test_cells_together_carry_the_current(law: str, target: float) -> None:
    reaction = LAWS[law]
    v = root(reaction, MU, jnp.asarray(target))
    current = reaction.current(v + MU, X, reaction.exchange_density(X))[0]
    assert float(jnp.sum(WEIGHT * current)) == pytest.approx(target, abs=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_even_shift_of_the_potential_shifts_the_voltage_by_as_much(law: str) -> None:
    target = jnp.asarray(0.1)
    assert float(root(LAWS[law], MU + 0.7, target)) == pytest.approx(float(root(LAWS[law], MU, target)) - 0.7, abs=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_first_and_second_derivatives_are_those_of_finite_differences(law: str) -> None:
    direction = jnp.asarray(RNG.standard_normal(9))

    def along(s: jax.Array) -> jax.Array:
        return root(LAWS[law], MU + s * direction, 0.1 + 0.05 * s)

    h, zero = 1e-3, jnp.zeros(())
    values = [float(along(jnp.asarray(k * h))) for k in (-2, -1, 0, 1, 2)]
    first = np.dot(values, [1, -8, 0, 8, -1]) / (12 * h)
    second = np.dot(values, [-1, 16, -30, 16, -1]) / (12 * h * h)
    assert float(jax.grad(along)(zero)) == pytest.approx(first, rel=1e-8)
    # Round-off 1e-15/h2 = 1e-9, truncation h^4.
    assert float(jax.grad(jax.grad(along))(zero)) == pytest.approx(second, rel=1e-5, abs=1e-7)


def test_current_beyond_the_turning_point_of_marcus_is_nan() -> None:
    assert np.isnan(root(LAWS["marcus"], MU, jnp.asarray(1e6)))
