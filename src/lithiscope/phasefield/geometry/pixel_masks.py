"""Particles made of whole pixels: a mask, with the reaction at its rim or, seen from above, everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.geometry.cells import Geometry, ParticleNumbers
from lithiscope.phasefield.geometry.checks import (
    Periodic,
    Spacing,
    check_label,
    check_mask,
    check_periodic,
    check_spacing,
)
from lithiscope.phasefield.geometry.facets import Facets, Weight, as_weight, check_reacting

# Standard deviation, in cells, with which a mask is blurred to find its normals. Less lets the steps show in them
# (1.5: round rims 2 % too large instead of 1 %), more rounds corners (loss of 0.35 x blur at a right angle).
_BLUR = 2.0


def pixels(
    mask: np.ndarray,
    spacing: Spacing,
    *,
    thickness: float | np.ndarray | None = None,
    surface: Literal["faces", "everywhere", "nowhere"] = "faces",
    label: np.ndarray | None = None,
    periodic: Periodic = False,
    facets: Facets | Mapping[str, Any] | Weight | None = None,
) -> Geometry:
    """Return a particle, or several, made of whole pixels.

    Parameters
    ----------
    mask : array of bool, shape ((z), y, x)
        Which cells are inside. Beyond the edge of the picture is outside.
    spacing : float or sequence of float
        Distance of the cell centres, nm.
    thickness : float or array, shape (y, x), optional
        Thickness of a platelet seen from above, nm; with `surface` "everywhere".
    surface : {"faces", "everywhere", "nowhere"}
        "faces": the rim reacts, by boundary faces weighted with the blurred normal, so that the steps of a slanted or
        round rim count with their true area: round rims within 1.5 % from a radius of 6 cells; a right-angled corner
        in two dimensions counts 0.7 of a cell too little, as the blur rounds it. "everywhere": a platelet seen along
        [010] reacts at its top and bottom; a cell is then as deep as the platelet is thick at most, and the share of it
        inside is the thickness over that, so that means weigh every pixel by its material. "nowhere": a closed system.
    label : array of int, optional
        Particle numbers from 1, 0 outside. Faces between different particles are closed, and each particle has the
        surface that it would have alone.
    periodic : bool or sequence of bool
        Axes along which the grid closes on itself.
    facets : Facets, mapping or function, optional
        Which part of the rim reacts, by its outward normal.

    Returns
    -------
    Geometry
        Shares of 0 and 1, but where the thickness varies.

    Raises
    ------
    OptionError, AnalysisError
        If the mask is empty or in parts, or an option does not fit.
    """
    inside = check_mask(mask)
    steps = check_spacing(spacing, inside.ndim)
    around = check_periodic(periodic, inside.ndim)
    numbers = check_label(label, inside)
    if surface != "everywhere" and thickness is not None:
        raise OptionError(
            "a thickness is of no use here", field="thickness", value=thickness, remedy='give surface="everywhere"'
        )
    if surface != "faces" and facets is not None:
        raise OptionError("facets are parts of a rim", field="facets", value=facets, remedy='give surface="faces"')
    share = inside.astype(float)
    if surface == "everywhere":
        share, area = _top_and_bottom(inside, thickness)
    elif surface == "nowhere":
        area = np.zeros(inside.shape)
    elif surface == "faces":
        area = _rims(numbers, steps, around, as_weight(facets))
        check_reacting(area, facets)
    else:
        raise OptionError(
            "the reacting surface is unknown", field="surface", value=surface, limit="faces, everywhere or nowhere"
        )
    return Geometry(
        spacing=steps,
        inside=jnp.asarray(share),
        open_faces=tuple(
            jnp.asarray(face * (share + np.roll(share, -1, axis)) / 2)
            for axis, face in enumerate(joined(numbers, around))
        ),
        surface=jnp.asarray(area),
        label=ParticleNumbers(numbers),
    )


def joined(label: np.ndarray, periodic: Sequence[bool]) -> list[np.ndarray]:
    """Return for each axis whether a cell and the next one belong to one particle, bool of the shape of `label`."""
    faces = []
    for axis, closes in enumerate(periodic):
        same = (label > 0) & (label == np.roll(label, -1, axis))
        if not closes:
            same[(slice(None),) * axis + (-1,)] = False
        faces.append(same)
    return faces


def _top_and_bottom(mask: np.ndarray, thickness: float | np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the thickness over the largest one, and the area of two faces over the volume of a whole cell, 1/nm."""
    if thickness is None:
        raise OptionError(
            "the thickness of the platelet is missing",
            field="thickness",
            limit="nm, a number or a map",
            remedy='give thickness=, or surface="faces" if only the rim reacts',
        )
    values = np.asarray(thickness, dtype=float)
    if values.shape not in ((), mask.shape):
        raise OptionError(
            "the map of thickness has another shape than the mask",
            field="thickness",
            value=values.shape,
            limit=str(mask.shape),
        )
    there = np.broadcast_to(values, mask.shape)[mask]
    if not np.all((there >= 1.0) & (there <= 1e6)):
        raise OptionError(
            "the thickness cannot be used inside the mask",
            field="thickness",
            value=f"{there.min():g} to {there.max():g}",
            limit="1 to 1e6 nm in every pixel",
            remedy="give it in nm, and take pixels without a thickness out of the mask",
        )
    share = np.zeros(mask.shape)
    share[mask] = there / there.max()
    return share, np.where(mask, 2.0 / there.max(), 0.0)


def _rims(label: np.ndarray, spacing: Sequence[float], periodic: Sequence[bool], weight: Weight) -> np.ndarray:
    """Return the area of the rim of each particle, taken alone, over the volume of a cell, 1/nm."""
    from scipy.ndimage import find_objects

    area = np.zeros(label.shape)
    for number, box in enumerate(find_objects(label), start=1):
        if box is None:
            continue
        part = tuple(slice(None) if closes else one for one, closes in zip(box, periodic, strict=True))
        area[part] += _rim(label[part] == number, spacing, periodic, weight)
    return area


def _rim(mask: np.ndarray, spacing: Sequence[float], periodic: Sequence[bool], weight: Weight) -> np.ndarray:
    """Return the area of the rim of one particle over the volume of a cell, 1/nm.

    A face counts with the cosine between its own normal n_k and that of the blurred mask: by the divergence theorem the
    sum is that of n.n over the true surface, however the steps of the rim lie.
    """
    from scipy.ndimage import gaussian_filter

    margin = [(0, 0) if closes else (2, 2) for closes in periodic]
    inner = tuple(slice(None) if closes else slice(2, -2) for closes in periodic)
    solid = np.pad(mask.astype(float), margin)
    modes: list[Literal["wrap", "constant"]] = ["wrap" if closes else "constant" for closes in periodic]
    blur = gaussian_filter(solid, [_BLUR * max(spacing) / step for step in spacing], mode=modes)
    slopes = [(np.roll(blur, 1, k) - np.roll(blur, -1, k)) / (2 * step) for k, step in enumerate(spacing)]
    area = np.zeros(solid.shape)
    for axis, step in enumerate(spacing):
        fall = solid - np.roll(solid, -1, axis)
        normal = np.stack([(one + np.roll(one, -1, axis)) / 2 for one in slopes], axis=-1)
        normal[..., axis] = (blur - np.roll(blur, -1, axis)) / step
        length = np.linalg.norm(normal, axis=-1)
        unit = normal / np.where(length > 0, length, 1.0)[..., None]
        share = np.where(length > 0, np.abs(unit[..., axis]), 1.0) * weight(unit) / step
        area += np.where(fall > 0, share, 0.0) + np.roll(np.where(fall < 0, share, 0.0), 1, axis)
    return np.asarray(area[inner])
