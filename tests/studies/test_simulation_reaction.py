"""What a simulation recipe says about the reaction, against the laws themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope import laws
from lithiscope.errors import OptionError
from lithiscope.materials import material
from lithiscope.phasefield import LocalRosenbrock
from lithiscope.studies.simulation import run_case, simulate_recipe
from lithiscope.studies.simulation_cases import cases
from lithiscope.studies.simulation_model import model_of_recipe, reaction_of_recipe
from lithiscope.studies.simulation_recipe import SimulationRecipe, load_simulation

ETA, X = jnp.linspace(-6.0, 6.0, 13), jnp.linspace(0.05, 0.95, 13)


def recipe(base: Path = Path(), **sections: Any) -> SimulationRecipe:
    geometry = {"shape": "platelet", "sizes": [200, 300], "spacing": 50, "thickness": 150}
    current = {"kind": "current", "c_rate": 1, "to_fraction": 0.4}
    content = {"geometry": geometry, "gradient_energy": 8.83, "frames": 3, "protocol": [current]}
    return SimulationRecipe.model_validate(content | sections).located(base)


def reaction(base: Path = Path(), **section: Any) -> Any:
    return model_of_recipe(recipe(base, reaction=section)).reaction


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("linear", {}),
        ("butler_volmer", {"alpha": 0.3}),
        ("marcus", {"reorganisation": 8.3}),
        ("marcus_hush_chidsey", {"reorganisation": 8.3, "exact": False}),
        ("coupled_ion_electron", {"reorganisation": 8.3, "ion": 1.1}),
    ],
)
def test_every_law_is_that_of_its_name(name, parameters):
    exchange = {"exchange": name} if name == "coupled_ion_electron" else {}
    made = reaction(law=name, law_parameters=parameters, **exchange)
    expected = laws.net_rate(ETA, laws.reaction_law(name, **parameters), x=X)
    np.testing.assert_allclose(made.current(ETA, X, 1.0)[0], expected, rtol=1e-12)
    if exchange:  # with the parameters of the law, which are its own
        f = laws.exchange_law(name, **parameters)(X)
        level = material("lfp_lim_2016").exchange_current
        np.testing.assert_allclose(densities(made), level * f, rtol=1e-12)


@pytest.mark.long
def test_a_run_with_a_law_of_the_recipe_passes_its_current():
    section = {"law": "coupled_ion_electron", "law_parameters": {"reorganisation": 8.3}}
    run = run_case(cases(recipe(reaction=section | {"exchange": "coupled_ion_electron", "exchange_current": 1.0}))[0])
    assert run.complete
    assert run.record["mean_lithium_fraction"].values[-1] == pytest.approx(0.4, abs=1e-9)


def test_without_a_word_the_set_speaks():
    made, given = reaction(), material("lfp_lim_2016")
    assert (made.law.name, made.exchange.name) == (given.reaction[0], given.exchange[0])
    assert float(made.exchange_current) == given.exchange_current
    assert made.is_symmetric(), "alpha = 1/2 keeps the closed form"


def densities(made: Any) -> np.ndarray:
    return np.array([float(made.exchange_density(x)[0, 0]) for x in X])


def test_j0_is_a_level_a_factor_or_a_table(tmp_path):
    assert densities(reaction(exchange_current=0.02)) == pytest.approx(0.02)
    skewed = np.asarray(laws.exchange_law("skewed_lim")(X))
    assert densities(reaction(exchange_current=0.02, exchange="skewed_lim")) == pytest.approx(0.02 * skewed)
    level = material("lfp_lim_2016").exchange_current
    assert densities(reaction(exchange="constant", exchange_parameters={"level": 0.7})) == pytest.approx(0.7 * level)
    (tmp_path / "j0.csv").write_text("# x, j0 in A/m2\n0.1, 0.01\n0.5, 0.04\n0.9, 0.02\n")
    made = reaction(tmp_path, exchange_current="j0.csv")
    expected = np.exp(np.interp(X, [0.1, 0.5, 0.9], np.log([0.01, 0.04, 0.02])))
    assert densities(made) == pytest.approx(expected, rel=1e-12)
    assert run_case(cases(recipe(tmp_path, reaction={"exchange_current": "j0.csv"}))[0]).complete


def test_one_phase_may_react_by_another_function():
    lco = {"material": {"name": "lco_two_phase"}, "initial": 0.9, "strain": {"kind": "none"}}
    section = {"phase": "lithium_poor", "exchange": "skewed_lim", "exchange_current": 2.0}
    made = model_of_recipe(recipe(**lco, reaction=section)).reaction
    x = 0.7
    share = 0.5 * (1 - np.tanh((x - 0.85) / 0.02))
    assert float(made.exchange_density(x)[0, 0]) == pytest.approx(2.0 * 3 * (1 - x) * np.sqrt(x * (1 - x)) * share)


@pytest.mark.parametrize(
    ("name", "section", "acts"),
    [
        ("lfp_cogswell_bazant_2012", {}, True),
        ("lfp_lim_2016", {}, False),
        ("lfp_cogswell_bazant_2012", {"full_potential": False}, False),
        ("lfp_lim_2016", {"full_potential": True}, True),
        # What the set says of its own F(x) says nothing of another.
        ("lfp_cogswell_bazant_2012", {"exchange": "symmetric"}, False),
        ("lfp_cogswell_bazant_2012", {"exchange_current": 0.02}, False),
    ],
)
def test_whether_strain_acts_on_j0_is_as_the_set_says_of_its_own_law(name, section, acts):
    made = model_of_recipe(recipe(initial=0.4, material={"name": name}, reaction=section)).reaction
    assert made.full_potential is acts


def test_the_examples_that_were_found_without_strain_on_j0_say_so():
    built = {name: reaction_of_example(name) for name in ("lfp_tilted", "two_domains", "lfp_wave", "lfp_rates")}
    assert built == {"lfp_tilted": False, "two_domains": False, "lfp_wave": True, "lfp_rates": False}


def reaction_of_example(name: str) -> bool:
    one = load_simulation(name)
    rate = np.ones((1, 1))
    return reaction_of_recipe(one, material(one.material.name), rate).full_potential


def test_j0_on_the_full_potential_feels_gradient_and_strain():
    sections = {"initial": 0.4, "material": {"name": "lfp_cogswell_bazant_2012"}}
    plain, full = (model_of_recipe(recipe(**sections, reaction={"full_potential": one})) for one in (False, True))
    shape = np.broadcast_to(np.cos(np.pi * (np.arange(6) + 0.5) / 6), (4, 6))
    little, unit = 1e-6, 2 / 150.0 * float(plain.reaction.exchange_current * plain.rate_of_current)
    k2 = (2 * np.sin(np.pi / 12) / 50.0) ** 2
    given = material("lfp_cogswell_bazant_2012")
    x = 0.4 + little * shape
    for current in (-1.0, 0.5):
        for model, built in ((plain, False), (full, True)):
            state = laws.UniformState(
                given.exchange_law(),
                given.chemical_potential(),
                strain=given.coherency,
                gradient=8.83 * k2,
                full_potential=built,
            )
            change = model.rates(jnp.asarray(x), rate=jnp.asarray(current * unit)).change
            grown = float(jnp.sum(change * shape) / np.sum(shape**2)) / little
            # Second order in the amplitude: 1e-6 over the composition.
            assert grown == pytest.approx(unit * float(laws.growth_rate(0.4, current, state)), rel=1e-4)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"law": "tafel"}, "no such reaction law"),
        ({"law": "marcus"}, "parameters do not fit the reaction law"),
        ({"law": "marcus", "law_parameters": {"lambda": 8}}, "parameters do not fit the reaction law"),
        ({"law": "butler_volmer", "law_parameters": {"alpha": 1.5}}, "alpha"),
        ({"exchange": "skewed"}, "no such exchange law"),
        ({"exchange": "symmetric", "exchange_parameters": {"omega": 4}}, "parameters do not fit the exchange law"),
    ],
)
def test_a_law_that_cannot_be_had_is_refused_before_anything_is_written(tmp_path, section, words):
    with pytest.raises(OptionError, match=words):
        simulate_recipe(recipe(reaction=section), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("reaction.law_parameters={alpha: 0.4}", "belong to a law"),
        ("reaction.exchange_parameters={level: 1}", "belong to an exchange"),
        ("reaction={exchange_current: a.csv, exchange: symmetric}", "table of j0 is whole"),
        ("reaction={exchange_current: a.csv, phase: lithium_poor}", "table of j0 is whole"),
        ("reaction={law: coupled_ion_electron, law_parameters: {reorganisation: 8}}", "j0 of its own"),
    ],
)
def test_words_that_do_not_go_together_are_refused(setting, words):
    with pytest.raises(OptionError, match=words) as caught:
        load_simulation("lfp_rates", settings=[setting])
    assert caught.value.field == "reaction"


def test_a_level_of_j0_that_is_none_is_refused():
    with pytest.raises(OptionError) as caught:
        load_simulation("lfp_rates", settings=["reaction.exchange_current=-1"])
    assert caught.value.field == "reaction.exchange_current"


class Told:
    """A reporter that keeps what happens."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def track(self, items, *, label, total=None):
        self.events.append("runs")
        yield from items

    def say(self, message: str) -> None:
        self.events.append(message)


def test_the_method_and_why_are_said_before_the_run(tmp_path):
    told = Told()
    simulate_recipe(recipe(shown={"movie": {"seconds": 0.2}}), tmp_path, reporter=told)
    assert told.events[0].startswith("1C lithiation: BogackiShampine: explicit, because")
    assert told.events[1] == "runs"


@pytest.mark.parametrize(
    ("method", "name"),
    [("explicit", "BogackiShampine"), ("implicit", "Rosenbrock"), ("local", LocalRosenbrock.__name__)],
)
def test_a_method_may_be_asked_for(method, name):
    found = run_case(cases(recipe(method=method))[0])
    assert found.complete
    assert found.record.attrs["method"].startswith(f"{name}: as asked")


def test_a_method_that_does_not_suit_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(OptionError, match="does not suit the model"):
        simulate_recipe(recipe(method="exponential"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
