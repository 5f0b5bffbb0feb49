"""The checks of the page hold, and would notice a page that loads, runs or says what it must not."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from lithiscope.report.page import render
from lithiscope.verification import Row, page
from lithiscope.verification.page_reader import PageReader, numbers, steps_away
from verification.documented import documented

_HEAD = "<html><body><script type='application/json'>{\"layers\": []}</script>"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(page.rows(False))


def test_every_claim_holds(rows: list[Row]) -> None:
    assert len({row.claim for row in rows}) == len(rows)
    assert [row.claim for row in rows if row.verdict == "fail"] == []


def test_the_documentation_lists_the_same_claims(rows: list[Row]) -> None:
    assert sorted(documented("page")) == sorted(row.claim for row in rows)


def test_numbers_are_not_exact_but_packed(rows: list[Row]) -> None:
    away = [row.measured for row in rows if "steps of the packing" in row.claim]
    assert len(away) == 8
    assert min(away) > 0.4  # of 7500 values and more each, some lie near the middle between two steps


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<img src='data:image/png;base64,'><a href='#top'>top</a>", []),
        ("<img src='https://a.example/b.png'>", ["https://a.example/b.png"]),
        ("<script>fetch('x')</script>", ["fetch("]),
        ("<style>p { background: url(x.png) }</style>", ["url("]),
        ("<link rel=stylesheet href=page.css>", ["page.css"]),
    ],
)
def test_what_a_page_would_load_is_found(body: str, found: list[str]) -> None:
    assert PageReader(_HEAD + body).outside_addresses() == found


def test_text_that_is_not_escaped_runs_and_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    content = page.stxm_page_content(title=page._HOSTILE)
    sound = PageReader(page.page(content))
    assert (len(sound.inside("script")), sound.handlers(), sound.inside("h1")) == (1, 0, [page._HOSTILE])
    assert sound.policy_allows_only_its_script()
    monkeypatch.setattr(render, "escape", lambda text: text)
    broken = PageReader(page.page(content))
    assert (len(broken.inside("script")) > 1, broken.handlers() > 0) == (True, True)
    assert not broken.policy_allows_only_its_script()


def test_a_number_that_is_moved_and_one_that_is_lost_are_noticed() -> None:
    codes = np.array([[0, 30000], [65533, 65535]], "<u2")
    layer = {"low": -1.0, "high": 2.0, "codes": base64.b64encode(zlib.compress(codes.tobytes())).decode()}
    expected = numbers(layer, (2, 2))
    np.testing.assert_allclose(expected, [[-1, -1 + 3 * 30000 / 65533], [2, np.nan]])
    assert steps_away(layer, expected) == (0, 0)
    assert steps_away(layer, expected + [[0, 3 * 3 / 65533], [0, 0]])[0] == pytest.approx(3)  # noqa: RUF005
    assert steps_away(layer, np.nan_to_num(expected)) == (0, 1)


def test_warnings_below_the_results_and_notes_do_not_count() -> None:
    reader = PageReader(
        "<ul><li class=warning><strong>Warning</strong> a &lt; b</li><li><strong>Note</strong> c</li></ul>"
        "<main><li><strong>Warning</strong> d</li></main>"
    )
    assert reader.warnings() == ["a < b"]


@pytest.mark.parametrize(
    ("text", "named"),
    [("too bright; state flicker of the beamline", True), ("flicker is large; be careful", False), ("flicker", True)],
)
def test_a_remedy_names_an_option(text: str, named: bool) -> None:
    assert page._names_an_option(text) is named
