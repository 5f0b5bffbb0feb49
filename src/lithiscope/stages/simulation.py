"""The stage of a simulation: what a model says besides where the lithium is."""

from __future__ import annotations

from lithiscope.stages.coordinates import SPACE, TIME
from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import AMPERE_PER_SQUARE_METRE, ONE, PER_HOUR, VOLT

SIMULATION = Stage(
    "simulation",
    "Voltage, energy, currents and balance of a simulated particle, at the frames of its composition video",
    variables={
        "voltage_volt": Variable("time", VOLT, "voltage against lithium", required=True),
        "mean_lithium_fraction": Variable("time", ONE, "x averaged over all particles", required=True),
        "insertion_rate": Variable("time", PER_HOUR, "change of the mean x by the reaction", required=True),
        "free_energy": Variable("time", ONE, "free energy per site over kT, mean over all particles", required=True),
        "mass_balance_error": Variable(
            "time", ONE, "mean x less its start less what the reaction has added", required=True
        ),
        "current_density": Variable(
            "time [z] y x", AMPERE_PER_SQUARE_METRE, "current per reacting surface, positive = delithiation"
        ),
        "chemical_potential": Variable("time [z] y x", ONE, "over kT, with gradient, strain and defects"),
    },
    coordinates={**TIME, **SPACE},
    attributes={
        "stopped": "why the run ended",
        "method": "how time was integrated, and why this way",
        "steps": "accepted and rejected steps",
        "precision": "float64 or float32",
    },
    required_attributes=("stopped", "method"),
)
