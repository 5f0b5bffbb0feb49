"""Models compared, in words."""

from __future__ import annotations

import numpy as np
import pytest

from learning.made import comparison
from lithiscope.report import comparison_words as words


def test_rows_say_what_is_rough_and_what_cannot_follow():
    best, rough, lost = words.rows(comparison())
    assert (best.model, best.difference, best.fit, best.residuals) == (
        "the model asked for", 0.0, "converged", "like noise",
    )  # fmt: skip
    assert (rough.difference, rough.fit) == (-52.0, "NOT converged, evidence rough")
    assert rough.residuals == "a pattern in space, frames that look shifted"
    assert (lost.difference, lost.fit, lost.residuals) == (-np.inf, "cannot follow the data", "")


def test_lines_are_a_table_with_the_verdict_last():
    lines = words.comparison_lines(comparison())
    assert "18 frame(s)" in lines[0]
    assert "held back" not in "".join(lines)
    assert lines[3].index("NOT converged") == lines[1].index("fit")
    assert "−52.0" in lines[3]
    assert "−∞" in lines[4]
    assert lines[-2].strip() == "A <model>: it <cannot> follow."
    assert lines[-1].startswith("Nothing is decided: only the fit of the model asked for converged;")
    with_held = words.comparison_lines(comparison(held_back=-7.25))
    assert "held back" in with_held[1]
    assert "−7.2" in with_held[2]


def test_models_that_share_a_reason_share_a_sentence():
    one = comparison()
    one["remark"] = ("model", np.array(["why", "why", ""]))
    assert words.remark_sentences(one) == ["The model asked for, Marcus kinetics: why."]


@pytest.mark.parametrize("name", ["description", "residual_notes", "remark"])
def test_words_that_are_absent_are_done_without(name):
    one = comparison().drop_vars(name)
    assert len(words.rows(one)) == 3
    assert words.comparison_lines(one)[-1].endswith(".")
