import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Legendre

from lithiscope.errors import OptionError
from lithiscope.laws import (
    BOLTZMANN,
    chemical_potential,
    chemical_potential_names,
    equilibrium_voltage,
    spinodal,
    spinodal_voltage_gap,
    thermal_voltage,
)

KNOTS = np.linspace(0.02, 0.98, 25)
POTENTIALS = {
    "regular": chemical_potential("regular_solution", omega=4.49),
    "redlich_kister": chemical_potential("redlich_kister", coefficients=[3.0, -0.7, 0.4, 0.2]),
    "legendre": chemical_potential("legendre", coefficients=[0.1, 3.0, -0.5, 0.3, 0.2]),
    "monotone": chemical_potential("table", x=KNOTS, mu=np.log(KNOTS / (1 - KNOTS)) + 3 * (1 - 2 * KNOTS)),
    "cubic": chemical_potential("table", x=KNOTS, mu=np.sin(6 * KNOTS), interpolation="cubic"),
}


@pytest.mark.parametrize("name", POTENTIALS)
@given(x=st.floats(0.03, 0.97))
def test_slope_is_the_derivative(name, x):
    law, h = POTENTIALS[name], 1e-5
    if name in ("monotone", "cubic"):  # a knot inside the difference would spoil it
        piece = int(np.clip(np.searchsorted(KNOTS, x) - 1, 0, 23))
        x = float(np.clip(x, KNOTS[piece] + 3 * h, KNOTS[piece + 1] - 3 * h))
    # error of the difference: h^2 mu'''/6 < 1e-10 x 2/x^3/6 = 1e-6, round-off 1e-16 x 4/h
    assert float(law.slope(x)) == pytest.approx(float((law(x + h) - law(x - h)) / (2 * h)), rel=1e-6, abs=2e-6)


def test_redlich_kister_is_the_derivative_of_its_free_energy():
    coefficients, x, h = [3.0, -0.7, 0.4, 0.2], np.linspace(0.05, 0.95, 19), 1e-5

    def energy(x):
        excess = sum(c * (2 * x - 1) ** n for n, c in enumerate(coefficients)) * x * (1 - x)
        return x * np.log(x) + (1 - x) * np.log(1 - x) + excess

    difference = (energy(x + h) - energy(x - h)) / (2 * h)
    np.testing.assert_allclose(POTENTIALS["redlich_kister"](x), difference, atol=1e-7)  # h^2 x 1/x^2/6


def test_legendre_agrees_with_numpy_and_holds_the_regular_solution():
    x = np.linspace(0.01, 0.99, 50)
    series = Legendre([0.1, 3.0, -0.5, 0.3, 0.2])
    np.testing.assert_allclose(POTENTIALS["legendre"](x), np.log(x / (1 - x)) + series(1 - 2 * x), atol=1e-13)
    regular = chemical_potential("regular_solution", omega=3.0)
    for same in ("legendre", "redlich_kister"):
        law = chemical_potential(same, coefficients=[0.0, 3.0] if same == "legendre" else [3.0])
        np.testing.assert_allclose(law(x), regular(x), atol=1e-13)
        np.testing.assert_allclose(law.slope(x), regular.slope(x), rtol=1e-13)


@pytest.mark.parametrize("name", ["regular", "redlich_kister", "legendre"])
def test_ends_are_infinite_and_beyond_is_nan(name):
    law = POTENTIALS[name]
    np.testing.assert_array_equal(law(np.array([0.0, 1.0, -0.1, 1.1])), [-np.inf, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(law.slope(np.array([0.0, 1.0, 1.1])), [np.inf, np.inf, np.nan])


def test_table_goes_through_its_points_and_says_nothing_outside():
    law = POTENTIALS["monotone"]
    np.testing.assert_allclose(law(KNOTS), np.log(KNOTS / (1 - KNOTS)) + 3 * (1 - 2 * KNOTS), atol=1e-12)
    assert np.isnan(law(np.array([0.01, 0.99]))).all()
    assert np.isnan(law.slope(np.array([0.01, 0.99]))).all()


def test_a_monotone_table_stays_monotone_where_a_cubic_one_overshoots():
    x, mu = [0.0, 0.4, 0.5, 0.6, 1.0], [0.0, 0.0, 0.5, 1.0, 1.0]
    at = np.linspace(0, 1, 1001)
    assert np.diff(chemical_potential("table", x=x, mu=mu)(at)).min() >= -1e-15
    assert np.diff(chemical_potential("table", x=x, mu=mu, interpolation="cubic")(at)).min() < -1e-5


def test_equilibrium_voltage_falls_with_lithium_in_a_solid_solution():
    ideal = chemical_potential("regular_solution", omega=0.0)
    x = np.array([0.1, 0.5, 0.9])
    volts = equilibrium_voltage(x, ideal, plateau=3.422)
    assert volts[1] == pytest.approx(3.422)
    assert volts[0] - volts[2] == pytest.approx(2 * np.log(9) * thermal_voltage())
    warm = equilibrium_voltage(x, ideal, plateau=3.422, temperature=596.3)
    np.testing.assert_allclose(warm - 3.422, 2 * (volts - 3.422))


def test_spinodal_with_coherency_strain():
    # x(1-x) = 1/(2 Omega - B)
    root = (1 - np.sqrt(1 - 4 / (2 * 4.49 - 3.73))) / 2
    found = spinodal(POTENTIALS["regular"], strain=3.73)
    np.testing.assert_allclose(found, [root, 1 - root], atol=1e-12)
    np.testing.assert_allclose(found, [0.2560, 0.7440], atol=5e-5)
    thermal = BOLTZMANN * 298.0  # Cogswell and Bazant 2012, their numbers before rounding to 4.51 and 3.37
    published = chemical_potential("regular_solution", omega=1.856e-20 / thermal)
    other = spinodal(published, strain=0.1916e9 / (1.3793e28 * thermal))
    assert other[0] == pytest.approx(0.2300, abs=1e-4)
    assert spinodal(chemical_potential("regular_solution", omega=1.9)).size == 0


def test_spinodal_voltage_gap():
    gap = spinodal_voltage_gap(chemical_potential("regular_solution", omega=3.0))
    x = (1 - np.sqrt(1 - 2 / 3)) / 2
    assert gap == pytest.approx(2 * (3 * (1 - 2 * x) + np.log(x / (1 - x))) * thermal_voltage(), rel=1e-12)
    assert gap * 1e3 == pytest.approx(21.3, abs=0.05)
    assert spinodal_voltage_gap(chemical_potential("regular_solution", omega=1.0)) == 0.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": [0.1], "mu": [0.0]}, "as many values"),
        ({"x": [0.1, 0.2], "mu": [0.0]}, "as many values"),
        ({"x": [0.1, 0.1], "mu": [0.0, 1.0]}, "not in order"),
        ({"x": [0.5, 1.2], "mu": [0.0, 1.0]}, "not in order"),
        ({"x": [0.0, 0.5], "mu": [-np.inf, 1.0]}, "not finite"),
        ({"x": [0.1, 0.5], "mu": [0.0, 1.0], "interpolation": "linear"}, "no such interpolation"),
    ],
)
def test_bad_tables(table, message):
    with pytest.raises(OptionError, match=message):
        chemical_potential("table", **table)


@pytest.mark.parametrize("name", ["legendre", "redlich_kister"])
def test_a_series_needs_a_coefficient(name):
    with pytest.raises(OptionError, match="without coefficients"):
        chemical_potential(name, coefficients=[])


def test_names():
    assert chemical_potential_names()[:4] == ("regular_solution", "redlich_kister", "legendre", "table")
