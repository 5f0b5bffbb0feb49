"""COSMIC's .cxi: the STXM image that was made of the diffraction patterns of a ptychographic scan.

The layout is that of the coherent X-ray imaging data bank: energy in J, positions in m. The first line of the image is
the last that was scanned.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.hdf5 import holds, needed, opened
from lithiscope.recordings.nexus.fields import text
from lithiscope.recordings.scan import Scan, to_recording

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "CXI"
ABOUT = "COSMIC (ALS 7.0.1), one energy a file: the STXM image, not the reconstructed one"
ENDINGS = (".cxi",)
RECOGNISED = "HDF5 with entry_1/instrument_1/detector_1/STXM and the energy of source_1"
_DETECTOR = "entry_1/instrument_1/detector_1"
_ENERGY = "entry_1/instrument_1/source_1/energy"
_JOULE = 1.602176634e-19  # per electronvolt, exact in the SI


def can_open(path: Path) -> bool:
    """Whether the file holds an STXM image in the layout of COSMIC."""
    return holds(path, f"{_DETECTOR}/STXM", _ENERGY)


def list_regions(path: Path) -> list[str]:
    """Describe the one region."""
    with opened(path) as file:
        return [f"{file[f'{_DETECTOR}/STXM'].shape} pixels"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Read the STXM image as a recording of one energy."""
    return to_recording(read_scan(path, region, timezone=timezone, channel=channel), path=path, timezone=timezone)


def read_scan(path: Path, region: int, *, timezone: str | None, channel: str | None) -> Scan:  # noqa: ARG001
    """Read the image as bare arrays."""
    with opened(path) as file:
        image = needed(file, f"{_DETECTOR}/STXM", path, ndim=2)
        energy = needed(file, _ENERGY, path).ravel()[:1] / _JOULE
        y, x = _axes(needed(file, f"{_DETECTOR}/translation", path, ndim=2), image.shape, path)
        start = _start(file)
    attrs = {"format": FORMAT, "region": region, "channel": "STXM"}
    return Scan(counts=image[::-1][None], energy=energy, y=y, x=x, start=start, attrs=attrs)


def _axes(steps: np.ndarray, shape: tuple[int, ...], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return y and x in um from the position of every step, line after line."""
    if steps.shape[0] != shape[0] * shape[1] or steps.shape[1] < 2:
        raise FileFormatError(
            "the positions do not fit the image",
            file=path,
            field=f"{_DETECTOR}/translation",
            value=steps.shape,
            limit=f"{shape[0] * shape[1]} positions of the {shape[0]} x {shape[1]} pixels",
            remedy="frames were left out when the patterns were processed: give the .stxm of the same scan",
        )
    grid = 1e6 * steps[:, :2].reshape(*shape, 2)
    # Jitter of the steps is a part of ptychography: the mean over lines and columns is the axis of the image.
    return grid[..., 1].mean(axis=1), grid[..., 0].mean(axis=0)


def _start(file: Any) -> datetime | None:
    """Return when the patterns were processed, as near as the file says to when they were taken."""
    try:
        return datetime.fromisoformat(text(file, "entry_1/start_time"))
    except ValueError:
        return None
