"""What the writers share: one scan out of a recording, and files that appear only when they are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import OptionError, StageError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Plain:
    """One scan as bare arrays: counts (E, Y, X); dwell, mid and current (E,), NaN where unknown; start as written."""

    counts: np.ndarray
    energy: np.ndarray
    y: np.ndarray
    x: np.ndarray
    dwell: np.ndarray
    mid: np.ndarray
    current: np.ndarray
    local: datetime | None
    utc: datetime | None


def one_scan(recording: xr.Dataset) -> Plain:
    """Take the one scan out of a recording.

    Raises
    ------
    StageError
        If the recording is a series, has channels or depth, or no energies.
    """
    stages.check(recording, "recording")
    dims = recording["counts"].dims
    if dims != ("time", "energy", "y", "x") or recording.sizes["time"] != 1:
        raise StageError(
            "the writers take one scan",
            field="counts",
            value=dict(recording["counts"].sizes),
            limit="(time energy y x) with one time",
            remedy="write the scans of a series one by one: recording.isel(time=[0])",
        )
    start = {name: recording.attrs.get(name) for name in ("start_local", "start_utc")}
    return Plain(
        counts=np.asarray(recording["counts"].values[0]),
        energy=recording["energy"].values,
        y=recording["y"].values,
        x=recording["x"].values,
        dwell=_per_energy(recording, "dwell"),
        mid=_per_energy(recording, "exposure_mid"),
        current=_per_energy(recording, "ring_current"),
        local=None if start["start_local"] is None else datetime.fromisoformat(start["start_local"]),
        utc=None if start["start_utc"] is None else datetime.fromisoformat(start["start_utc"]),
    )


def _per_energy(recording: xr.Dataset, name: str) -> np.ndarray:
    if name not in recording:
        return np.full(recording.sizes["energy"], np.nan)
    values = recording[name]
    values = values.isel(time=0) if "time" in values.dims else values
    return np.array(np.broadcast_to(values.values, (recording.sizes["energy"],)), dtype=float)


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise when the file exists and may not be overwritten, or its folder does not exist."""
    if not path.parent.is_dir():
        raise OptionError("the folder does not exist", file=path.parent, remedy="make it first")
    if path.exists() and not overwrite:
        raise OptionError("the file exists", file=path, remedy="give another name, or overwrite=True")


@contextmanager
def complete_only(path: Path) -> Iterator[Path]:
    """Give a name to write to, and rename it to `path` when all went well; otherwise remove it."""
    draft = path.with_name(f".{path.name}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
