"""Pixels of a particle as a grid: packing, neighbours, faces, crystal axes and lines along them."""
