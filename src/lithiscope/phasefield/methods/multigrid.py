"""An approximate inverse of bulk transport in any shape: two diffusion problems, each by one cycle of multigrid."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from lithiscope.phasefield.arrays import Cells, Number, constant
from lithiscope.phasefield.geometry.cells import Geometry, next_cell
from lithiscope.phasefield.methods.krylov import Linear
from lithiscope.phasefield.model import Model

_DAMPING = 0.8  # of Jacobi's iteration, which converges below 1 here
_SWEEPS = 2
_COARSEST = 4  # cells a side
_LAST_SWEEPS = 10
_LEAST = 1e-9  # of b, by which is divided


class Level(NamedTuple):
    """The operator u -> mass u - div(weight grad u) on the cells of one grid.

    Attributes
    ----------
    diagonal : array
        Its diagonal; 1 outside the particles.
    after, before : tuple of arrays
        For each axis the weight of the face to the next cell, and to the one before, over the square of the spacing.
    """

    diagonal: Cells
    after: tuple[Cells, ...]
    before: tuple[Cells, ...]

    @classmethod
    def of(cls, mass: Cells, faces: tuple[Cells, ...]) -> Level:
        """Return the level of a mass and the weights of the faces to the next cells."""
        before = tuple(jnp.roll(face, 1, axis) for axis, face in enumerate(faces))
        total = mass + sum(faces) + sum(before)
        return cls(jnp.where(total > 0, total, 1.0), faces, before)

    def __call__(self, u: Cells) -> Cells:
        """Return what the operator makes of u."""
        result = self.diagonal * u
        for axis, (after, before) in enumerate(zip(self.after, self.before, strict=True)):
            result = result - after * jnp.roll(u, -1, axis) - before * jnp.roll(u, 1, axis)
        return result

    def smoothed(self, u: Cells, load: Cells, sweeps: int) -> Cells:
        """Return u after sweeps of damped Jacobi iteration; a loop, or the compiler merges and repeats the work."""
        return jax.lax.fori_loop(0, sweeps, lambda _, v: v + _DAMPING / self.diagonal * (load - self(v)), u)


def precondition(model: Model, x: Cells, length: Number) -> tuple[Linear, Linear]:
    """Return the inverse of 1 + length K (D + M kappa K) with K = -div a grad, factor by factor, and its transpose.

    With a b = length and a M + b kappa = length D the operator is the product (1 + a M K)(1 + b kappa K). Where the
    composition is unstable no real a and b exist, and both terms are made equal, which is right for short waves.

    Parameters
    ----------
    model : Model
        Its transport gives D and M, cell by cell.
    x : array
        Lithium fraction.
    length : float
        Length of the step times the diagonal coefficient of the method, s.
    """
    model, x, length = constant((model, x, length))
    geometry, psi = model.geometry, model.geometry.inside
    within = jnp.where(geometry.active, x, 0.5)
    _, steepness = jax.jvp(model.free_energy.potential, (within,), (jnp.ones_like(within),))
    plain, curved = model.transport.coefficients(within, steepness)
    kappa = jnp.broadcast_to(model.gradient_energy, (geometry.ndim,))
    first, share = _split(plain, curved, kappa, length)
    transport = _hierarchy(psi, _weights(geometry, first))
    shape = tuple(jnp.broadcast_to(one, x.shape) for one in kappa)
    gradient = _hierarchy(psi / share, _weights(geometry, shape))

    def inverse(values: Cells) -> Cells:
        inner = psi * _cycle(transport, psi * values)
        return jnp.where(geometry.active, _cycle(gradient, inner / share), values)

    def transposed(values: Cells) -> Cells:
        inner = psi * _cycle(gradient, jnp.where(geometry.active, values, 0.0)) / share
        return jnp.where(geometry.active, psi * _cycle(transport, inner), values)

    return inverse, transposed


def _split(
    plain: tuple[Cells, ...], curved: tuple[Cells, ...], kappa: Cells, length: Number
) -> tuple[tuple[Cells, ...], Cells]:
    """Return a M along each axis, and b."""
    diffusion, mobility = sum(plain) / len(plain), sum(curved) / len(curved)
    spread, stiff = length * diffusion, length * mobility * jnp.mean(kappa)
    real = (spread > 0) & (spread**2 > 4 * stiff)
    # The larger root is a M, the smaller one b kappa.
    root = jnp.sqrt(jnp.where(real, spread**2 - 4 * stiff, 0.0))
    along = jnp.where(real, (spread + root) / 2, jnp.sqrt(stiff))
    share = jnp.where(along > 0, length * mobility / jnp.where(along > 0, along, 1.0), 0.0)
    moves = mobility > 0
    first = tuple(
        along * jnp.where(moves, m, d) / jnp.where(moves, mobility, jnp.where(diffusion > 0, diffusion, 1.0))
        for m, d in zip(curved, plain, strict=True)
    )
    return first, jnp.maximum(share, _LEAST)


def _weights(geometry: Geometry, values: tuple[Cells, ...]) -> tuple[Cells, ...]:
    return tuple(
        face * (value + next_cell(value, axis)) / 2 / step**2
        for axis, (face, value, step) in enumerate(zip(geometry.open_faces, values, geometry.spacing, strict=True))
    )


def _hierarchy(mass: Cells, faces: tuple[Cells, ...]) -> list[Level]:
    """Return the levels from the finest, each of cells twice as large as the one before."""
    levels = [Level.of(mass, faces)]
    while max(mass.shape) > _COARSEST:
        faces = tuple(_halved(_odd(face, axis), skip=axis) / 4 for axis, face in enumerate(faces))
        mass = _halved(mass)
        levels.append(Level.of(mass, faces))
    return levels


def _odd(face: Cells, axis: int) -> Cells:
    """Return the faces between pairs of cells along an axis; the last pair's, which is closed, is made up."""
    picked = face[(slice(None),) * axis + (slice(1, None, 2),)]
    missing = -(-face.shape[axis] // 2) - picked.shape[axis]
    return jnp.pad(picked, [(0, missing if one == axis else 0) for one in range(face.ndim)])


def _cycle(levels: list[Level], load: Cells) -> Cells:
    """Return one symmetric V-cycle from zero."""
    level = levels[0]
    if len(levels) == 1:
        return level.smoothed(jnp.zeros_like(load), load, _LAST_SWEEPS)
    u = level.smoothed(jnp.zeros_like(load), load, _SWEEPS)
    u = u + _doubled(_cycle(levels[1:], _halved(load - level(u))), load.shape)
    return level.smoothed(u, load, _SWEEPS)


def _halved(values: Cells, skip: int | None = None) -> Cells:
    """Return means over pairs along every axis but one."""
    for axis in range(values.ndim):
        if axis != skip:
            values = jnp.pad(values, [(0, n % 2 if one == axis else 0) for one, n in enumerate(values.shape)])
            shape = (*values.shape[:axis], values.shape[axis] // 2, 2, *values.shape[axis + 1 :])
            values = values.reshape(shape).mean(axis + 1)
    return values


def _doubled(values: Cells, shape: tuple[int, ...]) -> Cells:
    for axis in range(values.ndim):
        values = jnp.repeat(values, 2, axis)
    return values[tuple(slice(count) for count in shape)]
