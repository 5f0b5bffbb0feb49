"""How fast: insertion rates, currents, exchange currents, domains, uniformity, channels, regime.

`rates`, `current`, `exchange`, `rate_table`, `law_fit` and `pool` go from maps to the law of the exchange current;
`domains`, `uniformity`, `solid_solution`, `line_cuts` and `population` say how evenly a particle reacts; `channels`,
`half_charge`, `regime`, `times` and `morphology` are for lithium that moves in the plane of the picture; `interfaces`,
`domain_shapes`, `pathway` and `pathway_diagram` say which way a particle took between full and empty.
"""

from lithiscope.kinetics.asymmetry import rate_asymmetry
from lithiscope.kinetics.boundaries import boundary_directions
from lithiscope.kinetics.channel_cuts import channel_cuts
from lithiscope.kinetics.channel_exchange import normalised_exchange, with_channel_exchange
from lithiscope.kinetics.channels import channels
from lithiscope.kinetics.covariance import interval_covariance
from lithiscope.kinetics.current import with_current_density
from lithiscope.kinetics.domain_agreement import domain_agreement
from lithiscope.kinetics.domain_growth import domain_growth
from lithiscope.kinetics.domain_shapes import domain_shapes
from lithiscope.kinetics.domains import domain_outlines, fast_domains
from lithiscope.kinetics.dose import dose_check
from lithiscope.kinetics.exchange import with_exchange_current
from lithiscope.kinetics.half_charge import at_half_charge, channel_profile
from lithiscope.kinetics.interfaces import interfaces
from lithiscope.kinetics.law_fit import fit_exchange_current
from lithiscope.kinetics.line_cuts import line_cuts
from lithiscope.kinetics.morphology import diagram_lines, morphology_point
from lithiscope.kinetics.options import LawFitOptions, PoolOptions, RegimeOptions
from lithiscope.kinetics.pathway import pathway
from lithiscope.kinetics.pathway_diagram import active_particles, pathway_diagram
from lithiscope.kinetics.pool import pool
from lithiscope.kinetics.population import global_against_particle
from lithiscope.kinetics.rate_groups import by_rate
from lithiscope.kinetics.rate_table import rate_table
from lithiscope.kinetics.rates import insertion_rate
from lithiscope.kinetics.regime import diagnose_regime
from lithiscope.kinetics.regime_particles import diagnose_particles
from lithiscope.kinetics.regime_through import diagnose_through
from lithiscope.kinetics.relaxation import relaxation
from lithiscope.kinetics.solid_solution import solid_solution_fraction
from lithiscope.kinetics.stability_path import stability_path
from lithiscope.kinetics.surface_shift import SurfaceShift, channel_surface_shift, surface_shift
from lithiscope.kinetics.times import bulk_time, reaction_time, time_ratio
from lithiscope.kinetics.uniform import uniform_pixels
from lithiscope.kinetics.uniformity import uniformity

__all__ = [
    "LawFitOptions",
    "PoolOptions",
    "RegimeOptions",
    "SurfaceShift",
    "active_particles",
    "at_half_charge",
    "boundary_directions",
    "bulk_time",
    "by_rate",
    "channel_cuts",
    "channel_profile",
    "channel_surface_shift",
    "channels",
    "diagnose_particles",
    "diagnose_regime",
    "diagnose_through",
    "diagram_lines",
    "domain_agreement",
    "domain_growth",
    "domain_outlines",
    "domain_shapes",
    "dose_check",
    "fast_domains",
    "fit_exchange_current",
    "global_against_particle",
    "insertion_rate",
    "interfaces",
    "interval_covariance",
    "line_cuts",
    "morphology_point",
    "normalised_exchange",
    "pathway",
    "pathway_diagram",
    "pool",
    "rate_asymmetry",
    "rate_table",
    "reaction_time",
    "relaxation",
    "solid_solution_fraction",
    "stability_path",
    "surface_shift",
    "time_ratio",
    "uniform_pixels",
    "uniformity",
    "with_channel_exchange",
    "with_current_density",
    "with_exchange_current",
]
