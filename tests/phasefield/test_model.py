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


TABLE = pf.TabulatedVoltage([0.0, 0.5, 1.0], [4.2, 3.9, 3.6], 3.9)
PLATELET = pixels(np.ones((2, 3), bool), 50.0, surface="everywhere", thickness=150.0)
ROW = pixels(np.ones((1, 20), bool), 2.0, surface="nowhere")
STEP = jnp.asarray(np.where(np.arange(20) < 10, 0.02, 0.98)[None])


def test_the_plateau_is_that_of_the_free_energy_where_it_has_one() -> None:
    assert float(pf.Model(PLATELET, TABLE, pf.Reaction(0.05)).plateau) == 3.9
    assert float(pf.Model(PLATELET, pf.RegularSolution(2.0), pf.Reaction(0.05)).plateau) == 3.422
    for plateau in ({}, {"plateau": 3.9}):
        model = pf.Model(PLATELET, TABLE, pf.Reaction(0.05), **plateau)
        run = pf.simulate(model, pf.rest(10.0), 2, initial=0.5)
        assert run.record["voltage_volt"].values[-1] == pytest.approx(3.9, abs=1e-12)


@pytest.mark.parametrize(("name", "here"), [("plateau", 3.422), ("temperature", 350.0)])
def test_a_table_made_with_another_constant_is_refused_with_both_values(name: str, here: float) -> None:
    with pytest.raises(OptionError) as caught:
        pf.Model(PLATELET, TABLE, pf.Reaction(0.05), **{name: here})
    assert caught.value.field == name
    assert f"{here:g}" in str(caught.value.limit)
    assert {"plateau": "3.9", "temperature": "298.15"}[name] in str(caught.value.value)
    assert "same" in str(caught.value.remedy)


def test_constants_without_a_value_yet_are_not_compared() -> None:
    def volt(plateau: jax.Array) -> jax.Array:
        model = pf.Model(PLATELET, TABLE, pf.Reaction(0.05), plateau=plateau, temperature=plateau * 100)
        return model.plateau * model.thermal_voltage()

    assert np.isfinite(jax.grad(volt)(jnp.asarray(3.5)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gradient_energy": 8.83}, "gradient_energy"),
        ({"elasticity": pf.Coherent(3.37)}, "elasticity"),
        ({"offset": np.linspace(0.0, 1.0, 20)[None]}, "offset"),
        ({"free_energy": pf.RegularSolution(2.1)}, "free_energy"),
        ({"free_energy": pf.DoubleWell(5.0)}, "free_energy"),
    ],
)
def test_what_does_not_act_on_plain_diffusion_is_refused_with_it_and_taken_without(changes: dict, field: str) -> None:
    given = {"free_energy": pf.RegularSolution(1.9), "reaction": None} | changes
    with pytest.raises(OptionError) as caught:
        pf.Model(ROW, transport=pf.Fickian(1.0), **given)
    assert caught.value.field == field
    assert "CahnHilliard" in str(caught.value.remedy)
    pf.Model(ROW, transport=pf.CahnHilliard(1.0), allow_unresolved=True, **given)


@pytest.mark.parametrize("free_energy", [pf.RegularSolution(2.0), pf.RegularSolution(-3.0), TABLE])
def test_plain_diffusion_lowers_the_free_energy_of_every_solid_solution_that_is_taken(
    free_energy: pf.FreeEnergy,
) -> None:
    model = pf.Model(ROW, free_energy, None, pf.Fickian(1.0), offset=0.4)
    energy = pf.simulate(model, pf.rest(50.0), 6, initial=STEP).record["free_energy"].values
    assert np.all(np.diff(energy) < 0)


def test_particles_with_a_shift_of_their_own_may_diffuse() -> None:
    two = pixels(np.ones((1, 4), bool), 2.0, surface="nowhere", label=np.array([[1, 1, 2, 2]]))
    pf.Model(two, pf.RegularSolution(1.0), None, pf.Fickian(1.0), offset=np.array([[0.0, 0.0, 1.0, 1.0]]))


def test_interface_thinner_than_three_cells_is_refused_unless_asked_for() -> None:
    with pytest.raises(AnalysisError, match="thinner than the cells"):
        bulk(gradient_energy=0.1)
    assert bulk(gradient_energy=0.1, allow_unresolved=True).allow_unresolved


def test_nothing_happens_outside() -> None:
    model = bulk()
    rates = eqx.filter_jit(model.rates)(start(model), rate=jnp.asarray(1e-3))
    for values in (rates.change, rates.current, rates.mu):
        assert not np.any(np.asarray(values)[~model.geometry.active])
