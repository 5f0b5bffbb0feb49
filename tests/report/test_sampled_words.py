"""Draws beside error bars, in words."""

from __future__ import annotations

import numpy as np
import pytest

from learning.made import laws, sampled
from lithiscope.report import sampled_words as words


def test_rows_are_the_curves_and_then_the_numbers():
    j0, mu, level, term = words.rows(sampled(1.2, 0.4))
    assert [j0.law, mu.law, level.law, term.law] == ["ln j₀(x)", "μ(x)", "j0 level", "mu term 1"]
    for row in (j0, mu, level, term):
        assert (row.ratio, row.moved) == pytest.approx((1.2, 0.4))
    assert (term.r_hat, term.sample_size) == (1.002, 800.0)
    assert np.isnan(j0.r_hat)


def test_where_the_data_say_nothing_a_curve_does_not_count():
    one = sampled()
    one["chemical_potential_std"][:5] = 9.0
    assert words.rows(one)[1].ratio == pytest.approx(1.05)
    one["chemical_potential"][:5] += 9.0
    assert words.rows(one)[1].moved == pytest.approx(0.2)
    one["identifiable"][:] = False  # nowhere: then all of it
    assert words.rows(one)[1].moved > 40


def test_a_law_without_error_bar_has_no_row():
    one = sampled()
    one["log_exchange_current_density_laplace_std"][:] = 0.0
    assert [row.law for row in words.rows(one)] == ["μ(x)", "j0 level", "mu term 1"]


def test_the_verdict_confirms_or_says_what_is_off():
    assert words.verdict_sentence(sampled()) == (
        "The draws confirm the error bars of the laws: all are right to a factor of 1.3."
    )
    wide = words.verdict_sentence(sampled(1.5))
    assert wide.startswith("The draws do not confirm the error bars")
    assert "that of μ(x) should be 1.50 times as long; that of j0 level" in wide
    assert "0.70 times as long" in words.verdict_sentence(sampled(0.7))
    assert "the mean of j0 level is farther" in words.verdict_sentence(sampled(1.0, 1.2))
    for bad in ({"converged": 0}, {"divergences": 2}):  # two of a hundred
        assert "confirm nothing yet" in words.verdict_sentence(sampled(1.5, **bad))
    assert "confirm the" in words.verdict_sentence(sampled(divergences=1))


def test_lines_are_a_table_with_the_verdict_last_and_no_warning_twice():
    lines = words.sampled_lines(sampled(), laws())
    assert lines[1].split() == ["law", "sigma", "ratio", "mean", "off", "by", "R-hat", "draws", "worth"]
    assert lines[2].split() == ["ln", "j₀(x)", "1.05", "0.20", "-", "-"]
    assert lines[4].split() == ["j0", "level", "1.05", "0.20", "1.001", "900"]
    assert [one.strip() for one in lines[6:]] == [
        "the scale of ln k is <1.02> times that of the fit",
        "2 chain(s) of 50 draws: largest R-hat 1.002, worth 800 independent draws or more, 0 divergences.",
        words.verdict_sentence(sampled()),
    ]
