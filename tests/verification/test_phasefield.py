from __future__ import annotations

from itertools import chain

from lithiscope.verification import phasefield_engine


def test_the_quick_claims_of_the_engine_hold() -> None:
    """The gradients, orders and outcomes take minutes: `lithiscope verify phasefield` has them."""
    quick = (
        phasefield_engine._material_rows(),
        phasefield_engine._strain_rows(),
        phasefield_engine._area_rows(),
        phasefield_engine._balance_rows(),
    )
    rows = list(chain.from_iterable(quick))
    assert len({row.claim for row in rows}) == len(rows) == 18
    assert [f"{row.claim}: {row.measured}" for row in rows if row.verdict == "fail"] == []
