"""Error bars of the weakest directions, against a posterior that is known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from learning.toys import Toy, block, cost, exact, slope_of_determinant
from lithiscope.learning import LearnOptions, fitted, marginal, profile, settling
from lithiscope.learning import fit as fitting
from lithiscope.learning.fit import Fit, Point
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.profile import PLACES, Profile, directions_of, length, profiled, words_of
from lithiscope.learning.setup import setup_of


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(fitting, "block_of", block)
    monkeypatch.setattr(settling, "block_of", block)
    monkeypatch.setattr(marginal, "determinant_slope", slope_of_determinant)
    monkeypatch.setattr(fitting, "cost_of", cost)
    monkeypatch.setattr(settling, "cost_of", cost)
    return 1.3 * np.random.default_rng(2).standard_normal(40)


def found(data: np.ndarray) -> Fit:
    particles: Any = [Toy(data)]
    return marginal.at_best_laws(marginal.near_best_laws(particles, Point(np.zeros(1), (data,))))


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
    # The exact posterior of this toy is lopsided: 0.74 on the lower side, 1.22 on the upper, of which 1.3 is not told.
    (whole,) = words_of(profiled(fit, ["a"]))
    assert "the laws along a up should be 0.7 times as long on the lower side" in whole
    even = replace(fit, laws=fit.laws / 0.95**2)  # 0.78 and 1.29
    assert words_of(profiled(even, ["a"])) == []
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


@pytest.mark.long
def test_the_error_bars_of_one_small_particle_hold() -> None:
    mask = ellipse(8, 6)
    video = experiment(mask, field(mask, 0.5, 1), exchange_current=0.3, sigma=0.05, frames=6, seed=0)
    volts = video["voltage_volt"].values + 0.002 * np.random.default_rng(5).standard_normal(video.sizes["time"])
    video = video.assign(voltage_volt=("time", volts), voltage_volt_std=("time", np.full(len(volts), 0.002)))
    options = LearnOptions(
        voltage=True, field_modes=8, initial_modes=3, rate_spread=0.0, exchange="skewed_lim", potential_terms=3,
        unknowns=("rate_field", "exchange_level", "chemical_potential"),
    )  # fmt: skip
    setup = setup_of([video], half_cycles([video]), options)
    fit, _ = fitted(setup)
    profiles = profiled(fit, [name for one in setup.unknowns for name in one.names])
    assert len(profiles) == 3
    for one in profiles:
        # The fit may end a fifth of a deviation off the maximum, which makes a bar of two a tenth longer or shorter;
        # draws of the posterior of this particle are within 10 % of Laplace's deviations.
        assert 0.75 < one.lower < 1.3
        assert 0.75 < one.upper < 1.3
        assert one.rise[[0, 3]].mean() == pytest.approx(2, rel=0.25)
        assert one.rise[[1, 2]].mean() == pytest.approx(0.5, rel=0.25)


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
