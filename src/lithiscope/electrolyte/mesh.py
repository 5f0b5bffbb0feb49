"""The chip as a mesh of rectangles, finest at the edges of the electrode, and the matrices that do not change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.electrolyte.options import ChannelOptions

FloatArray = NDArray[np.float64]
_MICROMETRE = 1e-6


def graded_axis(length: float, electrode: tuple[float, float], elements: int) -> FloatArray:
    """Return the corners of elements along one axis, closest together at the two edges of the electrode.

    Parameters
    ----------
    length : float
        The axis runs from 0 to here.
    electrode : (float, float)
        Where the electrode begins and ends.
    elements : int
        Number of elements in each part: above the electrode, and on either side of it where there is room.

    Examples
    --------
    >>> graded_axis(4.0, (1.0, 4.0), 2)
    array([0.        , 0.64644661, 1.        , 2.5       , 4.        ])
    """
    start, stop = electrode
    share = np.linspace(0.0, 1.0, elements + 1)
    parts = [start + (stop - start) * (1 - np.cos(np.pi * share)) / 2]
    outer = share**1.5
    if start > 0:
        parts.insert(0, start * (1 - outer[::-1]))
    if stop < length:
        parts.append(stop + (length - stop) * outer)
    return np.unique(np.concatenate(parts))


@dataclass(frozen=True)
class Channel:
    """Quadratic finite elements on the chip; lengths in metres.

    Parameters
    ----------
    basis, above : skfem.CellBasis
        On the whole chip, and on the elements above the electrode.
    held, free : (nodes,) int arrays
        Nodes on the open sides, and all others.
    """

    basis: Any
    above: Any
    held: NDArray[np.intp]
    free: NDArray[np.intp]

    @cached_property
    def mass(self) -> Any:
        """Return the mass matrix."""
        from skfem.models.poisson import mass

        return mass.assemble(self.basis).tocsr()

    @cached_property
    def load(self) -> FloatArray:
        """Return the integral of every shape function over the electrode, m2; its sum is the electrode's area."""
        from skfem.models.poisson import unit_load

        return np.asarray(unit_load.assemble(self.above))

    @cached_property
    def grid(self) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
        """Return the nodes as a grid: x, y, and the number of the node at each (y, x)."""
        x, y = (np.unique(axis.round(12)) for axis in self.basis.doflocs)
        column, row = (
            np.searchsorted(axis, loc.round(12)) for axis, loc in zip((x, y), self.basis.doflocs, strict=True)
        )
        order = np.empty((len(y), len(x)), dtype=np.intp)
        order[row, column] = np.arange(self.basis.N)
        return x, y, order

    def stiffness(self, values: FloatArray) -> Any:
        """Return the stiffness matrix with a coefficient given at the quadrature points, (elements, points)."""
        from skfem import BilinearForm
        from skfem.helpers import dot, grad

        form = BilinearForm(lambda u, v, w: w["coefficient"] * dot(grad(u), grad(v)))
        return form.assemble(self.basis, coefficient=values).tocsr()

    def at_quadrature(self, nodal: FloatArray) -> FloatArray:
        """Return a nodal field at the quadrature points, (elements, points)."""
        return np.asarray(self.basis.interpolate(nodal))


def make_channel(options: ChannelOptions) -> Channel:
    """Return the mesh and its matrices for the geometry of the options."""
    from skfem import Basis, ElementQuad2, MeshQuad

    size = np.array(options.chip) * _MICROMETRE
    middle = size / 2 + np.array(options.centre) * _MICROMETRE
    half = np.array(options.electrode) * _MICROMETRE / 2
    start, stop = np.maximum(middle - half, 0.0), np.minimum(middle + half, size)
    # The edges of an electrode as wide as the chip are the sides of the chip, but for rounding.
    start[start < 1e-9 * size] = 0.0
    stop[size - stop < 1e-9 * size] = size[size - stop < 1e-9 * size]
    axes = [graded_axis(float(size[i]), (float(start[i]), float(stop[i])), options.elements) for i in range(2)]
    mesh = MeshQuad.init_tensor(*axes)
    centroids = mesh.p[:, mesh.t].mean(axis=1)
    above = np.flatnonzero(np.all((centroids > start[:, None]) & (centroids < stop[:, None]), axis=0))
    basis = Basis(mesh, ElementQuad2())
    sides = {
        "left": lambda p: p[0] <= 0,
        "right": lambda p: p[0] >= size[0],
        "bottom": lambda p: p[1] <= 0,
        "top": lambda p: p[1] >= size[1],
    }
    held = np.unique(
        np.concatenate([basis.get_dofs(mesh.facets_satisfying(sides[s], True)).all() for s in options.reservoir])
    )
    free = np.setdiff1d(np.arange(basis.N), held)
    return Channel(basis, Basis(mesh, ElementQuad2(), elements=above), held, free)
