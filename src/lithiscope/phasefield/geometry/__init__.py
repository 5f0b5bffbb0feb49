"""Where a particle is on a regular grid: pixel masks, smoothed shapes, facets, surface area.

`pixels` makes a geometry of a mask, `smoothed` of a signed distance or a mask; `ellipsoid`, `box`, `cylinder`,
`polygon` and `extrude` draw signed distances; `population` puts particles side by side.
"""

from lithiscope.phasefield.geometry.cells import Geometry, ParticleNumbers, divergence, next_cell
from lithiscope.phasefield.geometry.facets import Facets
from lithiscope.phasefield.geometry.measures import surface_area, volume
from lithiscope.phasefield.geometry.particles import largest_part, number_parts, population
from lithiscope.phasefield.geometry.pixel_masks import pixels
from lithiscope.phasefield.geometry.shapes import Shape, box, cylinder, ellipsoid, extrude, polygon
from lithiscope.phasefield.geometry.smoothed_boundary import smoothed

__all__ = [
    "Facets",
    "Geometry",
    "ParticleNumbers",
    "Shape",
    "box",
    "cylinder",
    "divergence",
    "ellipsoid",
    "extrude",
    "largest_part",
    "next_cell",
    "number_parts",
    "pixels",
    "polygon",
    "population",
    "smoothed",
    "surface_area",
    "volume",
]
