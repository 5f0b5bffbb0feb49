from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import FileFormatError, OptionError, UnitError
from lithiscope.recordings import read_spectrum

ROWS = [(700.0, 0.5), (705.25, 1.5), (710.0, -0.25)]


@pytest.fixture
def put(tmp_path):
    def write(text: str, name: str = "a.xsp"):
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return path

    return write


def lines(rows, separator=" ") -> str:
    return "\n".join(separator.join(map(str, row)) for row in rows) + "\n"


def check(spectrum) -> None:
    assert spectrum.dims == ("energy",)
    assert spectrum["energy"].attrs["units"] == "eV"
    np.testing.assert_allclose(spectrum["energy"], [700, 705.25, 710])
    np.testing.assert_allclose(spectrum, [0.5, 1.5, -0.25])


@pytest.mark.parametrize(
    "text",
    [
        lines(ROWS),
        lines(ROWS, "\t"),
        "% Spectrum\n* aXis2000\n" + lines(ROWS),
        lines(ROWS).replace("\n", "\r\n"),
        "\ufeffenergy,absorption\n" + lines(ROWS, ","),
        "energy;absorption\n" + lines(ROWS, ";").replace(".", ","),
        lines(ROWS[::-1]),
        "7.0000000E+2 5.0000000E-1\n7.0525E+2 1.5\n7.1E+2 -2.5E-1\n\n",
    ],
)
def test_kinds_of_tables(put, text) -> None:
    check(read_spectrum(put(text)))


def test_xdi_names_and_units(put) -> None:
    head = "# XDI/1.0\n# Column.1: norm\n# Column.2: energy keV\n# Element.symbol: Fe\n# ---\n# norm energy\n"
    spectrum = read_spectrum(put(head + lines([(b, a / 1000) for a, b in ROWS]), "a.xdi"))
    check(spectrum)
    assert spectrum.attrs == {"source": "a.xdi", "column": "norm"}


def test_transmission_gives_the_absorption(put) -> None:
    head = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n# ---\n"
    path = put(head + lines([(700, 10.0, 5.0), (701, 10.0, 2.5)]))
    np.testing.assert_allclose(read_spectrum(path), np.log([2, 4]))
    np.testing.assert_allclose(read_spectrum(path, column="itrans"), [5, 2.5])
    np.testing.assert_allclose(read_spectrum(path, column=2), [10, 10])


def test_several_columns_must_be_chosen_from(put) -> None:
    path = put("energy,a,b\n700,1,2\n701,3,4\n", "a.csv")
    with pytest.raises(OptionError, match=r"must be chosen[\s\S]*a, b"):
        read_spectrum(path)
    for wrong in ("c", 0, 1, 4):
        with pytest.raises(OptionError, match="no such spectrum"):
            read_spectrum(path, column=wrong)
    assert read_spectrum(path, column="B").values.tolist() == [2, 4]


def test_units_of_energy(put) -> None:
    scaled = lines([(a / 1000, b) for a, b in ROWS])
    with pytest.raises(FileFormatError, match=r'no unit of energy[\s\S]*energy_unit="keV"'):
        read_spectrum(put(scaled))
    check(read_spectrum(put(scaled), energy_unit="keV"))
    check(read_spectrum(put("energy_keV,od\n" + scaled.replace(" ", ","))))
    check(read_spectrum(put("energy (keV),od\n" + scaled.replace(" ", ","))))
    with pytest.raises(UnitError):
        read_spectrum(put(scaled), energy_unit="um")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table"),
        ("only words\n", "no table"),
        ("700\n701\n", "at least two columns"),
        ("700 1\n701\n", "differ in length"),
        ("700 1\nbroken line\n", "cannot be read"),
        ("700 1\n701 nan\n", "missing or infinite"),
        ("700 1\n701 inf\n", "missing or infinite"),
        ("nan 1\n701 2\n", "missing or infinite"),
        ("700 1\n700 2\n", "do not increase"),
        ("700 1\n702 2\n701 3\n", "do not increase"),
    ],
)
def test_wrong_tables_are_refused(put, text, message) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_spectrum(put(text), energy_unit="eV")


def test_no_file(tmp_path) -> None:
    with pytest.raises(FileFormatError, match="no such file"):
        read_spectrum(tmp_path / "nothing.xsp")


@given(st.lists(st.floats(60, 40_000), min_size=1, max_size=20, unique=True), st.data())
def test_numbers_come_back_exactly(energies, data) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    energies = sorted(energies)
    values = data.draw(st.lists(st.floats(-1e9, 1e9), min_size=len(energies), max_size=len(energies)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.t"
        path.write_text(lines(zip(energies, values, strict=True)))
        spectrum = read_spectrum(path)
    assert spectrum["energy"].values.tolist() == energies
    assert spectrum.values.tolist() == values
