"""The numbers behind the interactive map, packed small: binned to a limit, sixteen bits, deflated, base64.

A value v of a layer is stored as round((v - low) / (high - low) * 65533); 65535 means too little material, 65534 a
value that is not trusted. The error of the packing is at most (high - low) / 131066.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.report import readings
from lithiscope.report.colours import lookup_table
from lithiscope.report.page.content import Explorer
from lithiscope.report.panels import view_of

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

LEVELS = 65533
NO_MATERIAL, NOT_TRUSTED = 65535, 65534
_LAYERS = 5  # as many pictures per frame are planned for


def explorer(
    video: xr.Dataset,
    *,
    labels: xr.DataArray | None = None,
    names: Mapping[int, str] | None = None,
    od: xr.Dataset | None = None,
    references: xr.Dataset | None = None,
    most_values: int = 2_000_000,
    palette: str = "uniform",
) -> Explorer:
    """Pack a composition video for the page.

    Parameters
    ----------
    video : CompositionVideo
        With a fraction; its standard deviation, amount and chi-square become further layers.
    labels : DataArray of int, (y, x) or (cycle, y, x), optional
        Particles.
    names : mapping of int to str, optional
        Their names.
    od, references : Frames(optical_density), References, optional
        Behind the spectra of regions and their fit.
    most_values : int
        Pixels are binned and, if need be, frames thinned, until no more numbers than these are carried; the spectra may
        carry as many again.
    palette : str
        Colours of x.

    Returns
    -------
    Explorer
        Packed layers, time stamps, labels and geometry.
    """
    signal = str(video.attrs["signal"])
    frames, bins = _budget(video, most_values)
    lost = np.stack([readings.untrusted(video, int(t)) & readings.material(video, labels, int(t)) for t in frames])
    layers = _layers(video, signal, frames, bins, lost, palette)
    numbers = [_label_picture(labels, video, int(frame), bins) for frame in frames]
    which, pictures = _distinct(numbers)
    view = view_of(video)
    times = readings.minutes(video)
    # The error of a block is already that of the noise before resampling; see `_layers`.
    gains = video["noise_gain"].values.astype(float) if "noise_gain" in video and bins == 1 else np.ones(times.size)
    return Explorer(
        {
            "size": [math.ceil(video.sizes["y"] / bins), math.ceil(video.sizes["x"] / bins)],
            "pixel": [
                (view.top - view.bottom) / video.sizes["y"] * bins,
                (view.right - view.left) / video.sizes["x"] * bins,
            ],
            "origin": [view.top if view.flipped else view.bottom, view.left],
            "flipped": view.flipped,
            "bins": bins,
            "frames": [
                {
                    "text": readings.minutes_text(float(times[t])),
                    "minutes": round(float(times[t]), 4),
                    "number": int(t) + 1,
                    "direction": readings.direction_text(video, int(t)),
                    "label": index,
                    "gain": float(gains[t]) if gains[t] > 0 else 1.0,
                }
                for t, index in zip(frames, which, strict=True)
            ],
            "total_frames": int(video.sizes["time"]),
            "layers": layers,
            "labels": packed(np.stack(pictures).astype("<u2")) if pictures else "",
            "names": {str(number): name for number, name in (names or {}).items()},
            "levels": LEVELS,
            "full_brightness": readings.full_brightness(video, None),
            "spectra": _spectra(video, od, references, frames, most_values),
        }
    )


def _spectra(
    video: xr.Dataset,
    od: xr.Dataset | None,
    references: xr.Dataset | None,
    frames: NDArray[np.intp],
    most: int,
) -> dict[str, Any] | None:
    """Pack the spectra of the scans of the map; None where densities are missing or lie on another grid."""
    from lithiscope.report.page.region_spectra import region_spectra

    if od is None or any(od.sizes.get(name) != video.sizes[name] for name in ("time", "y", "x")):
        return None
    return region_spectra(od, video, references, frames=frames.tolist(), most_values=most)


def packed(array: NDArray[Any]) -> str:
    """Return an array's bytes, deflated, as base64 text."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode("ascii")


def unpacked(text: str, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return the sixteen-bit array behind `packed` text."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<u2").reshape(shape)


def encoded(values: Floats, missing: NDArray[np.bool_]) -> tuple[NDArray[np.uint16], float, float]:
    """Return values as sixteen-bit codes with the limits (low, high) between which they lie.

    NaN becomes NOT_TRUSTED where `missing` is true and NO_MATERIAL elsewhere.
    """
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    span = high - low or 1.0
    codes = np.rint(np.nan_to_num((values - low) / span) * LEVELS).astype("<u2")
    codes[np.isnan(values)] = NO_MATERIAL
    codes[np.isnan(values) & missing] = NOT_TRUSTED
    return codes, low, low + span


def _budget(video: xr.Dataset, most: int) -> tuple[NDArray[np.intp], int]:
    """Return the frames and the binning that keep to the number of values; pixels are binned by at most four."""
    pixels, count = video.sizes["y"] * video.sizes["x"] * _LAYERS, video.sizes["time"]
    bins = next((b for b in (1, 2, 3, 4) if pixels / b**2 * count <= most), 4)
    return readings.thinned(count, max(1, int(most * bins**2 / pixels))), bins


def _layers(
    video: xr.Dataset, signal: str, frames: NDArray[np.intp], bins: int, lost: NDArray[np.bool_], palette: str
) -> list[dict[str, Any]]:
    missing = binned(lost.astype(float), bins) > 0.5
    x = _stack(video, signal, frames)
    amount = _stack(video, "amount", frames)
    weight = np.ones_like(x) if amount is None or x is None else np.maximum(np.nan_to_num(amount), 0)
    found = [_layer("x", "Lithium fraction x", "", palette, binned(x, bins, weight), missing, shown=(0.0, 1.0))]
    std = _stack(video, f"{signal}_std", frames)
    if std is not None:
        gain = video["noise_gain"].values[frames][:, None, None] if "noise_gain" in video else 1.0
        # A bin's error uses the noise before resampling, because neighbours share what resampling mixed.
        error = std if bins == 1 else binned_error(std / gain, bins, np.broadcast_to(weight, std.shape))
        found.append(_layer("std", "σ of x, random", "", "magma", error, missing, low=0.0))
    if amount is not None:
        found.append(_layer("amount", "Amount a + b", "", "viridis", binned(amount, bins), missing, low=0.0))
    thickness = readings.flat_picture(video["thickness"], 0)[None] if "thickness" in video else None
    if thickness is not None:
        none = np.zeros((1, *missing.shape[1:]), dtype=bool)
        found.append(_layer("thickness", "Thickness", "nm", "viridis", binned(thickness, bins), none, low=0.0))
    freedom = int(video.attrs.get("degrees_of_freedom", 0))
    chi_square = _stack(video, "chi_square", frames)
    if chi_square is not None and freedom > 0:
        # Only where there is material: elsewhere chi-square says nothing about the composition.
        ratio = np.where(np.isfinite(x), chi_square / freedom, np.nan)
        found.append(
            _layer("chi_square", "χ² per degree of freedom", "", "viridis", binned(ratio, bins), missing, low=0.0)
        )
    return found


def _layer(
    key: str,
    title: str,
    unit: str,
    palette: str,
    values: Floats,
    missing: NDArray[np.bool_],
    *,
    low: float | None = None,
    shown: tuple[float, float] | None = None,
) -> dict[str, Any]:
    codes, bottom, top = encoded(values, missing)
    return {
        "key": key,
        "title": title,
        "unit": unit,
        "low": bottom,
        "high": top,
        "shown": list(shown or readings.limits(values, low=low)),
        "frames": len(values),
        "codes": packed(codes),
        "colours": base64.b64encode(lookup_table(palette).tobytes()).decode("ascii"),
    }


def _stack(video: xr.Dataset, name: str, frames: NDArray[np.intp]) -> Any:
    if name not in video:
        return None
    return np.stack([readings.flat_picture(video[name], int(frame)) for frame in frames])


def binned(values: Floats, bins: int, weight: Floats | None = None) -> Floats:
    """Return the weighted mean of what is finite in blocks of (bins, bins) pixels of the last two axes."""
    if bins == 1:
        return values
    share = np.where(np.isfinite(values), 1.0 if weight is None else weight, 0.0)
    total, norm = block_sum(np.nan_to_num(values) * share, bins), block_sum(share, bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norm > 0, total / norm, np.nan)


def binned_error(std: Floats, bins: int, weight: Floats) -> Floats:
    """Return the standard deviation of the weighted means of `binned`, for independent pixels."""
    share = np.where(np.isfinite(std), weight, 0.0)
    total, norm = block_sum((np.nan_to_num(std) * share) ** 2, bins), block_sum(share, bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norm > 0, np.sqrt(total) / norm, np.nan)


def block_sum(values: Floats, bins: int) -> Floats:
    """Return the sums over blocks of (bins, bins) pixels of the last two axes; blocks at the edge may be cut."""
    rows, columns = values.shape[-2:]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(0, -rows % bins), (0, -columns % bins)])
    shape = (*values.shape[:-2], padded.shape[-2] // bins, bins, padded.shape[-1] // bins, bins)
    return np.asarray(padded.reshape(shape).sum(axis=(-3, -1)))


def _label_picture(labels: xr.DataArray | None, video: xr.Dataset, frame: int, bins: int) -> NDArray[np.int32] | None:
    picture = readings.labels_of_frame(labels, video, frame)
    if picture is None or bins == 1:
        return picture
    rows = np.minimum(np.arange(0, picture.shape[0], bins) + bins // 2, picture.shape[0] - 1)
    columns = np.minimum(np.arange(0, picture.shape[1], bins) + bins // 2, picture.shape[1] - 1)
    return picture[np.ix_(rows, columns)]


def _distinct(pictures: list[NDArray[np.int32] | None]) -> tuple[list[int], list[NDArray[np.int32]]]:
    """Return for every frame which label picture holds, and the distinct pictures."""
    found: list[NDArray[np.int32]] = []
    which = []
    for picture in pictures:
        if picture is None:
            return [-1] * len(pictures), []
        index = next((k for k, one in enumerate(found) if np.array_equal(one, picture)), len(found))
        if index == len(found):
            found.append(picture)
        which.append(index)
    return which, found
