from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.kinetics.kernels.edges import (
    distance_from,
    edge_at,
    fit_profile,
    smooth_by_planes,
    step,
    width_per_scale,
)

PIXEL = 0.05


def grid(shape=(30, 34)):
    y, x = np.indices(shape) * PIXEL
    return np.stack([x.ravel(), y.ravel()], axis=1), x, y


@pytest.mark.parametrize("angle", [0.0, 33.0, 118.0, 250.0])
def test_distances_from_a_straight_line_and_its_normal(angle):
    """A plane has straight lines, which interpolation between pixels gives exactly."""
    points, x, y = grid()
    normal = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    true = (x - 0.8) * normal[0] + (y - 0.7) * normal[1]
    edge = edge_at(-true, 0.0, (PIXEL, PIXEL))
    found = distance_from(edge, points)
    np.testing.assert_allclose(found.value[~found.beyond], true.ravel()[~found.beyond], atol=1e-9)
    np.testing.assert_allclose(
        edge.normal[edge.length > 1e-6], np.tile(normal, ((edge.length > 1e-6).sum(), 1)), atol=1e-6
    )
    assert edge.opens.sum() == edge.closes.sum() == 1


def test_distances_from_a_circle_are_closed_and_negative_inside():
    points, x, y = grid()
    radius = np.hypot(x - 0.8, y - 0.7)
    edge = edge_at(1 - radius, 0.5, (PIXEL, PIXEL))
    found = distance_from(edge, points)
    # A chord of one pixel lies h^2/8R = 0.6 nm inside the arc, and interpolation bends the level by as much.
    np.testing.assert_allclose(found.value, (radius - 0.5).ravel(), atol=0.0015)
    assert not found.beyond.any()
    assert not edge.opens.any()
    assert edge.length.sum() == pytest.approx(np.pi, rel=1e-3)


def test_lines_stay_inside_the_particle_and_short_ones_are_left_out():
    _, x, y = grid()
    picture = np.where(x < 0.9, x, np.nan)
    assert edge_at(picture, 1.2, (PIXEL, PIXEL)) is None
    assert edge_at(picture, 0.5, (PIXEL, PIXEL)).end[:, 0] == pytest.approx(0.5)
    dot = np.where(np.hypot(x - 0.5, y - 0.5) < 0.06, 1.0, 0.0)
    assert edge_at(dot, 0.5, (PIXEL, PIXEL), shortest=1.0) is None


def test_planes_pass_the_smoothing_up_to_the_edge_of_the_particle():
    _, x, y = grid()
    inside = np.hypot(x - 0.8, y - 0.7) < 0.6
    plane = np.where(inside, 0.2 + 0.5 * x - 0.3 * y, np.nan)
    smooth = smooth_by_planes(plane[None], 1.5)[0]
    assert np.isnan(smooth[~inside]).all()
    np.testing.assert_allclose(smooth[inside], plane[inside], atol=1e-3)


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_a_fit_does_not_depend_on_the_units(shift, factor):
    distance = np.linspace(-0.6, 0.6, 200)[None]
    x = 0.9 - 0.7 * step((distance - 0.03) / 0.08, "error_function") + 0.02 * np.cos(40 * distance)
    plain = fit_profile(distance, x, np.full(x.shape, 1e4), PIXEL, "error_function")
    scaled = fit_profile(distance * factor, x + shift, np.full(x.shape, 1e4), PIXEL * factor, "error_function")
    np.testing.assert_allclose(scaled.scale, plain.scale * factor, rtol=1e-3)
    np.testing.assert_allclose(scaled.high, plain.high + shift, atol=1e-3)


@pytest.mark.parametrize("shape", ["error_function", "logistic"])
def test_the_fit_finds_the_step_and_its_scatter_is_that_of_the_information(shape):
    """400 noisy rows: no bias beyond 4 standard errors; the width is range over greatest slope."""
    rng = np.random.default_rng(1)
    distance = np.tile(np.linspace(-0.7, 0.7, 300), (400, 1))
    true = 0.9 - 0.8 * step((distance - 0.02) / 0.06, shape)
    x = true + 0.065 * rng.standard_normal(true.shape)
    found = fit_profile(distance, x, np.full(x.shape, 1 / 0.065**2), PIXEL, shape)
    for values, expected in ((found.scale, 0.06), (found.place, 0.02), (found.high, 0.9), (found.low, 0.1)):
        assert abs(values.mean() - expected) < 4 * values.std() / 20 + 0.002 * abs(expected)
    # Mean of 400 values of chi-square over 296 degrees of freedom: +- sqrt(2/296/400).
    assert (found.chi_square / found.freedom).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 296 / 400))
    slope = np.max(-np.gradient(true[0], distance[0]))
    assert 0.8 / slope == pytest.approx(0.06 * width_per_scale(shape), rel=2e-3)


def test_pixels_of_weight_zero_take_no_part():
    distance = np.tile(np.linspace(-0.5, 0.5, 100), (1, 1))
    x = 0.9 - 0.8 * step(distance / 0.06, "error_function")
    weight = np.where(np.abs(distance) < 0.45, 1e4, 0.0)
    spoiled = np.where(weight > 0, x, 37.0)
    found = fit_profile(distance, spoiled, weight, PIXEL, "error_function")
    assert found.scale[0] == pytest.approx(0.06, rel=1e-3)
    assert found.freedom[0] == (weight > 0).sum() - 4
