"""Formats that need a package: without it, and with files that it cannot read."""

from __future__ import annotations

import sys
import zipfile

import numpy as np
import pytest

from lithiscope.cell import open_trace
from lithiscope.cell.readers.neware import _net
from lithiscope.errors import FileFormatError

MPR = b"BIO-LOGIC MODULAR FILE\x1a                         \x00\x00\x00\x00MODULE"


def write_ndax(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.ndc", b"\x00" * 5000)
    return path


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("a.mpr", "galvani", "biologic"), ("a.ndax", "fastnda", "neware")]
)
def test_a_missing_package_names_its_extra(tmp_path, monkeypatch, name, package, extra) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / name
    if name.endswith("mpr"):
        path.write_bytes(MPR)
    else:
        write_ndax(path)
    with pytest.raises(FileFormatError, match="not installed") as caught:
        open_trace(path)
    assert f"lithiscope[{extra}]" in str(caught.value)


def test_damaged_files(tmp_path) -> None:
    mpr = tmp_path / "a.mpr"
    mpr.write_bytes(MPR + b"\x07" * 300)
    ndax = write_ndax(tmp_path / "a.ndax")
    cut = tmp_path / "cut.ndax"
    cut.write_bytes(ndax.read_bytes()[:100])
    nda = tmp_path / "a.nda"
    nda.write_bytes(b"NEWARE" + b"\x00" * 100)
    for path in (mpr, ndax, cut, nda):
        with pytest.raises(FileFormatError, match="cannot read this file"):
            open_trace(path)


def test_a_neware_file_under_another_name(tmp_path) -> None:
    with pytest.raises(FileFormatError, match="its own ending"):
        open_trace(write_ndax(tmp_path / "a.zip"))


def test_another_archive_is_no_neware_file(tmp_path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FileFormatError, match="no reader knows"):
        open_trace(path)


def test_capacities_of_steps_add_up() -> None:
    of_step = np.array([0.0, 1.0, 2.0, 0.0, -0.5, 0.0, 3.0])
    step = np.array([1, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(_net(of_step, step), [0, 1, 2, 2, 1.5, 1.5, 4.5])
    assert len(_net(np.zeros(0), np.zeros(0))) == 0
