"""Bulk transport on smoothed shapes: diffusion against its series, balance, energy, time, interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq
from scipy.special import j0, j1, jn_zeros

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import FreeSurface, Periodic
from lithiscope.phasefield.from_material import crystal_of
from lithiscope.phasefield.geometry import Geometry, ellipsoid, pixels, smoothed
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.stepwise import falling_row

_BOUND = "a bound of the design, with no slack"
_SERIES = "Crank 1975, The Mathematics of Diffusion, chapters 5 and 6"
_TIME, _RATE = 0.1, 2.0  # in radius2/D, and the rate of the surface in D/radius
_BOX, _GRIDS = 48.0, (16, 32, 64)  # nm; cells a side
_FLUX = 0.5  # rise of x per radius at the surface
Series = Callable[[np.ndarray], np.ndarray]


def bulk_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows; `everything` adds the spheres, and the energy of more kinds of closed systems."""
    for ndim, cells in ((2, (8, 16)), (3, (6, 12))) if everything else ((2, (8, 16)),):
        yield from _series_rows(ndim, cells)
    yield from _balance_rows(everything)
    yield from _strained_rows(everything)
    yield from _time_rows()
    yield _order_row()
    yield _interface_row()


def disc(cells: float = 6.0, **changes: Any) -> pf.Model:
    """Return a smoothed disc of 10 nm radius in two phases, cells a radius; its rim reacts."""
    h = 10.0 / cells
    given = {
        "free_energy": pf.RegularSolution(3.5),
        "reaction": pf.Reaction(0.05),
        "transport": pf.CahnHilliard(300.0),
        "gradient_energy": 20.0,
        "allow_unresolved": True,  # the interface of 6.3 nm is 2.5 cells wide where the radius is four
    } | changes
    return pf.Model(smoothed(ellipsoid((10.0, 10.0), h).distance, h), **given)


def _series_rows(ndim: int, cells: tuple[int, int]) -> Iterator[Row]:
    """Yield the rows on diffusion into a disc or a sphere, with the bar that a boundary of one cell has.

    In the layer of one cell, h, that stands for the surface, x may be as wrong as x changes over half the layer: the
    slope at the surface times h/2. That layer holds the share n h/R of the volume of n dimensions, so the root mean
    square may be slope (h/2R) sqrt(n h/R), of order 3/2; differences through the faces inside have order 2.
    """
    name = {2: "cylinder", 3: "sphere"}[ndim]
    for kind, exact, slope in _CASES[ndim]:
        coarse, fine = (_series_error(ndim, one, kind, exact) for one in cells)
        what = f"{kind}, {name} of {cells[1]} cells radius"
        bar = slope(exact) / (2 * cells[1]) * np.sqrt(ndim / cells[1])
        reason = "slope at the surface over half a cell, in the layer of one cell"
        yield Row(f"root mean square error of x over its rise: {what}", _SERIES, bar, fine, 0.0, reason, "<=")
        order = float(np.log2(coarse / fine))
        reason = "3/2 from the layer of the surface, 2 from the inside"
        yield Row(f"order in space of that error: {what}", _SERIES, 1.5, order, 0.0, reason, ">=")


def _series_error(ndim: int, cells: int, kind: str, exact: Series) -> float:
    """Return the error of a run over the rise of x that the series is normed by."""
    radius, diffusivity = 10.0, 100.0
    h = radius / cells
    shape = ellipsoid((radius,) * ndim, h, offset=[0.3 * h, -0.2 * h, 0.1 * h][:ndim])
    geometry = smoothed(shape.distance, h)
    seconds = _TIME * radius**2 / diffusivity
    if kind == "constant flux":
        start, rise = 0.1, _FLUX
        # A free energy that does not change leaves the same current to every part of the surface.
        model = pf.Model(geometry, pf.DoubleWell(0.0), _linear(1.0), pf.Fickian(diffusivity))
        area, volume = float(geometry.surface.sum()), float(geometry.inside.sum())
        rate = 3600 * rise * diffusivity / radius * area / volume
        protocol = pf.constant_current(rate, seconds=seconds)
    else:
        start, rise, steep = 0.1, 0.8, 4.0
        volt = 3.4 - steep * laws.thermal_voltage() * np.array([-0.5, 0.5])
        energy = pf.TabulatedVoltage([0.0, 1.0], volt, 3.4)  # mu = 4 (x - 1/2)
        model = pf.Model(geometry, energy, _linear(1.0), pf.Fickian(diffusivity), plateau=3.4)
        exchange = _RATE * diffusivity / radius / steep / float(model.rate_of_current)
        model = eqx.tree_at(lambda one: one.reaction, model, _linear(exchange))
        end = 3.4 - steep * laws.thermal_voltage() * (start + rise - 0.5)
        protocol = pf.constant_potential(end, seconds)
    run = pf.simulate(
        model, protocol, [0.0, seconds], initial=start, controller=pf.Controller(1e-6), method=pf.Rosenbrock()
    )
    r = (1 - shape.distance / radius)[geometry.active]
    x, psi = np.asarray(run.final)[geometry.active], np.asarray(geometry.inside)[geometry.active]
    inner = r < 1
    wrong = (x[inner] - start) / rise - exact(r[inner])
    return float(np.sqrt(np.average(wrong**2, weights=psi[inner])))


def _linear(exchange_current: float) -> pf.Reaction:
    return pf.Reaction(exchange_current, pf.Law("exchange", "constant", level=1.0), "linear")


def _cylinder_flux(r: np.ndarray) -> np.ndarray:
    a = jn_zeros(1, 60)
    series = np.sum(np.exp(-(a**2) * _TIME) * j0(np.outer(r, a)) / (a**2 * j0(a)), axis=1)
    return np.asarray(2 * _TIME + r**2 / 2 - 0.25 - 2 * series)


def _sphere_flux(r: np.ndarray) -> np.ndarray:
    a = _roots(lambda b: np.sin(b) - b * np.cos(b), [(k * np.pi + 1e-9, (k + 0.5) * np.pi) for k in range(1, 60)])
    series = np.sum(np.sinc(np.outer(r, a) / np.pi) * np.exp(-(a**2) * _TIME) / (a * np.sin(a)), axis=1)
    return np.asarray(3 * _TIME + (5 * r**2 - 3) / 10 - 2 * series)


def _cylinder_rate(r: np.ndarray) -> np.ndarray:
    ends = [0.0, *jn_zeros(1, 60)]
    b = _roots(lambda b: b * j1(b) - _RATE * j0(b), [(p + 1e-9, q - 1e-9) for p, q in pairwise(ends)])
    terms = 2 * _RATE * j0(np.outer(r, b)) * np.exp(-(b**2) * _TIME) / ((b**2 + _RATE**2) * j0(b))
    return np.asarray(1 - np.sum(terms, axis=1))


def _sphere_rate(r: np.ndarray) -> np.ndarray:
    ends = [(k * np.pi + 1e-9, (k + 1) * np.pi - 1e-9) for k in range(60)]
    b = _roots(lambda b: b * np.cos(b) + (_RATE - 1) * np.sin(b), ends)
    terms = np.sinc(np.outer(r, b) / np.pi) * b * np.exp(-(b**2) * _TIME)
    return np.asarray(1 - 2 * _RATE * np.sum(terms / ((b**2 + _RATE * (_RATE - 1)) * np.sin(b)), axis=1))


def _roots(function: Callable[[float], float], brackets: list[tuple[float, float]]) -> np.ndarray:
    return np.array([brentq(function, low, high) for low, high in brackets])


def _rate_slope(exact: Series) -> float:
    """Return the slope at a surface that takes up lithium at a linear rate, in the rise per radius."""
    return float(_RATE * (1 - exact(np.ones(1))[0]))


def _flux_slope(exact: Series) -> float:  # noqa: ARG001
    """Return the slope at a surface of constant flux, in the rise per radius."""
    return 1.0


_CASES: dict[int, tuple[tuple[str, Series, Callable[[Series], float]], ...]] = {
    2: (("constant flux", _cylinder_flux, _flux_slope), ("surface at a linear rate", _cylinder_rate, _rate_slope)),
    3: (("constant flux", _sphere_flux, _flux_slope), ("surface at a linear rate", _sphere_rate, _rate_slope)),
}


def _balance_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on lithium and energy in a disc that separates."""
    model = disc()
    runs = {
        "constant current": (model, pf.constant_current(20.0, seconds=60.0)),
        "constant potential": (model, pf.constant_potential(3.40, 60.0)),
        "rest": (model, pf.rest(60.0)),
        "closed system": (disc(reaction=None), pf.rest(60.0)),
    }
    for name, (one, protocol) in runs.items():
        record = pf.simulate(one, protocol, 13, initial=_two_phases(one)).record
        worst = float(np.abs(record["mass_balance_error"] / record["mean_lithium_fraction"]).max())
        claim = f"error of the balance of lithium with bulk transport, {name}"
        yield Row(claim, "docs/decisions/0005", 1e-12, worst, 0.0, _BOUND, "<=")
        if one.reaction is None or (everything and name == "rest"):
            yield falling_row(f"bulk transport in a disc, {name}", one, protocol, _two_phases(one))


def _strained_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on closed crystals that separate under strain."""
    lfp = material("lfp_averaged")
    filled, alone = np.ones((12, 12), bool), np.pad(np.ones((10, 10), bool), 1)
    crystal = crystal_of(lfp, "bca", "stress")
    closed, around, loose = (
        pixels(mask, 1.0, surface="nowhere", periodic=periodic)
        for mask, periodic in ((filled, False), (filled, True), (alone, False))
    )
    cases: dict[str, tuple[Geometry, pf.Elasticity]] = {
        "coherent penalty": (closed, pf.Coherent(jnp.asarray(lfp.coherency))),
        "periodic strain": (around, Periodic(crystal, around)),
        "strain with a free surface": (loose, FreeSurface(crystal, loose)),
    }
    for name, (geometry, elasticity) in cases.items():
        if name != "periodic strain" and not everything:
            continue
        well, transport = pf.RegularSolution(4.51), pf.CahnHilliard(1.0)
        density = lfp.site_density
        model = pf.Model(geometry, well, None, transport, elasticity, gradient_energy=8.83, site_density=density)
        yield falling_row(f"closed crystal, {name}", model, pf.rest(30.0), _two_phases(model))


def _two_phases(model: pf.Model) -> Any:
    """Return two phases with a boundary that is not yet in equilibrium."""
    shape = model.geometry.shape
    y, x = np.indices(shape) - (np.array(shape).reshape(2, 1, 1) - 1) / 2
    return jnp.asarray(0.5 + 0.4 * np.tanh((x + 0.3 * y) / 2))


def _time_rows() -> Iterator[Row]:
    """Yield the rows on convergence in time of a moving boundary, after the layer of the first moment has gone."""
    model, protocol = disc(4.0), pf.constant_current(60.0, seconds=10.0)
    method = pf.Rosenbrock(accuracy=1e-10)
    first = pf.constant_current(60.0, seconds=4.0)
    relaxed = pf.simulate(model, first, [0.0, 4.0], initial=_two_phases(model), method=method).final

    def end(control: pf.Controller) -> Any:
        return pf.simulate(model, protocol, [0.0, 10.0], initial=relaxed, method=method, controller=control).final

    steps = {one: end(pf.Controller(0.05, first=one, longest=one)) for one in (1 / 4, 1 / 8, 1 / 32)}
    exact = steps.pop(1 / 32)
    errors = [float(jnp.abs(end(pf.Controller(one)) - exact).max()) for one in (4e-5, 2e-5, 1e-5)]
    least = min(before / after for before, after in pairwise(errors))
    yield Row(
        "least factor by which half the tolerance lowers the error at the end, bulk transport",
        "error in proportion to the tolerance: 2",
        1.5,
        least,
        0.0,
        "steps that adapt share the error unevenly",
        ">=",
    )
    errors = [float(jnp.abs(one - exact).max()) for one in steps.values()]
    yield Row(
        "order in time of the implicit method, phases moving in a disc",
        "Rang and Angermann 2005",
        3.0,
        float(np.log2(errors[0] / errors[1])),
        0.3,
        "what finite steps leave of the next order, which dominates here down to steps of 1/64 s",
        ">=",
    )


def _order_row() -> Row:
    return compare(
        "order in space of Cahn-Hilliard transport, phases that part on a periodic grid: "
        f"{', '.join(map(str, _GRIDS))} cells a side",
        "differences through faces, the mean of x(1-x) between two cells",
        2.0,
        order_in_space(pf.CahnHilliard([1.0, 2.0], factor=pf.DiffusivityFactor(0.1, 0.45, 0.1))),
        within=0.1,
        because="the next order still shows on the coarsest grid; what is left of the steps of time is 1e-7",
    )


def order_in_space(transport: pf.Transport) -> float:
    """Return the order at which the state on three grids converges, each twice as fine, after phases have parted.

    Parameters
    ----------
    transport : Transport
        The flux of a regular solution in a gap with gradient energy, in a periodic box, from a smooth start.
    """
    ends = [_parted(transport, cells) for cells in _GRIDS]
    # The mean over the cells that make up one of the next coarser grid.
    finer = [one.reshape(one.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)) for one in ends[1:]]
    errors = [float(np.sqrt(np.mean((one - other) ** 2))) for one, other in zip(ends, finer, strict=False)]
    return float(np.log2(errors[0] / errors[1]))


def _parted(transport: pf.Transport, cells: int) -> np.ndarray:
    box = pixels(np.ones((cells, cells), bool), _BOX / cells, surface="nowhere", periodic=True)
    model = pf.Model(box, pf.RegularSolution(2.6), None, transport, gradient_energy=20.0, allow_unresolved=True)
    place = 2 * np.pi * (np.arange(cells) + 0.5) / cells
    y, x = place[:, None], place[None]
    start = 0.45 + 0.1 * np.cos(y) + 0.1 * np.cos(y) * np.cos(x) + 0.08 * np.sin(x)
    exact = pf.Controller(1e-7)
    return np.asarray(pf.simulate(model, pf.rest(200.0), 2, initial=jnp.asarray(start), controller=exact).final)


def _interface_row() -> Row:
    """Return the row on the interface that a run relaxes to, range of x between the phases over the steepest slope."""
    lfp = material("lfp_cogswell_bazant_2012")
    step, count = 0.15, 120
    energy = pf.RegularSolution(lfp.free_energy[1]["omega"])
    geometry = pixels(np.ones((2, count), bool), step, surface="nowhere")
    model = pf.Model(geometry, energy, None, pf.CahnHilliard(100.0), gradient_energy=lfp.gradient_energy_nm2)
    place = (np.arange(count) + 0.5 - count / 2) * step
    low, high = pf.binodal(energy) or (np.nan, np.nan)
    start = np.broadcast_to((low + high + (high - low) * np.tanh(place / 3.0)) / 2, (2, count))
    x = np.asarray(pf.simulate(model, pf.rest(100.0), 2, initial=jnp.asarray(start)).final)[0]
    return compare(
        "width of the interface that a closed particle of LiFePO4 relaxes to",
        "Cogswell and Bazant 2012; Cahn and Hilliard 1958",
        3.07,
        float((x[-1] - x[0]) / np.max(np.diff(x) / step)),
        within=0.01,
        because="half a digit of what is printed, and slopes across cells of 0.15 nm, 0.1 %",
        unit="nm",
    )
