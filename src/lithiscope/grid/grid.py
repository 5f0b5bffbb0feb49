"""Pixels of a particle as a grid: packing, neighbours, faces and their areas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.grid.axes import Axis, unit_vector
from lithiscope.grid.kernels import gather, neighbour_table, scatter


class Faces(NamedTuple):
    """Faces between two pixels, each once: pixel numbers (first before second along the axis), axis, area, distance.

    The area is in nm2 in three dimensions and in nm (per depth) in two; the distance of the centres is in nm.
    """

    first: np.ndarray
    second: np.ndarray
    axis: np.ndarray
    area: np.ndarray
    distance: np.ndarray


class BoundaryFaces(NamedTuple):
    """Faces of the particle's surface: pixel number, axis, side (-1 or +1), area, whether the picture ends."""

    pixel: np.ndarray
    axis: np.ndarray
    side: np.ndarray
    area: np.ndarray
    at_edge: np.ndarray


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixels inside a mask, numbered in index order (last axis fastest).

    Parameters
    ----------
    mask : (y, x) or (z, y, x) bool array
        True inside; at least one pixel.
    spacing : tuple of float
        Distance of the pixels along each axis of the mask, nm.
    axes : mapping, optional
        Crystal axes by name: degrees from +x towards +y (two dimensions), or a vector ((z), y, x) of any length.

    Raises
    ------
    OptionError
        If spacing or axes do not fit the mask.
    AnalysisError
        If the mask is empty.

    Examples
    --------
    >>> grid = Grid(np.array([[True, True], [False, True]]), (50.0, 50.0), axes={"b": 90.0})
    >>> grid.count, grid.unpack(grid.pack(np.eye(2)), fill=-1.0).tolist()
    (3, [[1.0, 0.0], [-1.0, 1.0]])
    """

    mask: np.ndarray
    spacing: tuple[float, ...]
    axes: Mapping[str, Axis] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mask = np.array(self.mask)
        if mask.dtype != bool or mask.ndim < 1:
            raise OptionError(
                "a mask must be an array of true and false",
                field="mask",
                value=f"{mask.dtype}, {mask.ndim} dimensions",
                remedy="for one particle of a label picture use label == number",
            )
        if not mask.any():
            raise AnalysisError("a mask has no pixel", field="mask", value=mask.shape, remedy="leave this particle out")
        spacing = tuple(float(step) for step in np.atleast_1d(np.asarray(self.spacing, dtype=float)))
        if len(spacing) != mask.ndim or not all(0 < step < np.inf for step in spacing):
            raise OptionError(
                "the spacing of the pixels cannot be used",
                field="spacing",
                value=self.spacing,
                limit=f"{mask.ndim} positive numbers in nm, in index order",
                remedy="give one for each dimension of the mask",
            )
        mask.flags.writeable = False
        axes = {name: unit_vector(axis, mask.ndim, name=name) for name, axis in self.axes.items()}
        for name, value in {"mask": mask, "spacing": spacing, "axes": MappingProxyType(axes)}.items():
            object.__setattr__(self, name, value)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.mask.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the picture."""
        return self.mask.shape

    @cached_property
    def flat(self) -> np.ndarray:
        """Place of each pixel in the flattened picture (pixel,)."""
        return np.flatnonzero(self.mask)

    @property
    def count(self) -> int:
        """Number of pixels."""
        return int(self.flat.size)

    @property
    def pixel_volume(self) -> float:
        """Volume of a pixel: nm3 in three dimensions, nm2 in two."""
        return float(np.prod(self.spacing))

    @cached_property
    def pixels(self) -> np.ndarray:
        """Place of each pixel (pixel, axis)."""
        return np.stack(np.unravel_index(self.flat, self.shape), axis=1)

    @cached_property
    def positions(self) -> np.ndarray:
        """Position of each pixel's centre in nm (pixel, axis), from the centre of the picture's first pixel."""
        return np.asarray(self.pixels * np.asarray(self.spacing))

    @cached_property
    def index(self) -> np.ndarray:
        """Pixel number at each place of the picture, -1 outside the mask."""
        index = np.full(self.mask.size, -1, dtype=np.int64)
        index[self.flat] = np.arange(self.count)
        return index.reshape(self.shape)

    @cached_property
    def neighbours(self) -> np.ndarray:
        """Pixel number across each side (pixel, 2 x axes), -1 where none: -axis 0, +axis 0, -axis 1, ..."""
        return neighbour_table(self.index, self.pixels)

    @cached_property
    def faces(self) -> Faces:
        """The faces between pixels."""
        first, axis = np.nonzero(self.neighbours[:, 1::2] >= 0)
        return Faces(
            first, self.neighbours[first, 2 * axis + 1], axis, self._area[axis], np.asarray(self.spacing)[axis]
        )

    @cached_property
    def boundary_faces(self) -> BoundaryFaces:
        """The faces of the surface."""
        pixel, slot = np.nonzero(self.neighbours < 0)
        axis, side = slot // 2, 2 * (slot % 2) - 1
        beyond = self.pixels[pixel, axis] + side
        at_edge = (beyond < 0) | (beyond >= np.asarray(self.shape)[axis])
        return BoundaryFaces(pixel, axis, side, self._area[axis], at_edge)

    @property
    def _area(self) -> np.ndarray:
        """Area of the faces across each axis."""
        return self.pixel_volume / np.asarray(self.spacing)

    def pack(self, values: np.ndarray) -> np.ndarray:
        """Return the values inside the mask: (..., y, x) to (..., pixel).

        Raises
        ------
        AnalysisError
            If the last dimensions are not those of the mask.
        """
        values = np.asarray(values)
        if values.shape[values.ndim - self.ndim :] != self.shape:
            raise _shape_error(values.shape, f"(..., {', '.join(map(str, self.shape))})")
        return gather(values, self.flat, self.ndim)

    def unpack(self, values: np.ndarray, *, fill: float | int | bool = np.nan) -> np.ndarray:
        """Return values of the pixels as a picture: (..., pixel) to (..., y, x), `fill` outside the mask.

        Raises
        ------
        AnalysisError
            If the last dimension is not that of the pixels.
        """
        values = np.asarray(values)
        if values.shape[-1:] != (self.count,):
            raise _shape_error(values.shape, f"(..., {self.count})")
        return scatter(values, self.index, fill)

    def axis(self, axis: str | Axis) -> np.ndarray:
        """Return a crystal axis by name, or any direction, as a unit vector in index order.

        Raises
        ------
        OptionError
            If there is no axis of that name, or no direction.
        """
        if not isinstance(axis, str):
            return unit_vector(axis, self.ndim)
        if axis not in self.axes:
            raise OptionError(
                "the grid has no axis of that name",
                field="axis",
                value=axis,
                limit=", ".join(self.axes) or "no axes were given",
                remedy='name the axes when making the grid, e.g. axes={"b": 90.0}',
            )
        return np.asarray(self.axes[axis])


def _shape_error(shape: tuple[int, ...], limit: str) -> AnalysisError:
    return AnalysisError(
        "an array does not fit the grid", field="shape", value=shape, limit=limit, remedy="use the grid of its own mask"
    )
