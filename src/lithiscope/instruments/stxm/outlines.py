"""Outlines of platelets, as the depth below the rim at any point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import OptionError

Array = NDArray[np.float64]


class Outline(ABC):
    """The rim of a particle in its own axes, with the origin at its centre."""

    @abstractmethod
    def depth(self, along: Array, across: Array) -> Array:
        """Return how far a point lies below the rim: positive inside, negative outside (um)."""

    @property
    @abstractmethod
    def half_width(self) -> float:
        """Depth of the centre, which is the deepest point (um)."""

    @property
    @abstractmethod
    def half_length(self) -> float:
        """Distance of the farthest point of the rim from the centre (um)."""


@final
@dataclass(frozen=True)
class Ellipse(Outline):
    """An elliptical rim; the depth is exact on the rim and to first order near it.

    Parameters
    ----------
    semi_along, semi_across : float
        Semi-axes (um).
    """

    semi_along: float
    semi_across: float

    def __post_init__(self) -> None:
        _positive("semi-axis", self.semi_along, self.semi_across)

    def depth(self, along: Array, across: Array) -> Array:
        """Return (1 - rho) rho / |grad(rho^2) / 2|, with rho = 1 on the rim (um)."""
        rho = np.hypot(along / self.semi_along, across / self.semi_across)
        slope = np.hypot(along / self.semi_along**2, across / self.semi_across**2)
        # At the centre rho and its slope vanish together; their ratio lies between the semi-axes.
        ratio = np.divide(rho, slope, out=np.full(np.shape(rho), self.half_width), where=slope > 0)
        return np.asarray((1 - rho) * ratio)

    @property
    def half_width(self) -> float:
        """The smaller semi-axis (um)."""
        return min(self.semi_along, self.semi_across)

    @property
    def half_length(self) -> float:
        """The larger semi-axis (um)."""
        return max(self.semi_along, self.semi_across)


@final
@dataclass(frozen=True)
class Facets(Outline):
    """A convex polygon with slightly rounded corners, given by its facets.

    Parameters
    ----------
    normals : tuple of float
        Directions of the outward normals (degrees from the long axis).
    distances : tuple of float
        Distance of each facet from the centre (um).
    rounding : float
        Length over which corners are rounded (um).
    """

    normals: tuple[float, ...]
    distances: tuple[float, ...]
    rounding: float = 0.02

    def __post_init__(self) -> None:
        _positive("facet distance or rounding", *self.distances, self.rounding)
        if len(self.normals) != len(self.distances) or len(self.normals) < 3:
            raise OptionError(
                "a faceted outline needs one distance per normal and at least three facets",
                field="distances",
                value=self.distances,
                limit=f"{max(len(self.normals), 3)} distances",
            )
        if self._nearness().min() <= 0:
            raise OptionError("the facets do not close around the centre", field="normals", value=self.normals)

    def depth(self, along: Array, across: Array) -> Array:
        """Return the smooth minimum of the distances to the facets (um)."""
        total = np.zeros(np.broadcast_shapes(np.shape(along), np.shape(across)))
        for angle, distance in zip(np.radians(self.normals), self.distances, strict=True):
            outside = along * np.cos(angle) + across * np.sin(angle) - distance
            total += np.exp(np.clip(outside / self.rounding, -300.0, 300.0))
        return np.asarray(-self.rounding * np.log(total))

    @property
    def half_width(self) -> float:
        """Depth of the centre (um)."""
        return float(self.depth(np.zeros(1), np.zeros(1))[0])

    @property
    def half_length(self) -> float:
        """Distance of the farthest corner, found on rays one degree apart and before rounding (um)."""
        return float(1 / self._nearness().min())

    def _nearness(self) -> Array:
        # One over the distance of the rim on rays from the centre; not positive where no facet closes it.
        angle = np.radians(np.arange(360.0))[:, None]
        return np.asarray((np.cos(angle - np.radians(self.normals)) / np.asarray(self.distances)).max(axis=1))


def _positive(what: str, *values: float) -> None:
    for value in values:
        if not (np.isfinite(value) and value > 0):
            raise OptionError(f"a {what} must be positive", field="outline", value=value, limit="> 0 um")
