"""The phase-field engine on PFHub problems 1a, 6a and 7a, and against exact rates of growth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.model import Rates
from lithiscope.phasefield.steps import Limits, advance, start
from lithiscope.phasefield.system import System
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.stepwise import falling_row, order_in_time

_PFHUB = "PFHub problem {}, Jokisaari et al. 2017, Comput. Mater. Sci. 126, 139"
_BOX = 200.0
# Least and largest total free energy of the results for problem 1a that other codes uploaded to PFHub (MEUMAPPS,
# FEniCS, MEMPHIS, three of MOOSE; MMSP from 500 on).
SEPARATION_BANDS = {
    1.0: (318.829, 318.861),
    100.0: (135.221, 142.993),
    500.0: (97.876, 102.278),
    1000.0: (79.205, 85.306),
    2000.0: (60.522, 66.978),
}
_KAPPA = 0.0004  # problem 7a


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` follows problem 1a to t = 2000 on the grid that this takes."""
    yield from separation_rows(everything)
    yield from electrostatic_rows()
    yield from manufactured_rows()
    yield from order_rows()
    yield from growth_rows()


def separation_model(cells: int) -> pf.Model:
    """Return problem 1a on a square of `cells`: spinodal decomposition in a periodic box of 200."""
    return pf.Model(
        _box((cells, cells), _BOX / cells, (True, True)),
        pf.DoubleWell(5.0, 0.3, 0.7),
        None,
        pf.CahnHilliard(5.0, "constant"),
        gradient_energy=2.0,
        allow_unresolved=True,  # 2.9 cells of an interface on the coarsest grid that is used
    )


def separation_start(cells: int) -> Any:
    """Return the initial composition of problem 1a, at the corners of the cells."""
    place = np.arange(cells) * _BOX / cells
    return jnp.asarray(0.5 + 0.01 * _pattern(place[None, :], place[:, None], 0.105))


def spectral_energy(model: pf.Model, x: Any) -> float:
    """Return the free energy of a periodic composition, its gradient that of the interpolating waves."""
    geometry = model.geometry
    squared = sum(
        (2 * np.pi * np.fft.fftfreq(count, step).reshape([-1 if one == axis else 1 for one in range(geometry.ndim)]))
        ** 2
        for axis, (count, step) in enumerate(zip(geometry.shape, geometry.spacing, strict=True))
    )
    values = np.asarray(x)
    bent = np.fft.ifft2(squared * np.fft.fft2(values)).real
    local = np.asarray(model.free_energy.density(jnp.asarray(values)))
    return float(geometry.cell_volume * np.sum(local + 0.5 * float(model.gradient_energy) * values * bent))


def separation_rows(everything: bool) -> Iterator[Row]:
    """Yield the rows on problem 1a."""
    cells, bands = (256, SEPARATION_BANDS) if everything else (96, {t: SEPARATION_BANDS[t] for t in (1.0, 100.0)})
    model, times = separation_model(cells), [0.0, *bands]
    found = pf.simulate(
        model,
        pf.rest(times[-1]),
        times,
        initial=separation_start(cells),
        method=pf.ExponentialRungeKutta("spectral"),
        controller=pf.Controller(1e-5),
    )
    frames = found.video["lithium_fraction"].values
    for (time, (low, high)), frame in zip(bands.items(), frames[1:], strict=True):
        yield compare(
            f"total free energy of spinodal decomposition at t = {time:g}, {cells} x {cells}",
            _PFHUB.format("1a"),
            (low + high) / 2,
            spectral_energy(model, frame),
            within=(high - low) / 2,
            because="the band of the other codes",
        )
    yield _falling_row()


def _falling_row() -> Row:
    """Return the row on the energy of a closed system, step by step."""
    method = pf.ExponentialRungeKutta()
    return falling_row(
        "closed periodic box, exponential", separation_model(64), pf.rest(200.0), separation_start(64), method=method
    )


def electrostatic_rows(cells: int = 200) -> Iterator[Row]:
    """Yield the rows on problem 6a at t = 0: charged solute between two sides at given potential."""
    side, charge, permittivity = 100.0, 0.09, 90.0
    step = side / cells
    place = (np.arange(cells) + 0.5) * step
    x = 0.5 + 0.04 * _pattern(place[None, :], place[:, None], 0.2)
    model = pf.Model(
        _box((cells, cells), step, (False, False)),
        pf.DoubleWell(5.0, 0.3, 0.7),
        None,
        pf.CahnHilliard(5.0, "constant"),
        gradient_energy=2.0,
    )
    potential = _poisson(charge * x / permittivity, step, np.sin(place / 7))
    energy = step**2 * (float(model.energy(jnp.asarray(x))) + 0.5 * charge * np.sum(x * potential))
    for claim, expected, measured, slack in (
        ("total free energy", 183.064, energy, 0.05),
        ("total solute", 5096.857, step**2 * x.sum(), 0.5),
    ):
        claim = f"{claim} of the electrostatic problem at t = 0, {cells} x {cells}"
        yield compare(claim, _PFHUB.format("6a"), expected, measured, within=slack, because="four significant digits")


def _poisson(source: np.ndarray, step: float, right: np.ndarray) -> np.ndarray:
    """Return the potential with -div grad = source, 0 on the left, `right` on the right, closed at the other sides."""
    from scipy.fft import dct, dst, idct, idst

    count = np.arange(len(source))
    driven = source.copy()
    driven[:, -1] += 2 * right / step**2
    along, across = ((2 * np.sin(np.pi * number / (2 * len(source))) / step) ** 2 for number in (count, count + 1))
    waves = dst(dct(driven, type=2, axis=0), type=2, axis=1) / (along[:, None] + across)
    return np.asarray(idct(idst(waves, type=2, axis=1), type=2, axis=0))


class _Manufactured(System):
    """Problem 7a: Allen and Cahn's equation with the source that makes a known front its solution.

    The engine gives the local and the gradient term; walls at y = 0 and 1/2 hold 1 and 0.
    """

    def rates(self, time: Any, x: Any) -> Rates:
        """Return dx/dt = source - mu, with the values of the walls half a cell beyond the outer cells."""
        geometry = self.model.geometry
        step = geometry.spacing[0]
        mu = self.model.chemical_potential(x)
        wall = jnp.zeros_like(x).at[0].set(1 - x[0]).at[-1].set(-x[-1])
        zero = jnp.zeros((), x.dtype)
        change = _source(*_places(geometry), time) - mu + 2 * _KAPPA * wall / step**2
        return Rates(change, zero, zero, jnp.zeros_like(x), mu)


def _front(x: Any, y: Any, time: Any) -> Any:
    middle = 0.25 + 0.0075 * time * jnp.sin(8 * jnp.pi * x) + 0.03 * jnp.sin(22 * jnp.pi * x + 0.0625 * jnp.pi * time)
    return 0.5 * (1 - jnp.tanh((y - middle) / np.sqrt(2 * _KAPPA)))


def _source(x: Any, y: Any, time: Any) -> Any:
    """Return d/dt + f' - kappa div grad of the front."""

    def one(x: Any, y: Any) -> Any:
        value, rate = jax.jvp(lambda t: _front(x, y, t), (time,), (jnp.ones_like(time),))
        bent = jax.grad(jax.grad(_front, 0), 0)(x, y, time) + jax.grad(jax.grad(_front, 1), 1)(x, y, time)
        return rate + 4 * value * (value - 1) * (value - 0.5) - _KAPPA * bent

    return jax.vmap(jax.vmap(one))(x, y)


def _places(geometry: Any) -> tuple[Any, Any]:
    y, x = np.meshgrid(*((np.arange(n) + 0.5) * h for n, h in zip(geometry.shape, geometry.spacing, strict=True)),
                       indexing="ij")  # fmt: skip
    return jnp.asarray(x), jnp.asarray(y)


def manufactured_rows() -> Iterator[Row]:
    """Yield the rows on problem 7a."""
    errors = [manufactured_error(cells) for cells in (100, 200)]
    yield Row(
        "L2 error of the manufactured solution at t = 8, cells of 0.01",
        _PFHUB.format("7a"),
        6.9e-3,
        errors[0],
        0.0,
        "the error of other second-order codes",
        "<=",
    )
    yield compare(
        "order in space of the manufactured solution, cells of 0.01 and 0.005",
        "differences through faces",
        2.0,
        float(np.log2(errors[0] / errors[1])),
        within=0.3,
        because="the interface spans three cells of 0.01, so higher orders still show",
    )


def manufactured_error(cells: int, tolerance: float = 1e-5) -> float:
    """Return the L2 error of problem 7a at t = 8 on cells of 1/`cells`."""
    system, method, part = _manufactured(cells), pf.BogackiShampine(), pf.rest(8.0).parts[0]
    geometry = system.model.geometry
    zero = jnp.zeros(())
    control = pf.Controller(tolerance)
    now = start(system, control, State(_front(*_places(geometry), zero), zero), 0.0)
    while float(now.time) < 8.0:
        now = advance(system, method, control, Limits.of(part), now, jnp.asarray(8.0))
    off = now.state.x - _front(*_places(geometry), 8.0)
    return float(jnp.sqrt(geometry.cell_volume * jnp.sum(off**2)))


def _manufactured(cells: int) -> _Manufactured:
    model = pf.Model(
        _box((cells // 2, cells), 1 / cells, (False, True)),
        pf.DoubleWell(1.0),
        None,
        pf.CahnHilliard(1.0),  # a model moves lithium; the equation of the problem does not use it
        gradient_energy=_KAPPA,
        allow_unresolved=True,
    )
    system = System.of(model, pf.rest(8.0).parts[0])
    return _Manufactured(system.model, system.seconds, system.values, system.control)


def order_rows() -> Iterator[Row]:
    """Yield the rows on the order in time."""
    problem = _manufactured(20)
    front = _front(*_places(problem.model.geometry), jnp.zeros(()))
    cases: list[tuple[System, pf.Method, Any, str, float]] = [
        (problem, pf.BogackiShampine(), front, "the manufactured front of problem 7a", 4.0),
    ]
    coarse = pf.Model(
        _box((12, 12), 6.0, (True, True)),
        pf.DoubleWell(5.0, 0.3, 0.7),
        None,
        pf.CahnHilliard(5.0, "constant"),
        gradient_energy=2.0,
        allow_unresolved=True,
    )
    phase = 2 * np.pi * np.arange(12) / 12
    wave = jnp.asarray(0.5 + 0.1 * (np.cos(phase) * np.sin(phase)[:, None] + 0.5 * np.sin(phase - phase[:, None])))
    closed = System.of(coarse, pf.rest(10.0).parts[0])
    cases.append((closed, pf.ExponentialRungeKutta(), wave, "spinodal decomposition on cells that are not stiff", 10.0))
    # On the manufactured front errors of fourth order hide those of third: the same cells that are not stiff, then.
    cases.append((closed, pf.Rosenbrock(accuracy=1e-13), *cases[-1][2:]))
    cases.append(_reacting_case())
    for system, method, x, where, time in cases:
        yield compare(
            f"order in time of {type(method).__name__}, {where}",
            "differences between runs with steps halved twice",
            float(method.order),
            order_in_time(system, method, x, time, 64),
            within=0.3,
            because="steps of finite length: the next order still shows",
        )


def _reacting_case() -> tuple[System, pf.Method, Any, str, float]:
    """Return cells of a platelet that react on their own, with slow gradient energy, under constant current."""
    phase = 2 * np.pi * np.arange(8) / 8
    platelet = pf.Model(
        _box((8, 8), 50.0, (True, True), surface=2 / 150.0),
        pf.RegularSolution(3.0),
        pf.Reaction(0.05, "skewed_lim"),
        elasticity=pf.Coherent(jnp.asarray(1.0)),
        gradient_energy=100.0,
    )
    start = jnp.asarray(0.3 + 0.1 * np.cos(phase) * np.cos(phase)[:, None])
    system = System.of(platelet, pf.constant_current(1.0, seconds=600.0).parts[0])
    return system, pf.LocalRosenbrock(), start, "a platelet that takes up lithium unevenly", 600.0


def growth_rows() -> Iterator[Row]:
    """Yield the rows on the growth of a small wave on a uniform particle."""
    cells, wave = 64, 2
    phase = 2 * np.pi * wave * np.arange(cells) / cells
    shape = jnp.asarray(np.broadcast_to(np.cos(phase), (4, cells)))
    model = separation_model(cells)
    model = eqx.tree_at(lambda m: m.geometry, model, _box((4, cells), 0.5, (True, True)))
    k2 = (phase[1] / 0.5) ** 2
    found = pf.simulate(model, pf.rest(1.0), [0.0, 1.0], initial=0.5 + 1e-6 * shape)
    measured = float(jnp.log(2 * jnp.mean((found.final - 0.5) * shape) / 1e-6))
    yield _growth(
        f"bulk transport, k = {np.sqrt(k2):.2f}/nm", "-M k2 (f'' + kappa k2)", -5.0 * k2 * (-0.8 + 2.0 * k2), measured
    )
    for current in (0.0, 0.1, 1.0):
        yield _reaction_growth(current, shape, (phase[1] / 50.0) ** 2)


def _growth(what: str, source: str, expected: float, measured: float) -> Row:
    return compare(
        f"rate of growth of a wave: {what}",
        source,
        expected,
        measured,
        within=0.02 * abs(expected),
        because="2 %",
        unit="1/s",
    )


def _reaction_growth(current: float, shape: Any, k2: float, x: float = 0.4) -> Row:
    """Return the row on the reaction model at a given insertion current over k0."""
    omega, strain, kappa, k0 = 4.49, 3.73, 100.0, 0.01
    model = pf.Model(
        _box(shape.shape, 50.0, (True, True), surface=2 / 150.0),
        pf.RegularSolution(omega),
        pf.Reaction(k0, "skewed_lim"),
        elasticity=pf.Coherent(jnp.asarray(strain)),
        gradient_energy=kappa,
    )
    unit = 2 / 150.0 * k0 * float(model.rate_of_current)  # 1/s at which the current k0 inserts
    exchange = laws.exchange_law("skewed_lim")
    potential = laws.chemical_potential("regular_solution", omega=omega)
    state = laws.UniformState(exchange, potential, strain=strain, gradient=kappa * k2)
    change = model.rates(x + 1e-6 * shape, rate=jnp.asarray(current * unit)).change
    return _growth(
        f"reaction at an insertion current of {current:g} k0",
        "Bai 2011; Lim 2016, eqs. S12 and S13",
        unit * float(laws.growth_rate(x, current, state)),
        float(2 * jnp.mean(change * shape) / 1e-6),
    )


def _pattern(x: np.ndarray, y: np.ndarray, first: float) -> np.ndarray:
    return np.asarray(
        np.cos(first * x) * np.cos(0.11 * y)
        + (np.cos(0.13 * x) * np.cos(0.087 * y)) ** 2
        + np.cos(0.025 * x - 0.15 * y) * np.cos(0.07 * x - 0.02 * y)
    )


def _box(shape: tuple[int, ...], step: float, periodic: tuple[bool, ...], surface: float = 0.0) -> pf.Geometry:
    """Return a filled box, closed or periodic along each axis."""
    faces = [np.ones(shape) for _ in shape]
    for axis, around in enumerate(periodic):
        if not around:
            faces[axis][(slice(None),) * axis + (-1,)] = 0.0
    return pf.Geometry(
        (step,) * len(shape),
        jnp.ones(shape),
        tuple(jnp.asarray(face) for face in faces),
        jnp.full(shape, surface),
        pf.ParticleNumbers(np.ones(shape, int)),
    )
