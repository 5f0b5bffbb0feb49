"""What pairs of frames share: the pixels of one box, and all that the fit needs of both frames there."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from lithiscope.frames.kernels.pictures import box_length, inner_mean, never_zero
from lithiscope.frames.kernels.splines import AFTER, BEFORE, Box
from lithiscope.frames.kernels.templates import EDGE, Noise, Plane, Template

Arrays = TypeVar("Arrays", bound=tuple[Any, ...])

_FEWEST = 16


class Fitting(NamedTuple):
    """How pairs are fitted; the same for all pairs of a stack.

    Parameters
    ----------
    gain_width : float or None
        Window of the local gain, pixels; None for a global gain.
    affine : bool
        Whether the linear part is fitted too.
    noise : Noise
        Of the smoothing of the templates.
    signal_pass : float
        Share of white noise that reaches the normal equations.
    """

    gain_width: float | None
    affine: bool
    noise: Noise
    signal_pass: float


class Area(NamedTuple):
    """The pixels on which pairs are compared.

    Parameters
    ----------
    box : tuple of (first, one past last)
        Pixels of the template where moving frames are sampled: the compared ones, and the window of the local gain.
    centre : (axes,) array
        Of the whole picture, pixels.
    basis : (basis, pixels) array
        One, and for an affine map the coordinates from the centre in units of its distance from the edge.
    squares : (basis * basis, pixels) array
        All products of two of the basis.
    """

    box: Box
    centre: Float[np.ndarray, " axes"]
    basis: Float[np.ndarray, "basis pixels"]
    squares: Float[np.ndarray, "squares pixels"]


class Problem(NamedTuple):
    """Templates and moving frames on the pixels of one box.

    Parameters
    ----------
    area : Area
        The same for all pairs.
    base : (pairs, axes) array
        Whole pixels by which the box is displaced in the moving frame.
    coefficient : (pairs, ...) array
        Of the moving frame: a window about the displaced box, or for an affine map all of it.
    value : (pairs, *box) array
        Of the template, zero where that is not shared.
    power : (pairs, ...) array or None
        Local mean of its square on the compared pixels; None with a global gain.
    design : (pairs, parameters, pixels) array
        What each parameter does to a frame of gain 1: motion, and with a global gain also offset and gain.
    still, moved : (pairs, planes, pixels) array
        Planes of both frames up to the value, those of the moving one at the displaced box.
    weight : (pairs, pixels) array
        Zero outside what the two frames share.
    sampled : (pairs,) array
        How many have weight, of those pixels that are used for a median.
    """

    area: Area
    base: Float[np.ndarray, "pairs axes"]
    coefficient: Float[np.ndarray, "pairs ..."]
    value: Float[np.ndarray, "pairs ..."]
    power: Float[np.ndarray, "pairs ..."] | None
    design: Float[np.ndarray, "pairs parameters pixels"]
    still: Float[np.ndarray, "pairs planes pixels"]
    moved: Float[np.ndarray, "pairs planes pixels"]
    weight: Float[np.ndarray, "pairs pixels"]
    sampled: Int[np.ndarray, " pairs"]


def some_of(arrays: Arrays, chosen: Bool[np.ndarray, " pairs"]) -> Arrays:
    """Return a named tuple of arrays with the chosen pairs only; what is no array is the same for all pairs."""
    if chosen.all():
        return arrays
    return type(arrays)(*(part[chosen] if isinstance(part, np.ndarray) else part for part in arrays))


def overlap(
    template: list[Template], moving: list[Template], shift: Float[np.ndarray, "pairs axes"], fitting: Fitting
) -> tuple[Problem | None, Int[np.ndarray, " kept"]]:
    """Return what pairs of frames share when the moving ones lie at about `shift`, and which pairs share enough."""
    shape = np.array(template[0].coefficient.shape)
    whole = np.round(shift).astype(int)
    low, high = np.maximum(EDGE, EDGE - whole), np.minimum(shape, shape - whole) - EDGE
    kept = np.flatnonzero(np.all(high - low >= 2, axis=1))
    if not kept.size:
        return None, kept
    problem = _problem(
        [template[k] for k in kept], [moving[k] for k in kept], whole[kept], low[kept], high[kept], fitting
    )
    enough = np.count_nonzero(problem.weight, axis=1) >= _FEWEST
    return some_of(problem, enough) if enough.any() else None, kept[enough]


def _problem(
    template: list[Template],
    moving: list[Template],
    whole: Int[np.ndarray, "pairs axes"],
    low: Int[np.ndarray, "pairs axes"],
    high: Int[np.ndarray, "pairs axes"],
    fitting: Fitting,
) -> Problem:
    """Return what pairs share: moving frames that lie `whole` pixels away overlap templates from `low` to `high`."""
    local, axes = fitting.gain_width is not None, whole.shape[1]
    reach = box_length(fitting.gain_width) - 1 if fitting.gain_width is not None else 0
    # Pixels count where the window of the local gain lies in both frames; unless nothing would be left.
    rim = np.where(high - low > 2 * reach + 4, reach, 0)
    # One box for all; where it is larger than what a pair shares, that pair has no weight.
    first, last = (low + rim).min(axis=0), (high - rim).max(axis=0)
    area = _area(first, last, reach, template[0].coefficient.shape, fitting.affine)
    still = _windows([one.planes for one in template], first + 0 * whole, last - first)
    moved = _windows([two.planes[: Plane.GRADIENT] for two in moving], first + whole, last - first)
    weight = still[:, Plane.WEIGHT] * moved[:, Plane.WEIGHT]
    _cut(weight, low + rim - first, high - rim - first)
    outer = first - reach, last - first + 2 * reach
    value = _windows([one.planes[Plane.VALUE] for one in template], outer[0] + 0 * whole, outer[1])
    power = still[:, -1] if local else None
    if fitting.gain_width is not None and not rim.all():
        _cut(value, low - outer[0], high - outer[0])
        power = never_zero(inner_mean(value * value, fitting.gain_width))
    coefficient = [two.coefficient for two in moving]
    around = outer[0] + whole - BEFORE, outer[1] + BEFORE + AFTER
    still, moved, weight = (array.reshape(*array.shape[:-axes], -1) for array in (still, moved, weight))
    return Problem(
        area=area,
        base=whole.astype(float),
        coefficient=np.stack(coefficient) if fitting.affine else _windows(coefficient, *around),
        value=value,
        power=power,
        design=_design(still, area, tone=not local),
        still=still[:, : Plane.WEIGHT],
        moved=moved[:, : Plane.WEIGHT],
        weight=weight,
        sampled=np.count_nonzero(weight[:, :: stride(weight.shape[1])], axis=1),
    )


def stride(size: int) -> int:
    """Return which share of the pixels is enough for a median or a correlation: about 8000 of them."""
    return max(size // 8192, 1)


def _windows(
    pictures: list[Float[np.ndarray, "*shape"]], first: Int[np.ndarray, "pairs axes"], size: Int[np.ndarray, " axes"]
) -> Float[np.ndarray, "pairs ..."]:
    """Return a window of each picture; beyond the edges it has ones, which divide well."""
    axes, shape = len(size), pictures[0].shape
    beyond = int(max(-first.min(), np.max(first + size - shape[-axes:]), 0))
    if beyond:
        inner = (..., *[slice(beyond, -beyond)] * axes)
        padded = np.ones((len(pictures), *shape[:-axes], *(n + 2 * beyond for n in shape[-axes:])), np.float32)
        for wide, picture in zip(padded, pictures, strict=True):
            wide[inner] = picture
        pictures = [*padded]
    windows = np.empty((len(pictures), *shape[:-axes], *size.tolist()), dtype=np.float32)
    starts, stops = (first + beyond).tolist(), (first + beyond + size).tolist()
    for window, picture, start, stop in zip(windows, pictures, starts, stops, strict=True):
        index: tuple[Any, ...] = (..., *map(slice, start, stop))
        window[...] = picture[index]
    return windows


def _cut(
    pictures: Float[np.ndarray, "pairs ..."], low: Int[np.ndarray, "pairs axes"], high: Int[np.ndarray, "pairs axes"]
) -> None:
    """Set pictures to zero, in place, outside boxes of their own."""
    for axis, length in enumerate(pictures.shape[1:]):
        at = np.arange(length)
        inside = (at >= low[:, axis, None]) & (at < high[:, axis, None])
        if not inside.all():
            pictures *= inside.reshape(len(inside), *[length if k == axis else 1 for k in range(pictures.ndim - 1)])


def _area(
    first: Int[np.ndarray, " axes"],
    last: Int[np.ndarray, " axes"],
    reach: int,
    shape: tuple[int, ...],
    affine: bool,
) -> Area:
    centre = (np.array(shape) - 1) / 2
    basis = [np.ones(last - first)]
    if affine:
        grid = np.meshgrid(*map(np.arange, first, last), indexing="ij")
        basis += [(at - c) / max(c, 1.0) for at, c in zip(grid, centre, strict=True)]
    flat = np.stack(basis).reshape(len(basis), -1).astype(np.float32)
    box = tuple(zip((first - reach).tolist(), (last + reach).tolist(), strict=True))
    return Area(box, centre, flat, (flat[:, None] * flat).reshape(-1, flat.shape[1]))


def _design(
    still: Float[np.ndarray, "pairs planes pixels"], area: Area, *, tone: bool
) -> Float[np.ndarray, "pairs parameters pixels"]:
    axes = len(area.box)
    gradient = still[:, Plane.GRADIENT : Plane.GRADIENT + axes]
    if len(area.basis) > 1:
        gradient = (area.basis[:, None] * gradient[:, None]).reshape(len(still), -1, still.shape[2])
    if not tone:
        return gradient
    value = still[:, Plane.VALUE]
    rows = np.stack([np.ones_like(value), value - value.mean(axis=1, keepdims=True)], axis=1)
    return np.concatenate([gradient, rows], axis=1)
