from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lithiscope.errors import AnalysisError, OptionError, StageError
from lithiscope.report import FigureOptions, maps
from lithiscope.report.colours import BACKGROUND, HATCH, composition_colours
from lithiscope.report.readings import full_brightness
from lithiscope.stages import flag_bit
from report import scene

SVG = FigureOptions(format="svg")


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_the_picture_follows_x_and_amount(video):
    bright = full_brightness(video, None)
    picture = maps.composition_picture(video, 1, bright, "uniform", np.zeros(scene.SHAPE, bool))
    x, amount = (video[name].values[1].astype(float) for name in ("lithium_fraction", "amount"))
    expected = composition_colours(x[40, 55], amount[40, 55] / bright)
    np.testing.assert_array_equal(picture[40, 55], expected)
    np.testing.assert_array_equal(picture[0, 71], BACKGROUND)


def place_of(row, column, box, size):
    """Middle of a map pixel in the PNG; y grows upwards."""
    left, bottom, width, height = box
    return (
        round((1 - bottom - (row + 0.5) / scene.SHAPE[0] * height) * size[0] - 0.5),
        round((left + (column + 0.5) / scene.SHAPE[1] * width) * size[1] - 0.5),
    )


def test_known_pixels_of_the_png_have_their_colour(video, labels, monkeypatch):
    boxes = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (boxes.append(self.axes[0].get_position().bounds), save(self, *a, **k))
    )
    image = pixels(maps.lithium_maps(video, labels=labels, frames=[2]))
    bright = full_brightness(video, None)
    x, amount = (video[name].values[2].astype(float) for name in ("lithium_fraction", "amount"))
    for row, column in ((20, 15), (40, 60), (47, 17), (30, 40)):
        found = image[place_of(row, column, boxes[0], image.shape[:2])]
        expected = composition_colours(x[row, column], amount[row, column] / bright)
        np.testing.assert_allclose(found, expected.astype(int), atol=1)
    assert tuple(image[place_of(14, 20, boxes[0], image.shape[:2])]) in HATCH
    np.testing.assert_array_equal(image[place_of(58, 70, boxes[0], image.shape[:2])], BACKGROUND)


def test_palettes_change_the_picture(video, labels):
    first, second = (maps.lithium_maps(video, labels=labels, options=FigureOptions(palette=p, format="svg"))
                     for p in ("uniform", "lim2016"))  # fmt: skip
    assert first != second


def test_sheets_have_one_panel_a_frame_with_time_direction_and_mean(video, labels):
    text = maps.lithium_maps(video, labels=labels, options=SVG).decode()
    assert text.count("<image") == 8 + 1 + 1  # frames, legend, hatch
    assert "9.5 min" in text
    assert text.count(">delithiation<") == 4
    assert "not trusted" in text
    assert "1 µm" in text


def test_the_hatch_is_told_only_where_there_is_one(video, labels):
    assert b"not trusted" not in maps.lithium_maps(video, labels=labels, frames=[0], options=SVG)


def test_many_frames_are_thinned_and_that_is_said(labels):
    many = scene.make_video(labels.values, frames=30)
    text = maps.lithium_maps(many, options=FigureOptions(format="svg", max_frames=6)).decode()
    assert "6 of 30 frames" in text


@pytest.mark.parametrize(
    "draw",
    [maps.lithium_maps, maps.error_maps, maps.chi_square_map, maps.amount_map, maps.thickness_map, maps.dose_map],
)
def test_every_map_decodes_in_both_formats_and_repeats_byte_for_byte(draw, video, labels):
    small = FigureOptions(dots_per_inch=60)
    png = draw(video, labels=labels, options=small)
    height, width, _ = pixels(png).shape
    assert 60 * 2 < width < 60 * 8
    assert 60 * 1 < height < 60 * 8
    assert png == draw(video, labels=labels, options=small)
    svg = draw(video, labels=labels, options=SVG)
    assert svg == draw(video, labels=labels, options=SVG)
    assert svg.lstrip().startswith(b"<?xml")


def test_resolution_sets_the_size_in_pixels(video, labels):
    low, high = (
        pixels(maps.lithium_maps(video, labels=labels, options=FigureOptions(dots_per_inch=d))).shape for d in (60, 120)
    )
    np.testing.assert_allclose(np.array(high[:2]) / np.array(low[:2]), 2, atol=0.02)


def test_one_frame_without_labels_amount_or_direction(labels):
    video = scene.make_video(labels.values).isel(time=[0]).drop_vars(["amount", "direction"])
    assert pixels(maps.lithium_maps(video)).size


def test_a_frame_with_nothing_to_show_is_drawn_as_such(video, labels):
    lost = video.isel(time=[0]).copy(deep=True)
    lost["lithium_fraction"][:] = np.nan
    lost["lithium_fraction_flag"][:] = flag_bit("not_aligned")
    assert b"no value" in maps.lithium_maps(lost, labels=labels, options=SVG)


def test_names_of_particles_are_text_not_formulas(video, labels):
    text = maps.amount_map(video, labels=labels, names={1: "$x_", 2: "a<b&c"}, options=SVG).decode()
    assert "$x_" in text
    assert "a&lt;b&amp;c" in text


def test_optical_density_has_one_panel_per_energy_and_hatches_gaps(od):
    text = maps.optical_density_maps(od, frame=3, options=SVG).decode()
    assert all(f"{energy:.2f} eV" in text for energy in od["energy"].values)
    assert "not trusted" in text
    assert b"not trusted" not in maps.optical_density_maps(od, frame=0, options=SVG)


def test_what_is_not_there_cannot_be_drawn(video, od):
    for draw, name in ((maps.error_maps, "lithium_fraction_std"), (maps.amount_map, "amount"), (maps.dose_map, "dose")):
        with pytest.raises(AnalysisError, match=name):
            draw(video.drop_vars(name))
    with pytest.raises(AnalysisError, match="degrees of freedom"):
        maps.chi_square_map(video.assign_attrs(degrees_of_freedom=0))
    with pytest.raises(StageError, match="not of the expected stage"):
        maps.lithium_maps(od)
    with pytest.raises(AnalysisError, match="does not exist"):
        maps.optical_density_maps(od, frame=99)


def test_contrast_is_no_composition(video):
    contrast = video.rename(
        {name: name.replace("lithium_fraction", "contrast") for name in video if "lithium_fraction" in name}
    )
    with pytest.raises(AnalysisError, match="calibrate the contrast"):
        maps.lithium_maps(contrast.assign_attrs(signal="contrast"))


@pytest.mark.parametrize("bad", [{"palette": "jet"}, {"format": "eps"}, {"dots_per_inch": 1e9}, {"columns": 0}])
def test_bad_options_are_refused(bad):
    with pytest.raises(OptionError, match="FigureOptions"):
        FigureOptions(**bad)
