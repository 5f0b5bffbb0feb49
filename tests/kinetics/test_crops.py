from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import AnalysisError, StageError
from lithiscope.kinetics.crops import check_video, crops, half_cycles, noise_gain, noise_pattern, particle_names
from truth import domain_truth


def two_particles(frames=3):
    label = np.zeros((8, 12), int)
    label[1:5, 1:5], label[2:7, 7:11] = 2, 5
    x = np.arange(frames * 96, dtype=float).reshape(frames, 8, 12) / 1000
    zeros = np.zeros(frames, int)
    video = domain_truth.as_video(x, 0.05, label > 0, np.arange(float(frames)), zeros, zeros + 1)
    return video, domain_truth.as_labels(label)


def test_a_crop_holds_its_own_pixels_and_no_others():
    video, labels = two_particles()
    names = particle_names(labels, None)
    assert names == {2: "p02", 5: "p05"}
    first, second = crops(video, labels, names)
    assert (first.name, first.mask.sum(), second.mask.sum()) == ("p02", 16, 20)
    np.testing.assert_array_equal(first.x[:, first.mask], video["lithium_fraction"].values[:, labels.values == 2])
    np.testing.assert_array_equal(
        video["lithium_fraction"].values[:, *second.window][:, second.mask], second.x[:, second.mask]
    )


def test_imported_names_are_kept():
    _, labels = two_particles()
    labels.attrs["names"] = ["left", "right"]
    assert particle_names(labels, None) == {2: "left", 5: "right"}
    with pytest.raises(StageError, match="no name"):
        particle_names(labels, {2: "left"})


def test_noise_is_a_size_per_frame_and_a_pattern():
    """std = size x pattern exactly, and the gain is divided out."""
    video, labels = two_particles()
    crop = next(crops(video, labels, {2: "a"}))
    thin = np.where(np.arange(4)[None, :] < 2, 1.0, 2.0) * np.ones((4, 1))
    std = np.array([0.05, 0.1, 0.2])[:, None, None] * thin
    gain = np.array([1.0, 0.8, 0.5])
    size, pattern = noise_pattern(crop._replace(std=std), gain)
    root = np.sqrt(2.5)
    np.testing.assert_allclose(size, np.array([0.05, 0.1, 0.2]) / gain * root)
    np.testing.assert_allclose(pattern, thin / root)
    none, blank = noise_pattern(crop._replace(std=None), gain)
    assert np.isnan(none).all()
    assert np.isnan(blank).all()


def test_half_cycles_leave_rests_out_and_gain_defaults_to_one():
    video, labels = two_particles()
    rest = video.assign_coords(direction=("time", np.array([0, -1, -1], np.int32)))
    of_frame, numbers, directions = half_cycles(rest)
    assert (list(of_frame), list(numbers), list(directions)) == ([-1, 0, 0], [0], [-1])
    np.testing.assert_array_equal(noise_gain(video.drop_vars("noise_gain")), 1.0)
    check_video(video, labels)
    with pytest.raises(AnalysisError, match="half_cycle"):
        half_cycles(video.drop_vars("half_cycle"))
