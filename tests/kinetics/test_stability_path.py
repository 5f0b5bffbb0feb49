from __future__ import annotations

import numpy as np
import pytest

from lithiscope import stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics.regime_options import StabilityOptions
from lithiscope.kinetics.stability_path import stability_path
from lithiscope.laws import UniformState, chemical_potential, exchange_law, growth_integral, growth_rate, insertion_rate

THICKNESS = 150.0
K0 = 0.01
UNIT = float(insertion_rate(-K0, THICKNESS, site_density=1.38e28))  # 1/h at the current k0
LIM = UniformState(exchange_law("skewed_lim"), chemical_potential("regular_solution", omega=4.49), strain=3.73)
COGSWELL = UniformState(
    exchange_law("skewed_cogswell_bazant"), chemical_potential("regular_solution", omega=4.49), strain=3.73
)


def table(current, frames=11, low=0.1, high=0.9, sigma=0.0, seed=0, particles=1):
    """A particle driven at a constant insertion current over k0, from frame to frame."""
    x = np.linspace(low, high, frames) if current > 0 else np.linspace(high, low, frames)
    hours = abs(high - low) / (frames - 1) / (abs(current) * UNIT)
    noisy = x + np.random.default_rng(seed).normal(0, sigma, (particles, frames))
    intervals = frames - 1
    shape = (particles, intervals)
    zero = np.zeros(shape)
    return stages.new(
        "rate_table",
        {
            "insertion_rate": ("particle interval", np.diff(noisy) / hours),
            "insertion_rate_std": ("particle interval", np.full(shape, max(sigma, 1e-9) * np.sqrt(2) / hours)),
            "insertion_rate_flag": ("particle interval", zero),
            "lithium_fraction": ("particle interval", (noisy[:, 1:] + noisy[:, :-1]) / 2),
            "lithium_fraction_std": ("particle interval", np.full(shape, max(sigma, 1e-9) / np.sqrt(2))),
            "lithium_fraction_flag": ("particle interval", zero),
            "thickness": ("particle", np.full(particles, THICKNESS)),
        },
        coords={
            "particle": ("particle", np.array([f"p{i}" for i in range(particles)])),
            "time": ("interval", (np.arange(intervals) + 0.5) * hours * 3600),
            "duration": ("interval", np.full(intervals, hours * 3600)),
            "before": ("interval", np.arange(intervals)),
            "after": ("interval", np.arange(intervals) + 1),
            "half_cycle": ("interval", np.zeros(intervals, dtype=int)),
            "direction": ("interval", np.full(intervals, int(np.sign(current)))),
        },
    )


@pytest.mark.parametrize("current", [0.3, -0.3, 1.5])
def test_growth_is_the_integral_of_s_dx_over_the_current(current):
    path = stability_path(table(current), LIM, (K0, 0.0)).isel(particle=0)
    edges = np.linspace(0.1, 0.9, 11) if current > 0 else np.linspace(0.9, 0.1, 11)
    exact = growth_integral(np.linspace(edges[0], edges[-1], 2001), current, LIM)
    assert float(path["log_growth"][-1]) == pytest.approx(exact.log_amplitude[-1], rel=1e-6)
    # The largest rise is looked for at the ends of the intervals only.
    assert float(path["largest_log_growth"][0]) <= exact.largest + 1e-6
    np.testing.assert_allclose(path["insertion_current"], current, rtol=1e-6)
    np.testing.assert_allclose(path["growth_rate"], growth_rate((edges[1:] + edges[:-1]) / 2, current, LIM), rtol=1e-6)


def test_first_law_is_stable_above_a_current_of_026():
    """PHYSICS 2: with the law of Cogswell and Bazant every x is stable above j~ = 0.26, and not below."""
    fast, slow = (stability_path(table(current), COGSWELL, (K0, 0.0)).isel(particle=0) for current in (0.3, 0.1))
    assert float(fast["unstable_share"][0]) == 0
    assert float(fast["largest_log_growth"][0]) == 0
    assert float(slow["unstable_share"][0]) > 0.1
    assert float(slow["largest_log_growth"][0]) > 0


def test_neutral_current_at_one_half():
    """PHYSICS 2: 0.1686 for the first law, 0.4934 for the second."""
    rates = table(0.3, frames=6, low=0.45, high=0.55)
    for state, expected in ((COGSWELL, 0.1686), (LIM, 0.4934)):
        neutral = stability_path(rates, state, (K0, 0.0))["neutral_current"].isel(particle=0)
        assert float(neutral[2]) == pytest.approx(expected, abs=1e-4)


def test_error_bars_cover_the_truth():
    """200 particles of frame noise 0.01: 95 % bars of the last log growth, four binomial errors allowed."""
    true = float(stability_path(table(0.3), LIM, (K0, 0.0))["log_growth"][0, -1])
    path = stability_path(table(0.3, sigma=0.01, particles=200), LIM, (K0, 0.0)).isel(interval=-1)
    inside = (path["log_growth_low"] <= true) & (path["log_growth_high"] >= true)
    # Bars are drawn about a noisy path, whose own growth is a little off: 95 % less two.
    assert float(inside.mean()) >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 200)


def test_an_uncertain_rate_constant_widens_the_growth():
    # Early: over the whole range what is stable and what is not nearly cancel.
    narrow, wide = (stability_path(table(0.3), LIM, (K0, std)).isel(particle=0, interval=3) for std in (0.0, 0.3 * K0))
    width = [float(path["log_growth_high"] - path["log_growth_low"]) for path in (narrow, wide)]
    assert width[0] < 1e-3 < 0.1 < width[1]
    assert 0 <= float(wide["unstable_probability"]) <= 1


def test_intervals_at_the_ends_are_left_out_and_marked():
    path = stability_path(table(0.3, low=0.0, high=1.0), LIM, (K0, 0.0), options=StabilityOptions(edge=0.1))
    lost = np.isnan(path["growth_rate"].values[0])
    np.testing.assert_array_equal(lost, [True] + [False] * 8 + [True])
    assert np.all(stages.fatal_mask(path["growth_rate_flag"].values[0]) == lost)


def test_rests_take_no_part():
    rates = table(0.3)
    rates["half_cycle"].values[:3] = -1
    path = stability_path(rates, LIM, (K0, 0.0))
    assert np.isnan(path["insertion_current"].values[0, :3]).all()
    assert np.isfinite(path["insertion_current"].values[0, 3:]).all()
    assert path["of_half_cycle"].values[0] == -1


def test_bad_input_is_named():
    with pytest.raises(AnalysisError, match="thickness"):
        stability_path(table(0.3).drop_vars("thickness"), LIM, (K0, 0.0))
    for wrong in ((0.0, 0.0), (K0, -1.0), (float("nan"), 0.0)):
        with pytest.raises(AnalysisError, match="rate_constant"):
            stability_path(table(0.3), LIM, wrong)
