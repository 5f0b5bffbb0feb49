from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from lithiscope.errors import AnalysisError, OptionError, StageError
from lithiscope.particles import FindOptions, find_particles
from lithiscope.particles.find import renumbered
from particles import scene

SHAPE = (60, 70)
THICK, THIN = scene.disc(SHAPE, (18, 20), 9), scene.disc(SHAPE, (42, 48), 8)


def picture(thick=1.0, thin=0.3, blur=1.0):
    return gaussian_filter(thick * THICK + thin * THIN, blur)


def noisy(amount, sigma, frames=1, seed=0):
    return amount + np.random.default_rng(seed).normal(scale=sigma, size=(frames, *amount.shape))


def iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


def test_half_of_its_own_plateau_bounds_thick_and_thin_alike():
    label = find_particles(scene.amounts(noisy(picture(), 0.05, frames=9)))
    assert label.dtype == np.int32
    assert label.dims == ("y", "x")
    assert label.attrs["long_name"].startswith("particle number")
    np.testing.assert_array_equal(np.unique(label), [0, 1, 2])
    # Half height of a blurred disc is its edge, to well under half a pixel: a rim of 2 pi r pixels, at most a tenth.
    assert iou(label.values == 1, THICK) > 0.95
    assert iou(label.values == 2, THIN) > 0.93


def test_noise_alone_makes_no_particle_and_otsu_needs_similar_thickness():
    options = FindOptions(method="otsu", min_area=0.1)
    equal = find_particles(scene.amounts(noisy(picture(thin=0.9), 0.05, 9)), options=options)
    assert iou(equal.values == 2, THIN) > 0.93
    # One threshold near 0.5 misses what is 0.3 thick: why plateau is the default.
    unequal = find_particles(scene.amounts(noisy(picture(), 0.05, 9)), options=options)
    assert unequal.values.max() == 1


def test_the_maximum_of_one_noisy_frame_would_sit_high():
    """Sigma 0.1: the 95th percentile of the mean of 9 frames is 1.64 x 0.033 = 5 % high, the maximum of one 30 %."""
    video = scene.amounts(noisy(picture(thin=0.0), 0.1, 9))
    robust = find_particles(video)
    assert iou(robust.values > 0, THICK) > 0.95
    single = video["amount"].isel(time=0)
    assert float(single.max()) > 1.18


def test_smoothing_saves_a_very_noisy_frame():
    video = scene.amounts(noisy(picture(thin=0.0), 0.4))
    label = find_particles(video, options=FindOptions(smoothing=0.1, min_area=0.2))
    assert label.values.max() == 1
    assert iou(label.values == 1, THICK) > 0.85


def test_nan_frames_and_pixels_are_left_out():
    frames = noisy(picture(), 0.05, 9)
    expected = find_particles(scene.amounts(frames[1:]))
    frames[0] = np.nan
    np.testing.assert_array_equal(find_particles(scene.amounts(frames)), expected)
    frames[4, 10:20, :] = np.nan
    assert iou(find_particles(scene.amounts(frames)).values == 1, THICK) > 0.95
    frames[:, :5, :] = np.nan  # left the field of view in every frame
    assert iou(find_particles(scene.amounts(frames)).values == 1, THICK) > 0.95


@pytest.mark.parametrize("method", ["plateau", "otsu"])
def test_hot_and_dead_pixels_do_not_move_the_threshold(method):
    amount = noisy(picture(thin=0.9), 0.02)
    options = FindOptions(method=method)
    expected = find_particles(scene.amounts(amount), options=options).values
    amount[0, 50, 5], amount[0, 5, 60] = 1000.0, -1000.0
    np.testing.assert_array_equal(find_particles(scene.amounts(amount), options=options).values, expected)


def test_an_amount_without_time_will_do():
    with_time = find_particles(scene.amounts(picture()[None]))
    np.testing.assert_array_equal(find_particles(scene.amounts(picture())), with_time)


def test_size_limits_holes_and_edges():
    amount = picture(thin=1.0)
    amount[17:19, 19:21] = 0.0
    amount[0:8, 60:70] = 1.0
    video = scene.amounts(amount)
    everything = find_particles(video)
    assert everything.values.max() == 3
    assert everything.values[17, 19] > 0
    assert find_particles(video, options=FindOptions(fill_holes=False)).values[17, 19] == 0
    inner = find_particles(video, options=FindOptions(drop_edge=True))
    assert inner.values.max() == 2
    assert inner.values[3, 65] == 0
    # 253, about 195 and 80 pixels of 0.0025 um2.
    assert find_particles(video, options=FindOptions(min_area=0.6)).values.max() == 1
    assert find_particles(video, options=FindOptions(max_area=0.3)).values.max() == 1


def test_touching_particles_are_split_at_the_neck():
    left, right = scene.disc(SHAPE, (30, 24), 11), scene.disc(SHAPE, (30, 42), 10)
    video = scene.amounts(gaussian_filter(1.0 * (left | right), 0.7))
    assert find_particles(video).values.max() == 1
    split = find_particles(video, options=FindOptions(split_touching=True))
    assert split.values.max() == 2
    assert iou(split.values == split.values[30, 20], left) > 0.9
    assert iou(split.values == split.values[30, 46], right) > 0.9


def test_specks_too_shallow_to_split_stay_whole():
    amount = 1.0 * (scene.disc(SHAPE, (30, 24), 11) | scene.disc(SHAPE, (30, 42), 10))
    amount[3:6, 3:60:6] = amount[4:7, 3:60:6] = 1.0
    options = FindOptions(split_touching=True, split_depth=0.1, min_area=0.0)
    label = find_particles(scene.amounts(amount), options=options).values
    # Ten lines one pixel wide are no deeper than 0.05 um; the discs still part.
    assert label.max() == 12
    assert label[30, 20] != label[30, 46]
    assert (label[3:7, 3] == label[3, 3]).all()


def test_one_mask_per_cycle_keeps_the_numbers():
    first, second = picture(thin=1.0), np.roll(picture(thin=1.0), 1, axis=0)
    second[THICK] = 0.0
    second[5:15, 50:60] = 1.0
    frames = np.stack([first, first, second, second, first])
    video = scene.amounts(frames, cycle=("time", [0, 0, 1, 1, 2]))
    label = find_particles(video, options=FindOptions(per_cycle=True, min_area=0.2))
    assert label.dims == ("cycle", "y", "x")
    assert [sorted(set(np.unique(one)) - {0}) for one in label.values] == [[1, 2], [2, 3], [1, 2]]
    assert label.values[1, 10, 55] == 3


@given(st.floats(0.01, 100.0), st.integers(-8, 8), st.integers(-8, 8))
def test_unit_of_amount_translation_and_transposition(factor, down, right):
    amount = noisy(picture(), 0.02)[0]
    plain = find_particles(scene.amounts(amount)).values
    np.testing.assert_array_equal(find_particles(scene.amounts(factor * amount)).values, plain)
    moved = find_particles(scene.amounts(np.roll(amount, (down, right), axis=(0, 1)))).values
    np.testing.assert_array_equal(moved, np.roll(plain, (down, right), axis=(0, 1)))
    turned = find_particles(scene.amounts(amount.T)).values
    np.testing.assert_array_equal(turned, renumbered(plain.T))


def test_renumbered_counts_in_reading_order():
    assert renumbered(np.array([[0, 7, 7], [3, 0, 5]])).tolist() == [[0, 1, 1], [2, 0, 3]]


@pytest.mark.parametrize(
    ("amount", "options", "words"),
    [
        (np.full((2, *SHAPE), np.nan), {}, "NaN everywhere"),
        (np.ones((1, *SHAPE)), {}, "the same everywhere"),
        (picture()[None], {"min_area": 100.0}, "lower min_area"),
    ],
)
def test_nothing_found_says_why(amount, options, words):
    with pytest.raises(AnalysisError, match=words):
        find_particles(scene.amounts(amount), options=FindOptions(**options))


def test_bad_input_is_one_clear_error():
    video = scene.amounts(picture()[None])
    with pytest.raises(StageError, match="lacks"):
        find_particles(video.drop_vars("amount"))
    with pytest.raises(StageError, match="needs cycles"):
        find_particles(video, options=FindOptions(per_cycle=True))
    uneven = scene.amounts(picture()[None], y=("y", np.arange(60.0) ** 2))
    with pytest.raises(StageError, match="not equally spaced"):
        find_particles(uneven)
    volume = video.expand_dims(z=[0.0]).transpose("time", "z", "y", "x")
    volume["z"].attrs["units"] = "um"
    with pytest.raises(AnalysisError, match="not in volumes"):
        find_particles(volume)
    with pytest.raises(OptionError, match="must be above min_area"):
        FindOptions(min_area=1.0, max_area=0.5)
