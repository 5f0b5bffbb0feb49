"""The options of every step of the kinetics."""

from lithiscope.kinetics.channels_options import ChannelOptions, HalfChargeOptions, NormaliseOptions
from lithiscope.kinetics.domains_options import AgreementOptions, DomainOptions
from lithiscope.kinetics.law_fit_options import LawFitOptions
from lithiscope.kinetics.line_cuts_options import Line, LineCutOptions
from lithiscope.kinetics.pathways_options import DomainShapeOptions, InterfaceOptions, PathwayOptions
from lithiscope.kinetics.phases_options import BoundaryOptions, PhaseOptions, RelaxationOptions
from lithiscope.kinetics.pool_options import AsymmetryOptions, DoseCheckOptions, PoolOptions, UniformOptions
from lithiscope.kinetics.population_options import PopulationOptions
from lithiscope.kinetics.rates_options import CurrentOptions, ExchangeOptions, RateOptions, RateTableOptions
from lithiscope.kinetics.regime_options import RegimeOptions, StabilityOptions
from lithiscope.kinetics.uniformity_options import RateGroupOptions, UniformityOptions

__all__ = [
    "AgreementOptions",
    "AsymmetryOptions",
    "BoundaryOptions",
    "ChannelOptions",
    "CurrentOptions",
    "DomainOptions",
    "DomainShapeOptions",
    "DoseCheckOptions",
    "ExchangeOptions",
    "HalfChargeOptions",
    "InterfaceOptions",
    "LawFitOptions",
    "Line",
    "LineCutOptions",
    "NormaliseOptions",
    "PathwayOptions",
    "PhaseOptions",
    "PoolOptions",
    "PopulationOptions",
    "RateGroupOptions",
    "RateOptions",
    "RateTableOptions",
    "RegimeOptions",
    "RelaxationOptions",
    "StabilityOptions",
    "UniformOptions",
    "UniformityOptions",
]
