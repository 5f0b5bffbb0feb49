"""Smoothed boundaries: area and volume of shapes, wherever the grid lies, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.geometry import box, cylinder, ellipsoid, number_parts, smoothed, surface_area, volume
from lithiscope.phasefield.geometry.shapes import Shape

OFFSETS = np.random.default_rng(8).uniform(-0.5, 0.5, (4, 3))
DISC = ellipsoid((8, 8), 1.0)


def check(shape: Shape, area: float, size: float, within: float = 0.01) -> None:
    geometry = smoothed(shape.distance, shape.spacing)
    assert surface_area(geometry) == pytest.approx(area, rel=within)
    assert volume(geometry) == pytest.approx(size, rel=within)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("radius", [5, 8, 16])
def test_disc(radius, offset):
    check(ellipsoid((radius,) * 2, 1.0, offset=offset[:2]), 2 * np.pi * radius, np.pi * radius**2)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("radius", [6, 10])
def test_sphere(radius, offset):
    check(ellipsoid((radius,) * 3, 1.0, offset=offset), 4 * np.pi * radius**2, 4 / 3 * np.pi * radius**3)


@pytest.mark.parametrize("offset", OFFSETS)
def test_ellipsoid(offset):
    a, b, c = 7.0, 9.0, 13.0

    def element(turn: float, tilt: float) -> float:
        sin, cos = np.sin(tilt), np.cos(tilt)
        return sin * np.sqrt((b * c * sin * np.cos(turn)) ** 2 + (a * c * sin * np.sin(turn)) ** 2 + (a * b * cos) ** 2)

    area = dblquad(element, 0, np.pi, 0, 2 * np.pi)[0]
    check(ellipsoid((a, b, c), 1.0, offset=offset, rotation=90 * offset), area, 4 / 3 * np.pi * a * b * c)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("turn", [0, 70])
def test_platelet_with_rounded_edges(turn, offset):
    lengths, r = np.array([10.0, 16.0, 24.0]), 3.0
    a, b, c = lengths - 2 * r
    sides, edges = a * b + b * c + a * c, a + b + c
    check(
        box(lengths, 1.0, rounding=r, offset=offset, rotation=turn * np.array([0.3, -0.5, 0.8])),
        2 * sides + 2 * np.pi * r * edges + 4 * np.pi * r**2,
        a * b * c + 2 * r * sides + np.pi * r**2 * edges + 4 / 3 * np.pi * r**3,
    )


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("turn", [0, 33])
def test_sharp_platelet_of_two_dimensions(turn, offset):
    check(box((14, 26), 1.0, offset=offset[:2], rotation=turn), 80, 14 * 26)


@pytest.mark.parametrize("offset", OFFSETS)
def test_cylinder_with_round_caps(offset):
    r, straight = 6.0, 10.0
    check(
        cylinder(r, straight + 2 * r, 1.0, rounding=r, offset=offset, rotation=100 * offset),
        2 * np.pi * r * straight + 4 * np.pi * r**2,
        np.pi * r**2 * straight + 4 / 3 * np.pi * r**3,
    )


@pytest.mark.parametrize("offset", OFFSETS)
def test_cylinder_with_flat_ends(offset):
    r, length = 10.0, 16.0
    area = 2 * np.pi * r * (length + r)
    check(cylinder(r, length, 1.0, offset=offset, rotation=100 * offset), area, np.pi * r**2 * length)


def test_cells_of_different_lengths():
    check(ellipsoid((10, 10, 10), (1.0, 2.0, 1.5)), 400 * np.pi, 4000 / 3 * np.pi, within=0.02)


@pytest.mark.parametrize("offset", OFFSETS)
def test_masks_are_smoothed_without_their_steps(offset):
    mask = ellipsoid((10, 10, 10), 1.0, offset=offset).distance > 0
    geometry = smoothed(mask, 1.0)
    assert volume(geometry) == pytest.approx(mask.sum(), rel=1e-3)
    # A rim of steps is known to a fraction of a cell only; 3 % of area would be 0.15 cells of radius.
    assert surface_area(geometry) == pytest.approx(400 * np.pi, rel=0.015)


def test_a_plane_takes_a_uniform_flux_exactly():
    distance = np.broadcast_to(7.3 - np.abs(np.arange(24) - 11.7), (6, 24)).copy()
    geometry = smoothed(distance, 1.0, periodic=(True, False))
    faces, surface = np.asarray(geometry.open_faces[1]), np.asarray(geometry.surface)
    # On either side the area within a column up to a face is the open share of the face: div(a grad x) + S g = 0.
    np.testing.assert_allclose(np.cumsum(surface, axis=1)[:, :10], faces[:, :10], atol=1e-3)
    assert surface.sum() == pytest.approx(2 * 6, rel=1e-9)


def test_a_layer_of_two_cells_keeps_area_and_volume():
    geometry = smoothed(DISC.distance, 1.0, width=1.5)
    assert surface_area(geometry) == pytest.approx(16 * np.pi, rel=0.01)
    assert volume(geometry) == pytest.approx(64 * np.pi, rel=0.01)


def test_cells_below_the_cut_are_outside_and_their_area_is_kept():
    areas = []
    for cut in (1e-3, 1e-2, 0.1):
        geometry = smoothed(ellipsoid((8, 8), 1.0, padding=6).distance, 1.0, cut=cut)
        inside = np.asarray(geometry.inside)
        assert inside[geometry.active].min() >= cut
        assert np.all(np.asarray(geometry.surface)[~geometry.active] == 0)
        areas.append(surface_area(geometry))
    np.testing.assert_allclose(areas, areas[0], rtol=1e-12)


def test_a_cap_of_a_sphere_reacts():
    shape = ellipsoid((16, 16, 16), 1.0)
    geometry = smoothed(shape.distance, 1.0, facets={"normals": [(0, 1, 0), (0, -1, 0)], "within_degrees": 40})
    caps = 4 * np.pi * 16**2 * (1 - np.cos(np.deg2rad(40)))
    # The edge of the cap, of length 2 pi 10 each, is found to a fraction of a cell: 0.2 x 130 of 750.
    assert surface_area(geometry) == pytest.approx(caps, rel=0.03)


@settings(max_examples=8)
@given(st.permutations([0, 1, 2]), st.floats(0.5, 200))
def test_order_of_axes_and_unit_of_length_change_nothing(order, scale):
    shape = ellipsoid((6, 8, 9), 1.0, rotation=(10, 20, 30))
    here = smoothed(shape.distance, 1.0)
    turned = smoothed(scale * shape.distance.transpose(order), scale)
    np.testing.assert_allclose(np.asarray(turned.inside), np.asarray(here.inside).transpose(order), atol=1e-10)
    np.testing.assert_allclose(
        scale * np.asarray(turned.surface), np.asarray(here.surface).transpose(order), atol=1e-10
    )


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_on_a_periodic_grid_the_place_does_not_matter(down, right):
    distance = ellipsoid((6, 7), 1.0).distance
    here = smoothed(distance, 1.0, periodic=True)
    there = smoothed(np.roll(distance, (down, right), (0, 1)), 1.0, periodic=True)
    np.testing.assert_allclose(np.asarray(there.surface), np.roll(here.surface, (down, right), (0, 1)), atol=1e-12)
    mask = distance > 0
    here = smoothed(mask, 1.0, periodic=True)
    there = smoothed(np.roll(mask, (down, right), (0, 1)), 1.0, periodic=True)
    np.testing.assert_allclose(np.asarray(there.surface), np.roll(here.surface, (down, right), (0, 1)), atol=1e-9)


def test_particles_that_touch_share_no_face_and_keep_their_area():
    left = np.hypot(*np.mgrid[-17:17, -17:33]) < 8.2
    label = left + 2 * np.roll(left, 16, 1) * ~left
    geometry = smoothed(label > 0, 1.0, label=label)
    assert geometry.particle_count == 2
    numbers = geometry.label.values
    meeting = (numbers > 0) & (np.roll(numbers, -1, 1) > 0) & (numbers != np.roll(numbers, -1, 1))
    assert meeting.any()
    assert not np.asarray(geometry.open_faces[1])[meeting].any()
    alone = smoothed(label == 1, 1.0), smoothed(label == 2, 1.0)
    assert surface_area(geometry) == pytest.approx(sum(map(surface_area, alone)), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"distance": -np.ones((9, 9))}, AnalysisError, "no cell is inside"),
        ({"distance": np.zeros((9, 9), bool)}, AnalysisError, "no cell is inside"),
        ({"distance": np.where(DISC.distance > 5, np.nan, DISC.distance)}, OptionError, "not finite"),
        ({"distance": np.ones(9)}, OptionError, "dimensions"),
        ({"distance": 5 * DISC.distance}, OptionError, "one nm for each nm"),
        ({"distance": DISC.distance[6:]}, AnalysisError, "edge of axis 0"),
        ({"distance": np.pad(np.ones((9, 9), bool), ((0, 1), (4, 4)))}, AnalysisError, "edge of axis 0"),
        ({"distance": np.ones((9, 9), bool)}, AnalysisError, "fills the grid"),
        ({"distance": np.pad(np.ones((1, 1), bool), 6)}, AnalysisError, "too narrow"),
        ({"distance": np.pad(np.ones((2, 12), bool), 6)}, AnalysisError, "too narrow.*three cells"),
        ({"width": 6.0}, AnalysisError, "too narrow"),
        ({"width": 0.3}, OptionError, "half a cell"),
        ({"width": np.nan}, OptionError, "half a cell"),
        ({"cut": 0.0}, OptionError, "smallest share"),
        ({"spacing": 1e-9}, OptionError, "nm"),
        ({"label": np.ones(DISC.distance.shape, int)}, OptionError, "population"),
        ({"facets": {"normals": [(0, 0, 1)]}}, OptionError, "no direction"),
    ],
)
def test_what_cannot_be_used_is_refused(options, error, words):
    given_options = {"distance": DISC.distance, "spacing": 1.0} | options
    with pytest.raises(error, match=f"(?s){words}"):
        smoothed(given_options.pop("distance"), given_options.pop("spacing"), **given_options)


def test_a_mask_in_parts_is_refused_with_the_remedy():
    mask = np.zeros((30, 50), bool)
    mask[8:20, 8:18] = mask[8:20, 30:42] = True
    with pytest.raises(AnalysisError, match=r"(?s)label 1.*2 parts.*number_parts"):
        smoothed(mask, 1.0)
    assert smoothed(mask, 1.0, label=number_parts(mask)).particle_count == 2
