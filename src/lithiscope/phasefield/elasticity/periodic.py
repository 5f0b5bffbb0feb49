"""Coherency strain of a crystal that repeats itself, by Fourier transform."""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Constants, Number, known
from lithiscope.phasefield.elasticity.base import Elasticity
from lithiscope.phasefield.elasticity.crystal import Crystal
from lithiscope.phasefield.elasticity.tensors import coherency_energy
from lithiscope.phasefield.geometry import Geometry


class Periodic(Elasticity):
    """Full anisotropic coherency of a filled periodic grid whose mean strain is free (Khachaturyan).

    Energy 1/2 sum over waves of B(k/|k|) |x_k|^2. The stiffness does not depend on composition. B is computed once,
    here, so a derivative by the crystal's parameters goes through the construction.

    Parameters
    ----------
    crystal : Crystal
        Elastic constants, misfit and orientation.
    geometry : Geometry
        Grid of the particle; filled, and open across the edge in every direction.

    Raises
    ------
    OptionError
        If the grid is not periodic or the crystal does not fit its dimensions.
    """

    penalty: Cells
    shape: tuple[int, ...] = eqx.field(static=True)
    spacing: tuple[float, ...] = eqx.field(static=True)
    constants: tuple[tuple[str, float], ...] = eqx.field(static=True)  # those of the crystal that are no tracers

    def __init__(self, crystal: Crystal, geometry: Geometry) -> None:
        crystal.check(geometry.ndim)
        self.shape, self.spacing = geometry.shape, geometry.spacing
        self.penalty = jnp.zeros(())
        found = {name: known(value) for name, value in crystal.made_for().items()}
        self.constants = tuple((name, float(value)) for name, value in found.items() if value is not None)
        self.check(geometry)
        self.penalty = penalty_of_waves(crystal, self.shape, self.spacing)

    def check(self, geometry: Geometry) -> None:
        """Raise OptionError if the grid is another one, has an outside, or is closed at an edge."""
        if (geometry.shape, geometry.spacing) != (self.shape, self.spacing):
            raise OptionError(
                "this elasticity was made for another grid",
                field="elasticity",
                value=(geometry.shape, geometry.spacing),
                limit=f"{self.shape} cells at {self.spacing} nm",
                remedy="make Periodic from the geometry of the model",
            )
        if not geometry.periodic:
            raise OptionError(
                "periodic elasticity needs a filled grid that is open across every edge",
                field="elasticity",
                value="Periodic",
                limit="a periodic geometry",
                remedy="use FreeSurface for a particle with a surface, or Coherent for a mean penalty",
            )

    def made_for(self) -> Constants:
        """Return site density and temperature of the crystal, as far as they were numbers."""
        return dict(self.constants)

    def potential(self, x: Cells, geometry: Geometry) -> Cells:  # noqa: ARG002
        """Return the elastic part of the chemical potential, kT; its mean is zero."""
        waves = jnp.fft.rfftn(x)
        return jnp.fft.irfftn(self.penalty.astype(x.dtype) * waves, s=self.shape)

    def energy(self, x: Cells, geometry: Geometry) -> Number:
        """Return the elastic energy, kT a site summed over cells."""
        return 0.5 * jnp.sum(x * self.potential(x, geometry))


def penalty_of_waves(crystal: Crystal, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Cells:
    """Return B of every wave of a grid as `rfftn` orders them, units of rho_s kT; zero for the mean.

    The shortest waves of an even axis run both ways at once, so they take the mean of B over both.
    """
    tensor, misfit = crystal.on_grid()
    energy = jax.jit(coherency_energy)
    ways = list(itertools.product(*[(1, -1) if cells % 2 == 0 else (1,) for cells in shape]))
    total = jnp.zeros(())
    for way in ways:
        normal = _wave_numbers(shape, spacing, way, tensor.shape[0])
        total = total + energy(normal, tensor, misfit)
    return (total / len(ways)).at[(0,) * len(shape)].set(0.0)


def _wave_numbers(shape: tuple[int, ...], spacing: tuple[float, ...], way: tuple[int, ...], ndim: int) -> np.ndarray:
    """Return the wave numbers (..., ndim), 1/nm, shortest waves with the signs of `way`; a unit vector for the mean."""
    axes = []
    for axis, (cells, step, sign) in enumerate(zip(shape, spacing, way, strict=True)):
        last = axis == len(shape) - 1
        numbers = np.fft.rfftfreq(cells, step) if last else np.fft.fftfreq(cells, step)
        if cells % 2 == 0:
            numbers[cells // 2] = sign * abs(numbers[cells // 2])
        axes.append(numbers)
    waves = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    waves[(0,) * len(shape)] = 1.0
    unused = ndim - len(shape)
    return np.concatenate([np.zeros((*waves.shape[:-1], unused)), waves], -1)
