from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.report import MovieOptions, lithium_movie, movie
from lithiscope.report.colours import HATCH, composition_colours

QUICK = MovieOptions(seconds=1.5, frames_per_second=10, width=220)


def test_interpolation_is_linear_in_time_not_in_frame_number():
    times = np.array([0.0, 60.0, 300.0])
    values = np.array([[0.0], [1.0], [0.0]])
    assert movie.interpolated(values, times, 30.0) == pytest.approx(0.5)
    assert movie.interpolated(values, times, 120.0) == pytest.approx(0.75)
    assert movie.interpolated(values, times, 60.0) == 1.0
    assert movie.interpolated(values, times, -5.0) == 0.0
    assert movie.interpolated(values, times, 999.0) == 0.0


def test_a_lost_neighbour_leaves_no_value_but_a_measured_frame_stands():
    times = np.array([0.0, 60.0, 120.0])
    values = np.array([[0.2], [np.nan], [0.4]])
    assert np.isnan(movie.interpolated(values, times, 30.0))
    assert movie.interpolated(values, times, 0.0) == 0.2
    assert movie.interpolated(values, times, 120.0) == 0.4


def test_the_movie_has_the_frames_and_the_length_asked_for(video, labels):
    film = Image.open(io.BytesIO(lithium_movie(video, labels=labels, options=QUICK)))
    assert film.n_frames == 15
    assert film.size[0] == 220
    durations = []
    for frame in range(film.n_frames):
        film.seek(frame)
        film.load()
        durations.append(film.info["duration"])
    assert durations == [100] * 15


def test_the_movie_repeats_byte_for_byte(video):
    assert lithium_movie(video, options=QUICK) == lithium_movie(video, options=QUICK)


def test_a_lossy_movie_has_the_same_frames(video):
    film = Image.open(io.BytesIO(lithium_movie(video, options=QUICK.model_copy(update={"lossless": False}))))
    assert film.n_frames == 15


def test_moments_take_the_colour_of_the_interpolated_x(video, labels):
    times = video["time"].values
    at = 0.25 * times[0] + 0.75 * times[1]
    picture, exact = movie._moment(video, labels, 1.2, "uniform", at)
    x, amount = (video[name].values.astype(float) for name in ("lithium_fraction", "amount"))
    expected = composition_colours(
        0.25 * x[0, 40, 50] + 0.75 * x[1, 40, 50], (0.25 * amount[0] + 0.75 * amount[1])[40, 50] / 1.2
    )
    assert not exact
    np.testing.assert_allclose(picture[40, 50].astype(int), expected.astype(int), atol=1)
    assert movie._moment(video, labels, 1.2, "uniform", float(times[1]))[1]


def test_what_a_frame_lost_is_hatched_on_both_its_sides(video, labels):
    times = video["time"].values
    for at, lost in (
        (times[1], False),
        (times[1] + 1, True),
        (times[2], True),
        (times[3] - 1, True),
        (times[3], False),
    ):
        picture, _ = movie._moment(video, labels, 1.2, "uniform", float(at))
        assert (tuple(picture[14, 20].tolist()) in HATCH) == lost


def test_one_frame_makes_no_movie(video):
    with pytest.raises(AnalysisError, match="at least two frames"):
        lithium_movie(video.isel(time=[0]))


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_a_film_has_the_pictures_the_length_and_nearly_the_colours_of_the_movie(video, labels, name):
    import av

    options = QUICK.model_copy(update={"width": 221})
    film = lithium_movie(video, labels=labels, options=options.model_copy(update={"format": name}))
    still = Image.open(io.BytesIO(lithium_movie(video, labels=labels, options=options)))
    with av.open(io.BytesIO(film)) as opened:
        pictures = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
        rate = opened.streams.video[0].average_rate
    assert (len(pictures), rate) == (15, 10)
    assert pictures[0].shape[1] == 222
    for number in (0, 14):
        still.seek(number)
        true = np.asarray(still.convert("RGB")).astype(int)
        # Eight bits of luminance, half as many pixels of colour, and the loss of the codec.
        off = np.abs(pictures[number][: true.shape[0], : true.shape[1]] - true)
        assert np.median(off) <= 4
        assert off.mean() < 8


def test_without_the_package_a_film_is_refused_with_the_remedy(video, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(OptionError, match=r"lithiscope\[movie\]"):
        lithium_movie(video, options=QUICK.model_copy(update={"format": "mp4"}))


def test_the_rate_of_the_cell_stands_beside_the_direction(video):
    canvas = movie._Canvas(video, [0.6, np.nan, 0.0, *[-2.0] * (video.sizes["time"] - 3)], QUICK)
    direction = canvas.states[1]
    assert canvas.states[0] == f"{direction} 0.6C".strip()
    assert canvas.states[3].endswith("2C")
