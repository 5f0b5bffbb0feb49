"""Several particles on one grid, and the parts of a mask."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.geometry.cells import Geometry, ParticleNumbers
from lithiscope.phasefield.geometry.checks import check_mask


def number_parts(mask: np.ndarray) -> np.ndarray:
    """Return particle numbers (int, 0 outside) of a mask: one for each part whose cells share faces, from 1."""
    from scipy.ndimage import label

    return np.asarray(label(check_mask(mask))[0], dtype=np.int32)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Return the part of a mask that has most cells, as a mask."""
    numbers = number_parts(mask)
    return np.asarray(numbers == np.argmax(np.bincount(numbers.ravel())[1:]) + 1)


def population(geometries: Sequence[Geometry]) -> Geometry:
    """Return one grid with all particles, which then share one potential.

    Parameters
    ----------
    geometries : sequence of Geometry
        Of equal spacing and number of dimensions, none closing on itself. Empty margins are cut off.

    Returns
    -------
    Geometry
        Particles numbered in the order given, side by side in rows, without shared faces. `scipy.ndimage.find_objects`
        of `label.values` finds them again.

    Raises
    ------
    OptionError
        If the grids do not fit together.
    """
    grids = list(geometries)
    if not grids:
        raise OptionError(
            "there is no particle",
            field="geometries",
            value="an empty list",
            limit="at least one",
            remedy="make geometries by pixels() or smoothed(), or check what filtered them out",
        )
    spacing, ndim = grids[0].spacing, grids[0].ndim
    for place, one in enumerate(grids):
        if one.spacing != spacing:
            raise OptionError(
                "particles of one population have cells of one size",
                field=f"geometries[{place}].spacing",
                value=one.spacing,
                limit=str(spacing),
                remedy="draw all of them with the same spacing",
            )
        if any(bool(np.any(np.take(np.asarray(face), -1, axis) > 0)) for axis, face in enumerate(one.open_faces)):
            raise OptionError(
                "a periodic grid cannot stand beside others",
                field=f"geometries[{place}]",
                value="open across an edge of its grid",
                limit="closed at every edge",
                remedy="make it with periodic=False",
            )
    boxes = [_box(one.active) for one in grids]
    corners, shape = _rows([tuple(part.stop - part.start for part in box) for box in boxes])
    places = [
        tuple(slice(first, first + part.stop - part.start) for first, part in zip(corner, box, strict=True))
        for corner, box in zip(corners, boxes, strict=True)
    ]

    def joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
        whole = np.zeros(shape, np.asarray(arrays[0]).dtype)
        for array, box, place in zip(arrays, boxes, places, strict=True):
            whole[place] = np.asarray(array)[box]
        return whole

    before = np.cumsum([0, *(one.particle_count for one in grids)])
    numbers = [np.where(one.active, one.label.values + start, 0) for one, start in zip(grids, before[:-1], strict=True)]
    return Geometry(
        spacing=spacing,
        inside=jnp.asarray(joined([np.asarray(one.inside) for one in grids])),
        open_faces=tuple(
            jnp.asarray(joined([np.asarray(one.open_faces[axis]) for one in grids])) for axis in range(ndim)
        ),
        surface=jnp.asarray(joined([np.asarray(one.surface) for one in grids])),
        label=ParticleNumbers(joined(numbers)),
    )


def _box(active: np.ndarray) -> tuple[slice, ...]:
    """Return the smallest box around the particles."""
    ends = [
        np.flatnonzero(active.any(axis=tuple(k for k in range(active.ndim) if k != axis)))
        for axis in range(active.ndim)
    ]
    return tuple(slice(int(one[0]), int(one[-1]) + 1) for one in ends)


def _rows(sizes: Sequence[tuple[int, ...]]) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
    """Return the corners of boxes laid in rows of about the length of a square, and the shape of the whole."""
    flat = [size[-2:] for size in sizes]
    longest = max(max(x for _, x in flat), int(np.ceil(np.sqrt(sum(y * x for y, x in flat)))))
    corners = []
    y = x = height = width = 0
    for rows, columns in flat:
        if x and x + columns > longest:
            y, x, height = y + height, 0, 0
        corners.append((0,) * (len(sizes[0]) - 2) + (y, x))
        x, height, width = x + columns, max(height, rows), max(width, x + columns)
    return corners, (*(max(one) for one in zip(*(size[:-2] for size in sizes), strict=True)), y + height, width)
