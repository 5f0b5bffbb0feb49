"""The raw files of a recipe: which they are, and the one recording that they make."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.progress import SILENT, Reporter
from lithiscope.recordings import Plan, SeenPictures, open_recording, plan_series
from lithiscope.studies.pieces import Pieces, scans_at_once

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe, Series

# Memory over that of the counts in float32, measured with 40 scans of 3 energies and 512 x 512 pixels.
_READING = 6.0
_DIRECTIONS = {"lithiation": 1, "delithiation": -1, "rest": 0, "unknown": 0}


def series_files(recipe: Recipe, series: Series) -> list[Path]:
    """Return the files of a series, sorted by name, each once.

    Raises
    ------
    OptionError
        If a pattern matches nothing.
    """
    return named_files(recipe.folder, series.files, field="data.series.files")


def named_files(folder: Path, patterns: Sequence[str], *, field: str) -> list[Path]:
    """Return the files that names or patterns mean, in order, each once.

    Parameters
    ----------
    folder : Path
        What the patterns are relative to.
    patterns : sequence of str
        Names or patterns.
    field : str
        Where they stand in the recipe, for the message.

    Raises
    ------
    OptionError
        If a pattern matches nothing, or a file is given twice.
    """
    found: list[Path] = []
    for pattern in patterns:
        matches = _matching(folder, pattern, field)
        if not matches:
            raise OptionError(
                "no file matches",
                field=field,
                value=pattern,
                limit=f"a file in {folder}",
                remedy="give the folder with --data, or mend the pattern",
            )
        repeated = set(found) & set(matches)
        if repeated:
            raise OptionError(
                "a file is given twice",
                field=field,
                value=min(repeated).name,
                remedy="name every file once",
            )
        found += matches
    return found


def _matching(folder: Path, pattern: str, field: str) -> list[Path]:
    """Return the files that a pattern means; the name of an existing file means that file, brackets and all."""
    if (folder / pattern).is_file():
        return [folder / pattern]
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise OptionError(
            "a pattern of files cannot be used",
            field=field,
            value=pattern,
            limit=f"a name or pattern relative to {folder}",
            remedy=str(error),
        ) from None


def raw_files(recipe: Recipe) -> list[Path]:
    """Return every file on which the recording depends, those beside the named ones included.

    Raises
    ------
    OptionError
        If a pattern matches nothing, or two series claim the same file.
    """
    headers: list[Path] = []
    for series in recipe.data.series:
        for path in series_files(recipe, series):
            if path in headers:
                raise OptionError(
                    "a file belongs to two series",
                    field="data.series.files",
                    value=path.name,
                    remedy="name every scan in one series only",
                )
            headers.append(path)
    return [file for header in headers for file in (header, *companions(header))]


def companions(header: Path) -> list[Path]:
    """Return the files beside a file that belong to it: images of an SDF header, headers of .ncb and TIFF."""
    ending = header.suffix.lower()
    if ending == ".hdr":
        return sorted(header.parent.glob(f"{escape(header.stem)}_*.xim"))
    beside = {".ncb": (".dat", ".DAT"), ".tif": (".yaml", ".yml"), ".tiff": (".yaml", ".yml")}.get(ending, ())
    return [path for path in map(header.with_suffix, beside) if path.is_file()]


def read_recording(recipe: Recipe, *, memory: float | None = None, reporter: Reporter = SILENT) -> xr.Dataset | Pieces:
    """Read all scans into one recording, with half cycle, direction and cycle along time.

    Parameters
    ----------
    recipe : Recipe
        Its files.
    memory : float, optional
        What the run may take, GiB. Every file of a series that would take more is read twice: what comes first in time
        is known when all have been looked at.
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    xarray.Dataset or Pieces
        Stage ``recording``, at once or in pieces; time is in seconds since the start of the first scan.

    Raises
    ------
    FileFormatError
        If scans do not make a series, or two pictures are copies of each other.
    """
    scans, pictures = Scans(recipe), SeenPictures()
    seen: list[xr.Dataset] = []
    total = at_once = len(scans.paths)
    for path in reporter.track(scans.paths, label="reading", total=total):
        scan = scans.read(path)
        pictures.add(scan)
        if not seen:
            at_once = scans_at_once(scan, memory, _READING, scans=total)
        seen.append(scan if at_once >= total else without_counts(scan))
    plan = plan_series(seen)
    pictures.refuse_copies()
    if at_once >= total:
        return scans.marked(plan, [seen[number] for number in plan.order], range(total))
    return Pieces(_read_again(scans, plan, at_once, reporter))


def _read_again(scans: Scans, plan: Plan, at_once: int, reporter: Reporter) -> Iterator[xr.Dataset]:
    total = len(plan.order)
    for number in reporter.track(range(0, total, at_once), label="reading again, in order", total=-(-total // at_once)):
        numbers = range(number, min(number + at_once, total))
        with warnings.catch_warnings():
            # All that a file makes one wonder about was said at the first look.
            warnings.simplefilter("ignore", LithiscopeWarning)
            read = [scans.read(scans.paths[plan.order[one]]) for one in numbers]
        yield scans.marked(plan, read, numbers)


class Scans:
    """The files of a recipe, series after series, and what the recipe says of each.

    Parameters
    ----------
    recipe : Recipe
        The recipe.

    Attributes
    ----------
    paths : list of Path
        One for each scan, in the order of the recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        files = [series_files(recipe, series) for series in recipe.data.series]
        self.paths: list[Path] = [path for some in files for path in some]
        marks = [
            (number, _DIRECTIONS[series.direction], series.cycle)
            for number, (series, some) in enumerate(zip(recipe.data.series, files, strict=True))
            for _ in some
        ]
        self._marks = np.array(marks, dtype=np.int32).reshape(-1, 3)

    def read(self, path: Path) -> xr.Dataset:
        """Return one scan, stage ``recording``."""
        return open_recording(path, region=self._recipe.data.region, timezone=self._recipe.data.timezone)

    def marked(self, plan: Plan, scans: Sequence[xr.Dataset], numbers: Sequence[int]) -> xr.Dataset:
        """Return some scans as part of the series, with half cycle, direction and cycle along time.

        Parameters
        ----------
        plan : Plan
            Of all scans.
        scans : sequence of Dataset
            In the order of time.
        numbers : sequence of int
            Theirs, in the order of time.
        """
        number, direction, cycle = self._marks[plan.order].T
        marks = {"half_cycle": _half_cycles(number, direction), "direction": direction, "cycle": cycle}
        coords = {name: ("time", mark[list(numbers)]) for name, mark in marks.items()}
        joined = plan.joined(scans, numbers).assign_coords(coords)
        if self._recipe.data.origin:
            joined.attrs["origin"] = self._recipe.data.origin
        return stages.check(joined, "recording")

    def sketch(self, plan: Plan, scans: Sequence[xr.Dataset]) -> xr.Dataset:
        """Return the series with one pixel of each picture, for what asks for times only; scans as of the recipe."""
        corner = plan._replace(places={**plan.places, "y": plan.places["y"][:1], "x": plan.places["x"][:1]})
        return self.marked(corner, [scans[number].isel(y=[0], x=[0]) for number in plan.order], range(len(scans)))


def without_counts(scan: xr.Dataset) -> xr.Dataset:
    """Return a scan with zeros in place of its counts and flags, which take no memory."""
    names = [name for name in ("counts", "counts_flag") if name in scan]
    return scan.assign(
        {name: scan[name].copy(data=np.broadcast_to(scan[name].dtype.type(0), scan[name].shape)) for name in names}
    )


def _half_cycles(series: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the number of each scan's half cycle, in order of time; -1 where no lithium moves."""
    numbers: dict[int, int] = {}
    for one, sign in zip(series, direction, strict=True):
        if sign and int(one) not in numbers:
            numbers[int(one)] = len(numbers)
    return np.array([numbers.get(int(one), -1) for one in series], dtype=np.int32)
