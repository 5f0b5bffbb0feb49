"""A TIFF stack with a YAML file of the same name beside it that says what a TIFF cannot."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from lithiscope.errors import FileFormatError
from lithiscope.options import Options
from lithiscope.recordings.damage import check_size, damage_named
from lithiscope.recordings.scan import Scan, to_recording
from lithiscope.yaml_files import read_yaml

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "TIFF"
ABOUT = "any microscope: a stack of pages, one an energy, and a small YAML file of the same name beside it"
ENDINGS = (".tif", ".tiff")
RECOGNISED = "a TIFF with a .yaml or .yml beside it"
_MOST_COMPRESSED = 2000


class Beside(Options):
    """What the YAML says."""

    kind: Literal["counts", "transmission", "optical_density"]
    """What the numbers are."""

    energies_ev: tuple[float, ...] = Field(min_length=1)
    """One a page, in the order of the pages."""

    pixel_size_um: tuple[float, float]
    """Along y and x."""

    origin_um: tuple[float, float] = (0.0, 0.0)
    """Where the first pixel lies, y and x."""

    start: datetime | None = None
    """When the scan began; without a zone it is that of data.timezone."""

    dwell_s: tuple[float, ...] | float | None = None
    """Exposure of a pixel, one for all or one a page."""

    exposure_mid_s: tuple[float, ...] | None = None
    """Middle of the exposure of each page after the start."""

    ring_current_a: tuple[float, ...] | None = None
    """Current in the storage ring, one a page."""

    saturation: float | None = None
    """Largest count that can be trusted."""


def can_open(path: Path) -> bool:
    """Whether the file is a TIFF with a YAML beside it."""
    if path.suffix.lower() not in ENDINGS or not path.is_file():
        return False
    return _beside(path) is not None


def list_regions(path: Path) -> list[str]:
    """Describe the one region."""
    told = _told(path)
    return [f"{len(told.energies_ev)} energies"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Read the stack."""
    return to_recording(read_scan(path, region, timezone=timezone, channel=channel), path=path, timezone=timezone)


def read_scan(path: Path, region: int, *, timezone: str | None, channel: str | None) -> Scan:  # noqa: ARG001
    """Read the stack as bare arrays."""
    told = _told(path)
    stack = _pages(path)
    frames = stack.shape[0]
    for name in ("energies_ev", "exposure_mid_s", "ring_current_a", "dwell_s"):
        value = getattr(told, name)
        if isinstance(value, tuple) and len(value) != frames:
            raise FileFormatError(
                "the YAML does not fit the TIFF",
                file=_beside(path),
                field=name,
                value=f"{len(value)} numbers",
                limit=f"{frames} pages",
                remedy="give one number a page",
            )
    if min(told.pixel_size_um) <= 0:
        raise FileFormatError(
            "the size of a pixel is not positive",
            file=_beside(path),
            field="pixel_size_um",
            value=told.pixel_size_um,
            remedy="give the steps along y and x in um",
        )
    y, x = (
        origin + step * np.arange(size)
        for origin, step, size in zip(told.origin_um, told.pixel_size_um, stack.shape[1:], strict=True)
    )
    dwell = None if told.dwell_s is None else np.array(np.broadcast_to(np.asarray(told.dwell_s, float), (frames,)))
    attrs: dict[str, Any] = {"format": FORMAT, "region": region}
    if told.saturation is not None:
        attrs["saturation"] = told.saturation
    return Scan(
        counts=stack,
        energy=np.array(told.energies_ev),
        y=y,
        x=x,
        start=told.start,
        exposure_mid=None if told.exposure_mid_s is None else np.array(told.exposure_mid_s),
        dwell=dwell,
        ring_current=None if told.ring_current_a is None else np.array(told.ring_current_a),
        attrs=attrs,
        quantity=told.kind,
    )


def _beside(path: Path) -> Path | None:
    return next((p for p in (path.with_suffix(".yaml"), path.with_suffix(".yml")) if p.is_file()), None)


def _told(path: Path) -> Beside:
    beside = _beside(path)
    if beside is None:
        raise FileFormatError(
            "the YAML is not beside the TIFF", file=path, remedy=f"write {path.with_suffix('.yaml').name} beside it"
        )
    remedy = "write kind, energies_ev and pixel_size_um; docs/how-to/files.md has an example"
    content = read_yaml(beside, what="the YAML beside the TIFF", remedy=remedy, too_large="give fewer pages a file")
    try:
        return Beside.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise FileFormatError(
            "the YAML beside the TIFF cannot be used",
            file=beside,
            field=".".join(map(str, first["loc"])),
            value=first["input"],
            limit=first["msg"],
            remedy=remedy,
        ) from None


def _pages(path: Path) -> np.ndarray:
    import tifffile

    with damage_named(path), tifffile.TiffFile(path) as file:
        shape, kind = file.series[0].shape, file.series[0].dtype
        if len(file.series) != 1 or len(shape) not in (2, 3) or kind is None or kind.kind not in "iuf":
            raise FileFormatError(
                "the TIFF is no stack of grey images of one size",
                file=path,
                value=f"{shape}, {kind}",
                limit="(pages, rows, columns) of integers or floats",
                remedy="save the stack as grey images: no colours, no palette",
            )
        frames, rows, columns = (1, *shape) if len(shape) == 2 else shape
        check_size((frames, rows, columns), kind.itemsize, path, most=_MOST_COMPRESSED)
        with np.errstate(invalid="ignore"):  # NaN of an unusual kind
            stack = np.asarray(file.series[0].asarray(), dtype=float)
        return stack.reshape(frames, rows, columns)
