from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.electrolyte import ChannelOptions
from lithiscope.electrolyte.mesh import graded_axis, make_channel


@given(st.floats(0.1, 10), st.floats(0, 0.9), st.floats(0.05, 1), st.integers(2, 30))
def test_axis_runs_over_the_chip_and_meets_the_electrode(length, start, width, elements):
    a = start * length
    b = a + width * (length - a)
    axis = graded_axis(length, (a, b), elements)
    assert axis[0] == 0
    assert axis[-1] == pytest.approx(length)
    assert np.all(np.diff(axis) > 0)
    for edge in (a, b):
        assert np.abs(axis - edge).min() < 1e-12 * length


def test_elements_are_smallest_at_the_edge_of_the_electrode():
    size = np.diff(graded_axis(6.0, (2.4, 3.6), 10))
    assert size.argmin() in (9, 10, 19, 20)
    assert size[10:20].min() < size[10:20].max() / 3


@pytest.mark.parametrize("elements", [2, 5])
def test_areas_are_exact(elements):
    channel = make_channel(ChannelOptions(elements=elements, centre=(300.0, -150.0)))
    assert channel.load.sum() == pytest.approx(1.2e-3 * 1.7e-3, rel=1e-12)
    assert channel.mass.sum() == pytest.approx(6e-3 * 5e-3, rel=1e-12)


def test_grid_holds_every_node_once_and_the_held_ones_lie_on_the_open_side():
    channel = make_channel(ChannelOptions(elements=3, reservoir=("left",)))
    x, y, order = channel.grid
    assert sorted(order.ravel()) == list(range(channel.basis.N))
    np.testing.assert_allclose(channel.basis.doflocs[0][order], np.broadcast_to(x, order.shape), atol=1e-12)
    np.testing.assert_array_equal(np.sort(order[:, 0]), channel.held)
    assert len(y) == len(channel.held)


def test_stiffness_knows_no_constant():
    channel = make_channel(ChannelOptions(elements=3))
    ones = np.ones(channel.basis.N)
    stiffness = channel.stiffness(np.ones_like(channel.at_quadrature(ones)))
    assert np.abs(stiffness @ ones).max() < 1e-12
