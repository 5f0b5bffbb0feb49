"""Which facets of a particle react, by the direction of the surface normal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.grid import Axis, unit_vector

Weight = Callable[[np.ndarray], np.ndarray]
"""From outward unit normals (..., axes) in index order to the share of that surface that reacts, 0 to 1."""


@dataclass(frozen=True)
class Facets:
    """The surface whose normal is near one of the given directions.

    Parameters
    ----------
    normals : sequence of vectors
        Outward directions in index order ((z), y, x), of any length; in two dimensions also degrees from +x towards +y.
    within_degrees : float
        Largest angle between the surface normal and a direction.
    """

    normals: Sequence[Axis]
    within_degrees: float = 30.0

    def __call__(self, normal: np.ndarray) -> np.ndarray:
        """Return 1 where the outward unit normal (..., axes) is near one of the directions, otherwise 0."""
        chosen = np.array([unit_vector(one, normal.shape[-1], name="facets") for one in self.normals])
        nearest = np.max(normal @ chosen.T, axis=-1)
        return (nearest >= np.cos(np.deg2rad(self.within_degrees)) - 1e-12).astype(float)


def as_weight(facets: Facets | Mapping[str, Any] | Weight | None) -> Weight:
    """Return the weight of a surface normal, whichever way the facets were given; None is the whole surface.

    Raises
    ------
    OptionError
        If the directions or the angle cannot be used.
    """
    if facets is None:
        return lambda normal: np.ones(normal.shape[:-1])
    if isinstance(facets, Mapping):
        if not {"normals"} <= set(facets) <= {"normals", "within_degrees"}:
            raise OptionError(
                "facets are not described by these names",
                field="facets",
                value=sorted(facets),
                limit="normals, and optionally within_degrees",
            )
        facets = Facets(**facets)
    if isinstance(facets, Facets):
        if len(facets.normals) == 0 or not 0 < facets.within_degrees <= 180:
            raise OptionError(
                "no facet is described",
                field="facets",
                value=facets,
                limit="at least one normal, and an angle above 0 and up to 180 degrees",
            )
        return facets
    if not callable(facets):
        raise OptionError("facets cannot be read", field="facets", value=facets, limit="normals, or a function")
    return facets


def check_reacting(surface: np.ndarray, facets: object) -> None:
    """Refuse a particle of which nothing reacts.

    Raises
    ------
    AnalysisError
        If the reacting area is zero everywhere.
    """
    if not np.any(surface > 0):
        raise AnalysisError(
            "no surface of the particle reacts",
            field="facets",
            value=facets,
            remedy='choose normals that the particle has, a larger angle, or surface="nowhere" for a closed system',
        )
