"""From a simulation recipe to the model and the protocol of the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.errors import OptionError
from lithiscope.studies.simulation_files import read_exchange, read_mask, read_outline, read_start
from lithiscope.studies.simulation_recipe import (
    CurrentPart,
    CurrentVoltagePart,
    GeometrySection,
    MaterialSection,
    Part,
    PotentialPart,
    ReactionSection,
    Region,
    RestPart,
    SimulationRecipe,
)

if TYPE_CHECKING:
    from lithiscope.materials import Material
    from lithiscope.phasefield import ExchangeTable, Geometry, Law, Model, Protocol, Reaction, Transport
    from lithiscope.phasefield.reaction import FixedLaw

    Exchange = Law | ExchangeTable | FixedLaw

_SIGNS = {"lithiation": 1, "delithiation": -1}


def material_of(section: MaterialSection, base: Path) -> Material:
    """Return the parameter set of a recipe; one with changed numbers has the name of its base and "_changed"."""
    from lithiscope.materials import material
    from lithiscope.materials.varied import varied

    beside = base / section.name
    found = material(str(beside) if beside.is_file() else section.name)
    return varied(found, f"{found.name}_changed", dict(section.changes)) if section.changes else found


def geometry_of(recipe: SimulationRecipe) -> Geometry:
    """Return the particle or the population of a recipe.

    Raises
    ------
    OptionError, AnalysisError, FileFormatError
        If the particle cannot be drawn.
    """
    from lithiscope.phasefield.geometry import population

    section, several = recipe.geometry, recipe.population
    if several.count == 1:
        return _particle(section, recipe, 1.0)
    sizes = np.exp(several.spread * np.random.default_rng(several.seed).standard_normal(several.count))
    return population([_particle(section, recipe, float(size)) for size in sizes])


def _particle(section: GeometrySection, recipe: SimulationRecipe, size: float) -> Geometry:
    from lithiscope.phasefield.geometry import Facets, pixels, smoothed

    inside = _inside(section, recipe, size)
    facets = Facets(section.facets, section.within_degrees) if section.facets else None
    if section.smoothed:
        return smoothed(inside, section.spacing, width=section.smoothed_width, facets=facets)
    if section.reacts == "rim":
        return pixels(inside > 0, section.spacing, facets=facets)
    thickness = size * section.thickness if section.thickness is not None else None
    return pixels(inside > 0, section.spacing, thickness=thickness, surface="everywhere", periodic=section.periodic)


def _inside(section: GeometrySection, recipe: SimulationRecipe, size: float) -> NDArray[Any]:
    """Return the signed distance to the surface, or a mask."""
    from lithiscope.phasefield.geometry import box, cylinder, ellipsoid, polygon

    sizes = [size * one for one in section.sizes]
    room = None if section.smoothed else 0.0
    if recipe.strain.kind == "free_surface" and not section.smoothed:
        room = 2 * section.spacing  # half the cells of four all around, for a platelet; hardly more iterations
    if section.file is not None:
        path = recipe.base / section.file
        if section.shape == "picture":
            return read_mask(path)
        return polygon(read_outline(path), section.spacing, padding=room).distance
    if section.shape == "cylinder":
        return cylinder(sizes[0] / 2, sizes[1], section.spacing, padding=room).distance
    if section.shape in ("disc", "ellipsoid"):
        radii = [one / 2 for one in (sizes * 2 if section.shape == "disc" else sizes)]
        return ellipsoid(radii, section.spacing, padding=room).distance
    return box(sizes, section.spacing, padding=room).distance


def region_mask(region: Region, shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return the cells of a region of the grid, bool of this shape.

    Raises
    ------
    OptionError
        If the region has another number of axes, or holds no cell.
    """
    mask = np.ones(tuple(shape), dtype=bool)
    if not len(region.low) == len(region.high) == len(shape):
        raise OptionError(
            "a region has other axes than the particle",
            field="regions or defects",
            value=f"{region.low} to {region.high}",
            limit=f"{len(shape)} numbers each",
        )
    for axis, (low, high, count) in enumerate(zip(region.low, region.high, shape, strict=True)):
        place = (np.arange(count) + 0.5) / count
        along = (place >= low) & (place < high)
        mask &= along.reshape([-1 if one == axis else 1 for one in range(len(shape))])
    if not mask.any():
        raise OptionError(
            "a region holds no cell",
            field="regions or defects",
            value=f"{region.low} to {region.high}",
            limit="shares from 0 to 1, low below high",
        )
    return mask


def rate_field(section: ReactionSection, geometry: Geometry) -> NDArray[np.float64]:
    """Return the relative rate constant k(r): the mean of ln k is 0 over the particles before the regions count."""
    from scipy.ndimage import gaussian_filter

    logarithm = np.zeros(geometry.shape)
    if section.spread > 0:
        white = np.random.default_rng(section.seed).standard_normal(geometry.shape)
        smooth = gaussian_filter(white, [section.length / step for step in geometry.spacing])
        smooth -= smooth[geometry.active].mean()
        logarithm = smooth * section.spread / smooth[geometry.active].std()
    field = np.exp(logarithm)
    for region in section.regions:
        field = np.where(region_mask(region, geometry.shape), field * region.factor, field)
    return np.asarray(field)


def reaction_of_recipe(recipe: SimulationRecipe, material: Material, rate: NDArray[np.float64]) -> Reaction:
    """Return the reaction of a recipe: that of the set, with what the recipe says instead.

    Raises
    ------
    OptionError, FileFormatError
        If there is no such law, or a parameter or a table cannot be used.
    """
    from lithiscope.phasefield import Law, Reaction

    section = recipe.reaction
    name, parameters = material.reaction if section.law is None else (section.law, dict(section.law_parameters))
    level, exchange = _exchange(section, material, recipe.base)
    return Reaction(
        level,
        exchange,
        Law("reaction", name, **parameters),
        rate=rate,
        film_resistance=section.film_resistance,
        temperature=material.temperature,
        full_potential=_full_potential(section, material),
    )


def _full_potential(section: ReactionSection, material: Material) -> bool:
    """Return whether gradient energy and strain act on j0; what the set says holds for its own F(x) only."""
    if section.full_potential is not None:
        return section.full_potential
    return section.exchange is None and section.exchange_current is None and material.full_potential


def _exchange(section: ReactionSection, material: Material, base: Path) -> tuple[float, Exchange]:
    """Return j0 in A/m2 before F(x), and F(x)."""
    from lithiscope import laws
    from lithiscope.phasefield import ExchangeTable, Law
    from lithiscope.phasefield.reaction import FixedLaw

    given = section.exchange_current
    if isinstance(given, Path):
        x, current = read_exchange(base / given)
        return float(current.max()), ExchangeTable(x, np.log(current / current.max()))
    name: str
    parameters: dict[str, Any]
    if section.exchange is not None:
        same = section.exchange == section.law and not section.exchange_parameters
        name, parameters = section.exchange, dict(section.law_parameters if same else section.exchange_parameters)
    else:
        name, parameters = material.exchange if given is None else ("constant", {"level": 1.0})
    level = material.exchange_current if given is None else given
    if section.phase == "both":
        return level, Law("exchange", name, **parameters)
    return level, FixedLaw(material.exchange_law(section.phase, laws.exchange_law(name, **parameters)))


def start_of(recipe: SimulationRecipe, geometry: Geometry) -> float | NDArray[np.float64]:
    """Return x at the start, a number or that of every cell.

    Raises
    ------
    FileFormatError, OptionError
        If its file cannot be read, or does not fit the grid; if a nucleus holds no cell.
    """
    given, first = recipe.initial, recipe.protocol[0]
    if isinstance(given, Path):
        return read_start(recipe.base / given, geometry.shape)
    if not (recipe.nuclei and isinstance(first, CurrentPart) and first.to_fraction is not None):
        return given
    masks = [region_mask(nucleus, geometry.shape) for nucleus in recipe.nuclei]
    return np.where(np.any(masks, axis=0), first.to_fraction, given)


def model_of_recipe(recipe: SimulationRecipe) -> Model:
    """Return the model of a recipe without a sweep.

    Raises
    ------
    OptionError, AnalysisError
        If a part of it cannot be used.
    """
    from lithiscope.phasefield.from_material import model_of

    material, geometry = material_of(recipe.material, recipe.base), geometry_of(recipe)
    if recipe.gradient_energy is None and material.data.gradient_energy is None:
        raise OptionError(
            f"the parameter set {material.name} has no gradient energy",
            field="gradient_energy",
            remedy="give one in the recipe, in nm2: 8.83 for LiFePO4 (Cogswell and Bazant 2012), 0 for solid solutions",
        )
    offset = np.zeros(geometry.shape)
    for defect in recipe.defects:
        offset = offset + defect.offset * region_mask(defect, geometry.shape)
    reaction = reaction_of_recipe(recipe, material, rate_field(recipe.reaction, geometry))
    model = model_of(
        material,
        geometry,
        transport=_transport(recipe, material, geometry.ndim),
        strain=recipe.strain.kind,
        axes=recipe.material.crystal_axes,
        plane=recipe.strain.plane,
        reaction=reaction,
        offset=offset,
        gradient_energy=recipe.gradient_energy,
        allow_unresolved=recipe.allow_unresolved,
    )
    return _with_interactions(_with_balance(model, recipe), recipe)


def _with_balance(model: Model, recipe: SimulationRecipe) -> Model:
    """Return the model with the balance of forces as tight as its recipe asks."""
    import equinox as eqx

    from lithiscope.phasefield.elasticity import FreeSurface

    if not isinstance(model.elasticity, FreeSurface):
        return model
    body = FreeSurface(model.elasticity.crystal, model.geometry, tolerance=recipe.strain.tolerance)
    changed: Model = eqx.tree_at(lambda one: one.elasticity, model, body)
    return changed


def _with_interactions(model: Model, recipe: SimulationRecipe) -> Model:
    """Return the model with the interactions that its defects have of their own."""
    import equinox as eqx
    import jax.numpy as jnp

    from lithiscope.phasefield import Fickian, RegularSolution

    given = [(defect, defect.omega) for defect in recipe.defects if defect.omega is not None]
    if not given:
        return model
    if not isinstance(model.free_energy, RegularSolution):
        raise OptionError(
            "only a regular solution has an interaction that a defect could change",
            field="defects.omega",
            value=type(model.free_energy).__name__,
            remedy="leave omega out, or choose a set of LiFePO4",
        )
    omega = np.full(model.geometry.shape, float(model.free_energy.omega))
    for defect, value in given:
        omega = np.where(region_mask(defect, omega.shape), value, omega)
    if isinstance(model.transport, Fickian) and omega.max() > 2:
        raise OptionError(
            "a defect that separates into phases cannot go with Fick's law",
            field="defects.omega",
            value=float(omega.max()),
            limit="2 with transport.kind fickian",
            remedy="set transport.kind to cahn_hilliard",
        )
    changed: Model = eqx.tree_at(lambda one: one.free_energy, model, RegularSolution(jnp.asarray(omega)))
    return changed


def _transport(recipe: SimulationRecipe, material: Material, ndim: int) -> Transport:
    from lithiscope.phasefield import CahnHilliard, DiffusivityFactor, Fickian
    from lithiscope.phasefield.from_material import transport_of

    section = recipe.transport
    if section.kind == "none" or (section.diffusivity is None and not section.constant):
        return transport_of(material, section.kind, recipe.material.crystal_axes, ndim)
    if section.diffusivity is not None:
        along = np.full(ndim, section.diffusivity * 1e18)
    else:
        values = dict(zip("abc", material.diffusivity_nm2, strict=True))
        along = np.array([values[axis] for axis in recipe.material.crystal_axes[-ndim:]])
    known = None if section.constant else material.diffusivity_factor
    factor = None if known is None else DiffusivityFactor(*known)
    return CahnHilliard(along, factor=factor) if section.kind == "cahn_hilliard" else Fickian(along, factor)


def protocol_of(recipe: SimulationRecipe) -> Protocol:
    """Return the protocol of a recipe without a sweep."""
    per_c = material_of(recipe.material, recipe.base).c_rate_composition
    first, *rest = (_part(part, per_c, recipe.base) for part in recipe.protocol)
    return sum(rest, start=first)


def _part(part: Part, per_c: float, base: Path) -> Protocol:
    from lithiscope import phasefield as pf

    if isinstance(part, RestPart):
        return pf.rest(part.seconds)
    if isinstance(part, PotentialPart):
        return pf.constant_potential(part.volt, part.seconds, rate_limit=part.end_c_rate * per_c)
    if isinstance(part, CurrentPart):
        low = -math.inf if part.lowest_volt is None else part.lowest_volt
        high = math.inf if part.highest_volt is None else part.highest_volt
        return pf.constant_current(
            _SIGNS[part.direction] * part.c_rate,
            to_fraction=part.to_fraction,
            volt_limits=(low, high),
            seconds=part.seconds,
            fraction_per_c=per_c,
        )
    if isinstance(part, CurrentVoltagePart):
        return pf.constant_current_constant_voltage(
            _SIGNS[part.direction] * part.c_rate,
            part.volt,
            end_c_rate=part.end_c_rate,
            seconds=part.seconds,
            fraction_per_c=per_c,
        )
    from lithiscope.cell import open_trace

    control: Any = "rate" if part.control == "current" else "potential"
    trace = open_trace(base / part.file)
    return pf.from_trace(trace, control=control, capacity_ah=part.capacity_ah, fraction_per_c=per_c)
