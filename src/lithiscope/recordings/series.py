"""A series of scans of one field, as one recording."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lithiscope import stages
from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeWarning
from lithiscope.progress import SILENT, Reporter
from lithiscope.recordings import stored
from lithiscope.recordings.copies import SeenPictures
from lithiscope.recordings.opening import open_recording
from lithiscope.recordings.readers import readers

if TYPE_CHECKING:
    import xarray as xr

SAME_ENERGY = 1e-3
SAME_STEP = 1e-3
_OPTIONAL = ("exposure_mid", "dwell", "ring_current", "position_y", "position_x")
_COMMON = ("format", "region", "channel", "origin", "saturation", "header")


def open_series(
    paths: str | Path | Iterable[str | Path],
    *,
    region: int | None = None,
    timezone: str | None = None,
    channel: str | None = None,
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Read scans of one field, taken one after another, as one recording.

    Parameters
    ----------
    paths : str, Path, or iterable of them
        The files, in any order and of any format, or a folder, of which every file is taken that a reader recognises;
        they are sorted by their start times, never by their names.
    region, timezone, channel
        As for `open_recording`.
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    xarray.Dataset
        Stage recording with dimensions (time, energy, y, x): `time` in s since the start of the first scan, at
        mid-scan; `scan` numbers the scans from 0. Header, region and format are those of the first scan, the
        positions too (scans that were taken up to half a pixel elsewhere are not moved: registration does that).

    Raises
    ------
    FileFormatError
        If a file is given twice, a start time is missing or occurs twice (a copy), two pictures are copies of each
        other, only some times have a zone, or energies, number or size of pixels differ.
    AnalysisError
        If there are no files.

    Warns
    -----
    LithiscopeWarning
        If the files are of several formats.
    """
    given = [paths] if isinstance(paths, str | Path) else paths
    files = [
        file
        for path in map(Path, given)
        for file in (folder_files(path) if path.is_dir() and not stored.can_open(path) else [path])
    ]
    repeated = [path for path, count in Counter(file.resolve() for file in files).items() if count > 1]
    if repeated:
        raise FileFormatError("a file is given twice", file=repeated[0], remedy="give every scan once")
    scans = [
        open_recording(file, region=region, timezone=timezone, channel=channel)
        for file in reporter.track(files, label="reading scans", total=len(files))
    ]
    return join_scans(scans)[0]


def folder_files(folder: Path) -> list[Path]:
    """Return the files of a folder that a reader recognises, by name.

    Parameters
    ----------
    folder : Path
        Not searched deeper.

    Raises
    ------
    FileFormatError
        If no reader recognises any.
    """
    inside = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    found = [path for path in inside if any(reader.can_open(path) for reader in readers())]
    if not found:
        raise FileFormatError(
            "no reader knows a file of this folder",
            file=folder,
            remedy="give the folder of the scans; `lithiscope formats` lists what can be read",
        )
    return found


def join_scans(scans: Sequence[xr.Dataset]) -> tuple[xr.Dataset, list[int]]:
    """Join scans of one field into one recording, sorted by their start times.

    Parameters
    ----------
    scans : sequence of xarray.Dataset
        Stage recording, each with one time, in any order.

    Returns
    -------
    series : xarray.Dataset
        As of `open_series`.
    order : list of int
        For each time of the series, which of `scans` it is.

    Raises
    ------
    FileFormatError
        As of `open_series`.
    AnalysisError
        If there are no scans.
    """
    plan = plan_series(scans)
    seen = SeenPictures()
    for number in plan.order:
        seen.add(scans[number])
    seen.refuse_copies()
    return plan.joined([scans[i] for i in plan.order], range(len(scans))), plan.order


class Plan(NamedTuple):
    """How scans make a series.

    Attributes
    ----------
    order : list of int
        For each time of the series, which of the scans it is.
    offsets : list of float
        When each began, in that order, s since the start of the first.
    names : list of str
        The variables that all scans have.
    places : dict
        Energies and positions of the series.
    attrs : dict
        Of the series.
    """

    order: list[int]
    offsets: list[float]
    names: list[str]
    places: dict[str, np.ndarray]
    attrs: dict[str, Any]

    def joined(self, scans: Sequence[xr.Dataset], numbers: Sequence[int]) -> xr.Dataset:
        """Return some scans as that part of the series, with their numbers in the order of time."""
        offsets = np.array([self.offsets[number] for number in numbers])
        variables: dict[str, tuple[str, Any]] = {
            name: (" ".join(map(str, scans[0][name].dims)), np.concatenate([scan[name].values for scan in scans]))
            for name in self.names
        }
        if "exposure_mid" in variables:
            dims, mids = variables["exposure_mid"]
            variables["exposure_mid"] = (dims, mids + offsets[:, None])
        coords = {
            "time": ("time", np.array([float(scan["time"][0]) for scan in scans]) + offsets),
            "scan": ("time", np.array(numbers)),
            **{name: (name, values) for name, values in self.places.items()},
        }
        return stages.new("recording", variables, coords=coords, attrs=self.attrs)


def plan_series(scans: Sequence[xr.Dataset]) -> Plan:
    """Check scans of one field, and return how they make a series; their counts are not looked at.

    Parameters
    ----------
    scans : sequence of xarray.Dataset
        As of `join_scans`.

    Raises
    ------
    FileFormatError
        As of `open_series`.
    AnalysisError
        If there are no scans.
    """
    if not scans:
        raise AnalysisError("there are no scans to join", field="scans", remedy="give at least one")
    for scan in scans:
        stages.check(scan, "recording")
    starts = _starts(scans)
    order = sorted(range(len(scans)), key=starts.__getitem__)
    ordered = [scans[i] for i in order]
    for scan in ordered[1:]:
        _check_alike(ordered[0], scan)
    _tell_formats(ordered)
    return Plan(
        order=order,
        offsets=[(starts[i] - starts[order[0]]).total_seconds() for i in order],
        names=["counts", "counts_flag", *(name for name in _OPTIONAL if all(name in scan for scan in scans))],
        places={name: ordered[0][name].values for name in ("energy", "y", "x")},
        attrs=_attributes(ordered),
    )


def _name(scan: xr.Dataset) -> str:
    return str(scan.attrs.get("source", "scan"))


def _starts(scans: Sequence[xr.Dataset]) -> list[datetime]:
    if len(scans) == 1:
        return [datetime.min]
    zoned = ["start_utc" in scan.attrs for scan in scans]
    untimed = [_name(scan) for scan in scans if "start_utc" not in scan.attrs and "start_local" not in scan.attrs]
    if untimed:
        raise FileFormatError(
            f"{len(untimed)} of {len(scans)} scans have no start time, so the series cannot be ordered",
            file=untimed[0],
            field="Time",
            value=", ".join(untimed),
            remedy="write the start into the header; a format without one (.stk, .ncb) can go on as TIFF with YAML",
        )
    if any(zoned) and not all(zoned):
        raise FileFormatError(
            "some scans state the zone of their clock and others do not, so the series cannot be ordered",
            file=_name(scans[zoned.index(False)]),
            field="Time",
            remedy="give the zone of the others: timezone= (data.timezone in a recipe)",
        )
    attribute = "start_utc" if all(zoned) else "start_local"
    starts: list[datetime] = []
    for scan in scans:
        start = datetime.fromisoformat(scan.attrs[attribute])
        if start in starts:
            raise FileFormatError(
                "two scans started at the same time",
                file=_name(scan),
                field="Time",
                value=start.isoformat(),
                remedy=f"remove the copy, this one or {_name(scans[starts.index(start)])}",
            )
        starts.append(start)
    return starts


def _tell_formats(scans: Sequence[xr.Dataset]) -> None:
    found = Counter(str(scan.attrs.get("format", "unknown")) for scan in scans)
    if len(found) > 1:
        listed = ", ".join(f"{count} {name}" for name, count in found.items())
        warnings.warn(
            f"the series is of several formats ({listed}): check that counts and dwell mean the same in all of them",
            LithiscopeWarning,
            stacklevel=3,
        )


def _check_alike(first: xr.Dataset, other: xr.Dataset) -> None:
    file = _name(other)
    remedy = f"only scans with the energies and pixels of {_name(first)} make a series with it"
    for name in ("energy", "y", "x"):
        if first.sizes[name] != other.sizes[name]:
            raise FileFormatError(
                "the scans of a series differ in size",
                file=file,
                field=name,
                value=other.sizes[name],
                limit=str(first.sizes[name]),
                remedy=remedy,
            )
    away = float(np.abs(first["energy"].values - other["energy"].values).max())
    if away > SAME_ENERGY:
        raise FileFormatError(
            "the scans of a series differ in their energies",
            file=file,
            field="energy",
            value=f"{away:g} eV apart",
            limit=f"{SAME_ENERGY} eV",
            remedy=remedy,
        )
    for name in ("y", "x"):
        here, there = (_step(scan[name].values) for scan in (first, other))
        if abs(here - there) > SAME_STEP * here:
            raise FileFormatError(
                "the scans of a series differ in pixel size",
                file=file,
                field=name,
                value=f"{there:g} um",
                limit=f"{here:g} um",
                remedy=remedy,
            )
        moved = float(other[name].values[0] - first[name].values[0])
        if abs(moved) > here / 2 > 0:
            warnings.warn(
                f"{file}: the field lies {moved:.4g} um along {name} from that of {_name(first)}; the positions of "
                "the first scan were kept, so this shows up as a shift in the registration",
                LithiscopeWarning,
                stacklevel=3,
            )


def _step(points: np.ndarray) -> float:
    return float((points[-1] - points[0]) / (points.size - 1)) if points.size > 1 else 0.0


def _attributes(scans: Sequence[xr.Dataset]) -> dict[str, Any]:
    first = scans[0]
    attrs = {name: first.attrs[name] for name in _COMMON if name in first.attrs}
    for name in ("start_local", "start_utc"):
        if all(name in scan.attrs for scan in scans):
            attrs[name] = first.attrs[name]
    if all("exposure_mid" in scan for scan in scans):
        found = {scan.attrs.get("exposure_times", "estimated") for scan in scans}
        attrs["exposure_times"] = "measured" if found == {"measured"} else "estimated"
    attrs["source"] = ", ".join(map(_name, scans))
    return attrs
