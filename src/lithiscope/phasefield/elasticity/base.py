"""What every elastic energy can do, and the two that need no solver: none, and a penalty for each particle."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from lithiscope.phasefield.arrays import Cells, Constants, Number, parameter
from lithiscope.phasefield.geometry import Geometry


class Elasticity(eqx.Module):
    """The elastic energy of a particle whose lattice changes with its composition."""

    @abc.abstractmethod
    def check(self, geometry: Geometry) -> None:
        """Raise OptionError with the reason if this elasticity cannot be used with the geometry."""

    @abc.abstractmethod
    def potential(self, x: Cells, geometry: Geometry) -> Cells:
        """Return the elastic part of the chemical potential: derivative of the energy by psi x, per site, kT."""

    @abc.abstractmethod
    def energy(self, x: Cells, geometry: Geometry) -> Number:
        """Return the elastic energy in kT a site, summed over the cells by their share psi."""

    def made_for(self) -> Constants:
        """Return the constants of the model that went into this; those of the model must agree."""
        return {}


class NoElasticity(Elasticity):
    """No elastic energy."""

    def check(self, geometry: Geometry) -> None:
        """Accept every geometry."""

    def potential(self, x: Cells, geometry: Geometry) -> Cells:  # noqa: ARG002
        """Return zeros, in the shape of `x`."""
        return jnp.zeros_like(x)

    def energy(self, x: Cells, geometry: Geometry) -> Number:  # noqa: ARG002
        """Return zero."""
        return jnp.zeros((), x.dtype)


def _penalty(value: Any) -> Number:
    return jnp.asarray(parameter("penalty", value, low=-1e4, high=1e4, unit="rho_s kT"), dtype=float)


class Coherent(Elasticity):
    """A penalty for leaving the mean composition of the particle, the same in all directions.

    Energy B/2 sum psi (x - mean)^2 (D. A. Cogswell and M. Z. Bazant, ACS Nano 6 (2012) 2215, equation 4).

    Parameters
    ----------
    penalty : float
        B in units of rho_s kT; 3.37 for 0.1916 GPa in LiFePO4 at 298 K.
    """

    penalty: Number = eqx.field(converter=_penalty)

    def check(self, geometry: Geometry) -> None:
        """Accept every geometry."""

    def potential(self, x: Cells, geometry: Geometry) -> Cells:
        """Return B (x - mean of the own particle), kT; zero outside."""
        away = jnp.where(geometry.active, x - geometry.particle_mean(x), 0.0)
        return self.penalty.astype(x.dtype) * away

    def energy(self, x: Cells, geometry: Geometry) -> Number:
        """Return B/2 sum psi (x - mean of the own particle)^2, kT."""
        away = jnp.where(geometry.active, x - geometry.particle_mean(x), 0.0)
        return 0.5 * self.penalty.astype(x.dtype) * geometry.total(away**2)
