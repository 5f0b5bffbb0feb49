"""Impedance spectra from files: Gamry .DTA (ZCURVE), BioLogic .mpt (PEIS), and csv with frequency, Z' and Z''."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lithiscope.cell.readers.text import Table, decimal_of, decode, read_columns
from lithiscope.cell.resistance import Spectrum
from lithiscope.errors import FileFormatError, LithiscopeWarning

_SEPARATORS = ("\t", ";", ",")
_NAMES = {
    "frequency": ("freq", "frequency", "f"),
    "real": ("re(z)", "zreal", "z'", "z_re", "z_real", "re z", "real"),
    "imaginary": ("im(z)", "zimag", "z''", 'z"', "z_im", "z_imag", "im z", "imaginary", "imag"),
}
_UNITS = {
    "frequency": {"": 1.0, "hz": 1.0, "khz": 1e3},
    "real": {"": 1.0, "ohm": 1.0, "ohms": 1.0, "Ω": 1.0, "kohm": 1e3, "kΩ": 1e3},
}
_UNITS["imaginary"] = _UNITS["real"]
_AFTER_SLASH = re.compile(r"^(?P<name>.*\S)\s*/\s*(?P<unit>[^/]*)$")
_IN_BRACKETS = re.compile(r"^(?P<name>.*?)\s*[\[(](?P<unit>[^\[\]()]*)[\])]$")
_FEWEST = 4


def read_impedance(path: Path) -> Spectrum:
    """Read an impedance spectrum.

    The columns are known by their names (``freq/Hz``, ``Re(Z)/Ohm``, ``-Im(Z)/Ohm``; ``Freq``, ``Zreal``, ``Zimag``;
    ``frequency``, ``Z'``, ``Z''`` and the like); a minus before the imaginary part is heeded. Of several spectra in a
    file the first is taken.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Spectrum
        Frequency in Hz, impedance in ohm.

    Raises
    ------
    FileFormatError
        If no line names the three columns, a unit is not known, or there are fewer than four points.

    Warns
    -----
    LithiscopeWarning
        If the file holds several spectra, or most of the imaginary part has the sign of an inductance.
    """
    lines = path.read_bytes().splitlines(keepends=True)
    found = next((one for number, line in enumerate(lines) if (one := _named(number, decode(line), lines))), None)
    if found is None:
        raise FileFormatError(
            "no line names frequency, real and imaginary part",
            file=path,
            field="columns",
            limit="freq/Hz, Re(Z)/Ohm, -Im(Z)/Ohm; Freq, Zreal, Zimag; or frequency, Z', Z''",
            remedy="export the spectrum with these three columns, or state cell.resistance.ohm",
        )
    first, separator, labels = found
    columns = _columns(path, labels)
    values = read_columns(_table(path, lines, first, separator, len(labels)), [index for index, _ in columns])
    frequency, real, imaginary = (factor * values[index] for index, factor in columns)
    known = np.isfinite(frequency + real + imaginary) & (frequency > 0) & ((real != 0) | (imaginary != 0))
    spectrum = Spectrum(frequency[known], real[known], imaginary[known])
    if known.sum() < _FEWEST:
        raise FileFormatError(
            "the spectrum has too few points",
            file=path,
            field="frequency",
            value=int(known.sum()),
            limit=f"{_FEWEST} or more",
        )
    return _first_sweep(path, _signed(path, spectrum))


def _named(number: int, line: str, lines: Sequence[bytes]) -> tuple[int, str, list[str]] | None:
    """Return the first row, the separator and the labels, if this line names the columns."""
    for separator in _SEPARATORS:
        labels = [label.strip().strip('"').strip() for label in line.lstrip("\ufeff#").rstrip("\r\n").split(separator)]
        while labels and not labels[-1]:
            labels.pop()
        if {part for label in labels if (part := _part(label)[0])} == set(_NAMES):
            # Gamry writes the units into a line of their own.
            second = decode(lines[number + 1]) if number + 1 < len(lines) else ""
            units = [unit.strip() for unit in second.rstrip("\r\n").split(separator)]
            if any(unit.lower() in ("hz", "khz") for unit in units):
                joined = [
                    f"{label}/{unit}" if unit and label else label for label, unit in zip(labels, units, strict=False)
                ]
                return number + 2, separator, joined
            return number + 1, separator, labels
    return None


def _part(label: str) -> tuple[str | None, str, float]:
    """Return which part a label names, its unit and its sign.

    Examples
    --------
    >>> _part("-Im(Z)/Ohm")
    ('imaginary', 'ohm', -1.0)
    """
    text = label.strip()
    sign = -1.0 if text.startswith(("-", "−")) else 1.0
    text = text.lstrip("-−").strip()
    found = (pattern.match(text) for pattern in (_AFTER_SLASH, _IN_BRACKETS))
    for name, unit in [(text, ""), *((match["name"], match["unit"].strip()) for match in found if match)]:
        for part, names in _NAMES.items():
            if name.strip().lower() in names:
                return part, unit if "Ω" in unit else unit.lower(), sign
    return None, "", 1.0


def _columns(path: Path, labels: Sequence[str]) -> list[tuple[int, float]]:
    """Return index and factor of frequency, real and imaginary part, the first of each."""
    found: dict[str, tuple[int, float]] = {}
    for index, label in enumerate(labels):
        part, unit, sign = _part(label)
        if part is None or part in found:
            continue
        if unit not in _UNITS[part]:
            raise FileFormatError(
                "the unit of a column is not known",
                file=path,
                field=label,
                value=unit,
                limit=", ".join(one for one in _UNITS[part] if one),
                remedy="convert the column; an impedance times an area is no resistance of the cell",
            )
        found[part] = index, sign * _UNITS[part][unit]
    return [found[part] for part in _NAMES]


def _table(path: Path, lines: Sequence[bytes], first: int, separator: str, width: int) -> Table:
    """Return the rows of the table, up to the first line that does not begin with a number."""
    last = first
    while last < len(lines) and re.match(rb"^[\s;,]*[-+.\d]", lines[last]):
        last += 1
    rows = lines[first:last]
    decimal = decimal_of(rows[:50], separator)
    # Tables of Gamry begin with a tab, so that the first label is empty and stays so.
    return Table(path, b"".join(rows), width, separator, decimal, lines_before=first, at_end=last == len(lines))


def _signed(path: Path, spectrum: Spectrum) -> Spectrum:
    if np.sum(spectrum.imaginary) > 0:
        warnings.warn(
            f"{path}: the imaginary part is positive at most frequencies, as of an inductance; if the file holds -Z'', "
            "name the column so",
            LithiscopeWarning,
            stacklevel=3,
        )
    return spectrum


def _first_sweep(path: Path, spectrum: Spectrum) -> Spectrum:
    """Return the points before the sweep turns round or starts again."""
    steps = np.sign(np.diff(spectrum.frequency))
    turned = np.flatnonzero(steps != steps[0])
    if not turned.size:
        return spectrum
    end = int(turned[0]) + 1
    warnings.warn(
        f"{path}: the file holds several spectra; the first, of {end} points, was taken",
        LithiscopeWarning,
        stacklevel=3,
    )
    return Spectrum(*(part[:end] for part in spectrum))
