"""The virtual electrode against closed forms and balances."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.instruments.reaction import Electrode, Even, Hold, Insertion, Rest, react

# The integrator keeps 1e-7; linear interpolation in time and ln(rate) costs the rest.
_INTEGRATED = 1e-5


def test_with_a_constant_rate_and_no_interaction_lithium_enters_in_proportion_to_the_rate() -> None:
    electrode = Electrode(law="constant", interaction=0.0, rate_spread=0.1)
    run = react(electrode, [Insertion(1.0, 0.4)], start=0.02)
    rate = np.array([0.8, 1.0, 1.25])
    gained = run.fraction(run.time[-1], rate) - 0.02
    np.testing.assert_allclose(gained / gained[1], rate, rtol=1e-3)


def test_without_interaction_composition_is_a_function_of_one_reaction_coordinate() -> None:
    """dx/dt = k F(x) u(t) has the integral Phi(x) = Phi(x0) + k S, Phi' = 1/F, for every rate k."""
    from scipy.integrate import quad

    electrode = Electrode(interaction=0.0)
    run = react(electrode, [Insertion(0.6, 0.5)], start=0.05)
    done = [
        quad(lambda x: 1 / (3 * (1 - x) * np.sqrt(x * (1 - x))), 0.05, float(run.fraction(run.time[-1], k)))[0] / k
        for k in (0.5, 1.0, 1.5)
    ]
    np.testing.assert_allclose(done, done[1], rtol=2e-3)


@pytest.mark.parametrize(("start", "until"), [(0.02, 0.9), (0.97, 0.1)])
def test_charge_is_the_lithium_that_moved_and_current_has_the_sign_of_delithiation(start: float, until: float) -> None:
    electrode = Electrode()
    run = react(electrode, [Insertion(2.0, until)], start=start)
    assert abs(run.mean[-1] - until) < _INTEGRATED
    np.testing.assert_allclose(run.current, np.sign(start - until) * 2.0 * electrode.capacity, rtol=1e-9)


def test_overpotential_drives_the_current_and_the_resistance_adds_to_the_reading() -> None:
    electrode = Electrode(interaction=0.0, resistance=1e8)
    run = react(electrode, [Insertion(0.6, 0.9)], start=0.05)
    assert (run.overpotential_free_volt < electrode.equilibrium_volt).all()
    np.testing.assert_allclose(run.volt - run.overpotential_free_volt, -0.6 * 5e-9 * 1e8)


def test_at_rest_no_charge_passes_and_places_of_different_composition_exchange_lithium() -> None:
    run = react(Electrode(), [Insertion(1.0, 0.5), Rest(7200.0)], start=0.02)
    resting = run.step == 1
    assert np.abs(run.current[resting]).max() < 1e-9 * 5e-9
    assert np.ptp(run.mean[resting]) < _INTEGRATED
    spread = run.lithium_fraction[resting].std(axis=1)
    assert spread[-1] > spread[0]  # inside the spinodal the mixture separates


def test_a_hold_ends_where_the_equilibrium_voltage_is_the_potential() -> None:
    electrode = Electrode(rate_spread=0.0)
    run = react(electrode, [Hold(3.385, 400000.0)], start=0.5)
    x = float(run.fraction(run.time[-1], 1.0))
    # mu = 3(1-2x) + ln(x/(1-x)) = (3.425 - 3.385) V / 25.69 mV = 1.557
    assert abs(3 * (1 - 2 * x) + np.log(x / (1 - x)) - 1.557) < 2e-3


def test_the_skewed_law_makes_delithiation_less_uniform_than_lithiation() -> None:
    """Lim et al. 2016, Fig. 4B-D: the largest difference between a fast and a slow domain."""

    def largest(start: float, until: float) -> float:
        run = react(Electrode(), [Insertion(0.6, until)], start=start)
        fast, slow = run.fraction(run.time, 1.5), run.fraction(run.time, 0.5)
        return float(np.abs(fast - slow).max())

    assert largest(0.97, 0.05) > 1.5 * largest(0.03, 0.95)


@pytest.mark.parametrize(
    "step",
    [Insertion(0.0, 0.5), Insertion(1.0, 1.2), Insertion(1.0, 0.02), Rest(0.0), Hold(3.4, -1.0), Even(1.0, 60.0)],
)
def test_steps_that_cannot_be_are_refused(step: Insertion | Rest | Hold | Even) -> None:
    with pytest.raises(OptionError):
        react(Electrode(), [step])


def test_an_electrode_needs_positive_numbers() -> None:
    with pytest.raises(OptionError, match="thickness"):
        Electrode(thickness=0.0)


def test_an_ideal_hold_ends_uniform_and_passes_the_charge_that_it_takes() -> None:
    electrode = Electrode()
    run = react(electrode, [Insertion(1.0, 0.8), Even(0.97, 600.0)], start=0.03)
    np.testing.assert_allclose(run.lithium_fraction[-1], 0.97)
    held = run.step == 1
    before = run.mean[~held][-1]
    np.testing.assert_allclose(run.current[held], -(0.97 - before) * electrode.capacity * 6, rtol=1e-9)
