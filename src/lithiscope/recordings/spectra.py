"""Spectra from text files: incident intensities, reference spectra.

Two-column text (.xsp, and .t and .r of aXis2000), csv with a header, and XDI with ``# Column.N: name unit``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.units import ELECTRONVOLT, convert

if TYPE_CHECKING:
    import xarray as xr

_XDI_COLUMN = re.compile(r"column\.(\d+)\s*:\s*(\S+)\s*(\S*)", re.IGNORECASE)
_NAMED_UNIT = re.compile(r"\(?\b(k?ev)\b\)?$", re.IGNORECASE)
_ABSORPTION = ("mutrans", "mufluor", "normtrans", "normfluor", "norm", "xmu", "mu", "od")
# Where a file states no unit, eV is believed only for numbers that can be X-ray energies in eV.
_BELIEVED = (50.0, 50_000.0)


@dataclass
class _Table:
    """Columns of a text file, with names and units as far as the file states them."""

    rows: list[list[float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    units: dict[int, str] = field(default_factory=dict)


def read_spectrum(path: str | Path, *, energy_unit: str | None = None, column: str | int | None = None) -> xr.DataArray:
    """Read a spectrum.

    Parameters
    ----------
    path : str or Path
        The file.
    energy_unit : str, optional
        Unit of the energies, goes before what the file states. When neither says, eV is assumed for numbers between
        50 and 50 000, and anything else refused.
    column : str or int, optional
        Name of the column, or its number from 1. Needed when the file holds several spectra and none of them is
        plainly the absorption; ``"mutrans"`` of files with i0 and itrans is ln(i0/itrans).

    Returns
    -------
    xarray.DataArray
        Dimension energy in eV, strictly increasing; float64. The quantity is the file's own (counts, optical density).

    Raises
    ------
    FileFormatError
        If the file is no table, or energies are not strictly monotonic, or a number is missing.
    OptionError
        If the column must be chosen or does not exist.
    UnitError
        If the energies have no unit of energy.
    """
    import xarray as xr

    path = Path(path)
    table = _read_table(path)
    data = np.array(table.rows, dtype=float)
    names = _names(table, data.shape[1])
    at = next((i for i, name in enumerate(names) if name.lower().startswith("energy")), 0)
    energy = _energies(data[:, at], energy_unit or _unit(table, names, at), path)
    values, chosen = _column(data, names, at, column, path)
    if energy.size > 1 and energy[0] > energy[-1]:
        energy, values = energy[::-1], values[::-1]
    _check(energy, values, path)
    return xr.DataArray(
        values,
        coords={"energy": ("energy", energy, {"units": ELECTRONVOLT, "long_name": "photon energy"})},
        dims="energy",
        name="spectrum",
        attrs={"source": path.name, "column": chosen},
    )


def _read_table(path: Path) -> _Table:
    if not path.is_file():
        raise FileFormatError(
            "there is no such file", file=path, remedy="mend the path; in a recipe it is relative to data.folder"
        )
    table = _Table()
    label = ""
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
        text = line.strip().removeprefix("\ufeff")
        if not text:
            continue
        numbers = None if text[0] in "#%*!;" else _numbers(text)
        if numbers is None:
            if table.rows:
                raise FileFormatError(
                    "a line of the table cannot be read",
                    file=path,
                    field=f"line {number}",
                    value=text,
                    remedy="mend or delete that line",
                )
            label = text
            _take_xdi_column(text, table)
        elif table.rows and len(numbers) != len(table.rows[0]):
            raise FileFormatError(
                "the lines of the table differ in length",
                file=path,
                field=f"line {number}",
                value=len(numbers),
                limit=f"{len(table.rows[0])} numbers",
                remedy="mend that line",
            )
        else:
            table.rows.append(numbers)
    if not table.rows or len(table.rows[0]) < 2:
        raise FileFormatError(
            "the file holds no table of at least two columns",
            file=path,
            remedy="give energy and value, separated by blanks, commas or tabs",
        )
    labels = [name for name in _fields(label.strip("#%*! \t")) if name]
    if not table.names and len(labels) == len(table.rows[0]):
        table.names = labels
    return table


def _take_xdi_column(text: str, table: _Table) -> None:
    found = _XDI_COLUMN.search(text) if text.startswith("#") else None
    if found:
        place = int(found[1]) - 1
        table.names += [""] * max(0, min(place, 999) + 1 - len(table.names))
        if place < len(table.names):
            table.names[place] = found[2]
            table.units[place] = found[3]


def _fields(text: str) -> list[str]:
    for separator in (";", "\t", ","):
        if separator in text:
            return [part.strip().strip('"') for part in text.rstrip(f"{separator} ").split(separator)]
    return text.split()


def _numbers(text: str) -> list[float] | None:
    parts = _fields(text)
    if ";" in text or "\t" in text:
        parts = [part.replace(",", ".") for part in parts]
    try:
        return [float(part) for part in parts if part] or None
    except ValueError:
        return None


def _names(table: _Table, width: int) -> list[str]:
    names = (table.names + [""] * width)[:width]
    return [name or f"column{number}" for number, name in enumerate(names, start=1)]


def _unit(table: _Table, names: list[str], at: int) -> str | None:
    named = _NAMED_UNIT.search(names[at].replace("_", " "))
    return table.units.get(at) or (named[1] if named else None)


def _energies(energy: np.ndarray, unit: str | None, path: Path) -> np.ndarray:
    if unit is None:
        low, high = _BELIEVED
        if not low <= np.nanmin(energy) <= np.nanmax(energy) <= high:
            raise FileFormatError(
                "the file states no unit of energy, and the numbers are not plainly eV",
                file=path,
                field="energy",
                value=f"{np.nanmin(energy):g} to {np.nanmax(energy):g}",
                limit=f"{low:g} to {high:g}",
                remedy='give energy_unit="keV" (or what it is)',
            )
        unit = ELECTRONVOLT
    return np.asarray(convert(energy, unit, ELECTRONVOLT, field="energy", file=str(path)))


def _column(
    data: np.ndarray, names: list[str], at: int, column: str | int | None, path: Path
) -> tuple[np.ndarray, str]:
    lower = [name.lower() for name in names]
    others = [name for place, name in enumerate(names) if place != at]
    derived = {"i0", "itrans"} <= set(lower) and "mutrans" not in lower
    if column is None:
        named = next((name for name in _ABSORPTION if name in lower or (derived and name == "mutrans")), None)
        column = others[0] if len(others) == 1 else named
    if isinstance(column, str) and column.lower() == "mutrans" and derived:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(data[:, lower.index("i0")] / data[:, lower.index("itrans")]), "mutrans"
    if isinstance(column, int):
        place = column - 1
    else:
        place = lower.index(column.lower()) if column and column.lower() in lower else -1
    if not 0 <= place < len(names) or place == at:
        raise OptionError(
            "the spectrum must be chosen" if column is None else "the file has no such spectrum",
            file=path,
            field="column",
            value=column,
            limit=", ".join([*others, "mutrans"] if derived else others),
            remedy="give its name or its number as column=",
        )
    return data[:, place], names[place]


def _check(energy: np.ndarray, values: np.ndarray, path: Path) -> None:
    wrong = np.flatnonzero(~(np.isfinite(energy) & np.isfinite(values)))
    if wrong.size:
        raise FileFormatError(
            "a number of the spectrum is missing or infinite",
            file=path,
            field=f"row {wrong[0] + 1}",
            value=values[wrong[0]],
            remedy="mend or delete that line",
        )
    back = np.flatnonzero(np.diff(energy) <= 0)
    if back.size:
        raise FileFormatError(
            "the energies do not increase strictly",
            file=path,
            field=f"rows {back[0] + 1} and {back[0] + 2}",
            value=energy[back[0] : back[0] + 2].tolist(),
            remedy="sort the table and remove or average repeated energies",
        )
