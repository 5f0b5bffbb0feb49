"""Ellipses and polygons fitted to edges, many edges at once; pictures of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from lithiscope.kinetics.kernels.directions import axial_difference

_FINER = 5  # points along a pixel, for the share of it that a shape covers
_STEPS = 40
Residual = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Edges(NamedTuple):
    """Edges as points with weights; rows are padded with points of weight 0.

    Attributes
    ----------
    points : ndarray, shape (rows, points, 2)
        Places (x, y), um.
    weight : ndarray, shape (rows, points)
        Length of edge that each stands for; every row sums to 1.
    """

    points: Float[np.ndarray, "rows points 2"]
    weight: Float[np.ndarray, "rows points"]


def from_ellipse(ellipse: Float[np.ndarray, "rows 5"], points: Float[np.ndarray, "rows points 2"]) -> np.ndarray:
    """Distance from ellipses (centre x, y, ln of the half axes, direction of the first), positive outside.

    The distance is that of first order (Sampson 1982), exact on the ellipse.
    """
    away = points - ellipse[:, None, :2]
    cos, sin = np.cos(ellipse[:, 4:]), np.sin(ellipse[:, 4:])
    u, v = away[..., 0] * cos + away[..., 1] * sin, away[..., 1] * cos - away[..., 0] * sin
    a, b = np.exp(ellipse[:, 2:3]), np.exp(ellipse[:, 3:4])
    level = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    slope = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2) / np.maximum(level, 1e-9)
    return np.asarray((level - 1) / np.maximum(slope, 1e-9))


def from_polygon(
    offsets: Float[np.ndarray, "rows sides"], points: Float[np.ndarray, "rows points 2"], angles: np.ndarray
) -> np.ndarray:
    """Distance from polygons of which every side has a stated direction and an opposite one, positive outside.

    Parameters
    ----------
    offsets : ndarray, shape (rows, 2 facets)
        Distances of the sides from the origin along their outward normals, first those at +90 degrees.
    points : ndarray, shape (rows, points, 2)
        Places.
    angles : ndarray, shape (facets,)
        Directions of the sides, degrees.
    """
    turn = np.deg2rad(angles + 90)
    normal = np.stack([np.cos(turn), np.sin(turn)])
    along = points @ np.concatenate([normal, -normal], axis=1)
    return np.asarray((along - offsets[:, None, :]).max(axis=2))


def fit_ellipses(edges: Edges, smallest: float, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the best ellipses (rows, 5) with half axes between two limits, um, and their root mean square misfits."""
    centre, spread = _moments(edges)
    # Of a ring, the variance along an axis is half of the axis squared.
    size, axes = np.linalg.eigh(spread)
    half = np.sqrt(2 * np.maximum(size, 1e-12))
    turn = np.arctan2(axes[:, 1, 1], axes[:, 0, 1])
    limits = (
        np.array([[-np.inf] * 2 + [np.log(smallest)] * 2 + [-np.inf]]),
        np.array([[np.inf] * 2 + [np.log(largest)] * 2 + [np.inf]]),
    )
    found = []
    for stretch in (1.0, 1.6):  # of an arc, the ring through its moments is too small
        start = np.column_stack([centre, np.log(half[:, 1] * stretch), np.log(half[:, 0] * stretch), turn])
        found.append(_least_squares(from_ellipse, start, edges, *limits))
    return _best(found)


def fit_polygons(edges: Edges, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the best offsets (rows, 2 facets) of polygons with sides along `angles`, and their misfits."""
    turn = np.deg2rad(angles + 90)
    normal = np.stack([np.cos(turn), np.sin(turn)])
    along = edges.points @ np.concatenate([normal, -normal], axis=1)
    known = edges.weight[..., None] > 0
    found = []
    for share in (0.98, 0.85):
        start = np.nanquantile(np.where(known, along, np.nan), share, axis=1)
        free = np.full((1, start.shape[1]), np.inf)
        found.append(_least_squares(lambda p, points: from_polygon(p, points, angles), start, edges, -free, free))
    return _best(found)


def _moments(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    centre = np.einsum("rp,rpi->ri", edges.weight, edges.points)
    away = edges.points - centre[:, None]
    return centre, np.einsum("rp,rpi,rpj->rij", edges.weight, away, away)


def _best(found: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    best = np.argmin(np.stack([value for _, value in found]), axis=0)
    rows = np.arange(len(best))
    return np.stack([p for p, _ in found])[best, rows], np.sqrt(np.stack([v for _, v in found])[best, rows])


def _least_squares(
    residual: Residual, start: np.ndarray, edges: Edges, lowest: np.ndarray, highest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Levenberg and Marquardt's steps for all rows at once; return parameters and weighted mean squares."""
    scale = np.sqrt(np.einsum("rii->r", _moments(edges)[1]))[:, None] + 1e-9
    root = np.sqrt(edges.weight)
    at = np.clip(start, lowest, highest)
    miss = root * residual(at, edges.points)
    value = (miss**2).sum(axis=1)
    damping = np.full(len(at), 1e-2)
    size = at.shape[1]
    for _ in range(_STEPS):
        slopes = np.empty((*miss.shape, size))
        for k in range(size):
            moved = at.copy()
            moved[:, k] += 1e-5 * scale[:, 0]
            slopes[..., k] = (root * residual(moved, edges.points) - miss) / (1e-5 * scale)
        normal = np.einsum("rpi,rpj->rij", slopes, slopes)
        lift = damping[:, None] * np.einsum("rii->ri", normal) + 1e-9
        move = np.linalg.solve(
            normal + lift[..., None] * np.eye(size), np.einsum("rpi,rp->ri", slopes, miss)[..., None]
        )
        trial = np.clip(at - np.clip(move[..., 0], -0.5, 0.5), lowest, highest)
        again = root * residual(trial, edges.points)
        better = (again**2).sum(axis=1) < value
        done = better & (value - (again**2).sum(axis=1) < 1e-5 * value)
        at[better], miss[better] = trial[better], again[better]
        value = (miss**2).sum(axis=1)
        damping = np.clip(np.where(better, damping / 4, damping * 6), 1e-8, 1e8)
        if np.all(done | (damping > 1e6)):
            break
    return at, value


def covered(
    outside: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int], spacing: tuple[float, float], blur: float
) -> Float[np.ndarray, "y x"]:
    """Share of every pixel that a shape covers, blurred by a Gaussian.

    Parameters
    ----------
    outside : callable
        (1, points, 2) -> distance (1, points), positive outside.
    shape : tuple of int
        Of the picture.
    spacing : tuple of float
        Distance of the pixels along y and x, um.
    blur : float
        Standard deviation of the Gaussian, um.
    """
    from scipy.ndimage import gaussian_filter

    margin = 3 + int(np.ceil(3 * blur / min(spacing)))
    rows, columns = (size + 2 * margin for size in shape)
    y = (np.arange(rows * _FINER) + 0.5) / _FINER - 0.5 - margin
    x = (np.arange(columns * _FINER) + 0.5) / _FINER - 0.5 - margin
    places = np.stack(np.broadcast_arrays(x[None, :] * spacing[1], y[:, None] * spacing[0]), axis=-1)
    point = min(spacing) / _FINER
    inside = np.clip(0.5 - outside(places.reshape(1, -1, 2))[0] / point, 0.0, 1.0).reshape(len(y), len(x))
    smooth = gaussian_filter(inside, [_FINER * blur / step for step in spacing])
    means = smooth.reshape(rows, _FINER, columns, _FINER).mean(axis=(1, 3))
    return np.asarray(means[margin:-margin, margin:-margin])


class Parallel(NamedTuple):
    """Share of an edge along the facets; its mean over all orientations; the share of these that lie as near."""

    share: float
    random: float
    p_value: float


def parallel_share(
    direction: Float[np.ndarray, " pieces"],
    length: Float[np.ndarray, " pieces"],
    facets: Float[np.ndarray, " facets"],
    tolerance: float,
) -> Parallel:
    """Compare the directions of an edge with those of the facets, as it lies and turned to every degree.

    The probability is that of a mean angle to the nearest facet as small, because the share hardly changes while the
    edge turns within the tolerance.

    Parameters
    ----------
    direction, length : ndarray, shape (pieces,)
        Degrees, and um.
    facets : ndarray, shape (facets,)
        Directions, degrees.
    tolerance : float
        Largest difference that counts as parallel, degrees.

    Examples
    --------
    >>> square = parallel_share(np.array([0.0, 90.0]), np.ones(2), np.array([0.0, 90.0]), 15.0)
    >>> square.share, round(square.random, 2)
    (1.0, 0.34)
    """
    turned = direction[None, :] + np.arange(180.0)[:, None]
    near = np.min([np.abs(axial_difference(turned, float(facet))) for facet in facets], axis=0)
    shares, off = (near <= tolerance) @ length / length.sum(), near @ length
    return Parallel(float(shares[0]), float(shares.mean()), float(np.mean(off <= off[0] * (1 + 1e-12))))


def outline_share(
    mask: Bool[np.ndarray, "y x"], spacing: tuple[float, float], facets: np.ndarray, tolerance: float
) -> float:
    """Share of the outline of a particle that runs along the facets."""
    from scipy.ndimage import gaussian_filter

    wide = gaussian_filter(np.pad(mask.astype(float), 8), 2.0)
    gy, gx = np.gradient(wide, *spacing)
    size = np.hypot(gy, gx).ravel()
    angle = np.rad2deg(np.arctan2(gy, gx)).ravel() + 90
    near = np.min([np.abs(axial_difference(angle, float(facet))) for facet in facets], axis=0)
    return float(size[near <= tolerance].sum() / size.sum())
