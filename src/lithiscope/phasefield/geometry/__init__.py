"""Where a particle is on a regular grid: pixel masks, smoothed shapes, facets, surface area."""

from lithiscope.phasefield.geometry.cells import Geometry, ParticleNumbers

__all__ = ["Geometry", "ParticleNumbers"]
