"""Weighted sums of neighbours along an axis: products with a banded matrix, block by block."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Wider blocks waste work on zeros, narrower ones are many calls.
_BLOCK = 24


class Part(NamedTuple):
    """A block of a banded matrix: `rows` of the result come from `columns` of the values.

    A stack of matrices, one for each array of a stack, has one more axis in front.
    """

    rows: slice
    columns: slice
    matrix: Float[np.ndarray, "*stack rows columns"]


def product(values: Float[np.ndarray, "*shape"], parts: tuple[Part, ...], axis: int) -> Float[np.ndarray, "*out"]:
    """Return the product of a banded matrix with the values along an axis.

    A stack of matrices takes the first axis of the values as that of the stack.
    """
    shape = (*values.shape[:axis], parts[-1].rows.stop, *values.shape[axis + 1 :])
    result = np.empty(shape, dtype=values.dtype)
    lead, trail = prod(shape[:axis]), prod(shape[axis + 1 :])
    stack = prod(parts[0].matrix.shape[:-2])
    if axis == values.ndim - 1:
        rest: tuple[int, ...] = (lead // stack, -1)
        seen, made = values.reshape(stack, *rest), result.reshape(stack, *rest)
        for rows, columns, matrix in parts:
            np.matmul(seen[..., columns], np.swapaxes(matrix, -1, -2), out=made[..., rows])
        return result
    rest = (lead // stack, -1, trail)
    seen, made = values.reshape(stack, *rest), result.reshape(stack, *rest)
    for rows, columns, matrix in parts:
        every = matrix.reshape(stack, 1, *matrix.shape[-2:])
        np.matmul(every, seen[:, :, columns], out=made[:, :, rows])
    return result


def weighted_sum(
    values: Float[np.ndarray, "*shape"], weights: Float[np.ndarray, "*stack taps"], axis: int
) -> Float[np.ndarray, "*out"]:
    """Return the running weighted sum along an axis where all taps lie inside: shorter by the taps less one.

    A value that is not finite spoils a whole block.

    Parameters
    ----------
    values : array
        The first axis is that of the stack, if the weights have one.
    weights : (taps,) or (stack, taps) array
        The same for all, or those of each array of the stack.
    axis : int
        Of the values.
    """
    *stack, taps = weights.shape
    length = values.shape[axis] - taps + 1
    block = min(length, _BLOCK)
    width = block + taps - 1
    # Row i begins i places later: with one more column than the block has, that is always the same place.
    skewed = np.zeros((*stack, block, width + 1), dtype=values.dtype)
    skewed[..., :taps] = weights[..., None, :]
    matrix = skewed.reshape(*stack, -1)[..., : block * width].reshape(*stack, block, width)
    parts = []
    for start in range(0, length, block):
        count = min(block, length - start)
        columns = count + taps - 1
        parts.append(Part(slice(start, start + count), slice(start, start + columns), matrix[..., :count, :columns]))
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
