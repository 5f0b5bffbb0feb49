"""Regions of ImageJ and Fiji: one ``.roi`` file, or the ``.zip`` of the ROI manager."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.particles.regions import Region, pixel_squares, ring

_MOST_ENTRIES = 10_000
_LARGEST_ENTRY = 8 * 2**20
_LARGEST_TOTAL = 128 * 2**20
_BROKEN = (ValueError, TypeError, KeyError, IndexError, RuntimeError, NotImplementedError, OverflowError, struct.error)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same regions give the same bytes


def read_rois(path: Path, *, points: bool = False) -> list[Region]:
    """Read the areas of a ``.roi`` or ``.zip`` file.

    Parameters
    ----------
    path : Path
        The file.
    points : bool
        Whether a point stands for the pixel in which it lies; otherwise it is no area.

    Returns
    -------
    list of Region
        Polygons, freehand and traced areas, rectangles, ovals and composites of them, in the order of the file.

    Raises
    ------
    FileFormatError
        If the file is corrupt or too large, or a region is no area.
    """
    if path.suffix.lower() == ".roi":
        if path.stat().st_size > _LARGEST_ENTRY:
            raise FileFormatError(
                "a region file is too large",
                file=path,
                value=path.stat().st_size,
                limit=f"{_LARGEST_ENTRY} bytes",
                remedy="save the region again from Fiji's ROI Manager",
            )
        return [_region(path.read_bytes(), path.stem, path, points)]
    return [_region(data, name, path, points) for name, data in _entries(path)]


def write_rois(regions: Sequence[Region], path: Path) -> None:
    """Write regions to a ``.zip`` for the ROI manager: sub-pixel polygons, composites where there are several rings."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for region in regions:
            safe = region.name.replace("/", "_").replace("\\", "_")
            archive.writestr(zipfile.ZipInfo(f"{safe}.roi", _EPOCH), _roi(region).tobytes(), zipfile.ZIP_DEFLATED)
    path.write_bytes(buffer.getvalue())


def _entries(path: Path) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not _is_clutter(entry)]
            _check_sizes(entries, path)
            return [(PurePosixPath(entry.filename).stem, _bytes(archive, entry, path)) for entry in entries]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise FileFormatError(
            "the zip file cannot be read", file=path, value=error, remedy="save it again from the ROI manager"
        ) from error


def _is_clutter(entry: zipfile.ZipInfo) -> bool:
    return entry.is_dir() or entry.filename.startswith("__MACOSX/")


def _check_sizes(entries: list[zipfile.ZipInfo], path: Path) -> None:
    remedy = "this is no set of regions as the ROI manager writes it"
    if len(entries) > _MOST_ENTRIES:
        raise FileFormatError(
            "the zip file has too many entries", file=path, value=len(entries), limit=str(_MOST_ENTRIES), remedy=remedy
        )
    total = sum(entry.file_size for entry in entries)
    if total > _LARGEST_TOTAL:
        raise FileFormatError(
            "the zip file unpacks to too much", file=path, value=total, limit=f"{_LARGEST_TOTAL} bytes", remedy=remedy
        )
    for entry in entries:
        if not entry.filename.lower().endswith(".roi"):
            raise FileFormatError(
                "the zip file holds something that is no region",
                file=path,
                field=entry.filename,
                limit="*.roi",
                remedy="save the regions from Fiji's ROI Manager (More > Save)",
            )
        if entry.file_size > _LARGEST_ENTRY:
            _raise_entry(entry, path)


def _bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    # The size in the directory of the zip file may lie, so reading is bounded too.
    with archive.open(entry) as stream:
        data = stream.read(_LARGEST_ENTRY + 1)
    if len(data) > _LARGEST_ENTRY:
        _raise_entry(entry, path)
    return data


def _raise_entry(entry: zipfile.ZipInfo, path: Path) -> None:
    raise FileFormatError(
        "an entry of the zip file is too large",
        file=path,
        field=entry.filename,
        value=entry.file_size,
        limit=f"{_LARGEST_ENTRY} bytes",
        remedy="save the regions again from Fiji's ROI Manager",
    )


def _region(data: bytes, fallback: str, path: Path, points: bool) -> Region:
    from roifile import ROI_TYPE, ImagejRoi

    try:
        roi = ImagejRoi.frombytes(data)
        chosen = points and roi.roitype == ROI_TYPE.POINT
        outlines = [roi.coordinates()] if chosen else _outlines(roi)
    except _BROKEN as error:
        raise FileFormatError(
            "a region is corrupt",
            file=path,
            field=fallback,
            value=error,
            remedy="save the region again from Fiji's ROI Manager",
        ) from error
    if outlines is None:
        raise FileFormatError(
            "a region is no area",
            file=path,
            field=roi.name or fallback,
            value=f"{roi.roitype.name.lower()} {roi.subtype.name.lower()}",
            limit="polygon, freehand, traced, rectangle, oval or composite" + (", or points" if points else ""),
            remedy="draw the particle as an area selection, or remove the region",
        )
    name = roi.name or fallback
    if chosen:
        return Region(name, pixel_squares(outlines[0], file=path, name=name))
    return Region(name, tuple(ring(points, file=path, name=name) for points in outlines))


def _outlines(roi: Any) -> list[np.ndarray] | None:
    """Rings of (x, y) of an area; None for everything else."""
    from roifile import ROI_SUBTYPE, ROI_TYPE

    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.IMAGE):
        return None
    if roi.composite:
        return list(roi.coordinates(multi=True))
    if roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        return [roi.coordinates()]
    if roi.roitype not in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        return None
    box = (roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top)
    left, top, width, height = (roi.xd, roi.yd, roi.widthd, roi.heightd) if roi.subpixelrect else box
    if not (width > 0 and height > 0):
        raise ValueError(f"width {width} and height {height} are not positive")
    if roi.roitype == ROI_TYPE.RECT:
        unit = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    else:
        # A thousandth of the radius is far less than a pixel: 720 chords stay within 1e-5 of it.
        angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        unit = 0.5 + 0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return [np.array([left, top]) + unit * np.array([width, height])]


def _roi(region: Region) -> Any:
    from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

    roi = ImagejRoi.frompoints(np.concatenate(region.rings), name=region.name)
    if len(region.rings) == 1:
        return roi
    composite = ImagejRoi()
    composite.roitype, composite.name = ROI_TYPE.RECT, region.name
    composite.options = ROI_OPTIONS.OVERLAY_BACKGROUNDS | ROI_OPTIONS.OVERLAY_LABELS
    composite.left, composite.top, composite.right, composite.bottom = roi.left, roi.top, roi.right, roi.bottom
    path: list[float] = []
    for corners in region.rings:
        # 0 moves, 1 draws a line, 4 closes the ring (java.awt.geom.PathIterator).
        for index, (x, y) in enumerate(corners):
            path += [float(index > 0), x, y]
        path.append(4.0)
    composite.multi_coordinates = np.array(path, dtype=np.float32)
    composite.shape_roi_size = len(path)
    return composite
