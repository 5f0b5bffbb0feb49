"""The data model: one documented schema per stage of the data, made by `new`, checked by `check`.

A stage is an `xarray.Dataset` whose variables, dimensions, units and flags are written down in `CATALOGUE`. Every
step of lithiscope takes stages and returns a stage; files and options never travel in them.
"""

from lithiscope.stages.build import check, new
from lithiscope.stages.catalogue import CATALOGUE
from lithiscope.stages.flags import FLAGS, Flag, blank_fatal, fatal_mask, flag_bit, flag_counts
from lithiscope.stages.reading import each_frame
from lithiscope.stages.schema import Stage, Variable

__all__ = [
    "CATALOGUE",
    "FLAGS",
    "Flag",
    "Stage",
    "Variable",
    "blank_fatal",
    "check",
    "each_frame",
    "fatal_mask",
    "flag_bit",
    "flag_counts",
    "new",
]
