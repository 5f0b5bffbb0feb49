"""One Zarr store per study: a group per step, each written under a temporary name and renamed when it is whole.

Whatever happens to the process, the store on disk is readable: a step is either there, complete, or absent.
Half-written groups live in a folder beside the store (``NAME.zarr.partial``) which the next run clears.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lithiscope.errors import FileFormatError
from lithiscope.stages import CATALOGUE
from lithiscope.studies.damage import damage_told, read_later
from lithiscope.studies.pieces import Pieces

if TYPE_CHECKING:
    import xarray as xr

_KEY = "lithiscope_key"
_RECORD = "lithiscope_record"
_STRINGS = "lithiscope_strings"
_CHUNKS = "lithiscope_chunks"
_FORMAT = "lithiscope_store"
_VERSION = 1


class Collected(NamedTuple):
    """A step that was written under a temporary name, and its attributes that differ from those of its first part."""

    path: Path
    attributes: dict[str, Any]


class Store:
    """The store of one study.

    Parameters
    ----------
    path : Path
        The store, a folder that ends in ``.zarr``; made when it does not exist.

    Raises
    ------
    FileFormatError
        If the path exists and is not a Zarr group.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._partial = self.path.with_name(self.path.name + ".partial")
        if not self.path.exists():
            self._make()
        elif self._format() != _VERSION:
            raise FileFormatError(
                "this is not a lithiscope store, or one of another version",
                file=self.path,
                field=_FORMAT,
                value=self._format(),
                limit=f"a Zarr 3 group with the attribute {_FORMAT} = {_VERSION}",
                remedy="give another output folder, or move what is there",
            )

    def _format(self) -> Any:
        try:
            return json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))["attributes"][_FORMAT]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _make(self) -> None:
        fresh = self._temporary("store")
        fresh.mkdir(parents=True)
        _write_json(fresh / "zarr.json", _group({}))
        fresh.rename(self.path)
        self._tidy()

    def _temporary(self, name: str) -> Path:
        self._partial.mkdir(parents=True, exist_ok=True)
        return self._partial / f"{name}-{uuid.uuid4().hex[:8]}"

    def _tidy(self) -> None:
        """Take the folder of temporary names away if nothing is left in it."""
        with suppress(OSError):  # what a step has collected meanwhile is still there
            self._partial.rmdir()

    def steps(self) -> list[str]:
        """Return the names of the steps that the store holds, oldest first."""
        found = [folder for folder in self.path.iterdir() if (folder / "zarr.json").is_file()]
        return [folder.name for folder in sorted(found, key=lambda folder: (folder / "zarr.json").stat().st_mtime_ns)]

    def key(self, step: str) -> str | None:
        """Return the key under which a step was saved, or None when the step is absent."""
        return self._attributes(step).get(_KEY)

    def record(self, step: str) -> dict[str, Any]:
        """Return what was recorded about a step (options, time taken, warnings); empty when the step is absent."""
        return json.loads(self._attributes(step).get(_RECORD, "{}"))  # type: ignore[no-any-return]

    def _attributes(self, step: str) -> dict[str, Any]:
        try:
            text = (self.path / step / "zarr.json").read_text(encoding="utf-8")
            return json.loads(text)["attributes"]  # type: ignore[no-any-return]
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return {}  # a damaged step counts as absent, and is computed again

    def save(self, step: str, data: xr.Dataset | Collected, *, key: str, record: Mapping[str, Any]) -> None:
        """Write a step under a temporary name, then put it in the place of an older one."""
        collected = data if isinstance(data, Collected) else self.collect(step, Pieces(iter([data])))
        note = collected.path / "zarr.json"
        group = json.loads(note.read_text(encoding="utf-8"))
        chunks = {_CHUNKS: json.dumps(_chunk_files(collected.path))}
        group["attributes"] |= {**collected.attributes, **chunks, _KEY: key, _RECORD: json.dumps(dict(record))}
        _write_json(note, group)
        self._replace(collected.path, self.path / step)

    def collect(self, step: str, pieces: Pieces) -> Collected:
        """Write a step piece by piece under a temporary name; `save` puts it in its place."""
        fresh = self._temporary(step)
        found = write_parts(fresh, pieces.parts)
        joined = pieces.attributes(found)
        return Collected(fresh, {name: value for name, value in joined.items() if value is not found[0].get(name)})

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder for what is needed for a while only, on the disk of the store; it is gone afterwards."""
        place = self._temporary("scratch")
        place.mkdir()
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            self._tidy()

    def _replace(self, fresh: Path, place: Path) -> None:
        if place.exists():
            old = self._temporary("old")
            place.rename(old)
        fresh.rename(place)
        shutil.rmtree(self._partial, ignore_errors=True)

    def discard(self, step: str) -> None:
        """Take a step out, if it is there."""
        place = self.path / step
        if place.is_dir():
            place.rename(self._temporary("old"))
            shutil.rmtree(self._partial, ignore_errors=True)

    def move(self, place: Path) -> None:
        """Put the whole store in a place, instead of a store that is there.

        Raises
        ------
        FileFormatError
            If something else is there.
        """
        if place.exists():
            Store(place)  # refuses what is none
            place.rename(self._temporary("old"))
        self.path.rename(place)
        shutil.rmtree(self._partial, ignore_errors=True)
        self.path = place

    def load(self, step: str) -> xr.Dataset:
        """Return a step, in memory.

        Raises
        ------
        FileFormatError
            If the store does not hold the step, or it is damaged.
        """
        with self._opened(step) as data:
            return data.load()

    def open(self, step: str) -> xr.Dataset:
        """Return a step whose variables are read when they are first used; not beyond the next change of the store.

        Raises
        ------
        FileFormatError
            If the store does not hold the step, or it is damaged: the latter perhaps when a variable is read.
        """
        with self._opened(step) as data:
            return read_later(data, self.path, step)

    @contextmanager
    def _opened(self, step: str) -> Iterator[xr.Dataset]:
        if not (self.path / step / "zarr.json").is_file():
            raise FileFormatError(
                "the store has no such step",
                file=self.path,
                field=step,
                limit=", ".join(self.steps()),
                remedy="run the study first, or choose one of these",
            )
        with damage_told(self.path, step):
            self._require_chunks(step)
            yield read_group(self.path / step)

    def _require_chunks(self, step: str) -> None:
        """Refuse a step that has lost chunks: Zarr reads what is not there as NaN or zero."""
        there = _chunk_files(self.path / step)
        for name, count in json.loads(self._attributes(step).get(_CHUNKS, "{}")).items():
            if there.get(name) != count:
                raise ValueError(f"{name} has {there.get(name, 0)} of its {count} chunks")

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes of the whole study in one atomic write."""
        _write_json(self.path / "zarr.json", _group(attributes))

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the whole study."""
        content = json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        return {name: value for name, value in content.items() if name != _FORMAT}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for writing; a second process is refused, and no lock is left behind.

        Raises
        ------
        FileFormatError
            If another process is writing to the store.
        """
        import fcntl

        lock = self.path.with_name(self.path.name + ".lock")
        with lock.open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A lock that its holder has taken away in the meantime keeps nobody out.
                held = os.path.samestat(os.fstat(handle.fileno()), lock.stat())
            except (BlockingIOError, FileNotFoundError):
                held = False
            if not held:
                raise FileFormatError(
                    "another run is writing to this store", file=self.path, remedy="wait for it, or stop it"
                )
            shutil.rmtree(self._partial, ignore_errors=True)
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)


def write_parts(place: Path, parts: Iterable[xr.Dataset]) -> list[Mapping[str, Any]]:
    """Write parts that follow each other along time as one Zarr group, and return the attributes of each.

    Parameters
    ----------
    place : Path
        A folder that is not there yet.
    parts : iterable of Dataset
        What has no time is taken from the first.
    """
    found: list[Mapping[str, Any]] = []
    for part in parts:
        plain = _strings_to_attribute(part)
        found.append(part.attrs)
        with warnings.catch_warnings():
            # Zarr warns that consolidated metadata is not yet in the version 3 specification; it is not used here.
            warnings.filterwarnings("ignore", module="zarr")
            if len(found) == 1:
                plain.to_zarr(place, zarr_format=3, consolidated=False, encoding=_encoding(plain))
            else:
                _drop_timeless(plain).to_zarr(place, append_dim="time", zarr_format=3, consolidated=False)
    return found


def read_group(place: Path) -> xr.Dataset:
    """Return what `write_parts` has written; variables are read when they are first used."""
    import xarray as xr

    data = xr.open_zarr(place, zarr_format=3, consolidated=False, chunks=None, mask_and_scale=False)
    return _ordered(_strings_from_attribute(data))


def _group(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"zarr_format": 3, "node_type": "group", "attributes": {**attributes, _FORMAT: _VERSION}}


def _chunk_files(group: Path) -> dict[str, int]:
    """Return how many chunks of each array of a group are on disk; those of the fill value alone are not written."""
    return {
        place.parent.name: sum(len(files) for _, _, files in os.walk(place.parent)) - 1
        for place in sorted(group.glob("*/zarr.json"))
    }


def _ordered(data: xr.Dataset) -> xr.Dataset:
    """Return a stage with its variables in the order of the catalogue, whatever the order of the folders."""
    stage = CATALOGUE.get(data.attrs.get("stage", ""))
    names = list(data.data_vars)
    known = [name for name in (stage.variables if stage else ()) if name in names]
    return data[[*known, *(name for name in names if name not in known)]]


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    with temporary.open("w", encoding="utf-8") as handle:
        json.dump(content, handle, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def _encoding(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Return chunks of one frame, so that a movie can be read frame by frame; values are stored as they are.

    Each chunk has a checksum, without which a byte that flips on a disk could become a wrong number.
    """
    from zarr.codecs import ZstdCodec

    chunks: dict[str, dict[str, Any]] = {}
    for name, variable in data.variables.items():
        leading = [
            1 if dim in ("time", "energy") and variable.ndim > 2 else size for dim, size in variable.sizes.items()
        ]
        chunks[str(name)] = {"_FillValue": None, "compressors": (ZstdCodec(checksum=True),)}
        if variable.ndim:
            chunks[str(name)]["chunks"] = tuple(max(1, size) for size in leading)
    return chunks


def _drop_timeless(data: xr.Dataset) -> xr.Dataset:
    """Return what of a later piece is not there yet."""
    return data.drop_vars([name for name, variable in data.variables.items() if "time" not in variable.dims])


def _strings_to_attribute(data: xr.Dataset) -> xr.Dataset:
    """Move text variables into one attribute: Zarr 3 has no settled way to store text arrays."""
    text = {str(name): v for name, v in data.variables.items() if v.dtype.kind in "UOT"}
    plain = data.drop_vars(list(text))
    content = {
        name: {"dims": list(v.dims), "values": v.values.tolist(), "attrs": v.attrs, "coord": name in data.coords}
        for name, v in text.items()
    }
    plain.attrs = {**plain.attrs, _STRINGS: json.dumps(content)}
    return plain


def _strings_from_attribute(data: xr.Dataset) -> xr.Dataset:
    import numpy as np

    content = json.loads(data.attrs.pop(_STRINGS, "{}"))
    for name in (_KEY, _RECORD, _CHUNKS):
        data.attrs.pop(name, None)
    for name, entry in content.items():
        values = np.asarray(entry["values"], dtype=str)
        variable = (entry["dims"], values, entry["attrs"])
        data = data.assign_coords({name: variable}) if entry["coord"] else data.assign({name: variable})
    return data
