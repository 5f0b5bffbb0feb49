from __future__ import annotations

import numpy as np
import pytest

from cell.virtual import CAPACITY, OHM, cell, cycled
from lithiscope.cell import (
    EquilibriumOptions,
    RateOptions,
    ResistanceOptions,
    SplitOptions,
    equilibrium_from_curves,
    equilibrium_voltage,
    ohmic_resistance,
    overpotential_against_rate,
    split,
)
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError

GAP = 0.02
HYSTERETIC = cell(hysteresis_volt=GAP, slow_delithiation_ohm=2e7, slow_lithiation_ohm=4e7, slow_second=5.0)
STATED = ohmic_resistance(options=ResistanceOptions(ohm=OHM, ohm_std=2e6))
NOMINAL = SplitOptions(nominal_capacity_ah=CAPACITY)


def test_the_mean_of_both_directions_is_the_open_circuit_voltage():
    trace, half = split(cycled((0.25e-9, 2.5e-9), of=HYSTERETIC)[0], options=NOMINAL)
    found = equilibrium_voltage(trace, half, resistance=STATED)
    x = found["lithium_share"].values
    middle = (x > 0.1) & (x < 0.9)
    # The directions stretch to their own charge: 0.99 of the capacity out, all of it in.
    out = 0.99 * x[middle]
    expected = (HYSTERETIC.open_circuit(out) + HYSTERETIC.open_circuit(x[middle])) / 2
    # Half of the difference of the slow resistances stays: 0.25 nA x (2e7 - 4e7) / 2.
    np.testing.assert_allclose(found["equilibrium_volt"].values[middle], expected - 2.5e-3, atol=2e-4)
    gap = HYSTERETIC.open_circuit(out) - HYSTERETIC.open_circuit(x[middle]) + GAP + 0.25e-9 * 6e7
    np.testing.assert_allclose(found["hysteresis_volt"].values[middle], gap, atol=3e-4)
    assert float(found["plateau_volt"]) == pytest.approx(float(np.interp(0.5, x, found["equilibrium_volt"].values)))
    assert float(found["plateau_std"]) > float(np.abs(np.diff(found["equilibrium_volt"].values[middle])).max())
    assert found.attrs["delithiation"] == "0"
    assert found.attrs["lithiation"] == "1"


def test_the_slowest_full_half_cycles_are_taken_or_those_that_are_named():
    trace, half = split(cycled((2.5e-9, 0.25e-9, 0.25e-9), of=HYSTERETIC)[0], options=NOMINAL)
    found = equilibrium_voltage(trace, half, resistance=STATED)
    assert found.attrs["delithiation"] == "2, 4"
    named = equilibrium_voltage(trace, half, resistance=STATED, options=EquilibriumOptions(half_cycles=(2, 3)))
    assert (named.attrs["delithiation"], named.attrs["lithiation"]) == ("2", "3")
    with pytest.raises(OptionError, match="no such half cycle"):
        equilibrium_voltage(trace, half, options=EquilibriumOptions(half_cycles=(2, 99)))
    with pytest.raises(AnalysisError, match="both directions"):
        equilibrium_voltage(trace, half, options=EquilibriumOptions(half_cycles=(2,)))


def test_fast_half_cycles_are_told():
    trace, half = split(cycled((2.5e-9,), of=HYSTERETIC)[0], options=NOMINAL)
    with pytest.warns(LithiscopeWarning, match="0.5 C"):
        equilibrium_voltage(trace, half)


def test_a_stated_voltage_is_taken():
    found = equilibrium_voltage(options=EquilibriumOptions(volt=3.428, volt_std=0.002))
    assert (float(found["plateau_volt"]), float(found["plateau_std"])) == (3.428, 0.002)
    assert "equilibrium_volt" not in found
    with pytest.raises(AnalysisError, match="nothing tells"):
        equilibrium_voltage()
    with pytest.raises(OptionError):
        EquilibriumOptions(volt_std=0.1)


def test_published_curves_give_mean_and_gap():
    share = np.linspace(0, 1, 2000)
    rng = np.random.default_rng(0)
    pulls = []
    for _ in range(100):
        out, into = (3.42 + 0.02 * share + half * 0.04 + 1e-3 * rng.standard_normal(2000) for half in (0.5, -0.5))
        found = equilibrium_from_curves((share, out), (share[::-1], into[::-1]))
        pulls.append((float(found["plateau_gap_volt"]) - 0.04) / float(found["plateau_gap_std"]))
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.35)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)
    assert float(found["plateau_volt"]) == pytest.approx(3.43, abs=3e-4)
    # The share of lithium falls as the delithiated share rises.
    assert found["equilibrium_volt"].values[0] > found["equilibrium_volt"].values[-1]
    with pytest.raises(AnalysisError, match="does not cover"):
        equilibrium_from_curves((share[:1000], out[:1000]), (share, into))


def test_overpotential_grows_with_rate_and_differs_between_the_directions():
    trace, half = split(cycled((0.25e-9, 1e-9, 2.5e-9), of=HYSTERETIC)[0], options=NOMINAL)
    found = overpotential_against_rate(trace, half, resistance=STATED)
    current = half["current_ampere"].values
    slow = np.where(current > 0, 2e7, 4e7) * current + np.sign(current) * GAP / 2
    # Both directions at half of the lowest-rate capacity (0.995 of nominal), from 0.99, or from where the lithiation
    # began; the composition differs by 0.01 at most, where the curve falls by 0.2 V per unit.
    reference = (0.25e-9 * 2e7 - 0.25e-9 * 4e7) / 2
    np.testing.assert_allclose(found["overpotential_volt"].values, slow - reference, atol=2.5e-3)
    assert float(found["reference_volt"]) == pytest.approx(3.425, abs=5e-3)
    np.testing.assert_allclose(found["c_rate"].values, np.abs(current) / CAPACITY)
    eta = np.abs(found["overpotential_volt"].values).reshape(3, 2)
    assert np.all(np.diff(eta, axis=0) > 0)
    assert np.all(eta[1:, 1] > eta[1:, 0])
    shift = found["overpotential_shift"].sel(systematic="resistance").values
    np.testing.assert_allclose(shift, -current * 2e6, atol=1e-5)


def test_without_a_resistance_the_drop_stays_in():
    trace, half = split(cycled((0.25e-9, 2.5e-9))[0], options=NOMINAL)
    found = overpotential_against_rate(trace, half)
    np.testing.assert_allclose(found["overpotential_volt"].values[2:], [0.25, -0.25], atol=5e-3)
    assert found["systematic"].values.tolist() == ["equilibrium_voltage"]


def test_a_half_cycle_that_ends_too_early_has_no_value_at_the_common_composition():
    trace, half = split(cycled((0.25e-9, 2.5e-9), between=(2.9, 3.66))[0], options=NOMINAL)
    assert half["capacity_ah"].values[2] < 0.5 * half["capacity_ah"].values[0]
    found = overpotential_against_rate(trace, half)
    assert np.isnan(found["overpotential_volt"].values).tolist() == [False, False, True, True]
    assert (found["overpotential_flag"].values > 0).tolist() == [False, False, True, True]
    own = overpotential_against_rate(trace, half, options=RateOptions(at="own"))
    assert np.all(np.isfinite(own["overpotential_volt"].values))


def test_the_reference_needs_both_directions_or_is_stated():
    trace, half = split(cycled((0.25e-9, 2.5e-9))[0], options=NOMINAL)
    with pytest.raises(AnalysisError, match="both directions at the lowest rate"):
        overpotential_against_rate(trace, half.isel(half_cycle=[0, 2, 3]))
    stated = RateOptions(reference_volt=3.428, reference_std=0.001)
    found = overpotential_against_rate(trace, half.isel(half_cycle=[0]), options=stated)
    assert float(found["reference_volt"]) == 3.428
    assert found["overpotential_shift"].sel(systematic="equilibrium_voltage").values == pytest.approx(-0.001)
