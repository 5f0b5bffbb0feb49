"""What `lithiscope verify phasefield` checks."""

from __future__ import annotations

from collections.abc import Iterator

from lithiscope.verification import (
    phasefield_benchmarks,
    phasefield_bulk,
    phasefield_combinations,
    phasefield_engine,
    phasefield_gradients,
    phasefield_peers,
    phasefield_precision,
    phasefield_seeds,
    phasefield_speed,
)
from lithiscope.verification.rows import Row, Unchecked


def rows(everything: bool) -> Iterator[Row | Unchecked]:
    """Yield the rows of this check; `everything` follows spinodal decomposition to t = 2000 on a finer grid."""
    yield from phasefield_engine.engine_rows(everything)
    yield from phasefield_bulk.bulk_rows(everything)
    yield from phasefield_gradients.rows(everything)
    yield from phasefield_precision.rows(everything)
    yield from phasefield_seeds.rows(everything)
    yield from phasefield_benchmarks.rows(everything)
    yield from phasefield_speed.rows(everything)
    if everything:
        yield from phasefield_combinations.rows()
        yield from phasefield_peers.rows()
