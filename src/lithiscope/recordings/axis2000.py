"""Stacks of aXis2000 (.ncb): bare little-endian numbers, with a text header (.dat) beside them.

The header: columns, rows and scale; first and last x; first and last y; number of energies; the energies; and a line a
frame with name, energy and dwell in ms. A negative scale means float32, a positive one int16 of the values times it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.damage import check_size, filled
from lithiscope.recordings.plausible import looks_like_density
from lithiscope.recordings.scan import Scan, to_recording

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "NCB"
ABOUT = "aXis2000 (McMaster), with the .dat beside it; counts, or more often optical densities; no times"
ENDINGS = (".ncb",)
RECOGNISED = "the ending, and a .dat of the same name beside it"
_LARGEST_HEADER = 4 * 2**20
_MOST_LOST = 20.0


@dataclass(frozen=True)
class _Header:
    columns: int
    rows: int
    scale: float
    x: np.ndarray
    y: np.ndarray
    energy: np.ndarray
    dwell: np.ndarray | None


def can_open(path: Path) -> bool:
    """Whether the file ends in .ncb; that its header lies beside it is told when it is opened."""
    return path.suffix.lower() == ".ncb" and path.is_file()


def list_regions(path: Path) -> list[str]:
    """Describe the one region."""
    header = _header(path)
    return [f"{header.rows} x {header.columns} pixels, {header.energy.size} energies"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Read the stack; the file states no start and no channel."""
    return to_recording(read_scan(path, region, timezone=timezone, channel=channel), path=path, timezone=timezone)


def read_scan(path: Path, region: int, *, timezone: str | None, channel: str | None) -> Scan:  # noqa: ARG001
    """Read the stack as bare arrays."""
    header = _header(path)
    kind = np.dtype("<f4" if header.scale < 0 else "<i2")
    content = path.read_bytes()
    with np.errstate(invalid="ignore"):  # NaN of an unusual kind
        pixels = np.frombuffer(content[: len(content) // kind.itemsize * kind.itemsize], dtype=kind).astype(float)
    values = filled(pixels, (header.energy.size, header.rows, header.columns), path)
    if header.scale > 0:
        values = values / header.scale
    return Scan(
        counts=values,
        energy=header.energy,
        y=header.y,
        x=header.x,
        dwell=header.dwell,
        attrs={"format": FORMAT, "region": region},
        quantity="optical_density" if looks_like_density(values) else "counts",
    )


def _header(path: Path) -> _Header:
    beside = next((p for p in (path.with_suffix(".dat"), path.with_suffix(".DAT")) if p.is_file()), None)
    if beside is None or beside.stat().st_size > _LARGEST_HEADER:
        raise FileFormatError(
            "the header is not beside the file, or is too large for one",
            file=path,
            field=path.with_suffix(".dat").name,
            remedy="copy the .dat that aXis2000 wrote with it",
        )
    lines = [line.split() for line in beside.read_bytes().decode("latin-1").splitlines() if line.strip()]
    try:
        return _parsed(lines, path)
    except (ValueError, IndexError, OverflowError) as error:
        raise FileFormatError(
            "the header cannot be read",
            file=beside,
            value=error,
            limit="columns, rows and scale; x; y; number of energies; the energies",
            remedy="export the stack from aXis2000 again",
        ) from None


def _parsed(lines: list[list[str]], path: Path) -> _Header:
    columns, rows, scale = int(lines[0][0]), int(lines[0][1]), float(lines[0][2])
    frames = int(lines[3][0])
    if not np.isfinite(scale) or scale == 0:
        raise ValueError(f"the scale is {scale}")
    check_size((frames, rows, columns), 4 if scale < 0 else 2, path, most=_MOST_LOST)
    energy = np.array([float(lines[4 + frame][0]) for frame in range(frames)])
    told = lines[4 + frames : 4 + 2 * frames]
    times = np.array([float(line[2]) for line in told if len(line) > 2]) * 1e-3
    known = times.size == frames and np.all(np.isfinite(times) & (times > 0))
    ends = [float(word) for at in (1, 2) for word in lines[at][:2]]
    if not np.all(np.abs(ends) < 1e9):
        raise ValueError(f"the ends of the axes are {ends}")
    x, y = (np.linspace(float(lines[at][0]), float(lines[at][1]), size) for at, size in ((1, columns), (2, rows)))
    return _Header(columns, rows, scale, x, y, energy, times if known else None)
