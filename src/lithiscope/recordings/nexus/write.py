"""Writing one scan as NXstxm."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.recordings.writing import Plain, complete_only, one_scan, refuse_existing

if TYPE_CHECKING:
    import xarray as xr


def write_nexus(recording: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write one scan as NXstxm (HDF5).

    Beyond the definition, ``collection/exposure_mid`` holds the middle of each exposure in s since ``start_time``.

    Parameters
    ----------
    recording : xarray.Dataset
        Stage recording with one time.
    path : str or Path
        Name of the file.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StageError
        If the recording holds more than one scan.
    OptionError
        If the file exists, or its folder does not.
    """
    import h5py

    path = Path(path)
    scan = one_scan(recording)
    refuse_existing(path, overwrite)
    with complete_only(path) as draft, h5py.File(draft, "w") as file:
        file.attrs.update(NX_class="NXroot", default="entry1")
        entry = _group(file, "entry1", "NXentry")
        entry["definition"] = _words("NXstxm")
        entry["title"] = str(recording.attrs.get("origin", ""))
        if start := _start(scan):
            entry["start_time"] = start
            entry["end_time"] = (datetime.fromisoformat(start) + _duration(scan)).isoformat()
        name = str(recording.attrs.get("channel", "counter0")).replace("/", "_") or "counter0"
        entry.attrs["default"] = name
        _write_data(entry, name, scan)
        _write_instrument(entry, name, recording)
        sample = _group(entry, "sample", "NXsample")
        _field(sample, "rotation_angle", np.nan, "degree")  # asked for by the definition, and not known
        if np.isfinite(scan.current).any():
            control = _group(entry, "control", "NXmonitor")
            # One number a pixel, as the definition asks: other programs divide the counts by it.
            current = np.broadcast_to(scan.current[:, None, None] * 1e3, scan.counts.shape)
            control.create_dataset("data", data=current, compression="gzip", shuffle=True)
            control["data"].attrs["units"] = "mA"
        _write_collection(entry, scan, recording.attrs)
    return path


def _write_data(entry: Any, name: str, scan: Plain) -> None:
    data = _group(entry, name, "NXdata")
    data.attrs.update(signal="data", axes=_words("energy", "sample_y", "sample_x"))
    data["stxm_scan_type"] = _words("sample image stack" if scan.energy.size > 1 else "sample image")
    chunks = (1, *scan.counts.shape[1:])
    data.create_dataset("data", data=scan.counts, chunks=chunks, compression="gzip", compression_opts=4, shuffle=True)
    _field(data, "energy", scan.energy, "eV")
    _field(data, "sample_y", scan.y, "um")
    _field(data, "sample_x", scan.x, "um")
    if np.isfinite(scan.dwell).all():
        _field(data, "count_time", scan.dwell, "s")


def _write_instrument(entry: Any, name: str, recording: xr.Dataset) -> None:
    import h5py

    instrument = _group(entry, "instrument", "NXinstrument")
    source = _group(instrument, "source", "NXsource")
    source["probe"] = "x-ray"
    source["type"] = "Synchrotron X-ray Source"
    source["name"] = str(recording.attrs.get("origin", "")) or "unknown"
    monochromator = _group(instrument, "monochromator", "NXmonochromator")
    _field(monochromator, "energy", recording["energy"].values, "eV")
    detector = _group(instrument, name, "NXdetector")
    detector["data"] = h5py.SoftLink(f"{entry.name}/{name}/data")
    for axis in ("y", "x"):
        positions = recording.get(f"position_{axis}")
        if positions is not None and positions.dims == ("time", "energy", "y", "x"):
            stage = _group(instrument, f"sample_{axis}", "NXdetector")
            _field(stage, "data", positions.values.ravel(), "um")


def _write_collection(entry: Any, scan: Plain, attrs: dict[Any, Any]) -> None:
    collection = _group(entry, "collection", "NXcollection")
    if np.isfinite(scan.mid).any():
        _field(collection, "exposure_mid", scan.mid, "s")
    if "origin" in attrs:
        collection["origin"] = str(attrs["origin"])
    if "saturation" in attrs:
        _field(collection, "saturation", float(attrs["saturation"]), "count")


def _start(scan: Plain) -> str:
    """Return the start in ISO 8601: local with its offset to UTC if both are known."""
    local, utc = scan.local, scan.utc
    if local is None:
        return "" if utc is None else utc.isoformat()
    if utc is None:
        return local.isoformat()
    offset: timedelta = local - utc.replace(tzinfo=None)
    moment: datetime = local.replace(tzinfo=timezone(offset))
    return moment.isoformat()


def _duration(scan: Plain) -> timedelta:
    """Return how long a scan took: its last exposure lasted as long after its middle as before."""
    known = scan.mid[np.isfinite(scan.mid)]
    if not known.size:
        return timedelta(0)
    half = known[-1] if known.size == 1 else (known[-1] - known[-2]) / 2
    return timedelta(seconds=float(known[-1] + half))


def _words(*words: str) -> np.ndarray:
    """Return words as beamlines write them, arrays of fixed length: MANTiS takes no other for axes and definition."""
    return np.array([word.encode("ascii") for word in words])


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _field(group: Any, name: str, values: np.ndarray | float, unit: str) -> None:
    group[name] = values
    group[name].attrs["units"] = unit
