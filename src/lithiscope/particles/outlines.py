"""Outlines of particles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import StageError
from lithiscope.particles.identity import name_particles
from lithiscope.particles.images import check_labels, positions

if TYPE_CHECKING:
    import xarray as xr


def outline(labels: xr.DataArray, ids: Mapping[int, str] | None = None) -> dict[str, list[np.ndarray]]:
    """Return the outlines of the particles, half-way between the pixels inside and outside.

    Parameters
    ----------
    labels : DataArray of int, shape (y, x)
        Particle numbers; of labels per cycle, select one cycle.
    ids : mapping of int to str, optional
        Names of the particles; `name_particles` by default.

    Returns
    -------
    dict of str to list of ndarray, each of shape (points, 2)
        Closed rings of (y, x) in um by name, the last point equal to the first: the outlines of all pieces, and of
        holes. Level 0.5 of the mask (marching squares; Lorensen & Cline, SIGGRAPH 21, 163 (1987)).
    """
    check_labels(labels)
    if "cycle" in labels.dims:
        raise StageError("outlines are drawn for one cycle", field="labels", limit="(y, x)", remedy="select a cycle")
    names = name_particles(labels) if ids is None else ids
    return {
        names[number]: [positions(labels, one) for one in found]
        for number, found in rings(np.asarray(labels.values)).items()
    }


def rings(label: np.ndarray) -> dict[int, list[np.ndarray]]:
    """Return closed rings of (row, column) of every label, in pixels from the centre of the first one.

    Outlines enclose a positive area in (x, y), holes a negative one.
    """
    from scipy.ndimage import find_objects
    from skimage.measure import find_contours

    result: dict[int, list[np.ndarray]] = {}
    for number, box in enumerate(find_objects(label), start=1):
        if box is None:
            continue
        # A margin of background closes the outlines of particles at the edge.
        mask = np.pad(label[box] == number, 1).astype(float)
        offset = np.array([box[0].start - 1, box[1].start - 1])
        contours = find_contours(mask, 0.5, fully_connected="high", positive_orientation="low")
        result[number] = [contour + offset for contour in contours]
    return result
