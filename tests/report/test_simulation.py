"""Figures and movies of simulations."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from lithiscope.report import MovieOptions
from lithiscope.report.colours import composition_colours
from lithiscope.report.options import FigureOptions
from lithiscope.report.simulation import Line, Map, MapRow, Panel, flat, picture, rate_colour, simulation_figure
from lithiscope.report.simulation_movie import Tile, simulation_movie, time_text

FRAMES = 5
QUICK = MovieOptions(seconds=0.5, frames_per_second=10, width=400)


def video(*shape: int, tall: float = 1.0) -> xr.Dataset:
    """x grows along the last axis and with time; the first column is outside."""
    place = np.arange(shape[-1]) / shape[-1]
    x = np.clip(np.linspace(0, 1, FRAMES).reshape(-1, *[1] * len(shape)) + place - 0.5, 0, 1) * np.ones(shape)
    amount = np.ones(shape)
    amount[..., 0] = 0
    dims = ("z", "y", "x")[-len(shape) :]
    coords = {"time": 100.0 * np.arange(FRAMES)}
    coords |= {name: 0.05 * np.arange(n) * (tall if name == "y" else 1) for name, n in zip(dims, shape, strict=True)}
    masked = np.where(amount > 0, x, np.nan)
    return xr.Dataset(
        {"lithium_fraction": (("time", *dims), masked), "amount": (dims, amount), "mask": (dims, amount > 0)}, coords
    )


def size_of(content: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(content)).size


def row(*videos: xr.Dataset) -> MapRow:
    return MapRow("lithiation", [Map(one, 2, f"x = {n}") for n, one in enumerate(videos)])


def panel(**changes) -> Panel:
    line = Line([0.1, 0.5, 0.9], [3.4, 3.3, 3.2], label="1C")
    return Panel("Voltage", "mean x", "voltage (V)", [line], **changes)


def svg(title: str, rows, panels) -> str:
    return simulation_figure(title, rows, panels, options=FigureOptions(format="svg")).decode("utf-8")


def test_a_figure_names_what_it_shows():
    text = svg("A platelet", [row(video(8, 12))], [panel(level=3.25, level_text="measured")])
    for words in ("A platelet", "lithiation", "x = 0", "voltage (V)", "mean x", "measured", "lithium fraction x"):
        assert f">{words}<" in text
    assert any(f">{length} nm<" in text for length in (100, 200)), "a scale bar"


def test_a_figure_repeats_and_grows_with_its_panels():
    few = simulation_figure("t", [row(video(8, 12))], [panel()])
    assert simulation_figure("t", [row(video(8, 12))], [panel()]) == few
    many = simulation_figure("t", [row(video(8, 12))], [panel()] * 4)
    rows = simulation_figure("t", [row(video(8, 12))] * 2, [panel()])
    assert size_of(few)[0] == size_of(many)[0]
    assert size_of(many)[1] > size_of(few)[1] < size_of(rows)[1]


@pytest.mark.parametrize(
    "panels",
    [
        [panel(log_x=True, log_y=True)],
        [Panel("One point", "x", "y", [Line([0.5], [1.0], points=True, dashed=True, label="a")])],
        [Panel("Nothing but NaN", "x", "y", [Line([0.5, 0.6], [np.nan, np.nan], label="a")], log_y=True)],
        [Panel("Many", "x", "y", [Line([0, 1], [0, n], label=str(n)) for n in range(1, 9)])],
        [Panel("Too many to name", "x", "y", [Line([0, 1], [0, n], label=str(n)) for n in range(20)])],
        [Panel("Empty", "x", "y", [])],
    ],
)
def test_unusual_curves_are_drawn_without_a_warning(panels):
    assert size_of(simulation_figure("t", [row(video(8, 12))], panels))[0] > 0


def test_rows_of_unequal_length_and_titles_with_signs_are_drawn():
    text = svg(r"50 % of $x$ \alpha_0 <b>", [row(video(8, 12)), row(*[video(3, 9)] * 3)], [panel()])
    assert r"50 % of $x$ \alpha_0 &lt;b&gt;" in text


def test_a_volume_is_shown_by_the_mean_along_z_of_its_material():
    values = np.stack([np.full((2, 3), 0.2), np.full((2, 3), 0.8)])
    weight = np.stack([np.full((2, 3), 3.0), np.ones((2, 3))])
    weight[:, 0, 0] = 0
    values[:, 0, 0] = np.nan
    weight[1, 0, 1] = 0
    expected = np.full((2, 3), 0.35)  # (3 * 0.2 + 0.8) / 4
    expected[0, :2] = np.nan, 0.2
    assert flat(values, weight) == pytest.approx(expected, nan_ok=True)


def test_a_picture_has_y_upwards_and_the_colours_of_x():
    one = video(3, 4)
    one["lithium_fraction"][2, 0] = [np.nan, 0.0, 0.5, 1.0]
    shown = picture(one, 2, "uniform")
    expected = composition_colours(np.array([[0.0, 0.5, 1.0]]), np.ones((1, 3)), "uniform")[0]
    assert np.array_equal(shown[-1, 1:], expected), "the first row of the grid is the lowest of the picture"
    assert picture(video(2, 3, 4), 2, "uniform").shape[:2] == (3, 4)


def test_rates_go_from_dark_to_bright():
    colours = [rate_colour(n, 7) for n in range(7)]
    bright = [sum(int(colour[k : k + 2], 16) for k in (1, 3, 5)) for colour in colours]
    assert bright == sorted(bright)
    assert len(set(colours)) == 7
    assert rate_colour(0, 1).startswith("#")


def film(*tiles: Tile, columns: int | None = None, options: MovieOptions = QUICK) -> Image.Image:
    return Image.open(io.BytesIO(simulation_movie(tiles, columns=columns, options=options)))


def tile(*shape: int, volt=(3.4,) * FRAMES, **changes) -> Tile:
    return Tile("1C lithiation", video(*shape, **changes), volt)


def test_a_movie_has_the_frames_and_the_width_asked_for():
    shown = film(tile(8, 12))
    assert (shown.n_frames, shown.size[0], shown.info["loop"]) == (5, 400, 0)
    shown.seek(3)
    shown.load()
    assert shown.info["duration"] == 100


def test_a_movie_begins_with_the_first_and_ends_with_the_last_frame():
    shown = film(tile(8, 12), options=QUICK.model_copy(update={"lossless": True}))
    pictures = []
    for n in (0, shown.n_frames - 1):
        shown.seek(n)
        pictures.append(np.asarray(shown.convert("RGB")).reshape(-1, 3))
    for frame, pixels in zip((0, FRAMES - 1), pictures, strict=True):
        for colour in np.unique(picture(video(8, 12), frame, "uniform").reshape(-1, 3), axis=0)[1:]:
            # Nothing is interpolated: every colour of the frame is there as it is.
            assert (pixels == colour).all(axis=1).any()


def test_tiles_stand_in_the_columns_asked_for():
    tiles = [tile(8, 12)] * 6
    heights = [film(*tiles, columns=columns).size[1] for columns in (2, 3, 6)]
    assert heights == sorted(heights, reverse=True)
    assert film(*tiles).size[0] == 400


@pytest.mark.parametrize(
    "tiles",
    [
        [tile(8, 12, volt=(np.nan,) * FRAMES)],
        [tile(2, 60)],
        [tile(60, 2)],
        [tile(4, 6, 8)],
        [tile(8, 12, tall=3.0), tile(12, 8)],
        [tile(3, 4)] * 30,
    ],
)
def test_movies_of_unusual_tiles_are_drawn(tiles):
    assert film(*tiles).n_frames == 5


def test_times_are_told_in_a_unit_that_suits():
    assert [time_text(one) for one in (0, 119.94, 120, 7199, 7200, 1e6)] == [
        "0.0 s",
        "119.9 s",
        "2.0 min",
        "120.0 min",
        "2.0 h",
        "277.8 h",
    ]
