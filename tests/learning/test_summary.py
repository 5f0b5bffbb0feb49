"""Draws beside Laplace's approximation: numbers, words, and one small virtual particle."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field
from lithiscope import learning
from lithiscope.errors import LithiscopeWarning
from lithiscope.learning import LearnOptions, sample
from lithiscope.learning.summary import QUANTILES, Spread, Summary, _trust, spread_of

ALL = np.ones(3, bool)


def spread(ratio: float, moved: float) -> Spread:
    """Draws whose deviation and mean are so many of Laplace's."""
    std = np.array([0.1, 0.2, 0.4])
    return Spread(1 + moved * std, ratio * std, np.zeros((5, 3)), np.ones(3), std)


def test_words_tell_the_ratio_and_how_far_the_mean_is() -> None:
    words = spread(1.3, 0.7).words("ln j0(x)", ALL)
    assert words == (
        "the sampled spread of ln j0(x) is 1.30 times Laplace's, and its mean is up to 0.7 of Laplace's deviations away"
    )
    near = spread(1.05, 0.2).words("mu(x)", ALL)
    assert near is not None
    assert near.startswith("Laplace's approximation holds: the sampled spread of mu(x) is 1.05 times")
    wide = spread(1.0, 0.0)._replace(std=np.array([0.05, 0.2, 1.2])).words("mu(x)", ALL)
    assert wide is not None
    assert "is 1.00 times Laplace's (0.5 to 3.0)" in wide
    assert spread(1.0, 0.0)._replace(laplace_std=np.zeros(3)).words("mu(x)", ALL) is None


def test_a_curve_of_draws_is_linear_in_the_numbers() -> None:
    draws = np.random.default_rng(0).standard_normal((20000, 2)) * [1.0, 2.0] + [3.0, 0.0]
    rows = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = spread_of(draws, rows, np.array([10.0, 20.0]), np.ones(2), np.array([3.0, 0.0]))
    # 20000 draws: means to 1/141 of a deviation, deviations to 1/200 of themselves; five of these.
    assert found.mean == pytest.approx([10, 20], abs=5 * np.sqrt(5) / 141)
    assert found.std == pytest.approx([1, np.sqrt(5)], rel=5 / 200)
    assert found.quantile[QUANTILES.index(0.5)] == pytest.approx([10, 20], abs=0.1)
    assert found.quantile[-1, 0] - found.quantile[0, 0] == pytest.approx(2 * 1.96, rel=0.05)


def summary(**more: object) -> Summary:
    good = Summary(
        np.zeros((4, 100, 3)), ("j0 level", "direction 1"), np.array([1.001, 1.002]), np.array([900.0, 800.0]),
        divergences=0, acceptance=0.8, gradients=1000, directions=1, step_error=0.02, seed=0,
    )  # fmt: skip
    return good._replace(**more)


def test_chains_that_have_not_converged_are_said_so() -> None:
    assert summary().converged
    assert _trust(summary()) == []
    apart = summary(r_hat=np.array([1.03, 1.0]))
    assert not apart.converged
    assert "have not converged: R-hat of j0 level is 1.030" in _trust(apart)[0]
    few = summary(sample_size=np.array([500.0, 200.0]))
    assert not few.converged
    # The deviation of n draws is known to one over the root of 2n.
    assert "direction 1 are worth 200 independent ones only, not 400: spreads are known to 5 %" in _trust(few)[0]
    assert "5 of 400 draws" in _trust(summary(divergences=5))[0]
    assert "tolerance" in _trust(summary(step_error=0.5))[0]


def test_the_functions_are_not_hidden_by_modules() -> None:
    assert callable(learning.sample)
    assert callable(learning.sampled)


@pytest.mark.long
def test_one_small_particle_is_about_as_wide_as_laplace_says() -> None:
    mask = ellipse(8, 6)
    video = experiment(mask, field(mask, 0.5, 1), exchange_current=0.3, sigma=0.05, frames=6, seed=0)
    volts = video["voltage_volt"].values + 0.002 * np.random.default_rng(5).standard_normal(video.sizes["time"])
    video = video.assign(voltage_volt=("time", volts), voltage_volt_std=("time", np.full(len(volts), 0.002)))
    options = LearnOptions(
        voltage=True, strain="none", field_modes=8, initial_modes=3, rate_spread=0.0, exchange="skewed_lim",
        unknowns=("rate_field", "exchange_level", "chemical_potential"), potential_terms=3,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = sample(video, options, draws=100, warm_up=40, chains=2, seed=1)
    laws, particle = tree["/laws"].to_dataset(), tree["/particle/0_1"].to_dataset()
    assert laws.attrs["divergences"] == 0
    assert laws.attrs["step_error"] < 0.1
    # Two short chains, worth some 80 independent draws: R-hat is known to a few hundredths, deviations to 8 %, and
    # means to 0.11 of them. Laplace's approximation was within 10 % where this was measured with more draws.
    assert laws.attrs["r_hat"] < 1.15
    assert laws.attrs["sample_size"] > 30
    ratio = (laws["parameter_std"] / laws["parameter_laplace_std"]).values
    assert np.abs(np.log(ratio)).max() < 0.35
    moved = (laws["parameter_mean"] - laws["parameter_laplace"]) / laws["parameter_laplace_std"]
    assert np.abs(moved.values).max() < 0.6
    rates = (particle["log_rate_std"] / particle["log_rate_laplace_std"]).values[mask]
    assert abs(np.log(np.median(rates))) < 0.2
    assert np.isnan(particle["log_rate"].values[~mask]).all()
    # Deviations as a normal distribution has them between its quantiles: 160 draws tell these to a tenth or two.
    width = laws["parameter_quantile"].sel(quantile=0.975) - laws["parameter_quantile"].sel(quantile=0.025)
    assert (width / laws["parameter_std"]).values == pytest.approx(2 * 1.96, rel=0.35)
    assert any("of ln j0(x) is" in one for one in laws.attrs["warnings"])
    (scale,) = (one for one in laws.attrs["warnings"] if one.startswith("the scale of ln k is"))
    assert float(scale.split()[6]) == pytest.approx(1, abs=0.1)
