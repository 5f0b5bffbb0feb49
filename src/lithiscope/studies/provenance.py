"""Where a result came from: hashes of the inputs, versions, and the keys by which a step is known to be up to date."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lithiscope
from lithiscope.errors import FileFormatError

_PACKAGES = ("numpy", "scipy", "xarray", "zarr", "scikit-image", "pydantic", "periodictable", "xraydb", "h5py")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks.

    Raises
    ------
    FileFormatError
        If there is no such file, or it is a folder.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except IsADirectoryError:
        raise FileFormatError("this is a folder, not a file", file=path, remedy="name a file in the recipe") from None
    except FileNotFoundError:
        raise FileFormatError(
            "there is no such file", file=path, remedy="mend its name in the recipe, or give the folder with --data"
        ) from None


def input_hashes(paths: Sequence[Path], name: Callable[[Path], str] = Path.as_posix) -> dict[str, str]:
    """Return name and SHA-256 of every input file, in order of path.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    name : callable
        How a file is called. Two files must not be called the same, and a study that is moved as a whole must not give
        its files other names: `Recipe.name_of`.

    Raises
    ------
    FileFormatError
        If a file is not there.
    """
    return {name(path): file_hash(path) for path in sorted(paths)}


def step_key(step: str, options: Any, inputs: Sequence[str]) -> str:
    """Return the key of a step: it changes when the step's options, its inputs or the version of lithiscope change."""
    content = json.dumps([step, options, list(inputs), lithiscope.__version__], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of lithiscope, Python and the packages that made the numbers."""
    found = {"lithiscope": lithiscope.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """Return the time in UTC, ISO 8601 to the second."""
    return datetime.now(tz=UTC).isoformat(timespec="seconds")


def summary(
    *, recipe: str, inputs: Mapping[str, str], methods: Sequence[str], started: str, seconds: float
) -> dict[str, Any]:
    """Return the provenance record of a study as plain JSON values."""
    from lithiscope.studies.citations import bibtex

    return {
        "recipe": recipe,
        "inputs": dict(inputs),
        "versions": versions(),
        "started": started,
        "seconds": round(seconds, 3),
        "units": "s, eV, um (positions), nm (thickness), count, A, Gy; fractions and optical densities have unit 1",
        "methods": list(methods),
        "bibtex": bibtex(methods),
    }
