"""The checks of the files hold, and would notice a reader that reads wrongly or a fuzz that finds nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lithiscope.errors import FileFormatError
from lithiscope.recordings import open_recording
from lithiscope.verification import Row, files, fuzzing
from lithiscope.verification.file_builders import picture, write_stk
from verification.documented import documented


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(files.rows(False))


def test_every_claim_holds(rows: list[Row]) -> None:
    assert len({row.claim for row in rows}) == len(rows)
    assert [row.claim for row in rows if row.verdict == "fail"] == []


def test_the_documentation_lists_the_same_claims(rows: list[Row]) -> None:
    assert sorted(documented("files")) == sorted(row.claim for row in rows)


def test_a_reader_that_turns_the_picture_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def turned(path: Path) -> object:
        recording = open_recording(path)
        return recording.assign(counts=recording["counts"].copy(data=recording["counts"].values[:, :, ::-1]))

    monkeypatch.setattr(files, "open_recording", turned)
    name, case = next(entry for entry in files._cases() if entry[0] == "STK")
    assert [row.verdict for row in files._back(name, case, tmp_path)] == ["fail", "pass", "pass"]


@pytest.mark.parametrize(
    ("raised", "kind"), [(ValueError("odd"), "ValueError: odd"), (FileFormatError("bad"), "refused")]
)
def test_what_a_reader_raises_is_told_apart(monkeypatch, tmp_path, raised, kind) -> None:
    def fail(path: Path, *, region: int) -> None:
        raise raised

    monkeypatch.setattr(fuzzing, "open_recording", fail)
    assert fuzzing._read(tmp_path / "a") == kind


def test_zeros_and_endless_readers_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write_stk(tmp_path / "a.stk", picture())
    recording = open_recording(path)
    recording["counts"].values[0, 0, 0, 0] = 0
    monkeypatch.setattr(fuzzing, "open_recording", lambda path, region: recording)
    assert fuzzing._read(path) == "silent zeros"

    def wait(path: Path, region: int) -> None:
        while True:
            np.zeros(1)

    monkeypatch.setattr(fuzzing, "open_recording", wait)
    monkeypatch.setattr(fuzzing, "LIMIT_SECOND", 0.2)
    assert fuzzing._read(path) == "no end"


def test_other_seeds_than_those_of_the_table(tmp_path: Path) -> None:
    outcome = fuzzing.fuzz(tmp_path, count=240, seed=50_000)
    assert outcome.failures == []
    assert outcome.counts["read"] > 40
    assert outcome.counts["refused"] > 80


@pytest.mark.long
def test_two_thousand_damaged_files(tmp_path: Path) -> None:
    outcome = fuzzing.fuzz(tmp_path, count=2000, seed=100_000)
    assert outcome.failures == []
