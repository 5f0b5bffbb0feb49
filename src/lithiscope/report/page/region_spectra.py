"""The numbers behind the spectra of regions on the interactive map: optical density and coefficients, packed small.

Pixels are averaged in blocks where there are too many. A block carries how many of its pixels have a whole spectrum, so
that the mean over blocks, weighted by that count, is the mean over the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.report import readings, spectra
from lithiscope.report.page.explorer import LEVELS, block_sum, encoded, packed

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_COARSEST = 8  # pixels across a block; larger ones would blur what a region is


def region_spectra(
    od: xr.Dataset,
    video: xr.Dataset | None,
    references: xr.Dataset | None,
    *,
    frames: Sequence[int],
    most_values: int,
) -> dict[str, Any]:
    """Pack the optical density of some scans, its random error and the coefficients of the fit.

    Parameters
    ----------
    od : Frames(optical_density)
        Dims (time, energy, y, x); read scan by scan.
    video, references : CompositionVideo, References, optional
        Both are needed for the fit.
    frames : sequence of int
        The scans of the interactive map.
    most_values : int
        Pixels are averaged in blocks and, if need be, scans thinned, until no more numbers than these are carried.

    Returns
    -------
    dict
        Layers as in `lithiscope.report.page.explorer`, or ``left_out``: a sentence that says why there are none.
    """
    energy = np.asarray(od["energy"].values, dtype=float)
    shapes = _shapes(video, references, energy)
    layers = energy.size * (2 if "signal_std" in od else 1) + len(shapes) + 1
    rows, columns = od.sizes["y"], od.sizes["x"]
    bins, kept = _budget(rows, columns, layers, len(frames), most_values)
    if kept == 0:
        least = _numbers(rows, columns, _COARSEST) * layers
        return {
            "left_out": f"There are no spectra of regions: one scan in blocks of {_COARSEST} × {_COARSEST} pixels is "
            f"{least} numbers, and the page carries at most {most_values} (option explorer_values)."
        }
    chosen = [frames[k] for k in readings.thinned(len(frames), kept)]
    blocks = [_blocks(od, video if shapes else None, frame, bins) for frame in chosen]
    density, std, count, coefficients = (np.stack([one[k] for one in blocks]) for k in range(4))
    return {
        "bins": bins,
        "size": [math.ceil(rows / bins), math.ceil(columns / bins)],
        "levels": LEVELS,
        "energy": energy.tolist(),
        "scans": [int(frame) + 1 for frame in chosen],
        "gain": [_gain(od, frame, energy.size) for frame in chosen],
        "count": packed(count.astype("<u2")),
        "density": _layer(density),
        "std": _layer(std) if "signal_std" in od else None,
        "fit": [
            {"name": name, "shape": [None if np.isnan(v) else float(v) for v in shape], **_layer(coefficients[:, k])}
            for k, (name, shape) in enumerate(shapes.items())
        ],
    }


def _numbers(rows: int, columns: int, bins: int) -> int:
    return math.ceil(rows / bins) * math.ceil(columns / bins)


def _budget(rows: int, columns: int, layers: int, frames: int, most: int) -> tuple[int, int]:
    """Return the binning and how many scans are kept; scans are thinned only where binning alone does not do."""
    for bins in range(1, _COARSEST + 1):
        if _numbers(rows, columns, bins) * layers * frames <= most:
            return bins, frames
    return _COARSEST, min(frames, most // (_numbers(rows, columns, _COARSEST) * layers))


def _shapes(video: xr.Dataset | None, references: xr.Dataset | None, energy: Floats) -> dict[str, Floats]:
    if video is None or references is None or "coefficient" not in video:
        return {}
    return spectra.component_shapes(video, references, energy)


def _blocks(od: xr.Dataset, video: xr.Dataset | None, frame: int, bins: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean density, error of the mean, count and mean coefficients of the blocks of one scan.

    Only pixels with a density at every energy, and with coefficients where there are any, are counted. The error is
    that of independent pixels with the noise after resampling; a reader divides by the gain of the noise.
    """
    density = _pictures(od, "signal", frame)
    coefficients = np.empty((0, *density.shape[1:])) if video is None else _pictures(video, "coefficient", frame)
    whole = np.isfinite(density).all(axis=0) & np.isfinite(coefficients).all(axis=0)
    count = block_sum(whole.astype(float), bins)

    def mean(values: Floats, power: int = 1) -> Floats:
        total = block_sum(np.where(whole, values, 0.0) ** power, bins) ** (1 / power)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count > 0, total / count, np.nan)

    std = mean(_pictures(od, "signal_std", frame), 2) if "signal_std" in od else np.empty(0)
    return mean(density), std, count, mean(coefficients)


def _pictures(data: xr.Dataset, name: str, frame: int) -> Floats:
    """Return (energy or component, y, x) of one scan; nothing else is read."""
    return np.asarray(data[name].isel(time=frame).values, dtype=float)


def _gain(od: xr.Dataset, frame: int, energies: int) -> list[float]:
    if "noise_gain" not in od:
        return [1.0] * energies
    gain = np.asarray(od["noise_gain"].isel(time=frame).values, dtype=float)
    return [float(value) if value > 0 else 1.0 for value in gain]


def _layer(values: Floats) -> dict[str, Any]:
    codes, low, high = encoded(values, np.zeros(values.shape, dtype=bool))
    return {"low": low, "high": high, "codes": packed(codes)}
