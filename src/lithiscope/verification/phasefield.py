"""What `lithiscope verify phasefield` checks."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

from lithiscope.verification import (
    phasefield_benchmarks,
    phasefield_bulk,
    phasefield_combinations,
    phasefield_engine,
    phasefield_gradients,
    phasefield_limits,
    phasefield_peers,
    phasefield_precision,
    phasefield_seeds,
    phasefield_speed,
)
from lithiscope.verification.rows import Row, Unchecked

_MAPPINGS = Path("/proc/self/maps")
_MANY = 20_000  # Linux lets a process have 65530 mappings, and each compiled program takes several


def rows(everything: bool) -> Iterator[Row | Unchecked]:
    """Yield the rows of this check; `everything` runs the simulations that come with the program in full."""
    for row in _all(everything):
        yield row
        _forget()


def _all(everything: bool) -> Iterator[Row | Unchecked]:
    yield from phasefield_engine.engine_rows(everything)
    yield from phasefield_bulk.bulk_rows(everything)
    yield from phasefield_gradients.rows(everything)
    yield from phasefield_limits.rows()
    yield from phasefield_precision.rows(everything)
    yield from phasefield_seeds.rows(everything)
    yield from phasefield_benchmarks.rows(everything)
    yield from phasefield_speed.rows(everything)
    if everything:
        yield from phasefield_combinations.rows()
        yield from phasefield_peers.rows()


def _forget() -> None:
    """Drop compiled programs before there are more than the system can hold."""
    import jax

    if _MAPPINGS.exists() and _MAPPINGS.read_bytes().count(b"\n") > _MANY:
        jax.clear_caches()  # type: ignore[no-untyped-call]
        gc.collect()
