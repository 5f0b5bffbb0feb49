"""An approximate inverse by elimination plane by plane.

Coefficients, masks and facets are exact; what acts at a distance (the common voltage, strain) is left to the iteration.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.phasefield.arrays import Cells, Number, constant
from lithiscope.phasefield.elasticity import Coherent, NoElasticity
from lithiscope.phasefield.methods.krylov import Linear
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.transport import CahnHilliard


class Layout(NamedTuple):
    """The cells of the smallest box around the particles, in blocks of planes that couple to their neighbours only.

    Attributes
    ----------
    box : tuple of slice
        Where the box is.
    axis : int
        Axis across which the planes lie.
    reach : int
        How many cells away a cell acts on another.
    """

    box: tuple[slice, ...]
    axis: int
    reach: int

    @classmethod
    def of(cls, model: Model) -> Layout:
        """Return the layout of a model; the planes lie across the longest side of the box."""
        edges = []
        for axis in range(model.geometry.ndim):
            others = tuple(one for one in range(model.geometry.ndim) if one != axis)
            full = np.flatnonzero(model.geometry.active.any(axis=others))
            edges.append((int(full[0]), int(full[-1]) + 1))
        longest = int(np.argmax([high - low for low, high in edges]))
        reach = 2 if isinstance(model.transport, CahnHilliard) else 1
        return cls(tuple(slice(low, high) for low, high in edges), longest, reach)

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells of the box, planes first."""
        sides = [one.stop - one.start for one in self.box]
        return (sides.pop(self.axis), *sides)

    @property
    def unknowns(self) -> int:
        """Cells of one block."""
        return self.reach * int(np.prod(self.shape[1:]))


def precondition(model: Model, x: Cells, rates: Rates, length: Number) -> tuple[Linear, Linear]:
    """Return the inverse of 1 - length times the local part of d(dx/dt)/dx, and its transpose.

    Parameters
    ----------
    model : Model
        Its derivative is taken with voltage and strain held, but for the strain that a cell causes itself.
    x : array
        Lithium fraction.
    rates : Rates
        At x.
    length : float
        Length of the step times the diagonal coefficient of the method, s.
    """
    model, x, v, length = constant((model, x, rates.potential, length))
    layout = Layout.of(model)
    middle, down, up = _eliminated(_matrix(model, layout, x, v, length))

    def inverse(values: Cells) -> Cells:
        packed = _swept(down, _packed(layout, values), forwards=True)
        return _unpacked(layout, values, _swept(up, _times(middle, packed), forwards=False))

    def transposed(values: Cells) -> Cells:
        packed = _swept(_shifted_transpose(up, 1), _packed(layout, values), forwards=True)
        packed = _times(jnp.swapaxes(middle, 1, 2), packed)
        return _unpacked(layout, values, _swept(_shifted_transpose(down, -1), packed, forwards=False))

    return inverse, transposed


def _matrix(model: Model, layout: Layout, x: Cells, v: Number, length: Number) -> Cells:
    """Return the blocks (left, own, right) of 1 - length J of a local model, shape (3, blocks, unknowns, unknowns)."""
    own = model.elasticity.penalty if isinstance(model.elasticity, Coherent) else jnp.zeros(())
    alone = eqx.tree_at(lambda one: one.elasticity, model, NoElasticity())

    def change(y: Cells) -> Cells:
        shifted = eqx.tree_at(lambda one: one.offset, alone, model.offset + own.astype(x.dtype) * (y - x))
        return shifted.rates(y, potential=v).change

    probes, which, where = _pattern(layout.shape, layout.reach)
    _, linear = jax.linearize(change, x)

    def answer(probe: Cells) -> Cells:
        return _cut(layout, linear(_pasted(layout, jnp.zeros_like(x), probe))).ravel()

    values = -length * jax.vmap(answer)(jnp.asarray(probes, x.dtype))[which]
    blocks = -(-layout.shape[0] // layout.reach)
    empty = jnp.zeros((3, blocks, layout.unknowns, layout.unknowns), x.dtype)
    return empty.at[where].set(values).at[1].add(jnp.eye(layout.unknowns, dtype=x.dtype))


@lru_cache(maxsize=8)
def _pattern(
    shape: tuple[int, ...], reach: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]:
    """Return probes of the box, which answer holds an entry of the matrix, and where the entry goes."""
    width = 2 * reach + 1
    place = np.indices(shape)
    colour = np.ravel_multi_index(tuple(place % width), (width,) * len(shape))
    probes = np.stack([colour == one for one in range(width ** len(shape))])
    plane = int(np.prod(shape[1:]))
    which, where = [], []
    for offset in np.ndindex((width,) * len(shape)):
        step = np.array(offset) - reach
        if np.abs(step).sum() > reach:
            continue
        there = place + step.reshape(-1, *([1] * len(shape)))
        held = np.all((there >= 0) & (there < np.array(shape).reshape(-1, *([1] * len(shape)))), axis=0)
        row, column = place[:, held], there[:, held]
        which.append((colour[tuple(column)], np.ravel_multi_index(tuple(row), shape)))
        inner = [np.ravel_multi_index(tuple(one[1:]), shape[1:]) + one[0] % reach * plane for one in (row, column)]
        block = row[0] // reach
        where.append((column[0] // reach - block + 1, block, *inner))
    entries = tuple(np.concatenate(one) for one in zip(*which, strict=True))
    return probes, (entries[0], entries[1]), tuple(np.concatenate(one) for one in zip(*where, strict=True))


def _eliminated(matrix: Cells) -> tuple[Cells, Cells, Cells]:
    """Return W, L W of the block before, and W U, with W the inverse of each block after elimination."""
    left, own, right = matrix

    def eliminate(
        before: tuple[Cells, Cells], block: tuple[Cells, Cells, Cells]
    ) -> tuple[tuple[Cells, Cells], tuple[Cells, Cells, Cells]]:
        inverse_before, right_before = before
        left, own, right = block
        down = left @ inverse_before
        inverse = jnp.linalg.inv(own - down @ right_before)
        return (inverse, right), (inverse, down, inverse @ right)

    nothing = jnp.zeros_like(own[0])
    _, (inverse, down, up) = jax.lax.scan(eliminate, (nothing, nothing), (left, own, right))
    return inverse, down, up


def _swept(factors: Cells, values: Cells, *, forwards: bool) -> Cells:
    """Return values less the factor times the result of the neighbour that was swept before."""

    def step(before: Cells, now: tuple[Cells, Cells]) -> tuple[Cells, Cells]:
        factor, value = now
        result = value - factor @ before
        return result, result

    return jax.lax.scan(step, jnp.zeros_like(values[0]), (factors, values), reverse=not forwards)[1]


def _shifted_transpose(factors: Cells, by: int) -> Cells:
    """Return the transposed factors as seen from the other side: a block's coupling belongs to its neighbour."""
    return jnp.roll(jnp.swapaxes(factors, 1, 2), by, 0)


def _times(blocks: Cells, values: Cells) -> Cells:
    return jnp.einsum("bij,bj->bi", blocks, values)


def _cut(layout: Layout, values: Cells) -> Cells:
    """Return the box, planes first."""
    return jnp.moveaxis(values[layout.box], layout.axis, 0)


def _pasted(layout: Layout, values: Cells, box: Cells) -> Cells:
    return values.at[layout.box].set(jnp.moveaxis(box, 0, layout.axis))


def _packed(layout: Layout, values: Cells) -> Cells:
    """Return the box as (blocks, unknowns), filled up with zeros."""
    box = _cut(layout, values)
    missing = -layout.shape[0] % layout.reach
    return jnp.pad(box, [(0, missing)] + [(0, 0)] * (box.ndim - 1)).reshape(-1, layout.unknowns)


def _unpacked(layout: Layout, values: Cells, packed: Cells) -> Cells:
    """Return the blocks in their places; outside the box the values themselves."""
    box = packed.reshape(-1, *layout.shape[1:])[: layout.shape[0]]
    return _pasted(layout, values, box)
