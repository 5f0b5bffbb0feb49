from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import StageError
from lithiscope.kinetics import insertion_rate, interval_covariance, rate_table
from truth import kinetics_truth as truth

LABEL = np.ones((8, 8), dtype=int)
FRAMES = 6


def table(x, sigma=0.06, **more):
    video = truth.as_video(x, sigma, LABEL, 600.0 * np.arange(len(x)), [0] * len(x), [1] * len(x), **more)
    return rate_table(insertion_rate(video), truth.as_labels(LABEL))


def test_neighbours_have_half_of_the_variance_with_the_other_sign():
    found = table(np.full((FRAMES, 8, 8), 0.5))
    covariance = interval_covariance(found).values[0]
    variance = (0.06 * np.sqrt(2) / 8 * 6) ** 2
    expected = variance * (np.eye(5) - (np.eye(5, k=1) + np.eye(5, k=-1)) / 2)
    np.testing.assert_allclose(covariance, expected, rtol=1e-5)
    middle = interval_covariance(found, "lithium_fraction").values[0]
    np.testing.assert_allclose(
        middle, (0.06 / 8) ** 2 / 2 * (np.eye(5) + (np.eye(5, k=1) + np.eye(5, k=-1)) / 2), rtol=1e-5
    )


def test_the_sum_over_intervals_has_the_noise_of_two_frames():
    """Sum of rate times duration is x_last - x_first: its deviation is sqrt(2) sigma/sqrt(pixels), not sqrt(10)."""
    covariance = interval_covariance(table(np.full((FRAMES, 8, 8), 0.5))).values[0]
    hours = np.full(5, 1 / 6)
    assert np.sqrt(hours @ covariance @ hours) == pytest.approx(np.sqrt(2) * 0.06 / 8, rel=1e-4)


def test_the_covariance_is_the_one_that_is_found():
    """4000 rates: an element of the covariance is known to variance * sqrt(2/4000) = 2.2 %."""
    rng = np.random.default_rng(3)
    many = np.stack(
        [table(0.5 + 0.06 * rng.standard_normal((FRAMES, 8, 8)))["insertion_rate"].values[0] for _ in range(300)]
    )
    expected = interval_covariance(table(np.full((FRAMES, 8, 8), 0.5))).values[0]
    # 300 draws: 8 % of the variance, five of them allowed for the largest of 25 elements
    np.testing.assert_allclose(np.cov(many.T), expected, atol=5 * 0.082 * expected[0, 0])


def test_common_errors_and_directions():
    x = np.full((FRAMES, 8, 8), 0.5)
    found = table(x, frame_std=0.01)
    with_common = interval_covariance(found, common=True).values[0]
    own = interval_covariance(found).values[0]
    assert (with_common - own)[0, 0] == pytest.approx((0.01 * np.sqrt(2) * 6) ** 2, rel=1e-5)
    assert (with_common - own)[0, 1] == pytest.approx(-((0.01 * 6) ** 2), rel=1e-5)
    # The magnitude of a rate changes sign with the direction: across a turn, neighbours go together.
    turned = found.assign_coords(direction=("interval", [1, 1, 1, -1, -1]))
    c_rate = interval_covariance(turned, "c_rate").values[0]
    assert c_rate[1, 2] < 0 < c_rate[2, 3]


def test_what_is_not_there_is_said():
    plain = table(np.full((3, 8, 8), 0.5), sigma=None)
    with pytest.raises(StageError, match="no standard deviation"):
        interval_covariance(plain)
