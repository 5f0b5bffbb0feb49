"""One doubt about a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One doubt about a trace: what, where, how strong, and what to do.

    Parameters
    ----------
    name : str
        Name of the check, e.g. ``"sign"``.
    severity : {"error", "warning"}
        An error makes results wrong; a warning may be harmless.
    problem, field, value, limit, remedy : str
        As in the errors of lithiscope.
    """

    name: str
    severity: Literal["error", "warning"]
    problem: str
    field: str
    value: str
    limit: str
    remedy: str

    def __str__(self) -> str:
        lines = (f"{key}: {getattr(self, key)}" for key in ("field", "value", "limit", "remedy"))
        return "\n  ".join([f"{self.severity}: {self.problem}", *lines])
