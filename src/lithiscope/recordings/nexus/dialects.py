"""The ways in which the beamlines write NXstxm, told by the content of an entry.

What differs: names of groups, units that are left out, and what a zero means. Facts from the files of the beamlines
and from the programs that write them: Pixelator (PolLux, HERMES), GDA (Diamond), pySTXM (Canadian Light Source) and
pystxmcontrol (Advanced Light Source).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from lithiscope.errors import FileFormatError
from lithiscope.recordings.formats import Dialect
from lithiscope.recordings.nexus.fields import as_text, attribute, text
from lithiscope.units import ELECTRONVOLT, MICROMETRE

PIXELATOR = Dialect(
    "Pixelator", "PolLux at the Swiss Light Source", "a channel counter0 and units of axes that are stated"
)
DIAMOND = Dialect("Diamond", "I08 at Diamond Light Source", "an energy axis called photon_energy")
HERMES = Dialect("HERMES", "HERMES at SOLEIL", "collection/beamline Hermes, or groups without NX_class")
PYSTXM = Dialect("pySTXM", "SM at the Canadian Light Source", "NX_units in place of units; frames not taken are NaN")
PYSTXMCONTROL = Dialect(
    "pystxmcontrol",
    "7.0.1 (COSMIC), 5.3.2.2 and 11.0.2 at the Advanced Light Source, .stxm of versions 0 to 3",
    "a group motors, or a version; zeros are pixels that were not taken yet",
)
DIALECTS = (PIXELATOR, DIAMOND, HERMES, PYSTXM, PYSTXMCONTROL)

_PIXELS: Mapping[str, str] = {"energy": ELECTRONVOLT, "position": MICROMETRE}


@dataclass(frozen=True)
class Way:
    """How an entry is to be read.

    Parameters
    ----------
    dialect : Dialect
        Its name.
    units : mapping
        Units of ``energy`` and ``position`` where the file states none; empty when it has to.
    dwell_unit : str
        Unit of count_time whatever the file says; blank when the file is believed.
    zero_is_missing : bool
        Whether a zero marks a pixel that was not taken.
    version : float
        Of the program's files, 0 where there is none.
    """

    dialect: Dialect
    units: Mapping[str, str] = field(default_factory=dict)
    dwell_unit: str = ""
    zero_is_missing: bool = False
    version: float = 0.0


def way_of(entry: Any, data: Any, file: str) -> Way:
    """Return how an entry is to be read.

    Parameters
    ----------
    entry, data : h5py.Group
        The entry and its channel.
    file : str
        For messages.

    Raises
    ------
    FileFormatError
        If the file is of a version that came after this reader.
    """
    if "motors" in entry or "instrument/motors" in entry or "version" in entry:
        version = _version(entry)
        if version >= 4:
            raise FileFormatError(
                "the file is of a version that this reader does not know",
                file=file,
                field="version",
                value=version,
                limit="0 to 3",
                remedy="update lithiscope, or tell us the dialect",
            )
        # The dwell is asked for in ms and written as it is, labelled s in versions before 3 and not at all from 3 on.
        return Way(PYSTXMCONTROL, _PIXELS, dwell_unit="ms", zero_is_missing=True, version=version)
    if isinstance(data.get("photon_energy"), h5py.Dataset):
        return Way(DIAMOND, _PIXELS)
    if any("NX_units" in item.attrs for item in data.values()):
        return Way(PYSTXM, _PIXELS)
    if text(entry, "collection/beamline").lower() == "hermes" or not attribute(entry, "NX_class"):
        return Way(HERMES, _PIXELS)
    return Way(PIXELATOR)


def _version(entry: Any) -> float:
    """Return the version of a file of pystxmcontrol; its place and its name changed with the versions."""
    stated = [entry[name][()] for name in ("version", "definition") if isinstance(entry.get(name), h5py.Dataset)]
    definition = entry.get("definition")
    if definition is not None and "version" in definition.attrs:
        stated.append(definition.attrs["version"])
    for value in stated:
        try:
            number = float(as_text(np.asarray(value).ravel()))
        except ValueError:
            continue
        if np.isfinite(number):
            return number
    return 0.0
