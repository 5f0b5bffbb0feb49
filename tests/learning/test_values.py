"""Numbers of the laws in units that people know."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from learning.scenes import ellipse, video_of
from lithiscope.errors import OptionError
from lithiscope.learning import LearnOptions
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.setup import setup_of
from lithiscope.learning.unknowns import placed
from lithiscope.learning.values import values_of

MASK = ellipse(7, 6)


def setup(*unknowns, volts=None, **more):
    video = video_of(np.full((3, *MASK.shape), 0.5), MASK, 60.0 * np.arange(3), np.zeros(3, int), thickness=100.0)
    if volts is not None:
        video = video.assign(voltage_volt=("time", volts), voltage_volt_std=("time", [0.005, 0.0, 1e-5]))
    return setup_of([video], half_cycles([video]), LearnOptions(unknowns=unknowns, **more))


@pytest.mark.parametrize(
    ("name", "unit", "where"),
    [
        ("gradient_energy", "nm2", lambda m: m.gradient_energy),
        ("coherency", "kT", lambda m: m.elasticity.penalty),
        ("alpha", "1", lambda m: m.reaction.law.parameters["alpha"]),
        ("exchange_level", "A/m2", lambda m: m.reaction.exchange_current),
        ("film_resistance", "ohm m2", lambda m: m.reaction.film * m.thermal_voltage()),
    ],
)
def test_a_number_is_that_of_the_model_and_its_error_the_slope(name, unit, where):
    given = setup(name, strain="coherent", film_resistance=0.01)
    (one,) = given.unknowns

    def at(z):
        return float(where(placed(given.unknowns, given.template, jnp.array([z]))))

    found = values_of(one, given, np.array([0.7]), np.array([0.01]))
    assert found.unit == (unit,)
    assert found.value[0] == pytest.approx(at(0.7), rel=1e-6)
    assert found.std[0] == pytest.approx(abs(at(0.71) - at(0.69)) / 2, rel=1e-2)


def test_terms_of_mu_are_those_of_the_model():
    given = setup("chemical_potential", potential_terms=3)
    z = np.array([0.5, -0.2, 1.0])
    found = values_of(given.unknowns[0], given, z, np.full(3, 0.1))
    model = placed(given.unknowns, given.template, jnp.asarray(z))
    np.testing.assert_allclose(found.value, np.asarray(model.free_energy.coefficients)[1:])
    assert found.unit == ("kT",) * 3
    np.testing.assert_allclose(found.std, 0.1 * np.array([2.0, 1.0, 2 / 3]))


def test_the_level_of_j0_has_a_unit_and_its_shape_none():
    given = setup("exchange_current")
    size = given.unknowns[0].size
    found = values_of(given.unknowns[0], given, np.eye(size)[0], np.full(size, 0.1))
    assert found.unit == ("A/m2", *("prior σ",) * (size - 1))
    model = placed(given.unknowns, given.template, jnp.asarray(np.eye(size)[0]))
    reaction = model.reaction
    middle = float(reaction.exchange_current * reaction.exchange.build()(jnp.array(0.5)))
    assert found.value[0] == pytest.approx(middle, rel=1e-6)  # the symmetric law is 1 at one half


def test_a_voltage_asks_where_the_plateau_is_and_counts_no_sharper_than_it_may():
    given = setup("exchange_level", volts=[3.4, 3.4, 3.4], voltage=True, voltage_offset=10.0, voltage_noise=2.0)
    shift = given.unknowns[-1]
    found = values_of(shift, given, np.array([0.5]), np.array([0.1]))
    assert found.unit == ("V",)
    assert found.value[0] == pytest.approx(float(given.template.plateau) + 0.005)
    assert found.std[0] == pytest.approx(0.001)
    model = placed(given.unknowns, given.template, jnp.array([0.0, 0.5]))
    assert float(model.plateau) == pytest.approx(found.value[0])
    # 5 mV as told, none told, and less told than the 2 mV that are the least.
    assert given.groups[0][0].volt_weight == pytest.approx([200.0, 500.0, 500.0])
    known = setup("exchange_level", volts=[3.4, 3.4, 3.4], voltage=True, voltage_offset=0.0)
    assert [one.names for one in known.unknowns] == [("j0 level",)]


def test_a_voltage_that_is_not_there_is_asked_for():
    with pytest.raises(OptionError, match="no voltage") as caught:
        setup("exchange_level", voltage=True)
    assert caught.value.field == "voltage"


def test_a_film_needs_a_resistance_to_start_from():
    with pytest.raises(OptionError, match="no film") as caught:
        setup("film_resistance")
    assert caught.value.field == "film_resistance"
    assert not setup("exchange_level").template.reaction.has_film
