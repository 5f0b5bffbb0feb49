"""The raw files of a recipe: which they are, and the one recording that they make."""

from __future__ import annotations

from collections.abc import Sequence
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.progress import SILENT, Reporter
from lithiscope.recordings import join_scans, open_recording

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe, Series

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


def read_recording(recipe: Recipe, *, reporter: Reporter = SILENT) -> xr.Dataset:
    """Read all scans into one recording, with half cycle, direction and cycle along time.

    Returns
    -------
    xarray.Dataset
        Stage ``recording``; time is in seconds since the start of the first scan.
    """
    paths = [path for series in recipe.data.series for path in series_files(recipe, series)]
    scans = [
        open_recording(path, region=recipe.data.region, timezone=recipe.data.timezone)
        for path in reporter.track(paths, label="reading", total=len(paths))
    ]
    return join_series(recipe, scans)


def join_series(recipe: Recipe, scans: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join the scans of all series into one recording, with half cycle, direction and cycle along time.

    Parameters
    ----------
    recipe : Recipe
        Its series.
    scans : sequence of xarray.Dataset
        Their scans, series after series, each in the order of `series_files`.

    Returns
    -------
    xarray.Dataset
        Stage ``recording``.
    """
    marks = [
        (number, _DIRECTIONS[series.direction], series.cycle)
        for number, series in enumerate(recipe.data.series)
        for _ in series_files(recipe, series)
    ]
    joined, order = join_scans(scans)
    number, direction, cycle = np.array(marks, dtype=np.int32)[order].T
    coords = {
        "half_cycle": ("time", _half_cycles(number, direction)),
        "direction": ("time", direction),
        "cycle": ("time", cycle),
    }
    marked = joined.assign_coords(coords)
    if recipe.data.origin:
        marked.attrs["origin"] = recipe.data.origin
    return stages.check(marked, "recording")


def _half_cycles(series: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the number of each scan's half cycle, in order of time; -1 where no lithium moves."""
    numbers: dict[int, int] = {}
    for one, sign in zip(series, direction, strict=True):
        if sign and int(one) not in numbers:
            numbers[int(one)] = len(numbers)
    return np.array([numbers.get(int(one), -1) for one in series], dtype=np.int32)
