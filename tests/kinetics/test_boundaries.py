from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import AnalysisError
from lithiscope.kinetics.boundaries import boundary_directions
from lithiscope.kinetics.kernels.directions import (
    axial_difference,
    boundary_angle,
    coherence,
    facet_angles,
    slopes_inside,
    structure_tensor,
)
from lithiscope.kinetics.phases_options import BoundaryOptions
from truth import domain_truth

SHAPE = (34, 34)


def disc():
    y, x = np.indices(SHAPE) - 16.5
    return y**2 + x**2 <= 14.5**2


def halves(angle):
    """Rich on one side of a line through the middle at `angle`, degrees from +x towards +y; a front of 1.5 pixels."""
    y, x = np.indices(SHAPE) - 16.5
    turn = np.deg2rad(angle)
    return 0.5 + 0.5 * np.tanh((np.cos(turn) * y - np.sin(turn) * x) / 1.5)


def video_of(x, sigma=0.065, seed=0, mask=None):
    mask = disc() if mask is None else mask
    x = np.where(mask, x + sigma * np.random.default_rng(seed).standard_normal(x.shape), np.nan)
    zeros = np.zeros(len(x), int)
    return domain_truth.as_video(x, sigma, mask, np.arange(float(len(x))), zeros - 1, zeros)


@pytest.mark.parametrize("angle", [0.0, 30.0, 65.0, 90.0, 140.0, 178.0])
def test_the_direction_of_a_straight_boundary(angle):
    """Sigma 0.065, 20 noisy copies: no bias beyond 4 standard errors and 1 degree of raster; scatter as stated."""
    table = boundary_directions(video_of(np.tile(halves(angle), (20, 1, 1))), domain_truth.as_labels(disc()))
    error = axial_difference(table["boundary_angle"].values[0], angle)
    std = table["boundary_angle_std"].values[0].mean()
    assert abs(error.mean()) < 1.0 + 4 * std / np.sqrt(20)
    # Scatter of 20 values is known to 16 %.
    assert error.std() == pytest.approx(std, rel=0.6)
    assert std < 3
    assert table["coherence"].values.min() > 0.8


def test_noise_alone_has_no_direction():
    table = boundary_directions(video_of(np.full((60, *SHAPE), 0.5)), domain_truth.as_labels(disc()))
    found = np.isfinite(table["boundary_angle"].values)
    # Five standard deviations of the noise's power.
    assert found.mean() < 0.05
    assert (table["boundary_angle_flag"].values[~found] == 1 << 5).all()


def test_a_shrinking_core_has_no_one_direction():
    y, x = np.indices(SHAPE) - 16.5
    core = 0.5 + 0.5 * np.tanh((np.hypot(y, x) - 7) / 1.5)
    table = boundary_directions(video_of(np.tile(core, (3, 1, 1))), domain_truth.as_labels(disc()))
    assert np.isnan(table["boundary_angle"].values).all()
    assert table["coherence"].values.max() < 0.3


def test_the_boundary_is_compared_with_the_nearest_facet():
    """A rhombus with facets at 30 and 120 degrees, and a boundary at 37."""
    y, x = np.indices(SHAPE) - 16.5
    turn = np.deg2rad(30.0)
    mask = (np.abs(np.cos(turn) * y - np.sin(turn) * x) < 8) & (np.abs(np.sin(turn) * y + np.cos(turn) * x) < 13)
    facets = facet_angles(mask, (0.05, 0.05), 2)
    np.testing.assert_allclose(axial_difference(facets, np.array([30.0, 120.0])), 0.0, atol=3.0)
    table = boundary_directions(video_of(halves(37.0)[None], mask=mask), domain_truth.as_labels(mask))
    std = float(table["facet_difference_std"][0, 0])
    assert float(table["facet_difference"][0, 0]) == pytest.approx(7.0, abs=3.0 + 4 * std)
    stated = BoundaryOptions(facets=(0.0, 90.0))
    other = boundary_directions(video_of(halves(37.0)[None], mask=mask), domain_truth.as_labels(mask), options=stated)
    assert float(other["facet_angle"][0, 0]) == 0.0
    assert other.attrs["facets"] == "stated"


@given(st.floats(-180, 360), st.floats(0.1, 5))
def test_a_plane_has_the_direction_of_its_contours(angle, slope):
    y, x = np.indices((8, 9)).astype(float)
    turn = np.deg2rad(angle)
    plane = slope * (np.cos(turn) * 2.0 * y - np.sin(turn) * x)[None]
    tensor = structure_tensor(slopes_inside(plane, (2.0, 1.0)))
    assert axial_difference(boundary_angle(tensor), angle)[0] == pytest.approx(0.0, abs=1e-6)
    assert coherence(tensor)[0] == pytest.approx(1.0)


def test_slopes_stop_at_the_outline():
    values = np.full((1, 5, 5), np.nan)
    values[0, 1:4, 1:4] = 1.0
    known = np.isfinite(slopes_inside(values, (1.0, 1.0))).all(axis=1)
    assert known.sum() == 1


def test_wrong_input_is_refused():
    video = video_of(halves(0.0)[None])
    with pytest.raises(AnalysisError, match="with standard deviations"):
        boundary_directions(video.drop_vars("lithium_fraction_std"), domain_truth.as_labels(disc()))
