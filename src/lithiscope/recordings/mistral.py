"""Normalised stacks of MISTRAL (ALBA): transmissions over energy, in HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.recordings.damage import check_step
from lithiscope.recordings.hdf5 import holds, needed, opened
from lithiscope.recordings.scan import Scan, to_recording

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "MISTRAL"
ABOUT = "MISTRAL at ALBA, stacks that its pipeline aligned and divided by the flat field: transmissions, no counts"
ENDINGS = (".hdf5", ".hdf", ".h5")
RECOGNISED = "HDF5 with SpecNormalized/spectroscopy_normalized_aligned"
_GROUP = "SpecNormalized"
_STACK = f"{_GROUP}/spectroscopy_normalized_aligned"


def can_open(path: Path) -> bool:
    """Whether the file holds a normalised stack of MISTRAL."""
    return holds(path, _STACK, f"{_GROUP}/energy")


def list_regions(path: Path) -> list[str]:
    """Describe the one region."""
    with opened(path) as file:
        return [f"{file[_STACK].shape} energies and pixels"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Refuse the file, which holds no counts, with the way to read what it holds."""
    return to_recording(read_scan(path, region, timezone=timezone, channel=channel), path=path, timezone=timezone)


def read_scan(path: Path, region: int, *, timezone: str | None, channel: str | None) -> Scan:  # noqa: ARG001
    """Read the stack as bare arrays; the axes begin at 0."""
    with opened(path) as file:
        stack = needed(file, _STACK, path, ndim=3)
        energy = needed(file, f"{_GROUP}/energy", path, ndim=1)
        steps = [float(needed(file, f"{_GROUP}/{axis}_pixel_size", path).ravel()[0]) for axis in ("y", "x")]
        times = needed(file, f"{_GROUP}/ExpTimes", path).ravel() if f"{_GROUP}/ExpTimes" in file else np.zeros(0)
    for step, axis in zip(steps, ("y", "x"), strict=True):
        check_step(step, path, f"{_GROUP}/{axis}_pixel_size")
    dwell = times if times.size == stack.shape[0] and np.all(times > 0) else None
    y, x = (step * np.arange(size) for step, size in zip(steps, stack.shape[1:], strict=True))
    attrs = {"format": FORMAT, "region": region}
    return Scan(counts=stack, energy=energy, y=y, x=x, dwell=dwell, attrs=attrs, quantity="transmission")
