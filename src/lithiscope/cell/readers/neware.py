"""Neware files (.nda, .ndax), read by fastnda (extra ``neware``)."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.cell.readers.extras import third_party
from lithiscope.cell.readers.raw import RawTrace, Request
from lithiscope.errors import FileFormatError

if TYPE_CHECKING:
    import polars as pl

FORMAT = "Neware"

_NAMES = {
    "total_time_s": ("test_time_second", 1.0),
    "unix_time_s": ("unix_time_second", 1.0),
    "voltage_V": ("voltage_volt", 1.0),
    "current_mA": ("current_ampere", 1e-3),
    "cycle_count": ("cycle_count", 1.0),
    "step_index": ("step_index", 1.0),
    "step_count": ("step_count", 1.0),
}


def can_open(path: Path, head: bytes) -> bool:
    """Whether the file starts as .nda does, or is an archive of Neware's tables."""
    if head.startswith(b"NEWARE"):
        return True
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".ndc") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # An archive that was cut off has lost its list of names; .ndax is told by its name then.
        return path.suffix.lower() == ".ndax"


def read(path: Path, request: Request) -> RawTrace:  # noqa: ARG001 - the columns of Neware are fixed
    """Read the file.

    Raises
    ------
    FileFormatError
        If fastnda is not installed or cannot read the file.
    """
    if path.suffix.lower() not in (".nda", ".ndax"):
        raise FileFormatError(
            "a Neware file needs its own ending",
            file=path,
            value=path.suffix,
            limit=".nda or .ndax",
            remedy="rename the file",
        )
    with third_party(path, package="fastnda", extra="neware"):
        import fastnda  # type: ignore[import-untyped]

        table = fastnda.read(path)
        variables = {
            variable: _column(table, name, factor)
            for name, (variable, factor) in _NAMES.items()
            if name in table.columns
        }
        if {"capacity_mAh", "step_count"} <= set(table.columns):
            variables["net_capacity_ah"] = _net(_column(table, "capacity_mAh", 1e-3), variables["step_count"])
    return RawTrace(variables)


def _column(table: pl.DataFrame, name: str, factor: float) -> np.ndarray:
    # The trip through float32 text of mV and uA would be lossy: the values stay as they were stored.
    return table[name].to_numpy().astype(float) * factor


def _net(of_step: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Add the capacities of steps, each from its own zero, to one from the start."""
    last = np.flatnonzero(np.diff(step, append=step[-1:] + 1) != 0)
    before = np.concatenate([[0.0], np.cumsum(of_step[last])])
    return np.asarray(of_step + before[np.searchsorted(last, np.arange(len(step)))])
