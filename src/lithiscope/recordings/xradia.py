"""Images and stacks of Xradia full-field microscopes (.xrm, .txrm): streams in a compound (OLE) file."""

from __future__ import annotations

import re
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import FileFormatError, LithiscopeWarning
from lithiscope.recordings.damage import check_size, check_step, damage_named
from lithiscope.recordings.plausible import looks_like_density
from lithiscope.recordings.scan import Scan, to_recording

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "XRM"
ABOUT = "Xradia (Zeiss) transmission microscopes: SSRL 6-2c, APS 32-ID, MISTRAL at ALBA, BESSY II U41"
ENDINGS = (".xrm", ".txrm")
RECOGNISED = "a compound (OLE) file with a stream ImageInfo/ImageWidth"
_PIXELS = {5: "<u2", 10: "<f4"}
_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_DATES = ("%m/%d/%y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%m/%d/%y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f")
_IN_NAME = re.compile(r"(\d+(?:\.\d+)?)_?eV", re.IGNORECASE)


def can_open(path: Path) -> bool:
    """Whether the file is a compound file of Xradia; a broken one goes by its ending, to be told what is wrong."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return path.suffix.lower() in ENDINGS
    try:
        with damage_named(path), _opened(path) as ole:
            return bool(ole.exists("ImageInfo/ImageWidth")) or path.suffix.lower() in ENDINGS
    except FileFormatError:
        return path.suffix.lower() in ENDINGS


def list_regions(path: Path) -> list[str]:
    """Describe the one region."""
    with damage_named(path), _opened(path) as ole:
        frames, rows, columns = _shape(ole, path)
    return [f"{rows} x {columns} pixels, {frames} images"]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Read all images of the file as one stack over energy."""
    return to_recording(read_scan(path, region, timezone=timezone, channel=channel), path=path, timezone=timezone)


def read_scan(path: Path, region: int, *, timezone: str | None, channel: str | None) -> Scan:  # noqa: ARG001
    """Read the stack as bare arrays; the images are square grids of the pixel size from 0 on."""
    with damage_named(path), _opened(path) as ole:
        shape = _shape(ole, path)
        values = _images(ole, shape, path)
        pixel = float(_needed(ole, "ImageInfo/PixelSize", "<f4", path)[0])
        check_step(pixel, path, "ImageInfo/PixelSize")
        energy = _energies(ole, shape[0], path)
        with np.errstate(invalid="ignore"):
            exposure = _numbers(ole, "ImageInfo/ExpTimes", "<f4")[: shape[0]].astype(float)
        dates = _dates(ole, shape[0])
    known = exposure.size == shape[0] and np.all(np.isfinite(exposure) & (exposure > 0))
    mid = None
    if dates:
        after = np.array([(date - dates[0]).total_seconds() for date in dates])
        mid = after + (exposure / 2 if known else 0.0)
    return Scan(
        counts=values,
        energy=energy,
        y=pixel * np.arange(shape[1]),
        x=pixel * np.arange(shape[2]),
        start=dates[0] if dates else None,
        exposure_mid=mid,
        dwell=exposure if known else None,
        attrs={"format": FORMAT, "region": region},
        quantity="transmission" if looks_like_density(values) else "counts",
    )


def _opened(path: Path) -> Any:
    import olefile

    return olefile.OleFileIO(path)


def _numbers(ole: Any, name: str, kind: str) -> np.ndarray:
    """Return the numbers of a stream, none where it is absent."""
    if not ole.exists(name):
        return np.zeros(0)
    content = ole.openstream(name).read()
    size = np.dtype(kind).itemsize
    return np.frombuffer(content[: len(content) // size * size], dtype=kind)


def _needed(ole: Any, name: str, kind: str, path: Path) -> np.ndarray:
    found = _numbers(ole, name, kind)
    if not found.size:
        raise FileFormatError(
            "a stream is missing", file=path, field=name, remedy="the file is damaged or cut off: copy it again"
        )
    return found


def _shape(ole: Any, path: Path) -> tuple[int, int, int]:
    rows, columns, kind = (
        int(_needed(ole, f"ImageInfo/{name}", "<u4", path)[0]) for name in ("ImageHeight", "ImageWidth", "DataType")
    )
    counted = [_numbers(ole, f"ImageInfo/{name}", "<u4") for name in ("ImagesTaken", "NoOfImages")]
    frames = next((int(found[0]) for found in counted if found.size and found[0] > 0), 0)
    if kind not in _PIXELS:
        raise FileFormatError(
            "the kind of the pixels is not known",
            file=path,
            field="ImageInfo/DataType",
            value=kind,
            limit="5 (uint16) or 10 (float32)",
            remedy="export the images as uint16 or float32",
        )
    # A stack that was stopped declares all its images; more than a hundred for each that is there is damage.
    check_size((1, rows, columns), np.dtype(_PIXELS[kind]).itemsize, path)
    check_size((frames, rows, columns), np.dtype(_PIXELS[kind]).itemsize, path, most=100)
    return frames, rows, columns


def _images(ole: Any, shape: tuple[int, int, int], path: Path) -> np.ndarray:
    kind = _PIXELS[int(_needed(ole, "ImageInfo/DataType", "<u4", path)[0])]
    stack = np.full(shape, np.nan)
    missing = []
    for frame in range(shape[0]):
        name = f"ImageData{frame // 100 + 1}/Image{frame + 1}"
        try:
            pixels = _numbers(ole, name, kind)
        except OSError:  # a stream that the end of the file cuts off
            pixels = np.zeros(0)
        if pixels.size == shape[1] * shape[2]:
            with np.errstate(invalid="ignore"):  # NaN of an unusual kind
                stack[frame] = pixels.reshape(shape[1:])
        else:
            missing.append(name)
    if missing:
        warnings.warn(
            f"{path}: {len(missing)} of {shape[0]} images are missing or cut off and were flagged "
            f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''})",
            LithiscopeWarning,
            stacklevel=3,
        )
    return stack


def _energies(ole: Any, frames: int, path: Path) -> np.ndarray:
    """Return the energies of the header, or that in the name of the file (``_0710.5_eV_``) where it states none."""
    with np.errstate(invalid="ignore"):
        stated = _numbers(ole, "ImageInfo/Energy", "<f4").astype(float)[:frames]
    if stated.size == frames and np.all(np.isfinite(stated) & (stated > 0)):
        energies = stated
    else:
        named = _IN_NAME.search(path.name)
        if named is None or frames > 1:
            raise FileFormatError(
                "the file states no energies",
                file=path,
                field="ImageInfo/Energy",
                value=stated[:5].tolist(),
                remedy="write the energy into the name of the file, like sample_8350.5_eV_001.xrm (one image a file)",
            )
        energies = np.array([float(named[1])])
    if frames > 1 and np.ptp(energies) == 0:
        raise FileFormatError(
            "all images have one energy: a series of angles or of times, no stack over energy",
            file=path,
            field="ImageInfo/Energy",
            value=f"{energies[0]:g} eV",
            remedy="only images and stacks over energy can be read",
        )
    return energies


def _dates(ole: Any, frames: int) -> list[datetime]:
    """Return when each image was taken, in the local time of the microscope; nothing if one cannot be read."""
    content = ole.openstream("ImageInfo/Date").read() if ole.exists("ImageInfo/Date") else b""
    each = len(content) // frames
    pieces = [content[each * frame : each * (frame + 1)] for frame in range(frames)] if each else []
    dates = [_date(piece.split(b"\0")[0].decode("latin-1").strip()) for piece in pieces]
    return [date for date in dates if date is not None] if None not in dates else []


def _date(text: str) -> datetime | None:
    for form in _DATES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
