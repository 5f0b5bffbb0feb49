"""Pictures to rows of pixels and back, and sums over groups of pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Shaped


def gather(
    field: Shaped[np.ndarray, "*any"], flat: Int[np.ndarray, " pixels"], ndim: int
) -> Shaped[np.ndarray, "*rows"]:
    """Return the pixels of the last `ndim` dimensions at flat positions: (..., y, x) to (..., pixels)."""
    return field.reshape(*field.shape[: field.ndim - ndim], -1)[..., flat]


def scatter(
    values: Shaped[np.ndarray, "*rows pixels"], index: Int[np.ndarray, "*shape"], fill: float | int | bool
) -> Shaped[np.ndarray, "*any"]:
    """Return (..., pixels) spread out to (..., y, x) by the pixel number at each place; -1 gets the fill."""
    blank = np.full((*values.shape[:-1], 1), fill)
    return np.concatenate([values, blank], axis=-1)[..., index]  # -1 is the blank


def sum_groups(
    values: Shaped[np.ndarray, "*rows pixels"], order: Int[np.ndarray, " pixels"], starts: Int[np.ndarray, " groups"]
) -> Shaped[np.ndarray, "*rows groups"]:
    """Return the sums over groups of pixels; `order` puts a group's pixels side by side, from `starts` on."""
    return np.asarray(np.add.reduceat(values[..., order], starts, axis=-1))
