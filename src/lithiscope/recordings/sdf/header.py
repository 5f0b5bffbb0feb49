"""What an SDF header says, in the units of lithiscope: regions, energies, channels, dwell and the log of the frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.sdf.grammar import parse
from lithiscope.recordings.times import parse_sdf_time
from lithiscope.units import ELECTRONVOLT, MICROMETRE, SECOND, convert

LARGEST_HEADER = 64 * 2**20
FRAME_ENTRY = re.compile(r"Image(\d+)(?:_(\d+))?")
_NO_IMAGE = ("line scan", "point scan", "focus", "osa", "motor", "spectra")


@dataclass(frozen=True)
class Region:
    """One rectangle that was scanned: its pixel centres in um, in the order of rows and columns of the image files.

    `fields` names the fields of the header that they come from, with their units.
    """

    y: np.ndarray
    x: np.ndarray
    fields: dict[str, str]


@dataclass(frozen=True)
class FrameNote:
    """What the header logs about one frame.

    `start` is when the frame began, `mid` the middle of its exposure in s since the start of the scan (written by
    lithiscope only), `current` the ring current in mA, `energy` in eV; None where nothing usable was logged.
    """

    start: datetime | None
    mid: float | None
    current: float | None
    energy: float | None


@dataclass(frozen=True)
class Header:
    """An SDF header.

    `dwell` holds s per pixel and energy; `notes` the log by (frame, region), both from 0; `current` the ring current
    in mA at the start of the scan; `mended` what was wrong with the grammar and could be helped.
    """

    path: Path
    tree: dict[str, Any]
    mended: tuple[str, ...]
    regions: tuple[Region, ...]
    energy: np.ndarray
    channels: tuple[tuple[str, str], ...]
    dwell: np.ndarray | None
    start: datetime | None
    current: float | None
    notes: dict[tuple[int, int], FrameNote]


def read_header(path: Path) -> Header:
    """Read and check the header of an SDF scan.

    Raises
    ------
    FileFormatError
        If it is not the header of an image or image stack over photon energy.
    UnitError
        If a position has no unit of length.
    """
    if path.stat().st_size > LARGEST_HEADER:
        raise FileFormatError(
            "the header is too large",
            file=path,
            value=path.stat().st_size,
            limit=f"{LARGEST_HEADER} bytes",
            remedy="choose the .hdr of a scan",
        )
    tree, mended = parse(path.read_bytes().decode("latin-1"), file=path)
    definition = find(tree, "ScanDefinition")
    if not isinstance(definition, dict):
        raise FileFormatError("this is no SDF header", file=path, field="ScanDefinition", remedy="open the .hdr file")
    _refuse_other_scans(definition, path)
    energy = _energies(tree, path)
    start, current = find(tree, "Time"), find(tree, "StorageRingCurrent")
    return Header(
        path=path,
        tree=tree,
        mended=tuple(mended),
        regions=tuple(_region(entry, path) for entry in _counted(find(tree, "Regions"), "Regions", path)),
        energy=energy,
        channels=tuple(_channels(definition)),
        dwell=_dwell(tree, energy.size, path),
        start=parse_sdf_time(start, file=path, field="Time") if isinstance(start, str) and start else None,
        current=_positive(current),
        notes=dict(_notes(tree, path)),
    )


def find(tree: dict[str, Any], name: str) -> Any:
    """Return the value of that name nearest to the top, or None; the log of the frames is not searched.

    A missing brace moves everything behind it one level down, so the level of a name is not to be trusted.
    """
    level = [tree]
    while level:
        for group in level:
            if name in group:
                return group[name]
        level = [
            child
            for group in level
            for key, child in group.items()
            if isinstance(child, dict) and not FRAME_ENTRY.fullmatch(key)
        ]
    return None


def _refuse_other_scans(definition: dict[str, Any], path: Path) -> None:
    kind = f"{definition.get('Type', '')}, {definition.get('Flags', '')}"
    if any(word in kind.lower() for word in _NO_IMAGE):
        raise FileFormatError(
            "the scan is not an image or image stack",
            file=path,
            field="ScanDefinition.Type",
            value=kind,
            limit="Image Scan or NEXAFS Image Scan",
            remedy="read point spectra (.xsp) with read_spectrum",
        )


def _counted(value: Any, field: str, path: Path) -> list[Any]:
    """Return the elements of a list without the count in front, which must be right."""
    if not isinstance(value, list) or not value:
        raise FileFormatError(
            "a list is missing in the header",
            file=path,
            field=field,
            value=value,
            remedy="the header is damaged or cut off: copy it again",
        )
    count, elements = value[0], value[1:]
    if count != len(elements):
        decimal = isinstance(count, int) and len(elements) == 2 * count
        raise FileFormatError(
            "a list is not as long as the header says",
            file=path,
            field=field,
            value=f"{len(elements)} elements",
            limit=f"{count}",
            remedy="replace the decimal commas by points" if decimal else "repair the header",
        )
    return elements


def _axis(axis: Any, field: str, path: Path) -> tuple[np.ndarray, str]:
    if not isinstance(axis, dict):
        raise FileFormatError(
            "an axis is missing in the header",
            file=path,
            field=field,
            value=axis,
            remedy="the header is damaged or cut off: copy it again",
        )
    points = _counted(axis.get("Points"), f"{field}.Points", path)
    if not points or any(isinstance(p, bool) or not isinstance(p, int | float) for p in points):
        raise FileFormatError(
            "an axis has no numbers",
            file=path,
            field=f"{field}.Points",
            value=points,
            remedy="the header is damaged or cut off: copy it again",
        )
    return np.array(points, dtype=float), str(axis.get("Unit", ""))


def _region(region: Any, path: Path) -> Region:
    axes, fields = {}, {}
    for name, axis in (("PAxis", "x"), ("QAxis", "y")):
        points, unit = _axis(region.get(name) if isinstance(region, dict) else None, name, path)
        axes[axis] = convert(points, unit, MICROMETRE, field=f"{name}.Unit", file=str(path))
        fields[axis] = f"{name}.Unit = {unit}"
    return Region(y=axes["y"], x=axes["x"], fields=fields)


def _energies(tree: dict[str, Any], path: Path) -> np.ndarray:
    points, unit = _axis(find(tree, "StackAxis"), "StackAxis", path)
    stage = find(tree, "ScanningStage")
    # Some control programs call the axis Energy whatever was scanned; then the unit is blank or another stage is named.
    if unit.strip().lower() not in ("ev", "kev") or (isinstance(stage, str) and "energy" not in stage.lower()):
        raise FileFormatError(
            "the stack was not taken over photon energy",
            file=path,
            field="StackAxis",
            value=f"unit {unit!r}, points {points[:4].tolist()}" + (f", stage {stage}" if stage else ""),
            limit="eV or keV",
            remedy='if these are energies, write Unit = "eV" in the StackAxis of the header',
        )
    return np.asarray(convert(points, unit, ELECTRONVOLT, field="StackAxis.Unit", file=str(path)))


def _channels(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    channels = definition.get("Channels")
    for entry in channels[1:] if isinstance(channels, list) else []:
        if isinstance(entry, dict):
            yield str(entry.get("Name", "")), str(entry.get("Unit", ""))


def _dwell(tree: dict[str, Any], frames: int, path: Path) -> np.ndarray | None:
    """Return the dwell of each energy in s: of the energy regions if they account for every frame, else the common."""
    regions = find(tree, "EnergyRegions")
    parts = [r for r in regions[1:] if isinstance(r, dict)] if isinstance(regions, list) else []
    points = [p for r in parts if isinstance(p := r.get("Points"), int)]
    times = [t for r in parts if (t := _positive(r.get("DwellTime"))) is not None]
    if parts and len(points) == len(times) == len(parts) and min(points) >= 0 and sum(points) == frames:
        dwell = np.repeat(np.array(times, dtype=float), points)
    else:
        common = find(tree, "Dwell")
        if common is None:
            return None
        if _positive(common) is None:
            raise FileFormatError(
                "the dwell time is not positive",
                file=path,
                field="Dwell",
                value=common,
                limit="ms",
                remedy="mend the dwell time in the header",
            )
        dwell = np.full(frames, float(common))
    return np.asarray(convert(dwell, "ms", SECOND, field="Dwell"))


def _notes(tree: dict[str, Any], path: Path) -> Iterator[tuple[tuple[int, int], FrameNote]]:
    """Yield the log of the frames by (frame, region).

    ``Image004_1`` counts frames and regions from 0. The older ``Image2`` counts from 1 and leaves out the first
    frame, whose time and current are those of the scan; single images have ``Image0``.
    """
    entries = [(match, value) for key, value in _flat(tree) if (match := FRAME_ENTRY.fullmatch(key))]
    first = 0 if any(match[2] is None and int(match[1]) == 0 for match, _ in entries) else 1
    for match, value in entries:
        frame = int(match[1]) - (first if match[2] is None else 0)
        time = value.get("Time")
        mid = value.get("ExposureMid")
        yield (
            (frame, int(match[2] or 0)),
            FrameNote(
                start=parse_sdf_time(time, file=path, field=f"{match[0]}.Time")
                if isinstance(time, str) and time
                else None,
                mid=float(mid) if isinstance(mid, int | float) else None,
                current=_positive(value.get("StorageRingCurrent")),
                energy=_positive(value.get("Energy")),
            ),
        )


def _flat(tree: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield key, value
            yield from _flat(value)


def _positive(value: Any) -> float | None:
    """Return a positive number as float; None for anything else, such as the 0 or -5 that stand for "not known"."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(value) if usable else None
