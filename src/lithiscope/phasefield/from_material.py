"""Models from published parameter sets."""

from __future__ import annotations

from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope.errors import OptionError
from lithiscope.materials import Material
from lithiscope.phasefield.arrays import Cells
from lithiscope.phasefield.elasticity import (
    Coherent,
    Crystal,
    Elasticity,
    FreeSurface,
    NoElasticity,
    Periodic,
    Stiffness,
)
from lithiscope.phasefield.free_energy import FreeEnergy, Legendre, RedlichKister, RegularSolution, TabulatedVoltage
from lithiscope.phasefield.geometry import Geometry
from lithiscope.phasefield.model import Model
from lithiscope.phasefield.reaction import ExchangeTable, FixedLaw, Law, Reaction
from lithiscope.phasefield.transport import CahnHilliard, DiffusivityFactor, Fickian, NoTransport, Transport

Way = Literal["none", "cahn_hilliard", "fickian"]
Strain = Literal["none", "coherent", "periodic", "free_surface"]


def free_energy_of(material: Material) -> FreeEnergy:
    """Return f(x) of a parameter set.

    Raises
    ------
    OptionError
        If the set uses a law that has no free energy here.
    """
    name, parameters = material.free_energy
    if name == "regular_solution":
        return RegularSolution(parameters["omega"])
    if name == "redlich_kister":
        return RedlichKister(parameters["coefficients"])
    if name == "legendre":
        return Legendre(parameters["coefficients"])
    if name == "table":
        volt = material.plateau - np.asarray(parameters["mu"]) * laws.thermal_voltage(material.temperature)
        return TabulatedVoltage(parameters["x"], volt, material.plateau, material.temperature)
    raise OptionError(
        "the free energy of this parameter set is not known to the engine",
        field="free_energy",
        value=name,
        limit="regular_solution, redlich_kister, legendre or a table of voltages",
        remedy="tabulate its equilibrium voltage",
    )


def reaction_of(
    material: Material,
    *,
    rate: Any = 1.0,
    film_resistance: Any = 0.0,
    phase: Literal["both", "lithium_poor", "lithium_rich"] = "both",
    full_potential: bool | None = None,
) -> Reaction:
    """Return the reaction of a parameter set.

    Parameters
    ----------
    material : Material
        The set.
    rate : float or array
        k(r), relative rate constant of each cell.
    film_resistance : float
        ohm m2.
    phase : {"both", "lithium_poor", "lithium_rich"}
        In which phase lithium is inserted.
    full_potential : bool, optional
        Whether gradient energy and strain act on j0 too; None: as the set says.
    """
    name, parameters = material.exchange
    exchange: Law | ExchangeTable | FixedLaw
    if phase != "both":
        exchange = FixedLaw(material.exchange_law(phase))
    else:
        exchange = ExchangeTable(**parameters) if name == "table" else Law("exchange", name, **parameters)
    name, parameters = material.reaction
    return Reaction(
        material.exchange_current,
        exchange,
        Law("reaction", name, **parameters),
        rate=rate,
        film_resistance=film_resistance,
        temperature=material.temperature,
        full_potential=material.full_potential if full_potential is None else full_potential,
    )


def crystal_of(material: Material, axes: str, plane: Literal["stress", "strain"] | None = None) -> Crystal:
    """Return stiffness, misfit and orientation of a parameter set; `axes` are those along z, y, x, such as "bca"."""
    return Crystal(
        Stiffness(material.stiffness * 1e-9),  # GPa
        material.misfit,
        site_density=material.site_density,
        temperature=material.temperature,
        axes=axes,
        plane=plane,
    )


def transport_of(material: Material, way: Way, axes: str, ndim: int) -> Transport:
    """Return the transport of a parameter set, its crystal axes along z, y, x given as for `crystal_of`.

    Raises
    ------
    OptionError
        If there is no such transport.
    """
    if way == "none":
        return NoTransport()
    along = {axis: float(value) for axis, value in zip("abc", material.diffusivity_nm2, strict=True)}
    diffusivity = np.array([along[axis] for axis in axes[-ndim:]])
    factor = None if material.diffusivity_factor is None else DiffusivityFactor(*material.diffusivity_factor)
    if way == "cahn_hilliard":
        return CahnHilliard(diffusivity, factor=factor)
    if way == "fickian":
        return Fickian(diffusivity, factor)
    raise OptionError(
        "there is no such transport",
        field="way",
        value=way,
        limit="none, cahn_hilliard, fickian",
        remedy="cahn_hilliard where phases separate, fickian in a solid solution, none where every cell reacts",
    )


def elasticity_of(
    material: Material, strain: Strain, axes: str, geometry: Geometry, plane: Literal["stress", "strain"] | None = None
) -> Elasticity:
    """Return the elasticity of a parameter set.

    Raises
    ------
    OptionError
        If there is no such elasticity, or the geometry does not suit it.
    """
    if strain == "none":
        return NoElasticity()
    if strain == "coherent":
        return Coherent(jnp.asarray(material.coherency))
    crystal = crystal_of(material, axes, plane)
    if strain == "periodic":
        return Periodic(crystal, geometry)
    if strain == "free_surface":
        return FreeSurface(crystal, geometry)
    raise OptionError(
        "there is no such elasticity",
        field="strain",
        value=strain,
        limit="none, coherent, periodic, free_surface",
        remedy="coherent is a penalty and suits every grid; the other two are by crystal",
    )


def model_of(
    material: Material,
    geometry: Geometry,
    *,
    transport: Way | Transport = "none",
    strain: Strain = "coherent",
    axes: str = "bca",
    plane: Literal["stress", "strain"] | None = None,
    reaction: Reaction | None = None,
    offset: float | Cells | np.ndarray = 0.0,
    gradient_energy: float | None = None,
    allow_unresolved: bool = False,
) -> Model:
    """Return a model with the numbers of a parameter set.

    Parameters
    ----------
    material : Material
        The set, from `lithiscope.materials.material`.
    geometry : Geometry
        Where the particles are.
    transport, strain : str
        Which transport (or one already built) and which elasticity; see `transport_of` and `elasticity_of`.
    axes : str
        Crystal axes along z, y and x: "bca" for a platelet seen along b whose a axis lies along x.
    plane : {"stress", "strain"}, optional
        For pictures with elasticity by crystal.
    reaction : Reaction, optional
        Instead of that of the set, such as one with a map of rate constants.
    offset : float or array
        Shift of the chemical potential, kT.
    gradient_energy : float, optional
        kappa in nm2 instead of that of the set, which may have none; a declared one makes interfaces wider.
    allow_unresolved : bool
        Whether an interface thinner than three cells is accepted.
    """
    return Model(
        geometry,
        free_energy_of(material),
        reaction_of(material) if reaction is None else reaction,
        transport if isinstance(transport, Transport) else transport_of(material, transport, axes, geometry.ndim),
        elasticity_of(material, strain, axes, geometry, plane),
        gradient_energy=material.gradient_energy_nm2 if gradient_energy is None else gradient_energy,
        offset=offset,
        plateau=material.plateau,
        site_density=material.site_density,
        temperature=material.temperature,
        allow_unresolved=allow_unresolved,
    )
