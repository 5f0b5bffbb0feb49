"""Facets by the direction of the surface normal."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.phasefield.geometry import Facets, box, smoothed, surface_area
from lithiscope.phasefield.geometry.facets import as_weight

AROUND = np.deg2rad(np.arange(0, 360, 5))
NORMALS = np.stack([np.sin(AROUND), np.cos(AROUND)], axis=-1)


def test_facets_are_within_the_angle():
    chosen = Facets(normals=[0.0, (3.0, 0.0)], within_degrees=30)(NORMALS)
    degrees = np.arange(0, 360, 5)
    expected = (degrees <= 30) | (degrees >= 330) | (np.abs(degrees - 90) <= 30)
    np.testing.assert_array_equal(chosen, expected)


def test_without_facets_the_whole_surface_reacts():
    assert np.all(as_weight(None)(NORMALS) == 1)


def test_a_function_is_taken_as_it_is():
    np.testing.assert_array_equal(as_weight(lambda n: n[..., 0] ** 2)(NORMALS), NORMALS[:, 0] ** 2)


@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_the_top_and_bottom_of_a_platelet(turn):
    shape = box((12, 30, 36), 1.0, rounding=2.0, rotation=(0, 0, turn))
    # A right-handed turn about x takes y to z and z to -y.
    up = np.array([np.cos(np.deg2rad(turn)), -np.sin(np.deg2rad(turn)), 0])
    limit = np.deg2rad(40)
    options = {"normals": [up, -up], "within_degrees": 40}
    found = surface_area(smoothed(shape.distance, shape.spacing, facets=options))
    # The flat 26 x 32 and, of each rounded edge and corner of radius 2, what lies within the angle.
    flat, edge, corner = 26 * 32, limit * 2 * 2 * (26 + 32), 2 * np.pi * 4 * (1 - np.cos(limit))
    # The limit runs through edges of two cells' radius, in which normals are known to about half a cell's width: 3 %.
    assert found == pytest.approx(2 * (flat + edge + corner), rel=0.03)
