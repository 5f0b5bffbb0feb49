"""The channels of every particle: which pixels, how long, where their ends are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.grid import Channels, Grid, find_channels
from lithiscope.grid.kernels import line_shift
from lithiscope.kinetics.channels_options import ChannelOptions

if TYPE_CHECKING:
    import xarray as xr

_BEYOND = 2  # pixels on either side of an end over which blur spreads it
_MASK_ERROR = 12**-0.5  # of an end that lies anywhere within a pixel, pixels
_AMOUNT_ERROR = 0.1  # of an end found in the amount of material, pixels


class Lines(NamedTuple):
    """Channels of all particles, one after the other; `terms` are their pixels, sorted by channel and place.

    Attributes
    ----------
    pixel : ndarray of int, shape (terms,)
        Flat place in the picture.
    weight : ndarray, shape (terms,)
        Covered share of the pixel, 1 inside.
    starts : ndarray of int, shape (channels,)
        First term of each channel.
    ends, seconds : ndarray of int, shape (channels, 2)
        Terms of the end pixels, and of those next to them.
    particle : ndarray of str, shape (channels,)
        Name of the particle.
    position : ndarray, shape (channels,)
        Across the channels, um.
    length, length_std : ndarray, shape (channels,)
        nm.
    pixels : ndarray of int, shape (channels,)
        Number of pixels.
    step : ndarray, shape (channels,)
        Length per pixel, nm.
    cut : ndarray of bool, shape (channels,)
        Whether the picture ends before the channel does.
    """

    pixel: np.ndarray
    weight: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    seconds: np.ndarray
    particle: np.ndarray
    position: np.ndarray
    length: np.ndarray
    length_std: np.ndarray
    pixels: np.ndarray
    step: np.ndarray
    cut: np.ndarray


def channel_lines(
    labels: xr.DataArray, names: Mapping[int, str], amount: np.ndarray | None, options: ChannelOptions
) -> tuple[Lines, dict[str, float]]:
    """Put the pixels of every particle into channels; return them and the axis of every particle, degrees.

    Parameters
    ----------
    labels : DataArray of int, shape (y, x)
        Particle numbers.
    names : mapping of int to str
        Name of every particle number.
    amount : ndarray or None, shape (y, x)
        Amount of material; tells how much of the end pixels is covered.
    options : ChannelOptions
        Direction and least length.

    Raises
    ------
    AnalysisError
        If no channel is long enough.
    OptionError
        If a direction is given for an unknown particle.
    """
    unknown = sorted(set(options.axes) - set(names.values()))
    if unknown:
        raise OptionError("a direction is given for an unknown particle", field="axes", value=unknown)
    y, x = (np.asarray(labels[dim].values, dtype=float) for dim in ("y", "x"))
    spacing = (1e3 * abs(y[1] - y[0]), 1e3 * abs(x[1] - x[0]))
    parts, axes = [], {}
    for number, name in names.items():
        grid = Grid(labels.values == number, spacing)
        angle = options.axes.get(name, options.axis if options.axis is not None else across_long_axis(grid))
        axes[name] = float(angle)
        found = _of_particle(find_channels(grid, angle), name, labels.values, amount, options)
        if found is not None:
            parts.append(found)
    if not parts:
        raise AnalysisError(
            "no channel is long enough",
            field="min_pixels",
            value=options.min_pixels,
            remedy="check the axis and the pixel size, or lower min_pixels",
        )
    offset = np.cumsum([0, *(len(part.pixel) for part in parts[:-1])])
    moved = [
        part._replace(starts=part.starts + first, ends=part.ends + first, seconds=part.seconds + first)
        for part, first in zip(parts, offset, strict=True)
    ]
    return Lines(*(np.concatenate(columns) for columns in zip(*moved, strict=True))), axes


def across_long_axis(grid: Grid) -> float:
    """Return the direction across the long axis of the particle, degrees from +x towards +y, in [0, 180)."""
    place = grid.positions - grid.positions.mean(axis=0)
    along = np.linalg.eigh(place.T @ place)[1][:, 0]
    return float(np.rad2deg(np.arctan2(along[0], along[1])) % 180)


def _of_particle(
    found: Channels, name: str, label: np.ndarray, amount: np.ndarray | None, options: ChannelOptions
) -> Lines | None:
    kept = np.flatnonzero(found.pixel_count >= options.min_pixels)
    if not len(kept):
        return None
    count = found.pixel_count[kept]
    starts = np.cumsum(count) - count
    terms = np.concatenate(
        [found.order[first : first + size] for first, size in zip(found.starts[kept], count, strict=True)]
    )
    pixel = found.grid.flat[terms]
    weight = np.ones(len(pixel))
    length, error = count * found.step, _MASK_ERROR
    if amount is not None:
        covered = _covered(found, kept, label, amount)
        inside = np.repeat(covered.plateau, count)
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.clip(np.nan_to_num(amount.ravel()[pixel] / inside, nan=1.0), 0.05, 1.0)
        known = np.isfinite(covered.pixels)
        length = np.where(known, covered.pixels, count) * found.step
        error = _AMOUNT_ERROR
    error = error if options.end_error is None else options.end_error
    ends = np.stack([starts, starts + count - 1], axis=1)
    return Lines(
        pixel=pixel,
        weight=weight,
        starts=starts,
        ends=ends,
        seconds=ends + np.array([1, -1]),
        particle=np.full(len(kept), name),
        position=found.position[kept] * 1e-3,
        length=np.asarray(length, dtype=float),
        length_std=np.full(len(kept), 2**0.5 * error * found.step),
        pixels=count,
        step=np.full(len(kept), found.step),
        cut=np.asarray(found.cut[kept].any(axis=1)),
    )


class _Covered(NamedTuple):
    pixels: np.ndarray  # length of the channel in pixels, by the amount of material
    plateau: np.ndarray  # amount where the channel is whole


def _covered(found: Channels, kept: np.ndarray, label: np.ndarray, amount: np.ndarray) -> _Covered:
    """Length of channels by the amount of material: blur moves material across an end, and none is lost."""
    pixels, plateau = np.full((2, len(kept)), np.nan)
    own = label.ravel()[found.grid.flat[0]]
    flat_amount, flat_label = amount.ravel(), label.ravel()
    for row, channel in enumerate(kept):
        inside = found.grid.flat[found.order[found.starts[channel] :][: found.pixel_count[channel]]]
        values = flat_amount[inside]
        deep = values[_BEYOND:-_BEYOND] if len(values) > 2 * _BEYOND else values[len(values) // 2 :][:1]
        level = float(np.nanmean(deep)) if np.isfinite(deep).any() else float("nan")
        outer = _outer(found, int(channel), label.shape)
        beyond = outer[(flat_label[outer] == 0) | (flat_label[outer] == own)]
        rim = np.concatenate([values[:_BEYOND], values[-_BEYOND:], flat_amount[beyond]]) if len(values) >= 5 else None
        plateau[row] = level
        if level > 0:
            edge = np.nansum(rim) if rim is not None else np.nansum([*values, *flat_amount[beyond]])
            pixels[row] = edge / level + (max(len(values) - 2 * _BEYOND, 0) if rim is not None else 0)
    return _Covered(pixels, plateau)


def _outer(found: Channels, channel: int, shape: tuple[int, ...]) -> np.ndarray:
    """Flat places of the pixels that continue a channel beyond both of its ends, within the picture."""
    ends = found.grid.pixels[found.ends[channel]][:, found.along]
    low, high = int(ends.min()), int(ends.max())
    position = np.array([*range(low - _BEYOND, low), *range(high + 1, high + 1 + _BEYOND)])
    shift = line_shift(position, found.direction / np.asarray(found.grid.spacing), found.along)
    across = found.line[channel] - shift
    place = np.insert(across, found.along, position, axis=1)
    inside = ((place >= 0) & (place < np.array(shape))).all(axis=1)
    return np.asarray(np.ravel_multi_index(tuple(place[inside].T), shape))
