"""Shapes as signed distances, positive inside, on grids made to fit them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.geometry.checks import Spacing, check_spacing

Rotation = float | Sequence[float] | np.ndarray
"""Degrees from +x towards +y in two dimensions; in three a rotation vector in index order (z, y, x), its length in
degrees, right-handed in (x, y, z); or a matrix whose columns are the shape's own axes in index order."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A shape on a grid, ready for `smoothed(shape.distance, shape.spacing)` or `pixels(shape.distance > 0, ...)`.

    Parameters
    ----------
    distance : array, shape ((z), y, x)
        Signed distance of the cell centres to the surface, positive inside, nm.
    spacing : tuple of float
        Distance of the cell centres, nm.
    origin : tuple of float
        Place of the first cell's centre, nm: from the centre of the shape, or in the coordinates of an outline.
    """

    distance: np.ndarray
    spacing: tuple[float, ...]
    origin: tuple[float, ...]


def ellipsoid(
    radii: Sequence[float],
    spacing: Spacing,
    *,
    rotation: Rotation | None = None,
    offset: Sequence[float] | None = None,
    padding: float | None = None,
) -> Shape:
    """Return an ellipsoid or, with two radii, an ellipse; equal radii make a sphere or a disc.

    Parameters
    ----------
    radii : sequence of float
        Half axes in index order ((z), y, x), nm.
    spacing : float or sequence of float
        Distance of the cell centres, nm.
    rotation : float, vector or matrix, optional
        Turns the shape.
    offset : sequence of float, optional
        Place of its centre from the middle of the grid, nm.
    padding : float, optional
        Room around the shape, nm; four cells by default.

    Returns
    -------
    Shape
        Exact distance (Eberly, Distance from a point to an ellipse or ellipsoid, 2013).
    """
    half = _lengths("radii", radii)
    turn = _matrix(rotation, half.size)
    place = _places(np.sqrt((turn**2) @ half**2), spacing, offset, padding)
    own = np.abs(place.points @ turn) + 1e-9 * half.min()
    return place.shape(_to_ellipsoid(own, half))


def box(
    lengths: Sequence[float],
    spacing: Spacing,
    *,
    rounding: float = 0.0,
    rotation: Rotation | None = None,
    offset: Sequence[float] | None = None,
    padding: float | None = None,
) -> Shape:
    """Return a box, such as a platelet, with edges rounded with a radius; the parameters are those of `ellipsoid`.

    Parameters
    ----------
    lengths : sequence of float
        Edges in index order ((z), y, x), nm.
    spacing, rotation, offset, padding
        As for `ellipsoid`.
    rounding : float
        Radius of the rounded edges, nm; at most half the shortest edge.

    Returns
    -------
    Shape
        Exact distance.
    """
    half = _lengths("lengths", lengths) / 2
    radius = _rounding(rounding, half.min())
    turn = _matrix(rotation, half.size)
    place = _places(np.abs(turn) @ half, spacing, offset, padding)
    return place.shape(_rounded(np.abs(place.points @ turn) - half, radius))


def cylinder(
    radius: float,
    length: float,
    spacing: Spacing,
    *,
    rounding: float = 0.0,
    rotation: Rotation | None = None,
    offset: Sequence[float] | None = None,
    padding: float | None = None,
) -> Shape:
    """Return a cylinder with flat ends, its axis along z before it is turned.

    Parameters
    ----------
    radius, length : float
        nm.
    spacing, rotation, offset, padding
        As for `ellipsoid`.
    rounding : float
        Radius of the rounded rims, nm; at most the radius and half the length.

    Returns
    -------
    Shape
        Exact distance.
    """
    around, half = _lengths("radius", [radius])[0], _lengths("length", [length])[0] / 2
    rim = _rounding(rounding, min(around, half))
    turn = _matrix(rotation, 3)
    reach = half * np.abs(turn[:, 0]) + around * np.sqrt(np.maximum(1 - turn[:, 0] ** 2, 0))
    place = _places(reach, spacing, offset, padding)
    own = place.points @ turn
    beyond = np.stack([np.abs(own[..., 0]) - half, np.hypot(own[..., 1], own[..., 2]) - around], axis=-1)
    return place.shape(_rounded(beyond, rim))


def polygon(
    rings: np.ndarray | Sequence[np.ndarray],
    spacing: Spacing,
    *,
    rotation: Rotation | None = None,
    padding: float | None = None,
) -> Shape:
    """Return the inside of an outline measured from an image.

    Parameters
    ----------
    rings : array of shape (points, 2), or a list of them
        Vertices (y, x) in um, as `particles.outline` gives them: the outline, then its holes if any. Whether the last
        point repeats the first makes no difference.
    spacing : float or sequence of float
        Distance of the cell centres, nm.
    rotation : float or matrix, optional
        Turns the outline about the middle of its bounding box.
    padding : float, optional
        Room around the outline, nm; four cells by default.

    Returns
    -------
    Shape
        Exact distance to the outline; `origin` is in the coordinates of the outline, before it was turned.
    """
    turn = _matrix(rotation, 2)
    listed = [rings] if isinstance(rings, np.ndarray) else list(rings)
    points = [1000.0 * np.asarray(ring, dtype=float) for ring in listed]
    usable = [
        one.ndim == 2 and one.shape[1:] == (2,) and len(one) >= 3 and bool(np.isfinite(one).all()) for one in points
    ]
    if not points or not all(usable):
        raise OptionError(
            "an outline cannot be read",
            field="rings",
            value=[one.shape for one in points],
            limit="at least three finite vertices (y, x) in um for each ring",
        )
    every = np.concatenate(points)
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    turned = [(one - middle) @ turn.T for one in points]
    every = np.concatenate(turned)
    shift = (every.min(axis=0) + every.max(axis=0)) / 2
    place = _places(np.ptp(every, axis=0) / 2, spacing, None, padding)
    shape = place.shape(_to_rings(place.points + shift, turned))
    return Shape(shape.distance, shape.spacing, tuple(float(one) for one in np.array(shape.origin) + shift + middle))


def extrude(outline: Shape, thickness: float, *, rounding: float = 0.0, padding: float | None = None) -> Shape:
    """Return a platelet of even thickness with the outline of a shape of two dimensions.

    Parameters
    ----------
    outline : Shape
        Of two dimensions, such as a `polygon`.
    thickness : float
        Along z, nm. The cells along z are as long as those along y.
    rounding : float
        Radius with which the upper and lower edges are rounded, nm; at most half the thickness.
    padding : float, optional
        Room above and below, nm; four cells by default.

    Returns
    -------
    Shape
        Of three dimensions; z counts from the middle of the platelet.
    """
    if outline.distance.ndim != 2:
        raise OptionError("only a flat outline can be made thick", field="outline", value=outline.distance.shape)
    half = _lengths("thickness", [thickness]) / 2
    radius = _rounding(rounding, float(half[0]))
    step = outline.spacing[0]
    z = _places(half, step, None, 4 * max(outline.spacing) if padding is None else padding).points[:, 0]
    flat = np.broadcast_to(-outline.distance, (z.size, *outline.distance.shape))
    above = np.broadcast_to(np.abs(z)[:, None, None] - half[0], flat.shape)
    return Shape(_rounded(np.stack([above, flat], axis=-1), radius), (step, *outline.spacing), (z[0], *outline.origin))


@dataclass(frozen=True, eq=False)
class _Places:
    """Places of the cell centres from the centre of a shape, nm (..., axes)."""

    points: np.ndarray
    spacing: tuple[float, ...]

    def shape(self, distance: np.ndarray) -> Shape:
        """Return the shape with this distance at these places."""
        first = self.points[(0,) * (self.points.ndim - 1)]
        return Shape(distance, self.spacing, tuple(float(one) for one in first))


def _places(reach: np.ndarray, spacing: Spacing, offset: Sequence[float] | None, padding: float | None) -> _Places:
    """Return the cell centres of a grid that holds a shape of this reach with room around it."""
    steps = np.array(check_spacing(spacing, reach.size))
    room = 4 * steps.max() if padding is None else float(padding)
    if not 0 <= room < np.inf:
        raise OptionError(
            "the room around the shape cannot be used", field="padding", value=padding, limit="0 or more nm"
        )
    away = np.zeros(reach.size) if offset is None else np.asarray(offset, dtype=float)
    if away.shape != reach.shape or not np.all(np.isfinite(away)):
        raise OptionError(
            "the place of the centre cannot be used", field="offset", value=offset, limit=f"{reach.size} numbers in nm"
        )
    # Round-off in a rotation must not add a row.
    counts = np.ceil(2 * (reach + np.abs(away) + room) / steps - 1e-6).astype(int)
    if np.prod(counts.astype(float)) > 3e8:
        raise OptionError(
            "the grid of this shape would be too large",
            field="spacing",
            value=spacing,
            limit="3e8 cells",
            remedy="lengths and spacing are in nm, outlines in um",
        )
    lines = [
        (np.arange(count) - (count - 1) / 2) * step - one for count, step, one in zip(counts, steps, away, strict=True)
    ]
    return _Places(np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1), tuple(float(step) for step in steps))


def _lengths(name: str, values: Sequence[float]) -> np.ndarray:
    lengths = np.asarray(values, dtype=float)
    if lengths.ndim != 1 or lengths.size > 3 or not np.all((lengths > 0) & np.isfinite(lengths)):
        raise OptionError("a length cannot be used", field=name, value=values, limit="positive numbers in nm")
    return lengths


def _rounding(rounding: float, most: float) -> float:
    if not 0 <= rounding <= most * (1 + 1e-12):
        raise OptionError("the edges cannot be rounded so", field="rounding", value=rounding, limit=f"0 to {most:g} nm")
    return float(rounding)


def _matrix(rotation: Rotation | None, ndim: int) -> np.ndarray:
    """Return the rotation as a matrix whose columns are the shape's own axes in index order."""
    if rotation is None:
        return np.eye(ndim)
    value = np.asarray(rotation, dtype=float)
    if value.ndim == 0 and ndim == 2:
        cos, sin = np.cos(np.deg2rad(value)), np.sin(np.deg2rad(value))
        return np.array([[cos, sin], [-sin, cos]])
    if value.shape == (3,) and ndim == 3 and np.all(np.isfinite(value)):
        from scipy.spatial.transform import Rotation as Turn

        return np.asarray(Turn.from_rotvec(value[::-1], degrees=True).as_matrix()[::-1, ::-1])
    if value.shape != (ndim, ndim) or not np.allclose(value.T @ value, np.eye(ndim), atol=1e-6):
        raise OptionError(
            "the rotation cannot be used",
            field="rotation",
            value=rotation,
            limit="degrees, or a matrix with perpendicular axes" if ndim == 2 else "a vector in degrees, or a matrix",
        )
    return value


def _rounded(beyond: np.ndarray, radius: float) -> np.ndarray:
    """Return the signed distance from how far a point lies beyond each pair of sides; edges rounded."""
    outer = beyond + radius
    outside = np.linalg.norm(np.maximum(outer, 0.0), axis=-1)
    return np.asarray(radius - outside - np.minimum(outer.max(axis=-1), 0.0))


def _to_ellipsoid(points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return the signed distance of points of the first octant (or quadrant) by bisection for the foot point."""
    if np.all(half == half[0]):
        return np.asarray(half[0] - np.linalg.norm(points, axis=-1))
    smallest = int(np.argmin(half))
    low = -(half[smallest] ** 2) + half[smallest] * points[..., smallest]
    high = -(half[smallest] ** 2) + np.linalg.norm(points * half, axis=-1)
    for _ in range(60):
        guess = (low + high) / 2
        beyond = np.sum((half * points / (guess[..., None] + half**2)) ** 2, axis=-1) > 1
        low, high = np.where(beyond, guess, low), np.where(beyond, high, guess)
    foot = half**2 * points / (high[..., None] + half**2)
    inside = np.sum((points / half) ** 2, axis=-1) < 1
    return np.where(inside, 1.0, -1.0) * np.linalg.norm(points - foot, axis=-1)


def _to_rings(points: np.ndarray, rings: Sequence[np.ndarray]) -> np.ndarray:
    """Return the signed distance to closed rings; inside is where a ray crosses them an odd number of times."""
    nearest = np.full(points.shape[:-1], np.inf)
    inside = np.zeros(points.shape[:-1], bool)
    y, x = points[..., 0], points[..., 1]
    for ring in rings:
        for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            side = end - start
            square = float(side @ side)
            if square == 0:
                continue
            along = np.clip(((points - start) @ side) / square, 0, 1)
            nearest = np.minimum(nearest, np.hypot(y - start[0] - along * side[0], x - start[1] - along * side[1]))
            if side[0] != 0:
                crosses = (start[0] > y) != (end[0] > y)
                inside ^= crosses & (x < start[1] + side[1] * (y - start[0]) / side[0])
    return np.where(inside, nearest, -nearest)
