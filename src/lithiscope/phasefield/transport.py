"""How lithium moves inside the particle: not at all, down the chemical potential, or down the composition."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Number, parameter
from lithiscope.phasefield.geometry.cells import Geometry, next_cell

_SLOWEST = 1e-9  # nm2/s, 1e-27 m2/s: what is smaller was given in m2/s


class Transport(eqx.Module):
    """Flux of lithium through the faces of the cells."""

    @abstractmethod
    def flux(self, x: Cells, mu: Cells, geometry: Geometry) -> tuple[Cells, ...]:
        """Return the flux through the face to the next cell along each axis, nm/s, closed faces counted as zero."""

    @abstractmethod
    def coefficients(self, x: Cells, steepness: Cells) -> tuple[tuple[Cells, ...], tuple[Cells, ...]]:
        """Return how strongly x (nm2/s) and the curvature in mu (nm2/s per kT) are evened out, for each axis.

        Parameters
        ----------
        x : array
            Lithium fraction.
        steepness : array
            dmu/dx, kT.
        """

    def moves(self) -> bool:
        """Return whether there is any flux."""
        return True


class NoTransport(Transport):
    """Every cell exchanges lithium with the electrolyte only: the depth-averaged reaction model (Lim 2016)."""

    def flux(self, x: Cells, mu: Cells, geometry: Geometry) -> tuple[Cells, ...]:  # noqa: ARG002
        """Return zero."""
        return tuple(jnp.zeros_like(x) for _ in geometry.spacing)

    def coefficients(self, x: Cells, steepness: Cells) -> tuple[tuple[Cells, ...], tuple[Cells, ...]]:  # noqa: ARG002
        """Return zero."""
        zero = (jnp.zeros_like(x),) * x.ndim
        return zero, zero

    def moves(self) -> bool:
        """Return False."""
        return False


class DiffusivityFactor(eqx.Module):
    """A factor that changes smoothly with composition: 1 below `centre`, `above` beyond it.

    Parameters
    ----------
    above : float
        Factor beyond the centre.
    centre, width : float
        Where it changes, and over which range of x.
    """

    above: Number
    centre: Number
    width: Number

    def __init__(self, above: Any = 1.0, centre: Any = 0.5, width: Any = 0.02) -> None:
        self.above = parameter("above", above, low=0.0)
        self.centre, self.width = parameter("centre", centre), parameter("width", width, low=1e-6)

    def __call__(self, x: Cells) -> Cells:
        """Return the factor at x; it changes in its logarithm."""
        return self.above ** (0.5 * (1 + jnp.tanh((x - self.centre) / self.width)))


class CahnHilliard(Transport):
    """Flux = -M grad mu with M = D x(1-x), or M = D (Cahn and Hilliard 1958).

    Parameters
    ----------
    diffusivity : float or one for each axis
        D in nm2/s, index order; the diagonal of the tensor, for crystal axes along the axes of the grid.
    mobility : {"ideal", "constant"}
        Whether M falls to zero at x = 0 and x = 1 as in an ideal lattice gas.
    factor : DiffusivityFactor, optional
        Dependence of D on composition.

    Raises
    ------
    OptionError
        If D is out of range or there is no such mobility.

    Notes
    -----
    Between two cells x(1-x) is the difference of x over that of ln(x/(1-x)), with which ideal entropy gives Fick's law
    exactly, however steep the profile.
    """

    diffusivity: Cells
    factor: DiffusivityFactor | None
    ideal: bool = eqx.field(static=True)

    def __init__(self, diffusivity: Any, mobility: str = "ideal", factor: DiffusivityFactor | None = None) -> None:
        self.diffusivity = parameter("diffusivity", diffusivity, low=0.0, high=1e16, unit="nm2/s", least=_SLOWEST)
        if mobility not in ("ideal", "constant"):
            raise OptionError(
                "there is no such mobility",
                field="mobility",
                value=mobility,
                limit="ideal, constant",
                remedy="ideal is D x(1-x), which gives Fick's law in a dilute mixture; constant is D",
            )
        self.factor = factor
        self.ideal = mobility == "ideal"

    def flux(self, x: Cells, mu: Cells, geometry: Geometry) -> tuple[Cells, ...]:
        """Return -a M grad mu."""
        result = []
        for axis, (step, faces) in enumerate(zip(geometry.spacing, geometry.open_faces, strict=True)):
            other = next_cell(x, axis)
            mobility = jnp.broadcast_to(self.diffusivity, (geometry.ndim,))[axis]
            if self.ideal:
                mobility = mobility * _between(x, other)
            if self.factor is not None:
                mobility = mobility * self.factor((x + other) / 2)
            result.append(-faces * mobility * (next_cell(mu, axis) - mu) / step)
        return tuple(result)

    def coefficients(self, x: Cells, steepness: Cells) -> tuple[tuple[Cells, ...], tuple[Cells, ...]]:
        """Return M dmu/dx and M."""
        shared = (x * (1 - x) if self.ideal else jnp.ones_like(x)) * (1.0 if self.factor is None else self.factor(x))
        mobility = tuple(one * shared for one in jnp.broadcast_to(self.diffusivity, (x.ndim,)))
        return tuple(one * steepness for one in mobility), mobility


class Fickian(Transport):
    """Flux = -D grad x: plain diffusion, for solid solutions.

    Gradient energy, strain and shifts of mu do not act on it, and it evens out a mixture that should separate: a model
    with any of these is refused, because its free energy could rise.

    Parameters
    ----------
    diffusivity : float or one for each axis
        nm2/s, index order.
    factor : DiffusivityFactor, optional
        Dependence of D on composition.
    """

    diffusivity: Cells
    factor: DiffusivityFactor | None

    def __init__(self, diffusivity: Any, factor: DiffusivityFactor | None = None) -> None:
        self.diffusivity = parameter("diffusivity", diffusivity, low=0.0, high=1e16, unit="nm2/s", least=_SLOWEST)
        self.factor = factor

    def flux(self, x: Cells, mu: Cells, geometry: Geometry) -> tuple[Cells, ...]:  # noqa: ARG002
        """Return -a D grad x."""
        result = []
        for axis, (step, faces) in enumerate(zip(geometry.spacing, geometry.open_faces, strict=True)):
            other = next_cell(x, axis)
            diffusivity = jnp.broadcast_to(self.diffusivity, (geometry.ndim,))[axis]
            if self.factor is not None:
                diffusivity = diffusivity * self.factor((x + other) / 2)
            result.append(-faces * diffusivity * (other - x) / step)
        return tuple(result)

    def coefficients(self, x: Cells, steepness: Cells) -> tuple[tuple[Cells, ...], tuple[Cells, ...]]:  # noqa: ARG002
        """Return D and zero."""
        shared = jnp.ones_like(x) if self.factor is None else self.factor(x)
        plain = tuple(one * shared for one in jnp.broadcast_to(self.diffusivity, (x.ndim,)))
        return plain, (jnp.zeros_like(x),) * x.ndim


def _between(x: Cells, other: Cells) -> Cells:
    """Return the mean of x(1-x) between two cells with which ideal entropy gives Fick's law."""
    low, high = jnp.clip(x, 1e-12, 1 - 1e-12), jnp.clip(other, 1e-12, 1 - 1e-12)
    difference = jnp.log(high / low) - jnp.log((1 - high) / (1 - low))
    middle = (low + high) / 2
    near = jnp.abs(difference) < 1e-3
    # x(1-x) at the middle is right to the square of the difference, 1e-7 here.
    return jnp.where(near, middle * (1 - middle), (high - low) / jnp.where(near, 1.0, difference))
