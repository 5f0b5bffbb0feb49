"""Gradients by every part of the engine: free energies, laws, transports, strain, geometry, protocol, start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import Crystal, FreeSurface, Periodic, Stiffness
from lithiscope.phasefield.elasticity.periodic import penalty_of_waves
from lithiscope.phasefield.geometry import Geometry, ellipsoid, pixels, smoothed
from lithiscope.phasefield.reaction import FixedLaw
from lithiscope.verification.gradients import Where, differences
from lithiscope.verification.rows import Row

_SIDE = 5
_CELL = 50.0  # nm

Case = tuple[str, pf.Model, pf.Protocol, dict[str, Where], dict[str, Any]]
"""Name, model, protocol, parameters, and how to step."""

_RATE: Where = lambda g: g.model.reaction.rate  # noqa: E731
_J0: Where = lambda g: g.model.reaction.exchange_current  # noqa: E731
_COMMON: dict[str, Where] = {"j0": _J0, "k(r)": _RATE, "initial field": lambda g: g.start}


def rows(everything: bool) -> Iterator[Row]:
    """Yield a row for each parameter; `everything` adds the implicit methods and the laws that solve equations."""
    for name, model, protocol, where, how in [*_cells(), *_bulk(), *(_long() if everything else [])]:
        for what, value in differences(model, protocol, where, **how).items():
            claim = f"gradient by {what} against central differences, {name}"
            yield Row(claim, "docs/decisions/0005", 1e-5, value, 0.0, "a bound of the design, with no slack", "<=")


def _noise(shape: tuple[int, ...], seed: int) -> Any:
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.0)
    return noise / np.abs(noise).max()


def _platelet(**options: Any) -> Geometry:
    return pixels(np.ones((_SIDE, _SIDE), bool), _CELL, surface="everywhere", thickness=150.0, **options)


def _crystal() -> Crystal:
    lfp = material("lfp_averaged")
    return Crystal(
        Stiffness(lfp.stiffness * 1e-9),
        lfp.misfit,
        site_density=laws.LFP_SITE_DENSITY,
        temperature=laws.ROOM_TEMPERATURE,
        axes="bca",
        plane="stress",
    )


def _table() -> pf.TabulatedVoltage:
    return pf.TabulatedVoltage([0.02, 0.2, 0.6, 0.8, 0.98], [3.7, 3.5, 3.44, 3.4, 3.2], 3.422)


def _cells() -> Iterator[Case]:
    """Yield cells that react on their own: each free energy, law and exchange law, and each strain, once."""
    shape = (_SIDE, _SIDE)
    rate, start = np.exp(0.3 * _noise(shape, 1)), 0.4 + 0.12 * _noise(shape, 2)
    how = {"start": start}
    both = pf.constant_current(1.0, seconds=240.0) + pf.constant_potential(3.40, 120.0)
    current = pf.constant_current(-1.0, seconds=240.0)
    butler_volmer = pf.Reaction(
        0.05,
        pf.Law("exchange", "skewed_cogswell_bazant", omega=4.4),
        pf.Law("reaction", "butler_volmer", alpha=0.45),
        rate=rate,
        film_resistance=0.05,
    )
    model = pf.Model(
        _platelet(),
        pf.RegularSolution(4.4),
        butler_volmer,
        elasticity=pf.Coherent(jnp.asarray(3.37)),
        gradient_energy=[300.0, 200.0],
        offset=0.2 * _noise(shape, 3),
    )
    where: dict[str, Where] = _COMMON | {
        "Omega": lambda g: g.model.free_energy.omega,
        "omega of j0": lambda g: g.model.reaction.exchange.parameters["omega"],
        "alpha": lambda g: g.model.reaction.law.parameters["alpha"],
        "film resistance": lambda g: g.model.reaction.film,
        "coherency": lambda g: g.model.elasticity.penalty,
        "gradient energy": lambda g: g.model.gradient_energy,
        "mu of defects": lambda g: g.model.offset,
        "plateau": lambda g: g.model.plateau,
        "temperature": lambda g: g.model.temperature,
        "site density": lambda g: g.model.site_density,
        "reacting area": lambda g: g.model.geometry.surface,
        "current of the protocol": lambda g: g.values[0],
        "potential of the protocol": lambda g: g.values[1],
    }
    yield "Butler-Volmer, cells on their own", model, both, where, how
    table = pf.ExchangeTable([0.0, 0.25, 0.55, 1.0], [-0.7, 0.0, -0.3, -1.0])
    around = _platelet(periodic=True)
    model = pf.Model(
        around,
        pf.RedlichKister([2.4, 0.3, -0.2]),
        pf.Reaction(0.05, table, pf.Law("reaction", "marcus", reorganisation=8.0), rate=rate),
        elasticity=Periodic(_crystal(), around),
        gradient_energy=300.0,
    )
    where = _COMMON | {
        "coefficients of Redlich and Kister": lambda g: g.model.free_energy.coefficients,
        "reorganisation": lambda g: g.model.reaction.law.parameters["reorganisation"],
        "table of j0": lambda g: g.model.reaction.exchange.log_value,
        "B of every wave": lambda g: g.model.elasticity.penalty,
    }
    yield "Marcus, periodic strain, cells on their own", model, current, where, how
    where = {
        "misfit": lambda g: g.parts.misfit,
        "stiffness": lambda g: g.parts.stiffness.voigt,
    }
    remade = how | {"parts": _crystal(), "build": _with_waves_of}
    yield "periodic strain made anew, cells on their own", model, current, where, remade
    yield from _other_cells(rate, start, current)
    yield _coherent("j0 on the full potential, cells on their own", 4.4, 0.05, full=True)


def _with_waves_of(model: pf.Model, crystal: Crystal) -> pf.Model:
    """Return a model under periodic strain with B of every wave as it follows from a crystal."""
    elasticity = model.elasticity
    if not isinstance(elasticity, Periodic):
        return model
    penalty = penalty_of_waves(crystal, elasticity.shape, elasticity.spacing)
    changed: pf.Model = eqx.tree_at(lambda m: m.elasticity.penalty, model, penalty)
    return changed


def _other_cells(rate: Any, start: Any, current: pf.Protocol) -> Iterator[Case]:
    how = {"start": start}
    alone = pixels(np.pad(np.ones((_SIDE - 2,) * 2, bool), 1), _CELL, surface="everywhere", thickness=150.0)
    model = pf.Model(
        alone,
        _table(),
        pf.Reaction(
            0.05,
            FixedLaw(laws.exchange_law("skewed_lim")),
            "linear",
            rate=rate,
        ),
        elasticity=FreeSurface(_crystal(), alone, tolerance=1e-13),
        gradient_energy=300.0,
    )
    where: dict[str, Where] = _COMMON | {
        "table of the equilibrium voltage": lambda g: g.model.free_energy.pieces,
        "misfit": lambda g: g.model.elasticity.crystal.misfit,
        "stiffness": lambda g: g.model.elasticity.crystal.stiffness.voigt,
    }
    yield "linear law, free surfaces, cells on their own", model, current, where, how


def _coherent(name: str, omega: float, exchange_current: float, full: bool, **how: Any) -> Case:
    """Return cells with gradient energy and a coherency penalty; `full` builds j0 on the full potential."""
    shape = (_SIDE, _SIDE)
    model = pf.Model(
        _platelet(),
        pf.RegularSolution(omega),
        pf.Reaction(exchange_current, rate=np.exp(0.3 * _noise(shape, 1)), full_potential=full),
        elasticity=pf.Coherent(jnp.asarray(3.37)),
        gradient_energy=[300.0, 200.0],
    )
    where = _COMMON | {
        "Omega": lambda g: g.model.free_energy.omega,
        "coherency": lambda g: g.model.elasticity.penalty,
        "gradient energy": lambda g: g.model.gradient_energy,
    }
    protocol = pf.constant_current(-1.0, seconds=240.0)
    return name, model, protocol, where, {"start": 0.4 + 0.12 * _noise(shape, 2)} | how


def _double_well() -> Case:
    """Return cells that react on their own in a double well by Marcus, Hush and Chidsey's law."""
    shape = (_SIDE, _SIDE)
    rate, start = np.exp(0.3 * _noise(shape, 1)), 0.4 + 0.12 * _noise(shape, 2)
    law = pf.Law("reaction", "marcus_hush_chidsey", reorganisation=8.0)
    reaction = pf.Reaction(0.05, pf.Law("exchange", "constant", level=0.6), law, rate=rate)
    well = pf.DoubleWell(6.0, 0.1, 0.9)
    where: dict[str, Where] = _COMMON | {
        "height of the wells": lambda g: g.model.free_energy.height,
        "low well": lambda g: g.model.free_energy.low,
        "high well": lambda g: g.model.free_energy.high,
        "reorganisation": lambda g: g.model.reaction.law.parameters["reorganisation"],
        "level of j0": lambda g: g.model.reaction.exchange.parameters["level"],
    }
    model, current = pf.Model(_platelet(), well, reaction), pf.constant_current(-1.0, seconds=240.0)
    return "Marcus-Hush-Chidsey, cells on their own", model, current, where, {"start": start}


def _disc(**changes: Any) -> pf.Model:
    """Return a smoothed disc of 10 nm radius and four cells a radius whose rim reacts."""
    given: dict[str, Any] = {"gradient_energy": 20.0, "allow_unresolved": True} | changes
    return pf.Model(smoothed(ellipsoid((10.0, 10.0), 2.5).distance, 2.5), **given)


def _phases(shape: tuple[int, ...]) -> Any:
    y, x = np.indices(shape) - (np.array(shape).reshape(2, 1, 1) - 1) / 2
    return jnp.asarray(0.5 + 0.35 * np.tanh((x + 0.3 * y) / 2))


def _bulk() -> Iterator[Case]:
    """Yield bulk transport: Cahn and Hilliard and plain diffusion implicitly, and waves on a periodic grid."""
    shape = _disc(free_energy=pf.RegularSolution(3.0), reaction=pf.Reaction(0.05)).geometry.shape
    how = {"start": _phases(shape), "method": pf.Rosenbrock(accuracy=1e-13)}
    rate = np.exp(0.3 * _noise(shape, 1))
    protocol = pf.constant_current(40.0, seconds=0.4)
    model = _disc(
        free_energy=pf.RegularSolution(3.5),
        reaction=pf.Reaction(0.05, rate=rate),
        transport=pf.CahnHilliard([300.0, 200.0], factor=pf.DiffusivityFactor(0.5, 0.5, 0.2)),
        elasticity=pf.Coherent(jnp.asarray(0.5)),
        offset=0.2 * _noise(shape, 3),
    )
    diffusion: dict[str, Where] = {
        "D of each axis": lambda g: g.model.transport.diffusivity,
        "factor of D": lambda g: g.model.transport.factor.above,
        "where D changes": lambda g: g.model.transport.factor.centre,
        "range over which D changes": lambda g: g.model.transport.factor.width,
    }
    where: dict[str, Where] = (
        _COMMON
        | diffusion
        | {
            "Omega": lambda g: g.model.free_energy.omega,
            "coherency": lambda g: g.model.elasticity.penalty,
            "gradient energy": lambda g: g.model.gradient_energy,
            "mu of defects": lambda g: g.model.offset,
            "share inside": lambda g: g.model.geometry.inside,
            "reacting area": lambda g: g.model.geometry.surface,
            "current of the protocol": lambda g: g.values[0],
        }
    )
    yield "Cahn and Hilliard, implicit", model, protocol, where, how
    yield from _other_bulk(how)


def _other_bulk(how: dict[str, Any]) -> Iterator[Case]:
    factor = pf.DiffusivityFactor(0.5, 0.5, 0.2)
    model = _disc(
        free_energy=pf.Legendre([0.1, 1.0, 0.2]),
        reaction=pf.Reaction(0.05, law="linear"),
        transport=pf.Fickian([300.0, 200.0], factor),
        gradient_energy=0.0,
    )
    where: dict[str, Where] = {
        "D of each axis": lambda g: g.model.transport.diffusivity,
        "factor of D": lambda g: g.model.transport.factor.above,
        "potential of the protocol": lambda g: g.values[0],
        "plateau": lambda g: g.model.plateau,
        "coefficients of Legendre": lambda g: g.model.free_energy.coefficients,
        "j0": _J0,
        "initial field": lambda g: g.start,
    }
    potential = pf.constant_potential(3.42, 0.4)
    yield "plain diffusion, implicit", model, potential, where, how
    around = pixels(np.ones((6, 6), bool), 2.0, periodic=True, surface="nowhere")
    model = pf.Model(
        around,
        pf.DoubleWell(6.0, 0.1, 0.9),
        None,
        pf.CahnHilliard([20.0, 30.0], "constant"),
        Periodic(_crystal(), around),
        gradient_energy=20.0,
    )
    where = {
        "mobility of each axis": lambda g: g.model.transport.diffusivity,
        "gradient energy": lambda g: g.model.gradient_energy,
        "B of every wave": lambda g: g.model.elasticity.penalty,
        "height of the wells": lambda g: g.model.free_energy.height,
        "initial field": lambda g: g.start,
    }
    waves = {"start": _phases((6, 6)), "method": pf.ExponentialRungeKutta()}
    yield "Cahn and Hilliard, exponential, periodic strain", model, pf.rest(1.0), where, waves


def _coupled() -> Case:
    """Return cells that react on their own by coupled ion-electron transfer, in the current and in j0."""
    shape = (_SIDE, _SIDE)
    rate, start = np.exp(0.3 * _noise(shape, 1)), 0.4 + 0.12 * _noise(shape, 2)
    coupled = {"reorganisation": 8.0, "ion": 1.2}
    reaction = pf.Reaction(
        0.5,
        pf.Law("exchange", "coupled_ion_electron", **coupled),
        pf.Law("reaction", "coupled_ion_electron", **coupled),
        rate=rate,
    )
    where = _COMMON | {
        "table of the equilibrium voltage": lambda g: g.model.free_energy.pieces,
        "reorganisation": lambda g: g.model.reaction.law.parameters["reorganisation"],
        "activity of the ion": lambda g: g.model.reaction.law.parameters["ion"],
        "reorganisation in j0": lambda g: g.model.reaction.exchange.parameters["reorganisation"],
        "activity of the ion in j0": lambda g: g.model.reaction.exchange.parameters["ion"],
    }
    return (
        "coupled ion-electron transfer, cells on their own",
        pf.Model(_platelet(), _table(), reaction),
        pf.constant_current(-1.0, seconds=240.0),
        where,
        {"start": start},
    )


def _long() -> Iterator[Case]:
    """Yield the implicit method with each law whose voltage is the root of an equation, and with strain by crystal."""
    yield _coupled()
    yield _double_well()
    # Without a gap: the matrix has a kink where a cell enters one, and longer differences would reach across it.
    name = "Butler-Volmer, implicit for each cell on its own"
    yield _coherent(name, 2.5, 1.0, full=False, method=pf.LocalRosenbrock())
    shape = _disc(free_energy=pf.RegularSolution(3.0), reaction=pf.Reaction(0.05)).geometry.shape
    rate = np.exp(0.3 * _noise(shape, 1))
    how = {"start": _phases(shape), "method": pf.Rosenbrock(accuracy=1e-13)}
    protocol = pf.constant_current(40.0, seconds=0.4)
    reactions = {
        "butler_volmer": {"alpha": 0.45},
        "marcus": {"reorganisation": 8.0},
        "marcus_hush_chidsey": {"reorganisation": 8.0},
        "coupled_ion_electron": {"reorganisation": 8.0, "ion": 1.2},
    }
    for name, parameters in reactions.items():
        law = pf.Law("reaction", name, **parameters)
        model = _disc(
            free_energy=pf.RedlichKister([3.3, 0.2]),
            reaction=pf.Reaction(0.05, law=law, rate=rate, film_resistance=0.05),
            transport=pf.CahnHilliard(300.0),
        )
        where: dict[str, Where] = _COMMON | {
            "coefficients of Redlich and Kister": lambda g: g.model.free_energy.coefficients,
            "D": lambda g: g.model.transport.diffusivity,
            "film resistance": lambda g: g.model.reaction.film,
            **{one: _parameter(one) for one in parameters},
        }
        yield f"{name.replace('_', ' ')}, film, Cahn and Hilliard, implicit", model, protocol, where, how
    yield from _long_strain()


def _parameter(name: str) -> Where:
    return lambda g: g.model.reaction.law.parameters[name]


def _long_strain() -> Iterator[Case]:
    alone = pixels(np.pad(np.ones((4, 4), bool), 1), 2.0)
    around = pixels(np.ones((6, 6), bool), 2.0, surface="everywhere", thickness=20.0, periodic=True)
    cases: tuple[tuple[str, Geometry, Any, dict[str, Where]], ...] = (
        (
            "free surfaces",
            alone,
            FreeSurface(_crystal(), alone, tolerance=1e-13),
            {
                "misfit": lambda g: g.model.elasticity.crystal.misfit,
                "stiffness": lambda g: g.model.elasticity.crystal.stiffness.voigt,
            },
        ),
        (
            "periodic strain",
            around,
            Periodic(_crystal(), around),
            {"B of every wave": lambda g: g.model.elasticity.penalty},
        ),
    )
    for name, geometry, elasticity, where in cases:
        model = pf.Model(
            geometry,
            pf.RegularSolution(3.0),
            pf.Reaction(0.05, rate=np.exp(0.3 * _noise((6, 6), 1))),
            pf.CahnHilliard([300.0, 200.0]),
            elasticity,
            gradient_energy=40.0,
            allow_unresolved=True,
        )
        how = {"start": _phases((6, 6)), "method": pf.Rosenbrock(accuracy=1e-13)}
        # Four steps that are short enough: in one of 0.1 s a stage leaves the range of x, 0 to 1.
        protocol = pf.constant_current(40.0, seconds=0.04)
        diffusion: dict[str, Where] = {"D of each axis": lambda g: g.model.transport.diffusivity}
        yield (
            f"{name}, Cahn and Hilliard, implicit",
            model,
            protocol,
            _COMMON | diffusion | where,
            how,
        )
