from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope import stages
from lithiscope.report.options import FigureOptions
from lithiscope.report.panels import domain_segments, length_text, nice_length, outline_segments, panel_grid, view_of


def stage(y, x):
    return stages.new(
        "recording",
        {"counts": ("time y x", np.ones((1, len(y), len(x))))},
        coords={"time": ("time", [0.0]), "y": ("y", y), "x": ("x", x)},
    )


def test_a_view_reaches_half_a_pixel_beyond_the_centres():
    view = view_of(stage([0.0, 0.1, 0.2], [1.0, 1.05]))
    np.testing.assert_allclose(view.extent, (0.975, 1.075, -0.05, 0.25))
    assert view.aspect == pytest.approx(3.0)
    assert not view.flipped


def test_falling_y_is_the_same_view_flipped():
    view = view_of(stage([0.2, 0.1, 0.0], [1.0, 1.05]))
    assert view.flipped
    np.testing.assert_allclose(view.extent, (0.975, 1.075, -0.05, 0.25))


@given(st.floats(1e-3, 1e4))
def test_a_scale_bar_is_1_2_or_5_times_a_power_of_ten_and_about_a_third(width):
    length = nice_length(width)
    mantissa = length / 10.0 ** np.floor(np.log10(length) + 1e-9)
    assert np.isclose(mantissa, [1, 2, 5]).any()
    # The steps are at most a factor 2.5 apart, so the bar is between 1/7.5 and 1/3 of the width.
    assert width / 7.5 * (1 - 1e-9) <= length <= width / 3 * (1 + 1e-9)


def test_lengths_below_a_micrometre_are_in_nanometres():
    assert length_text(0.05) == "50 nm"
    assert length_text(10.0) == "10 µm"


def test_the_outline_of_a_rectangle_is_four_straight_lines():
    labels = np.zeros((6, 7), dtype=np.int32)
    labels[1:4, 2:6] = 1
    found = {tuple(map(tuple, piece)) for piece in outline_segments(labels).tolist()}
    assert found == {((2, 1), (6, 1)), ((2, 4), (6, 4)), ((2, 1), (2, 4)), ((6, 1), (6, 4))}


def test_outlines_close_at_the_edge_and_between_touching_particles():
    labels = np.array([[1, 2]], dtype=np.int32)
    length = np.abs(np.diff(outline_segments(labels), axis=1)).sum()
    assert length == 2 + 2 + 3  # above, below, and left, between, right


@given(st.integers(0, 2**30 - 1))
def test_the_total_outline_is_the_number_of_pixel_edges(code):
    labels = np.array([(code >> k) & 1 for k in range(30)], dtype=np.int32).reshape(5, 6)
    padded = np.pad(labels, 1)
    edges = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    segments = outline_segments(labels)
    assert (np.abs(np.diff(segments, axis=1)).sum() if segments.size else 0) == edges


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (5, 5, 1), (8, 4, 2), (11, 4, 3), (20, 5, 4)])
def test_panels_fill_their_rows_evenly_and_stay_inside_the_figure(count, columns, rows):
    figure, panels, _ = panel_grid(count, view_of(stage([0, 0.1, 0.2], [0, 0.1, 0.2])), FigureOptions(), header=0.3)
    boxes = np.array([axes.get_position().bounds for axes in panels])
    assert len(np.unique(boxes[:, 0].round(6))) == columns
    assert len(np.unique(boxes[:, 1].round(6))) == rows
    assert np.all(boxes[:, :2] >= 0)
    assert np.all(boxes[:, :2] + boxes[:, 2:] <= 1)
    assert figure.get_figwidth() <= FigureOptions().width + 0.2


def test_tall_and_wide_pictures_keep_their_aspect():
    for y, x in (([0, 0.1], np.arange(20) / 10), (np.arange(20) / 10, [0, 0.1])):
        view = view_of(stage(y, x))
        figure, (axes,), _ = panel_grid(1, view, FigureOptions(), header=0.3)
        _, _, width, height = axes.get_position().bounds
        across, up = figure.get_size_inches()
        assert height * up / (width * across) == pytest.approx(view.aspect)
        assert up < 4.5


def test_domain_borders_part_fast_from_slow_only():
    domain = np.array([[0, 2, 2, 2], [0, 2, 1, 2], [0, 0, 1, 0]])
    found = {tuple(map(tuple, piece)) for piece in domain_segments(domain).tolist()}
    # Above, left and right of the upper fast pixel; the lower one touches only nothing and the other fast pixel.
    assert found == {((2, 1), (3, 1)), ((2, 1), (2, 2)), ((3, 1), (3, 2))}
    assert len(domain_segments(np.zeros((3, 3), int))) == 0
