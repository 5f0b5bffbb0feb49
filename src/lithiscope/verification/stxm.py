"""The STXM path against published numbers, closed formulas and virtual experiments with known truth."""

from __future__ import annotations

from collections.abc import Iterator

from lithiscope.verification.rows import Row
from lithiscope.verification.stxm_noise import noise_rows
from lithiscope.verification.stxm_numbers import number_rows
from lithiscope.verification.stxm_systematics import systematic_rows


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` scans four times as often, for sharper statistics."""
    yield from number_rows()
    yield from systematic_rows()
    yield from noise_rows(everything)
