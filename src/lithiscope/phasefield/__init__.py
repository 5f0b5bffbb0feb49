"""What should happen in a particle: free energy, reaction, transport, elasticity and protocol on a grid.

`simulate` returns a video of the lithium fraction like any measured one. Lengths are in nm, times in s, energies in kT
and overpotentials in kT/e; positive currents and overpotentials delithiate.
"""

from lithiscope.phasefield import precision as _precision  # noqa: F401  (before anything makes an array)
from lithiscope.phasefield.choose import choose_method
from lithiscope.phasefield.elasticity import Coherent, Elasticity, NoElasticity
from lithiscope.phasefield.free_energy import (
    DoubleWell,
    FreeEnergy,
    Legendre,
    RedlichKister,
    RegularSolution,
    TabulatedVoltage,
)
from lithiscope.phasefield.geometry import Geometry, ParticleNumbers
from lithiscope.phasefield.interface import binodal, interface_width
from lithiscope.phasefield.methods import (
    BogackiShampine,
    ExponentialRungeKutta,
    LocalRosenbrock,
    Method,
    Rosenbrock,
)
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.plan import Plan
from lithiscope.phasefield.protocol import (
    Part,
    Protocol,
    constant_current,
    constant_current_constant_voltage,
    constant_potential,
    from_trace,
    rest,
)
from lithiscope.phasefield.reaction import ExchangeTable, Law, Reaction
from lithiscope.phasefield.replay import Frames, replay
from lithiscope.phasefield.simulate import Simulation, in_precision, simulate
from lithiscope.phasefield.steps import Controller
from lithiscope.phasefield.transport import CahnHilliard, DiffusivityFactor, Fickian, NoTransport, Transport

__all__ = [
    "BogackiShampine",
    "CahnHilliard",
    "Coherent",
    "Controller",
    "DiffusivityFactor",
    "DoubleWell",
    "Elasticity",
    "ExchangeTable",
    "ExponentialRungeKutta",
    "Fickian",
    "Frames",
    "FreeEnergy",
    "Geometry",
    "Law",
    "Legendre",
    "LocalRosenbrock",
    "Method",
    "Model",
    "NoElasticity",
    "NoTransport",
    "Part",
    "ParticleNumbers",
    "Plan",
    "Protocol",
    "Rates",
    "Reaction",
    "RedlichKister",
    "RegularSolution",
    "Rosenbrock",
    "Simulation",
    "TabulatedVoltage",
    "Transport",
    "binodal",
    "choose_method",
    "constant_current",
    "constant_current_constant_voltage",
    "constant_potential",
    "from_trace",
    "in_precision",
    "interface_width",
    "replay",
    "rest",
    "simulate",
]
