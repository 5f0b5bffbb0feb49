from __future__ import annotations

import numpy as np
import pytest

from cell.trace_files import write_dta
from lithiscope.cell import TraceOptions, open_trace
from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError, UnitError


@pytest.mark.parametrize("german", [False, True])
def test_numbers_of_either_country(tmp_path, german) -> None:
    trace = open_trace(write_dta(tmp_path / "a.DTA", german=german))
    np.testing.assert_array_equal(trace["test_time_second"], np.arange(12))
    np.testing.assert_allclose(trace["voltage_volt"], 3 + 1e-3 * np.arange(12), atol=1e-9)
    np.testing.assert_array_equal(trace["current_ampere"], 2e-3)
    assert trace.attrs["start_local"] == "2019-03-25T16:35:22"
    assert trace.attrs["technique"] == "PWR800"
    # -327.67 degrees is what Gamry writes without a sensor.
    assert "ambient_temperature_celsius" not in trace


def test_several_tables_follow_each_other(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA", tables=("CURVE1", "CURVE2", "CURVE3"))
    np.testing.assert_array_equal(open_trace(path)["test_time_second"], np.arange(36))
    second = open_trace(path, options=TraceOptions(table="CURVE2"))
    np.testing.assert_array_equal(second["test_time_second"], np.arange(12, 24))


def test_one_table_by_name(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA", tables=("OCVCURVE", "CURVE"))
    with pytest.warns(LithiscopeWarning, match="read CURVE; not OCVCURVE"):
        trace = open_trace(path)
    np.testing.assert_array_equal(trace["test_time_second"], np.arange(12, 24))
    rest = open_trace(path, options=TraceOptions(table="OCVCURVE"))
    np.testing.assert_array_equal(rest["test_time_second"], np.arange(12))
    with pytest.raises(OptionError, match="no such table"):
        open_trace(path, options=TraceOptions(table="CURVE9"))


def test_a_run_that_was_aborted(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA", tail="EXPERIMENTABORTED\tTOGGLE\tT\tExperiment Aborted\n")
    with pytest.warns(LithiscopeWarning, match="was aborted"):
        trace = open_trace(path)
    assert trace.sizes["sample"] == 12


def test_a_run_cut_off_within_a_row(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.warns(LithiscopeWarning, match="ends within a row"):
        trace = open_trace(path)
    assert trace.sizes["sample"] == 11


def test_a_mangled_row(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA")
    path.write_bytes(path.read_bytes().replace(b"\t5\t5.0000\t", b"  5 5.0000\t"))
    with pytest.warns(LithiscopeWarning, match="1 of 12 rows .* line 13"):
        trace = open_trace(path)
    assert np.flatnonzero(trace["sample_flag"]).tolist() == [5]


@pytest.mark.parametrize(
    ("date", "start"),
    [("3/4/2019", "2019-03-04"), ("4.3.2019", "2019-03-04"), ("2019-03-04", "2019-03-04"), ("25-3-2019", "2019-03-25")],
)
def test_dates(tmp_path, date, start) -> None:
    assert open_trace(write_dta(tmp_path / "a.DTA", date=date)).attrs["start_local"].startswith(start)


def test_a_date_that_reads_two_ways_is_left_out(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA", date="3-4-2019")
    with pytest.warns(LithiscopeWarning, match="two ways"):
        assert "start_local" not in open_trace(path).attrs
    stated = open_trace(path, options=TraceOptions(date_order="day first"))
    assert stated.attrs["start_local"].startswith("2019-04-03")


def test_the_other_convention_of_current_warns(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA", header=("CONVENTION\tIQUANT\t0\tCurrent Convention",))
    with pytest.warns(LithiscopeWarning, match="current_sign=-1"):
        open_trace(path)


def test_no_table(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA", tables=())
    with pytest.raises(FileFormatError, match="no table"):
        open_trace(path)
    empty = write_dta(tmp_path / "b.DTA", rows=0)
    with pytest.raises(FileFormatError, match="no samples"):
        open_trace(empty)


def test_an_auxiliary_column_whose_unit_nobody_knows_is_left_out(tmp_path) -> None:
    path = write_dta(tmp_path / "a.DTA")
    text = path.read_bytes().replace(b"-327.67", b"24.5")
    path.write_bytes(text.replace(b"deg C", b"Grad C"))
    np.testing.assert_allclose(open_trace(path)["ambient_temperature_celsius"], 24.5)
    path.write_bytes(text.replace(b"deg C", b"Zoll"))
    with pytest.warns(LithiscopeWarning, match=r"'Temp/Zoll' was left out.*cell\.columns") as caught:
        trace = open_trace(path)
    assert len(caught) == 1
    assert "ambient_temperature_celsius" not in trace
    assert trace.sizes["sample"] == 12
    # What the user names is not left out, and a current without a unit is none.
    with pytest.raises(UnitError):
        open_trace(path, columns={"ambient_temperature_celsius": ("Temp/Zoll", "Zoll")})
    path.write_bytes(text.replace(b"\tA\t", b"\tZoll\t"))
    with pytest.raises(UnitError):
        open_trace(path)
