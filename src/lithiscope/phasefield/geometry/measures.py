"""Volume and reacting area of a geometry."""

from __future__ import annotations

import numpy as np

from lithiscope.phasefield.geometry.cells import Geometry


def volume(geometry: Geometry) -> float:
    """Return the volume of all particles: nm3 in three dimensions, nm2 in two."""
    return float(np.sum(np.asarray(geometry.inside))) * geometry.cell_volume


def surface_area(geometry: Geometry) -> float:
    """Return the reacting area of all particles: nm2 in three dimensions, nm (area for each nm of depth) in two."""
    return float(np.sum(np.asarray(geometry.surface))) * geometry.cell_volume
