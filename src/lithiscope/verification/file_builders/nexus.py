"""NXstxm in the dialects of the beamlines, each by the structure that its program writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lithiscope.verification.file_builders.picture import Picture

START = "2023-05-04T12:30:00"
_AXES = (b"energy", b"sample_y", b"sample_x")


def write_dialect(path: Path, dialect: str, given: Picture) -> Path:
    """Write one stack in a dialect of `NEXUS_DIALECTS`."""
    import h5py

    with h5py.File(path, "w") as file:
        NEXUS_DIALECTS[dialect](file, given)
    return path


def _pixelator(file: Any, given: Picture) -> None:
    """PolLux: strings as arrays of one, the micro sign in Latin-1, the ring current of every pixel."""
    entry = _group(file, "entry1", "NXentry")
    entry["definition"] = np.array([b"NXstxm"])
    entry["definition"].attrs["version"] = np.bytes_(b"1.3")
    entry["start_time"] = np.array([b"2023-05-04T12:30:00+02:00"])
    data = _data(entry, "counter0", given.counts)
    _axes(data, given, "energy", (np.bytes_(b"eV"), np.bytes_(b"\xb5m")))
    _put(data, "count_time", given.dwell, "s")
    control = _group(entry, "control", "NXmonitor")
    pixels = given.counts[0].size
    wobble = 0.01 * np.cos(np.arange(given.counts.size))
    current = np.repeat(400.0 - np.arange(given.energy.size), pixels) + wobble
    _put(control, "data", current.reshape(given.counts.shape), "mA")


def _diamond(file: Any, given: Picture) -> None:
    """I08: photon_energy, the order of the axes in numbered attributes, energy last."""
    entry = _group(file, "entry1", "NXentry")
    entry["definition"] = "NXstxm"
    entry["start_time"] = START
    data = _group(entry, "Counter1", "NXdata")
    data["stxm_scan_type"] = "sample image stack"
    data["data"] = np.moveaxis(given.counts, 0, -1)
    for number, (name, values) in enumerate(
        (("sample_y", given.y), ("sample_x", given.x), ("photon_energy", given.energy)), start=1
    ):
        data[name] = values
        data[name].attrs["axis"] = number


def _hermes(file: Any, given: Picture) -> None:
    """HERMES: no NX_class, a scalar definition, Counter0."""
    entry = file.create_group("entry1")
    entry["definition"] = "NXstxm"
    entry["collection/beamline"] = np.bytes_(b"Hermes")
    entry["start_time"] = START
    data = entry.create_group("Counter0")
    data.attrs["axes"] = [axis.decode() for axis in _AXES]
    data["stxm_scan_type"] = "sample image stack"
    data["data"] = given.counts
    _axes(data, given, "energy", (None, None))


def _pystxm(file: Any, given: Picture) -> None:
    """Canadian Light Source: NX_units in place of units, control a line, the last frame not taken (NaN)."""
    entry = _group(file, "entry1", "NXentry")
    entry["definition"] = "NXstxm"
    entry["start_time"] = START
    entry.attrs["default"] = "counter0"
    counts = given.counts.astype(np.float32)
    counts[-1] = np.nan
    data = _data(entry, "counter0", counts)
    _axes(data, given, "energy", (None, None))
    for item in data.values():
        item.attrs["NX_units"] = "NX_ANY"
    control = _group(entry, "control", "NXmonitor")
    _put(control, "data", np.linspace(220.5, 219.0, given.counts.size).reshape(given.counts.shape), "mA")
    for axis in ("sample_y", "sample_x"):
        entry[f"instrument/{axis}/data"] = np.full(given.counts.size, 2.0)


def _stxm0(file: Any, given: Picture) -> None:
    """Pystxmcontrol before versions: counter0 on the positions asked for, control zero, dwell in ms called s."""
    entry = _old_entry(file, given)
    entry["definition"] = np.bytes_(b"NXstxm")
    data = _data(entry, "counter0", given.counts)
    data["stxm_scan_type"][...] = b"Image"
    _axes(data, given, "energy", ("eV", "um"))
    _put(data, "count_time", given.dwell * 1e3, "s")


def _stxm2(file: Any, given: Picture) -> None:
    """Pystxmcontrol 2.0: four samples a pixel along the line, and the positions asked for apart."""
    entry = _old_entry(file, given)
    entry["definition"] = np.bytes_(b"NXstxm")
    entry["definition"].attrs["version"] = np.bytes_(b"2.0")
    samples = 4
    data = _data(entry, "counter0", np.repeat(given.counts, samples, axis=2) / samples)
    data["stxm_scan_type"][...] = b"Image"
    step = given.x[1] - given.x[0]
    inside = step * (np.arange(samples) - (samples - 1) / 2) / samples
    along = (given.x[:, None] + inside).ravel()
    shape = (given.energy.size, given.y.size, along.size)
    _put(data, "energy", given.energy, "eV")
    _put(data, "sample_x", np.broadcast_to(along, shape), "um")
    _put(data, "sample_y", np.broadcast_to(given.y[:, None], shape), "um")
    _put(data, "count_time", given.dwell * 1e3, "s")
    entry["requested_values/sample_x"] = given.x
    entry["requested_values/sample_y"] = given.y


def _stxm21(file: Any, given: Picture) -> None:
    """Pystxmcontrol 2.1: as 2.0, with the image beside it in binned_values."""
    _stxm2(file, given)
    entry = file["entry0"]
    entry["definition"].attrs["version"] = np.bytes_(b"2.1")
    del entry["requested_values"]
    binned = entry.create_group("binned_values")
    for name, values in (("data", given.counts), ("sample_x", given.x), ("sample_y", given.y)):
        binned[name] = values


def _stxm3(file: Any, given: Picture) -> None:
    """Pystxmcontrol 3, caught while it scans: a group a detector, no units, zeros where the scan has not been."""
    entry = _group(file, "entry0", "NXentry")
    entry["definition"] = [b"NXstxm"]
    entry["version"] = 3.0
    entry["start_time"] = START.encode()
    entry["end_time"] = b""
    live = given.counts.copy()
    live[-1, 2:] = 0
    for name, counts in (("default", live), ("zxrf", live + (live > 0))):
        data = _group(entry, name, "NXdata")
        data.attrs["axes"] = list(map(np.bytes_, _AXES))
        data.attrs["signal"] = "data"
        data["stxm_scan_type"] = ["Image"]
        data["data"] = counts
        _axes(data, given, "energy", (None, None))
        data["count_time"] = given.dwell * 1e3
    entry.create_group("instrument/motors")
    entry["instrument/monochromator/energy"] = given.energy


def _old_entry(file: Any, given: Picture) -> Any:
    entry = _group(file, "entry0", "NXentry")
    entry["start_time"] = np.array([START.replace("T", " ").encode()])
    entry["end_time"] = np.array([b""])
    _group(entry, "motors", "NXmonitor")
    control = _group(entry, "control", "NXmonitor")
    _put(control, "data", np.zeros(given.counts.shape), "mA")
    return entry


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = np.bytes_(nx_class)
    return group


def _data(entry: Any, name: str, counts: np.ndarray) -> Any:
    data = _group(entry, name, "NXdata")
    data.attrs["axes"] = np.array(_AXES)
    data.attrs["signal"] = np.array([b"data"])
    data["stxm_scan_type"] = np.array([b"sample image stack"])
    data["data"] = counts
    return data


def _axes(data: Any, given: Picture, energy: str, units: tuple[Any, Any]) -> None:
    for name, values, unit in (
        (energy, given.energy, units[0]),
        ("sample_y", given.y, units[1]),
        ("sample_x", given.x, units[1]),
    ):
        _put(data, name, values, unit)


def _put(group: Any, name: str, values: Any, unit: Any) -> None:
    group[name] = values
    if unit is not None:
        group[name].attrs["units"] = unit


NEXUS_DIALECTS: dict[str, Callable[[Any, Picture], None]] = {
    "Pixelator": _pixelator,
    "Diamond": _diamond,
    "HERMES": _hermes,
    "pySTXM": _pystxm,
    "pystxmcontrol 0": _stxm0,
    "pystxmcontrol 2.0": _stxm2,
    "pystxmcontrol 2.1": _stxm21,
    "pystxmcontrol 3": _stxm3,
}
