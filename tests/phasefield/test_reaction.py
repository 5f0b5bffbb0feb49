"""Reaction at the surface: parameters, film, tables."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.errors import OptionError

X = jnp.linspace(0.1, 0.9, 7)
ETA = jnp.linspace(-6, 6, 7)


def test_current_is_rate_times_exchange_times_law() -> None:
    reaction = pf.Reaction(0.2, "symmetric", rate=3.0)
    exchange = reaction.exchange_density(X)
    np.testing.assert_allclose(exchange, 0.6 * laws.exchange_law("symmetric")(X), rtol=1e-14)
    np.testing.assert_allclose(reaction.current(ETA, X, exchange)[0], exchange * 2 * np.sinh(ETA / 2), rtol=1e-13)


@pytest.mark.parametrize("resistance", [0.01, 1.0, 100.0])
def test_film_takes_its_share_of_the_overpotential(resistance: float) -> None:
    reaction = pf.Reaction(0.2, film_resistance=resistance)
    exchange = reaction.exchange_density(X)
    current, slope = reaction.current(ETA, X, exchange)
    inner = ETA - resistance * current / laws.thermal_voltage()
    np.testing.assert_allclose(current, exchange * 2 * jnp.sinh(inner / 2), rtol=1e-9, atol=1e-12)
    derivative = jax.vmap(jax.grad(lambda eta, x, e: reaction.current(eta, x, e)[0]))(ETA, X, exchange)
    np.testing.assert_allclose(slope, derivative, rtol=1e-9)


def test_film_has_a_second_derivative() -> None:
    reaction = pf.Reaction(0.2, film_resistance=1.0)

    def slope(eta: jax.Array) -> jax.Array:
        return reaction.current(eta, jnp.asarray(0.4), jnp.asarray(0.1))[1]

    second = jax.grad(jax.grad(lambda eta: reaction.current(eta, jnp.asarray(0.4), jnp.asarray(0.1))[0]))(1.5)
    assert float(second) == pytest.approx((float(slope(1.5 + 1e-5)) - float(slope(1.5 - 1e-5))) / 2e-5, rel=1e-6)


def test_table_of_exchange_goes_through_its_points() -> None:
    table = pf.ExchangeTable([0.0, 0.5, 1.0], np.log([0.1, 1.0, 0.2]))
    reaction = pf.Reaction(2.0, table)
    np.testing.assert_allclose(reaction.exchange_density(jnp.asarray([0.0, 0.25, 1.0])), [0.2, 2 * 0.1**0.5, 0.4])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"exchange_current": np.nan}, "exchange_current"),
        ({"exchange_current": -1.0}, "exchange_current"),
        ({"rate": np.array([1.0, np.nan])}, "rate"),
        ({"film_resistance": -1.0}, "film_resistance"),
        ({"law": "no such law"}, "no such law"),
    ],
)
def test_bad_parameters_are_refused_by_name(changes: dict, field: str) -> None:
    with pytest.raises(OptionError, match=field):
        pf.Reaction(**({"exchange_current": 0.1} | changes))
