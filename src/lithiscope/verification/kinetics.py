"""The kinetics against published numbers, closed formulas and virtual experiments with known truth."""

from __future__ import annotations

from collections.abc import Iterator

from lithiscope.verification.electrolyte import electrolyte_rows
from lithiscope.verification.kinetics_asymmetry import asymmetry_rows
from lithiscope.verification.kinetics_channels import channel_rows
from lithiscope.verification.kinetics_numbers import number_rows
from lithiscope.verification.kinetics_regime import regime_rows
from lithiscope.verification.kinetics_virtual import virtual_rows
from lithiscope.verification.rows import Row


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` repeats the virtual experiments with more seeds."""
    yield from number_rows()
    yield from virtual_rows(everything)
    yield from asymmetry_rows(everything)
    yield from channel_rows(everything)
    yield from regime_rows(everything)
    yield from electrolyte_rows()
