"""An approximate inverse of the stiff part of bulk transport: constant coefficients on the whole box."""

from __future__ import annotations

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.phasefield.arrays import Cells, Number, constant
from lithiscope.phasefield.geometry.cells import Geometry
from lithiscope.phasefield.methods.krylov import Linear
from lithiscope.phasefield.model import Model


def precondition(model: Model, x: Cells, length: Number, periodic: tuple[bool, ...]) -> tuple[Linear, Linear]:
    """Return the inverse of 1 + length (D k2 + M k2 kappa k2) with the mean D and M of a state, and its transpose.

    The waves are those of the grid: cosines along axes with closed ends, Fourier's along periodic ones, so that on a
    filled box of even composition it is the exact inverse.

    Parameters
    ----------
    model : Model
        Its transport gives D and M, per axis.
    x : array
        Lithium fraction.
    length : float
        Length of the step times the diagonal coefficient of the method, s.
    periodic : tuple of bool
        Which axes close on themselves.
    """
    model, x, length = constant((model, x, length))
    geometry = model.geometry
    within = jnp.where(geometry.active, x, 0.5)
    _, steepness = jax.jvp(model.free_energy.potential, (within,), (jnp.ones_like(within),))
    plain, curved = model.transport.coefficients(within, steepness)
    kappa = jnp.broadcast_to(model.gradient_energy, (geometry.ndim,))
    second, fourth, stiff = jnp.zeros(()), jnp.zeros(()), jnp.zeros(())
    for axis, waves in enumerate(_squares(geometry, periodic)):
        second = second + _mean(geometry, jnp.maximum(plain[axis], 0.0)) * waves
        fourth = fourth + _mean(geometry, curved[axis]) * waves
        stiff = stiff + kappa[axis] * waves
    factor = 1 / (1 + length * (second + fourth * stiff))
    bases = [jnp.asarray(_basis(n, around), x.dtype) for n, around in zip(geometry.shape, periodic, strict=True)]

    def inverse(values: Cells) -> Cells:
        for axis, basis in enumerate(bases):
            values = jnp.moveaxis(jnp.tensordot(basis, values, (1, axis)), 0, axis)
        values = values * factor
        for axis, basis in enumerate(bases):
            values = jnp.moveaxis(jnp.tensordot(basis, values, (0, axis)), 0, axis)
        return values

    return inverse, inverse


def _mean(geometry: Geometry, values: Cells) -> Number:
    return geometry.mean(jnp.where(geometry.active, values, 0.0))


def _squares(geometry: Geometry, periodic: tuple[bool, ...]) -> list[np.ndarray]:
    """Return for each axis the square of the wave number on the grid, 1/nm2, shaped to be added up."""
    squares = []
    for axis, (count, step, around) in enumerate(zip(geometry.shape, geometry.spacing, periodic, strict=True)):
        number = (np.arange(count) + 1) // 2 * 2 if around else np.arange(count)
        values = (2 * np.sin(np.pi * number / (2 * count)) / step) ** 2
        squares.append(values.reshape([-1 if one == axis else 1 for one in range(geometry.ndim)]))
    return squares


@lru_cache(maxsize=16)
def _basis(count: int, periodic: bool) -> np.ndarray:
    """Return the orthonormal waves of one axis, one in each row, in the order of `_squares`."""
    place, number = np.arange(count) + 0.5, np.arange(count)[:, None]
    if periodic:
        phase = 2 * np.pi * ((number + 1) // 2) * (place - 0.5) / count
        waves = np.where(number % 2 == 0, np.cos(phase), np.sin(phase))
        if count % 2 == 0:
            waves[-1] = np.cos(np.pi * (place - 0.5))
    else:
        waves = np.cos(np.pi * number * place / count)
    return np.asarray(waves / np.linalg.norm(waves, axis=1, keepdims=True))
