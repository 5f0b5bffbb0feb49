"""A virtual scanning transmission X-ray microscope: particles that react by a known law, and raw counts of them.

`Scene` says where lithium is at any moment and place, as formulas; `acquire` exposes every pixel at its own time and
drift and counts photons. The analysis of lithiscope is not used anywhere here, so that it can be tested against it.
"""

from lithiscope.instruments.stxm.microscope import (
    Acquisition,
    acquire,
    incident_counts,
    ring_current,
    scan_duration,
    scan_times,
)
from lithiscope.instruments.stxm.options import MicroscopeOptions
from lithiscope.instruments.stxm.outlines import Ellipse, Facets, Outline
from lithiscope.instruments.stxm.pathways import (
    FastDomains,
    Moment,
    MovingFront,
    Pathway,
    Place,
    ShrinkingCore,
    SolidSolution,
)
from lithiscope.instruments.stxm.scenes import HalfCycle, Platelet, Scene, hold, three_platelets
from lithiscope.instruments.stxm.spectra import FEPO4, LIFEPO4, optical_density_per_nanometre, reference_spectra

__all__ = [
    "FEPO4",
    "LIFEPO4",
    "Acquisition",
    "Ellipse",
    "Facets",
    "FastDomains",
    "HalfCycle",
    "MicroscopeOptions",
    "Moment",
    "MovingFront",
    "Outline",
    "Pathway",
    "Place",
    "Platelet",
    "Scene",
    "ShrinkingCore",
    "SolidSolution",
    "acquire",
    "hold",
    "incident_counts",
    "optical_density_per_nanometre",
    "reference_spectra",
    "ring_current",
    "scan_duration",
    "scan_times",
    "three_platelets",
]
