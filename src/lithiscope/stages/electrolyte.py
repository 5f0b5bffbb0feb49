"""The stage of the liquid: salt and potential in the thin channel above the electrode."""

from __future__ import annotations

from lithiscope.stages.coordinates import SPACE
from lithiscope.stages.schema import Stage, Variable
from lithiscope.units import AMPERE, MOLE_PER_LITRE, ONE, SECOND, VOLT

ELECTROLYTE_CHANNEL = Stage(
    "electrolyte_channel",
    "Salt and potential in the channel of a liquid cell, averaged over its depth, in time",
    variables={
        "salt_concentration": Variable("time y x", MOLE_PER_LITRE, "concentration of the salt"),
        "salt_concentration_flag": Variable("time", ONE, "flags", kind="int"),
        "potential_volt": Variable("time y x", VOLT, "potential of a lithium electrode here against the reservoir"),
        "potential_volt_flag": Variable("time", ONE, "flags", kind="int"),
        "electrode": Variable("y x", ONE, "whether the electrode lies below", kind="bool"),
        "current_ampere": Variable("time", AMPERE, "current, positive = delithiation", required=True),
        "largest_concentration_change": Variable(
            "time", MOLE_PER_LITRE, "change of concentration of the largest size above the electrode, with its sign"
        ),
        "mean_concentration_change": Variable(
            "time", MOLE_PER_LITRE, "mean change of concentration above the electrode"
        ),
        "largest_potential_change": Variable(
            "time", VOLT, "change of potential of the largest size above the electrode, with its sign"
        ),
        "vertical_concentration_change": Variable(
            "time", MOLE_PER_LITRE, "difference between bottom and top of the gap, which the depth average leaves out"
        ),
        "salt_balance": Variable("time", ONE, "salt unaccounted for over salt released by the electrode"),
        "vertical_time": Variable("", SECOND, "time to even out the concentration over the depth of the gap"),
        "salt_per_site": Variable("", ONE, "salt above the electrode over lithium sites on it"),
    },
    coordinates={"time": Variable("time", SECOND, "seconds since the current started", required=True), **SPACE},
    attributes={"options": "the options of the model, as JSON"},
)

ELECTROLYTE_STAGES = (ELECTROLYTE_CHANNEL,)
