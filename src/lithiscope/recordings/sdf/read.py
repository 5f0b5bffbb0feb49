"""Reading one region of an SDF scan."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError
from lithiscope.recordings.scan import Scan, to_recording
from lithiscope.recordings.sdf.exposure import check_energies, exposure_mid, ring_current
from lithiscope.recordings.sdf.header import Header, find, read_header
from lithiscope.recordings.sdf.images import Image, image_names, read_image
from lithiscope.times import zone_of

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "SDF"
ABOUT = "STXM with STXM_Control (ALS 5.3.2 and 11.0.2, CLS, PolLux and others): a header, and a text image a frame"
ENDINGS = (".hdr",)
RECOGNISED = "a header that holds ScanDefinition, with .xim images beside it"
# An aborted scan may lack most of its frames; a header that declares this many times what the files hold is wrong.
MOST_MISSING = 1000
_EXTRAS = {"origin": "Origin", "saturation": "DetectorSaturation"}


def can_open(path: Path) -> bool:
    """Whether the file looks like an SDF header (ENVI images also end in .hdr)."""
    if path.suffix.lower() != ".hdr" or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"ScanDefinition" in file.read(4096)


def list_regions(path: Path) -> list[str]:
    """Describe the regions of the scan, in order."""
    return [f"{r.y.size} x {r.x.size} pixels at x = {r.x[0]:g}, y = {r.y[0]:g} um" for r in read_header(path).regions]


def open_region(path: Path, region: int, *, timezone: str | None, channel: str | None) -> xr.Dataset:
    """Read one region of an SDF scan.

    Parameters
    ----------
    path : Path
        The .hdr file; the .xim files lie beside it.
    region : int
        Number of the region, from 0.
    timezone : str, optional
        IANA name of the zone of the header's local time.
    channel : str, optional
        Name of the detector channel; the first when None.

    Returns
    -------
    xarray.Dataset
        Stage recording with one time.
    """
    header = read_header(path)
    number, name = _channel(header, channel)
    if header.mended:
        warnings.warn(
            f"{path}: the header had to be mended: {'; '.join(header.mended[:5])}", LithiscopeWarning, stacklevel=3
        )
    check_energies(header, region)
    counts = _stack(header, region, number)
    mid, found = exposure_mid(header, region, zone_of(timezone))
    if mid is not None:
        mid = np.where(np.isnan(counts).all(axis=(1, 2)), np.nan, mid)
    place = header.regions[region]
    attrs: dict[str, Any] = {"format": FORMAT, "region": region, "header": json.dumps(header.tree), "channel": name}
    attrs |= {own: value for own, field in _EXTRAS.items() if (value := find(header.tree, field)) is not None}
    scan = Scan(
        counts=counts,
        energy=header.energy,
        y=place.y,
        x=place.x,
        start=header.start,
        exposure_mid=mid,
        exposure_times=found,
        dwell=header.dwell,
        ring_current=ring_current(header, region),
        attrs=attrs,
        axis_fields=place.fields,
    )
    return to_recording(scan, path=path, timezone=timezone)


def _channel(header: Header, channel: str | None) -> tuple[int, str]:
    names = [name for name, _ in header.channels] or [""]
    if channel is not None and channel not in names:
        raise OptionError(
            "the scan has no such channel",
            file=header.path,
            field="channel",
            value=channel,
            limit=", ".join(names),
            remedy="choose one of these channels",
        )
    number = 0 if channel is None else names.index(channel)
    unit = header.channels[number][1] if header.channels else ""
    if unit.strip().lower() not in ("counts", "count", "cts", ""):
        warnings.warn(
            f"{header.path}: channel {names[number]!r} states the unit {unit!r}; the numbers were read as counts, and "
            "error bars hold only if they are",
            LithiscopeWarning,
            stacklevel=3,
        )
    return number, names[number]


def _stack(header: Header, region: int, channel: int) -> np.ndarray:
    """Read all frames; what is missing is NaN, with one warning for all."""
    place = header.regions[region]
    frames, shape = header.energy.size, (place.y.size, place.x.size)
    images: dict[int, np.ndarray] = {}
    missing: list[str] = []
    names = {"channel": channel, "region": region, "frames": frames, "regions": len(header.regions)}
    for frame in range(frames):
        candidates = [header.path.with_name(n) for n in image_names(header.path.stem, frame=frame, **names)]
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            missing.append(f"no {candidates[0].name}")
            continue
        images[frame], lacking = _image(path, shape)
        if lacking:
            missing.append(f"{lacking} of {path.name}")
    _check_plenty(images, frames, missing, header.path)
    nothing = np.full(shape, np.nan)
    return np.stack([images.get(frame, nothing) for frame in range(frames)])


def _check_plenty(images: dict[int, np.ndarray], frames: int, missing: list[str], path: Path) -> None:
    if not any(np.isfinite(image).any() for image in images.values()):
        raise FileFormatError(
            "the scan has no image that holds anything",
            file=path,
            value="; ".join(missing[:3]),
            remedy="keep the .xim files beside the header, and the names as the microscope gave them",
        )
    if frames > MOST_MISSING * len(images):
        raise FileFormatError(
            "the header declares far more frames than there are files",
            file=path,
            value=frames,
            limit=f"{len(images)} files",
            remedy="copy the missing .xim files beside the header",
        )
    if missing:
        warnings.warn(
            f"{path}: data are missing and were flagged ({len(missing)} of {frames} frames): "
            f"{'; '.join(missing[:3])}{'; ...' if len(missing) > 3 else ''}",
            LithiscopeWarning,
            stacklevel=5,
        )


def _image(path: Path, shape: tuple[int, int]) -> Image:
    # A text image needs two characters a pixel: a header that promises more than a thousand times that is not believed.
    if shape[0] * shape[1] > MOST_MISSING * max(path.stat().st_size, 1000):
        raise FileFormatError(
            "the header declares far more pixels than the image file holds",
            file=path,
            value=f"{path.stat().st_size} bytes",
            limit=f"{shape[0]} x {shape[1]} pixels",
            remedy="the image is cut off: copy it again",
        )
    return read_image(path, shape)
