from __future__ import annotations

import json

import numpy as np
import pytest

from cell.trace_files import cycling, mpt_rows, write_mpt
from lithiscope.cell import TraceOptions, join_traces, open_trace
from lithiscope.errors import AnalysisError, FileFormatError, OptionError, StageError

CELL = cycling()
OCV = "Open Circuit Voltage"


def part(tmp_path, name: str, samples: slice, *, start: str = "01/10/2024 11:02:29.886", **changes):
    """Some of the rows of the cycling cell as a file of its own."""
    header = (f"Acquisition started on : {start}", *changes.pop("header", ()))
    return write_mpt(tmp_path / f"{name}.mpt", mpt_rows(CELL)[samples], header=header, **changes)


def test_the_files_own_header_is_kept(tmp_path) -> None:
    trace = open_trace(write_mpt(tmp_path / "a.mpt"))
    assert json.loads(trace.attrs["header"])["unit Is"] == "\u00b5A"
    assert trace.attrs["source"] == "a.mpt"
    assert trace.attrs["technique"] == "Galvanostatic Cycling with Potential Limitation"
    assert "repairs" not in trace.attrs


def test_repairs_are_asked_for_and_noted(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt")
    plain = open_trace(path)
    options = TraceOptions(current_sign=-1, current_factor=1e-3, time_factor=3600.0, capacity_factor=10.0)
    mended = open_trace(path, options=options)
    np.testing.assert_allclose(mended["current_ampere"], -1e-3 * plain["current_ampere"], rtol=1e-15)
    np.testing.assert_allclose(mended["test_time_second"], 3600.0 * plain["test_time_second"], rtol=1e-15)
    np.testing.assert_allclose(mended["net_capacity_ah"], -10.0 * plain["net_capacity_ah"], rtol=1e-15)
    np.testing.assert_array_equal(mended["voltage_volt"], plain["voltage_volt"])
    assert mended.attrs["repairs"] == "current_sign=-1, current_factor=0.001, time_factor=3600, capacity_factor=10"


def test_a_rebuilt_current_uses_the_repaired_time(tmp_path) -> None:
    from cell.trace_files import LABELS

    path = write_mpt(tmp_path / "a.mpt", [row[:-1] for row in mpt_rows(CELL)], labels=LABELS[:-1])
    slow = open_trace(path, options=TraceOptions(time_factor=10.0))
    np.testing.assert_allclose(slow["current_ampere"][1:], CELL["current"][1:] / 10, rtol=1e-14)


def test_options_that_do_not_fit(tmp_path) -> None:
    path = write_mpt(tmp_path / "a.mpt")
    with pytest.raises(OptionError, match="a current of its own"):
        open_trace(path, options=TraceOptions(current_ampere=1.0))
    with pytest.raises(OptionError, match="no such time zone"):
        open_trace(path, timezone="Mars/Olympus")
    for wrong in ({"current_sign": 0}, {"current_factor": -1}, {"time_factor": 0}, {"date_order": "year"}, {"sign": 1}):
        with pytest.raises(OptionError):
            TraceOptions(**wrong)


def test_no_time_at_all(tmp_path) -> None:
    rows = [[*row[:2], "later", *row[3:]] for row in mpt_rows(CELL)]
    with pytest.raises(FileFormatError, match="no time of the file can be read"):
        open_trace(write_mpt(tmp_path / "a.mpt", rows))


def test_a_whole_column_that_is_missing_is_no_flag_on_every_row(tmp_path) -> None:
    rows = [[*row[:-1], ""] for row in mpt_rows(CELL)]
    trace = open_trace(write_mpt(tmp_path / "a.mpt", rows))
    assert np.isnan(trace["current_ampere"]).all()
    assert not trace["sample_flag"].any()


def test_a_sequence_is_joined_in_the_order_of_time(tmp_path) -> None:
    late, early = part(tmp_path, "late", slice(20, 60)), part(tmp_path, "early", slice(0, 20))
    joined = join_traces([open_trace(late), open_trace(early)])
    np.testing.assert_array_equal(joined["test_time_second"], CELL["time"])
    np.testing.assert_allclose(joined["current_ampere"], CELL["current"], rtol=4e-16)
    np.testing.assert_array_equal(joined["step_count"], np.arange(60) // 20)
    assert joined.attrs["source"] == "late.mpt, early.mpt"
    assert "net_capacity_ah" not in joined  # each file counts from its own zero


def test_starts_put_files_on_one_clock(tmp_path) -> None:
    first = part(tmp_path, "first", slice(0, 20))
    # Its own zero is 1000 s later: 11:19:09.886.
    second = part(tmp_path, "second", slice(0, 20), start="01/10/2024 11:19:09.886")
    joined = join_traces([open_trace(second), open_trace(first)])
    expected = np.concatenate([CELL["time"][:20], CELL["time"][:20] + 1000.0])
    np.testing.assert_allclose(joined["test_time_second"], expected, atol=1e-6)
    assert joined.attrs["start_local"] == "2024-01-10T11:02:29.886000"
    zoned = join_traces([open_trace(path, timezone="Europe/Paris") for path in (second, first)])
    np.testing.assert_allclose(zoned["unix_time_second"] - zoned["test_time_second"], 1704880949.886, atol=1e-6)


def test_loops_of_two_files_take_turns(tmp_path) -> None:
    loops = ("Loop 0 from point number 0 to 9", "Loop 1 from point number 10 to 19")
    rows = np.array(mpt_rows(CELL))
    rows[:, 1] = "0"
    for name, take in (("a", [*range(10), *range(20, 30)]), ("b", [*range(10, 20), *range(30, 40)])):
        header = ("Acquisition started on : 01/10/2024 11:02:29.886", *loops)
        write_mpt(tmp_path / f"{name}.mpt", rows[take].tolist(), header=header)
    traces = [open_trace(tmp_path / f"{name}.mpt") for name in "ab"]
    joined = join_traces(traces)
    np.testing.assert_array_equal(joined["test_time_second"], CELL["time"][:40])
    np.testing.assert_array_equal(joined["step_count"], np.arange(40) // 10)


def test_what_a_file_lacks_is_nan_with_a_flag(tmp_path) -> None:
    rows = [[row[2], row[6]] for row in mpt_rows(CELL)[:20]]
    labels = ("time/s", "Ewe/V")
    potential = write_mpt(tmp_path / "p.mpt", rows, labels=labels, technique="Cyclic Voltammetry")
    joined = join_traces([open_trace(potential), open_trace(part(tmp_path, "b", slice(20, 60)))])
    assert np.isnan(joined["current_ampere"]).sum() == 20
    np.testing.assert_array_equal(joined["sample_flag"] > 0, np.arange(60) < 20)
    assert (joined["step_index"][:20] == -1).all()


def test_overlap_is_refused(tmp_path) -> None:
    whole = open_trace(part(tmp_path, "whole", slice(0, 60)))
    piece = open_trace(part(tmp_path, "piece", slice(25, 30)))
    for traces in ([whole, whole], [whole, piece], [piece, whole]):
        with pytest.raises(AnalysisError, match="overlap in time") as caught:
            join_traces(traces)
        assert "whole.mpt" in str(caught.value.file)
    apart = join_traces([whole, piece], offsets=[0.0, 1e4])
    assert apart.sizes["sample"] == 65


def test_times_that_cannot_be_joined(tmp_path) -> None:
    trace = open_trace(part(tmp_path, "a", slice(0, 20)))
    time = trace["test_time_second"]
    back = trace.assign(test_time_second=time.copy(data=time.values[::-1]))
    with pytest.raises(AnalysisError, match="runs backwards"):
        join_traces([back])
    gap = trace.assign(test_time_second=time.copy(data=np.where(time.values == 50, np.nan, time.values)))
    with pytest.raises(AnalysisError, match="without a time"):
        join_traces([gap])
    without = open_trace(write_mpt(tmp_path / "b.mpt", header=()))
    with pytest.raises(AnalysisError, match="no common clock") as caught:
        join_traces([trace, without])
    assert caught.value.file == "b.mpt"
    with pytest.raises(AnalysisError, match="offsets do not fit"):
        join_traces([trace], offsets=[0.0, 1.0])
    with pytest.raises(AnalysisError, match="nothing to join"):
        join_traces([])
    with pytest.raises(StageError):
        join_traces([trace.assign_attrs(stage="clock")])
