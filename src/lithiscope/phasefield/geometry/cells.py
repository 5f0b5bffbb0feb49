"""The cells of a regular grid that a particle covers: shares, open faces, reacting area, particle numbers."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.geometry.checks import check_connected, check_faces, check_range, check_spacing

_AXES = "zyx"


class ParticleNumbers:
    """A picture of particle numbers that can be compared and hashed, as a static part of a program must.

    Parameters
    ----------
    values : array of int
        Number of the particle in each cell, from 1; 0 outside.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.ascontiguousarray(values, dtype=np.int32)
        self.values.flags.writeable = False
        self.count = int(self.values.max(initial=0))
        self._key = (self.values.shape, self.values.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParticleNumbers) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class Geometry(eqx.Module):
    """Where the particle is on a regular grid, and where it reacts.

    Made by `pixels`, `smoothed` and the shapes; written out by hand only for what those cannot do.

    Parameters
    ----------
    spacing : tuple of float
        Distance of the cell centres along each axis, in index order, nm.
    inside : array, shape ((z), y, x)
        Share of each cell inside a particle, 0 to 1.
    open_faces : tuple of arrays, one for each axis, each of the shape of `inside`
        Open share of the face between a cell and the next one along the axis; the last cell's face is that to the first
        one, so it is open in periodic directions only.
    surface : array, shape of `inside`
        Reacting area in a cell over the cell's volume, 1/nm.
    label : ParticleNumbers, shape of `inside`
        Number of the particle in each cell, 0 outside. Cells of different particles share no face.

    Raises
    ------
    OptionError
        If shapes do not fit or values lie outside their range.
    AnalysisError
        If no cell is inside, or one number names parts that are not connected by open faces.
    """

    spacing: tuple[float, ...] = eqx.field(static=True)
    inside: Cells
    open_faces: tuple[Cells, ...]
    surface: Cells
    label: ParticleNumbers = eqx.field(static=True)

    def __check_init__(self) -> None:
        shape = self.inside.shape
        check_spacing(self.spacing, len(shape))
        if len(self.open_faces) != len(shape):
            raise OptionError(
                "there is one array of faces for each axis",
                field="open_faces",
                value=f"{len(self.open_faces)} arrays",
                limit=str(len(shape)),
            )
        shapes = {"surface": self.surface.shape, "label": self.label.values.shape}
        shapes |= {f"open_faces {n}": f.shape for n, f in zip(_AXES[-len(shape) :], self.open_faces, strict=True)}
        for name, one in shapes.items():
            if one != shape:
                raise OptionError("arrays of a geometry differ in shape", field=name, value=one, limit=str(shape))
        if not np.any(np.asarray(self.inside) > 0):
            raise AnalysisError("no cell is inside the particle", field="inside", value=shape, remedy="check the mask")
        label, faces = self.label.values, [np.asarray(face) for face in self.open_faces]
        check_range("inside", np.asarray(self.inside), 1.0)
        check_range("surface", np.asarray(self.surface), np.inf)
        for axis, face in enumerate(faces):
            check_range(f"open_faces along axis {axis}", face, 1.0)
        if np.any((label > 0) != (np.asarray(self.inside) > 0)):
            raise OptionError(
                "cells with a particle number are those with a share inside",
                field="label",
                value=f"{int(np.sum((label > 0) != (np.asarray(self.inside) > 0)))} cells differ",
                remedy="number the cells whose share is above 0, from 1, and no others",
            )
        check_faces(label, faces)
        check_connected(label, faces)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.spacing)

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(self.inside.shape)

    @property
    def cell_volume(self) -> float:
        """Volume of a whole cell: nm3 in three dimensions, nm2 in two."""
        return float(np.prod(self.spacing))

    @property
    def particle_count(self) -> int:
        """Number of particles."""
        return self.label.count

    @property
    def active(self) -> np.ndarray:
        """Which cells belong to a particle, bool."""
        return np.asarray(self.label.values > 0)

    @property
    def periodic(self) -> bool:
        """Whether the grid is filled and closes on itself in every direction."""
        whole = bool(np.all(np.asarray(self.inside) == 1))
        return whole and all(bool(np.all(np.asarray(face) == 1)) for face in self.open_faces)

    def total(self, density: Cells) -> Number:
        """Return the integral of a density over all particles, in cells: sum of psi times the density."""
        return jnp.sum(self.inside * density)

    def mean(self, values: Cells) -> Number:
        """Return the mean over all particles, weighted by volume."""
        return self.total(values) / jnp.sum(self.inside)

    def particle_mean(self, values: Cells) -> Cells:
        """Return in each cell the mean over its own particle, weighted by volume; the shape of `values`."""
        if self.particle_count == 1:
            return jnp.where(self.active, self.mean(values), 0.0)
        number = self.label.values.ravel()
        weight = self.inside.ravel()
        sums = jnp.zeros(self.particle_count + 1, values.dtype).at[number].add(weight * values.ravel())
        whole = jnp.zeros(self.particle_count + 1, values.dtype).at[number].add(weight)
        means = jnp.where(whole > 0, sums / jnp.where(whole > 0, whole, 1.0), 0.0)
        return jnp.where(self.active, means[number].reshape(self.shape), 0.0)


def next_cell(values: Cells, axis: int) -> Cells:
    """Return the value of the next cell along an axis; after the last cell the first."""
    return jnp.roll(values, -1, axis)


def divergence(flux: tuple[Cells, ...], spacing: tuple[float, ...]) -> Cells:
    """Return the divergence of fluxes through faces (each the face between a cell and the next), per length."""
    parts = [(one - jnp.roll(one, 1, axis)) / step for axis, (one, step) in enumerate(zip(flux, spacing, strict=True))]
    return sum(parts[1:], parts[0])
