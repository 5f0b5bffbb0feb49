from __future__ import annotations

import numpy as np
import pytest

from lithiscope.cell import ohmic_resistance, read_impedance
from lithiscope.errors import FileFormatError, LithiscopeWarning

FREQUENCY = np.geomspace(1e5, 0.1, 31)
OHM, ARC = 1.0e6, 4.0e6
Z = OHM + ARC / (1 + 2j * np.pi * FREQUENCY * 1e-2)


def rows(separator, *columns, decimal="."):
    lines = (separator.join(f"{value:.9e}" for value in row) for row in zip(*columns, strict=True))
    return "\n".join(lines).replace(".", decimal) + "\n"


def mpt(decimal="."):
    head = ["EC-Lab ASCII FILE", "Nb header lines : 5                          ", "", "Potentio Electrochemical "
            "Impedance Spectroscopy", "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\t|Z|/Ohm\ttime/s"]  # fmt: skip
    body = rows("\t", FREQUENCY, Z.real, -Z.imag, abs(Z), np.arange(31.0), decimal=decimal)
    return "\r\n".join([*head, ""]) + body.replace("\n", "\r\n")


def dta(decimal="."):
    head = "EXPLAIN\nTAG\tEISPOT\nZCURVE\tTABLE\n\tPt\tTime\tFreq\tZreal\tZimag\tZsig\n\t#\ts\tHz\tohm\tohm\tV\n"
    body = rows("\t", np.arange(31.0), np.arange(31.0), FREQUENCY, Z.real, Z.imag, np.ones(31), decimal=decimal)
    return head + "".join(f"\t{line}\n" for line in body.splitlines()) + "EXPERIMENTABORTED\tTOGGLE\tF\n"


def write(tmp_path, text, name="z.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("z.mpt", mpt()),
        ("comma.mpt", mpt(",")),
        ("z.DTA", dta()),
        ("comma.DTA", dta(",")),
        ("z.csv", "frequency,Z',Z''\n" + rows(",", FREQUENCY, Z.real, Z.imag)),
        ("units.csv", "Frequency (kHz);Z' (kOhm);-Z'' (kOhm)\n"
                      + rows(";", FREQUENCY / 1e3, Z.real / 1e3, -Z.imag / 1e3)),
        ("quoted.csv", '"Z_real / ohm","Z_imag / ohm","freq / Hz"\n' + rows(",", Z.real, Z.imag, FREQUENCY)),
    ],
)  # fmt: skip
def test_each_format_gives_the_same_spectrum(tmp_path, name, text):
    found = read_impedance(write(tmp_path, text, name))
    np.testing.assert_allclose(found.frequency, FREQUENCY, rtol=1e-8)
    np.testing.assert_allclose(found.real + 1j * found.imaginary, Z, rtol=1e-8)
    measured = ohmic_resistance(spectrum=found)
    # Half a circle, extrapolated from 1e5 Hz: exact but for rounding of the file.
    assert float(measured["resistance_ohm"]) == pytest.approx(OHM, rel=1e-3)
    assert measured.attrs["method"] == "impedance"


def test_points_at_rest_and_later_sweeps_are_left_out(tmp_path):
    twice = [np.concatenate([[0.0], part, part]) for part in (FREQUENCY, Z.real, Z.imag)]
    path = write(tmp_path, "freq/Hz,Re(Z)/Ohm,Im(Z)/Ohm\n" + rows(",", *twice))
    with pytest.warns(LithiscopeWarning, match="several spectra; the first, of 31 points"):
        assert len(read_impedance(path).frequency) == 31


def test_a_capacitance_with_the_wrong_sign_is_doubted(tmp_path):
    path = write(tmp_path, "frequency,Z',Z''\n" + rows(",", FREQUENCY, Z.real, -Z.imag))
    with pytest.warns(LithiscopeWarning, match="as of an inductance"):
        read_impedance(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,voltage\n0,3.4\n1,3.4\n", "no line names frequency"),
        ("frequency,Z',Z''\n1,2,3\n", "too few points"),
        ("freq/Hz,Re(Z)/Ohm cm2,Im(Z)/Ohm cm2\n1,2,3\n", "unit of a column is not known"),
        ("", "no line names frequency"),
    ],
)
def test_what_is_no_spectrum_is_told(tmp_path, text, words):
    with pytest.raises(FileFormatError, match=words):
        read_impedance(write(tmp_path, text))
