from __future__ import annotations

import numpy as np
import pytest

from cell.trace_files import LABELS, cycling, mpt_rows, write_mpt
from lithiscope.cell import TraceOptions, open_trace
from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError, UnitError

CELL = cycling()


@pytest.mark.parametrize("comma", [False, True])
@pytest.mark.parametrize("trailing", ["", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("magic", ["EC-Lab ASCII FILE", "BT-Lab ASCII FILE", None])
def test_every_manner_of_writing_gives_the_same_numbers(tmp_path, comma, trailing, end, magic) -> None:
    trace = open_trace(write_mpt(tmp_path / "a.mpt", comma=comma, trailing=trailing, end=end, magic=magic))
    assert trace.attrs["format"] == "BioLogic mpt"
    np.testing.assert_array_equal(trace["test_time_second"], CELL["time"])
    # Fifteen digits are printed: 1e-15 relative, and one rounding each for mA and Ah.
    np.testing.assert_allclose(trace["current_ampere"], CELL["current"], rtol=4e-16)
    np.testing.assert_allclose(trace["net_capacity_ah"], CELL["charge"], rtol=2e-15, atol=1e-20)
    # Potentials are printed with eight digits.
    np.testing.assert_allclose(trace["voltage_volt"], CELL["voltage"], rtol=5e-8)
    np.testing.assert_array_equal(trace["step_count"], np.arange(60) // 20)
    assert not trace["sample_flag"].any()
    assert trace["voltage_volt"].attrs["units"] == "V"


def test_a_current_is_rebuilt_from_charge_when_there_is_none(tmp_path) -> None:
    rows = [row[:-1] for row in mpt_rows(CELL)]
    trace = open_trace(write_mpt(tmp_path / "a.mpt", rows, labels=LABELS[:-1]))
    assert trace.attrs["current_source"] == "from charge"
    # The charge has 16 digits and differs by 3e-6 Ah: cancellation leaves about 1e-15 of the current.
    np.testing.assert_allclose(trace["current_ampere"][1:], CELL["current"][1:], rtol=1e-14)
    assert trace["current_ampere"][0] == 0  # no charge before the first sample


def test_the_start_needs_a_zone_to_be_a_moment(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt")
    local = open_trace(path)
    assert local.attrs["start_local"] == "2024-01-10T11:02:29.886000"
    assert "start_utc" not in local.attrs
    assert "unix_time_second" not in local
    zurich = open_trace(path, timezone="Europe/Zurich")
    assert zurich.attrs["start_utc"] == "2024-01-10T10:02:29.886000+00:00"
    np.testing.assert_allclose(zurich["unix_time_second"] - zurich["test_time_second"], 1704880949.886, atol=1e-6)


def test_day_and_month(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt")
    stated = open_trace(path, options=TraceOptions(date_order="day first"))
    assert stated.attrs["start_local"].startswith("2024-10-01")
    clear = write_mpt(tmp_path / "b.mpt", header=("Acquisition started on : 25/10/2024 11:02:29.886",))
    assert open_trace(clear).attrs["start_local"].startswith("2024-10-25")


def test_clock_times_in_the_column_of_time(tmp_path) -> None:
    rows = mpt_rows(CELL)
    for row, seconds in zip(rows, CELL["time"], strict=True):
        minute, second = divmod(int(seconds) + 30, 60)
        row[2] = f"01/10/2024 11:{minute + 2:02d}:{second:02d}.886"
    trace = open_trace(write_mpt(tmp_path / "a.mpt", rows))
    # Each is 30 s after 11:02:00.886, hence 1 s after the start that the header states.
    np.testing.assert_allclose(trace["test_time_second"], CELL["time"] + 1.0, atol=1e-6)
    alone = open_trace(write_mpt(tmp_path / "b.mpt", rows, magic=None), timezone="Europe/Zurich")
    np.testing.assert_allclose(alone["test_time_second"], CELL["time"], atol=1e-6)
    assert alone.attrs["start_utc"] == "2024-01-10T10:02:30.886000+00:00"


def test_clock_times_over_the_change_of_the_clocks(tmp_path) -> None:
    clocks = ["03/31/2024 01:59:50", "03/31/2024 03:00:10", "03/31/2024 03:00:20"]
    rows = [[*row[:2], clock, *row[3:]] for row, clock in zip(mpt_rows(CELL), clocks, strict=False)]
    trace = open_trace(write_mpt(tmp_path / "a.mpt", rows, magic=None), timezone="Europe/Zurich")
    np.testing.assert_allclose(trace["test_time_second"], [0, 20, 30], atol=1e-6)


def test_a_wrong_length_of_the_header_does_not_matter(tmp_path) -> None:
    for count in (0, 3, 10_000_000):
        trace = open_trace(write_mpt(tmp_path / "a.mpt", count=count))
        assert trace.sizes["sample"] == 60


def test_a_long_header(tmp_path) -> None:
    header = [f"Loop {n} from point number {n} to {n}" for n in range(20_000)]
    trace = open_trace(write_mpt(tmp_path / "a.mpt", header=header))
    assert trace.sizes["sample"] == 60


def test_loops_are_steps(tmp_path) -> None:
    header = ("Loop 0 from point number 0 to 9", "Loop 1 from point number 10 to 59")
    rows = [[row[0], "0", *row[2:]] for row in mpt_rows(CELL)]
    trace = open_trace(write_mpt(tmp_path / "a.mpt", rows, header=header))
    np.testing.assert_array_equal(trace["step_count"], np.arange(60) >= 10)


def test_potentials_of_a_cell_with_reference(tmp_path) -> None:
    labels = ("time/s", "Ewe/V", "Ece/V", "I/mA")
    trace = open_trace(
        write_mpt(tmp_path / "a.mpt", [["0", "3.5", "0.1", "1"], ["1", "3.6", "0.1", "1"]], labels=labels)
    )
    np.testing.assert_allclose(trace["voltage_volt"], [3.4, 3.5])
    np.testing.assert_allclose(trace["working_electrode_potential_volt"], [3.5, 3.6])
    assert trace.attrs["voltage_source"] == "cell"
    two = open_trace(write_mpt(tmp_path / "b.mpt"))
    assert two.attrs["voltage_source"] == "working electrode"


@pytest.mark.parametrize(
    ("label", "value"), [("I/mA", "1"), ("I/A", "0.001"), ("<I>/\u00b5A", "1000"), ("<I/mA>", "1")]
)
def test_the_unit_of_the_current_is_that_of_its_label(tmp_path, label, value) -> None:
    path = write_mpt(tmp_path / "a.mpt", [["0", "3.5", value], ["1", "3.5", value]], labels=("time/s", "Ewe/V", label))
    np.testing.assert_allclose(open_trace(path)["current_ampere"], 1e-3, rtol=1e-15)


def test_open_circuit_means_no_current(tmp_path) -> None:
    rows = [[row[2], row[6]] for row in mpt_rows(CELL)]
    path = write_mpt(tmp_path / "a.mpt", rows, labels=("time/s", "<Ewe/V>"), technique="Open Circuit Voltage")
    trace = open_trace(path)
    assert trace.attrs["current_source"] == "open circuit"
    assert not trace["current_ampere"].any()


def test_no_rows(tmp_path) -> None:
    with pytest.raises(FileFormatError, match="no samples") as caught:
        open_trace(write_mpt(tmp_path / "a.mpt", []))
    assert caught.value.file.endswith("a.mpt")


def test_a_file_cut_off_within_a_row_keeps_the_others(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.warns(LithiscopeWarning, match="ends within a row"):
        trace = open_trace(path)
    assert trace.sizes["sample"] == 59
    np.testing.assert_array_equal(trace["test_time_second"], CELL["time"][:59])


def test_a_file_cut_off_within_its_last_field(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt", trailing="")
    # -1.000000000000000E+000 becomes -1.000000000000000E, or the plausible -1.0: both must go.
    for cut in (6, 15):
        short = tmp_path / f"{cut}.mpt"
        short.write_bytes(path.read_bytes()[:-cut])
        with pytest.warns(LithiscopeWarning, match="ends within a row"):
            assert open_trace(short).sizes["sample"] == 59


def test_a_whole_last_row_without_an_end_of_line_is_kept(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt", trailing="")
    path.write_bytes(path.read_bytes().rstrip())
    assert open_trace(path).sizes["sample"] == 60


@pytest.mark.parametrize("wrong", [lambda row: row[:-2], lambda row: [*row, "1", "2"], lambda row: ["", "?"]])
def test_rows_with_too_few_or_too_many_fields_become_nan(tmp_path, wrong) -> None:
    rows = mpt_rows(CELL)
    rows[7] = wrong(rows[7])
    with pytest.warns(LithiscopeWarning, match="1 of 60 rows .* line 16"):
        trace = open_trace(write_mpt(tmp_path / "a.mpt", rows, trailing=""))
    assert np.isnan(trace["current_ampere"][7])
    assert np.flatnonzero(trace["sample_flag"]).tolist() == [7]
    assert trace["step_index"][7] == -1
    assert np.isfinite(trace["voltage_volt"]).sum() == 59


@pytest.mark.parametrize("value", ["", "nan", "abc", "1_0", "inf", "1E+999", "--", '"'])
def test_a_value_that_is_no_number_becomes_nan(tmp_path, value) -> None:
    rows = mpt_rows(CELL)
    rows[5][6] = value
    trace = open_trace(write_mpt(tmp_path / "a.mpt", rows))
    assert np.isnan(trace["voltage_volt"][5])
    assert np.flatnonzero(trace["sample_flag"]).tolist() == [5]
    np.testing.assert_array_equal(trace["test_time_second"], CELL["time"])


def test_a_table_without_time(tmp_path) -> None:
    with pytest.raises(FileFormatError, match="names of the columns") as caught:
        open_trace(write_mpt(tmp_path / "a.mpt", [["3.5", "1"]], labels=("Ewe/V", "I/mA")))
    assert "export the file again" in str(caught.value)


def test_columns_chosen_by_the_user(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt")
    chosen = open_trace(path, columns={"current_ampere": ("control/V/mA", "mA"), "voltage_volt": (6, "V")})
    np.testing.assert_allclose(chosen["current_ampere"], 1e-3)
    assert chosen.attrs["voltage_source"] == "cell"
    with pytest.raises(OptionError, match="no such column"):
        open_trace(path, columns={"current_ampere": "I/mA"})
    with pytest.raises(OptionError, match="no such variable"):
        open_trace(path, columns={"current": "<I>/mA"})
    with pytest.raises(UnitError, match="a unit is missing"):
        open_trace(path, columns={"current_ampere": "mode"})
    with pytest.raises(UnitError, match="cannot be converted"):
        open_trace(path, columns={"current_ampere": "Ewe/V"})
