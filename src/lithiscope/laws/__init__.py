"""Laws as pure functions over NumPy or JAX arrays: chemical potential, exchange current, reaction laws, stability.

Energies are in kT and overpotentials in kT/e; `constants` holds the conversions. Exchange laws F(x), chemical
potentials mu(x) and reaction laws r(eta) are small frozen objects of two functions each (the law and its derivative),
built by name (`exchange_law`, `chemical_potential`, `reaction_law`), by their own functions, or by a user's; plug-ins
add names through the entry point group ``lithiscope.laws``.
"""

from lithiscope.laws.constants import (
    BOLTZMANN,
    ELEMENTARY_CHARGE,
    LFP_SITE_DENSITY,
    ROOM_TEMPERATURE,
    current_density,
    insertion_rate,
    thermal_voltage,
)
from lithiscope.laws.conversion import ExchangeCurrent, exchange_current, over_linear
from lithiscope.laws.exchange import ExchangeLaw, Peak, exchange_law, exchange_law_names, peak
from lithiscope.laws.growth import Growth, growth_integral
from lithiscope.laws.potential import (
    ChemicalPotential,
    chemical_potential,
    chemical_potential_names,
    equilibrium_voltage,
    spinodal,
    spinodal_voltage_gap,
)
from lithiscope.laws.reaction import ReactionLaw, net_rate, overpotential, reaction_law, reaction_law_names
from lithiscope.laws.stability import (
    StableCurrents,
    UniformState,
    growth_rate,
    neutral_current,
    stable_compositions,
    stable_currents,
)

__all__ = [
    "BOLTZMANN",
    "ELEMENTARY_CHARGE",
    "LFP_SITE_DENSITY",
    "ROOM_TEMPERATURE",
    "ChemicalPotential",
    "ExchangeCurrent",
    "ExchangeLaw",
    "Growth",
    "Peak",
    "ReactionLaw",
    "StableCurrents",
    "UniformState",
    "chemical_potential",
    "chemical_potential_names",
    "current_density",
    "equilibrium_voltage",
    "exchange_current",
    "exchange_law",
    "exchange_law_names",
    "growth_integral",
    "growth_rate",
    "insertion_rate",
    "net_rate",
    "neutral_current",
    "over_linear",
    "overpotential",
    "peak",
    "reaction_law",
    "reaction_law_names",
    "spinodal",
    "spinodal_voltage_gap",
    "stable_compositions",
    "stable_currents",
    "thermal_voltage",
]
