from __future__ import annotations

import json
import math
import sys
from types import ModuleType

import pytest

from lithiscope.errors import OptionError
from lithiscope.verification import Row, Unchecked, compare, table


@pytest.mark.parametrize(
    ("relation", "measured", "verdict"),
    [
        ("==", 1.05, "pass"),
        ("==", 1.2, "fail"),
        ("<=", 0.2, "pass"),
        ("<=", 1.2, "fail"),
        (">=", 5.0, "pass"),
        (">=", 0.8, "fail"),
        ("<=", math.nan, "fail"),
        ("==", math.inf, "fail"),
    ],
)
def test_verdict(relation, measured, verdict):
    assert Row("c", "s", 1.0, measured, 0.1, "r", relation=relation).verdict == verdict


def test_verify_prints_and_fails_when_one_row_fails(monkeypatch):
    module = ModuleType("fake_check")
    module.rows = lambda everything: iter(
        [
            compare("one is one", "arithmetic", 1, 1.0, within=0, because="exact"),
            compare("two is one", "arithmetic", 1, 2.0, within=0.5 if everything else 0.1, because="wrong on purpose"),
        ]
    )
    monkeypatch.setitem(sys.modules, "fake_check", module)
    monkeypatch.setattr(table, "CHECKS", {"fake": "fake_check"})
    said: list[str] = []
    assert not table.verify(say=said.append)
    assert [text.split()[0] for text in said] == ["PASS", "FAIL", "1"]
    assert said[-1] == "1 of 2 claims hold"
    said.clear()
    shown: list[str] = []
    assert not table.verify(["fake"], everything=True, as_json=True, say=said.append, aside=shown.append)
    (text,) = said
    assert [line.split()[0] for line in shown] == ["PASS", "FAIL", "1"]
    data = json.loads(text)
    assert [row["verdict"] for row in data] == ["pass", "fail"]
    assert set(data[0]) >= {"claim", "source", "expected", "measured", "tolerance", "reason", "verdict"}
    assert table.as_markdown(list(table.rows())).count("\n") == 4


def test_what_cannot_be_checked_here_is_said_and_fails_nothing(monkeypatch):
    module = ModuleType("fake_check")
    module.rows = lambda everything: iter(
        [Unchecked("files", "no folder"), compare("one", "s", 1, 1.0, within=0, because="exact")]
    )
    monkeypatch.setitem(sys.modules, "fake_check", module)
    monkeypatch.setattr(table, "CHECKS", {"fake": "fake_check"})
    said: list[str] = []
    assert table.verify(say=said.append)
    assert said[0] == "NOT CHECKED  [fake] files: no folder"
    assert said[-1] == "1 of 1 claims hold, 1 not checked"
    said.clear()
    # The list has rows with a verdict; what was not checked is for people.
    shown: list[str] = []
    assert table.verify(as_json=True, say=said.append, aside=shown.append)
    assert shown[0] == "NOT CHECKED  [fake] files: no folder"
    data = json.loads(said[0])
    assert [(row["claim"], row["verdict"]) for row in data] == [("one", "pass")]
    assert "| no folder | not checked |" in table.as_markdown(list(table.rows()))


def test_an_unknown_name_lists_the_known():
    with pytest.raises(OptionError, match="stxm"):
        table.verify(["nonsense"])
