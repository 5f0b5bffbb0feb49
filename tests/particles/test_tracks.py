from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from lithiscope import stages
from lithiscope.errors import StageError
from lithiscope.particles import TrackOptions, strays, track
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


def test_one_mask_per_cycle_follows_each_in_its_own():
    video = moving(sigma=0.01)
    masks = xr.concat([LABELS, LABELS], dim="cycle").assign_coords(cycle=[0, 1])
    both = track(video, masks, {1: "only"})
    one = track(video, LABELS, {1: "only"})
    np.testing.assert_array_equal(both["centroid"], one["centroid"])
    np.testing.assert_array_equal(both["area"], one["area"])
    # In a cycle in which it has no mask it has no place and no area.
    masks[1] = 0
    part = track(video, masks, {1: "only"})
    np.testing.assert_array_equal(part["centroid"][0, :3], one["centroid"][0, :3])
    assert np.isnan(part["centroid"][0, 3]).all()
    assert part["centroid_flag"].values[0].tolist() == [0, 0, 0, stages.flag_bit("missing")]
    assert np.isfinite(part["area"].values[0]).tolist() == [True, False]


def two(shift, sigma, seed):
    """Two particles, the second of which moves along x in the last three of six frames; x rises by a front."""
    rng = np.random.default_rng(seed)
    a, b = [], []
    for frame in range(6):
        amount = particle((15.0, 18.0), 7.0) + particle((33.0, 40.0 + shift * (frame > 2)), 7.0)
        lithiated = amount * (np.indices(SHAPE)[1] < 10 * frame)
        noise = rng.normal(scale=sigma, size=(2, *SHAPE))
        a.append(lithiated + noise[0])
        b.append(amount - lithiated + noise[1])
    return scene.measured(np.stack(a), np.stack(b), sigma)


PAIR = scene.labels(scene.disc(SHAPE, (15, 18), 7) + 2 * scene.disc(SHAPE, (33, 40), 7))


def test_a_particle_that_moves_by_itself_is_told_and_no_other():
    names = {1: "still", 2: "loose"}
    wide = TrackOptions(margin=0.3)
    (told,) = strays(track(two(3.0, 0.05, 0), PAIR, names, options=wide), 0.05)
    assert told.startswith("loose moved while the others stayed, by up to ")
    # A half of three pixels of 50 nm each way: the median lies between.
    assert float(told.split("up to ")[1].split(" nm")[0]) == pytest.approx(75, abs=10)
    both = track(two(3.0, 0.05, 0), PAIR, names, options=wide).isel(particle=[1, 1])
    (told,) = strays(both, 0.05)
    assert told.startswith("every particle moves, by up to ")
    (told,) = strays(both.isel(particle=[0]), 0.05)
    assert told.startswith("loose moved by up to ")
    for seed in range(20):
        assert strays(track(two(0.0, 0.3, seed), PAIR, names, options=wide), 0.05) == []
