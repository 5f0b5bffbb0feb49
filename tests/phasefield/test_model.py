"""The equation: balance, energy, and what is refused."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import phasefield as pf
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.geometry import pixels
from truth.bulk_models import bulk, notched, start


def test_potential_is_the_derivative_of_the_energy() -> None:
    model = bulk(elasticity=pf.Coherent(1.0), offset=0.3)
    x = start(model)
    slope = jax.grad(model.energy)(x)
    np.testing.assert_allclose(slope, model.chemical_potential(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("control", [{"rate": jnp.asarray(1e-3)}, {"potential": jnp.asarray(0.5)}])
def test_faces_give_what_they_take(control: dict) -> None:
    model = bulk()
    rates = model.rates(start(model), **control)
    assert float(model.geometry.mean(rates.change)) == pytest.approx(float(rates.insertion), rel=1e-9)
    if "rate" in control:
        assert float(rates.insertion) == pytest.approx(1e-3, rel=1e-12)


def test_relaxation_lowers_the_energy() -> None:
    for model, control in ((bulk(reaction=None), {}), (bulk(), {"rate": jnp.zeros(())})):
        x = start(model)
        rates = model.rates(x, **control)
        power = model.geometry.total(rates.mu * rates.change)
        assert float(power) < 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plateau", 3400.0),
        ("site_density", 13.8),
        ("temperature", 25.0),
        ("gradient_energy", np.nan),
        ("offset", np.inf),
        ("offset", 1e6),
    ],
)
def test_absurd_units_and_nan_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=name):
        bulk(**{name: value})


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e10, 1e20])
def test_nouns_refuse_absurd_numbers_by_name(bad: float) -> None:
    nouns = {
        "omega": pf.RegularSolution,
        "coefficients": lambda value: pf.RedlichKister([1.0, value]),
        "penalty": pf.Coherent,
        "diffusivity": pf.Fickian,
        "exchange_current": pf.Reaction,
        "rate": lambda value: pf.Reaction(1.0, rate=[1.0, value]),
        "film_resistance": lambda value: pf.Reaction(1.0, film_resistance=value),
    }
    for name, make in nouns.items():
        with pytest.raises(OptionError, match=name):
            make(bad)
    with pytest.raises(OptionError, match="reorganisation"):
        pf.Law("reaction", "marcus", reorganisation=np.nan)


def test_combinations_that_make_no_sense_are_refused() -> None:
    nowhere = pixels(notched(), 2.0, surface="nowhere")
    with pytest.raises(OptionError, match="nothing happens"):
        bulk(reaction=None, transport=None)
    with pytest.raises(OptionError, match="no cell reacts"):
        pf.Model(nowhere, pf.RegularSolution(1.0), pf.Reaction(0.1), pf.Fickian(1.0))
    with pytest.raises(OptionError, match="never change"):
        bulk(np.pad(np.ones((5, 5), bool), 1), transport=None)


def test_interface_thinner_than_three_cells_is_refused_unless_asked_for() -> None:
    with pytest.raises(AnalysisError, match="thinner than the cells"):
        bulk(gradient_energy=0.1)
    assert bulk(gradient_energy=0.1, allow_unresolved=True).allow_unresolved


def test_nothing_happens_outside() -> None:
    model = bulk()
    rates = eqx.filter_jit(model.rates)(start(model), rate=jnp.asarray(1e-3))
    for values in (rates.change, rates.current, rates.mu):
        assert not np.any(np.asarray(values)[~model.geometry.active])
