"""How fast: insertion rates, currents, exchange currents, domains, uniformity, channels, regime."""

from lithiscope.kinetics.asymmetry import rate_asymmetry
from lithiscope.kinetics.covariance import interval_covariance
from lithiscope.kinetics.current import with_current_density
from lithiscope.kinetics.dose import DoseCheck, dose_check
from lithiscope.kinetics.exchange import with_exchange_current
from lithiscope.kinetics.law_fit import fit_exchange_current
from lithiscope.kinetics.pool import pool
from lithiscope.kinetics.rate_table import rate_table
from lithiscope.kinetics.rates import insertion_rate
from lithiscope.kinetics.uniform import uniform_pixels

__all__ = [
    "DoseCheck",
    "dose_check",
    "fit_exchange_current",
    "insertion_rate",
    "interval_covariance",
    "pool",
    "rate_asymmetry",
    "rate_table",
    "uniform_pixels",
    "with_current_density",
    "with_exchange_current",
]
