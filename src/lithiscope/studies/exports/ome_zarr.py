"""Composition videos as OME-Zarr, version 0.5 or 0.4, with the particles as labels.

The layout is that of the specification of OME-NGFF (https://ngff.openmicroscopy.org/0.5 and 0.4): axes t, c, y, x, a
pyramid of pictures each half as large as the one before, and for every level the scale that leads to s and um.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import xarray as xr

Version = Literal["0.5", "0.4"]

_SMALLEST = 256  # pixels along the shorter side, below which no smaller picture is made
_CHUNK = 512  # pixels
_COLOURS = ("00FF00", "FF00FF", "FFFFFF", "00FFFF", "FFFF00")


def write_ome_zarr(
    video: xr.Dataset,
    names: Sequence[str],
    path: Path,
    *,
    labels: xr.DataArray | None = None,
    version: Version = "0.5",
) -> Path:
    """Write pictures of a stage as one OME-Zarr image, each named quantity a channel.

    Frames that are not evenly spaced in time have no scale in this format: the axis gets the mean interval, and
    ``attributes.lithiscope.time_second`` has the times themselves.

    Parameters
    ----------
    video : composition_video
        Pictures (time, y, x), in um; those without time are repeated.
    names : sequence of str
        Variables, those that are there.
    path : Path
        Folder to write; there must be none yet.
    labels : DataArray of int, shape (y, x), optional
        Particles; they become the label image ``labels/particles``, the same in every frame.
    version : "0.5" or "0.4"
        0.5 lies in Zarr 3 (napari), 0.4 in Zarr 2 (Fiji's N5 and BigDataViewer plug-ins, older readers).

    Returns
    -------
    Path
        The folder. It appears when it is complete.
    """
    import zarr

    present = [name for name in names if name in video]
    shape = tuple(video.sizes[axis] for axis in ("time", "y", "x"))
    draft = path.with_name(f".{path.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        root = zarr.open_group(draft, mode="w-", zarr_format=3 if version == "0.5" else 2)
        maps = (np.broadcast_to(video[name].values, shape) for name in present)
        stack = np.stack([np.asarray(one, dtype=np.float32) for one in maps], axis=1)
        about = _image(root, stack, _place(video), path.name.split(".")[0], version)
        about["omero"] = {"channels": [_channel(name, stack[:, n], n) for n, name in enumerate(present)]}
        _tell(root, about, version)
        times = video["time"].values.astype(float).tolist()
        units = {name: str(video[name].attrs.get("units", "1")) for name in present}
        root.attrs["lithiscope"] = {"time_second": times, "units": units, "start_utc": video.attrs.get("start_utc")}
        if labels is not None:
            _write_labels(root, np.broadcast_to(labels.values.astype(np.int32), shape)[:, None], video, version)
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return path


def _place(video: xr.Dataset) -> tuple[list[float], list[float]]:
    """Return scale and translation of t, c, y and x at full size."""
    scale, first = [1.0] * 4, [0.0] * 4
    for place, axis in ((0, "time"), (2, "y"), (3, "x")):
        values = np.asarray(video[axis].values, dtype=float)
        first[place] = float(values[0])
        if values.size > 1:
            scale[place] = float((values[-1] - values[0]) / (values.size - 1))
    return scale, first


def _image(
    group: Any, stack: np.ndarray, place: tuple[list[float], list[float]], name: str, version: Version
) -> dict[str, Any]:
    """Write all sizes of a picture; return what the specification calls multiscales."""
    scale, first = place
    datasets = []
    for level, (factor, picture) in enumerate(_pyramid(stack)):
        array = group.create_array(
            str(level),
            shape=picture.shape,
            chunks=(1, 1, *(min(_CHUNK, size) for size in picture.shape[2:])),
            dtype=picture.dtype,
            fill_value=0,
            **_how(version),
        )
        array[:] = picture
        by = [1.0, 1.0, float(factor), float(factor)]
        moved = [start + step * (k - 1) / 2 for start, step, k in zip(first, scale, by, strict=True)]
        steps = [step * k for step, k in zip(scale, by, strict=True)]
        transformations = [{"type": "scale", "scale": steps}, {"type": "translation", "translation": moved}]
        datasets.append({"path": str(level), "coordinateTransformations": transformations})
    axes: list[dict[str, str]] = [
        {"name": "t", "type": "time", "unit": "second"},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    told = {"version": "0.4"} if version == "0.4" else {}
    return {"multiscales": [{**told, "name": name, "axes": axes, "datasets": datasets}]}


def _how(version: Version) -> dict[str, Any]:
    """Return how the chunks are named: the specification wants a folder for each axis."""
    separated = {"name": "default" if version == "0.5" else "v2", "separator": "/"}
    names = {"dimension_names": ("t", "c", "y", "x")} if version == "0.5" else {}
    return {"chunk_key_encoding": separated, **names}


def _pyramid(stack: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield how many pixels are one, and the picture: labels by every second pixel, values by means of the known."""
    factor = 1
    while True:
        yield factor, stack
        if min(stack.shape[2:]) < 2 * _SMALLEST:
            return
        factor *= 2
        stack = stack[..., ::2, ::2] if stack.dtype.kind == "i" else _halved(stack)


def _halved(stack: Float[np.ndarray, "time channel y x"]) -> Float[np.ndarray, "time channel y2 x2"]:
    """Return means over two by two pixels of those that are known; NaN where none is."""
    rows, columns = (size + size % 2 for size in stack.shape[2:])
    odd = ((0, 0), (0, 0), (0, rows - stack.shape[2]), (0, columns - stack.shape[3]))
    blocks = np.pad(stack, odd, constant_values=np.nan).reshape(*stack.shape[:2], rows // 2, 2, columns // 2, 2)
    known = np.isfinite(blocks)
    total, count = np.where(known, blocks, 0.0).sum((3, 5)), known.sum((3, 5))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(stack.dtype)


def _channel(name: str, values: np.ndarray, number: int) -> dict[str, Any]:
    """Return how a viewer first shows a channel: x and its like from 0 to 1, others over what they reach."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    start, end = (0.0, 1.0) if name.endswith("_fraction") else (low, max(high, low + 1e-6))
    return {
        "label": name,
        "color": _COLOURS[number % len(_COLOURS)],
        "active": number == 0,
        "window": {"min": low, "max": max(high, low + 1e-6), "start": start, "end": end},
    }


def _tell(group: Any, about: Mapping[str, Any], version: Version) -> None:
    """Write metadata where the version has them."""
    if version == "0.5":
        group.attrs["ome"] = {"version": "0.5", **about}
    else:
        group.attrs.update(about)


def _write_labels(root: Any, stack: np.ndarray, video: xr.Dataset, version: Version) -> None:
    listing = root.create_group("labels")
    _tell(listing, {"labels": ["particles"]}, version)
    group = listing.create_group("particles")
    about = _image(group, stack, _place(video), "particles", version)
    told = {"version": "0.4"} if version == "0.4" else {}
    about["image-label"] = {**told, "source": {"image": "../../"}}
    _tell(group, about, version)
