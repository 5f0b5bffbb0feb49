"""Where a result came from: hashes of the inputs, versions, and the keys by which a step is known to be up to date."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import lithiscope
from lithiscope.errors import FileFormatError

_PACKAGES = ("numpy", "scipy", "xarray", "zarr", "scikit-image", "pydantic", "periodictable", "xraydb", "h5py")
_TABLES = ("xraydb", "periodictable")  # they hold numbers that enter the results


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


def digest(hashes: Iterable[str]) -> str:
    """Return one hash of the content of some files, whatever they are called and in whatever order."""
    return hashlib.sha256(" ".join(sorted(hashes)).encode()).hexdigest()


@cache
def program() -> str:
    """Return a hash of what turns files into numbers: the source of lithiscope and the versions of its tables.

    A version alone does not tell: the source changes between two of them. It is read once per process.
    """
    found = hashlib.sha256(json.dumps([lithiscope.__version__, _installed(_TABLES)]).encode())
    place = Path(lithiscope.__file__).parent
    for path in sorted(place.rglob("*.py")):
        found.update(path.relative_to(place).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def step_key(step: str, options: Any, inputs: Sequence[str]) -> str:
    """Return the key of a step: it changes when the step's options, its inputs or the program change."""
    content = json.dumps([step, options, list(inputs), program()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of lithiscope, Python and the packages that made the numbers."""
    return {"lithiscope": lithiscope.__version__, "python": platform.python_version(), **_installed(_PACKAGES)}


def _installed(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
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
