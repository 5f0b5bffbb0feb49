"""Where things are in an NXstxm file: its entries (regions), its detector channels, and the axes of a picture."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings.nexus.dialects import Way
from lithiscope.recordings.nexus.fields import as_text, attribute, numbers, text, unit
from lithiscope.recordings.nexus.lines import binned_lines
from lithiscope.units import ELECTRONVOLT, MICROMETRE, convert

_ENERGY_NAMES = ("energy", "photon_energy")
_IMAGES = ("sample image", "sample image stack", "image", "image stack")


def entries(file: h5py.File) -> list[Any]:
    """Return the entries that hold an STXM scan; some programs leave out NX_class, so the content decides."""
    groups = [group for group in file.values() if isinstance(group, h5py.Group)]
    found = [group for group in groups if attribute(group, "NX_class") in ("NXentry", "")]
    return [group for group in found if "stxm" in text(group, "definition").lower() or channels(group)]


def channels(entry: Any) -> dict[str, Any]:
    """Return the detector channels of an entry, the default one first."""
    found = {
        name: group
        for name, group in entry.items()
        if isinstance(group, h5py.Group)
        and attribute(group, "NX_class") in ("NXdata", "")
        and isinstance(group.get(_signal(group)), h5py.Dataset)
        and ("stxm_scan_type" in group or _name_of_energy(group))
    }
    default = attribute(entry, "default") or "default"
    return {name: found[name] for name in sorted(found, key=lambda name: (name != default, name))}


def chosen_channel(entry: Any, channel: str | None, file: str) -> tuple[str, Any]:
    """Return name and group of the channel asked for, or of the first."""
    found = channels(entry)
    if not found:
        raise FileFormatError(
            "the entry holds no detector data",
            file=file,
            field=str(entry.name),
            remedy="choose a file of a finished scan",
        )
    if channel is not None and channel not in found:
        raise OptionError(
            "the scan has no such channel",
            file=file,
            field="channel",
            value=channel,
            limit=", ".join(found),
            remedy="choose one of these channels",
        )
    name = channel or next(iter(found))
    return name, found[name]


def picture(entry: Any, data: Any, way: Way, file: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return counts (energy, y, x), energies in eV, and y and x in um.

    Raises
    ------
    FileFormatError
        If the scan is not an image or image stack over photon energy, or axes and data do not fit.
    """
    kind = text(data, "stxm_scan_type").lower()
    if kind and kind not in _IMAGES:
        raise FileFormatError(
            "the scan is not an image or image stack",
            file=file,
            field=f"{data.name}/stxm_scan_type",
            value=kind,
            limit=" or ".join(_IMAGES[:2]),
            remedy="choose an image scan; point and line scans hold no map",
        )
    # pystxmcontrol 2.1 keeps the lines as the counter wrote them in counter0, and the image beside it.
    binned = entry.get("binned_values")
    source = binned if way.version and isinstance(binned, h5py.Group) and "data" in binned else data
    counts = numbers(source, _signal(source), file=file)
    if counts is None:
        raise FileFormatError(
            "the picture is missing",
            file=file,
            field=f"{source.name}/{_signal(source)}",
            remedy="the file is damaged or not finished: copy it again",
        )
    energy = _axis(data, _name_of_energy(data) or "energy", ELECTRONVOLT, file, way.units.get("energy"))
    if "requested_values" in entry and source is data and way.version:
        return binned_lines(entry, data, counts, energy, file)
    names = {"sample_y": "sample_y", "sample_x": "sample_x"}
    y, x = (_axis(source, axis, MICROMETRE, file, way.units.get("position")) for axis in names)
    lengths = {"energy": energy.size, "sample_y": y.size, "sample_x": x.size}
    counts, axes = _three_axes(counts, _axes(source), lengths)
    if sorted(axes) != sorted(lengths) or counts.shape != tuple(lengths[axis] for axis in axes if axis in lengths):
        raise FileFormatError(
            "the axes do not fit the data",
            file=file,
            field=str(source.name),
            value=f"data {counts.shape}, axes {axes}",
            limit=str(lengths),
            remedy="only images and image stacks over energy can be read",
        )
    return np.transpose(counts, [axes.index(axis) for axis in lengths]), energy, y, x


def _three_axes(counts: np.ndarray, axes: list[str], lengths: dict[str, int]) -> tuple[np.ndarray, list[str]]:
    """Return the picture of a single energy with an axis of energy; pySTXM writes one that it does not name."""
    if sorted(axes) != ["sample_x", "sample_y"] or lengths["energy"] != 1:
        return counts, axes
    return (counts if counts.ndim == 3 else counts[None]), ["energy", *axes]


def _signal(group: Any) -> str:
    return attribute(group, "signal") or "data"


def _name_of_energy(data: Any) -> str:
    return next((name for name in _ENERGY_NAMES if isinstance(data.get(name), h5py.Dataset)), "")


def _axes(data: Any) -> list[str]:
    """Return the names of the axes in the order of the data, from ``axes`` or from the older ``axis`` attributes."""
    if "axes" in data.attrs:
        listed = data.attrs["axes"]
        names = [as_text(name) for name in listed] if isinstance(listed, np.ndarray) else as_text(listed).split(":")
    else:
        numbered = [(as_text(item.attrs["axis"]), name) for name, item in data.items() if "axis" in item.attrs]
        names = [name for _, name in sorted(numbered)] or ["energy", "sample_y", "sample_x"]
    return [_plain(name) for name in names]


def _plain(name: str) -> str:
    """Return the name of an axis by the definition; single images of pySTXM name the motor."""
    if name in _ENERGY_NAMES:
        return "energy"
    moved = next((axis for axis in ("x", "y") if name.lower().endswith(f"_{axis}")), None)
    return f"sample_{moved}" if moved else name


def _axis(data: Any, name: str, to: str, file: str, otherwise: str | None) -> np.ndarray:
    """Return an axis in the unit `to`; `otherwise` is its unit in dialects that state none."""
    points = numbers(data, name, file=file)
    if points is None:
        raise FileFormatError(
            "an axis is missing",
            file=file,
            field=f"{data.name}/{name}",
            remedy="the file is damaged or not finished: copy it again",
        )
    stated = unit(data, name) or otherwise
    converted = convert(np.atleast_1d(points), stated, to, field=f"{data.name}/{name}", file=file)
    return np.asarray(converted).ravel()
