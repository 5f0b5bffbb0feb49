"""Channels folded onto one profile from the face to the middle, and how a known profile would look in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.regime_options import RegimeOptions

if TYPE_CHECKING:
    import xarray as xr

FloatArray = NDArray[np.float64]
_FINE = 120  # points from face to face on which known profiles are blurred
_FEWEST_FRAMES = 4


@dataclass(frozen=True)
class Folded:
    """The mean of many channels, in progress u: x on lithiation, 1 - x on delithiation.

    Parameters
    ----------
    time : (frames,) array
        s.
    u : (frames, zones) array
        Mean progress in every zone, the first next to the face.
    std : (frames, zones) array
        Its random standard deviation.
    edges : (zones + 1,) array
        Depths that bound the zones, in units of the diffusion length.
    length : float
        Length of the channels, nm.
    direction : int
        +1 lithiation, -1 delithiation.
    mixed, mixed_std : float
        Mean of u(1 - u) over the pixels of frames half way, with the noise taken out; NaN where unknown.
    """

    time: FloatArray
    u: FloatArray
    std: FloatArray
    edges: FloatArray
    length: float
    direction: int
    mixed: float = math.nan
    mixed_std: float = math.nan

    @property
    def size(self) -> FloatArray:
        """Return the share of every zone; they add up to 1."""
        return np.diff(self.edges)

    def appearance(self, options: RegimeOptions) -> tuple[FloatArray, FloatArray]:
        """Return depths (points,) and a matrix (zones, points) that blurs a profile and takes its zone means."""
        middle = (np.arange(_FINE) + 0.5) / _FINE
        depth = np.minimum(middle, 1 - middle) * 2 if options.faces == 2 else middle
        sigma = max(options.resolution / math.sqrt(8 * math.log(2)) / self.length, 1e-6)
        blur = np.exp(-((middle[:, None] - middle) ** 2) / (2 * sigma**2))
        # No material beyond the ends: the probe mixes what lies inside.
        blur /= blur.sum(axis=1, keepdims=True)
        zone = np.clip(np.searchsorted(self.edges, depth, side="right") - 1, 0, len(self.size) - 1)
        member = (zone == np.arange(len(self.size))[:, None]).astype(float)
        return depth, (member / member.sum(axis=1, keepdims=True)) @ blur


def fold_lines(lines: xr.Dataset, half_cycle: int | None, options: RegimeOptions) -> Folded:
    """Fold position-resolved channels.

    Parameters
    ----------
    lines : line_cuts
        Every line a channel from face to face, at the centres of its pixels, in every frame.
    half_cycle : int, optional
        Which one; needed if there are several.
    options : RegimeOptions
        Reacting ends.

    Raises
    ------
    AnalysisError
        If there are too few frames or pixels, or no standard deviations.
    """
    stages.check(lines, "line_cuts")
    frames, direction = _frames(lines, "time", half_cycle)
    x = np.asarray(lines["lithium_fraction"].values, dtype=float)[frames]
    if "lithium_fraction_std" not in lines:
        raise AnalysisError("evidence needs the noise of the lines", field="lithium_fraction_std")
    std = np.broadcast_to(np.asarray(lines["lithium_fraction_std"].values, dtype=float)[frames], x.shape)
    names = lines["line"].values if "line" in lines.coords else np.zeros(x.shape[1])
    depth, lengths, pixels = _depths(np.asarray(lines["distance"].values, dtype=float) * 1e3, names, options.faces)
    zones = int(np.median(pixels)) // options.faces
    if zones < 2:
        raise AnalysisError(
            "a channel has too few pixels",
            field="line",
            value=int(np.median(pixels)),
            limit=f"{2 * options.faces} or more",
        )
    edges = np.linspace(0.0, 1.0, zones + 1)
    zone = np.clip((depth * zones).astype(int), 0, zones - 1)
    u = x if direction > 0 else 1 - x
    known = np.isfinite(u) & np.isfinite(std)
    member = (zone == np.arange(zones)[:, None]).astype(float)
    count = known @ member.T
    mean = np.where(known, u, 0.0) @ member.T / np.maximum(count, 1)
    error = np.sqrt(np.where(known, std**2, 0.0) @ member.T) / np.maximum(count, 1)
    whole = (count > 0).all(axis=1)
    mixed, mixed_std = _mixed(u, std, known & whole[:, None], mean @ np.diff(edges))
    time = np.asarray(lines["time"].values, dtype=float)[frames]
    values, errors = mean[whole], error[whole] * _unforeseen(mean[whole], error[whole], edges)
    return _checked(Folded(time[whole], values, errors, edges, float(np.mean(lengths)), direction, mixed, mixed_std))


def _unforeseen(u: FloatArray, std: FloatArray, edges: FloatArray) -> FloatArray:
    """Return by how much each zone scatters in time beyond its noise, at least 1 (zones,).

    What pixels of one frame share, e.g. an error of registration at the rim, does not show in their noise but makes the
    zone jump about from frame to frame. The zone less the mean of all is smooth in the mean: a cubic is taken out, or
    less where there are few frames, and the scatter that is left compared with the noise.
    """
    frames = len(u)
    degree = min(3, frames - _FEWEST_FRAMES)
    if degree < 1:
        return np.ones(u.shape[1])
    whole = u @ np.diff(edges)
    powers = np.vander(whole - whole.mean(), degree + 1)
    found = np.ones(u.shape[1])
    for zone in range(u.shape[1]):
        weight = 1 / np.maximum(std[:, zone], 1e-12)
        left = (u[:, zone] - whole) * weight
        design = powers * weight[:, None]
        left = left - design @ np.linalg.lstsq(design, left, rcond=None)[0]
        found[zone] = max(1.0, math.sqrt(float(left @ left) / (frames - degree - 1)))
    return found


def fold_table(table: xr.Dataset, half_cycle: int | None, options: RegimeOptions) -> Folded:
    """Fold the surface and internal means of a channel table: two zones, in the middle of every interval.

    Neighbouring intervals share a frame; their errors are enlarged by sqrt(2), which is right for sums over many. All
    channels of the table are taken together: select those of one particle first. Where the table has already corrected
    its ends for the probe, set the resolution to 0.
    """
    stages.check(table, "channel_table")
    rows, direction = _frames(table, "interval", half_cycle)
    pixels = float(np.median(table["pixel_count"].values))
    edges = np.array([0.0, options.faces / pixels, 1.0])
    u, std = [], []
    for name in ("surface", "internal"):
        x = np.asarray(table[f"{name}_lithium_fraction"].values, dtype=float)[rows]
        noise = np.asarray(table[f"{name}_lithium_fraction_std"].values, dtype=float)[rows]
        known = np.isfinite(x) & np.isfinite(noise)
        count = np.maximum(known.sum(axis=1), 1)
        mean = np.where(known, x, 0.0).sum(axis=1) / count
        u.append(np.where(known.any(axis=1), mean if direction > 0 else 1 - mean, np.nan))
        std.append(np.sqrt(2 * np.where(known, noise**2, 0.0).sum(axis=1)) / count)
    values, errors = np.stack(u, axis=1), np.stack(std, axis=1)
    whole = np.isfinite(values).all(axis=1)
    time = np.asarray(table["time"].values, dtype=float)[rows]
    length = float(np.nanmean(table["length"].values))
    return _checked(Folded(time[whole], values[whole], errors[whole], edges, length, direction))


def times_of(data: xr.Dataset, half_cycle: int | None) -> FloatArray:
    """Return the times (s) of all frames of a half cycle, used or not; of all intervals for a channel table.

    Parameters
    ----------
    data : line_cuts or channel_table
        As for `fold_lines` and `fold_table`.
    half_cycle : int, optional
        Which one.
    """
    frames, _ = _frames(data, str(data["time"].dims[0]), half_cycle)
    return np.asarray(data["time"].values, dtype=float)[frames]


def _frames(data: xr.Dataset, dim: str, half_cycle: int | None) -> tuple[NDArray[np.intp], int]:
    """Return the frames of one half cycle and its direction."""
    which = data["half_cycle"].values if "half_cycle" in data.coords else np.zeros(data.sizes[dim], dtype=int)
    found = np.unique(which[which >= 0])
    if half_cycle is None and len(found) != 1:
        raise AnalysisError(
            "which half cycle is not clear",
            field="half_cycle",
            value=found.tolist(),
            limit="one",
            remedy="name one of them",
        )
    frames = np.flatnonzero(which == (found[0] if half_cycle is None else half_cycle))
    if len(frames) < _FEWEST_FRAMES:
        raise AnalysisError(
            "a half cycle has too few frames", field="half_cycle", value=len(frames), limit=f"{_FEWEST_FRAMES} or more"
        )
    stated = np.unique(data["direction"].values[frames]) if "direction" in data.coords else np.array([0])
    if stated.tolist() not in ([1], [-1]):
        raise AnalysisError(
            "the direction of the half cycle is not known",
            field="direction",
            value=stated.tolist(),
            limit="+1 or -1 throughout",
        )
    return frames, int(stated[0])


def _depths(distance: FloatArray, names: Any, faces: int) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Return the relative depth of every sample, and length (nm) and number of pixels of every line."""
    depth = np.empty_like(distance)
    lengths, pixels = [], []
    for name in np.unique(names):
        own = names == name
        along = distance[own] - distance[own].min()
        step = along.max() / max(len(along) - 1, 1)
        length = along.max() + step
        share = (along + step / 2) / length
        depth[own] = 2 * np.minimum(share, 1 - share) if faces == 2 else share
        lengths.append(length)
        pixels.append(len(along))
    return depth, np.array(lengths), np.array(pixels)


def _mixed(u: FloatArray, std: FloatArray, known: NDArray[np.bool_], mean: FloatArray) -> tuple[float, float]:
    """Return the mean of u(1 - u) half way, unbiased: the noise lowers it by its variance."""
    half_way = known & ((mean > 0.25) & (mean < 0.75))[:, None]
    number = int(half_way.sum())
    if number == 0:
        return math.nan, math.nan
    values, noise = u[half_way], std[half_way]
    product = values * (1 - values) + noise**2
    variance = ((1 - 2 * values) * noise) ** 2 + 2 * noise**4
    return float(product.mean()), float(np.sqrt(variance.sum()) / number)


def _checked(folded: Folded) -> Folded:
    if len(folded.time) < _FEWEST_FRAMES:
        raise AnalysisError(
            "too few frames have a value in every part of the channels",
            field="lithium_fraction",
            value=len(folded.time),
            limit=f"{_FEWEST_FRAMES} or more",
        )
    mean = folded.u @ folded.size
    error = np.sqrt(folded.std**2 @ folded.size**2)
    if mean[-1] - mean[0] < 4 * math.hypot(error[0], error[-1]):
        raise AnalysisError(
            "the composition did not change in the direction of the half cycle",
            field="lithium_fraction",
            value=f"{mean[-1] - mean[0]:.3f} from first to last frame",
            limit="more than four standard deviations",
            remedy="check the direction and the noise",
        )
    return folded
