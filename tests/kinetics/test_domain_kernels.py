from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from lithiscope.kinetics.kernels.domains import middle_and_contrast, smooth_inside, smoothed_noise
from lithiscope.kinetics.kernels.overlap import (
    boundary_share,
    dice,
    dice_std,
    largest,
    neighbour_pairs,
    random_fields,
    scales_of,
)

SEEDS = st.integers(0, 2**32 - 1)


def picture(seed, shape=(3, 12, 11)):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    values[rng.uniform(size=shape) < 0.2] = np.nan
    return values


def test_smoothing_without_gaps_far_from_the_edge_is_the_plain_gaussian():
    values = np.random.default_rng(0).normal(size=(1, 40, 40))
    plain = gaussian_filter(values[0], 1.0, mode="constant")
    np.testing.assert_allclose(smooth_inside(values, 1.0)[0, 8:-8, 8:-8], plain[8:-8, 8:-8], atol=1e-12)


def test_what_lies_outside_does_not_bleed_in():
    values = np.full((1, 20, 20), np.nan)
    values[0, 5:15, 5:15] = 0.7
    np.testing.assert_allclose(smooth_inside(values, 1.0)[0, 5:15, 5:15], 0.7, atol=1e-12)
    assert np.isnan(smooth_inside(values, 1.0)[0, :5]).all()


@given(SEEDS, st.floats(-3, 3), st.floats(0.1, 10))
def test_smoothing_and_threshold_follow_shift_and_scale(seed, shift, scale):
    values = picture(seed)
    one, two = smooth_inside(values, 1.0), smooth_inside(scale * values + shift, 1.0)
    np.testing.assert_allclose(two, scale * one + shift, atol=1e-10)
    (middle, contrast), (moved, wider) = (middle_and_contrast(v.reshape(3, -1)) for v in (one, two))
    np.testing.assert_allclose(moved, scale * middle + shift, atol=1e-10)
    np.testing.assert_allclose(wider, scale * contrast, atol=1e-10)


@given(SEEDS)
def test_smoothing_does_not_know_left_from_right(seed):
    values = picture(seed)
    np.testing.assert_allclose(smooth_inside(values[:, ::-1, ::-1], 1.0), smooth_inside(values, 1.0)[:, ::-1, ::-1])


def test_percentiles_leave_gaps_out_and_an_empty_row_has_none():
    row = np.concatenate([np.arange(101.0), [np.nan] * 30])
    middle, contrast = middle_and_contrast(np.stack([row, np.full(131, np.nan)]))
    assert (middle[0], contrast[0]) == (50.0, 90.0)
    assert np.isnan(middle[1])
    assert np.isnan(contrast[1])


def test_smoothed_white_noise_has_the_known_standard_deviation():
    """Sum of the squared weights of a sampled Gaussian of 1 px: 1/(4 pi); 40000 correlated values, 2 % allowed."""
    noise = smoothed_noise(np.full((40, 40), 0.06), 1.0, 100, np.random.default_rng(1))
    inner = noise.reshape(100, 40, 40)[:, 6:-6, 6:-6]
    assert inner.std() == pytest.approx(0.06 / np.sqrt(4 * np.pi), rel=0.02)


def test_noise_is_drawn_only_where_there_is_a_pixel():
    std = np.full((6, 6), np.nan)
    std[1:4, 2:5] = 0.1
    assert smoothed_noise(std, 1.0, 60, np.random.default_rng(0)).shape == (60, 9)


def test_dice_of_known_sets():
    one, two = np.array([1, 1, 1, 0, 0], dtype=bool), np.array([0, 1, 1, 1, 0], dtype=bool)
    assert float(dice(one, two)) == pytest.approx(4 / 6)
    assert np.isnan(dice(~one & one, ~one & one))


@given(SEEDS)
def test_dice_is_symmetric_and_one_only_for_equal_sets(seed):
    one, two = np.random.default_rng(seed).uniform(size=(2, 4, 30)) < 0.5
    np.testing.assert_array_equal(dice(one, two), dice(two, one))
    np.testing.assert_array_equal(dice(one, one), 1.0)
    assert (dice(one, two) <= 1).all()


def test_error_of_an_overlap_is_that_of_the_blocks():
    """100 blocks, half of them with overlap 1 and half with 0, of equal size: a binomial share, sqrt(1/4/100)."""
    block = np.repeat(np.arange(100), 4)
    one, two = np.tile([True, True, False, False], 100), np.tile([True, True, False, False], 100)
    two[200:] = ~two[200:]
    assert dice_std(one, two, block, 4000, np.random.default_rng(0)) == pytest.approx(0.05, rel=0.06)


def test_random_fields_have_unit_variance_and_the_stated_correlation():
    """20 x 20 pixels, 3000 fields: the covariance at distance 4 scatters by about 1/sqrt(3000) = 0.018."""
    points = np.array([[0.0, 0.0], [0.0, 4.0], [30.0, 0.0]])
    fields = random_fields(points, 4.0, 3000, np.random.default_rng(2))
    covariance = fields.T @ fields / 3000 / np.mean(fields**2)
    assert covariance[0, 1] == pytest.approx(np.exp(-0.5), abs=0.06)
    assert covariance[0, 2] == pytest.approx(0, abs=0.06)


def test_the_largest_values_and_the_boundary_between_them():
    mask = np.ones((4, 5), dtype=bool)
    fields = np.tile(np.arange(5.0), 4)[None, :] + 0.01 * np.arange(20)
    chosen = largest(fields, 8)
    np.testing.assert_array_equal(chosen.reshape(4, 5), np.tile([False, False, False, True, True], (4, 1)))
    # 4 of the 31 neighbouring pairs of 4 x 5 pixels are parted.
    assert boundary_share(chosen, neighbour_pairs(mask))[0] == pytest.approx(4 / 31)
    assert not largest(fields, 0).any()


def test_neighbours_count_only_inside():
    mask = np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)
    np.testing.assert_array_equal(np.sort(neighbour_pairs(mask).T, axis=0), [[0, 1], [1, 2], [2, 3]])


def test_correlation_lengths_reach_from_a_pixel_to_the_particle():
    found = list(scales_of(np.argwhere(np.ones((10, 21))).astype(float)))
    assert found[0] == pytest.approx(1)
    assert found[-1] == pytest.approx(4 * 21)
