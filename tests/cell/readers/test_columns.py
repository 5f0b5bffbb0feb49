from __future__ import annotations

import pytest

from lithiscope.cell.readers.columns import choose, is_trace, recognise


@pytest.mark.parametrize(
    ("label", "variable", "unit"),
    [
        ("time/s", "test_time_second", "s"),
        ("Test Time / s", "test_time_second", "s"),
        ("Test Time / ms", "test_time_second", "ms"),
        ("test_time_second", "test_time_second", "s"),
        ("test_time_millisecond", "test_time_second", "ms"),
        ("unix_time_millisecond", "unix_time_second", "ms"),
        ("Unix Time / s", "unix_time_second", "s"),
        ("Time(Sec)", "test_time_second", "Sec"),
        ("Voltage / V", "voltage_volt", "V"),
        ("voltage_volt", "voltage_volt", "V"),
        ("Ecell/V", "voltage_volt", "V"),
        ("Ewe-Ece/V", "voltage_volt", "V"),
        ("<Ewe/V>", "working_electrode_potential_volt", "V"),
        ("<Ewe>/V", "working_electrode_potential_volt", "V"),
        ("Vf/V vs. Ref.", "working_electrode_potential_volt", "V"),
        ("Potential/V", "working_electrode_potential_volt", "V"),
        ("WE(1).Current (A)", "current_ampere", "A"),
        ("Current / A", "current_ampere", "A"),
        ("Current [mA]", "current_ampere", "mA"),
        ("current_ampere", "current_ampere", "A"),
        ("I/\u00b5A", "current_ampere", "\u00b5A"),
        ("dq/mA.h", "charge_increment_ah", "mA*hour"),
        ("dQ/C", "charge_increment_ah", "C"),
        ("(Q-Qo)/mA.h", "net_capacity_ah", "mA*hour"),
        ("Net Capacity / Ah", "net_capacity_ah", "A*hour"),
        ("net_capacity_ampere_hour", "net_capacity_ah", "A*hour"),
        ("Charging Capacity / mAh", "charging_capacity_ah", "mA*hour"),
        ("discharging_capacity_ah", "discharging_capacity_ah", "A*hour"),
        ("Temperature/\u00b0C", "ambient_temperature_celsius", "degC"),
        ("ambient_temperature_celsius", "ambient_temperature_celsius", "degC"),
        ("Temp/deg C", "ambient_temperature_celsius", "degC"),
        ("cycle number", "cycle_count", "1"),
        ("Cycle Count / 1", "cycle_count", "1"),
        ("Ns", "step_index", "1"),
        ("Step ID", "step_index", "1"),
        ('"Voltage / V"', "voltage_volt", "V"),
    ],
)
def test_labels_of_all_makers(label, variable, unit) -> None:
    found = recognise(label)
    assert found is not None
    assert found[:2] == (variable, unit)


OTHERS = """control/V/mA|control/mA|I Range|Q charge/discharge/mA.h|half cycle|freq/Hz|x|Ns changes|step time/s
|step_net_capacity_ah|Surface Temperature / degC|stoichiometry_x"""


@pytest.mark.parametrize("label", [*OTHERS.replace("\n", "").split("|"), "|I|/A", "|Ewe|/V"])
def test_labels_that_say_something_else(label) -> None:
    assert recognise(label) is None


def test_the_momentary_current_goes_before_its_average_wherever_it_stands() -> None:
    for labels in (["time/s", "<I>/mA", "I/mA"], ["time/s", "I/mA", "<I>/mA"]):
        chosen = {column.variable: column.label for column in choose(labels, None, file="a")}
        assert chosen["current_ampere"] == "I/mA"


def test_a_trace_needs_a_time_and_something_measured() -> None:
    assert is_trace(["time/s", "Ewe/V"])
    assert is_trace(["unix_time_second", "current_ampere"])
    assert not is_trace(["time/s", "freq/Hz"])
    assert not is_trace(["Ewe/V", "I/mA"])
