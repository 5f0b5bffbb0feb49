from __future__ import annotations

import pytest

from lithiscope.verification import phasefield_engine


@pytest.mark.slow
def test_every_claim_of_the_engine_holds() -> None:
    rows = list(phasefield_engine.engine_rows(False))
    assert len({row.claim for row in rows}) == len(rows)
    assert [f"{row.claim}: {row.measured}" for row in rows if row.verdict == "fail"] == []
