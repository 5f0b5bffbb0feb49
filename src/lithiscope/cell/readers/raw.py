"""What a reader of a potentiostat's file hands over, and what a reader must offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from lithiscope.cell.trace_options import TraceOptions

ColumnChoice = str | int | tuple[str | int, str]
"""A column by its label or its number from 0, alone or with the unit that its label does not state."""

Columns = Mapping[str, ColumnChoice]
"""Variable of the trace -> column of the file."""

CHARGE_INCREMENT = "charge_increment_ah"
"""Charge since the sample before, in Ah: not part of the trace, but the current can be rebuilt from it."""


@dataclass(frozen=True)
class RawTrace:
    """The columns of a file under the names and in the units of the stage cell_trace.

    Parameters
    ----------
    variables : mapping of str to ndarray
        Arrays of one length, NaN where a value could not be read. Besides variables of the stage,
        ``charge_increment_ah`` is understood. ``test_time_second`` must be there.
    start : datetime, optional
        Moment at which the test time is zero; naive when the file states no zone.
    header : mapping of str to str
        The file's own header.
    technique : str
        Name of the technique, as the file has it.
    current_source : {"measured", "stated"}
        Whether a current among the variables was measured or follows from what the user states.
    open_circuit : bool
        Whether no current could flow, so that its absence means zero.
    """

    variables: Mapping[str, np.ndarray]
    start: datetime | None = None
    header: Mapping[str, str] = field(default_factory=dict)
    technique: str = ""
    current_source: str = "measured"
    open_circuit: bool = False


@dataclass(frozen=True)
class Request:
    """What the user asked for, as a reader sees it."""

    timezone: str | None = None
    columns: Columns | None = None
    options: TraceOptions = field(default_factory=TraceOptions)


class Reader(Protocol):
    """What a reader offers: a module or an object with these names; plug-ins register it in ``lithiscope.cell``."""

    @property
    def FORMAT(self) -> str:  # noqa: N802 - a module constant
        """Name of the format."""

    def can_open(self, path: Path, head: bytes) -> bool:
        """Whether the file, of which `head` are the first bytes, is of this format; must not raise."""

    def read(self, path: Path, request: Request) -> RawTrace:
        """Read the file."""
