from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.cell import edges_in_images
from lithiscope.errors import AnalysisError

TIME = np.arange(0, 12_000, 300.0)
EDGES = np.array([2_000.0, 7_100.0, 9_000.0])
CURVE = np.interp(TIME, [0, *EDGES, 12_000], [1.0, 1.0, 0.2, 0.2, 0.6])


def test_exact_kinks_are_found_between_the_frames():
    found = edges_in_images(TIME, CURVE)
    np.testing.assert_allclose(found.second, EDGES, atol=1e-3)
    np.testing.assert_allclose(found.slope_before, [0, -0.8 / 5100, 0], atol=1e-9)
    np.testing.assert_allclose(found.slope_after, [-0.8 / 5100, 0, 0.4 / 3000], atol=1e-9)


@pytest.mark.parametrize("stated", [True, False])
def test_the_errors_of_the_edges_cover(stated):
    sigma = 0.006
    pulls = []
    for seed in range(150):
        noise = sigma * np.random.default_rng(seed).standard_normal(len(TIME))
        found = edges_in_images(TIME, CURVE + noise, sigma if stated else None)
        if len(found.second) == 3:
            pulls.append((found.second - EDGES) / found.second_std)
    # Rarely a kink is missed or one is seen twice.
    assert len(pulls) > 0.9 * 150
    inside = np.mean(np.abs(pulls) < 1.96)
    # The place of a kink between frames is itself found from the data, which the errors of two lines do not hold.
    assert 0.88 <= inside <= 0.98, inside


@given(st.floats(-1e5, 1e5), st.floats(0.1, 10.0))
def test_edges_follow_a_shift_and_a_stretch_of_time(shift, stretch):
    noise = 0.003 * np.random.default_rng(5).standard_normal(len(TIME))
    one = edges_in_images(TIME, CURVE + noise, 0.003)
    other = edges_in_images(shift + stretch * TIME, CURVE + noise, 0.003)
    np.testing.assert_allclose(other.second, shift + stretch * one.second, rtol=1e-6, atol=1e-2)
    np.testing.assert_allclose(other.second_std, stretch * one.second_std, rtol=1e-4)


def test_frames_without_a_composition_are_passed_over():
    holed = CURVE.copy()
    holed[[3, 20]] = np.nan
    np.testing.assert_allclose(edges_in_images(TIME, holed).second, EDGES, atol=1e-3)


def test_one_curve_has_no_edges_and_a_curve_that_stops_has_one():
    # A few particles react one after the other: their mean is no straight line.
    bend = np.where(TIME < 7_100, 0.1 + 0.8 * (TIME / 7_100) ** 2, 0.9)
    errors, pulls, more, stops = [], [], 0, 0
    for seed in range(40):
        noise = 0.004 * np.random.default_rng(seed).standard_normal(len(TIME))
        more += len(edges_in_images(TIME[:23], (bend + noise)[:23], 0.004).second)
        found = edges_in_images(TIME, bend + noise, 0.004)
        more += len(found.second) > 1
        nearest = np.argmin(np.abs(found.second - 7_100))
        errors.append(found.second[nearest] - 7_100)
        pulls.append(errors[-1] / found.second_std[nearest])
        stops += abs(found.slope_after[nearest]) < 0.25 * found.slope_before[nearest]
    # Straight pieces would put two kinks into each of the 80 curves.
    assert more <= 8
    assert stops >= 38
    # Known to 15 s each; the mean of 40 to 3 s, and the place between two frames adds a little.
    assert abs(np.mean(errors)) < 10.0
    assert np.mean(np.abs(pulls) < 1.96) > 0.85


def test_a_straight_curve_has_no_edges():
    assert len(edges_in_images(TIME, 1e-5 * TIME, 0.01).second) == 0


@pytest.mark.parametrize("time", [np.arange(5.0), np.array([0, 1, 2, 2, 3, 4.0])])
def test_too_few_or_unordered_frames_are_refused(time):
    with pytest.raises(AnalysisError, match="edges cannot be found"):
        edges_in_images(time, np.zeros(len(time)))
