"""One line of the verification table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

Relation = Literal["==", "<=", ">="]


@dataclass(frozen=True)
class Row:
    """A claim, its source, what it promises and what was measured.

    Parameters
    ----------
    claim, source : str
        What is promised, and the paper, equation or document that asks for it.
    expected, measured : float
        The promised and the measured value.
    tolerance : float
        The largest difference that passes; 0 for a bound.
    reason : str
        Why the tolerance is what it is.
    relation : {"==", "<=", ">="}
        Whether `expected` is a value or a bound.
    unit : str
        The unit of the two values.
    """

    claim: str
    source: str
    expected: float
    measured: float
    tolerance: float
    reason: str
    relation: Relation = "=="
    unit: str = "1"

    @property
    def verdict(self) -> Literal["pass", "fail"]:
        """Whether the measured value keeps the promise; NaN never does."""
        if not math.isfinite(self.measured):
            return "fail"
        kept = {
            "==": abs(self.measured - self.expected) <= self.tolerance,
            "<=": self.measured <= self.expected + self.tolerance,
            ">=": self.measured >= self.expected - self.tolerance,
        }[self.relation]
        return "pass" if kept else "fail"

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values, with its verdict."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True)
class Unchecked:
    """What could not be measured on this machine, and why; it neither passes nor fails.

    Parameters
    ----------
    claim : str
        What is promised.
    reason : str
        What is missing, and how to supply it.
    """

    claim: str
    reason: str
    verdict: Literal["not checked"] = "not checked"

    def as_json(self) -> dict[str, Any]:
        """Return the keys of a row as plain JSON values; null where nothing was measured."""
        return dict.fromkeys(Row.__dataclass_fields__) | asdict(self)


def compare(
    claim: str, source: str, expected: float, measured: float, *, within: float, because: str, unit: str = "1"
) -> Row:
    """Return a row for a value that must be met within a tolerance."""
    return Row(claim, source, expected, float(measured), within, because, unit=unit)
