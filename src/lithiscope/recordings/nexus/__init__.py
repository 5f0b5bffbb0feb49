"""NXstxm, the NeXus application definition for STXM, in HDF5, with the dialects of its beamlines.

`fields` reads strings, units and classes, `layout` finds regions, channels and axes, `read` and `write` do the two
ways.
"""
