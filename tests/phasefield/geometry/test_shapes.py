"""Shapes as signed distances on grids made to fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import OptionError
from lithiscope.phasefield.geometry import (
    Shape,
    box,
    cylinder,
    ellipsoid,
    extrude,
    polygon,
    smoothed,
    surface_area,
    volume,
)


def places(shape: Shape) -> np.ndarray:
    lines = [
        first + step * np.arange(n)
        for first, step, n in zip(shape.origin, shape.spacing, shape.distance.shape, strict=True)
    ]
    return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)


def test_a_sphere_is_exact_and_knows_where_it_is():
    shape = ellipsoid((9, 9, 9), (1.0, 2.0, 1.5), offset=(0.2, -0.3, 0.4))
    np.testing.assert_allclose(shape.distance, 9 - np.linalg.norm(places(shape), axis=-1), atol=1e-6)


def test_an_ellipse_is_exact():
    shape = ellipsoid((6, 15), 1.0, rotation=25)
    turn = np.linspace(0, 2 * np.pi, 20001)
    c, s = np.cos(np.deg2rad(25)), np.sin(np.deg2rad(25))
    y, x = 6 * np.sin(turn), 15 * np.cos(turn)
    rim = np.stack([c * y + s * x, -s * y + c * x], axis=-1)
    points = places(shape).reshape(-1, 2)[::7]
    near = np.min(np.linalg.norm(points[:, None] - rim[None, ::20], axis=-1), axis=1)
    # The rim is sampled every 0.1 nm or less.
    np.testing.assert_allclose(np.abs(shape.distance.ravel()[::7]), near, atol=0.06)


def test_angles_turn_from_x_towards_y():
    long = ellipsoid((4, 12), 0.25, rotation=30).distance > 0
    y, x = np.argwhere(long).T - np.argwhere(long).mean(axis=0)[:, None]
    assert np.rad2deg(0.5 * np.arctan2(2 * (x * y).mean(), (x**2).mean() - (y**2).mean())) == pytest.approx(30, abs=0.2)


def test_rotation_vectors_are_right_handed_in_xyz():
    # A quarter turn about z takes x to y.
    shape = box((6, 8, 20), 1.0, rotation=(90, 0, 0))
    assert shape.distance.shape[1] > shape.distance.shape[2]
    tilted = box((6, 8, 20), 1.0, rotation=(30, 0, 0)).distance
    flat = box((8, 20), 1.0, rotation=30).distance
    np.testing.assert_array_equal(tilted[tilted.shape[0] // 2] > 0, flat > 0)


@given(st.floats(0, 4), st.floats(-180, 180))
def test_distances_change_by_one_nm_for_each_nm(rounding, turn):
    for shape in (box((8, 14), 0.5, rounding=rounding, rotation=turn), ellipsoid((5, 9), 0.5, rotation=turn)):
        assert max(np.abs(np.diff(shape.distance, axis=axis)).max() for axis in (0, 1)) < 0.5 + 1e-6
        slope = np.linalg.norm(np.gradient(shape.distance, 0.5), axis=0)
        assert np.median(slope[np.abs(shape.distance) < 1]) == pytest.approx(1, abs=0.01)


@given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-180, 180))
def test_a_turned_sphere_or_the_grid_around_it_is_the_same(a, b, c):
    assert np.allclose(ellipsoid((5, 5, 5), 1.0, rotation=(a, b, c)).distance, ellipsoid((5, 5, 5), 1.0).distance)


@pytest.mark.parametrize(
    "shape",
    [
        ellipsoid((5, 9, 7), 1.0, rotation=(20, 30, 40)),
        box((8, 12, 20), 1.0, rotation=(20, 30, 40)),
        cylinder(6, 14, 1.0, rotation=(20, 30, 40)),
        box((8, 12), 1.0, rotation=17, offset=(0.4, -3)),
        polygon(np.array([[0, 0], [0.01, 0.02], [0.03, 0.0]]), 1.0),
    ],
)
def test_grids_leave_four_cells_of_room(shape):
    edges = [np.take(shape.distance, [0, -1], axis) for axis in range(shape.distance.ndim)]
    assert max(edge.max() for edge in edges) < -3.4


def test_a_polygon_is_the_box_with_its_corners():
    corners = np.array([[0.1, 0.2], [0.1, 0.26], [0.14, 0.26], [0.14, 0.2]])
    outline, straight = polygon(corners, 2.0), box((40, 60), 2.0)
    np.testing.assert_allclose(outline.distance, straight.distance, atol=1e-9)
    np.testing.assert_allclose(np.array(outline.origin), np.array(straight.origin) + np.array([120, 230]), atol=1e-9)
    closed = polygon([np.concatenate([corners, corners[:1]])], 2.0)
    np.testing.assert_array_equal(closed.distance, outline.distance)
    turned = polygon(corners, 2.0, rotation=90)
    assert turned.distance.shape == outline.distance.shape[::-1]


def test_a_polygon_has_holes():
    outer = np.array([[0, 0], [0, 0.06], [0.06, 0.06], [0.06, 0]])
    shape = polygon([outer, outer / 3 + 0.02], 1.0)
    geometry = smoothed(shape.distance, shape.spacing)
    assert volume(geometry) == pytest.approx(60**2 - 20**2, rel=0.01)
    assert surface_area(geometry) == pytest.approx(4 * 80, rel=0.01)


def test_an_outline_found_in_a_picture_gives_the_particle_back():
    from lithiscope.particles.outlines import rings

    mask = ellipsoid((9, 14), 1.0).distance > 0
    ring = rings(mask.astype(np.int32))[1][0]
    shape = polygon(0.05 * ring, 50.0)
    y, x = 50 * ring.T
    shoelace = abs(np.sum(y[:-1] * x[1:] - x[:-1] * y[1:])) / 2
    assert volume(smoothed(shape.distance, shape.spacing)) == pytest.approx(shoelace, rel=0.003)


def test_an_extruded_rectangle_is_a_box():
    thick = extrude(box((20, 30), 2.0), 12.0)
    straight = box((12, 20, 30), 2.0)
    np.testing.assert_allclose(thick.distance, straight.distance, atol=1e-9)
    np.testing.assert_allclose(thick.origin, straight.origin)
    capped = extrude(ellipsoid((10, 10), 1.0), 12.0, rounding=4.0)
    turned = cylinder(10, 12, 1.0, rounding=4.0)
    np.testing.assert_allclose(capped.distance, turned.distance, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: extrude(ellipsoid((5, 5, 5), 1.0), 4.0), "flat outline"),
        (lambda: extrude(ellipsoid((5, 5), 1.0), 0.0), "thickness"),
        (lambda: extrude(ellipsoid((5, 5), 1.0), 4.0, rounding=3.0), "0 to 2 nm"),
        (lambda: ellipsoid((1, -1), 1.0), "positive numbers in nm"),
        (lambda: ellipsoid((5, 5), 1e-8), "nm"),
        (lambda: ellipsoid((5000, 5000, 5000), 0.5), "too large"),
        (lambda: ellipsoid((5, 5), 1.0, padding=-1), "room"),
        (lambda: ellipsoid((5, 5), 1.0, offset=(1,)), "2 numbers in nm"),
        (lambda: ellipsoid((5, 5), 1.0, rotation=(1, 2, 3)), "degrees"),
        (lambda: ellipsoid((5, 5, 5), 1.0, rotation=10), "vector"),
        (lambda: ellipsoid((5, 5), 1.0, rotation=np.ones((2, 2))), "perpendicular"),
        (lambda: box((8, 8), 1.0, rounding=5), "0 to 4 nm"),
        (lambda: cylinder(-1, 5, 1.0), "radius"),
        (lambda: cylinder(3, 5, 1.0, rounding=4), "0 to 2.5 nm"),
        (lambda: polygon(np.zeros((2, 2)), 1.0), "three finite vertices"),
        (lambda: polygon([], 1.0), "three finite vertices"),
        (lambda: polygon(np.full((4, 2), np.nan), 1.0), "three finite vertices"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    with pytest.raises(OptionError, match=f"(?s){words}"):
        call()
