from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from lithiscope.cell import open_trace
from lithiscope.cell.readers import RawTrace, registry
from lithiscope.errors import FileFormatError, LithiscopeWarning


class Toy:
    FORMAT = "toy"

    @staticmethod
    def can_open(path, head: bytes) -> bool:
        return head.startswith(b"TOY")

    @staticmethod
    def read(path, request) -> RawTrace:
        size = len(path.read_bytes())
        return RawTrace({"test_time_second": np.arange(size), "voltage_volt": np.full(size, 3.0)})


@pytest.fixture
def plug_in(monkeypatch):
    def register(*entries: EntryPoint) -> None:
        monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "lithiscope.cell" else ())

    return register


def test_a_plug_in_reads_its_format(tmp_path, plug_in, monkeypatch) -> None:
    entry = EntryPoint("toy", "cell.readers.none:Toy", "lithiscope.cell")
    monkeypatch.setattr(EntryPoint, "load", lambda self: Toy)
    plug_in(entry)
    path = tmp_path / "a.toy"
    path.write_bytes(b"TOY!")
    trace = open_trace(path)
    assert trace.attrs["format"] == "toy"
    assert trace.sizes["sample"] == 4


def test_a_plug_in_that_fails_to_load_warns_and_is_skipped(tmp_path, plug_in) -> None:
    plug_in(EntryPoint("broken", "no.such.module:reader", "lithiscope.cell"))
    path = tmp_path / "a.csv"
    path.write_text("time/s,Ewe/V\n0,3\n1,3\n")
    with pytest.warns(LithiscopeWarning, match="'broken' was skipped"):
        assert open_trace(path).sizes["sample"] == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b" \n\n", "is empty"), (b"hello", "no reader knows"), (bytes(range(256)), "no reader knows")],
)
def test_files_that_nobody_can_read(tmp_path, content, problem) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=problem) as caught:
        open_trace(path)
    assert caught.value.file == str(path)
    assert caught.value.remedy


def test_a_folder_and_a_file_that_is_not_there(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "none.mpt"):
        with pytest.raises(FileFormatError, match="no such file"):
            open_trace(path)
