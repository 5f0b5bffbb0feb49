"""The options of every step of the kinetics."""

from lithiscope.kinetics.law_fit_options import LawFitOptions
from lithiscope.kinetics.pool_options import AsymmetryOptions, DoseCheckOptions, PoolOptions, UniformOptions
from lithiscope.kinetics.rates_options import CurrentOptions, ExchangeOptions, RateOptions, RateTableOptions

__all__ = [
    "AsymmetryOptions",
    "CurrentOptions",
    "DoseCheckOptions",
    "ExchangeOptions",
    "LawFitOptions",
    "PoolOptions",
    "RateOptions",
    "RateTableOptions",
    "UniformOptions",
]
