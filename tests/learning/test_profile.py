"""Error bars of the weakest directions, against a posterior that is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from learning.toys import Toy, block, cost, exact, slope_of_determinant
from lithiscope.learning import fit as fitting
from lithiscope.learning import marginal, profile
from lithiscope.learning.fit import Fit, Point
from lithiscope.learning.profile import PLACES, Profile, directions_of, length, profiled, words_of


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(fitting, "block_of", block)
    monkeypatch.setattr(marginal, "determinant_slope", slope_of_determinant)
    monkeypatch.setattr(fitting, "cost_of", cost)
    return 1.3 * np.random.default_rng(2).standard_normal(40)


def found(data: np.ndarray) -> Fit:
    particles: Any = [Toy(data)]
    return marginal.at_best_laws(particles, Point(np.zeros(1), (data,)))


def test_the_rise_is_that_of_the_exact_posterior(data: np.ndarray) -> None:
    fit = found(data)
    (one,) = profiled(fit, ["a"])
    a, density = exact(data)
    places = fit.point.shared[0] + np.array(PLACES) * one.direction[0]
    expected = np.interp(fit.point.shared[0], a, density) - np.interp(places, a, density)
    # The amplitude is at the maximum of its posterior, not integrated out: its width changes little along a. The fields
    # may still promise 0.02 at each of two places.
    assert one.rise == pytest.approx(expected, abs=0.1)
    # The root of twice the rise is known to 0.1/2 at two deviations.
    exact_lower, exact_upper = length(expected[1::-1]), length(expected[2:])
    assert one.lower == pytest.approx(exact_lower, rel=0.05)
    assert one.upper == pytest.approx(exact_upper, rel=0.05)


def test_an_error_bar_that_is_too_short_is_told(data: np.ndarray) -> None:
    fit = found(data)
    assert fit.laws is not None
    assert words_of(profiled(fit, ["a"])) == []
    # Two fifths as long: two of its deviations are 0.8 true ones, beyond which the root goes on straight.
    short = replace(fit, laws=6.25 * fit.laws)
    words = words_of(profiled(short, ["a"]))
    assert len(words) == 2
    assert all("the laws along a up should be 2." in one for one in words)
    assert [one.split()[-2] for one in words] == ["lower", "upper"]


def test_lengths_are_exact_where_the_posterior_is_a_parabola_of_any_width() -> None:
    for true in (0.3, 0.7, 1.0, 1.6, 3.0):
        rise = 0.5 * (np.array([1.0, 2.0]) / true) ** 2
        assert length(rise) == pytest.approx(true, rel=1e-12)
    assert length(np.array([0.01, 0.02])) == 4.0  # so flat that only this is told
    assert length(np.array([0.1, -0.3])) == 4.0
    assert np.isnan(length(np.array([0.5, np.nan])))


def test_between_the_places_the_root_is_a_straight_line() -> None:
    # Roots of 1.5 and 2.5: two true deviations lie in the middle, at 1.5 of Laplace's.
    assert length(0.5 * np.array([1.5, 2.5]) ** 2) == pytest.approx(0.75)


def test_words_name_side_and_reason() -> None:
    one = Profile("x", np.ones(1), np.zeros(4), 1.25, 4.0)
    assert words_of([one]) == ["the error bar of x should be more than 4 times as long on the upper side"]
    (lost,) = words_of([one._replace(upper=np.nan)])
    assert "could not be checked on the upper side" in lost
    (short,) = words_of([one._replace(lower=0.5, upper=1.0)])
    assert "0.5 times as long on the lower side" in short


def test_directions_that_are_as_wide_as_the_prior_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "spread_of", lambda *_: None)
    fit: Any = SimpleNamespace(
        point=Point(np.zeros(4), ()), blocks=[], particles=[], laws=np.diag([1.0, 2.0, 100.0, 4.0])
    )
    first, second = directions_of(fit, ["p", "q", "r", "s"])
    # The inverse has 1, 1/2, 1/100 and 1/4: the first is the prior's.
    assert first[0] == "the laws along q up"
    assert second[0] == "the laws along s up"
    assert np.abs(first[1]) == pytest.approx([0, np.sqrt(0.5), 0, 0])
