"""EC-Lab binary files (.mpr), read by galvani (extra ``biologic``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lithiscope.cell.readers.assemble import in_units, with_cell_voltage
from lithiscope.cell.readers.biologic import OPEN_CIRCUIT, step_count
from lithiscope.cell.readers.columns import choose, require_time
from lithiscope.cell.readers.extras import third_party
from lithiscope.cell.readers.raw import RawTrace, Request

FORMAT = "BioLogic mpr"

_MAGIC = b"BIO-LOGIC MODULAR FILE"
# First byte of the settings: the technique.
_TECHNIQUES = {0x04: "Galvanostatic Cycling with Potential Limitation", 0x0B: OPEN_CIRCUIT, 0x19: "Chronopotentiometry"}


def can_open(path: Path, head: bytes) -> bool:  # noqa: ARG001 - a reader is asked with both
    """Whether the file starts with the name that EC-Lab writes."""
    return head.startswith(_MAGIC)


def read(path: Path, request: Request) -> RawTrace:
    """Read the file.

    Raises
    ------
    FileFormatError
        If galvani is not installed or cannot read the file.
    """
    with third_party(path, package="datalab-org-galvani", extra="biologic"):
        from galvani import BioLogic  # type: ignore[import-untyped]

        with path.open("rb") as stream:
            found = BioLogic.MPRfile(stream)
        data = found.data
    labels = list(data.dtype.names or ())
    columns = choose(labels, request.columns, file=str(path))
    require_time(columns, labels, file=str(path))
    variables = {
        column.variable: in_units(np.array(data[labels[column.index]], dtype=float), column, file=str(path))
        for column in columns
    }
    loops = getattr(found, "loop_index", None)
    steps = step_count(variables, [] if loops is None else [int(first) for first in loops])
    if steps is not None:
        variables["step_count"] = steps
    technique = _technique(found)
    return RawTrace(
        with_cell_voltage(variables),
        getattr(found, "timestamp", None),
        {},
        technique,
        open_circuit=technique == OPEN_CIRCUIT,
    )


def _technique(found: Any) -> str:
    settings = [module["data"] for module in found.modules if bytes(module["shortname"]).strip() == b"VMP Set"]
    return _TECHNIQUES.get(settings[0][0], "") if settings and len(settings[0]) else ""
