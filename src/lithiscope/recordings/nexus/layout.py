"""Where things are in an NXstxm file: its entries (regions), its detector channels, and the axes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.recordings.nexus.dialects import Way
from lithiscope.recordings.nexus.fields import as_floats, as_text, attribute, numbers, stored, text, unit
from lithiscope.recordings.nexus.lines import binned_lines
from lithiscope.units import ELECTRONVOLT, MICROMETRE, convert

# Corrections and registration hold several copies of a picture.
LARGEST_PICTURE = 8 * 2**30
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


class Read(NamedTuple):
    """Counts (E, Y, X) of the frames `kept`; the energies of all frames in eV; y and x in um."""

    counts: np.ndarray
    energy: np.ndarray
    y: np.ndarray
    x: np.ndarray
    kept: np.ndarray


def picture(entry: Any, data: Any, way: Way, frames: Sequence[int] | None, file: str) -> Read:
    """Return the picture, all of it or the frames with these numbers in the order of energies.

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
    item = stored(source, _signal(source), file=file)
    if item is None:
        raise FileFormatError(
            "the picture is missing",
            file=file,
            field=f"{source.name}/{_signal(source)}",
            remedy="the file is damaged or not finished: copy it again",
        )
    energy = _axis(data, _name_of_energy(data) or "energy", ELECTRONVOLT, file, way.units.get("energy"))
    kept = kept_frames(energy, frames, file)
    if "requested_values" in entry and source is data and way.version:
        counts, energy, y, x = binned_lines(entry, data, as_floats(item[()]), energy, file)
        return Read(counts[kept], energy, y, x, kept)
    y, x = (_axis(source, axis, MICROMETRE, file, way.units.get("position")) for axis in ("sample_y", "sample_x"))
    lengths = {"energy": energy.size, "sample_y": y.size, "sample_x": x.size}
    axes, shape = _three_axes(_axes(source), item.shape, lengths)
    if sorted(axes) != sorted(lengths) or shape != tuple(lengths[axis] for axis in axes if axis in lengths):
        raise FileFormatError(
            "the axes do not fit the data",
            file=file,
            field=str(source.name),
            value=f"data {item.shape}, axes {axes}",
            limit=str(lengths),
            remedy="only images and image stacks over energy can be read",
        )
    if 8 * item.size // energy.size * kept.size > LARGEST_PICTURE:
        raise FileFormatError(
            "the picture is too large to be read at once",
            file=file,
            field=str(source.name),
            value=f"{item.shape}, {8 * item.size / 2**30:.1f} GiB",
            limit=f"{LARGEST_PICTURE / 2**30:g} GiB",
            remedy="take a few frames at a time: open_recording(path, frames=[0, 1])",
        )
    along = axes.index("energy")
    if item.ndim == 3 and kept.size < energy.size:
        pieces = [as_floats(item[(slice(None),) * along + (int(frame),)]) for frame in kept]
        counts = np.stack(pieces, axis=along)
    else:
        counts = as_floats(item[()]).reshape(shape)
    return Read(np.transpose(counts, [axes.index(axis) for axis in lengths]), energy, y, x, kept)


def kept_frames(energy: np.ndarray, frames: Sequence[int] | None, file: str) -> np.ndarray:
    """Return the places in the file of the frames with these numbers in the order of energies, increasing.

    Raises
    ------
    OptionError
        If there is no such frame, or one is asked for twice.
    """
    if frames is None:
        return np.arange(energy.size)
    asked = list(frames)
    if not asked or len(set(asked)) < len(asked) or not all(0 <= frame < energy.size for frame in asked):
        raise OptionError(
            "there are no such frames, or one is asked for twice",
            file=file,
            field="frames",
            value=asked,
            limit=f"numbers from 0 to {energy.size - 1}, each once",
            remedy="frames are numbered from 0 in the order of their energies",
        )
    return np.sort(np.argsort(energy, kind="stable")[asked])


def _three_axes(axes: list[str], shape: tuple[int, ...], lengths: dict[str, int]) -> tuple[list[str], tuple[int, ...]]:
    """Return axes and shape of the picture of a single energy with its energy; pySTXM does not name that axis."""
    if sorted(axes) != ["sample_x", "sample_y"] or lengths["energy"] != 1:
        return axes, shape
    return ["energy", *axes], shape if len(shape) == 3 else (1, *shape)


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
