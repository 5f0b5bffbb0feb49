"""Strain of a displacement on the corners of the cells, its transpose, and the Green operator that undoes both.

The rotated scheme: the slope in a cell is the mean of the differences along its parallel edges. One strain a cell, and
cells without stiffness do no harm (F. Willot, C. R. Mecanique 343 (2015) 232).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.phasefield.arrays import Number
from lithiscope.phasefield.elasticity.tensors import Moduli, Strain, inverse


def pairs(ndim: int) -> list[tuple[int, int]]:
    """Return the indices of the independent components of a symmetric tensor, normal ones first."""
    return [(i, i) for i in range(ndim)] + [(i, j) for i in range(ndim) for j in range(i + 1, ndim)]


def packed_stiffness(tensor: Moduli) -> Float[Array, "m m"]:
    """Return the stiffness as a matrix between packed strains (shears doubled) and packed stresses."""
    rows = np.array(pairs(tensor.shape[0])).T
    return tensor[rows[0][:, None], rows[1][:, None], rows[0], rows[1]]


def packed_strain(strain: Strain) -> Float[Array, " m"]:
    """Return the components of a strain, shears doubled."""
    return jnp.stack([strain[i, j] * (1 if i == j else 2) for i, j in pairs(strain.shape[0])])


def strain_of(u: Float[Array, d * cells], spacing: tuple[float, ...]) -> Float[Array, m * cells]:
    """Return the packed strain in the cells.

    Parameters
    ----------
    u : array, shape (d, (nz), ny, nx)
        Displacement of the first corner of each cell, nm. On a picture d may be 3: nothing varies out of it.
    spacing : tuple of float
        Size of the cells along each axis, nm.

    Returns
    -------
    array, shape (m, (nz), ny, nx)
        Components in the order of `pairs`, shears doubled.
    """
    ndim = u.shape[0]
    flat = ndim - len(spacing)
    slopes = [jnp.zeros_like(u)] * flat + [_slope(u, axis, spacing, -1) for axis in range(len(spacing))]
    return jnp.stack([slopes[i][i] if i == j else slopes[i][j] + slopes[j][i] for i, j in pairs(ndim)])


def force_of(stress: Float[Array, m * cells], ndim: int, spacing: tuple[float, ...]) -> Float[Array, d * cells]:
    """Return the transpose of `strain_of` applied to packed stresses: what they do to the corners, per cell volume."""
    flat = ndim - len(spacing)
    number = {pair: n for n, pair in enumerate(pairs(ndim))}
    parts = []
    for axis in range(len(spacing)):
        traction = jnp.stack([stress[number[min(i, axis + flat), max(i, axis + flat)]] for i in range(ndim)])
        parts.append(_slope(traction, axis, spacing, 1))
    return sum(parts[1:], parts[0])


def _slope(
    values: Float[Array, d * cells], along: int, spacing: tuple[float, ...], way: int
) -> Float[Array, d * cells]:
    """Return the difference along one axis and the mean along the others; `way` -1, or 1 for the transpose."""
    for axis in range(len(spacing)):
        other = jnp.roll(values, way, axis + 1)
        values = (other - values) / spacing[axis] if axis == along else 0.5 * (other + values)
    return values


def green_operator(tensor: Moduli, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Float[Array, "d d ..."]:
    """Return the displacement of a uniform medium under a force of each wave that `rfftn` knows.

    Zero for waves that strain no cell: the mean, and those that alternate along two axes.
    """
    return _green(jnp.asarray(_symbols(shape, spacing, tensor.shape[0])), tensor, max(spacing))


@jax.jit
def _green(waves: Float[Array, "... d"], tensor: Moduli, longest: Number) -> Float[Array, "d d ..."]:
    moving = (jnp.sum(waves**2, -1) > 1e-20 / longest**2)[..., None, None]
    acoustic = jnp.einsum("...i,ijkl,...l->...jk", waves, tensor, waves)
    green = inverse(jnp.where(moving, acoustic, jnp.eye(tensor.shape[0])))
    return jnp.moveaxis(jnp.where(moving, green, 0.0), (-2, -1), (0, 1))


def _symbols(shape: tuple[int, ...], spacing: tuple[float, ...], ndim: int) -> np.ndarray:
    """Return the slopes of unit waves (..., ndim), 1/nm, less a phase that all directions share."""
    half = [np.pi * np.fft.fftfreq(cells) for cells in shape[:-1]] + [np.pi * np.fft.rfftfreq(shape[-1])]
    angles = np.meshgrid(*half, indexing="ij")
    parts = [np.zeros_like(angles[0])] * (ndim - len(shape))
    for along, step in enumerate(spacing):
        others = [np.cos(angle) for axis, angle in enumerate(angles) if axis != along]
        parts.append(np.prod([2 * np.sin(angles[along]) / step, *others], axis=0))
    return np.stack(parts, -1)
