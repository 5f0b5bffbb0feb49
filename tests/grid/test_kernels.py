"""The kernels against loops over pixels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lithiscope.grid.kernels import gather, line_shift, neighbour_table, scatter, split_lines, sum_groups

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=3, max_side=5)).filter(np.any)


def numbered(mask):
    index = np.full(mask.shape, -1)
    index[mask] = np.arange(mask.sum())
    return index


@given(mask=MASKS)
def test_neighbours_one_by_one(mask):
    index, pixels = numbered(mask), np.argwhere(mask)
    table = neighbour_table(index, pixels)
    for number, place in enumerate(pixels):
        for axis in range(mask.ndim):
            for slot, side in enumerate((-1, 1)):
                other = place.copy()
                other[axis] += side
                within = 0 <= other[axis] < mask.shape[axis]
                expected = index[tuple(other)] if within else -1
                assert table[number, 2 * axis + slot] == expected


@given(mask=MASKS)
def test_scatter_undoes_gather(mask):
    field = np.arange(2.0 * mask.size).reshape(2, *mask.shape)
    rows = gather(field, np.flatnonzero(mask), mask.ndim)
    np.testing.assert_array_equal(scatter(rows, numbered(mask), -1.0), np.where(mask, field, -1.0))


@given(
    down=st.floats(-1, 1),
    position=arrays(np.int64, st.integers(1, 30), elements={"min_value": -500, "max_value": 500}),
)
def test_a_line_is_within_half_a_pixel_of_straight(down, position):
    shift = line_shift(position, np.array([down, 1.0]), 1)[:, 0]
    # the pixel of line 0 in column p is at -shift; the straight line is at slope p (slope rounded to 1e-12)
    off = -shift - down * position
    assert (np.abs(off) <= 0.5 + 1e-9).all()
    np.testing.assert_array_equal(shift, line_shift(position, np.array([-down, -1.0]), 1)[:, 0])


@given(
    line=arrays(np.int64, st.tuples(st.integers(1, 40), st.just(1)), elements={"min_value": -3, "max_value": 3}),
    seed=st.integers(0, 2**16),
)
def test_runs_one_by_one(line, seed):
    position = np.random.default_rng(seed).permutation(2 * len(line))[: len(line)]
    found = split_lines(line, position)
    runs = []
    for pixel in sorted(range(len(line)), key=lambda i: (line[i, 0], position[i])):
        last = runs[-1][-1] if runs else None
        if last is not None and line[last, 0] == line[pixel, 0] and position[pixel] == position[last] + 1:
            runs[-1].append(pixel)
        else:
            runs.append([pixel])
    assert found.order.tolist() == [pixel for run in runs for pixel in run]
    assert found.starts.tolist() == np.cumsum([0, *map(len, runs)])[:-1].tolist()
    for number, run in enumerate(runs):
        assert found.number[run].tolist() == [number] * len(run)
        assert found.rank[run].tolist() == list(range(len(run)))
    sums = sum_groups(np.arange(2.0 * len(line)).reshape(2, -1), found.order, found.starts)
    np.testing.assert_allclose(sums[0], [sum(run) for run in runs])
