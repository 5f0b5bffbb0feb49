"""Files of every format, made from its published structure, read back; damaged files; and what we write, read by h5py.

The files are made by `lithiscope.verification.file_builders`, which shares no code with the readers.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.recordings import open_optical_density, open_recording, write_nexus
from lithiscope.verification import file_builders as build
from lithiscope.verification.fuzzing import fuzz
from lithiscope.verification.rows import Row, compare

_GIVEN = build.picture()
_EXACT = "the numbers are kept exactly by the format"


class _Case(NamedTuple):
    """A file to read back: its name, how it is made, and where its structure is published."""

    name: str
    write: Callable[[Path], Any]
    source: str


def _cases() -> Iterator[tuple[str, _Case]]:
    yield "SDF", _Case("a.hdr", partial(_with, build.write_sdf_by_hand), "header as STXM_Control writes it")
    for dialect in build.NEXUS_DIALECTS:
        write = partial(_dialect, dialect)
        yield f"NXstxm, {dialect}", _Case("a.h5", write, "NXstxm of the NeXus definitions, and the program's source")
    yield "STK", _Case("a.stk", partial(_with, build.write_stk), "structure read by MANTiS")
    yield "NCB", _Case("a.ncb", partial(_with, build.write_ncb), "structure read by MANTiS and aXis2000")
    yield "XRM", _Case("a.txrm", partial(_with, build.write_txrm), "[MS-CFB] and streams of Xradia")
    yield "TIFF", _Case("a.tif", partial(_with, build.write_tiff), "TIFF 6.0, docs/how-to/files.md")


def _with(write: Callable[[Path, build.Picture], Path], path: Path) -> Path:
    return write(path, _GIVEN)


def _dialect(dialect: str, path: Path) -> Path:
    return build.write_dialect(path, dialect, _GIVEN)


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` damages five times as many files."""
    with tempfile.TemporaryDirectory(prefix="lithiscope-files-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        place = Path(folder)
        for number, (name, case) in enumerate(_cases()):
            inside = place / str(number)
            inside.mkdir()
            yield from _back(name, case, inside)
        yield _cosmic(place)
        yield _mistral(place)
        yield from _written(place)
        yield from _damaged(place / "damaged", 2000 if everything else 400)


def _back(name: str, case: _Case, folder: Path) -> Iterator[Row]:
    """Yield how far counts, energies and the size of a pixel are from what was written."""
    path = folder / case.name
    case.write(path)
    recording = open_recording(path)
    counts = recording["counts"].values[0]
    taken = np.isfinite(counts)
    # Two dialects hold pixels that were not taken: those of the last frame, and no others.
    wrong = int(np.sum(counts[taken] != _GIVEN.counts[taken])) + int(np.sum(~taken[:-1]))
    yield compare(f"{name}: pixels whose counts differ", case.source, 0, wrong, within=0, because=_EXACT)
    away = float(np.abs(recording["energy"].values - _GIVEN.energy).max())
    yield compare(f"{name}: energies, furthest away", case.source, 0, away, within=0, because=_EXACT, unit="eV")
    step = float(np.diff(recording["x"].values).mean())
    yield compare(f"{name}: size of a pixel along x", case.source, 0.5, step, within=0, because=_EXACT, unit="um")


def _cosmic(folder: Path) -> Row:
    recording = open_recording(build.write_cxi(folder / "a.cxi", _GIVEN))
    away = float(np.abs(recording["counts"].values[0, 0] - _GIVEN.counts[0]).max())
    return compare("CXI of COSMIC: counts, furthest away", "CXI 1.4 and COSMIC", 0, away, within=0, because=_EXACT)


def _mistral(folder: Path) -> Row:
    frames = open_optical_density(build.write_mistral(folder / "m.h5", _GIVEN))
    expected = np.log(2 * _GIVEN.counts.max() / _GIVEN.counts)
    away = float(np.abs(frames["signal"].values[0] - expected).max())
    because = "the file and the stage hold float32: 6e-8 of 1, twice"
    return compare(
        "MISTRAL: optical densities, furthest away",
        "structure published by ALBA",
        0,
        away,
        within=2e-7,
        because=because,
    )


def _written(folder: Path) -> Iterator[Row]:
    """Yield what h5py finds in a file of `write_nexus` where the definition says it is."""
    import h5py

    source = open_recording(build.write_stk(folder / "source.stk", _GIVEN))
    path = write_nexus(source, folder / "written.h5")
    definition = "NeXus application definition NXstxm"
    with h5py.File(path, "r") as file:
        entry = file["entry1"]
        data = entry[entry.attrs["default"]]
        named = [*data.attrs["axes"]] == [b"energy", b"sample_y", b"sample_x"] and data.attrs["signal"] == "data"
        classes = entry.attrs["NX_class"] == "NXentry" and data.attrs["NX_class"] == "NXdata"
        kept = entry["definition"][0] == b"NXstxm" and data["stxm_scan_type"][0] == b"sample image stack"
        away = float(np.abs(data["data"][()] - _GIVEN.counts).max())
        axes = max(
            float(np.abs(data[name][()] - values).max())
            for name, values in (("energy", _GIVEN.energy), ("sample_y", _GIVEN.y), ("sample_x", _GIVEN.x))
        )
    fulfilled = "it is so or not"
    yield compare(
        "NXstxm that we write: definition, scan type, classes, axes and signal are where they belong",
        definition,
        1,
        float(named and classes and kept),
        within=0,
        because=fulfilled,
    )
    yield compare("NXstxm that we write: counts, furthest away", definition, 0, away, within=0, because=_EXACT)
    yield compare("NXstxm that we write: axes, furthest away", definition, 0, axes, within=0, because=_EXACT)


def _damaged(folder: Path, count: int) -> Iterator[Row]:
    outcome = fuzz(folder, count=count)
    source = f"{count} headers and structures damaged at random, seeds 0 to {count - 1}"
    failed = len(outcome.failures)
    yield compare(
        "damaged files that end in anything but a recording or an error of lithiscope, or in zeros",
        source,
        0,
        failed,
        within=0,
        because="none may",
    )
    yield Row(
        "damaged files that are refused, as a share: the damage reaches what the readers use",
        source,
        0.3,
        outcome.counts["refused"] / count,
        0.0,
        "a fuzz that nothing notices would prove nothing",
        ">=",
    )
    yield Row("damaged files: the slowest", source, 20.0, outcome.slowest, 0.0, "no file may hang", "<=", "s")
