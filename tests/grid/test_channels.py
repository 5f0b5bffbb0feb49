import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from grid.shapes import disc, turned_bar
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.grid import Grid, find_channels

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)).filter(np.any)
SOLIDS = arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=5)).filter(np.any)
ANGLES = st.one_of(st.floats(-360, 360), st.sampled_from([0.0, 26.565051177077990, 45.0, 90.0, 135.0, -45.0]))
SPACINGS = st.tuples(st.floats(10, 80), st.floats(10, 80))


@given(mask=MASKS, angle=ANGLES, spacing=SPACINGS)
def test_every_pixel_is_on_one_channel_and_nothing_is_lost(mask, angle, spacing):
    grid = Grid(mask, spacing)
    found = find_channels(grid, angle)
    assert np.array_equal(np.sort(found.order), np.arange(grid.count))
    assert np.array_equal(found.number[found.order], np.repeat(np.arange(found.count), found.pixel_count))
    values = np.sin(np.arange(3 * grid.count)).reshape(3, -1)
    np.testing.assert_allclose(found.sum(values).sum(axis=-1), values.sum(axis=-1), atol=1e-12)
    np.testing.assert_allclose(
        found.integral(values).sum(axis=-1) * found.cross_section,
        values.sum(axis=-1) * grid.pixel_volume,
        rtol=1e-9,
        atol=1e-8,
    )


@given(mask=MASKS, angle=ANGLES, spacing=SPACINGS)
def test_pixels_follow_a_straight_line_without_gaps(mask, angle, spacing):
    grid = Grid(mask, spacing)
    found = find_channels(grid, angle)
    lattice = grid.pixels[found.order]
    same = np.diff(found.number[found.order]) == 0
    assert (np.abs(np.diff(lattice, axis=0)[same]).max(axis=1, initial=0) == 1).all()  # neighbours, by side or corner
    # the pixels of one channel lie within a pixel of one straight line: half a pixel to each side of it
    slope = found.direction / spacing
    across = 1 - found.along
    offset = lattice[:, across] - slope[across] / slope[found.along] * lattice[:, found.along]
    highest = np.maximum.reduceat(offset, found.starts)
    lowest = np.minimum.reduceat(offset, found.starts)
    assert (highest - lowest < 1 + 1e-9).all()
    # and the next of them is further in the sense of the direction
    ahead = np.diff(grid.positions[found.order], axis=0)[same] @ found.direction
    assert (ahead > 0).all()


@given(mask=MASKS, angle=st.floats(-180, 180))
def test_the_opposite_direction_gives_the_same_channels_the_other_way_round(mask, angle):
    grid = Grid(mask, (40.0, 40.0))
    there, back = find_channels(grid, angle), find_channels(grid, angle + 180)
    same = back.number[there.order[there.starts]]  # two pieces of one line are numbered the other way round
    np.testing.assert_array_equal(same[there.number], back.number)
    np.testing.assert_array_equal(there.rank + back.rank, there.pixel_count[there.number] - 1)
    np.testing.assert_array_equal(there.ends, back.ends[same][:, ::-1])
    np.testing.assert_allclose(there.position, -back.position[same], atol=1e-9)


@given(mask=MASKS)
def test_rows_and_columns_are_exact(mask):
    grid = Grid(mask, (30.0, 50.0))
    rows, columns = find_channels(grid, 0.0), find_channels(grid, 90.0)
    assert (rows.step, rows.cross_section) == (50.0, 30.0)
    assert (columns.step, columns.cross_section) == (30.0, 50.0)
    for found, axis in ((rows, 0), (columns, 1)):
        np.testing.assert_array_equal(found.line[found.number, 0], grid.pixels[:, axis])
        # as many channels as runs in the mask
        padded = np.pad(mask if axis == 0 else mask.T, ((0, 0), (1, 0)))
        assert found.count == np.count_nonzero(np.diff(padded.astype(int), axis=1) == 1)
    np.testing.assert_allclose(rows.position, 30.0 * rows.line[:, 0])
    np.testing.assert_allclose(columns.position, -50.0 * columns.line[:, 0])


@given(mask=SOLIDS, vector=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_three_dimensions(mask, vector):
    grid = Grid(mask, (60.0, 20.0, 25.0))
    found = find_channels(grid, vector)
    assert np.array_equal(np.sort(found.order), np.arange(grid.count))
    same = np.diff(found.number[found.order]) == 0
    assert (np.abs(np.diff(grid.pixels[found.order], axis=0)[same]).max(axis=1, initial=0) == 1).all()
    assert np.sum(found.length) * found.cross_section == pytest.approx(grid.count * grid.pixel_volume)
    assert found.centre.shape == (found.count, 3)
    assert found.cut.shape == (found.count, 2)


def test_a_line_through_a_notch_is_two_channels():
    mask = np.ones((3, 7), dtype=bool)
    mask[1, 3] = False
    found = find_channels(Grid(mask, (40.0, 40.0)), 0.0)
    assert found.length.tolist() == [280.0, 120.0, 120.0, 280.0]
    assert found.line[:, 0].tolist() == [0, 1, 1, 2]
    assert found.ends.tolist() == [[0, 6], [7, 9], [10, 12], [13, 19]]
    assert np.flatnonzero(found.surface).tolist() == [0, 6, 7, 9, 10, 12, 13, 19]


@pytest.mark.parametrize("angle", [0.0, 17.0, 30.0, 45.0, 61.0, 90.0, 128.0])
def test_length_of_a_turned_platelet(angle):
    """A bar 20 pixels wide at any angle: the channels across it are 20 pixels long, in its own direction."""
    mask = turned_bar(20.0, 60.0, angle, 100)
    found = find_channels(Grid(mask, (40.0, 40.0)), angle)
    whole = found.length[found.length > 0.6 * 800]
    # A channel of n columns is cut to whole columns: off by at most one step; the mean of many by 1/sqrt(12 n) of it,
    # where the share of pixels on the outline of the bar is another half step.
    assert np.abs(whole - 800).max() <= found.step * 1.5
    assert whole.mean() == pytest.approx(800, abs=0.5 * found.step)
    assert whole.size * found.cross_section == pytest.approx(60 * 40, rel=0.06)
    assert 0.7 <= found.cross_section / 40 <= 1.0
    apart = np.abs(np.diff(found.position[found.length > 480]))
    assert apart.mean() == pytest.approx(found.cross_section, rel=0.03)  # the ends of a channel move its centre


def test_ties_do_not_break_channels():
    """At a slope of one half every second column falls on a tie; rounding half to even would break the lines."""
    found = find_channels(Grid(np.ones((40, 40), dtype=bool), (50.0, 50.0)), (1.0, 2.0))
    assert found.count == np.unique(found.line).size == 40 + 19  # the last column is 39/2 rounded down lower
    assert found.pixel_count.max() == 40


def test_cut_channels_end_at_the_edge_of_the_picture():
    mask = np.zeros((5, 6), dtype=bool)
    mask[1:4, :4] = True
    found = find_channels(Grid(mask, (50.0, 50.0)), 0.0)
    np.testing.assert_array_equal(found.cut, [[True, False]] * 3)
    np.testing.assert_array_equal(find_channels(Grid(mask, (50.0, 50.0)), 180.0).cut, [[False, True]] * 3)
    full = find_channels(Grid(np.ones((6, 6), dtype=bool), (50.0, 50.0)), 45.0)
    assert full.cut.all()
    assert not find_channels(Grid(disc(4, 15), (50.0, 50.0)), 33.0).cut.any()


def test_integral_of_a_field_that_depends_on_the_depth_only():
    """The mean of a linear profile along each whole channel is its value in the middle, at any angle."""
    angle, mask = 30.0, turned_bar(20.0, 60.0, 30.0, 100)
    grid = Grid(mask, (40.0, 40.0))
    found = find_channels(grid, angle)
    depth = (grid.positions - grid.positions.mean(axis=0)) @ found.direction
    whole = found.length > 700
    ends = depth[found.ends[whole]]
    # end pixels scatter by half a step about the faces at -400 + 20 and 400 - 20 nm
    assert np.abs(ends - [-380, 380]).max() < found.step
    np.testing.assert_allclose(found.mean(depth)[whole], ends.mean(axis=1), atol=found.step / 2)


def test_a_missing_pixel_makes_its_channel_missing():
    grid = Grid(np.ones((2, 3), dtype=bool), (50.0, 50.0))
    values = np.array([1.0, np.nan, 2.0, 1.0, 1.0, 1.0])
    found = find_channels(grid, 0.0)
    np.testing.assert_array_equal(found.sum(values), [np.nan, 3.0])
    np.testing.assert_array_equal(found.mean(values), [np.nan, 1.0])


def test_named_axes_and_errors():
    grid = Grid(np.ones((2, 3), dtype=bool), (50.0, 50.0), axes={"b": 90.0})
    assert find_channels(grid, "b").count == 3
    with pytest.raises(OptionError, match="no axis of that name"):
        find_channels(grid, "a")
    solid = Grid(np.ones((2, 2, 2), dtype=bool), (50.0, 50.0, 50.0))
    with pytest.raises(OptionError, match="no direction"):
        find_channels(solid, 90.0)
    with pytest.raises(AnalysisError, match="two dimensions"):
        _ = find_channels(solid, (1, 0, 0)).position


def test_a_large_picture_takes_no_time():
    import time

    grid = Grid(disc(250, 512), (40.0, 40.0))
    start = time.perf_counter()
    found = find_channels(grid, 37.0)
    found.sum(np.ones((10, grid.count)))
    assert time.perf_counter() - start < 2.0  # 0.1 s; a loop over pixels would take minutes
