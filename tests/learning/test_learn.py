"""Learning from a virtual experiment whose laws are known."""

from __future__ import annotations

import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from learning.scenes import ellipse, experiment, field, video_of
from lithiscope.errors import LithiscopeWarning, OptionError
from lithiscope.learning import LearnOptions, inference, learn
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.setup import setup_of
from lithiscope.learning.unknowns import placed

MASK = ellipse(14, 9)


def test_the_thickness_must_be_known() -> None:
    video = video_of(np.full((3, *MASK.shape), 0.5), MASK, 60.0 * np.arange(3), np.zeros(3, int))
    with pytest.raises(OptionError, match="thickness"):
        learn(video)


def test_contradicting_unknowns_are_refused() -> None:
    video = video_of(np.full((3, *MASK.shape), 0.5), MASK, 60.0 * np.arange(3), np.zeros(3, int), thickness=100.0)
    with pytest.raises(OptionError, match="level"):
        learn(video, LearnOptions(unknowns=("exchange_current", "exchange_level")))
    with pytest.raises(OptionError, match="coherency"):
        learn(video, LearnOptions(unknowns=("coherency",)))


def test_alpha_of_the_set_can_be_learned() -> None:
    video = video_of(np.full((3, *MASK.shape), 0.5), MASK, 60.0 * np.arange(3), np.zeros(3, int), thickness=100.0)
    setup = setup_of([video], half_cycles([video]), LearnOptions(unknowns=("alpha",)))
    moved = placed(setup.unknowns, setup.template, jnp.array([2.0]))
    # From 1/2, two standard deviations of 1/2 in its logit.
    assert moved.reaction is not None
    assert moved.reaction.law.parameters["alpha"] == pytest.approx(1 / (1 + np.exp(-1.0)))


@pytest.mark.long
def test_far_from_equilibrium_the_pattern_is_found_and_the_spread_lies_within_its_error_bars() -> None:
    truth = field(MASK, 0.5, 1)
    video = experiment(MASK, truth, exchange_current=0.03, sigma=0.05, frames=8, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = learn(video, LearnOptions())
    particle = tree["/particle/0_1"].to_dataset()
    found, deviation = particle["log_rate"].values[MASK], particle["log_rate_std"].values[MASK]
    assert np.corrcoef(found, truth[MASK])[0, 1] > 0.98
    assert abs(tree["/laws"].attrs["chi_square_per_freedom"] - 1) < 5 * np.sqrt(2 / (16 * MASK.sum()))
    # ln k times any number explains the video nearly as well, so all errors share one factor: as of one number, three
    # deviations. The most probable point is off by many.
    assert np.sqrt(np.mean(((found - truth[MASK]) / deviation) ** 2)) < 3
    assert np.isnan(particle["log_rate"].values[~MASK]).all()


@pytest.mark.long
def test_with_known_laws_the_rates_and_their_error_bars_are_right() -> None:
    truth = field(MASK, 0.5, 2)
    video = experiment(MASK, truth, exchange_current=0.03, sigma=0.07, frames=8, seed=3)
    options = LearnOptions(
        unknowns=("rate_field", "exchange_level"),
        exchange="skewed_lim",
        material="lfp_cogswell_bazant_2012",
        strain="coherent",  # omega less half of the coherency is that of the experiment
        field_modes=60,
        initial_modes=12,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        tree = learn(video, options)
    assert tree["/laws"].attrs["converged"] == 1
    particle = tree["/particle/0_1"].to_dataset()
    found, deviation = particle["log_rate"].values[MASK], particle["log_rate_std"].values[MASK]
    error = (found - truth[MASK]) / deviation
    assert np.sqrt(np.mean((np.exp(found - truth[MASK]) - 1) ** 2)) < 0.08
    # Some thirty independent patches: the root mean square of their errors is known to 13 %; three of these.
    assert 0.6 < np.sqrt(np.mean(error**2)) < 1.4
    laws = tree["/laws"].to_dataset()
    middle = laws.sel(x_grid=0.5, method="nearest")
    expected = 0.03 * 3 * 0.5 * 0.5
    assert abs(float(middle["exchange_current_density"]) - expected) < 3 * float(middle["exchange_current_density_std"])


@pytest.mark.long
def test_where_pixels_are_alike_the_amplitude_of_their_rates_is_looked_for() -> None:
    mask = ellipse(8, 6)
    options = LearnOptions(
        unknowns=("rate_field", "exchange_level"),
        exchange="skewed_lim",
        strain="coherent",
        field_modes=12,
        initial_modes=4,
        rate_spread=0,
    )
    told = []
    for spread in (0.05, 0.5):
        truth = field(mask, spread, 2)
        video = experiment(mask, truth, exchange_current=0.1, sigma=0.03, frames=5, seed=3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LithiscopeWarning)
            tree = learn(video, options)
        told.append(tree["/laws"].attrs["priors"])
        if spread == 0.05:
            particle = tree["/particle/0_1"].to_dataset()
            error = ((particle["log_rate"] - truth) / particle["log_rate_std"]).values[mask]
    alike, different = told
    amplitudes = [float(one.split()[1].rstrip(",")) for one in (alike, different)]
    assert amplitudes[0] < 0.5 * amplitudes[1]
    # A dozen waves at most: the root mean square of their errors is known to 20 %; three of these.
    assert np.sqrt(np.mean(error**2)) < 1.6


@pytest.mark.long
def test_an_amplitude_that_leads_to_a_worse_fit_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "best_priors", lambda _, start: start._replace(amplitude=1e-3))
    mask = ellipse(8, 6)
    video = experiment(mask, field(mask, 0.5, 2), exchange_current=0.1, sigma=0.03, frames=5, seed=3)
    options = LearnOptions(
        unknowns=("rate_field", "exchange_level"),
        exchange="skewed_lim",
        strain="coherent",
        field_modes=12,
        initial_modes=4,
        rate_spread=0,
        learn_prior=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        assert learn(video, options)["/laws"].attrs["priors"].startswith("amplitude 0.5,")


def test_mean_composition_and_voltage_are_enough_for_a_level_of_j0() -> None:
    mask = ellipse(5, 4)
    true, sigma = 0.05, 0.002
    video = experiment(mask, np.zeros(mask.shape), exchange_current=true, sigma=1e-9, frames=7, seed=3)
    rng, count = np.random.default_rng(4), video.sizes["time"]
    mean = video["lithium_fraction"].mean(("y", "x")).values
    told = video.assign(
        lithium_fraction=np.nan * video["lithium_fraction"],
        mean_lithium_fraction=("time", mean + 0.003 * rng.standard_normal(count)),
        mean_lithium_fraction_std=("time", np.full(count, 0.003)),
        voltage_volt=("time", video["voltage_volt"].values + sigma * rng.standard_normal(count)),
        voltage_volt_std=("time", np.full(count, sigma)),
    )
    options = LearnOptions(
        material="lfp_cogswell_bazant_2012", exchange="skewed_lim", voltage=True, thickness=150.0,
        unknowns=("exchange_level", "chemical_potential"), potential_terms=2, profile=True,
    )  # fmt: skip
    laws = learn(told, options)["/laws"]
    # The laws are so well known that the posterior is a parabola: nothing is said of their error bars.
    assert not [one for one in laws.attrs["warnings"] if "error bar of" in one]
    value, std = (float(laws[name].sel(parameter="j0 level")) for name in ("parameter_value", "parameter_value_std"))
    # 2 mV at each frame, of overpotentials of some 20 mV: a few per cent.
    assert std < 0.2 * true
    assert value == pytest.approx(true, abs=3 * std)
    assert laws["identifiable"].any()
