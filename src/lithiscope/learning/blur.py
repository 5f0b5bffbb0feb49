"""What a microscope makes of a map: the mean over the spot of the probe, of what is material there."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope import phasefield as pf
from lithiscope.learning.unknowns import Unknown
from lithiscope.phasefield.arrays import Cells, Number


class Blur(Unknown):
    """The standard deviation of a Gaussian spot, normal in its logarithm.

    Parameters
    ----------
    width : float
        Middle of the prior, nm.
    deviation : float
        Of its logarithm.
    """

    width: float = eqx.field(static=True)
    deviation: float = eqx.field(static=True, default=0.3)

    @property
    def size(self) -> int:
        """Return 1."""
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        """Return "frame blur"."""
        return ("frame blur",)

    def place(self, model: pf.Model, z: Cells) -> pf.Model:  # noqa: ARG002
        """Return the model as it is: the particle does not know how it is looked at."""
        return model

    def nanometres(self, z: Cells) -> Cells:
        """Return the width for a number."""
        return self.width * jnp.exp(self.deviation * z)


def blurred(
    values: Float[Array, "... cells ways"],
    inside: Float[Array, " cells"],
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    width: Number | float,
) -> Float[Array, "... cells ways"]:
    """Return means over a Gaussian spot, weighted by how much of each cell is inside the particle.

    The share of lithium is that of two amounts, which the spot sums; what is empty adds nothing to either.

    Parameters
    ----------
    values : array, shape (..., cells, ways)
        Any number of maps, flat over the cells of a box.
    inside : array, shape (cells,)
        Share of each cell.
    shape, spacing : tuple
        Of the box; cells, and nm.
    width : float
        Standard deviation of the spot, nm.
    """
    weight = inside.astype(values.dtype)
    down, across = (_spot(size, step, width).astype(values.dtype) for size, step in zip(shape, spacing, strict=True))

    def summed(maps: Cells) -> Cells:
        box = maps.reshape(*maps.shape[:-2], *shape, maps.shape[-1])
        return jnp.einsum("ab,cd,...bdw->...acw", down, across, box).reshape(maps.shape)

    # A cell inside sees itself at least; the square of what others see is no number in single precision.
    found: Cells = summed(values * weight[:, None]) / jnp.maximum(summed(weight[:, None]), 1.0)
    return found


def _spot(size: int, step: float, width: Number | float) -> Float[Array, "size size"]:
    """Return how much each row sees of the others."""
    apart = step * (np.arange(size)[:, None] - np.arange(size))
    return jnp.exp(-0.5 * (apart / width) ** 2)
