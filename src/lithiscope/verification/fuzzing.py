"""Damaged files through all readers: each is read, or refused with an error of lithiscope, and never made into zeros.

What is damaged are headers and the structure of HDF5 and compound files, not pixels. Every mutation comes from a seed,
so that a file that fails can be made again.

HDF5 files are cut off, and their items removed, exchanged, turned into circles or declared huge. Single bytes inside of
them are not changed: the HDF5 library itself walks without end or crashes on some of those, before a reader is asked
(`lithiscope.recordings.heaps` finds the one case that can be told beforehand).
"""

from __future__ import annotations

import logging
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from lithiscope.errors import LithiscopeError, LithiscopeWarning
from lithiscope.recordings import open_optical_density, open_recording, write_nexus
from lithiscope.verification import file_builders as build
from lithiscope.verification.file_builders.damage import damaged_bytes, damaged_hdf5, damaged_text

GIVEN = build.picture(3, 5, 6)
# Longer than any file of this size needs on a busy machine; a loop without end shows all the same.
LIMIT_SECOND = 20.0
Make = Callable[[Path, np.random.Generator], Path]


@dataclass
class Outcome:
    """What became of the files: how many were read and refused, and what went wrong, by its kind.

    Parameters
    ----------
    counts : Counter
        Of "read", "refused" and the kinds of failure.
    failures : list of str
        Seed, file and kind of the first failures.
    slowest : float
        Seconds that the slowest file took.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


class _TooLongError(BaseException):
    """Raised by the alarm; no reader catches it."""


def fuzz(folder: Path, *, count: int, seed: int = 0) -> Outcome:
    """Damage files and read them.

    Parameters
    ----------
    folder : Path
        Where the files are made, one after another.
    count : int
        How many, shared among the formats.
    seed : int
        Of the first file; each has its own.

    Returns
    -------
    Outcome
        Of all files.
    """
    outcome = Outcome()
    logging.getLogger("tifffile").addFilter(_quiet)  # it tells of every tag that it cannot read
    makers = list(MAKERS.items())
    for number in range(seed, seed + count):
        name, make = makers[number % len(makers)]
        place = folder / f"{number}"
        place.mkdir(parents=True)
        path = make(place, np.random.default_rng(number))
        clock = time.perf_counter()
        kind = _read(path)
        outcome.slowest = max(outcome.slowest, time.perf_counter() - clock)
        outcome.counts[kind] += 1
        if kind not in ("read", "refused"):
            outcome.failures.append(f"seed {number}, {name}: {kind}")
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    logging.getLogger("tifffile").removeFilter(_quiet)
    return outcome


def _quiet(_record: logging.LogRecord) -> bool:
    return False


def _read(path: Path) -> str:
    """Return "read", "refused", or what went wrong."""
    with warnings.catch_warnings(), _alarm():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", LithiscopeWarning)
        try:
            counts = open_recording(path, region=0)["counts"].values
        except LithiscopeError as error:
            return _refused(path, error)
        except _TooLongError:
            return "no end"
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"{type(error).__name__}: {error}"
    # No pixel of the picture is zero, so a zero was made by the reader.
    return "silent zeros" if np.any(counts == 0) else "read"


def _refused(path: Path, error: LithiscopeError) -> str:
    """Return what became of a refused file; one of optical densities goes the other way in."""
    if "open_optical_density" not in str(error):
        return "refused"
    try:
        open_optical_density(path, region=0)
    except LithiscopeError:
        return "refused"
    return "read"


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECOND)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _sdf(folder: Path, rng: np.random.Generator) -> Path:
    path = build.write_sdf_by_hand(folder / "a.hdr", GIVEN)
    path.write_bytes(damaged_text(path.read_bytes(), rng))
    return path


def _ncb(folder: Path, rng: np.random.Generator) -> Path:
    path = build.write_ncb(folder / "a.ncb", GIVEN)
    header = path.with_suffix(".dat")
    header.write_bytes(damaged_text(header.read_bytes(), rng))
    return path


def _tiff(folder: Path, rng: np.random.Generator) -> Path:
    path = build.write_tiff(folder / "a.tif", GIVEN)
    if rng.random() < 0.5:
        beside = path.with_suffix(".yaml")
        beside.write_bytes(damaged_text(beside.read_bytes(), rng))
    else:
        path.write_bytes(damaged_bytes(path.read_bytes(), [GIVEN.counts.astype("<f4").tobytes()], rng))
    return path


def _stk(folder: Path, rng: np.random.Generator) -> Path:
    path = build.write_stk(folder / "a.stk", GIVEN)
    path.write_bytes(damaged_bytes(path.read_bytes(), [GIVEN.counts.astype(">f4").tobytes()], rng))
    return path


def _txrm(folder: Path, rng: np.random.Generator) -> Path:
    path = build.write_txrm(folder / "a.txrm", GIVEN)
    pixels = [frame.astype("<u2").tobytes() for frame in GIVEN.counts]
    path.write_bytes(damaged_bytes(path.read_bytes(), pixels, rng))
    return path


def _hdf5(write: Callable[[Path], Any]) -> Make:
    def make(folder: Path, rng: np.random.Generator) -> Path:
        path = folder / "a.h5"
        write(path)
        if rng.random() < 0.15:
            content = path.read_bytes()
            path.write_bytes(content[: int(rng.integers(len(content)))])
        else:
            damaged_hdf5(path, rng)
        return path

    return make


def _dialect(name: str) -> Make:
    return _hdf5(lambda path: build.write_dialect(path, name, GIVEN))


def _own(path: Path) -> None:
    source = build.write_stk(path.with_name("source.stk"), GIVEN)
    write_nexus(open_recording(source), path)
    source.unlink()


MAKERS: dict[str, Make] = {
    "SDF": _sdf,
    "NCB": _ncb,
    "TIFF": _tiff,
    "STK": _stk,
    "XRM": _txrm,
    "CXI": _hdf5(lambda path: build.write_cxi(path, GIVEN)),
    "MISTRAL": _hdf5(lambda path: build.write_mistral(path, GIVEN)),
    "NXstxm of lithiscope": _hdf5(_own),
    **{f"NXstxm {name}": _dialect(name) for name in build.NEXUS_DIALECTS},
}
