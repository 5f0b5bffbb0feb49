"""The moving pictures lie where they say, and have the noise that they say."""

import numpy as np
import pytest
from scipy import ndimage

from lithiscope.instruments.pictures import Movie, affine_movie, optical_movie, stxm_movie, volume_movie

SCENES = {
    "optical": lambda **given: optical_movie(seed=3, frames=6, side=64, **given),
    "affine": lambda **given: affine_movie(seed=3, frames=6, side=64, **given),
    "stxm": lambda **given: stxm_movie(seed=3, frames=6, radius=12, **given),
    "volume": lambda **given: volume_movie(seed=3, frames=4, shape=(16, 32, 36), **given),
}


@pytest.mark.parametrize("name", SCENES)
def test_drift_has_the_size_asked_for_and_mean_zero(name: str) -> None:
    movie: Movie = SCENES[name](drift=2.0)
    moves = movie.drift / movie.pixel
    np.testing.assert_allclose(moves.mean(axis=0), 0, atol=1e-12)
    assert np.sqrt(np.mean(np.sum(moves**2, axis=1))) == pytest.approx(2.0)


@pytest.mark.parametrize("name", SCENES)
def test_the_noise_is_that_of_counting(name: str) -> None:
    movie: Movie = SCENES[name]()
    frames = movie.frames
    scaled = (frames["signal"].values - movie.expected) / frames["signal_std"].values
    # At least 15 000 pixels: 0.8 % of one sigma for the mean, 0.6 % for the scatter. A sigma taken from the counts
    # themselves shifts the mean by 1 / (2 sqrt(N)): 0.08 in the background of the volume, N = 40.
    assert scaled.std() == pytest.approx(1.0, abs=0.03)
    assert abs(scaled.mean()) < 0.1


@pytest.mark.parametrize("name", SCENES)
def test_no_drift_is_a_still_scene(name: str) -> None:
    movie: Movie = SCENES[name](drift=0.0)
    assert (movie.drift == 0).all()


def test_a_still_optical_scene_repeats_itself() -> None:
    movie = optical_movie(seed=1, frames=3, side=64, front=False, drift=0.0)
    np.testing.assert_array_equal(movie.expected[0], movie.expected[2])


def test_the_centre_of_mass_of_a_platelet_follows_the_drift() -> None:
    # Every third picture is taken before the edge, where both phases absorb alike.
    movie = stxm_movie(seed=7, radius=12, frames=7)
    weights = movie.expected[::3]
    grid = np.indices(weights.shape[1:])
    centres = np.array([[np.sum(axis * w) / w.sum() for axis in grid] for w in weights])
    moves = (movie.drift / movie.pixel)[::3]
    # Sampling a blurred outline (1 px) moves its centre by less than a thousandth of a pixel.
    np.testing.assert_allclose(centres - centres.mean(axis=0), moves - moves.mean(axis=0), atol=2e-3)


def test_a_front_brightens_the_particle_by_60_percent() -> None:
    movie = optical_movie(seed=2, frames=9, side=96, texture=0.0, drift=0.0)
    middle = movie.expected[:, 48, 48]
    assert middle[-1] / middle[0] == pytest.approx(1.6, rel=1e-3)
    assert movie.expected[:, 2, 2] == pytest.approx(800.0)


def test_a_static_pattern_stays_with_the_camera() -> None:
    movie = optical_movie(seed=2, frames=2, side=64, texture=0.0, static_pattern=0.05, front=False)
    ratio = movie.expected[:, :8, :8] / 800
    np.testing.assert_allclose(ratio[0], ratio[1])
    assert ratio.std() == pytest.approx(0.05, rel=0.3)


def test_seeds_differ_and_repeat() -> None:
    one, same, other = (stxm_movie(seed=s, radius=10, frames=3).frames["signal"].values for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_what_lies_on_the_sample_is_seen_where_the_affine_motion_says() -> None:
    movie = affine_movie(seed=4, frames=5, side=96, strain=0.02)
    np.testing.assert_allclose(movie.linear.mean(axis=0), np.eye(2), atol=1e-12)
    assert np.sqrt(np.mean(np.sum((movie.linear - np.eye(2)) ** 2, axis=(1, 2)))) == pytest.approx(0.02)
    place = np.stack(np.meshgrid(*[np.arange(-36.0, 37.0)] * 2, indexing="ij")).reshape(2, -1)
    seen = [
        ndimage.map_coordinates(picture, linear @ place + shift[:, None] + 47.5, order=5)
        for picture, linear, shift in zip(movie.expected, movie.linear, movie.drift / movie.pixel, strict=True)
    ]
    # A quintic spline follows a texture of 2 px correlation length to a thousandth of its contrast of 96 electrons.
    np.testing.assert_allclose(seen, np.broadcast_to(seen[0], np.shape(seen)), atol=0.5)
    assert np.ptp(seen[0]) > 200


def test_waves_have_the_contrast_asked_for() -> None:
    movie = affine_movie(seed=4, frames=2, drift=0.0, strain=0.0)
    # The field holds about 60 x 60 / 25 independent patches of the particle.
    assert movie.expected[0, 40:88, 40:88].std() / 800 == pytest.approx(0.12, rel=0.15)
