"""The values that Lim 2016 (Fig. S19) draws, and the formula against a model that it was not taken from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from lithiscope.laws import (
    ChemicalPotential,
    UniformState,
    chemical_potential,
    exchange_law,
    growth_rate,
    neutral_current,
    stable_compositions,
    stable_currents,
)
from lithiscope.laws.exchange import ExchangeLaw

OMEGA, STRAIN = 4.49, 3.73
REGULAR = chemical_potential("regular_solution", omega=OMEGA)


def state(name, **more):
    parameters = {"omega": OMEGA} if name == "skewed_cogswell_bazant" else {}
    return UniformState(exchange_law(name, **parameters), REGULAR, strain=STRAIN, **more)


FIRST, SECOND, SYMMETRIC = state("skewed_cogswell_bazant"), state("skewed_lim"), state("symmetric")
X = st.floats(0.01, 0.99)


def test_neutral_currents_at_the_middle():
    # by hand for the first F: (4.49 j)^2 = 1.25^2 (0.36 + j^2/4)
    by_hand = 1.25 * 0.6 / np.sqrt(4.49**2 - 1.25**2 / 4)
    assert float(neutral_current(0.5, FIRST)) == pytest.approx(by_hand, rel=1e-12)
    by_root = brentq(lambda j: float(growth_rate(0.5, j, FIRST)), 0.01, 1.0)
    assert by_root == pytest.approx(by_hand, rel=1e-10)
    assert by_hand == pytest.approx(0.1686, abs=1e-4)  # 0.16868: the quoted value is cut, not rounded
    assert float(neutral_current(0.5, SECOND)) == pytest.approx(0.4934, abs=1e-4)


def test_the_strain_in_f_doubles_the_neutral_current():
    with_strain = state("skewed_cogswell_bazant", full_potential=True)
    assert float(neutral_current(0.5, with_strain)) == pytest.approx(0.294, abs=5e-4)


def test_first_law_is_stable_everywhere_above_a_quarter():
    found = stable_currents(FIRST)
    assert found.low == pytest.approx(0.26, abs=0.005)  # 0.2555
    assert found.high == np.inf


def test_second_law_is_stable_everywhere_in_a_window():
    found = stable_currents(SECOND)
    assert found.low == pytest.approx(1.15, abs=0.005)
    assert found.high == pytest.approx(2.54, abs=0.005)
    unstable = stable_compositions(1e6, SECOND)
    assert unstable[0, 0] == pytest.approx(0.24, abs=0.005)  # 1 - 2/(Omega - B/2) = 0.238 at infinite current
    np.testing.assert_allclose(unstable, [[1 - 2 / (OMEGA - STRAIN / 2), 1.0]], atol=1e-5)


@pytest.mark.parametrize("current", [0.0, 0.1, 1.0, 10.0, 1e4, -1.0, -1e4])
@pytest.mark.parametrize("law", [SYMMETRIC, state("constant")])
def test_laws_without_skew_are_unstable_somewhere_at_any_current(law, current):
    x = np.linspace(0.001, 0.999, 999)
    assert growth_rate(x, current, law).max() > 0
    assert np.isnan(stable_currents(law)).all()


def test_delithiation_is_never_stable_with_a_skewed_law():
    x = np.linspace(0.001, 0.999, 999)
    for law in (FIRST, SECOND):
        for current in (0.0, -0.3, -1.0, -3.0, -100.0):
            assert growth_rate(x, current, law).max() > 0


@pytest.mark.parametrize("law", [FIRST, SECOND, SYMMETRIC, state("skewed_lim", gradient=0.5, full_potential=True)])
@given(x=X)
def test_growth_vanishes_at_the_neutral_current_and_only_there(law, x):
    neutral = float(neutral_current(x, law))
    at_rest = float(growth_rate(x, 0.0, law))
    if np.isnan(neutral):
        signs = np.sign(growth_rate(x, np.array([-1e3, -1.0, 0.0, 1.0, 1e3]), law))
        assert np.unique(signs).size == 1
        return
    scale = abs(float(law.curvature(x))) * (float(law.exchange(x)) + abs(neutral)) + 1e-12
    assert float(growth_rate(x, neutral, law)) == pytest.approx(0.0, abs=1e-9 * scale)
    assert float(growth_rate(x, 0.5 * neutral, law)) * at_rest > 0
    assert float(growth_rate(x, 2.0 * neutral, law)) * at_rest < 0


@given(x=X, current=st.floats(-50, 50))
def test_exchanging_lithium_and_vacancies_reverses_the_current(x, current):
    mirrored = ExchangeLaw("m", "", lambda x: SECOND.exchange(1 - x), lambda x: -SECOND.exchange.slope(1 - x))
    other = UniformState(mirrored, REGULAR, strain=STRAIN)
    assert float(growth_rate(x, current, SECOND)) == pytest.approx(
        float(growth_rate(1 - x, -current, other)), rel=1e-9, abs=1e-9
    )


def test_waves_are_damped_by_the_gradient():
    x = np.linspace(0.05, 0.95, 91)
    assert (growth_rate(x, 0.3, state("skewed_lim", gradient=1.0)) < growth_rate(x, 0.3, SECOND)).all()


def test_stable_compositions_at_rest_are_those_outside_the_spinodal():
    np.testing.assert_allclose(stable_compositions(0.0, SECOND), [[0, 0.2560], [0.7440, 1]], atol=5e-5)
    np.testing.assert_array_equal(stable_compositions(2.0, SECOND), [[0, 1]])
    everywhere_unstable = UniformState(exchange_law("constant"), REGULAR, strain=-10.0)
    inside = stable_compositions(0.0, everywhere_unstable)
    assert inside[:, 1].min() < 0.06  # only at the very ends, where entropy wins
    none = UniformState(exchange_law("constant"), ChemicalPotential("hill", "", lambda x: -x, lambda x: 0 * x - 1.0))
    assert stable_compositions(0.0, none).shape == (0, 2)


def test_ends_are_not_a_number():
    assert np.isnan(growth_rate(np.array([0.0, 1.0, -0.1]), 1.0, SECOND)).all()
    assert np.isnan(neutral_current(np.array([0.0, 1.0]), SECOND)).all()


def test_an_ideal_solid_solution_is_stable_at_any_lithiation_current_with_a_falling_law():
    ideal = chemical_potential("regular_solution", omega=0.0)
    falling = UniformState(exchange_law("skewed_cogswell_bazant", omega=0.0), ideal)
    found = stable_currents(falling, low=0.05, high=0.95)
    assert found == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("law", "current", "start"), [(FIRST, 0.1, 0.4), (SECOND, 0.3, 0.35), (SECOND, 5.0, 0.05), (SYMMETRIC, -2.0, 0.6)]
)
def test_two_halves_of_a_particle_part_as_the_formula_says(law, current, start):
    """Two halves share one voltage at constant total current; their small difference grows like exp(int s dt).

    dx_i/dt = -2 F(x_i) sinh(eta_i/2), eta_i = v + mu(x_i) + B (x_i - mean), for F without strain.
    """

    def difference(v, x):
        eta = v + law.potential(x) + law.strain * (x - x.mean())
        return -2 * law.exchange(x) * np.sinh(eta / 2)

    def flow(_, x):
        v = brentq(lambda v: difference(v, x).mean() - current, -60, 60, xtol=1e-14)
        return difference(v, x)

    small, duration = 1e-5, 0.05 / abs(current)
    solved = solve_ivp(flow, (0, duration), [start + small, start - small], rtol=1e-11, atol=1e-14)
    measured = np.log((solved.y[0, -1] - solved.y[1, -1]) / (2 * small))
    x, weight = np.polynomial.legendre.leggauss(20)
    path = start + current * duration * (x + 1) / 2
    predicted = (growth_rate(path, current, law) @ weight) * duration / 2
    # beyond linear order the difference changes by its square, 1e-10 here times derivatives of some hundreds
    assert measured == pytest.approx(float(predicted), abs=1e-6)
