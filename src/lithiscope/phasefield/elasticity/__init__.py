"""Elastic energy of a particle: none, a penalty, periodic coherency strain, or a body with free surfaces."""

from lithiscope.phasefield.elasticity.base import Coherent, Elasticity, NoElasticity
from lithiscope.phasefield.elasticity.crystal import Crystal, plane_stress
from lithiscope.phasefield.elasticity.free_surface import FreeSurface, Relaxed
from lithiscope.phasefield.elasticity.periodic import Periodic
from lithiscope.phasefield.elasticity.tensors import Stiffness, coherency_energy, misfit_tensor, softest_direction

__all__ = [
    "Coherent",
    "Crystal",
    "Elasticity",
    "FreeSurface",
    "NoElasticity",
    "Periodic",
    "Relaxed",
    "Stiffness",
    "coherency_energy",
    "misfit_tensor",
    "plane_stress",
    "softest_direction",
]
