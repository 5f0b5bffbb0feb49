"""Coordinates that several stages share."""

from __future__ import annotations

from lithiscope.stages.schema import Variable
from lithiscope.units import ELECTRONVOLT, MICROMETRE, ONE, SECOND

TIME = {
    "time": Variable("time", SECOND, "seconds since the start of the study, mid-scan"),
    "scan": Variable("time", ONE, "number of the scan", kind="int"),
    "cycle": Variable("time", ONE, "number of the cycle", kind="int"),
    "half_cycle": Variable("time", ONE, "number of the half cycle; -1 at rest", kind="int"),
    "direction": Variable("time", ONE, "+1 lithiation, -1 delithiation, 0 rest or unknown", kind="int"),
}
SPACE = {
    "z": Variable("z", MICROMETRE, "position of the pixel centres along the optical axis"),
    "y": Variable("y", MICROMETRE, "position of the pixel centres, slow axis", required=True),
    "x": Variable("x", MICROMETRE, "position of the pixel centres, fast axis", required=True),
}
ENERGY = {"energy": Variable("energy", ELECTRONVOLT, "photon energy")}
