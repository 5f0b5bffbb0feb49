"""Packages that only some files need: a clear error where one is missing or gives up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lithiscope.errors import FileFormatError


@contextmanager
def third_party(path: Path, *, package: str, extra: str) -> Iterator[None]:
    """Turn whatever a package raises on a file into one error of lithiscope.

    Parameters
    ----------
    path : Path
        The file.
    package : str
        Name of the distribution.
    extra : str
        Extra of lithiscope that installs it.

    Raises
    ------
    FileFormatError
        If the package is not installed, or fails.
    """
    try:
        yield
    except ImportError as error:
        raise FileFormatError(
            "a package that reads this file is not installed",
            file=path,
            value=package,
            remedy=f"pip install 'lithiscope[{extra}]'",
        ) from error
    except Exception as error:
        raise FileFormatError(
            f"{package} cannot read this file",
            file=path,
            value=f"{type(error).__name__}: {error}",
            remedy="is the file whole? if so, export it as text and open that",
        ) from error
