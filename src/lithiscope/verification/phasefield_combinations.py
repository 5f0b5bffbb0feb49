"""Every part of the engine with every other: each combination runs, or is refused with the reason."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.errors import LithiscopeError
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import Crystal, FreeSurface, NoElasticity, Periodic, Stiffness
from lithiscope.phasefield.geometry import Geometry, box, ellipsoid, number_parts, pixels, smoothed
from lithiscope.phasefield.reaction import FixedLaw
from lithiscope.verification.rows import Row

_H = 2.0  # nm
_SECONDS = 20.0
_RATE = 3.0  # 1/h

Names = tuple[str, ...]
"""One name for each axis of `AXES`."""


@cache
def _crystal(ndim: int) -> Crystal:
    lfp = material("lfp_averaged")
    return Crystal(
        Stiffness(lfp.stiffness * 1e-9),
        lfp.misfit,
        site_density=laws.LFP_SITE_DENSITY,
        temperature=laws.ROOM_TEMPERATURE,
        axes="bca",
        plane="stress" if ndim == 2 else None,
    )


_FREE: dict[str, Callable[[], pf.FreeEnergy]] = {
    "regular solution": lambda: pf.RegularSolution(2.6),
    "Redlich-Kister": lambda: pf.RedlichKister([2.4, 0.3]),
    "Legendre": lambda: pf.Legendre([0.1, 2.4, 0.2]),
    "table": lambda: pf.TabulatedVoltage([0.0, 0.2, 0.6, 0.8, 1.0], [3.8, 3.5, 3.44, 3.4, 3.1], 3.422),
    "double well": lambda: pf.DoubleWell(6.0, 0.1, 0.9),
    "solid solution": lambda: pf.RegularSolution(0.5),
}
_LAWS: dict[str, Callable[[], pf.Reaction | None]] = {
    "linear, table of j0": lambda: pf.Reaction(0.01, pf.ExchangeTable([0.0, 0.5, 1.0], [-0.7, 0.0, -1.0]), "linear"),
    "Butler-Volmer": lambda: pf.Reaction(0.01),
    "Butler-Volmer, alpha, film": lambda: pf.Reaction(
        0.01, "symmetric", pf.Law("reaction", "butler_volmer", alpha=0.4), film_resistance=0.1
    ),
    "Marcus, fixed j0": lambda: pf.Reaction(
        0.01, FixedLaw(laws.exchange_law("skewed_lim")), pf.Law("reaction", "marcus", reorganisation=8.0)
    ),
    "Marcus-Hush-Chidsey": lambda: pf.Reaction(
        0.01, "symmetric", pf.Law("reaction", "marcus_hush_chidsey", reorganisation=8.0)
    ),
    "coupled ion-electron": lambda: pf.Reaction(
        0.1,
        pf.Law("exchange", "coupled_ion_electron", reorganisation=8.0),
        pf.Law("reaction", "coupled_ion_electron", reorganisation=8.0),
    ),
    "closed": lambda: None,
}
_TRANSPORT: dict[str, Callable[[], pf.Transport]] = {
    "none": pf.NoTransport,
    "Cahn-Hilliard, slow": lambda: pf.CahnHilliard(0.002),
    "Cahn-Hilliard, fast": lambda: pf.CahnHilliard(20.0, factor=pf.DiffusivityFactor(0.5, 0.5, 0.2)),
    "Cahn-Hilliard, constant mobility": lambda: pf.CahnHilliard(0.0005, "constant"),
    "Fickian": lambda: pf.Fickian(0.01),
}


def _padded() -> np.ndarray:
    return np.pad(np.ones((4, 4), bool), 1)


def _two() -> Geometry:
    mask = np.pad(np.ones((3, 7), bool), 1)
    mask[:, 4] = False
    return pixels(mask, _H, label=number_parts(mask))


_GEOMETRY: dict[str, Callable[[], Geometry]] = {
    "platelet": lambda: pixels(_padded(), _H, surface="everywhere", thickness=20.0),
    "rim": lambda: pixels(_padded(), _H),
    "one facet": lambda: pixels(_padded(), _H, facets=lambda normal: (normal[..., 0] > 0.7).astype(float)),
    "smoothed disc": lambda: smoothed(ellipsoid((6.0, 6.0), _H).distance, _H),
    "periodic platelet": lambda: pixels(np.ones((4, 4), bool), _H, surface="everywhere", thickness=20.0, periodic=True),
    "periodic, closed": lambda: pixels(np.ones((4, 4), bool), _H, surface="nowhere", periodic=True),
    "two particles": _two,
    "smoothed box, 3-D": lambda: smoothed(box((8.0, 8.0, 8.0), _H).distance, _H),
}
_ELASTICITY: dict[str, Callable[[Geometry], pf.Elasticity]] = {
    "none": lambda _: NoElasticity(),
    "coherent": lambda _: pf.Coherent(jnp.asarray(1.0)),
    "periodic": lambda geometry: Periodic(_crystal(geometry.ndim), geometry),
    "free surface": lambda geometry: FreeSurface(_crystal(geometry.ndim), geometry),
}


def _trace(values: Sequence[float], control: Any) -> pf.Protocol:
    return pf.Protocol((pf.Part(control, tuple(np.linspace(0.0, _SECONDS, len(values))), tuple(values)),))


_PROTOCOL: dict[str, Callable[[], pf.Protocol]] = {
    "current": lambda: pf.constant_current(_RATE, seconds=_SECONDS),
    "delithiation": lambda: pf.constant_current(-_RATE, seconds=_SECONDS),
    "potential": lambda: pf.constant_potential(3.43, _SECONDS),
    "rest": lambda: pf.rest(_SECONDS),
    "current, then potential": lambda: (
        pf.constant_current(_RATE, seconds=_SECONDS) + pf.constant_potential(3.42, _SECONDS)
    ),
    "I(t)": lambda: _trace((0.0, _RATE, -_RATE, 0.0), "rate"),
    "V(t)": lambda: _trace((3.40, 3.45, 3.42), "potential"),
}
AXES: tuple[dict[str, Any], ...] = (_FREE, _LAWS, _TRANSPORT, _GEOMETRY, _ELASTICITY, _PROTOCOL)


def rows() -> Iterator[Row]:
    """Yield the rows: all combinations are built, and a set with every pair of parts is run."""
    why = {names: built(names)[1] for names in itertools.product(*AXES[:5])}
    wrong = sum(1 for names, reason in why.items() if not as_ruled(names, reason))
    source = "docs/decisions/0005"
    refused = sum(1 for reason in why.values() if reason)
    name = (
        f"combinations of parts, of {len(why)} with {refused} refused, that are not built or refused as `fault` says, "
        "or whose refusal does not name the part at fault and the remedy"
    )
    yield Row(name, source, 0.0, float(wrong), 0.0, "a bound of the design, with no slack", "<=")
    name = (
        f"constants that two parts share, of {len(disagreements())} in which they differ, that are not refused by name"
    )
    yield Row(name, source, 0.0, float(len(unnoticed())), 0.0, "a bound of the design, with no slack", "<=")
    chosen = pairwise(lambda names: allowed(names, why))
    found = []
    for names in chosen:
        found.append(run(names))
        jax.clear_caches()  # type: ignore[no-untyped-call]
    name = f"largest error of the balance of lithium over {len(chosen)} runs with every pair of parts"
    yield Row(name, source, 1e-12, float(max(found)), 0.0, "a bound of the design, with no slack", "<=")


def fault(names: Sequence[str]) -> str | None:
    """Return the part for which a combination has to be refused, by what the parts mean; None where all fit.

    A crystal that repeats itself needs a grid that does; a closed system changes by transport only; a reaction needs a
    surface; without transport a cell off the rim can never change; and Fick's law lowers the free energy of a solid
    solution without strain only.
    """
    free, law, transport, geometry, strain = names[:5]
    if strain == "periodic" and not geometry.startswith("periodic"):
        return "elasticity"
    if law == "closed" and transport == "none":
        return "reaction"
    if law != "closed" and geometry == "periodic, closed":
        return "surface"
    # The layer of a smoothed boundary this small reaches every cell.
    if transport == "none":
        return "transport" if geometry in ("rim", "one facet", "two particles") else None
    if transport == "Fickian":
        return "elasticity" if strain != "none" else None if free in ("table", "solid solution") else "free_energy"
    return None


def disagreements() -> dict[str, Callable[[], pf.Model]]:
    """Return, for each constant that two parts share, what makes a model in which they differ."""
    around = _part(3, "periodic platelet")

    def made(free: pf.FreeEnergy, elasticity: pf.Elasticity | None = None, **constants: Any) -> pf.Model:
        return pf.Model(around, free, pf.Reaction(0.01, film_resistance=0.1), None, elasticity, **constants)

    def strained(kind: Any, **constants: Any) -> Callable[[], pf.Model]:
        crystal = _crystal(2)
        moved = Crystal(
            crystal.stiffness, crystal.misfit, **(crystal.made_for() | constants), axes="bca", plane=crystal.plane
        )
        return lambda: made(_part(0, "solid solution"), kind(moved, around))

    table, solution = _part(0, "table"), _part(0, "solid solution")
    hot = pf.Reaction(0.01, film_resistance=0.1, temperature=330.0)
    return {
        "plateau, table of voltages": lambda: made(table, plateau=3.9),
        "temperature, table of voltages": lambda: pf.Model(around, table, pf.Reaction(0.01), temperature=330.0),
        "temperature, film": lambda: pf.Model(around, solution, hot),
        "temperature, periodic crystal": strained(Periodic, temperature=1000.0),
        "site_density, periodic crystal": strained(Periodic, site_density=1e27),
        "temperature, crystal with a free surface": strained(FreeSurface, temperature=1000.0),
        "site_density, crystal with a free surface": strained(FreeSurface, site_density=1e27),
    }


def unnoticed() -> list[str]:
    """Return which of the disagreements is accepted, or refused without the constant, both values and the remedy."""
    left = []
    for name, make in disagreements().items():
        try:
            make()
        except LithiscopeError as error:
            if error.field == name.split(",")[0] and error.value and error.limit and error.remedy:
                continue
        left.append(name)
    return left


def as_ruled(names: Sequence[str], reason: str | None) -> bool:
    """Return whether a combination was built, or refused with that reason, as `fault` says."""
    part = fault(names)
    if part is None or reason is None:
        return part is None and reason is None
    lines = [line.strip() for line in reason.splitlines()]
    return f"field: {part}" in lines and any(line.startswith("remedy: ") for line in lines)


@cache
def _part(axis: int, name: str) -> Any:
    return AXES[axis][name]()


@cache
def _strain(name: str, geometry: str) -> pf.Elasticity | str:
    try:
        return _ELASTICITY[name](_part(3, geometry))
    except LithiscopeError as error:
        return str(error)


def built(names: Sequence[str]) -> tuple[pf.Model | None, str | None]:
    """Return the model of a combination (the protocol is not looked at), or the reason for which it is refused."""
    free, law, transport, geometry, strain = names[:5]
    elasticity = _strain(strain, geometry)
    if isinstance(elasticity, str):
        return None, elasticity
    try:
        parts = _part(3, geometry), _part(0, free), _part(1, law), _part(2, transport), elasticity
        kappa = 0.0 if transport == "Fickian" else 40.0
        return pf.Model(*parts, gradient_energy=kappa, allow_unresolved=True), None
    except LithiscopeError as error:
        return None, str(error)


def allowed(names: Names, why: dict[Names, str | None]) -> bool:
    """Return whether a combination can be built; a closed system can only rest."""
    return why[names[:5]] is None and (names[1] != "closed" or names[5] == "rest")


def pairwise(possible: Callable[[Names], bool]) -> list[Names]:
    """Return few combinations in which every possible pair of parts occurs: those first that add most of a sample."""
    numbers = np.random.default_rng(0)
    everything = [names for names in itertools.product(*AXES) if possible(names)]
    left = {pair for names in everything for pair in _pairs(names)}
    chosen = []
    while left:
        sample = [everything[k] for k in numbers.integers(0, len(everything), 200)]
        first = next(iter(sorted(left)))
        sample += [names for names in everything if first in _pairs(names)][:50]
        best = max(sample, key=lambda names: len(left.intersection(_pairs(names))))
        chosen.append(best)
        left -= set(_pairs(best))
    return chosen


def _pairs(names: Names) -> list[tuple[tuple[int, str], ...]]:
    return list(itertools.combinations(enumerate(names), 2))


def run(names: Names) -> float:
    """Return the largest error of the balance of a run over its mean; infinite if x is unknown or it stops early."""
    model, reason = built(names)
    if model is None:
        return np.inf if not reason else 0.0
    shape = model.geometry.shape
    place = np.indices(shape).sum(axis=0)
    done = pf.simulate(model, _PROTOCOL[names[5]](), 3, initial=jnp.asarray(0.45 + 0.1 * np.sin(0.9 * place)))
    x = np.asarray(done.video["lithium_fraction"])[:, model.geometry.active]
    if not (np.isfinite(x).all() and done.complete):
        return np.inf
    return float(np.abs(done.record["mass_balance_error"] / done.record["mean_lithium_fraction"]).max())
