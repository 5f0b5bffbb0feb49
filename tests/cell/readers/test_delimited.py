from __future__ import annotations

import numpy as np
import pytest

from lithiscope.cell import TraceOptions, open_trace
from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError, UnitError

TIME = np.array([0.0, 1.5, 3.0])


@pytest.mark.parametrize(
    ("names", "scale"),
    [
        ("test_time_second,voltage_volt,current_ampere", 1.0),
        ("Test Time / s,Voltage / V,Current / A", 1.0),
        ("test_time_millisecond,voltage_volt,current_ampere", 1e-3),
        ("Test Time / ms,Voltage / V,Current / A", 1e-3),
        ("Time [min],Voltage [V],Current [A]", 60.0),
        ("\ufeffTest Time / h,Voltage / V,Current / A", 3600.0),
        ('"Test Time / s","Voltage / V","Current / A"', 1.0),
    ],
)
def test_names_of_bdf_and_others(tmp_path, names, scale) -> None:
    path = tmp_path / "a.bdf.csv"
    path.write_text(names + "\n0,3.7,0.1\n1.5,3.6,0.1\n3,3.5,0.1", encoding="utf-8")
    trace = open_trace(path)
    np.testing.assert_allclose(trace["test_time_second"], TIME * scale, rtol=1e-15)
    np.testing.assert_array_equal(trace["current_ampere"], 0.1)
    assert trace.attrs["current_source"] == "measured"
    assert trace.attrs["voltage_source"] == "cell"


def test_unix_time_gives_test_time_and_start(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Unix Time / ms,Voltage / V\n1704880949886,3.5\n1704880950886,3.5\n")
    trace = open_trace(path)
    np.testing.assert_allclose(trace["test_time_second"], [0, 1], atol=1e-6)
    assert trace.attrs["start_utc"].startswith("2024-01-10T10:02:29.88")


def test_semicolons_and_decimal_commas_below_a_preamble(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "Cell 7\nstarted by hand\n\nTime (s);WE(1).Potential (V);WE(1).Current (mA)\n0;3,5;1\n1,5;3,6;1,5\n"
    )
    trace = open_trace(path)
    np.testing.assert_array_equal(trace["test_time_second"], [0, 1.5])
    np.testing.assert_allclose(trace["current_ampere"], [1e-3, 1.5e-3])
    assert trace.attrs["voltage_source"] == "working electrode"


def test_ch_instruments_warns_of_its_sign(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "Feb. 20, 2020\nInstrument Model:  CHI660E\n\nTime/sec, Potential/V, Current/A\n\n0, 3, 1e-3\n1, 3, 1e-3\n"
    )
    with pytest.warns(LithiscopeWarning, match="cathodic"):
        trace = open_trace(path)
    np.testing.assert_array_equal(trace["current_ampere"], 1e-3)


def test_two_bare_columns(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{5 * n}\t{4.2 - 0.01 * n}\n" for n in range(20)))
    with pytest.warns(LithiscopeWarning, match="taken as time in s and voltage in V"):
        trace = open_trace(path)
    assert "current_ampere" not in trace
    assert "current_source" not in trace.attrs
    named = {"test_time_second": (0, "min"), "voltage_volt": (1, "V")}
    stated = open_trace(path, columns=named, options=TraceOptions(current_ampere=-0.5))
    np.testing.assert_array_equal(stated["test_time_second"], 300.0 * np.arange(20))
    np.testing.assert_array_equal(stated["current_ampere"], -0.5)
    assert stated.attrs["current_source"] == "stated"


@pytest.mark.parametrize(
    "text", ["0.37, 4.21\n0.38, 4.18\n", "0.4\t4.2\n0.5\t4.1\n" * 8, "# sto , OCP [V]\n0.4,4.39\n"]
)
def test_potential_against_composition_is_no_trace(tmp_path, text) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(FileFormatError, match="no reader knows"):
        open_trace(path)


def test_names_that_only_the_user_understands(tmp_path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("Zeit;Spannung;Strom\n0;3,5;1\n1;3,6;2\n")
    with pytest.raises(FileFormatError, match="no reader knows") as caught:
        open_trace(path)
    assert "columns=" in str(caught.value)
    columns = {"test_time_second": ("Zeit", "s"), "voltage_volt": ("Spannung", "V"), "current_ampere": ("Strom", "uA")}
    np.testing.assert_allclose(open_trace(path, columns=columns)["current_ampere"], [1e-6, 2e-6])
    with pytest.raises(FileFormatError, match="no column of time"):
        open_trace(path, columns={"voltage_volt": ("Spannung", "V")})
    with pytest.raises((OptionError, FileFormatError)):
        open_trace(path, columns={"test_time_second": ("Uhr", "s")})


def test_a_unit_that_is_missing(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Time,Voltage,Current\n0,3.5,1\n1,3.5,1\n")
    with pytest.raises(UnitError, match="a unit is missing") as caught:
        open_trace(path)
    assert caught.value.field == "Time"
    assert caught.value.file.endswith("a.csv")


def test_integers_that_cannot_be_read(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Test Time / s,Voltage / V,Cycle Count / 1\n0,3.5,1\n1,3.5,\n2,3.5,1e99\n")
    trace = open_trace(path)
    assert trace["cycle_count"].values.tolist() == [1, -1, -1]
    assert trace["sample_flag"].values.tolist() == [0, 1, 1]
