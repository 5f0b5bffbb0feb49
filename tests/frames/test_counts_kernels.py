"""Kernels of the correction of counts: exact inverses, scale and shift, and statistics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lithiscope.frames.kernels.counts import (
    bright_scatter,
    counting_variance,
    largest_counts,
    live_counts,
    local_scatter,
    neighbourhood,
    piled_level,
    prominence,
    repaired,
    third_brightest,
)

Picture = NDArray[np.float64]


def poisson(mean: Picture, seed: int) -> Picture:
    return np.random.default_rng(seed).poisson(mean).astype(np.float64)


def heights(counts: Picture, threshold: float = 4.0) -> Picture:
    level = np.maximum(np.nan_to_num(third_brightest(counts), neginf=0.0), 0.0)
    return prominence(counts, counting_variance(level + 1, 0.0, 1.0, 0.0), threshold)


@given(st.floats(0, 1e6), st.floats(0, 1e-4))
def test_dead_time_is_undone(arrived: float, share: float) -> None:
    written = np.array([arrived / (1 + arrived * share)])
    found, slope = live_counts(written, share)
    assert found[0] == pytest.approx(arrived, rel=1e-9)
    assert slope[0] == pytest.approx((1 + arrived * share) ** 2, rel=1e-9)


def test_variance_of_dead_time_follows_muellers_formula() -> None:
    arrived, share = np.array([1e4]), 2e-5
    written = arrived / (1 + arrived * share)
    expected = arrived / (1 + arrived * share) ** 3
    np.testing.assert_allclose(counting_variance(written, share, 1.0, 0.0), expected, rtol=1e-12)


@given(st.floats(0.1, 10), st.floats(0, 50))
def test_variance_is_linear_in_gain_and_adds_read_noise_in_quadrature(gain: float, read: float) -> None:
    counts = np.array([[-5.0, 0.0, 100.0]])
    found = counting_variance(counts, 0.0, gain, read)
    np.testing.assert_allclose(found, gain * np.array([[0, 0, 100.0]]) + read**2)


def test_spikes_and_groups_of_three_stand_out_anywhere() -> None:
    counts = poisson(np.full((40, 40), 2000.0), 1)
    counts[10, 10] += 1000
    counts[20, 20:23] += 1000
    counts[0, 5] += 1000
    counts[39, 0] += 1000
    found = np.argwhere(heights(counts) > 8).tolist()
    assert found == [[0, 5], [10, 10], [20, 20], [20, 21], [20, 22], [39, 0]]


def test_slits_corners_and_groups_of_four_do_not() -> None:
    counts = np.full((40, 40), 500.0)
    counts[:, 7] = 4000  # a slit one pixel wide
    counts[20:, 20:] = 4000  # a corner
    counts[4:6, 30:32] = 4000  # four pixels
    counts[10, :] = 4000
    assert not heights(counts).any()


def platelets(rng: np.random.Generator, size: int) -> Picture:
    """Sharp dark platelets at random angles, some of which overlap."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    scene = np.full((size, size), 9000.0)
    for _ in range(6):
        angle, (cy, cx) = rng.uniform(0, np.pi), rng.uniform(0, size, 2)
        length, width = rng.uniform(8, 30, 2)
        along = np.abs((y - cy) * np.sin(angle) + (x - cx) * np.cos(angle))
        across = np.abs((y - cy) * np.cos(angle) - (x - cx) * np.sin(angle))
        inside = (along < length) & (across < width) & (0.8 * along + 0.6 * across < 0.9 * length)
        scene *= np.where(inside, np.exp(-rng.uniform(0.3, 1.6)), 1.0)
    return scene


@pytest.mark.parametrize("blur", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("flicker", [0.0, 0.05])
def test_sharp_and_blurred_edges_are_no_spikes(blur: float, flicker: float) -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(11)
    false = pixels = 0
    for seed in range(8):
        scene = gaussian_filter(platelets(rng, 256), blur)
        scene *= np.maximum(1 + flicker * rng.standard_normal(scene.shape), 0)
        false += int((heights(poisson(scene, seed)) > 8).sum())
        pixels += scene.size
    # Fewer than 1e-5 per pixel from one picture alone, though the flicker of 5 % is not stated; 5 of half a million.
    assert false < 1e-5 * pixels


def test_single_counts_among_zeros_are_no_spikes() -> None:
    for mean in (0.01, 0.1, 1.0, 5.0):
        assert not (heights(poisson(np.full((200, 200), mean), 3)) > 8).any()


@given(st.floats(0.01, 100))
def test_prominence_does_not_depend_on_the_unit_of_counts(factor: float) -> None:
    counts = poisson(np.full((15, 15), 500.0), 5)
    counts[7, 7] += 500
    variance = np.full(counts.shape, 500.0)
    plain = prominence(counts, variance, 4.0)
    np.testing.assert_allclose(prominence(factor * counts, factor**2 * variance, 4.0), plain, rtol=1e-9)


def test_local_scatter_is_that_of_the_noise_also_beside_an_edge() -> None:
    counts = np.random.default_rng(4).normal(0, 10, (200, 200))
    counts[100:] += 5000
    y, x = (axis.ravel() for axis in np.mgrid[95:106, 20:180:10])
    # The edge touches 2 of 9 lines: the median of |r| then sits at 0.5/(7/9) = 64 % of the clean ones, 1.36 sigma.
    assert np.median(local_scatter(counts, y, x)) == pytest.approx(13.6, rel=0.15)
    far = local_scatter(counts, np.full(100, 50), np.arange(50, 150))
    assert np.median(far) == pytest.approx(10, rel=0.1)
    assert local_scatter(np.ones((2, 9)), np.array([1]), np.array([4]))[0] == 0


def test_neighbourhood_is_what_lies_around() -> None:
    picture = np.arange(12.0).reshape(3, 4)
    around = neighbourhood(picture, np.array([1, 0]), np.array([1, 0]), 1)
    assert around[0].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert np.isnan(around[1]).sum() == 5
    assert neighbourhood(picture, np.array([], dtype=int), np.array([], dtype=int), 1).shape == (0, 9)


def test_repair_takes_the_median_of_good_neighbours_and_its_variance() -> None:
    counts = np.array([[1.0, 2.0, 3.0], [4.0, 99.0, 88.0], [5.0, 6.0, np.nan]])
    value, variance = repaired(counts, counts > 50)
    around = np.array([1.0, 2, 3, 4, 5, 6])
    assert value[0] == 3.5
    assert variance[0] == pytest.approx(around.var(ddof=1) * (1 + np.pi / 12))
    alone = np.array([[np.nan, np.nan, 1.0], [np.nan, 99.0, 2.0]])
    assert np.isnan(repaired(alone, alone > 50)[0]).all()


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_scatter_of_the_blank_is_measured_beside_particles(share: float) -> None:
    mean = np.full((160, 160), 2000.0)
    mean[: round(160 * share)] = 9000.0
    measured, predicted, level, number = bright_scatter(poisson(mean, 7), mean)
    assert number > 160 * 160 * share * 0.5
    # Standard error 0.98/sqrt(number), four of them.
    assert measured / predicted == pytest.approx(1.0, abs=4 * 0.98 / np.sqrt(number))
    if share > 0.2:
        assert measured == pytest.approx(np.sqrt(9000), rel=4 * 0.98 / np.sqrt(number))
        assert level == pytest.approx(9000, rel=0.01)


@given(st.floats(0.01, 100))
def test_scatter_scales_with_the_counts(factor: float) -> None:
    counts = poisson(np.full((30, 30), 100.0), 8)
    plain = bright_scatter(counts, counts)
    scaled = bright_scatter(factor * counts, factor**2 * counts)
    np.testing.assert_allclose(scaled, (*(factor * np.array(plain[:3])), plain[3]), rtol=1e-9)


def test_scatter_ignores_a_slope_and_missing_pixels_and_says_when_there_are_none() -> None:
    y = np.arange(100.0)[:, None]
    counts = np.random.default_rng(9).normal(9000 + 5 * y, 90, (100, 100))
    counts[40:45, 30] = np.nan
    measured, _, _, number = bright_scatter(counts, np.full(counts.shape, 8100.0))
    assert measured == pytest.approx(90, rel=4 * 0.98 / np.sqrt(number))
    for nothing in (np.ones((2, 9)), np.full((9, 9), np.nan)):
        assert bright_scatter(nothing, nothing)[3] == 0


@pytest.mark.parametrize("mean", [150.0, 1000.0, 20000.0])
@pytest.mark.parametrize("sigmas", [-1.0, 0.0, 1.0, 2.0])
def test_a_detector_that_stops_counting_piles_up_at_its_level(mean: float, sigmas: float) -> None:
    counts = np.random.default_rng(5).poisson(mean, (2, 20000)).astype(float)
    level = float(round(mean + sigmas * np.sqrt(mean)))
    counts[0, 7] = np.nan
    assert piled_level(*largest_counts(np.minimum(counts, level))) == level


@pytest.mark.parametrize("mean", [110.0, 300.0, 1000.0, 20000.0])
def test_counting_statistics_pile_up_nowhere(mean: float) -> None:
    # The largest of 1e4 to 1e6 Poisson counts is shared by a few; ten would be a chance of under 1e-4 at 110 counts.
    for seed, pixels in enumerate((10_000, 100_000, 1_000_000)):
        assert (
            piled_level(*largest_counts(np.random.default_rng(seed).poisson(mean, (1, pixels)).astype(float))) is None
        )


@pytest.mark.parametrize(
    "counts",
    [np.full((1, 50), 1000.0), np.full((1, 50), np.nan), np.tile([3.0, 4.0], (1, 50)), np.linspace(0, 1e3, 99)[None]],
)
def test_what_is_no_noisy_picture_of_whole_counts_is_not_judged(counts: np.ndarray) -> None:
    assert piled_level(*largest_counts(counts)) is None
    assert piled_level(*largest_counts(np.minimum(counts, 500.5))) is None


def test_what_parts_of_a_series_tell_of_its_largest_counts_is_what_the_whole_tells() -> None:
    counts = np.random.default_rng(6).poisson(3000.0, (9, 5000)).astype(float)
    counts[4] /= 2  # a dark frame: its largest counts are far below those of the series
    counts[2, 5] = np.nan
    for level in (3050.0, 1e9):
        cut = np.minimum(counts, level)
        parts = [largest_counts(frame) for frame in cut]
        joined = [np.concatenate(both) for both in zip(*parts, strict=True)]
        assert piled_level(*joined) == piled_level(*largest_counts(cut)) == (level if level < 1e9 else None)
