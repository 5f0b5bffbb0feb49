"""From options to a program and its particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.errors import OptionError
from lithiscope.learning.blur import Blur
from lithiscope.learning.cases import Priors, case_of, edges_of
from lithiscope.learning.fit import Particle
from lithiscope.learning.half_cycles import HalfCycle
from lithiscope.learning.options import LearnOptions, without_start
from lithiscope.learning.program import Case, Layout, Program
from lithiscope.learning.unknowns import ExchangeCurve, ExchangeLevel, Factor, PotentialCurve, Share, Shift, Unknown
from lithiscope.materials import Material, material
from lithiscope.phasefield.from_material import free_energy_of

if TYPE_CHECKING:
    import xarray as xr

_OF_LAW = ("alpha", "reorganisation")  # parameters of reaction laws that can be learned
_MEAN_NOISE = 1e-3  # no mean composition is known better
_POTENTIAL = 2.0  # kT; the n-th term has this over n as its standard deviation


class Setup(NamedTuple):
    """Everything that stays the same during a fit.

    Attributes
    ----------
    template : Model
        On the whole box.
    unknowns : tuple of Unknown
        Of the laws.
    layout : Layout
        Of z.
    options : LearnOptions
        As given.
    thickness : tuple of float
        Of each particle, nm.
    groups : tuple of tuple of HalfCycle
        The half cycles of each particle.
    """

    template: pf.Model
    unknowns: tuple[Unknown, ...]
    layout: Layout
    options: LearnOptions
    thickness: tuple[float, ...]
    groups: tuple[tuple[HalfCycle, ...], ...]

    @property
    def frames(self) -> int:
        """Return the largest number of frames of a half cycle."""
        return max(len(cut.seconds) for group in self.groups for cut in group)

    @property
    def apart(self) -> int:
        """Return how many columns of the map to ln k are no modes."""
        return self.options.domains + (len(self.groups) > 1) if self.layout.field else 0


def setup_of(videos: Sequence[xr.Dataset], cuts: Sequence[HalfCycle], options: LearnOptions) -> Setup:
    """Return the setup for the half cycles of some particles.

    Raises
    ------
    OptionError
        If the unknowns contradict each other, or the thickness is not known.
    """
    names = set(options.unknowns)
    if {"exchange_current", "exchange_level"} <= names:
        raise OptionError(
            "j0(x) holds its level already",
            field="unknowns",
            value=list(options.unknowns),
            remedy="leave out exchange_level",
        )
    for error in without_start(options):
        raise error
    if options.voltage and not any(cut.volt_weight.any() for cut in cuts):
        raise OptionError(
            "the videos hold no voltage to compare with",
            field="voltage",
            value=True,
            limit="videos with voltage_volt",
            remedy="join the trace of the cell to the images first, or leave the voltage out",
        )
    least = 1e-3 * options.voltage_noise
    cuts = [
        replace(
            cut,
            volt_weight=np.minimum(cut.volt_weight, 1 / least),
            mean_weight=np.minimum(cut.mean_weight, 1 / _MEAN_NOISE),
        )
        for cut in cuts
    ]
    keys = list(dict.fromkeys(cut.key for cut in cuts))
    groups = tuple(tuple(cut for cut in cuts if cut.key == key) for key in keys)
    thickness = tuple(_thickness(videos[group[0].video], group[0], options) for group in groups)
    given = material(options.material)
    template = _template(given, cuts[0], options, thickness[0])
    names_of_all = (*options.unknowns, *(["equilibrium_voltage"] if options.voltage and options.voltage_offset else []))
    unknowns = tuple(one for name in names_of_all if (one := _unknown(name, template, options)) is not None)
    points = min(int(group[0].mask.sum()) for group in groups)
    layout = Layout(
        shared=sum(one.size for one in unknowns),
        field=(min(options.field_modes, points) + options.domains + (len(groups) > 1)) if "rate_field" in names else 0,
        initial=min(options.initial_modes, points) + 1,
        rate=max(len(cut.seconds) for cut in cuts) if options.rate_spread else 0,
        offset=max(len(cut.seconds) for cut in cuts) if any(cut.frame_std.any() for cut in cuts) else 0,
        volt=int(options.voltage),
    )
    return Setup(template, unknowns, layout, options, thickness, groups)


def particles_of(setup: Setup, priors: Priors, domains: Sequence[np.ndarray] = ()) -> list[Particle]:
    """Return the particles with their half cycles whole, and with the sharp domains of each."""
    program, modes = _program(setup), setup.layout.field - setup.apart
    nowhere = [np.zeros((group[0].mask.size, setup.options.domains)) for group in setup.groups]
    return [
        Particle(
            program,
            tuple(_case(setup, cut, priors, thickness, program, domains=some) for cut in group),
            setup.options.tolerance,
            apart=setup.apart,
            edge=len(edges_of(some, group[0].mask, modes)),
        )
        for group, thickness, some in zip(setup.groups, setup.thickness, domains or nowhere, strict=True)
    ]


def windows_of(setup: Setup, priors: Priors, number: int, intervals: int = 1) -> Particle:
    """Return a particle with its half cycles in stretches of few frames, each starting where it was seen.

    What happens from one frame to the next is nearly linear in the laws, so a fit of these finds its way from anywhere.

    Parameters
    ----------
    setup, priors
        Of the fit.
    number : int
        Which particle.
    intervals : int
        Between the frames of a stretch, about; the fewer stretches, the sooner it is done.
    """
    # The same program as that of whole half cycles, so that there is one to compile: the other frames have no data.
    program, group, thickness = _program(setup), setup.groups[number], setup.thickness[number]
    parts = [part for cut in group for part in cut.windows(max(1, (len(cut.seconds) - 1) // intervals))]
    cases = tuple(_case(setup, part, priors, thickness, program, windows=True) for part in parts)
    return Particle(program, cases, setup.options.tolerance, apart=setup.apart)


def _program(setup: Setup) -> Program:
    return Program(setup.template, setup.unknowns, setup.layout, setup.options.robust, setup.options.blur)


def _case(
    setup: Setup,
    cut: HalfCycle,
    priors: Priors,
    thickness: float,
    program: Program,
    *,
    domains: np.ndarray | None = None,
    windows: bool = False,
) -> Case:
    return case_of(
        cut,
        program.layout,
        priors,
        thickness=thickness,
        rate_spread=setup.options.rate_spread,
        volt_drop=1e-3 * setup.options.voltage_drop,
        frames=setup.frames,
        from_frame=windows,
        several=len(setup.groups) > 1,
        domains=np.zeros((cut.mask.size, setup.options.domains)) if domains is None else domains,
    )


def _thickness(video: xr.Dataset, cut: HalfCycle, options: LearnOptions) -> float:
    if options.thickness is not None:
        return options.thickness
    if "thickness" not in video:
        raise OptionError(
            "the thickness of the particles is not known",
            field="thickness",
            value="absent",
            remedy="give thickness= in nm: the rate goes with the area over the volume",
        )
    rows, columns = (slice(first, first + size) for first, size in zip(cut.corner, cut.mask.shape, strict=True))
    values = video["thickness"].values[rows, columns]
    return float(np.nanmean(np.where(cut.mask[: values.shape[0], : values.shape[1]], values, np.nan)))


def _template(given: Material, cut: HalfCycle, options: LearnOptions, thickness: float) -> pf.Model:
    shape = cut.mask.shape
    full = np.ones(shape)
    faces = [full.copy(), full.copy()]
    faces[0][-1], faces[1][:, -1] = 0.0, 0.0
    geometry = pf.Geometry(
        cut.spacing,
        jnp.asarray(full),
        (jnp.asarray(faces[0]), jnp.asarray(faces[1])),
        jnp.asarray(full * 2 / thickness),
        pf.ParticleNumbers(full.astype(int)),
    )
    name, parameters = (options.law, options.law_parameters) if options.law else given.reaction
    parameters = {**({"alpha": 0.5} if "alpha" in options.unknowns else {}), **parameters}
    # An array can be learned.
    parameters |= {
        key: jnp.asarray(parameters[key]) for key in _OF_LAW if key in parameters and key in options.unknowns
    }
    law = pf.Law("reaction", name, **parameters)
    reaction = pf.Reaction(
        given.exchange_current,
        options.exchange,
        law,
        rate=np.ones(shape),
        film_resistance=jnp.asarray(options.film_resistance) if options.film_resistance else 0.0,
        temperature=given.temperature,
    )
    free_energy = free_energy_of(given)
    if "chemical_potential" in options.unknowns:
        free_energy = pf.Legendre(_legendre(free_energy, options.potential_terms))
    return pf.Model(
        geometry,
        free_energy,
        reaction,
        elasticity=pf.Coherent(jnp.asarray(given.coherency)) if options.strain == "coherent" else None,
        gradient_energy=jnp.asarray(given.gradient_energy_nm2),
        plateau=jnp.asarray(given.plateau),
        site_density=given.site_density,
        temperature=given.temperature,
    )


def _legendre(free_energy: pf.FreeEnergy, terms: int) -> np.ndarray:
    """Return the Legendre coefficients of a free energy, from n = 0."""
    if isinstance(free_energy, pf.RegularSolution):
        return np.concatenate([[0.0, float(free_energy.omega)], np.zeros(terms - 1)])
    x = np.linspace(0.02, 0.98, 97)
    excess = np.asarray(free_energy.potential(jnp.asarray(x))) - np.log(x / (1 - x))
    known = np.isfinite(excess)
    found = np.polynomial.legendre.legfit(1 - 2 * x[known], excess[known], terms)
    return np.concatenate([[0.0], found[1:]])


# Functions with a name, so that two setups have the same program.
def _gradient_energy(model: pf.Model) -> Any:
    return model.gradient_energy


def _plateau(model: pf.Model) -> Any:
    return model.plateau


def _penalty(model: pf.Model) -> Any:
    return model.elasticity.penalty  # type: ignore[attr-defined]


def _alpha(model: pf.Model) -> Any:
    return model.reaction.law.parameters["alpha"]  # type: ignore[union-attr]


def _reorganisation(model: pf.Model) -> Any:
    return model.reaction.law.parameters["reorganisation"]  # type: ignore[union-attr]


def _film(model: pf.Model) -> Any:
    return model.reaction.film  # type: ignore[union-attr]


def _unknown(name: str, template: pf.Model, options: LearnOptions) -> Unknown | None:
    if name == "exchange_current":
        return ExchangeCurve(options.exchange)
    if name == "exchange_level":
        return ExchangeLevel()
    if name == "chemical_potential":
        middle = template.free_energy.coefficients[1:]  # type: ignore[attr-defined]
        return PotentialCurve(middle, _POTENTIAL / jnp.arange(1, len(middle) + 1))
    if name == "gradient_energy":
        return Factor("gradient energy", _gradient_energy, 1.0, "nm2")
    if name == "coherency":
        return Factor("coherency", _penalty, 0.5, "kT")
    if name == "equilibrium_voltage":
        return Shift("equilibrium voltage", _plateau, 1e-3 * options.voltage_offset, "V")
    if name == "alpha":
        return Share("alpha", _alpha, 0.5)
    if name == "reorganisation":
        return Factor("reorganisation", _reorganisation, 0.5, "kT")
    if name == "frame_blur":
        return Blur(options.blur)
    if name == "film_resistance":
        return Factor("film resistance", _film, 1.0, "ohm m2", float(template.thermal_voltage()))
    return None
