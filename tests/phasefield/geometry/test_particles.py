"""Populations on one grid, and parts of masks."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.geometry import (
    box,
    ellipsoid,
    largest_part,
    number_parts,
    pixels,
    population,
    smoothed,
    surface_area,
    volume,
)


def test_a_population_is_its_particles():
    shapes = [ellipsoid((radius, radius + 3), 1.0) for radius in range(5, 12)]
    alone = [smoothed(one.distance, 1.0) for one in shapes]
    together = population(alone)
    assert together.particle_count == 7
    assert surface_area(together) == pytest.approx(sum(map(surface_area, alone)), rel=1e-12)
    assert volume(together) == pytest.approx(sum(map(volume, alone)), rel=1e-12)
    number = together.label.values
    for place, one in enumerate(alone, start=1):
        np.testing.assert_array_equal(np.asarray(together.inside)[number == place], np.asarray(one.inside)[one.active])
    means = np.asarray(together.particle_mean(jnp.asarray(number, dtype=float)))
    np.testing.assert_allclose(means, number)
    # Nearly square, and no more than twice the cells that are needed.
    assert number.size < 2 * sum(int(one.active.sum()) for one in alone)


def test_a_population_of_populations_in_three_dimensions():
    two = population([pixels(np.ones((2, 3, 4), bool), 1.0), pixels(np.ones((4, 3, 2), bool), 1.0)])
    three = population([two, pixels(np.ones((1, 1, 1), bool), 1.0)])
    assert three.shape[0] == 4
    np.testing.assert_array_equal(np.bincount(three.label.values.ravel())[1:], [24, 24, 1])


def test_what_does_not_fit_together_is_refused():
    one = pixels(np.ones((3, 3), bool), 1.0)
    with pytest.raises(OptionError, match=r"geometries\[1\].spacing"):
        population([one, pixels(np.ones((3, 3), bool), 2.0)])
    with pytest.raises(OptionError, match="periodic"):
        population([one, pixels(np.ones((3, 3), bool), 1.0, surface="nowhere", periodic=True)])
    with pytest.raises(OptionError, match="at least one"):
        population([])


def test_parts_of_a_mask():
    mask = np.zeros((12, 20), bool)
    mask[1:4, 1:4] = mask[6:11, 8:18] = True
    numbers = number_parts(mask)
    assert numbers.max() == 2
    assert largest_part(mask).sum() == 50
    with pytest.raises(AnalysisError, match="no cell is inside"):
        largest_part(np.zeros((3, 3), bool))


def test_cells_that_touch_at_an_edge_only_are_not_connected():
    mask = np.kron(np.eye(2, dtype=bool), np.ones((3, 3), bool))
    assert number_parts(mask).max() == 2
    with pytest.raises(AnalysisError, match="2 parts of 9, 9 cells"):
        pixels(mask, 1.0)
    assert box((6, 6), 1.0).distance.max() > 0
