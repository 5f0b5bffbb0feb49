"""Particles with a smoothed boundary: the share of a cell inside changes over a few cells, so that no step is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.geometry.cells import Geometry, ParticleNumbers
from lithiscope.phasefield.geometry.checks import (
    Periodic,
    Spacing,
    check_label,
    check_mask,
    check_periodic,
    check_spacing,
)
from lithiscope.phasefield.geometry.distances import inward_normals, mask_distance, sharp_measures, slopes
from lithiscope.phasefield.geometry.facets import Facets, Weight, as_weight, check_reacting


def smoothed(
    distance: np.ndarray,
    spacing: Spacing,
    *,
    width: float | None = None,
    cut: float = 0.01,
    label: np.ndarray | None = None,
    periodic: Periodic = False,
    facets: Facets | Mapping[str, Any] | Weight | None = None,
) -> Geometry:
    """Return a particle, or several, with a smoothed boundary psi = (1 + tanh(d/width))/2.

    The reacting area of a cell is n . grad psi, taken from the very faces through which lithium diffuses, so that a
    uniform flux into a plane surface gives an exactly uniform gradient (smoothed boundary method: Yu, Chen and
    Thornton, Modelling Simul. Mater. Sci. Eng. 20, 075008 (2012)). Volume and area are those of the sharp shape;
    without that, a sphere would be larger by (pi width/radius)2/4 of its volume. Of a mask, the volume is that of its
    cells, and the area within 1 % for round particles of at least 16 cells across; sharp corners are rounded.

    Parameters
    ----------
    distance : array of float, or of bool, shape ((z), y, x)
        Signed distance to the surface, positive inside, nm (see the shapes); or a mask, whose rim is taken without its
        steps.
    spacing : float or sequence of float
        Distance of the cell centres, nm.
    width : float, optional
        Width of the layer, nm; one cell by default. psi rises from 12 % to 88 % over twice this.
    cut : float
        Cells with less than this inside are outside; their area falls to the last cells of the particle.
    label : array of int, optional
        Particle numbers from 1, 0 outside, of a mask. Each particle is smoothed as if alone; where two meet, a cell is
        of the one that has the larger share.
    periodic : bool or sequence of bool
        Axes along which the grid closes on itself.
    facets : Facets, mapping or function, optional
        Which part of the surface reacts, by its outward normal.

    Returns
    -------
    Geometry
        Open faces are psi at the faces.

    Raises
    ------
    OptionError, AnalysisError
        If the particle is absent, in parts, narrower than three cells or three widths, or reaches the edge of the grid.
    """
    values = np.asarray(distance)
    if values.ndim not in (2, 3):
        raise OptionError(
            "a particle has two or three dimensions", field="distance", value=values.shape, limit="((z), y, x)"
        )
    steps = check_spacing(spacing, values.ndim)
    around = check_periodic(periodic, values.ndim)
    layer = _Layer(steps, around, _check_width(width, steps), _check_cut(cut), as_weight(facets))
    if values.dtype.kind in "bui":
        return _from_labels(check_label(label, check_mask(values)), layer, facets)
    if label is not None:
        raise OptionError(
            "particle numbers need a mask: one distance is to one particle",
            field="label",
            remedy="give mask and label, or join geometries with population()",
        )
    _check_distance(values, steps, around)
    whole = (slice(None),) * values.ndim
    return _geometry([_smooth(values, layer, whole, 1)], values.shape, layer, facets)


@dataclass(frozen=True)
class _Layer:
    """How a boundary is smoothed."""

    spacing: tuple[float, ...]
    periodic: tuple[bool, ...]
    width: float
    cut: float
    weight: Weight


@dataclass(frozen=True)
class _Particle:
    """One smoothed particle in its part of the grid."""

    number: int
    box: tuple[slice, ...]
    inside: np.ndarray
    open_faces: list[np.ndarray]
    normal: np.ndarray
    area: float


def _check_width(width: float | None, spacing: Sequence[float]) -> float:
    cell = max(spacing)
    value = cell if width is None else float(width)
    if not 0.5 * cell <= value < np.inf:
        raise OptionError(
            "the layer is thinner than the cells can show",
            field="width",
            value=width,
            limit=f"at least half a cell, {0.5 * cell:g} nm",
            remedy="use pixels() for a sharp boundary",
        )
    return value


def _check_cut(cut: float) -> float:
    if not 0 < cut <= 0.1:
        raise OptionError(
            "the smallest share inside cannot be used", field="cut", value=cut, limit="above 0, up to 0.1"
        )
    return float(cut)


def _check_distance(distance: np.ndarray, spacing: Sequence[float], periodic: Sequence[bool]) -> None:
    """Refuse what is no distance in nm to a surface that the grid holds."""
    if not np.all(np.isfinite(distance)):
        raise OptionError(
            "the distance is not finite everywhere",
            field="distance",
            value=f"{int(np.sum(~np.isfinite(distance)))} cells of NaN or infinity",
            limit="finite numbers, nm",
            remedy="give the signed distance in every cell, negative outside, or a mask of bool",
        )
    if not np.any(distance > 0):
        raise AnalysisError(
            "no cell is inside the particle",
            field="distance",
            value=f"{distance.min():g} to {distance.max():g} nm",
            remedy="the distance must be positive inside",
        )
    near = np.abs(distance) < 2 * max(spacing)
    if not near.any():
        return
    slope = float(np.median(np.linalg.norm(slopes(distance, spacing, periodic), axis=-1)[near]))
    if not 0.7 < slope < 1.3:
        raise OptionError(
            "the distance does not change by one nm for each nm",
            field="distance",
            value=f"{slope:.3g} nm for each nm, near the surface",
            limit="0.7 to 1.3",
            remedy="give the signed distance in nm, in the spacing of the grid; or a mask of bool",
        )


def _from_labels(label: np.ndarray, layer: _Layer, facets: object) -> Geometry:
    """Smooth each particle of a picture of particle numbers as if it were alone."""
    from scipy.ndimage import distance_transform_edt, find_objects

    if label.all():
        raise AnalysisError(
            "the particle fills the grid and has no boundary to smooth", field="mask", remedy="use pixels()"
        )
    # Beyond this the share inside is below the cut, and the blur that finds the rim has ended.
    reach = layer.width * float(np.arctanh(1 - 2 * layer.cut)) + 4 * max(layer.spacing)
    particles = []
    for number, box in enumerate(find_objects(label), start=1):
        if box is None:
            continue
        wide = tuple(
            slice(None)
            if closes
            else slice(max(0, part.start - int(np.ceil(reach / step))), part.stop + int(np.ceil(reach / step)))
            for part, step, closes in zip(box, layer.spacing, layer.periodic, strict=True)
        )
        mask = label[wide] == number
        _check_edge(mask, layer, number)
        _check_narrow(2 * float(distance_transform_edt(mask, sampling=layer.spacing).max()), layer, number)
        particles.append(_smooth(mask_distance(mask, layer.spacing, layer.periodic), layer, wide, number))
    return _geometry(particles, label.shape, layer, facets)


def _check_edge(inside: np.ndarray, layer: _Layer, number: int) -> None:
    """Refuse a particle that touches an edge of its grid that does not close on itself."""
    for axis, closes in enumerate(layer.periodic):
        edges = np.take(inside, [0, -1], axis)
        if not closes and np.any(edges):
            raise AnalysisError(
                "the boundary of a particle does not fit into the grid",
                field=f"label {number}",
                value=f"it reaches the edge of axis {axis}",
                limit=f"room of {layer.width * float(np.arctanh(1 - 2 * layer.cut)):.3g} nm around the particle",
                remedy="add cells around it, or make the axis periodic",
            )


def _check_narrow(across: float, layer: _Layer, number: int) -> None:
    """Refuse a particle in which the layers of both sides meet."""
    widest = 3 * max(layer.width, max(layer.spacing))
    if across < widest:
        raise AnalysisError(
            "a particle is too narrow for a smoothed boundary",
            field=f"label {number}",
            value=f"{across:.3g} nm at its widest",
            limit=f"three cells and three widths of the layer, {widest:g} nm",
            remedy="use smaller cells and a thinner layer, or pixels()",
        )


def _smooth(distance: np.ndarray, layer: _Layer, box: tuple[slice, ...], number: int) -> _Particle:
    """Return one particle from the signed distance to its surface."""
    _check_narrow(2 * float(distance.max()), layer, number)
    normal = inward_normals(distance, layer.spacing, layer.periodic)
    volume, area = sharp_measures(distance, layer.spacing, layer.periodic)
    shift = 0.0
    for _ in range(4):
        inside = _profile(distance + shift, layer)
        inside[inside < layer.cut] = 0.0
        if area > 0:
            shift += (volume - float(inside.sum())) / area
    _check_edge(inside > 0, layer, number)
    faces = [_profile(_at_faces(distance, axis) + shift, layer) for axis in range(distance.ndim)]
    for axis, closes in enumerate(layer.periodic):
        if not closes:
            faces[axis][(slice(None),) * axis + (-1,)] = 0.0
    return _Particle(number, box, inside, faces, normal, area)


def _profile(distance: np.ndarray, layer: _Layer) -> np.ndarray:
    return np.asarray((1 + np.tanh(distance / layer.width)) / 2)


def _at_faces(distance: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray((distance + np.roll(distance, -1, axis)) / 2)


def _area(particle: _Particle, layer: _Layer) -> np.ndarray:
    """Return n . grad of the open shares, cell by cell, 1/nm.

    Along a line through a plane surface the differences add up to one, whatever the profile, and where the tail is cut
    off its area falls to the last cell. Curvature and edges leave a small rest, by which the whole is scaled.
    """
    parts = [
        particle.normal[..., axis] * (face - np.roll(face, 1, axis)) / step
        for axis, (face, step) in enumerate(zip(particle.open_faces, layer.spacing, strict=True))
    ]
    area = np.maximum(np.sum(parts, axis=0), 0.0)
    total = float(area.sum())
    return np.asarray(area * (particle.area / total if total > 0 else 1.0) * layer.weight(-particle.normal))


def _geometry(particles: Sequence[_Particle], shape: tuple[int, ...], layer: _Layer, facets: object) -> Geometry:
    """Join particles on one grid: a cell is of the one with the largest share, and each keeps its area."""
    inside = np.zeros(shape)
    number = np.zeros(shape, np.int32)
    for one in particles:
        more = one.inside > inside[one.box]
        inside[one.box][more] = one.inside[more]
        number[one.box][more] = one.number
    faces = [np.zeros(shape) for _ in shape]
    surface = np.zeros(shape)
    for one in particles:
        own = number[one.box] == one.number
        for axis, face in enumerate(one.open_faces):
            face[~(own & np.roll(own, -1, axis))] = 0.0
            faces[axis][one.box] += face
        surface[one.box] += _area(one, layer)
    check_reacting(surface, facets)
    return Geometry(
        spacing=layer.spacing,
        inside=jnp.asarray(inside),
        open_faces=tuple(jnp.asarray(face) for face in faces),
        surface=jnp.asarray(surface),
        label=ParticleNumbers(number),
    )
