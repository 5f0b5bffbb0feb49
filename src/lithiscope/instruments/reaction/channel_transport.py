"""Channels that take lithium at both ends, by a surface reaction with diffusion behind it, under one potentiostat.

Finite volumes along every channel; all ends share one potential. Butler-Volmer with a symmetric barrier at every end,
and behind it -D grad x, or -D x(1-x) grad mu with a Cahn-Hilliard term. Time by Alexander's two-stage diagonally
implicit Runge-Kutta method (second order, L-stable); each stage is solved by Newton's method, with the potential as one
more unknown where the current is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope.errors import OptionError
from lithiscope.instruments.reaction.electrode import THERMAL_VOLTAGE, Electrode, Even, Hold, Insertion, Step
from lithiscope.instruments.reaction.integration import step_times

Array = NDArray[np.float64]

_GAMMA = 1 - 2**-0.5  # of Alexander's method
_CLOSEST = 1e-7
_LAST, _LEAST = 1e-4, 1e-6  # the last lithium, which reacts in proportion to what is left, and what always is
_NEWTON = 25
_CLOSE = 1e-10  # of a solved stage
_HALVINGS = 12
_NUDGE = 1e-7  # of the numerical derivatives
_SECONDS_PER_HOUR = 3600.0


@final
@dataclass(frozen=True)
class Transport:
    """How lithium moves along a channel.

    Parameters
    ----------
    diffusivity : float
        Chemical diffusivity (m2/s): of -D grad x; or D of -D x(1-x) grad mu over the mean of x(1-x) dmu/dx, which is
        1 - Omega/3, as long as Omega < 2 (kT).
    driven_by : {"composition", "potential"}
        Which gradient drives it.
    gradient : float
        Cahn-Hilliard coefficient (kT nm2), for "potential" only.
    """

    diffusivity: float = 1e-13
    driven_by: Literal["composition", "potential"] = "composition"
    gradient: float = 0.0

    def __post_init__(self) -> None:
        if not self.diffusivity > 0 or self.gradient < 0 or (self.gradient and self.driven_by != "potential"):
            raise OptionError(
                "no such transport",
                field="diffusivity, gradient",
                value=(self.diffusivity, self.gradient),
                limit="a positive diffusivity; a gradient coefficient of zero or more, with driven_by = potential",
            )


@final
@dataclass(frozen=True)
class ChannelReaction:
    """What happened to the channels.

    Parameters
    ----------
    time : ndarray, shape (T,)
        When (s).
    lithium_fraction : ndarray, shape (T, R, C)
        Of the cells of every channel, from its start to its stop.
    mean : ndarray, shape (T,)
        Mean lithium fraction of the electrode, which all channels make up in equal shares.
    overpotential_free_volt : ndarray, shape (T,)
        Potential of the particles, ohmic drop excluded (V).
    current : ndarray, shape (T,)
        Positive on delithiation (A).
    step : ndarray of int, shape (T,)
        Number of the step.
    electrode : Electrode
        What reacted; its thickness is the length of the channels.
    transport : Transport
        How lithium moved in it.
    steps : tuple of Step
        What was done.
    """

    time: Array
    lithium_fraction: Array
    mean: Array
    overpotential_free_volt: Array
    current: Array
    step: NDArray[np.int64]
    electrode: Electrode
    transport: Transport
    steps: tuple[Step, ...]

    @property
    def volt(self) -> Array:
        """What the potentiostat reads (V): potential of the particles plus the ohmic drop."""
        return self.overpotential_free_volt + self.current * self.electrode.resistance

    def span(self, step: int) -> tuple[float, float]:
        """Return when a step began and ended (s)."""
        when = self.time[self.step == step]
        return float(when[0]), float(when[-1])


def bulk_seconds(electrode: Electrode, transport: Transport) -> float:
    """Return tau_bulk = L^2/D (s) with L half of the channel (Koo et al. 2023)."""
    return float((electrode.thickness * 1e-9 / 2) ** 2 / transport.diffusivity)


def reaction_seconds(electrode: Electrode) -> float:
    """Return tau_reaction = e rho_s L_ch/(2 j0) (s) with j0 = k0 F(x) averaged over x."""
    every = np.linspace(0.0, 1.0, 2001)[1:-1]
    return float(1 / (electrode.frequency * np.trapezoid(electrode.relative_exchange_current(every), every)))


def react_along_channels(
    electrode: Electrode,
    transport: Transport,
    rates: ArrayLike,
    steps: Sequence[Step],
    *,
    start: float = 0.02,
    cells: int = 40,
    samples: int = 250,
) -> ChannelReaction:
    """Follow channels through the steps of a protocol.

    Parameters
    ----------
    electrode : Electrode
        Exchange current, law, equilibrium voltage, capacity, resistance; `thickness` is the distance between the two
        reacting ends. Its spread of rates is not used.
    transport : Transport
        How lithium moves behind the ends.
    rates : array_like, shape (R, 2)
        Relative rate of the reaction at both ends of every channel.
    steps : sequence of Step
        What the potentiostat does, in order.
    start : float
        Uniform lithium fraction at time 0.
    cells : int
        Of the mesh of a channel.
    samples : int
        Times that are kept of every step, evenly spaced; each is reached in one step of the integration.

    Returns
    -------
    ChannelReaction
        Composition, potential and current.

    Raises
    ------
    OptionError
        If the rates have another shape, or a step cannot be followed, e.g. because the ends are full before the wanted
        mean is reached.
    """
    factor = np.asarray(rates, dtype=float)
    if factor.ndim != 2 or factor.shape[1] != 2 or not np.all(factor > 0):
        raise OptionError(
            "every channel needs a rate at both ends", field="rates", value=factor.shape, limit="(channels, 2), above 0"
        )
    model = _Model(electrode, transport, factor, cells)
    state, volt, now = np.full((len(factor), cells), float(start)), 0.0, 0.0
    parts = []
    for step in steps:
        mean = float(state.mean())
        times = step_times(step, mean, _length(step, mean) / samples)
        states, volts = _follow(model, step, state, volt, times)
        state, volt = states[-1], float(volts[-1])
        parts.append((now + times, states, volts))
        now += float(times[-1])
    time, x, reduced = (np.concatenate(column) for column in zip(*parts, strict=True))
    number = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    mean_rate = np.array([model.mean_rate(one, v) for one, v in zip(x, reduced, strict=True)])
    for k, step in enumerate(steps):
        if isinstance(step, Even):
            own = number == k
            mean_rate[own] = np.gradient(x[own].mean(axis=(1, 2)), time[own])
    return ChannelReaction(
        time=time,
        lithium_fraction=x,
        mean=x.mean(axis=(1, 2)),
        overpotential_free_volt=electrode.equilibrium_volt + THERMAL_VOLTAGE * reduced,
        current=-mean_rate * _SECONDS_PER_HOUR * electrode.capacity,
        step=number,
        electrode=electrode,
        transport=transport,
        steps=tuple(steps),
    )


def _length(step: Step, mean: float) -> float:
    if isinstance(step, Insertion):
        return abs(step.until - mean) * _SECONDS_PER_HOUR / step.c_rate
    return step.seconds


@final
@dataclass(frozen=True)
class _Model:
    """dx/dt (1/s) of the cells at a potential (kT/e from V_0), with its derivatives."""

    electrode: Electrode
    transport: Transport
    factor: Array
    cells: int

    @property
    def band(self) -> int:
        return 2 if self.transport.gradient else 1

    def change(self, x: Array, volt: float) -> Array:
        """Return dx/dt (R, C)."""
        x = np.clip(x, _CLOSEST, 1 - _CLOSEST)
        h = self.electrode.thickness / self.cells  # nm
        mu = -self.electrode.equilibrium(x)
        if self.transport.gradient:
            padded = np.concatenate([x[:, :1], x, x[:, -1:]], axis=1)
            mu = mu - self.transport.gradient * np.diff(padded, 2, axis=1) / h**2
        speed = self.transport.diffusivity * 1e18 / h**2
        if self.transport.driven_by == "composition":
            flux = -speed * np.diff(x, axis=1)
        else:
            middle = (x[:, 1:] + x[:, :-1]) / 2
            omega = self.electrode.interaction
            flux = -speed * middle * (1 - middle) * np.diff(mu, axis=1) / (1 - omega / 3 if omega < 2 else 1.0)
        ends = [0, -1]
        exchange = self.electrode.relative_exchange_current(x[:, ends])
        if self.electrode.interaction == 0:
            # With one equilibrium voltage for all x an end would run empty in finite time, by the root of x.
            for left in (x[:, ends], 1 - x[:, ends]):
                exchange = exchange * (left - _LEAST) / (left + _LAST)
        # One end makes half of what a platelet with two faces of this distance does, all of it in one cell.
        strength = self.electrode.frequency / 2 * self.cells * self.factor * exchange
        inserted = -strength * 2 * np.sinh(np.clip(volt + mu[:, ends], -80, 80) / 2)
        found = np.zeros_like(x)
        found[:, :-1] -= flux
        found[:, 1:] += flux
        found[:, ends] += inserted
        return found

    def mean_rate(self, x: Array, volt: float) -> float:
        return float(self.change(x, volt).mean())

    def slopes(self, x: Array, volt: float, here: Array) -> tuple[Array, Array]:
        """Return d(change)/dx as a band matrix over all cells in a row, and d(change)/dvolt."""
        band, columns = self.band, 2 * self.band + 1
        found = np.zeros((columns, *x.shape))
        for first in range(columns):
            moved = x.copy()
            # Away from the nearer end, so that a clipped cell still answers.
            nudge = np.where(x[:, first::columns] < 0.5, _NUDGE, -_NUDGE)
            moved[:, first::columns] += nudge
            slope = self.change(moved, volt) - here
            for k, column in enumerate(range(first, self.cells, columns)):
                low, high = max(0, column - band), min(self.cells, column + band + 1)
                found[band + low - column : band + high - column, :, column] = (
                    slope[:, low:high] / nudge[:, k : k + 1]
                ).T
        by_volt = (self.change(x, volt + 1e-5) - self.change(x, volt - 1e-5)) / 2e-5
        return found.reshape(columns, -1), by_volt


def _follow(model: _Model, step: Step, state: Array, volt: float, times: Array) -> tuple[Array, Array]:
    """Return compositions and potentials at the times of one step."""
    if isinstance(step, Even):
        share = (times / times[-1])[:, None, None]
        return state + share * (step.lithium_fraction - state), np.full(len(times), volt)
    wanted: float | None = 0.0
    if isinstance(step, Hold):
        wanted, volt = None, (step.volt - model.electrode.equilibrium_volt) / THERMAL_VOLTAGE
    elif isinstance(step, Insertion):
        wanted = float(np.sign(step.until - state.mean())) * step.c_rate / _SECONDS_PER_HOUR
    if wanted is not None:
        volt = _potential_of(model, state, wanted, volt)
    states, volts, before = [], [], 0.0
    for when in times:
        state, volt = _advance(model, state, volt, when - before, wanted, 0)
        states.append(state)
        volts.append(volt)
        before = when
    return np.array(states), np.array(volts)


def _potential_of(model: _Model, x: Array, wanted: float, volt: float) -> float:
    """Return the potential at which the mean dx/dt is the wanted one."""
    from scipy.optimize import brentq

    low, high = volt - 5.0, volt + 5.0
    while model.mean_rate(x, low) < wanted and low > -150:
        low -= 10.0
    while model.mean_rate(x, high) > wanted and high < 150:
        high += 10.0
    return float(brentq(lambda v: model.mean_rate(x, v) - wanted, low, high, xtol=1e-10))


def _advance(
    model: _Model, x: Array, volt: float, seconds: float, wanted: float | None, depth: int
) -> tuple[Array, float]:
    """Return composition and potential after a time, in halves where one step does not converge."""
    first = _stage(model, x, x, volt, _GAMMA * seconds, wanted)
    if first is not None:
        slope = (first[0] - x) / (_GAMMA * seconds)
        base = x + (1 - _GAMMA) * seconds * slope
        second = _stage(model, base, first[0], first[1], _GAMMA * seconds, wanted)
        if second is not None and np.all((second[0] > 0) & (second[0] < 1)):
            return second
    if depth == _HALVINGS:
        raise OptionError(
            "the virtual channels cannot follow this step",
            field="steps",
            value=f"mean lithium fraction {x.mean():.3f}",
            remedy="a smaller current, or an end further from full or empty",
        )
    x, volt = _advance(model, x, volt, seconds / 2, wanted, depth + 1)
    return _advance(model, x, volt, seconds / 2, wanted, depth + 1)


def _stage(
    model: _Model, base: Array, guess: Array, volt: float, seconds: float, wanted: float | None
) -> tuple[Array, float] | None:
    """Solve y = base + seconds * change(y, volt), with mean(change) = wanted where the current is given."""
    from scipy.linalg import solve_banded

    y, band = np.clip(guess, _CLOSEST, 1 - _CLOSEST), model.band
    for _ in range(_NEWTON):
        here = model.change(y, volt)
        miss = y - base - seconds * here
        lacking = 0.0 if wanted is None else float(here.mean()) - wanted
        if np.abs(miss).max() < _CLOSE and abs(lacking) * seconds < _CLOSE:
            return y, volt
        slope, by_volt = model.slopes(y, volt, here)
        matrix = -seconds * slope
        matrix[band] += 1.0
        with np.errstate(all="ignore"):
            solved = solve_banded(
                (band, band), matrix, np.stack([-miss.ravel(), seconds * by_volt.ravel()], axis=1), check_finite=False
            )
        free, along = solved[:, 0].reshape(y.shape), solved[:, 1].reshape(y.shape)
        rise = 0.0
        if wanted is not None:
            # Only the reaction changes the mean: diffusion moves lithium within a channel.
            uphill = slope.sum(axis=0).reshape(y.shape) / y.size
            answer = float((uphill * along).sum()) + float(by_volt.mean())
            if answer == 0:
                return None
            rise = float(np.clip((-lacking - float((uphill * free).sum())) / answer, -3.0, 3.0))
        moved = y + free + rise * along
        if not np.all(np.isfinite(moved)):
            return None
        # Half way to an end at most, which the logarithm of the potential forbids.
        y = np.clip(moved, y / 2, (1 + y) / 2)
        volt += rise
    return None
