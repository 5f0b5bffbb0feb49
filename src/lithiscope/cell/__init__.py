"""The potentiostat's trace: readers, half cycles, C-rate, dQ/dV, ohmic drop, equilibrium voltage, clock."""

from lithiscope.cell.checks import check_trace, require_sound
from lithiscope.cell.finding import Finding
from lithiscope.cell.open import join_traces, open_trace
from lithiscope.cell.trace_options import CheckOptions, TraceOptions

__all__ = [
    "CheckOptions",
    "Finding",
    "TraceOptions",
    "check_trace",
    "join_traces",
    "open_trace",
    "require_sound",
]
