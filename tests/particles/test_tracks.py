from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.particles import TrackOptions, track
from particles import scene

SHAPE = (50, 60)
PLACES = [(20.0, 25.0), (20.4, 24.8), (21.1, 25.3), (20.0, 25.0)]


def particle(centre, radius=8.0):
    # Four sub-pixels a side, so that the disc lies where it is said to lie.
    y, x = (np.indices((4 * SHAPE[0], 4 * SHAPE[1])) + 0.5) / 4 - 0.5
    inside = 1.0 * ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)
    return gaussian_filter(inside.reshape(SHAPE[0], 4, SHAPE[1], 4).mean(axis=(1, 3)), 0.7)


def moving(sigma=0.05, seed=0):
    frames = np.stack([particle(place) for place in PLACES])
    a = frames / 2 + np.random.default_rng(seed).normal(scale=sigma, size=frames.shape)
    return scene.measured(a, frames / 2, sigma, correlation=-0.5, coords={"cycle": ("time", [0, 0, 0, 1])})


LABELS = scene.labels(scene.disc(SHAPE, (20, 25), 8))


def test_centres_follow_a_moving_particle_within_their_error_bars():
    tracks = track(moving(), LABELS, {1: "only"})
    stages.check(tracks, "particle_tracks")
    truth = np.array(PLACES) * 0.05 + [0, 1]
    error = tracks["centroid"].values[0] - truth
    std = tracks["centroid_std"].values[0]
    # sqrt(sum (r - c)^2) sigma / sum A, about 0.02 pixel here.
    assert (std < 0.05 * 0.05).all()
    assert (np.abs(error) < 4 * std).all()


def test_error_bars_of_the_centres_cover():
    z = []
    for seed in range(60):
        tracks = track(moving(seed=seed), LABELS)
        z.append((tracks["centroid"].values[0] - np.array(PLACES) * 0.05 - [0, 1]) / tracks["centroid_std"].values[0])
    # 480 values; the margin of 0.15 um loses a trace of the blurred rim, less than 0.1 sigma.
    assert np.mean(np.abs(z) < 1) == pytest.approx(0.683, abs=4 * np.sqrt(0.683 * 0.317 / 480))


def test_area_of_every_cycle():
    area = track(moving(sigma=0.01), LABELS)["area"]
    assert area.dims == ("particle", "cycle")
    # The rim of 50 pixels is known to a pixel in ten.
    np.testing.assert_allclose(area, np.pi * 64 * 0.0025, rtol=0.04)


def test_gaps_and_empty_frames_have_no_centre():
    frames = np.stack([particle(place) for place in PLACES])
    a = frames / 2
    a[1, 20, :] = np.nan
    a[2], frames[2] = 0.0, 0.0
    with np.errstate(invalid="ignore"):
        video = scene.measured(a, frames / 2, 0.01)
    tracks = track(video, LABELS)
    assert tracks["centroid_flag"].values.tolist() == [
        [0, stages.flag_bit("missing"), stages.flag_bit("no_material"), 0]
    ]
    assert np.isnan(tracks["centroid"].values[0]).all(axis=1).tolist() == [False, True, True, False]


def test_a_margin_of_nothing_stays_inside_the_mask():
    still = track(moving(), LABELS, options=TrackOptions(margin=0.0))
    wide = track(moving(), LABELS)
    # A fixed mask hides part of a move of 1.1 pixels.
    moved = [float(t["centroid"][0, 2, 0] - t["centroid"][0, 0, 0]) / 0.05 for t in (still, wide)]
    assert moved[0] < 0.9 < 1.0 < moved[1]


def test_bad_input_is_one_clear_error():
    with pytest.raises(StageError, match="amount of every frame"):
        track(scene.amounts(particle(PLACES[0])), LABELS)
    with pytest.raises(StageError, match="differ in size"):
        track(moving(), scene.labels(np.ones((5, 5))))
