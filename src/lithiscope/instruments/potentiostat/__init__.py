"""A virtual potentiostat: from a stated cell and protocol to the trace that it would have written, truth beside it.

The cell is an open-circuit voltage, a capacity, a resistance that acts at once and one that comes late. Half cycles
at constant current, held voltages with a cut-off of the current, rests and pulses follow one another; the samples
carry noise and the clock may be off. It shares no code with the analysis.
"""

from lithiscope.instruments.potentiostat.cells import VirtualCell, blank_electrode, plateau_cell
from lithiscope.instruments.potentiostat.options import PotentiostatOptions
from lithiscope.instruments.potentiostat.protocol import (
    ConstantCurrent,
    ConstantVoltage,
    Rest,
    Step,
    galvanostatic,
    pulses,
)
from lithiscope.instruments.potentiostat.running import Measurement, measure
from lithiscope.instruments.potentiostat.truth import PotentiostatTruth, StepTruth
from lithiscope.instruments.potentiostat.writing import write_bdf, write_mpt

__all__ = [
    "ConstantCurrent",
    "ConstantVoltage",
    "Measurement",
    "PotentiostatOptions",
    "PotentiostatTruth",
    "Rest",
    "Step",
    "StepTruth",
    "VirtualCell",
    "blank_electrode",
    "galvanostatic",
    "measure",
    "plateau_cell",
    "pulses",
    "write_bdf",
    "write_mpt",
]
