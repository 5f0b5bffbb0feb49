from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope import laws, stages
from lithiscope.errors import AnalysisError
from lithiscope.kinetics import channel_surface_shift, surface_shift

LIM = laws.exchange_law("skewed_lim")


@given(st.floats(0.1, 0.9), st.floats(0.0, 0.29))
def test_a_parabola_shifts_by_the_variance(mean, spread):
    """The mean of a + b x + c x^2 is that of the mean composition + c spread^2, whatever the distribution."""
    found = surface_shift(lambda x: 0.3 - 0.2 * x + 1.5 * x**2, mean, spread)
    # The quadrature holds the variance to 1e-3 where the distribution has its mass at the ends, else much better.
    assert float(found.shift) == pytest.approx(1.5 * spread**2, rel=2e-3, abs=1e-9)


def test_small_spreads_follow_the_curvature_of_the_law():
    x, h = np.linspace(0.15, 0.85, 15), 1e-4
    curvature = (LIM(x + h) - 2 * LIM(x) + LIM(x - h)) / h**2
    found = surface_shift(LIM, x, 0.01)
    np.testing.assert_allclose(found.shift, curvature * 0.01**2 / 2, rtol=0.03, atol=2e-6)


def test_the_mean_is_that_of_drawn_pixels():
    """200 000 pixels of a Beta distribution: within 4 standard errors."""
    mean, spread = 0.35, 0.18
    total = mean * (1 - mean) / spread**2 - 1
    pixels = np.random.default_rng(0).beta(mean * total, (1 - mean) * total, 200_000)
    drawn = LIM(pixels)
    found = surface_shift(LIM, mean, spread)
    assert float(found.averaged) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(2e5))
    assert float(found.shift) == pytest.approx(float(found.averaged) - float(LIM(np.array(mean))))
    assert float(found.shift) < 0


def test_without_spread_nothing_shifts_and_beyond_the_largest_nothing_is_known():
    x = np.array([0.2, 0.5, 0.8])
    np.testing.assert_allclose(surface_shift(LIM, x, 0.0).shift, 0.0, atol=1e-12)
    assert np.isnan(surface_shift(LIM, [0.1, 0.0, 1.0], [0.31, 0.1, 0.1]).averaged).all()
    with pytest.raises(AnalysisError, match="negative"):
        surface_shift(LIM, x, -0.1)


def channels(ends, noise=0.0, seed=0):
    """A channel table of one particle in one interval; `ends` is (channel, 2)."""
    ends = np.asarray(ends, dtype=float)
    seen = ends + noise * np.random.default_rng(seed).standard_normal(ends.shape)
    shape = (1, *ends.shape)
    return stages.new(
        "channel_table",
        {
            "end_lithium_fraction": ("interval channel end", seen.reshape(shape)),
            "end_lithium_fraction_std": ("interval channel end", np.full(shape, noise)),
        },
        coords={
            "time": ("interval", [60.0]),
            "duration": ("interval", [120.0]),
            "before": ("interval", [0]),
            "after": ("interval", [1]),
            "half_cycle": ("interval", [0]),
            "direction": ("interval", [1]),
            "channel": ("channel", np.arange(len(ends))),
            "particle": ("channel", ["A"] * len(ends)),
            "end": ("end", ["start", "stop"]),
        },
    )


def test_channels_shift_by_the_spread_between_their_ends():
    found = channel_surface_shift(channels([[0.3, 0.5], [0.3, 0.5]]))
    expected = surface_shift(LIM, 0.4, 0.1)
    assert float(found["lithium_fraction"][0, 0]) == pytest.approx(0.4)
    assert float(found["spread"][0, 0]) == pytest.approx(0.1)
    assert float(found["shift"][0, 0]) == pytest.approx(float(expected.shift))
    assert float(found["relative_shift"][0, 0]) == pytest.approx(float(expected.shift / LIM(np.array(0.4))))
    assert found["channel_count"].values.tolist() == [[2]]


def test_noise_of_the_ends_is_no_spread():
    same = channel_surface_shift(channels(np.full((400, 2), 0.4), noise=0.06))
    # Half the difference of two ends has the variance s^2/2; over 400 channels it is known to 1/sqrt(200) of that.
    assert float(same["spread"][0, 0]) ** 2 < 4 * 0.06**2 / 2 / np.sqrt(200)
    apart = channel_surface_shift(channels(np.tile([0.3, 0.5], (400, 1)), noise=0.06))
    assert abs(float(apart["spread"][0, 0]) - 0.1) < 4 * float(apart["spread_std"][0, 0]) < 0.02


def test_channels_without_both_ends_have_no_shift():
    found = channel_surface_shift(channels([[0.3, np.nan]]))
    assert np.isnan(found["shift"]).all()
    assert found["lithium_fraction_flag"].values.tolist() == [[stages.flag_bit("missing")]]
    with pytest.raises(AnalysisError, match="two ends"):
        channel_surface_shift(channels([[0.3, 0.5]]).drop_vars("end_lithium_fraction_std"))
