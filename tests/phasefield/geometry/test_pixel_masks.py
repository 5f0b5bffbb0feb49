"""Particles of whole pixels: open faces, reacting area, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.geometry import ellipsoid, number_parts, pixels, surface_area, volume

DISC = ellipsoid((10, 10), 1.0, offset=(0.3, -0.2)).distance > 0


def test_a_platelet_from_above_reacts_on_both_faces():
    geometry = pixels(DISC, 50.0, thickness=150.0, surface="everywhere")
    np.testing.assert_array_equal(np.asarray(geometry.surface), np.where(DISC, 2 / 150.0, 0.0))
    # Area over volume times thickness: two faces.
    assert surface_area(geometry) * 150.0 / volume(geometry) == pytest.approx(2, rel=1e-12)


def test_thickness_may_vary_and_is_not_needed_outside():
    thickness = np.where(DISC, 100.0 + np.arange(DISC.shape[1]), np.nan)
    made = pixels(DISC, 50.0, thickness=thickness, surface="everywhere")
    # Two faces over the material of each pixel, and means that weigh every pixel by its material.
    np.testing.assert_allclose(np.asarray(made.surface / made.inside)[DISC], 2 / thickness[DISC])
    x = np.where(DISC, np.arange(DISC.shape[1]) / 100, 0.0)
    np.testing.assert_allclose(made.mean(x), np.average(x[DISC], weights=thickness[DISC]))


@pytest.mark.parametrize("radius", [6, 10, 20])
def test_round_rims_have_their_true_area(radius):
    rng = np.random.default_rng(radius)
    for _ in range(5):
        mask = ellipsoid((radius, radius), 2.0, offset=rng.uniform(-1, 1, 2)).distance > 0
        around = 2 * np.sqrt(np.pi * volume(geometry := pixels(mask, 2.0)))
        # The steps that show in the blurred normal leave 1.0 to 1.3 % at a blur of two cells; uncorrected it is 27 %.
        assert surface_area(geometry) == pytest.approx(around, rel=0.015)


@pytest.mark.parametrize("radius", [6, 12])
def test_a_sphere_of_voxels_has_its_true_area(radius):
    shape = ellipsoid((radius,) * 3, 1.0, offset=(0.1, 0.4, -0.3))
    # Uncorrected, the faces have 1.5 times the area.
    assert surface_area(pixels(shape.distance > 0, 1.0)) == pytest.approx(4 * np.pi * radius**2, rel=0.015)


def test_a_box_loses_what_the_blur_takes_from_its_corners():
    for side in (20, 40, 80):
        lost = 4 * side - surface_area(pixels(np.ones((side, side), bool), 1.0))
        assert lost == pytest.approx(4 * 0.7, abs=0.1)


def test_a_strip_and_a_single_pixel_have_all_their_faces():
    assert surface_area(pixels(np.ones((1, 1), bool), 50.0)) == pytest.approx(200.0)
    assert surface_area(pixels(np.ones((3, 8), bool), 1.0, periodic=(False, True))) == pytest.approx(16.0)


def test_faces_are_open_inside_only_and_close_at_the_edge():
    geometry = pixels(np.ones((3, 4), bool), 1.0)
    rows, columns = (np.asarray(face) for face in geometry.open_faces)
    assert rows.sum() == 8
    assert columns.sum() == 9
    assert not rows[-1].any()
    assert not columns[:, -1].any()


def test_a_filled_periodic_grid_reacts_nowhere():
    geometry = pixels(np.ones((4, 4), bool), 1.0, surface="nowhere", periodic=True)
    assert geometry.periodic
    assert surface_area(geometry) == 0
    with pytest.raises(AnalysisError, match="no surface"):
        pixels(np.ones((4, 4), bool), 1.0, periodic=True)


def test_touching_particles_share_no_face_and_keep_their_own_surface():
    label = np.ones((12, 24), int)
    label[:, 12:] = 2
    together = pixels(label > 0, 1.0, label=label)
    alone = pixels(label == 1, 1.0)
    assert not np.asarray(together.open_faces[1])[:, 11].any()
    assert surface_area(together) == pytest.approx(2 * surface_area(alone), rel=1e-12)


def test_facets_choose_sides_of_a_box():
    mask = np.ones((40, 60), bool)
    geometry = pixels(mask, 1.0, facets={"normals": [(0, 1), (0, -1)], "within_degrees": 30})
    surface = np.asarray(geometry.surface)
    assert np.all(surface[:, 1:-1] == 0)
    # Two sides of 40 cells, less the corners in which the blurred normal turns by more than 30 degrees.
    assert 70 < surface_area(geometry) <= 80
    whole = pixels(mask, 1.0, facets=lambda normal: np.full(normal.shape[:-1], 0.5))
    assert surface_area(whole) == pytest.approx(surface_area(pixels(mask, 1.0)) / 2)


@given(st.integers(-5, 5), st.integers(-5, 5), st.permutations([0, 1, 2]))
def test_shifts_and_order_of_axes_change_nothing(down, right, order):
    blob = np.zeros((9, 24, 24), bool)
    blob[2:7, 8:15, 8:14] = True
    blob[3:5, 6:9, 9:12] = True
    steps = (3.0, 1.0, 2.0)
    here = np.asarray(pixels(blob, steps).surface)
    moved = pixels(np.roll(blob, (down, right), (1, 2)), steps)
    np.testing.assert_allclose(np.asarray(moved.surface), np.roll(here, (down, right), (1, 2)), atol=1e-12)
    turned = pixels(blob.transpose(order), [steps[axis] for axis in order])
    np.testing.assert_allclose(np.asarray(turned.surface), here.transpose(order), atol=1e-12)


def test_lengths_scale_the_area():
    assert surface_area(pixels(DISC, 50.0)) == pytest.approx(50 * surface_area(pixels(DISC, 1.0)), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"mask": np.zeros((4, 4), bool)}, AnalysisError, "no cell is inside.*threshold"),
        ({"mask": np.full((4, 4), np.nan)}, OptionError, "NaN"),
        ({"mask": np.ones(4, bool)}, OptionError, "two or three dimensions"),
        ({"mask": 2 * DISC.astype(int)}, OptionError, "particle numbers as label"),
        ({"spacing": 5e-8}, OptionError, "nm"),
        ({"spacing": (1.0, 1.0, 1.0)}, OptionError, "spacing"),
        ({"spacing": -1.0}, OptionError, "positive"),
        ({"spacing": "wide"}, OptionError, "spacing"),
        ({"spacing": np.nan}, OptionError, "spacing"),
        ({"surface": "everywhere"}, OptionError, "thickness of the platelet is missing"),
        ({"surface": "everywhere", "thickness": 1.5e-7}, OptionError, "thickness.*nm"),
        ({"surface": "everywhere", "thickness": np.ones(3)}, OptionError, "another shape"),
        ({"surface": "everywhere", "thickness": np.full(DISC.shape, np.nan)}, OptionError, "thickness"),
        ({"surface": "everywhere", "thickness": 9.0, "facets": {"normals": [(0, 1)]}}, OptionError, "rim"),
        ({"surface": "somewhere"}, OptionError, "everywhere or nowhere"),
        ({"thickness": 150.0}, OptionError, "no use"),
        ({"periodic": (True,)}, OptionError, "periodic"),
        ({"label": np.ones((2, 2), int)}, OptionError, "label"),
        ({"label": np.ones(DISC.shape, int)}, OptionError, "label > 0"),
        ({"facets": {"direction": (0, 1)}}, OptionError, "normals"),
        ({"facets": {"normals": []}}, OptionError, "at least one normal"),
        ({"facets": {"normals": [(0, 0)]}}, OptionError, "no direction"),
        ({"facets": {"normals": [(0, 1)], "within_degrees": 0}}, OptionError, "180"),
        ({"facets": 7}, OptionError, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused(options, error, words):
    given_options = {"mask": DISC, "spacing": 50.0} | options
    with pytest.raises(error, match=f"(?s){words}"):
        pixels(given_options.pop("mask"), given_options.pop("spacing"), **given_options)


def test_facets_that_the_particle_does_not_have_are_refused():
    with pytest.raises(AnalysisError, match="larger angle"):
        pixels(np.ones((8, 30), bool), 1.0, facets={"normals": [45.0], "within_degrees": 0.001})


def test_a_particle_in_parts_is_refused_with_the_remedy():
    mask = np.zeros((10, 20), bool)
    mask[2:8, 2:6] = True
    mask[2:8, 8:18] = True
    with pytest.raises(AnalysisError, match=r"(?s)label 1.*2 parts of 60, 24 cells.*different labels.*largest"):
        pixels(mask, 50.0)
    assert pixels(mask, 50.0, label=number_parts(mask)).particle_count == 2
