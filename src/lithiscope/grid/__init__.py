"""Pixels of a particle as a grid: packing, neighbours, faces, crystal axes and lines along them.

Lengths are in nm, positions count from the centre of the picture's first pixel, and everything is in index order
((z), y, x). Angles are in degrees from +x towards +y.
"""

from lithiscope.grid.axes import Axis, unit_vector
from lithiscope.grid.channels import Channels, find_channels
from lithiscope.grid.grid import BoundaryFaces, Faces, Grid
from lithiscope.grid.ragged import Ragged, from_dataset, ragged_pixels

__all__ = [
    "Axis",
    "BoundaryFaces",
    "Channels",
    "Faces",
    "Grid",
    "Ragged",
    "find_channels",
    "from_dataset",
    "ragged_pixels",
    "unit_vector",
]
