"""The comparison with other codes says what it could not do, and what its times mean."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.verification import phasefield_peers as peers
from lithiscope.verification.rows import Row, Unchecked


def test_a_peer_that_is_not_installed_is_told(monkeypatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda _name: None)
    found = list(peers.rows())
    assert [type(row) for row in found] == [Unchecked] * 3
    assert all("pip install" in row.reason for row in found)


@pytest.mark.parametrize(("error", "seconds", "verdict"), [(0.01, 60.0, "pass"), (0.01, 40.0, "fail")])
def test_the_ratio_is_judged(monkeypatch, error, seconds, verdict) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: name if name == "exponax" else None)
    monkeypatch.setattr(peers, "converged_energy", lambda: 1.0)
    monkeypatch.setattr(peers, "ours", lambda _reference: peers.Timed(10.0, 0.0, "ours"))
    monkeypatch.setitem(peers.PEERS, "exponax", lambda _reference: peers.Timed(seconds, error, "theirs"))
    (row,) = [row for row in peers.rows() if isinstance(row, Row)]
    assert row.measured == seconds / 10
    assert row.verdict == verdict
    assert "at least" not in row.claim


def test_a_peer_over_the_allowed_error_is_a_lower_bound(monkeypatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: name if name == "pde" else None)
    monkeypatch.setattr(peers, "converged_energy", lambda: 1.0)
    monkeypatch.setattr(peers, "ours", lambda _reference: peers.Timed(1.0, 0.0, "ours"))
    monkeypatch.setitem(peers.PEERS, "py-pde", lambda _reference: peers.Timed(20.0, 0.05, "theirs"))
    (row,) = [row for row in peers.rows() if isinstance(row, Row)]
    assert "at least, because its own error is over 2 %" in row.claim


def test_a_run_in_words() -> None:
    assert peers.told(peers.Timed(2.0, -0.01, "steps of 1")) == "2 s with steps of 1, error -1 %"
    part = peers.told(peers.Timed(1000.0, np.nan, "steps of 1", 0.002))
    assert part == "1e+03 s with steps of 1, error not known, extrapolated from 0.2 % of the run"
