from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from lithiscope.cell import open_trace
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.instruments.potentiostat import (
    ConstantCurrent,
    ConstantVoltage,
    PotentiostatOptions,
    Rest,
    VirtualCell,
    blank_electrode,
    galvanostatic,
    measure,
    plateau_cell,
    pulses,
    write_bdf,
    write_mpt,
)

QUIET = PotentiostatOptions(voltage_noise=0.0)
PLATEAU = dataclasses.replace(plateau_cell(end_volt=0.05), slow_delithiation_ohm=3e7, slow_lithiation_ohm=6e7)


def test_charge_lithium_and_voltage_follow_the_stated_cell():
    result = measure(PLATEAU, [ConstantCurrent(1e-9, longest_second=3600.0)], lithium_start=0.8, options=QUIET)
    # 1 nA for an hour out of 5 nAh takes out a fifth.
    assert result.truth.steps[0].charge_ah == pytest.approx(1e-9, rel=1e-12)
    assert result.truth.lithium_fraction[-1] == pytest.approx(0.6, abs=1e-12)
    second, x = result.trace["test_time_second"].values, result.truth.lithium_fraction
    open_circuit = 3.425 + 0.01 * (1 - 2 * x) + 0.05 * np.log((1 - x) / x)
    late = 1e-9 * 3e7 * (1 - np.exp(-second / 30.0))
    expected = open_circuit + 0.01 + 1e-9 * 1e8 + late
    np.testing.assert_allclose(result.trace["voltage_volt"].values, expected, atol=1e-12)


def test_a_voltage_limit_is_met_exactly_and_the_hold_ends_at_the_cut_off():
    protocol = galvanostatic([2e-9], between=(2.8, 4.0), cut_off_ampere=1e-10)
    result = measure(PLATEAU, protocol, options=QUIET)
    current_steps, holds = result.truth.steps[::2], result.truth.steps[1::2]
    for step, limit in zip(current_steps, (4.0, 2.8), strict=True):
        sample = int(np.searchsorted(result.trace["test_time_second"].values, step.end_second))
        assert result.trace["voltage_volt"].values[sample] == pytest.approx(limit, abs=1e-9)
    assert [abs(step.last_ampere) for step in holds] == pytest.approx([1e-10, 1e-10], rel=1e-4)
    assert [step.first_ampere for step in holds] == pytest.approx([2e-9, -2e-9], rel=1e-3)
    # Lithium and charge agree to the accuracy of the integration.
    moved = sum(step.charge_ah for step in result.truth.steps)
    assert 0.99 - result.truth.lithium_fraction[-1] == pytest.approx(moved / PLATEAU.capacity_ah, abs=1e-7)


def test_side_reactions_pass_charge_without_lithium():
    leaky = dataclasses.replace(PLATEAU, side_share=0.02)
    result = measure(leaky, [ConstantCurrent(1e-9, longest_second=3600.0)], lithium_start=0.9, options=QUIET)
    assert 0.9 - result.truth.lithium_fraction[-1] == pytest.approx(0.98 * 0.2, abs=1e-12)


def test_noise_digits_and_clock_are_as_stated():
    options = PotentiostatOptions(
        interval_second=1.0, voltage_noise=2e-4, current_noise=3e-12, clock_offset=50.0, clock_drift=1e-5
    )
    result = measure(PLATEAU, [Rest(20_000.0)], lithium_start=0.5, options=options)
    noise = result.trace["voltage_volt"].values - result.truth.voltage_volt
    # 20000 samples give a standard deviation within 2.5 % at five standard errors.
    assert np.std(noise) == pytest.approx(2e-4, rel=0.025)
    assert np.std(result.trace["current_ampere"].values) == pytest.approx(3e-12, rel=0.025)
    assert result.trace["test_time_second"].values[-1] == pytest.approx(50.0 + 20_000 * 1.00001, abs=1e-9)
    rounded = measure(PLATEAU, [Rest(100.0)], options=PotentiostatOptions(voltage_digit=1e-3))
    np.testing.assert_allclose(rounded.trace["voltage_volt"].values * 1e3 % 1.0 % 1.0, 0.0, atol=1e-9)


def test_the_truth_names_edges_and_half_cycles(tmp_path):
    protocol = [*galvanostatic([1e-9], between=(2.8, 4.0), rest_second=60.0, cut_off_ampere=5e-10), *pulses(1e-9, 2)]
    result = measure(dataclasses.replace(PLATEAU, slow_second=1.0), protocol, options=QUIET)
    charges = result.truth.half_cycle_charges()
    assert [direction for direction, _, _ in charges] == [-1, 1, -1, 1]
    held = [abs(step.charge_ah) for step in result.truth.steps if step.kind == "ConstantVoltage"]
    assert [one for _, _, one in charges[:2]] == pytest.approx(held)
    starts = [step.start_second for step in result.truth.steps]
    assert set(result.truth.edges()) <= set(starts)
    assert starts[1] in result.truth.edges()
    result.truth.write(tmp_path / "truth.json")
    assert json.loads((tmp_path / "truth.json").read_text())["resistance_ohm"] == 1e8


@pytest.mark.parametrize("decimal", [".", ","])
def test_ec_lab_text_reads_back(tmp_path, decimal):
    trace = measure(PLATEAU, galvanostatic([1e-9], between=(2.8, 4.0), rest_second=60.0)).trace
    write_mpt(trace, tmp_path / "made.mpt", decimal=decimal)
    again = open_trace(tmp_path / "made.mpt", timezone="UTC")
    assert again.attrs["start_utc"].startswith("2015-06-01T08:00:00")
    for name in ("test_time_second", "current_ampere", "net_capacity_ah", "working_electrode_potential_volt"):
        source = "voltage_volt" if name.startswith("working") else name
        np.testing.assert_allclose(again[name].values, trace[source].values, rtol=1e-12, atol=1e-20)


def test_bdf_reads_back(tmp_path):
    trace = measure(PLATEAU, galvanostatic([1e-9], between=(2.8, 4.0), rest_second=60.0)).trace
    write_bdf(trace, tmp_path / "made.csv")
    again = open_trace(tmp_path / "made.csv")
    for name in ("test_time_second", "current_ampere", "charging_capacity_ah", "discharging_capacity_ah"):
        np.testing.assert_allclose(again[name].values, trace[name].values, rtol=1e-12, atol=1e-20)


def test_a_blank_is_a_capacitor():
    result = measure(blank_electrode(2e-11), [ConstantCurrent(1e-10, until_volt=4.0)], options=QUIET)
    # From 1.53 V (lithium 0.99 of 3 V) to 4.0 V less the ohmic 0.01 V, at 2e-11 Ah/V.
    assert result.truth.steps[0].charge_ah == pytest.approx(2e-11 * (3.99 - 1.53), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ConstantCurrent(0.0, until_volt=4.0), "ampere"),
        (lambda: ConstantCurrent(1e-9), "until_volt"),
        (lambda: ConstantVoltage(4.0, 0.0), "until_ampere"),
        (lambda: Rest(0.0), "second"),
        (lambda: VirtualCell(lambda x: x, 0.0), "capacity_ah"),
        (lambda: VirtualCell(lambda x: x, 1.0, resistance_ohm=-1.0), "resistance_ohm"),
        (lambda: VirtualCell(lambda x: x, 1.0, side_share=1.0), "side_share"),
    ],
)
def test_impossible_steps_and_cells_are_refused(make, field):
    with pytest.raises(OptionError, match=field):
        make()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([ConstantCurrent(1e-9, longest_second=1e6)], "empties or fills"),
        ([ConstantVoltage(4.0, 1e-10)], "current before it"),
    ],
)
def test_impossible_protocols_are_refused(steps, words):
    with pytest.raises(AnalysisError, match=words):
        measure(PLATEAU, steps)
