"""Compositions in closed form against the differential equations they solve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lithiscope.errors import OptionError
from lithiscope.instruments.reaction import Electrode, Hold, Insertion, react
from lithiscope.instruments.reaction.closed_form import advanced, coordinate
from lithiscope.instruments.reaction.electrode import THERMAL_VOLTAGE, Law

LAWS: tuple[Law, ...] = ("skewed", "symmetric", "constant")
RATE = np.array([0.5, 1.0, 2.0])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_differential_equation_is_solved(law: Law, sign: int) -> None:
    electrode = Electrode(law=law)
    start = np.array([0.3, 0.4, 0.6])
    solved = solve_ivp(
        lambda _s, x: sign * RATE * electrode.relative_exchange_current(x), (0, 0.3), start, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(advanced(law, start, sign * 0.3 * RATE), solved.y[:, -1], rtol=1e-8)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("ends", [(0.03, 0.97), (0.97, 0.02)])
def test_the_mean_is_met_although_places_run_empty_or_full(law: Law, ends: tuple[float, float]) -> None:
    state, weight = np.full(3, ends[0]), np.array([0.25, 0.5, 0.25])
    means = np.linspace(*ends, 40)
    reached = coordinate(law, state, RATE, weight, means)
    assert np.all(np.diff(np.abs(reached)) > 0)
    np.testing.assert_allclose(advanced(law, state, reached[:, None] * RATE) @ weight, means, atol=1e-9)


def test_what_cannot_be_reached_is_refused() -> None:
    one = np.ones(1)
    with pytest.raises(OptionError, match="cannot follow"):
        coordinate("skewed", 0.5 * one, 1e-9 * one, one, np.array([0.6, 0.9]))


def test_potential_and_current_go_with_the_rate() -> None:
    """One rate: |dx/dt| = 2 k0/(e rho_s Th) F 2 sinh(V/2), at constant current and at constant potential."""
    electrode = Electrode(interaction=0.0, rate_spread=0.0)
    run = react(electrode, [Insertion(1.0, 0.8), Hold(electrode.equilibrium_volt + 0.05, 600.0)], start=0.1)
    eta = (run.overpotential_free_volt - electrode.equilibrium_volt) / THERMAL_VOLTAGE
    speed = electrode.frequency * electrode.relative_exchange_current(run.mean) * 2 * np.sinh(eta / 2)
    # The rate nearest to 1 is that of the grid; differences of the mean carry 1e-6.
    np.testing.assert_allclose(run.current, 3600 * speed * electrode.capacity, rtol=1e-5)
    np.testing.assert_allclose(run.current[run.step == 0], -electrode.capacity, rtol=1e-12)
    held = run.step == 1
    passed = np.sum((run.current[held][1:] + run.current[held][:-1]) / 2 * np.diff(run.time[held])) / 3600
    assert -(run.mean[held][-1] - run.mean[held][0]) * electrode.capacity == pytest.approx(passed, rel=1e-4)
