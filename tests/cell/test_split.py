from __future__ import annotations

import time as clock

import numpy as np
import pytest

from cell.virtual import CAPACITY, cell, cycled, noisy, trace_of
from lithiscope.cell import SplitOptions, split
from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError, StageError
from lithiscope.instruments.potentiostat import PotentiostatOptions, galvanostatic, measure, pulses

NOMINAL = SplitOptions(nominal_capacity_ah=CAPACITY, nominal_capacity_std_ah=1e-10)


def test_half_cycles_of_several_rates_have_their_charge_rate_and_rest():
    trace, truth = cycled((0.5e-9, 1e-9, 2.5e-9), current_noise=1e-12)
    marked, half = split(trace, options=NOMINAL)
    charges = truth.half_cycle_charges()
    assert half["direction"].values.tolist() == [direction for direction, _, _ in charges] == [-1, 1] * 3
    steps = [step for step in truth.steps if step.kind == "ConstantCurrent"]
    # Edges are known to half a sampling interval at either end.
    edge = 5.0 * np.abs([step.first_ampere for step in steps]) / 3600.0
    np.testing.assert_array_less(np.abs(half["capacity_ah"].values - [charge for _, charge, _ in charges]), edge)
    np.testing.assert_allclose(half["nominal_c_rate"].values, [0.1, 0.1, 0.2, 0.2, 0.5, 0.5], rtol=1e-3)
    np.testing.assert_allclose(
        half["measured_c_rate"].values, np.abs(half["current_ampere"].values) / half["capacity_ah"].values
    )
    np.testing.assert_allclose(half["rest_second"].values, 900.0, atol=5.0)
    assert half.attrs["nominal_capacity_ah"] == CAPACITY
    counts = marked["half_cycle_count"].values
    flowing = truth_current(trace) != 0
    assert np.array_equal(counts >= 0, flowing)
    assert len(np.unique(counts)) == 7


def truth_current(trace):
    return np.where(np.abs(trace["current_ampere"].values) > 1e-10, trace["current_ampere"].values, 0.0)


def test_mid_voltage_is_the_cells_at_half_of_the_charge():
    pulls = []
    measured = cycled((2.5e-9,), rest=60.0)
    for seed in range(60):
        _, half = split(noisy(measured, 1e-3, seed))
        # x falls from 0.99 to its end; U there, and the ohmic drop of 0.25 V.
        first = 0.99 - half["capacity_ah"].values[0] / CAPACITY / 2
        u = 3.425 + 0.01 * (1 - 2 * first) + 0.05 * np.log((1 - first) / first)
        pulls.append((half["mid_voltage_volt"].values[0] - u - 0.25) / half["mid_voltage_std"].values[0])
    # 60 pulls: mean within 3.5/sqrt(60), spread within 3.5/sqrt(120) of 1.
    assert abs(np.mean(pulls)) < 0.45
    assert np.std(pulls) == pytest.approx(1.0, abs=0.32)


def test_a_held_voltage_stays_in_its_half_cycle():
    trace, truth = cycled((2.5e-9,), cut_off=1e-10, current_noise=1e-12, interval=1.0, between=(3.1, 3.75))
    _, half = split(trace)
    held = [one for _, _, one in truth.half_cycle_charges()]
    assert half.sizes["half_cycle"] == 2
    # The current must have fallen by 0.3 % (and by five times its noise) before it is seen to fall.
    np.testing.assert_allclose(half["constant_voltage_ah"].values, held, rtol=0.05)
    np.testing.assert_allclose(np.abs(half["final_current_ampere"].values), 1e-10, atol=5e-12)
    np.testing.assert_allclose(np.abs(half["current_ampere"].values), 2.5e-9, rtol=1e-3)


def test_a_flat_plateau_is_no_held_voltage():
    flat = cell(open_circuit=lambda x: 3.4 + 0 * x, resistance_ohm=0.0)
    protocol = galvanostatic([1e-9], between=(3.0, 4.0))
    with pytest.raises(AnalysisError, match="empties"):
        measure(flat, protocol)
    trace = trace_of(np.arange(0, 1000, 10.0), np.where(np.arange(100) < 5, 0, 1e-9))
    _, half = split(trace)
    assert half["constant_voltage_ah"].values.tolist() == [0.0]


def test_short_interruptions_are_bridged_and_long_ones_are_not():
    time = np.arange(0, 3000, 10.0)
    current = np.where((time > 100) & (time < 2900), 1e-9, 0.0)
    current[100:104] = 0.0
    assert split(trace_of(time, current))[1].sizes["half_cycle"] == 1
    apart = SplitOptions(longest_interruption_second=20.0)
    assert split(trace_of(time, current), options=apart)[1].sizes["half_cycle"] == 2
    # A single sample of the other sign is a glitch, not a half cycle.
    current[150] = -1e-9
    assert split(trace_of(time, current))[1].sizes["half_cycle"] == 1


def test_pulses_are_rest():
    protocol = [*pulses(1e-9, 4), *galvanostatic([1e-9], between=(2.6, 4.3), rest_second=600)]
    trace, _ = measure(cell(), protocol, lithium_start=0.9, options=PotentiostatOptions(interval_second=2.0))
    marked, half = split(trace)
    assert half.sizes["half_cycle"] == 2
    assert np.all(marked["half_cycle_count"].values[: half["first_sample"].values[0]] == -1)


def test_coulombic_efficiency_is_lithiation_over_the_delithiation_before():
    trace, _ = cycled((1e-9, 1e-9), of=cell(side_share=0.03), interval=2.0)
    _, half = split(trace)
    efficiency = half["coulombic_efficiency"].values
    assert np.isnan(efficiency[[0, 2]]).all()
    # In the second cycle the lithium that comes out is the lithium that went in before.
    assert efficiency[3] == pytest.approx(0.97, abs=2e-3)


def test_capacity_from_mass_and_specific_capacity():
    trace, _ = cycled((1e-9,))
    options = SplitOptions(active_mass_gram=1e-7, specific_capacity_ah_per_gram=0.05)
    assert split(trace, options=options)[1].attrs["nominal_capacity_ah"] == pytest.approx(5e-9)
    with pytest.raises(OptionError, match="needs active_mass_gram"):
        SplitOptions(specific_capacity_ah_per_gram=0.1)
    with pytest.raises(OptionError, match="not both"):
        SplitOptions(active_mass_gram=1e-7, specific_capacity_ah_per_gram=0.1, nominal_capacity_ah=1.0)


def test_area_and_mass_give_current_density_and_specific_capacity():
    trace, _ = cycled((1e-9,))
    half = split(trace, options=SplitOptions(active_mass_gram=2e-8, electrode_area_square_centimetre=0.0204))[1]
    # 1 nA on 1.2 x 1.7 mm is 0.049 uA/cm2 (Lim 2016: of the order of 0.1), 4.9e-4 A/m2.
    np.testing.assert_allclose(
        half["current_density_ampere_per_square_metre"].values, half["current_ampere"].values / 2.04e-6
    )
    np.testing.assert_allclose(half["specific_capacity_ah_per_gram"].values, half["capacity_ah"].values / 2e-8)
    assert "nominal_c_rate" not in half


def test_the_columns_of_charge_are_compared_and_may_be_used():
    trace, truth = cycled((1e-9,), interval=600.0)
    exact = [charge for _, charge, _ in truth.half_cycle_charges()]
    _, half = split(trace, options=SplitOptions(charge="column"))
    np.testing.assert_allclose(half["capacity_ah"].values, exact, rtol=1e-9)
    wrong = trace.assign(net_capacity_ah=trace["net_capacity_ah"].copy(data=trace["net_capacity_ah"].values * 1.1))
    with pytest.warns(LithiscopeWarning, match="own charge"):
        split(wrong)


def test_current_rebuilt_from_charge_is_counted_as_it_was_made():
    time = np.arange(0.0, 100.0, 10.0)
    increment = np.where(np.arange(10) >= 3, 1e-9, 0.0)
    current = 3600 * increment / 10.0
    trace = trace_of(time, current, net_capacity_ah=np.cumsum(increment))
    trace.attrs["current_source"] = "from charge"
    assert split(trace)[1]["capacity_ah"].values == pytest.approx([7e-9])


def test_samples_that_cannot_be_read_are_passed_over():
    trace, _ = cycled((1e-9,))
    values = trace["current_ampere"].values.copy()
    values[500:505] = np.nan
    holed = trace.assign(current_ampere=trace["current_ampere"].copy(data=values))
    before, after = split(trace)[1], split(holed)[1]
    np.testing.assert_allclose(after["capacity_ah"].values, before["capacity_ah"].values, rtol=1e-9)
    assert after["last_sample"].values.tolist() == before["last_sample"].values.tolist()


def test_splitting_twice_changes_nothing():
    marked, half = split(cycled((1e-9,))[0])
    again, half_again = split(marked)
    assert marked.identical(again)
    assert half.identical(half_again)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"current_ampere": None}, "no current"),
        ({"current_ampere": np.zeros(100)}, "no current flows"),
        ({"voltage_volt": None}, "no voltage"),
        ({"test_time_second": np.r_[np.arange(50.0), np.arange(50.0)]}, "runs backwards"),
        ({"current_ampere": np.random.default_rng(0).standard_normal(100)}, "above its noise"),
    ],
)
def test_traces_that_cannot_be_cut_are_refused(change, words):
    columns = {
        "test_time_second": np.arange(100.0),
        "current_ampere": np.where(np.arange(100) > 20, 1e-9, 0),
        "voltage_volt": np.full(100, 3.4),
    } | change
    trace = trace_of(columns["test_time_second"], columns["current_ampere"])
    if columns["voltage_volt"] is None:
        trace = trace.drop_vars("voltage_volt")
    with pytest.raises(AnalysisError, match=words) as caught:
        split(trace)
    assert caught.value.file == "made.csv"
    assert caught.value.remedy


def test_charge_columns_must_exist_to_be_used():
    trace = trace_of(np.arange(100.0), np.where(np.arange(100) > 20, 1e-9, 0))
    with pytest.raises(AnalysisError, match="no column of charge"):
        split(trace, options=SplitOptions(charge="column"))
    with pytest.raises(StageError):
        split(split(cycled((1e-9,))[0])[1])


def test_a_million_rows_of_a_hundred_half_cycles_take_seconds():
    trace, _ = cycled((0.5e-9,) * 14 + (2.5e-9,) * 36, interval=1.0, rest=60.0, current_noise=1e-12)
    assert trace.sizes["sample"] > 1_000_000
    start = clock.perf_counter()
    _, half = split(trace)
    # Takes about a third of a second alone on one core.
    assert clock.perf_counter() - start < 5.0
    assert half.sizes["half_cycle"] == 100
