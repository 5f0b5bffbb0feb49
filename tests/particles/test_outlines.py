from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import StageError
from lithiscope.particles import outline
from lithiscope.particles.geojson import signed_area
from lithiscope.particles.outlines import rings
from particles import scene

SHAPE = (60, 70)


def test_outline_of_a_disc_encloses_its_area_about_its_centre():
    mask = scene.disc(SHAPE, (30, 40), 12)
    (ring,) = outline(scene.labels(mask), {1: "round"})["round"]
    np.testing.assert_array_equal(ring[0], ring[-1])
    area = abs(signed_area(ring[:-1, ::-1]))
    # Marching squares cuts the corners of the pixels: half a corner at every step of the rim.
    assert area == pytest.approx(mask.sum() * 0.0025, rel=0.06)
    np.testing.assert_allclose(ring[:-1].mean(axis=0), [30 * 0.05, 1 + 40 * 0.05], atol=0.01)
    # Every point is half-way between a pixel inside and one outside.
    radius = np.hypot(*((ring - [30 * 0.05, 1 + 40 * 0.05]) / 0.05).T)
    assert radius.min() > 11
    assert radius.max() < 13


def test_pieces_holes_and_the_edge_of_the_picture():
    mask = np.zeros((12, 12), dtype=int)
    mask[0:5, 0:5], mask[2, 2], mask[8:11, 8:11] = 3, 0, 3
    found = rings(mask)
    assert list(found) == [3]
    areas = sorted(signed_area(ring[:-1, ::-1]) for ring in found[3])
    # One pixel hole is a diamond of half a pixel; squares lose four corner triangles of 1/8.
    assert areas == pytest.approx([-0.5, 8.5, 24.5])
    assert min(ring.min() for ring in found[3]) == -0.5


def test_labels_per_cycle_are_refused():
    with pytest.raises(StageError, match="select a cycle"):
        outline(scene.labels(np.ones((2, 5, 5))))
