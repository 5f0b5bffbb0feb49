"""Methods of time integration, one file each."""

from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.methods.bogacki_shampine import BogackiShampine
from lithiscope.phasefield.methods.exponential import ExponentialRungeKutta
from lithiscope.phasefield.methods.local import LocalRosenbrock
from lithiscope.phasefield.methods.rosenbrock import Rosenbrock

__all__ = ["BogackiShampine", "ExponentialRungeKutta", "LocalRosenbrock", "Method", "Rosenbrock", "State"]
