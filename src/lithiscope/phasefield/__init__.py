"""What should happen in a particle: free energy, reaction, transport, elasticity and protocol on a grid.

`simulate` returns a video of the lithium fraction like any measured one. Lengths are in nm, times in s, energies in kT
and overpotentials in kT/e; positive currents and overpotentials delithiate.
"""

from lithiscope.phasefield import precision as _precision  # noqa: F401  (before anything makes an array)
from lithiscope.phasefield.geometry import Geometry, ParticleNumbers

__all__ = ["Geometry", "ParticleNumbers"]
