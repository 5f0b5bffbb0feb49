"""The model: free energy, reaction, transport, geometry and elasticity, and the equation that they make."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.arrays import Cells, Number, fits, known, parameter
from lithiscope.phasefield.elasticity import Elasticity, NoElasticity
from lithiscope.phasefield.free_energy import FreeEnergy
from lithiscope.phasefield.geometry.cells import Geometry, divergence, next_cell
from lithiscope.phasefield.interface import interface_width
from lithiscope.phasefield.model_checks import refuse_fick_without_descent, refuse_other_constants
from lithiscope.phasefield.reaction import Reaction
from lithiscope.phasefield.transport import CahnHilliard, Fickian, NoTransport, Transport
from lithiscope.phasefield.voltage import driven

_PLATEAU = 3.422  # V, LiFePO4
_CELLS_ACROSS = 3  # an interface on fewer cells sticks to the grid


class Rates(NamedTuple):
    """What the equation says at one moment.

    Attributes
    ----------
    change : array
        dx/dt in 1/s, cell by cell.
    insertion : float
        What the reaction adds to <x>, 1/s.
    potential : float
        v = e(V - V0)/kT.
    current : array
        Current density j in A/m2, positive = delithiation.
    mu : array
        Chemical potential with gradient, strain and defects, kT.
    """

    change: Cells
    insertion: Number
    potential: Number
    current: Cells
    mu: Cells


class Model(eqx.Module):
    """Everything that makes dx/dt: one equation for all of them.

    Parameters
    ----------
    geometry : Geometry
        Where the particles are.
    free_energy : FreeEnergy
        f(x).
    reaction : Reaction or None
        Insertion at the surface; None for a closed system.
    transport : Transport
        What happens inside.
    elasticity : Elasticity
        Strain.
    gradient_energy : float or one for each axis
        kappa/(rho_s kT) in nm2, index order.
    offset : float or array
        Shift of the chemical potential in each cell, kT: domains with defects.
    plateau : float, optional
        V0, the voltage at mu = 0 without overpotential, V; None: that of the free energy where it was made with one (a
        table of voltages), 3.422 V for LiFePO4 otherwise.
    site_density : float
        Lithium sites per volume, 1/m3.
    temperature : float
        K.
    allow_unresolved : bool
        Whether an interface thinner than three cells is accepted.

    Raises
    ------
    OptionError
        If a parameter or a combination makes no sense, or a part was made with another plateau, site density or
        temperature than the model has; the message says why.
    AnalysisError
        If the interface is thinner than three cells.
    """

    geometry: Geometry
    free_energy: FreeEnergy
    reaction: Reaction | None
    transport: Transport
    elasticity: Elasticity
    gradient_energy: Cells
    offset: Cells
    plateau: Number
    site_density: Number
    temperature: Number
    allow_unresolved: bool = eqx.field(static=True)

    def __init__(
        self,
        geometry: Geometry,
        free_energy: FreeEnergy,
        reaction: Reaction | None,
        transport: Transport | None = None,
        elasticity: Elasticity | None = None,
        *,
        gradient_energy: Any = 0.0,
        offset: Any = 0.0,
        plateau: Any = None,
        site_density: Any = laws.LFP_SITE_DENSITY,
        temperature: Any = laws.ROOM_TEMPERATURE,
        allow_unresolved: bool = False,
    ) -> None:
        self.geometry, self.free_energy, self.reaction = geometry, free_energy, reaction
        self.transport = NoTransport() if transport is None else transport
        self.elasticity = NoElasticity() if elasticity is None else elasticity
        self.gradient_energy = parameter("gradient_energy", gradient_energy, low=0.0, high=1e6, unit="nm2", least=1e-6)
        self.offset = parameter("offset", offset, low=-1e4, high=1e4, unit="kT")
        if plateau is None:
            plateau = (
                free_energy.made_for().get("plateau", _PLATEAU) if isinstance(free_energy, FreeEnergy) else _PLATEAU
            )
        self.plateau = parameter("plateau", plateau, low=-10.0, high=10.0, unit="V")
        self.site_density = parameter("site_density", site_density, low=1e26, high=1e30, unit="1/m3")
        self.temperature = parameter("temperature", temperature, low=100.0, high=2000.0, unit="K")
        self.allow_unresolved = allow_unresolved

    def __check_init__(self) -> None:
        self._check_parts()
        self._check_constants()
        surface = np.asarray(self.geometry.surface)[self.geometry.active]
        if self.reaction is None and not self.transport.moves():
            raise OptionError("nothing happens", field="reaction", remedy="give a reaction, a transport or both")
        if self.reaction is not None and not np.any(surface > 0):
            raise OptionError("no cell reacts", field="surface", remedy="make a geometry with a reacting surface")
        if not self.transport.moves() and not np.all(surface > 0):
            raise OptionError(
                "cells that neither react nor exchange lithium with others never change",
                field="transport",
                value=f"{int(np.sum(surface == 0))} of {surface.size} cells",
                remedy="let every cell react (depth-averaged model), or choose a transport",
            )
        self.elasticity.check(self.geometry)
        if isinstance(self.transport, Fickian):
            refuse_fick_without_descent(self)
        self._check_interface()

    def _check_parts(self) -> None:
        kinds = {"geometry": Geometry, "free_energy": FreeEnergy, "transport": Transport, "elasticity": Elasticity}
        for name, kind in (kinds | ({} if self.reaction is None else {"reaction": Reaction})).items():
            if not isinstance(getattr(self, name), kind):
                raise OptionError(
                    "a part of the model is of the wrong kind",
                    field=name,
                    value=type(getattr(self, name)).__name__,
                    limit=kind.__name__,
                    remedy=f"build it first; the classes of lithiscope.phasefield that are a {kind.__name__} say how",
                )
        cells, axes = self.geometry.shape, (self.geometry.ndim,)
        fits("offset", self.offset, cells, "cell")
        fits("gradient_energy", self.gradient_energy, axes, "axis")
        if isinstance(self.transport, (CahnHilliard, Fickian)):
            fits("diffusivity", self.transport.diffusivity, axes, "axis")
        if self.reaction is None:
            return
        fits("rate", self.reaction.rate, cells, "cell")

    def _check_constants(self) -> None:
        own = {"plateau": self.plateau, "site_density": self.site_density, "temperature": self.temperature}
        made = {"free energy": self.free_energy.made_for(), "elasticity": self.elasticity.made_for()}
        film = {} if self.reaction is None else {"film of the reaction": self.reaction.made_for()}
        refuse_other_constants(own, made | film)

    def _check_interface(self) -> None:
        if self.allow_unresolved or not isinstance(self.transport, CahnHilliard):
            return
        stated = known(self.gradient_energy)
        if stated is None:
            return
        kappa = np.broadcast_to(stated, (self.geometry.ndim,))
        for axis, (one, step) in enumerate(zip(kappa, self.geometry.spacing, strict=True)):
            width = interface_width(self.free_energy, float(one))
            if np.isfinite(width) and width < _CELLS_ACROSS * step:
                raise AnalysisError(
                    "the interface between the phases is thinner than the cells",
                    field=f"gradient_energy, axis {axis}",
                    value=f"{width:.3g} nm on cells of {step:g} nm",
                    limit=f"{_CELLS_ACROSS} cells",
                    remedy="use finer cells, a gradient energy that is declared as scaled, or allow_unresolved=True",
                )

    @property
    def rate_of_current(self) -> Number:
        """nm/s of lithium per A/m2: 1/(e rho_s)."""
        return 1e9 / (laws.ELEMENTARY_CHARGE * self.site_density)

    def thermal_voltage(self) -> Number:
        """Return kT/e in V."""
        return laws.thermal_voltage(self.temperature)

    def chemical_potential(self, x: Cells) -> Cells:
        """Return mu in kT with gradient, strain and defects; 0 outside the particles."""
        active = self.geometry.active
        mu = self.free_energy.potential(jnp.where(active, x, 0.5)) + self.offset
        mu = mu + self.elasticity.potential(x, self.geometry) - self.curvature(x)
        return jnp.where(active, mu, 0.0)

    def curvature(self, x: Cells) -> Cells:
        """Return div(a kappa grad x)/psi: what the gradient energy takes from mu, kT."""
        geometry = self.geometry
        kappa = jnp.broadcast_to(self.gradient_energy, (geometry.ndim,))
        flux = tuple(
            kappa[axis] * faces * (next_cell(x, axis) - x) / step
            for axis, (faces, step) in enumerate(zip(geometry.open_faces, geometry.spacing, strict=True))
        )
        return divergence(flux, geometry.spacing) / jnp.where(geometry.active, geometry.inside, 1.0)

    def energy(self, x: Cells) -> Number:
        """Return the free energy in kT summed over whole cells: of one site in each, weighted by its share."""
        geometry = self.geometry
        uniform = self.free_energy.density(jnp.where(geometry.active, x, 0.5)) + self.offset * x
        total = geometry.total(jnp.where(geometry.active, uniform, 0.0)) + self.elasticity.energy(x, geometry)
        kappa = jnp.broadcast_to(self.gradient_energy, (geometry.ndim,))
        for axis, (faces, step) in enumerate(zip(geometry.open_faces, geometry.spacing, strict=True)):
            total = total + 0.5 * kappa[axis] * jnp.sum(faces * ((next_cell(x, axis) - x) / step) ** 2)
        return total

    def rates(self, x: Cells, *, rate: Number | None = None, potential: Number | None = None) -> Rates:
        """Return dx/dt at a given d<x>/dt (1/s) or at a given v = e(V - V0)/kT.

        Parameters
        ----------
        x : array
            Lithium fraction.
        rate, potential : float
            One of the two; both None for a closed system without reaction.
        """
        geometry = self.geometry
        mu = self.chemical_potential(x)
        change = jnp.zeros_like(x)
        if self.transport.moves():
            change = -divergence(self.transport.flux(x, mu, geometry), geometry.spacing)
        insertion, v, current = jnp.zeros((), x.dtype), jnp.zeros((), x.dtype), jnp.zeros_like(x)
        if self.reaction is not None:
            weight = jnp.where(geometry.active, geometry.surface, 0.0)
            within = jnp.where(geometry.active, x, 0.5)
            exchange = self.reaction.exchange_density(within)
            if self.reaction.full_potential:
                uniform = self.free_energy.potential(within) + self.offset
                exchange = exchange * jnp.exp(jnp.where(weight > 0, mu - uniform, 0.0) / 2)
            exchange = jnp.where(weight > 0, exchange, 0.0)
            wanted = jnp.zeros((), x.dtype) if rate is None else -rate
            target = wanted * jnp.sum(geometry.inside) / self.rate_of_current
            v, current = driven(self.reaction, mu, within, exchange, weight, target=target, potential=potential)
            current = jnp.where(weight > 0, current, 0.0)
            inserted = -weight * current * self.rate_of_current
            change, insertion = change + inserted, jnp.sum(inserted) / jnp.sum(geometry.inside)
        return Rates(change / jnp.where(geometry.active, geometry.inside, 1.0), insertion, v, current, mu)
