from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.kinetics.kernels.shapes import (
    Edges,
    covered,
    fit_ellipses,
    fit_polygons,
    from_ellipse,
    from_polygon,
    outline_share,
    parallel_share,
)


def ring(a, b, turn, centre=(0.0, 0.0), count=80, part=1.0):
    t = np.linspace(0, 2 * np.pi * part, count, endpoint=part < 1)
    u, v = a * np.cos(t), b * np.sin(t)
    points = np.stack([u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)], axis=1)
    return points + np.asarray(centre)


def box(width, height, degrees, count=25):
    s = (np.arange(count) + 0.5) / count - 0.5
    sides = [np.stack([width * s, np.full(count, e * height / 2)], 1) for e in (-1, 1)]
    sides += [np.stack([np.full(count, e * width / 2), height * s], 1) for e in (-1, 1)]
    turn = np.deg2rad(degrees)
    return np.concatenate(sides) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def edges(*rows):
    most = max(len(row) for row in rows)
    points, weight = np.zeros((len(rows), most, 2)), np.zeros((len(rows), most))
    for k, row in enumerate(rows):
        points[k, : len(row)], weight[k, : len(row)] = row, 1 / len(row)
    return Edges(points, weight)


def test_points_on_an_ellipse_and_beside_it():
    ellipse = np.array([[0.1, -0.2, np.log(0.6), np.log(0.3), 0.4]])
    on = ring(0.6, 0.3, 0.4, (0.1, -0.2))
    np.testing.assert_allclose(from_ellipse(ellipse, on[None]), 0.0, atol=1e-9)
    circle = np.array([[0.0, 0.0, np.log(0.5), np.log(0.5), 0.0]])
    np.testing.assert_allclose(from_ellipse(circle, np.array([[[0.8, 0.0], [0.0, 0.1]]])), [[0.3, -0.4]])


def test_ellipses_are_found_again_many_at_once_also_from_an_arc():
    rows = (ring(0.6, 0.3, 0.4, (0.1, -0.2)), ring(0.4, 0.4, 0.0), ring(0.5, 0.3, 2.0, count=40, part=0.6))
    found, misfit = fit_ellipses(edges(*rows), 0.05, 2.0)
    np.testing.assert_allclose(misfit, 0.0, atol=2e-3)
    axes = np.sort(np.exp(found[:, 2:4]), axis=1)
    np.testing.assert_allclose(axes, [[0.3, 0.6], [0.4, 0.4], [0.3, 0.5]], rtol=0.05)
    np.testing.assert_allclose(found[0, :2], [0.1, -0.2], atol=1e-3)


def test_a_straight_edge_gives_an_ellipse_no_larger_than_allowed():
    line = np.stack([np.linspace(-0.5, 0.5, 40), np.zeros(40)], axis=1)
    found, _ = fit_ellipses(edges(line), 0.05, 1.5)
    assert np.exp(found[:, 2:4]).max() <= 1.5 + 1e-9


@pytest.mark.parametrize("degrees", [0.0, 25.0, 100.0])
def test_polygons_along_the_facets_are_found_again(degrees):
    angles = np.array([degrees, degrees + 90.0])
    found, misfit = fit_polygons(edges(box(0.9, 0.5, degrees)), angles)
    assert misfit[0] == pytest.approx(0.0, abs=1e-3)
    widths = found[0, :2] + found[0, 2:]
    np.testing.assert_allclose(widths, [0.5, 0.9], atol=5e-3)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_polygon_moves_with_its_points(dx, dy):
    angles = np.array([10.0, 80.0])
    points = box(0.8, 0.4, 10.0)
    one, first = fit_polygons(edges(points), angles)
    two, second = fit_polygons(edges(points + np.array([dx, dy])), angles)
    np.testing.assert_allclose(second, first, atol=1e-3)
    np.testing.assert_allclose((two[:, :2] + two[:, 2:]), (one[:, :2] + one[:, 2:]), atol=1e-2)


def test_the_inside_of_a_polygon_is_negative():
    offsets = np.array([[0.5, 0.3, 0.5, 0.3]])  # |y| <= 0.5 and |x| <= 0.3
    found = from_polygon(offsets, np.array([[[0.0, 0.0], [0.4, 0.0], [0.0, -0.6]]]), np.array([0.0, 90.0]))
    np.testing.assert_allclose(found, [[-0.3, 0.1, 0.1]])


def test_pictures_of_shapes_hold_their_area():
    circle = np.array([[0.5, 0.5, np.log(0.3), np.log(0.3), 0.0]])
    picture = covered(lambda p: from_ellipse(circle, p), (24, 20), (0.05, 0.05), 0.04)
    # The rim is shared among points of a fifth of a pixel.
    assert picture.sum() * 0.05**2 == pytest.approx(np.pi * 0.09, rel=1e-3)
    assert picture.max() == pytest.approx(1.0, abs=1e-6)
    assert picture[10, 10] > 0.99 > 0.01 > picture[0, 0]


def test_directions_against_the_facets():
    facets = np.array([20.0, 110.0])
    along = parallel_share(np.array([20.0, 110.0, 200.0]), np.ones(3), facets, 10.0)
    assert along.share == 1.0
    # 10 degrees to either side of both facets, whole degrees: 42 of 180.
    assert along.random == pytest.approx(42 / 180)
    # The same only after a quarter of a turn, because the facets are at right angles.
    assert along.p_value == pytest.approx(2 / 180)
    across = parallel_share(np.array([65.0, 155.0]), np.ones(2), facets, 10.0)
    assert (across.share, across.p_value) == (0.0, 1.0)


def test_the_outline_of_a_square_has_facets_and_that_of_a_disc_has_none():
    y, x = np.indices((40, 40)) - 19.5
    facets = np.array([0.0, 90.0])
    assert outline_share((np.abs(x) < 14) & (np.abs(y) < 12), (0.05, 0.05), facets, 15.0) > 0.8
    assert outline_share(np.hypot(x, y) < 15, (0.05, 0.05), facets, 15.0) == pytest.approx(60 / 180, abs=0.06)
