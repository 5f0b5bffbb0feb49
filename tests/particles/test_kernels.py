from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lithiscope.particles import kernels

LABELS = arrays(np.int32, (6, 7), elements=st.integers(0, 4))


@given(LABELS)
def test_group_sums_are_the_sums_over_masks(label):
    groups = kernels.group_pixels(label)
    values = np.random.default_rng(0).normal(size=(3, 6, 7))
    found = kernels.group_sum(values.reshape(3, -1)[:, groups.pixels], groups.start)
    expected = np.array([values[:, label == number].sum(axis=1) for number in groups.numbers]).reshape(-1, 3).T
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert groups.numbers.tolist() == sorted(set(label.ravel().tolist()) - {0})
    counted = kernels.group_count(np.ones((1, len(groups.pixels)), dtype=bool), groups.start)
    assert counted[0].tolist() == [(label == number).sum() for number in groups.numbers]


@given(LABELS, st.permutations([1, 2, 3, 4]))
def test_relabelling_permutes_the_sums(label, order):
    lookup = np.array([0, *order], dtype=np.int32)
    values = np.arange(42.0)[None, :]

    def sums(image):
        groups = kernels.group_pixels(image)
        return dict(
            zip(groups.numbers.tolist(), kernels.group_sum(values[:, groups.pixels], groups.start)[0], strict=True)
        )

    before, after = sums(label), sums(lookup[label])
    assert {int(lookup[number]): total for number, total in before.items()} == after


def moments(x, sigma, weight, **kwargs):
    groups = kernels.group_pixels(np.ones(x.shape[1], dtype=np.int32))
    variance = np.full(x.shape, sigma**2)
    return kernels.group_moments(
        x, variance, weight, kwargs.get("weight_variance", np.zeros(x.shape)), np.ones(len(x)), groups
    )


@given(st.floats(0.1, 10.0), st.floats(-2.0, 2.0), st.floats(0.1, 5.0))
def test_moments_scale_shift_and_ignore_the_unit_of_the_weight(factor, offset, unit):
    rng = np.random.default_rng(1)
    x, weight = rng.normal(size=(2, 50)), rng.uniform(0.5, 2, size=(2, 50))
    plain = moments(x, 0.1, weight)
    moved = moments(factor * x + offset, factor * 0.1, unit * weight)
    np.testing.assert_allclose(moved.mean, factor * plain.mean + offset, atol=1e-9)
    for name in ("mean_variance", "spread", "noise"):
        np.testing.assert_allclose(getattr(moved, name), factor**2 * getattr(plain, name), rtol=1e-8)
    np.testing.assert_allclose(moved.spread_variance, factor**4 * plain.spread_variance, rtol=1e-8)


def test_moments_of_equal_weights_are_the_textbook_ones():
    x = np.random.default_rng(2).normal(size=(1, 40))
    found = moments(x, 0.1, np.ones((1, 40)))
    assert found.mean[0, 0] == pytest.approx(x.mean())
    assert found.mean_variance[0, 0] == pytest.approx(0.01 / 40)
    assert found.spread[0, 0] == pytest.approx(x.var())
    assert found.noise[0, 0] == pytest.approx(0.01 * (1 - 1 / 40))


def test_variance_of_the_mean_equals_the_full_covariance():
    """Both end members noisy, x = 0 on one half and 1 on the other: var(a - X w) summed by hand."""
    sigma, correlation = 0.05, -0.4
    x = np.repeat([0.0, 1.0], 50)[None, :]
    covariance = correlation * sigma**2
    weight_variance = np.full(x.shape, 2 * sigma**2 + 2 * covariance)
    found = moments(x, sigma, np.ones(x.shape), weight_variance=weight_variance)
    exact = 100 * (0.25 * sigma**2 + 0.25 * sigma**2 - 0.5 * covariance) / 100**2
    assert found.mean_variance[0, 0] == pytest.approx(exact, rel=1e-12)


def fill(corners, shape=(8, 9)):
    corners = np.asarray(corners, dtype=float)
    return kernels.fill_rings(corners, np.roll(corners, -1, axis=0), shape)


def test_integer_corners_enclose_whole_pixels():
    inside = fill([[2, 1], [5, 1], [5, 4], [2, 4]])
    expected = np.zeros((8, 9), dtype=bool)
    expected[1:4, 2:5] = True
    np.testing.assert_array_equal(inside, expected)


def test_a_centre_on_the_left_or_upper_edge_is_inside_and_on_the_others_not():
    inside = fill([[1.5, 1.5], [3.5, 1.5], [3.5, 3.5], [1.5, 3.5]])
    assert np.argwhere(inside).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


@given(st.lists(st.tuples(st.integers(0, 18), st.integers(0, 16)), min_size=3, max_size=8, unique=True))
def test_filling_splits_without_gap_or_overlap(corners):
    """Both sides of a closed line through the picture add up to the picture (shared edges belong to one side only)."""
    ring = np.array(corners) / 2.0
    frame = np.array([[0, 0], [9, 0], [9, 8], [0, 8]], dtype=float)
    following = np.concatenate([np.roll(ring, -1, axis=0), np.roll(frame, -1, axis=0)])
    outside = kernels.fill_rings(np.concatenate([ring, frame]), following, (8, 9))
    np.testing.assert_array_equal(outside, ~fill(ring))
    np.testing.assert_array_equal(fill(ring), fill(ring[::-1]))


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_filling_moves_with_the_ring(down, right):
    ring = np.array([[4.2, 4.1], [8.7, 5.3], [6.1, 8.8]])
    plain = kernels.fill_rings(ring, np.roll(ring, -1, axis=0), (16, 16))
    moved = np.add(ring, (right, down))
    np.testing.assert_array_equal(
        kernels.fill_rings(moved, np.roll(moved, -1, axis=0), (16, 16)), np.roll(plain, (down, right), axis=(0, 1))
    )


@given(LABELS, LABELS)
def test_overlap_is_symmetric_and_one_for_equal_masks(first, second):
    shared = kernels.overlap(first, second)
    np.testing.assert_array_equal(shared, kernels.overlap(second, first).T)
    assert ((shared >= 0) & (shared <= 1)).all()
    np.testing.assert_array_equal(kernels.overlap(first, first), np.eye(len(set(first.ravel().tolist()) - {0})))
