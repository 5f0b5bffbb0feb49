"""The potentiostat's trace: readers, checks, half cycles, dQ/dV, ohmic drop, equilibrium voltage, clock, frames.

The way of the data: `open_trace` -> `check_trace` -> `split` -> `at_frames` and `over_intervals`, with the clock from
`fit_clock`, the resistance from `ohmic_resistance` and the equilibrium voltage from `equilibrium_voltage`. Beside it
lie `incremental_capacity`, `differential_voltage`, `find_peaks`, `subtract_blank` and `overpotential_against_rate`.
"""

from lithiscope.cell.blank import subtract_blank
from lithiscope.cell.checks import check_trace, require_sound
from lithiscope.cell.clock import fit_clock, to_trace_second
from lithiscope.cell.edges import CurrentEdges, current_edges
from lithiscope.cell.equilibrium import equilibrium_from_curves, equilibrium_voltage
from lithiscope.cell.finding import Finding
from lithiscope.cell.frames import at_frames, over_intervals
from lithiscope.cell.image_edges import ImageEdges, edges_in_images
from lithiscope.cell.impedance import read_impedance
from lithiscope.cell.incremental import differential_voltage, incremental_capacity
from lithiscope.cell.matching import match_edges
from lithiscope.cell.open import join_traces, open_trace
from lithiscope.cell.options import (
    ClockOptions,
    EdgeOptions,
    EquilibriumOptions,
    FrameOptions,
    IncrementalOptions,
    PeakOptions,
    RateOptions,
    ResistanceOptions,
    SplitOptions,
)
from lithiscope.cell.peaks import find_peaks
from lithiscope.cell.rates import overpotential_against_rate
from lithiscope.cell.resistance import Spectrum, ohmic_resistance
from lithiscope.cell.split import split
from lithiscope.cell.trace_options import CheckOptions, TraceOptions

__all__ = [
    "CheckOptions",
    "ClockOptions",
    "CurrentEdges",
    "EdgeOptions",
    "EquilibriumOptions",
    "Finding",
    "FrameOptions",
    "ImageEdges",
    "IncrementalOptions",
    "PeakOptions",
    "RateOptions",
    "ResistanceOptions",
    "Spectrum",
    "SplitOptions",
    "TraceOptions",
    "at_frames",
    "check_trace",
    "current_edges",
    "differential_voltage",
    "edges_in_images",
    "equilibrium_from_curves",
    "equilibrium_voltage",
    "find_peaks",
    "fit_clock",
    "incremental_capacity",
    "join_traces",
    "match_edges",
    "ohmic_resistance",
    "open_trace",
    "over_intervals",
    "overpotential_against_rate",
    "read_impedance",
    "require_sound",
    "split",
    "subtract_blank",
    "to_trace_second",
]
