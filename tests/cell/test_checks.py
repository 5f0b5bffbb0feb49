from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell.trace_files import cycling
from lithiscope.cell import CheckOptions, check_trace, require_sound
from lithiscope.errors import AnalysisError, LithiscopeWarning, StageError
from lithiscope.stages import new

# A current of many digits: one of few is let off what rounding may have done to it.
CELL = cycling(samples=400, period=100, current=1.234567e-3)
# One half cycle: 100 samples, 10 s apart.
HALF_AH = 1.234567e-3 * 990.0 / 3600.0


def trace(cell=CELL, **changes):
    variables = {
        "test_time_second": cell["time"],
        "voltage_volt": cell["voltage"],
        "current_ampere": cell["current"],
        "net_capacity_ah": cell["charge"],
        **changes,
    }
    found = {name: ("sample", values) for name, values in variables.items() if values is not None}
    return new("cell_trace", found, coords={"sample": ("sample", np.arange(len(cell["time"])))})


def names(found) -> dict[str, str]:
    return {finding.name: finding.severity for finding in found}


def test_a_sound_trace_has_no_findings() -> None:
    assert check_trace(trace(), capacity_ah=HALF_AH) == []
    assert require_sound(trace()) is not None


@given(st.floats(1e-9, 1e3), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_no_scale_of_current_or_time_and_no_noise_raises_a_finding(amount, seconds, seed) -> None:
    noise = np.random.default_rng(seed).normal(size=(2, 400))
    current = CELL["current"] / 1.234567e-3 * amount * (1 + 0.01 * noise[0])
    time = CELL["time"] * seconds
    charge = np.concatenate([[0.0], np.cumsum(current[1:] * np.diff(time))]) / 3600
    # Noise of 2 mV on swings of 200 mV.
    voltage = CELL["voltage"] + 2e-3 * noise[1]
    made = trace(test_time_second=time, voltage_volt=voltage, current_ampere=current, net_capacity_ah=charge)
    assert check_trace(made) == []


def test_the_wrong_sign() -> None:
    found = check_trace(trace(current_ampere=-CELL["current"], net_capacity_ah=-CELL["charge"]))
    assert names(found) == {"sign": "error"}
    assert found[0].field == "current_ampere"
    assert "current_sign=-1" in found[0].remedy
    assert "0% of the charge" in found[0].value


def test_the_sign_is_judged_with_noise_greater_than_one_step() -> None:
    # A step of the voltage is 2 mV: single samples say nothing, the run does.
    noise = 20e-3 * np.random.default_rng(1).normal(size=400)
    voltage = CELL["voltage"] + noise
    assert check_trace(trace(voltage_volt=voltage)) == []
    assert names(check_trace(trace(voltage_volt=voltage, current_ampere=-CELL["current"], net_capacity_ah=None))) == {
        "sign": "error"
    }


def test_few_samples_only_warn() -> None:
    short = cycling(samples=12, period=12)
    found = check_trace(trace(short, current_ampere=-short["current"], net_capacity_ah=None))
    assert names(found) == {"sign": "warning"}


def test_a_sign_that_changes_its_mind_warns() -> None:
    mixed = CELL["current"] * np.where(np.arange(400) < 200, 1, -1)
    assert names(check_trace(trace(current_ampere=mixed, net_capacity_ah=None))) == {"sign": "warning"}


def test_a_held_potential_says_nothing() -> None:
    held = 3.6 + 1e-4 * np.linspace(0, -1, 400)
    current = 1e-3 * np.exp(-np.arange(400) / 100)
    assert check_trace(trace(voltage_volt=held, current_ampere=current, net_capacity_ah=None)) == []


def test_steps_of_the_potential_say_nothing_about_the_sign() -> None:
    # Steps to 0.5 V, 0.45 V and 0.3 V: the current falls at each, and the potential falls from step to step.
    potential = np.repeat([0.5, 0.45, 0.3], 20)
    current = np.tile(2e-8 / np.sqrt(1 + np.arange(20)), 3)
    stepped = {"time": np.arange(60) * 30.0, "voltage": potential, "current": current, "charge": None}
    assert check_trace(trace(stepped)) == []
    # At constant current a voltage that stands is no held potential: the wrong sign is still found.
    assert names(check_trace(trace(current_ampere=-CELL["current"], net_capacity_ah=None)))["sign"] == "error"


def test_current_and_capacity_of_opposite_signs() -> None:
    assert names(check_trace(trace(net_capacity_ah=-CELL["charge"]))) == {"charge": "error"}


@pytest.mark.parametrize(
    ("current", "time", "factor"),
    [
        (1e3, 1, "1/1000"),
        (1e-3, 1, "1000"),
        (1, 3600, "1/3600"),
        (1, 1 / 3600, "3600"),
        (1, 1 / 60, "60"),
        (3.6, 1, "1/3.6"),
    ],
)
def test_factors_between_units(current, time, factor) -> None:
    found = check_trace(trace(current_ampere=CELL["current"] * current, test_time_second=CELL["time"] * time))
    assert names(found) == {"charge": "error"}
    assert f"a factor of {factor} (" in found[0].problem
    assert "time_factor=" in found[0].remedy


def test_other_ratios_warn_and_small_ones_pass() -> None:
    assert names(check_trace(trace(net_capacity_ah=CELL["charge"] * 1.5))) == {"charge": "warning"}
    assert check_trace(trace(net_capacity_ah=CELL["charge"] * 1.04)) == []
    strict = CheckOptions(charge_tolerance=0.01)
    assert names(check_trace(trace(net_capacity_ah=CELL["charge"] * 1.04), options=strict)) == {"charge": "warning"}


def test_rounded_digits_are_allowed_for() -> None:
    # 1.4 mA written as 0.001 A is wrong by 40 %, and by no mistake.
    cell = cycling(samples=400, period=100, current=1.4e-3)
    made = trace(cell, current_ampere=np.round(cell["current"], 3))
    assert check_trace(made) == []
    assert names(check_trace(trace(cell, current_ampere=np.round(cell["current"], 3) * 1000))) == {"charge": "error"}


def test_counters_that_start_anew_with_every_half_cycle() -> None:
    steps = np.concatenate([[0.0], CELL["current"][1:] * 10.0 / 3600])
    positive, negative = np.maximum(steps, 0), np.maximum(-steps, 0)
    half = np.arange(400) // 100
    anew = [np.concatenate([np.cumsum(part[half == n]) for n in range(4)]) for part in (positive, negative)]
    made = {"net_capacity_ah": None, "charging_capacity_ah": anew[0], "discharging_capacity_ah": anew[1]}
    assert check_trace(trace(**made)) == []
    swapped = {"net_capacity_ah": None, "charging_capacity_ah": anew[1], "discharging_capacity_ah": anew[0]}
    assert names(check_trace(trace(**swapped))) == {"charge": "error"}


def test_a_charge_that_the_cell_cannot_hold() -> None:
    found = check_trace(trace(net_capacity_ah=None), capacity_ah=HALF_AH / 1000)
    assert names(found) == {"capacity": "error"}
    assert "1000 (milli)" in found[0].problem
    assert found[0].limit == f"at most 3 times {HALF_AH / 1000:g} Ah"
    small = check_trace(trace(net_capacity_ah=None), capacity_ah=HALF_AH * 1000)
    assert small[0].limit == f"for a half cycle from limit to limit at least 0.01 times {HALF_AH * 1000:g} Ah"
    assert names(check_trace(trace(net_capacity_ah=None), capacity_ah=HALF_AH * 1400)) == {"capacity": "warning"}
    assert check_trace(trace(net_capacity_ah=None), capacity_ah=HALF_AH * 2) == []


@pytest.mark.parametrize("factor", [1000, 3600])
@pytest.mark.parametrize("true", [0.92, 1.0, 1.09])
def test_a_whole_half_cycle_cannot_be_a_thousandth_of_the_capacity(factor, true) -> None:
    found = check_trace(trace(net_capacity_ah=None), capacity_ah=HALF_AH * factor / true)
    assert names(found) == {"capacity": "error"}
    assert f"1/{factor}" in found[0].problem
    assert "current_factor" in found[0].remedy


def test_pulses_and_half_cycles_that_stop_short_may_be_small() -> None:
    # Two fifths of the way up and down again within 0.25 V, and pulses that move the voltage by their ohmic drop alone.
    half = np.linspace(0, 1, 200)
    up = np.concatenate([3.0 + half * 0.1, [3.25], 3.1 - half * 0.1])
    current = np.concatenate([np.full(200, 1e-3), [0.0], np.full(200, -1e-3)])
    short = {"time": np.arange(401) * 10.0, "voltage": up, "current": current, "charge": current}
    charge = 1e-3 * 1990 / 3600
    assert names(check_trace(trace(short, net_capacity_ah=None), capacity_ah=1000 * charge)) == {"capacity": "warning"}
    sign = np.repeat([1.0, 0.0, -1.0, 0.0] * 5, 20)
    pulsed = {"time": np.arange(400) * 1.0, "voltage": 3.4 + 0.1 * sign, "current": 1e-3 * sign, "charge": sign}
    pulse = 1e-3 * 19 / 3600
    assert names(check_trace(trace(pulsed, net_capacity_ah=None), capacity_ah=1000 * pulse)) == {"capacity": "warning"}


def test_a_voltage_in_millivolt() -> None:
    assert names(check_trace(trace(voltage_volt=CELL["voltage"] * 1e3))) == {"voltage unit": "error"}


def test_no_current() -> None:
    assert names(check_trace(trace(current_ampere=None, net_capacity_ah=None))) == {"no current": "warning"}
    zero = trace(current_ampere=np.zeros(400), net_capacity_ah=None)
    assert names(check_trace(zero)) == {"no current": "warning"}
    rest = trace(
        current_ampere=np.zeros(400), voltage_volt=3.4 + 0.02 * np.exp(-np.arange(400) / 50), net_capacity_ah=None
    )
    assert check_trace(rest) == []


def test_a_current_that_never_changes_while_the_voltage_turns() -> None:
    found = check_trace(trace(current_ampere=np.full(400, 1e-3), net_capacity_ah=None))
    assert names(found)["constant current"] == "error"
    one_way = cycling(samples=100, period=100)
    assert check_trace(trace(one_way)) == []


@pytest.mark.parametrize(("share", "severity"), [(0.05, "warning"), (0.6, "error")])
def test_missing_values(share, severity) -> None:
    voltage = np.where(np.arange(400) % 20 < 20 * share, np.nan, CELL["voltage"])
    found = check_trace(trace(voltage_volt=voltage))
    assert names(found)["missing values"] == severity
    assert f"{share:.2%}" in found[0].value


def test_time_that_runs_backwards() -> None:
    time = CELL["time"].copy()
    time[200:] -= 500.0
    found = check_trace(trace(test_time_second=time))
    assert names(found)["time"] == "error"
    assert "first from 1990 s to 1500 s" in found[0].value


def test_rows_that_are_there_twice() -> None:
    double = {name: np.repeat(values, 2) for name, values in CELL.items()}
    found = check_trace(trace(double))
    assert names(found) == {"duplicates": "warning"}
    assert found[0].value == "400 of 800"


def test_errors_come_first_and_are_raised() -> None:
    voltage = CELL["voltage"].copy()
    voltage[3] = np.nan
    spoilt = trace(voltage_volt=voltage, current_ampere=-CELL["current"], net_capacity_ah=None)
    assert [finding.severity for finding in check_trace(spoilt)] == ["error", "warning"]
    with pytest.raises(AnalysisError, match="wrong sign") as caught:
        require_sound(spoilt.assign_attrs(source="a.mpt"))
    assert caught.value.file == "a.mpt"
    assert "current_sign=-1" in str(caught.value)
    with pytest.warns(LithiscopeWarning, match="values are missing"):
        require_sound(trace(voltage_volt=voltage))


@pytest.mark.parametrize("samples", [1, 2, 5])
def test_short_traces_are_checked_without_complaint(samples) -> None:
    cell = cycling(samples=samples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_trace(trace(cell), capacity_ah=1.0) == [] or samples > 2


def test_only_traces() -> None:
    with pytest.raises(StageError):
        check_trace(trace().assign_attrs(stage="clock"))
