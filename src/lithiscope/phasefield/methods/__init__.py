"""Methods of time integration, one file each."""

from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.methods.bogacki_shampine import BogackiShampine

__all__ = ["BogackiShampine", "Method", "State"]
