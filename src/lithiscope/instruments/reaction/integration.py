"""Integration of the virtual electrode in time: every rate at once, under one potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lithiscope.errors import OptionError
from lithiscope.instruments.reaction.closed_form import advanced, coordinate, slope_of_mean
from lithiscope.instruments.reaction.electrode import THERMAL_VOLTAGE, Electrode, Even, Hold, Insertion, Step

Array = NDArray[np.float64]

# Rates that are told apart, over this many standard deviations; beyond them the outermost stands.
_RATES = 241
_SPREADS = 5.0
_NARROWEST = 0.5  # so that fields of rate can be wider than the spread of the electrode
# Compositions closer to 0 or 1 than this do not occur: the logarithm of the chemical potential forbids it.
_CLOSEST = 1e-6
_SECONDS_PER_HOUR = 3600.0


@final
@dataclass(frozen=True)
class Reaction:
    """What happened to the electrode.

    Parameters
    ----------
    time : ndarray, shape (T,)
        When (s).
    log_rate : ndarray, shape (R,)
        ln of the relative rates that were followed.
    lithium_fraction : ndarray, shape (T, R)
        Of places of each rate.
    mean : ndarray, shape (T,)
        Mean lithium fraction of the electrode.
    overpotential_free_volt : ndarray, shape (T,)
        Potential of the particles, ohmic drop excluded (V).
    current : ndarray, shape (T,)
        Positive on delithiation (A).
    step : ndarray of int, shape (T,)
        Number of the step.
    electrode : Electrode
        What reacted.
    steps : tuple of Step
        What was done.
    """

    time: Array
    log_rate: Array
    lithium_fraction: Array
    mean: Array
    overpotential_free_volt: Array
    current: Array
    step: NDArray[np.int64]
    electrode: Electrode
    steps: tuple[Step, ...]

    @property
    def volt(self) -> Array:
        """What the potentiostat reads (V): potential of the particles plus the ohmic drop."""
        return self.overpotential_free_volt + self.current * self.electrode.resistance

    def fraction(self, time: ArrayLike, rate: ArrayLike) -> Array:
        """Return the lithium fraction at times (s) of places of a relative rate; shapes broadcast, linear between."""
        from scipy.ndimage import map_coordinates

        when = np.interp(np.asarray(time, dtype=float), self.time, np.arange(self.time.size))
        spacing = self.log_rate[1] - self.log_rate[0]
        place = (np.log(np.asarray(rate, dtype=float)) - self.log_rate[0]) / spacing
        when, place = np.broadcast_arrays(when, place)
        found = map_coordinates(self.lithium_fraction, [np.ravel(when), np.ravel(place)], order=1, mode="nearest")
        return np.asarray(found).reshape(when.shape)

    def span(self, step: int) -> tuple[float, float]:
        """Return when a step began and ended (s)."""
        when = self.time[self.step == step]
        return float(when[0]), float(when[-1])


def react(electrode: Electrode, steps: Sequence[Step], *, start: float = 0.02, sample: float = 5.0) -> Reaction:
    """Integrate the electrode through the steps of a protocol.

    Parameters
    ----------
    electrode : Electrode
        What reacts.
    steps : sequence of Step
        What the potentiostat does, in order.
    start : float
        Uniform lithium fraction at time 0.
    sample : float
        Time between samples (s).

    Returns
    -------
    Reaction
        Composition of every rate, voltage and current, at the samples and at both ends of every step.

    Raises
    ------
    OptionError
        If a step asks for what cannot be, or the integration fails.

    Notes
    -----
    dx/dt = -(2 k0 / (e rho_s Th)) k F(x) 2 sinh((V - V_eq(x)) / (2 kT/e)), the Butler-Volmer law with a symmetric
    barrier. At constant current the potential follows in closed form from the sum over the rates. Without interaction
    the compositions do too (see `closed_form`).
    """
    width = max(electrode.rate_spread, _NARROWEST) * _SPREADS
    log_rate = np.linspace(-width, width, _RATES)
    weight = _weights(log_rate, electrode.rate_spread)
    state, now = np.full(_RATES, float(start)), 0.0
    parts: list[tuple[Array, Array, Array, Array]] = []
    for step in steps:
        mean = float(state @ weight)
        if electrode.interaction == 0 and not isinstance(step, Even):
            times, states, potential, mean_rate = _in_closed_form(
                electrode, step, state, sample, np.exp(log_rate), weight
            )
        else:
            times, states = _run(electrode, step, state, sample, np.exp(log_rate), weight)
            rates = [_kinetics(electrode, step, x, np.exp(log_rate), weight, mean) for x in states]
            potential, mean_rate = np.array([one[0] for one in rates]), np.array([one[1] @ weight for one in rates])
        times = now + times
        parts.append((times, states, potential, -mean_rate * _SECONDS_PER_HOUR * electrode.capacity))
        state, now = states[-1], float(times[-1])
    time, x, potential, current = (np.concatenate(column) for column in zip(*parts, strict=True))
    number = np.repeat(np.arange(len(parts)), [part[0].size for part in parts])
    volt = electrode.equilibrium_volt + THERMAL_VOLTAGE * potential
    return Reaction(time, log_rate, x, x @ weight, volt, current, number, electrode, tuple(steps))


def _weights(log_rate: Array, spread: float) -> Array:
    """Return the share of the electrode at each rate."""
    if spread <= 0:
        weight = (np.abs(log_rate) == np.abs(log_rate).min()).astype(float)
    else:
        weight = np.exp(-0.5 * np.square(log_rate / spread))
    return np.asarray(weight / weight.sum())


def step_times(step: Step, mean: float, sample: float) -> Array:
    """Return the times (s) of a step that begins at a mean composition, evenly spaced and its end."""
    length = _length(step, mean)
    # A step begins just after the one before has ended, so that time increases strictly.
    return np.unique(np.append(np.arange(1e-3, length, sample), length))


def _run(
    electrode: Electrode, step: Step, state: Array, sample: float, rate: Array, weight: Array
) -> tuple[Array, Array]:
    from scipy.integrate import solve_ivp

    mean = float(state @ weight)
    times = step_times(step, mean, sample)
    if isinstance(step, Even):
        return times, state + (times / times[-1])[:, None] * (step.lithium_fraction - state)
    solved = solve_ivp(
        lambda _t, x: _kinetics(electrode, step, x, rate, weight, mean)[1],
        (0.0, times[-1]),
        state,
        method="LSODA",
        t_eval=times,
        rtol=1e-7,
        atol=1e-9,
    )
    if not solved.success or not np.isfinite(solved.y).all():
        raise OptionError(
            "the virtual electrode cannot follow this step", field="steps", value=step, remedy=str(solved.message)
        )
    return times, np.clip(solved.y.T, _CLOSEST, 1 - _CLOSEST)


def _in_closed_form(
    electrode: Electrode, step: Step, state: Array, sample: float, rate: Array, weight: Array
) -> tuple[Array, Array, Array, Array]:
    """Return times, compositions, potential (kT/e) and mean dx/dt (1/s) where the equilibrium voltage is one."""
    mean = float(state @ weight)
    times = step_times(step, mean, sample)
    if isinstance(step, Insertion):
        flow = np.sign(step.until - mean) * step.c_rate / _SECONDS_PER_HOUR
        reached = coordinate(electrode.law, state, rate, weight, mean + flow * times)
        mean_rate = np.full(times.size, flow)
        speed = flow / slope_of_mean(electrode.law, state, rate, weight, reached)
    else:
        volt = step.volt if isinstance(step, Hold) else electrode.equilibrium_volt
        held = (volt - electrode.equilibrium_volt) / THERMAL_VOLTAGE
        speed = np.full(times.size, -electrode.frequency * 2 * np.sinh(held / 2))
        reached = speed * times
        mean_rate = speed * slope_of_mean(electrode.law, state, rate, weight, reached)
    states = np.clip(advanced(electrode.law, state, reached[:, None] * rate), _CLOSEST, 1 - _CLOSEST)
    return times, states, -2 * np.arcsinh(speed / (2 * electrode.frequency)), mean_rate


def _length(step: Step, mean: float) -> float:
    if isinstance(step, Insertion):
        if not (step.c_rate > 0 and 0 < step.until < 1 and abs(step.until - mean) > _CLOSEST):
            raise OptionError(
                "no such half cycle",
                field="steps",
                value=step,
                limit="c_rate > 0, 0 < until < 1",
                remedy="choose another composition to end at, and a positive rate",
            )
        return abs(step.until - mean) * _SECONDS_PER_HOUR / step.c_rate
    if isinstance(step, Even) and not 0 < step.lithium_fraction < 1:
        raise OptionError(
            "no such composition",
            field="steps",
            value=step,
            limit="between 0 and 1",
            remedy="choose a value between 0 and 1",
        )
    if not step.seconds > 0:
        raise OptionError(
            "a step must last", field="seconds", value=step.seconds, limit="above 0", remedy="give seconds above 0"
        )
    return step.seconds


def _kinetics(
    electrode: Electrode, step: Step, x: Array, rate: Array, weight: Array, mean: float
) -> tuple[float, Array]:
    """Return the potential (kT/e from V_0) and dx/dt (1/s) of every rate."""
    x = np.clip(x, _CLOSEST, 1 - _CLOSEST)
    strength = electrode.frequency * rate * electrode.relative_exchange_current(x)
    equilibrium = electrode.equilibrium(x)
    if isinstance(step, Even):
        return float(equilibrium @ weight), np.full_like(x, (step.lithium_fraction - mean) / step.seconds)
    if isinstance(step, Hold):
        potential = (step.volt - electrode.equilibrium_volt) / THERMAL_VOLTAGE
    else:
        wanted = 0.0
        if isinstance(step, Insertion):
            wanted = -np.sign(step.until - mean) * step.c_rate / _SECONDS_PER_HOUR
        # sum w s (e^{(V-E)/2} - e^{-(V-E)/2}) = wanted is quadratic in e^{V/2}.
        forward = float(np.sum(weight * strength * np.exp(-equilibrium / 2)))
        backward = float(np.sum(weight * strength * np.exp(equilibrium / 2)))
        root = np.sqrt(wanted**2 + 4 * forward * backward)
        # The stable form of the quadratic formula for either sign.
        half = (wanted + root) / (2 * forward) if wanted >= 0 else 2 * backward / (root - wanted)
        potential = 2 * float(np.log(half))
    return potential, -strength * 2 * np.sinh((potential - equilibrium) / 2)
