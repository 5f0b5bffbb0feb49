"""The checks of the trace hold, and would notice if they did not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lithiscope import cell as cell_room
from lithiscope.verification import Row, Unchecked, cell, cell_real
from verification.documented import documented


@pytest.fixture(scope="module")
def rows() -> list[Row | Unchecked]:
    return list(cell.rows(False))


def test_every_claim_holds(rows: list[Row | Unchecked]) -> None:
    assert len({row.claim for row in rows}) == len(rows)
    assert [row.claim for row in rows if row.verdict == "fail"] == []


def test_the_documentation_lists_the_claims(rows: list[Row | Unchecked]) -> None:
    """It was made beside real files, which not every machine has."""
    assert {row.claim for row in rows if isinstance(row, Row)} <= {*documented("cell")}


def test_without_real_files_a_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LITHISCOPE_DATA", str(tmp_path))
    found = list(cell_real.real_rows())
    assert len(found) == 3
    assert all(isinstance(row, Unchecked) and "LITHISCOPE_DATA" in row.reason for row in found)


def test_a_clock_that_claims_too_much_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard deviations half as large: two thirds of the trials lie inside 1.96 sigma."""
    honest = cell._trials(cell._electrode_cell(), 50)
    monkeypatch.setattr(
        cell, "_trials", lambda *_: honest._replace(offset_std=honest.offset_std / 2, drift_std=honest.drift_std / 2)
    )
    failed = [row.claim for row in cell._clock_rows(50) if row.verdict == "fail"]
    assert [("offset" in claim, "drift" in claim) for claim in failed] == [(True, False), (False, True)]


def test_another_resistance_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    true = cell_room.ohmic_resistance

    def wrong(*given: object, **options: object) -> object:
        found = true(*given, **options)  # type: ignore[arg-type]
        return found.assign(resistance_ohm=found["resistance_ohm"] * 1.01)

    assert cell._resistance_row().verdict == "pass"
    monkeypatch.setattr(cell_room, "ohmic_resistance", wrong)
    assert cell._resistance_row().verdict == "fail"


def test_the_trials_are_those_of_the_stated_scene() -> None:
    trial = cell._trials(cell._electrode_cell(), 3)
    assert trial.offset.shape == (3,)
    # Three edges of 0.1 s: the offset is known to 0.1/sqrt(3) s.
    np.testing.assert_allclose(trial.offset_std, 0.1 / np.sqrt(3), rtol=0.02)
