import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from grid.shapes import disc
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.grid import Grid

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=3, max_side=6)).filter(np.any)


def grid_of(mask):
    return Grid(mask, tuple(10.0 * (axis + 2) for axis in range(mask.ndim)))


@given(mask=MASKS, extra=st.integers(0, 2))
def test_packing_there_and_back(mask, extra):
    grid = grid_of(mask)
    field = np.arange(mask.size * (extra + 1), dtype=float).reshape(*(extra + 1,), *mask.shape)
    packed = grid.pack(field)
    assert packed.shape == (extra + 1, grid.count)
    np.testing.assert_array_equal(packed, field[:, mask])
    back = grid.unpack(packed)
    np.testing.assert_array_equal(back[:, mask], field[:, mask])
    assert np.isnan(back[:, ~mask]).all()


def test_packing_keeps_kinds_and_knows_a_fill():
    mask = disc(3, 9)
    grid = grid_of(mask)
    assert grid.pack(np.ones((9, 9), dtype=np.uint16)).dtype == np.uint16
    again = grid.unpack(np.ones(grid.count, dtype=bool), fill=False)
    assert again.dtype == bool
    np.testing.assert_array_equal(again, mask)


@given(mask=MASKS)
def test_neighbours_are_mutual_and_faces_are_counted_once(mask):
    grid = grid_of(mask)
    table = grid.neighbours
    assert table.shape == (grid.count, 2 * grid.ndim)
    for axis in range(grid.ndim):
        ahead = table[:, 2 * axis + 1]
        pixel = np.flatnonzero(ahead >= 0)
        np.testing.assert_array_equal(table[ahead[pixel], 2 * axis], pixel)
        step = grid.pixels[ahead[pixel]] - grid.pixels[pixel]
        assert (step == np.eye(grid.ndim, dtype=int)[axis]).all()
    # each pixel has 2 D faces; those inside are shared by two
    assert 2 * grid.faces.first.size + grid.boundary_faces.pixel.size == 2 * grid.ndim * grid.count


@given(mask=MASKS)
def test_the_outward_areas_of_a_closed_surface_cancel(mask):
    faces = grid_of(mask).boundary_faces
    for axis in range(mask.ndim):
        assert np.sum((faces.side * faces.area)[faces.axis == axis]) == pytest.approx(0.0, abs=1e-9)


@given(mask=MASKS)
def test_gauss_the_divergence_of_position_is_the_volume(mask):
    """Sum over the surface of position times outward area is D times the volume."""
    grid = grid_of(mask)
    faces, spacing = grid.boundary_faces, np.asarray(grid.spacing)
    at = grid.positions[faces.pixel, faces.axis] + faces.side * spacing[faces.axis] / 2
    assert np.sum(at * faces.side * faces.area) == pytest.approx(grid.ndim * grid.count * grid.pixel_volume)


def test_areas_and_distances_of_a_block():
    grid = Grid(np.ones((2, 3, 4), dtype=bool), (10.0, 20.0, 30.0))
    assert grid.pixel_volume == 6000
    for axis, (area, distance, count) in enumerate([(600, 10, 12), (300, 20, 16), (200, 30, 18)]):
        chosen = grid.faces.axis == axis
        assert chosen.sum() == count
        assert set(grid.faces.area[chosen]) == {area}
        assert set(grid.faces.distance[chosen]) == {distance}
    assert grid.boundary_faces.at_edge.all()
    surface = 2 * (20 * 30 * 12 + 10 * 30 * 8 + 10 * 20 * 6)
    assert grid.boundary_faces.area.sum() == pytest.approx(surface)


def test_at_edge_tells_the_picture_from_the_particle():
    mask = np.zeros((4, 4), dtype=bool)
    mask[0, 1:3] = True
    faces = Grid(mask, (50.0, 50.0)).boundary_faces
    assert faces.at_edge.sum() == 2  # the two faces towards -y
    assert set(zip(faces.axis[faces.at_edge], faces.side[faces.at_edge], strict=True)) == {(0, -1)}


def test_axes_by_name_and_the_mask_is_a_copy_that_cannot_change():
    mask = np.ones((2, 2), dtype=bool)
    grid = Grid(mask, (40.0, 40.0), axes={"b": 90.0, "a": (0.0, 2.0)})
    mask[:] = False
    assert grid.count == 4
    np.testing.assert_array_equal(grid.axis("b"), [1, 0])
    np.testing.assert_array_equal(grid.axis("a"), [0, 1])
    np.testing.assert_allclose(grid.axis(30.0), [0.5, np.sqrt(0.75)])
    with pytest.raises(ValueError, match="read-only"):
        grid.mask[0, 0] = False
    with pytest.raises(OptionError, match="no axis of that name") as caught:
        grid.axis("c")
    assert caught.value.limit == "b, a"


@pytest.mark.parametrize("spacing", [(50.0,), (50.0, 0.0), (50.0, -1.0), (50.0, np.nan), (1.0, 2.0, 3.0)])
def test_spacing_that_cannot_be_used(spacing):
    with pytest.raises(OptionError, match="spacing") as caught:
        Grid(np.ones((2, 2), dtype=bool), spacing)
    assert caught.value.field == "spacing"


def test_masks_that_are_none():
    with pytest.raises(AnalysisError, match="no pixel"):
        Grid(np.zeros((2, 2), dtype=bool), (1.0, 1.0))
    with pytest.raises(OptionError, match="true and false"):
        Grid(np.ones((2, 2), dtype=int), (1.0, 1.0))


def test_arrays_of_another_shape():
    grid = grid_of(disc(3, 9))
    with pytest.raises(AnalysisError, match="does not fit") as caught:
        grid.pack(np.zeros((9, 8)))
    assert caught.value.limit == "(..., 9, 9)"
    with pytest.raises(AnalysisError, match="does not fit"):
        grid.pack(np.zeros(9))
    with pytest.raises(AnalysisError, match="does not fit"):
        grid.unpack(np.zeros(3))
