"""Stacks of the Stony Brook microscopes (.stk): big-endian numbers without any mark or unit.

Columns, rows and frames (int32), x and y in um, energies in eV, dwell in ms, then the frames (float32).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.damage import check_size, filled
from lithiscope.recordings.plausible import looks_like_density
from lithiscope.recordings.scan import Scan, to_recording

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "STK"
ABOUT = "X1A at the NSLS, Stony Brook, and programs that export to it; counts or optical densities, no times"
ENDINGS = (".stk",)
RECOGNISED = "the ending, and three sizes at the beginning that are positive"
_HEAD = 12
# A stack that lost more than this share of its end is not read: nobody could tell what its header means.
_MOST_LOST = 20.0


def can_open(path: Path) -> bool:
    """Whether the file ends in .stk and is not a TIFF, as the .stk of MetaMorph is."""
    if path.suffix.lower() != ".stk" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) not in (b"II", b"MM")


def list_regions(path: Path) -> list[str]:
    """Describe the one region."""
    columns, rows, frames = _sizes(path)
    return [f"{rows} x {columns} pixels, {frames} energies"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Read the stack; the file states no start and no channel."""
    return to_recording(read_scan(path, region, timezone=timezone, channel=channel), path=path, timezone=timezone)


def read_scan(path: Path, region: int, *, timezone: str | None, channel: str | None) -> Scan:  # noqa: ARG001
    """Read the stack as bare arrays."""
    columns, rows, frames = _sizes(path)
    raw = np.frombuffer(path.read_bytes()[_HEAD:][: -((path.stat().st_size - _HEAD) % 4) or None], dtype=">f4")
    with np.errstate(invalid="ignore"):  # NaN of an unusual kind
        numbers = raw.astype(float)
    x, y, energy, dwell, pixels = np.split(numbers, np.cumsum([columns, rows, frames, frames]))
    if dwell.size < frames:
        raise FileFormatError(
            "the file is cut off within its header", file=path, remedy="the file is damaged: copy it again"
        )
    values = filled(pixels, (frames, rows, columns), path)
    return Scan(
        counts=values,
        energy=energy,
        y=y,
        x=x,
        dwell=dwell * 1e-3 if np.all(np.isfinite(dwell) & (dwell > 0)) else None,
        attrs={"format": FORMAT, "region": region},
        quantity="optical_density" if looks_like_density(values) else "counts",
    )


def _sizes(path: Path) -> tuple[int, int, int]:
    head = path.read_bytes()[:_HEAD]
    if len(head) < _HEAD:
        raise FileFormatError("the file is too short for a header", file=path, remedy="copy it again")
    columns, rows, frames = (int(size) for size in np.frombuffer(head, dtype=">i4"))
    check_size((frames, rows, columns), 4, path, most=_MOST_LOST)
    return columns, rows, frames
