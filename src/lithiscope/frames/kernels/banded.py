"""Weighted sums of neighbours along an axis: products with a banded matrix, block by block."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Wider blocks waste work on zeros, narrower ones are many calls.
_BLOCK = 48


class Part(NamedTuple):
    """A block of a banded matrix: `rows` of the result come from `columns` of the values."""

    rows: slice
    columns: slice
    matrix: Float[np.ndarray, "rows columns"]


def product(values: Float[np.ndarray, "*shape"], parts: tuple[Part, ...], axis: int) -> Float[np.ndarray, "*out"]:
    """Return the product of a banded matrix with the values along an axis."""
    shape = (*values.shape[:axis], parts[-1].rows.stop, *values.shape[axis + 1 :])
    result = np.empty(shape, dtype=values.dtype)
    if axis == values.ndim - 1:
        for rows, columns, matrix in parts:
            np.matmul(values[..., columns], matrix.T, out=result[..., rows])
        return result
    lead, trail = prod(shape[:axis]), prod(shape[axis + 1 :])
    seen, made = values.reshape(lead, -1, trail), result.reshape(lead, -1, trail)
    for rows, columns, matrix in parts:
        np.matmul(matrix, seen[:, columns], out=made[:, rows])
    return result


def weighted_sum(
    values: Float[np.ndarray, "*shape"], weights: Float[np.ndarray, " taps"], axis: int
) -> Float[np.ndarray, "*out"]:
    """Return the running weighted sum along an axis where all taps lie inside: shorter by the taps less one.

    A value that is not finite spoils a whole block.
    """
    taps = weights.size
    length = values.shape[axis] - taps + 1
    block = min(length, _BLOCK)
    width = block + taps - 1
    # Row i begins i places later: with one more column than the block has, that is always the same place.
    skewed = np.zeros((block, width + 1), dtype=values.dtype)
    skewed[:, :taps] = weights
    matrix = skewed.ravel()[: block * width].reshape(block, width)
    parts = []
    for start in range(0, length, block):
        count = min(block, length - start)
        columns = count + taps - 1
        parts.append(Part(slice(start, start + count), slice(start, start + columns), matrix[:count, :columns]))
    return product(values, tuple(parts), axis)


@lru_cache(maxsize=64)
def mirrored(length: int, weights: tuple[float, ...], kind: np.dtype[np.floating]) -> tuple[Part, ...]:
    """Return the matrix of a running weighted sum over an odd number of neighbours; the edges mirror the values.

    Parameters
    ----------
    length : int
        Of the axis.
    weights : tuple of float
        Of the neighbours, the pixel itself in the middle.
    kind : dtype
        Of the values.
    """
    reach = len(weights) // 2
    place = np.arange(-reach, length + reach) % (2 * length)
    place = np.minimum(place, 2 * length - 1 - place)
    parts = []
    for start in range(0, length, _BLOCK):
        count = min(_BLOCK, length - start)
        near = place[start : start + count + 2 * reach]
        low, high = int(near.min()), int(near.max()) + 1
        row = np.arange(count)[:, None]
        matrix = np.zeros((count, high - low), dtype=kind)
        np.add.at(matrix, (row, near[row + np.arange(len(weights))] - low), np.array(weights, dtype=kind))
        parts.append(Part(slice(start, start + count), slice(low, high), matrix))
    return tuple(parts)
