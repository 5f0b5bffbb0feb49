"""Pixels of all particles of a picture one after the other: contiguous ragged arrays of the CF conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.grid.kernels import gather, scatter, sum_groups

if TYPE_CHECKING:
    import xarray as xr

_INDEX_NAMES = ("iz", "iy", "ix")


@dataclass(frozen=True, eq=False)
class Ragged:
    """Where the pixels of each particle are; made by `ragged_pixels` from a label picture.

    Parameters
    ----------
    shape : tuple of int
        Shape of the picture.
    flat : (pixel,) int array
        Place of each pixel in the flattened picture, particle after particle.
    label : (particle,) int array
        Label of each particle, increasing.
    row_size : (particle,) int array
        Pixels of each particle.
    """

    shape: tuple[int, ...]
    flat: np.ndarray
    label: np.ndarray
    row_size: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """First pixel of each particle (particle,)."""
        return np.asarray(np.cumsum(self.row_size) - self.row_size)

    def rows(self, particle: int) -> slice:
        """Return the pixels of a particle, counted from 0, as a slice of the dimension pixel."""
        start = int(self.starts[particle])
        return slice(start, start + int(self.row_size[particle]))

    def pack(self, values: np.ndarray) -> np.ndarray:
        """Return (..., y, x) as (..., pixel)."""
        values = np.asarray(values)
        if values.shape[values.ndim - len(self.shape) :] != self.shape:
            raise AnalysisError(
                "an array does not fit the label picture",
                field="shape",
                value=values.shape,
                limit=f"(..., {', '.join(map(str, self.shape))})",
                remedy="use the labels of the same pictures",
            )
        return gather(values, self.flat, len(self.shape))

    def unpack(self, values: np.ndarray, *, fill: float | int | bool = np.nan) -> np.ndarray:
        """Return (..., pixel) as (..., y, x), `fill` in the background."""
        index = np.full(int(np.prod(self.shape)), -1, dtype=np.int64)
        index[self.flat] = np.arange(self.flat.size)
        return scatter(np.asarray(values), index.reshape(self.shape), fill)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each particle: (..., pixel) to (..., particle)."""
        return sum_groups(np.asarray(values), np.arange(self.flat.size), self.starts)

    def to_dataset(
        self, fields: Mapping[str, tuple[str, np.ndarray]], names: Sequence[str] | None = None
    ) -> xr.Dataset:
        """Return packed fields as a dataset: dims pixel and particle, with iz, iy, ix and row_size(particle).

        Parameters
        ----------
        fields : mapping
            Name to (dims separated by blanks, array), e.g. ``("time pixel", packed)``.
        names : sequence of str, optional
            Names of the particles; their labels otherwise.
        """
        import xarray as xr

        places = np.unravel_index(self.flat, self.shape)
        particle = [str(label) for label in self.label] if names is None else list(names)
        variables = {name: (tuple(dims.split()), values) for name, (dims, values) in fields.items()}
        return xr.Dataset(
            {
                **variables,
                "row_size": ("particle", self.row_size, {"sample_dimension": "pixel", "long_name": "number of pixels"}),
                "label": ("particle", self.label),
            },
            coords={
                "particle": ("particle", particle),
                **{name: ("pixel", at) for name, at in zip(_INDEX_NAMES[-len(places) :], places, strict=True)},
            },
            attrs={"picture_shape": list(self.shape)},
        )


def ragged_pixels(label: np.ndarray) -> Ragged:
    """Return where the pixels of each particle of a label picture are.

    Parameters
    ----------
    label : (y, x) or (z, y, x) int array
        Particle number of each pixel; 0 is background.

    Returns
    -------
    Ragged
        Particles in the order of their labels, pixels of each in index order.

    Raises
    ------
    AnalysisError
        If there is no particle, or the labels are not whole numbers.
    """
    label = np.asarray(label)
    if label.dtype.kind not in "iu":
        raise AnalysisError(
            "labels must be whole numbers", field="label", value=label.dtype, remedy="use the labels of find_particles"
        )
    flat = np.flatnonzero(label > 0)
    if flat.size == 0:
        raise AnalysisError("there is no particle", field="label", value=label.shape, remedy="find particles first")
    order = np.argsort(label.ravel()[flat], kind="stable")
    names, sizes = np.unique(label.ravel()[flat], return_counts=True)
    return Ragged(label.shape, flat[order], names, sizes)


def from_dataset(packed: xr.Dataset) -> Ragged:
    """Return where the pixels are from a dataset that `Ragged.to_dataset` made."""
    shape = tuple(int(size) for size in np.atleast_1d(packed.attrs["picture_shape"]))
    places = tuple(packed[name].values for name in _INDEX_NAMES[-len(shape) :])
    return Ragged(shape, np.ravel_multi_index(places, shape), packed["label"].values, packed["row_size"].values)
