"""Run a model under a protocol and give a composition video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.phasefield.arguments import refuse_arguments
from lithiscope.phasefield.arrays import Cells, fits, refuse_undefined
from lithiscope.phasefield.choose import choose_method
from lithiscope.phasefield.methods import Method, State
from lithiscope.phasefield.model import Model
from lithiscope.phasefield.plan import End, Plan, Stretch
from lithiscope.phasefield.protocol import Protocol
from lithiscope.phasefield.results import Shot, to_stages
from lithiscope.phasefield.steps import Controller, Limits, Progress, Why, advance, back_to_limit, start
from lithiscope.phasefield.system import System
from lithiscope.progress import SILENT, Reporter

if TYPE_CHECKING:
    import xarray as xr

_AT_LIMIT = 1e-5  # V, or of x = 1: a part may start where the last one ended, to single precision
_FURTHEST = 100.0  # kT/e, 2.6 V from equilibrium: exponentials leave the range of single precision


@dataclass(frozen=True)
class Simulation:
    """What a run gives.

    Attributes
    ----------
    video : composition_video
        Lithium fraction, like a measured one (``attrs["origin"] = "simulation"``).
    record : simulation
        Voltage, energy, currents and mass balance at the frames.
    stopped : str
        Why the run ended.
    complete : bool
        Whether every part of the protocol ended as it should: by its duration or one of its limits.
    plan : Plan
        The accepted steps, for `replay` and gradients.
    method : Method
        The method of time integration.
    final : array
        x at the end, in every cell.
    """

    video: xr.Dataset
    record: xr.Dataset
    stopped: str
    complete: bool
    plan: Plan
    method: Method
    final: Cells


def simulate(
    model: Model,
    protocol: Protocol,
    times: int | Sequence[float] | np.ndarray = 50,
    *,
    initial: float | Cells = 0.02,
    method: Method | None = None,
    controller: Controller = Controller(),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> Simulation:
    """Run a model under a protocol.

    Parameters
    ----------
    model : Model
        What is simulated; its arrays give the precision (float64, or float32 after `in_precision`).
    protocol : Protocol
        What the potentiostat asks for.
    times : int or array
        Times of the frames from the start, s, increasing; a number gives so many at equal distances, with both ends.
    initial : float or array, shape ((z), y, x)
        x at the start, above 0 and below 1 where the free energy holds ideal entropy.
    method : Method, optional
        How to step; without it the choice of `choose_method`, whose reason is in ``record.attrs["method"]``.
    controller : Controller
        Tolerance of the steps.
    reporter : Reporter
        Told of each frame.

    Returns
    -------
    Simulation
        Frames up to the end, which may come before the last time.

    Raises
    ------
    OptionError
        If a parameter is not finite, times or initial composition cannot be used, the method does not suit the model,
        or a limit of the first part is already passed at the start.
    AnalysisError
        If not even the first moment has a finite rate.
    """
    refuse_arguments(model, protocol, times, method, controller)
    refuse_undefined(model)
    _refuse_closed(model, protocol)
    chosen, reason = choose_method(model, method, tolerance=controller.tolerance, seconds=protocol.duration)
    asked = _times(times, protocol)
    x = _initial(model, initial)
    run = _Run(model, protocol, chosen, controller, State(x, jnp.zeros((), x.dtype)))
    for time in reporter.track(asked, label="simulating", total=len(asked)):
        if not run.go_to(float(time)):
            break
    run.keep_last()
    video, record = to_stages(
        model,
        run.shots,
        attrs={
            "stopped": run.stopped,
            "method": f"{type(chosen).__name__}: {reason}; tolerance {controller.tolerance:g}",
            "steps": f"{run.accepted} accepted, {run.rejected} rejected",
            "precision": str(x.dtype),
        },
    )
    return Simulation(video, record, run.stopped, run.complete, Plan.of(run.stretches), chosen, run.state.x)


def in_precision(model: Model, dtype: Any) -> Model:
    """Return the model with its arrays as float32 or float64; the first is about twice as fast."""
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model)


def _times(times: int | Sequence[float] | np.ndarray, protocol: Protocol) -> np.ndarray:
    if isinstance(times, (int, np.integer)):
        if times < 2:
            raise OptionError("too few frames", field="times", value=times, limit="at least 2", remedy="ask for more")
        return np.linspace(0.0, protocol.duration, int(times))
    asked = np.asarray(times, dtype=float)
    if asked.ndim != 1 or asked.size == 0 or not np.isfinite(asked).all():
        raise OptionError(
            "the times of the frames cannot be used", field="times", value=asked.shape, remedy="give finite seconds"
        )
    if np.any(np.diff(asked) <= 0) or asked[0] < 0:
        raise OptionError(
            "the times of the frames are not in order",
            field="times",
            value=float(asked[0]),
            limit="increasing from 0 s",
        )
    return asked


def _initial(model: Model, initial: float | Cells) -> Cells:
    geometry = model.geometry
    dtype = geometry.inside.dtype
    given = np.asarray(initial)
    if given.dtype.kind not in "fiu":
        raise OptionError("the initial composition is no number", field="initial", value=given.dtype, limit="0 to 1")
    fits("initial", given, geometry.shape, "cell")
    x = jnp.broadcast_to(jnp.asarray(given, dtype), geometry.shape)
    known = np.asarray(x)[geometry.active]
    bounded = model.free_energy.on_ideal_entropy()
    beyond = model.reaction is not None and (known.min() < 0 or known.max() > 1)
    if not np.isfinite(known).all() or beyond or (bounded and (known.min() <= 0 or known.max() >= 1)):
        raise OptionError(
            "the initial composition cannot be used",
            field="initial",
            value=f"{known.min():g} to {known.max():g}",
            limit="finite, above 0 and below 1",
            remedy="ideal entropy is infinite in slope at both ends: start at 0.01 or so",
        )
    return jnp.where(geometry.active, x, 0.0)


def _refuse_closed(model: Model, protocol: Protocol) -> None:
    """Refuse a current through, or a potential of, a system without reaction."""
    for number, part in enumerate(protocol.parts, start=1):
        if model.reaction is None and (part.control == "potential" or np.any(np.asarray(part.values) != 0)):
            raise OptionError(
                "a closed system carries no current and has no voltage",
                field="protocol",
                value=f"part {number}, given {part.control}",
                limit="rest",
                remedy="give the model a reaction, or use rest",
            )


def _refuse_start(model: Model, x: Cells, mu: Cells) -> None:
    """Refuse a composition at which free energy or exchange current are not defined, such as one beyond a table."""
    undefined = {"chemical potential": mu}
    if model.reaction is not None:
        within = jnp.where(model.geometry.active & (model.geometry.surface > 0), x, 0.5)
        undefined["exchange current"] = model.reaction.exchange_density(within)
    for what, values in undefined.items():
        bad = model.geometry.active & ~np.isfinite(np.broadcast_to(np.asarray(values), x.shape))
        if bad.any():
            known = np.asarray(x)[bad]
            raise OptionError(
                f"the {what} is not defined at the initial composition",
                field="initial",
                value=f"{int(bad.sum())} cells, {known.min():g} to {known.max():g}",
                remedy="start inside the range of the free energy and of j0",
            )


class _Run:
    """A run through the parts of a protocol, from output to output."""

    def __init__(self, model: Model, protocol: Protocol, method: Method, controller: Controller, state: State) -> None:
        self.model, self.protocol = model, protocol
        # As arrays, so that one program serves every tolerance.
        self.method, self.controller = jax.tree.map(
            lambda value: jnp.asarray(value, state.x.dtype), (method, controller)
        )
        self.state = state
        self.shots: list[Shot] = []
        self.stopped, self.complete = "the last time that was asked for", True
        self.accepted = self.rejected = 0
        self._part, self._offset = 0, 0.0
        self._half_cycle, self._last_direction = -1, 0
        self.stretches: list[Stretch] = []
        self._begin()

    def _begin(self) -> None:
        part = self.protocol.parts[self._part]
        self.system, self.limits = System.of(self.model, part), Limits.of(part)
        self.state = self.method.begin(self.system, self.state)
        self.now: Progress = start(self.system, self.controller, self.state, 0.0)
        if self._part == 0:
            _refuse_start(self.model, self.state.x, self.now.rates.mu)
        reason = self._impossible() or self._passed()
        if reason:
            if self._part == 0:
                raise AnalysisError(
                    reason, field="protocol", value=part.values[0], remedy="lower the rate, or check j0 and the law"
                )
            self._stop(reason, complete=False)
            return
        direction = int(np.sign(float(self.now.rates.insertion)))
        if direction and direction != self._last_direction:
            self._half_cycle += 1
            self._last_direction = direction

    def _impossible(self) -> str:
        """Return why the part of the protocol cannot begin, or nothing."""
        rates, part = self.now.rates, f"part {self._part + 1} of the protocol asks for"
        if not bool(jnp.isfinite(rates.potential)):
            return f"{part} a current that the particle cannot carry"
        away = jnp.max(jnp.where(self.model.geometry.active, jnp.abs(rates.potential + rates.mu), 0.0))
        if self.system.control == "potential" and float(away) > _FURTHEST:
            volt = float(away * self.model.thermal_voltage())
            return f"{part} a potential {volt:.3g} V from equilibrium, where no law of reaction holds"
        return ""

    def _passed(self) -> str:
        """Return which limit of the part is passed before any step, or nothing; in the first part that is an error."""
        part = self.protocol.parts[self._part]
        found = {
            "volt_limits": (float(self.system.volt(self.now.rates)), part.volt_limits, "voltage", " V"),
            "fraction_limits": (float(self.model.geometry.mean(self.state.x)), part.fraction_limits, "mean x", ""),
        }
        for field, (value, (low, high), name, unit) in found.items():
            if low - _AT_LIMIT <= value <= high + _AT_LIMIT:
                continue
            limit = low if value < low else high
            reason = (
                f"part {self._part + 1} of the protocol ends {'below' if value < low else 'above'} a {name} of "
                f"{limit:.4g}{unit}, which was already passed at its start, at {value:.4g}{unit}"
            )
            if self._part:
                return reason
            raise OptionError(
                reason,
                field=field,
                value=value,
                limit=f"{low:g} to {high:g}",
                remedy="change the limit, turn the current around, start elsewhere, or leave the part out",
            )
        return ""

    def _stop(self, reason: str, *, complete: bool) -> None:
        self.stopped, self.complete, self._part = reason, complete, len(self.protocol.parts)

    def go_to(self, time: float) -> bool:
        """Go on to a time and keep the frame there; return whether the run goes on."""
        while self._part < len(self.protocol.parts):
            part = self.protocol.parts[self._part]
            end = self._offset + part.duration
            if time <= end * (1 + 1e-12):
                if self._advance(min(time - self._offset, part.duration), "frame"):
                    self._keep()
                    return True
            elif self._advance(part.duration, "duration"):
                self._next(part.duration)
        return False

    def keep_last(self) -> None:
        """Keep the state at which the run ended before a time that was asked for."""
        if not self.shots or (self.stretches and not self.stretches[-1].output):
            self._keep()

    def _keep(self) -> None:
        time = self._offset + float(self.now.time)
        if self.shots and time <= self.shots[-1].time:
            return
        rates = self.method.told(self.system, self.state, self.now.rates)
        direction = int(np.sign(float(rates.insertion))) if abs(float(rates.insertion)) * 3600 > 1e-9 else 0
        half_cycle = self._half_cycle if direction else -1
        self.shots.append(Shot.of(self.system, time, self.state, rates, half_cycle, direction, self._first_mean))
        if self.stretches:
            self.stretches[-1] = self.stretches[-1]._replace(output=True)

    @property
    def _first_mean(self) -> float:
        return self.shots[0].mean if self.shots else float(self.model.geometry.mean(self.state.x))

    def _advance(self, end: float, reason: End) -> bool:
        """Step to a time of the part; return whether it was reached, else go to the next part or stop."""
        if end <= float(self.now.time):
            return True
        begin, lengths = float(self.now.time), []
        while True:
            goal = jnp.asarray(end, self.state.x.dtype)
            self.now = advance(self.system, self.method, self.controller, self.limits, self.now, goal)
            accepted = int(self.now.accepted)
            lengths.append(np.asarray(self.now.lengths)[:accepted])
            self.accepted, self.rejected = self.accepted + accepted, self.rejected + int(self.now.rejected)
            if self.now.why != Why.RECORD_FULL:
                break
        why = Why(int(self.now.why))
        if why != Why.REACHED:
            reason = self._back(lengths) if why == Why.LIMIT else ""
        self.state = self.now.state
        self.stretches.append(Stretch(self._part, begin, np.concatenate(lengths), reason))
        if why == Why.LIMIT:
            self._next(float(self.now.time))
            return False
        if why == Why.STUCK:
            self._stop(_stuck(self.system, self.now, self._offset), complete=False)
            return False
        return True

    def _back(self, lengths: list[np.ndarray]) -> End:
        """Shorten the last step so that it ends at the limit, and return which one."""
        before = self.now.before
        length, state, rates = back_to_limit(self.system, self.method, self.limits, self.now)
        self.now = self.now._replace(time=before[0] + length, state=state, rates=rates)
        lengths[-1] = np.append(lengths[-1][:-1], np.asarray(length))
        # One that was passed by a rounding before the step is met at its start, and does not move.
        crossed = float(self.limits.beyond(self.system, *before[1:])) < 0
        return self.limits.nearest(self.system, state, rates) if crossed else ""

    def _next(self, duration: float) -> None:
        """Go to the next part of the protocol."""
        part = self.protocol.parts[self._part]
        self._offset += duration
        self._part += 1
        if self._part == len(self.protocol.parts):
            ended = "its duration" if math.isclose(duration, part.duration, rel_tol=1e-9) else self._limit()
            # The shots and the record count from the offset, so the clock of a finished part starts over.
            self.now = self.now._replace(time=jnp.zeros_like(self.now.time))
            self._stop(f"the last part of the protocol ended by {ended}", complete=True)
            return
        self.now = self.now._replace(time=jnp.zeros_like(self.now.time))
        self._begin()

    def _limit(self) -> str:
        volt, mean = float(self.system.volt(self.now.rates)), float(self.model.geometry.mean(self.state.x))
        return f"a limit, at {volt:.4g} V and a mean composition of {mean:.4g}"


def _stuck(system: System, now: Progress, offset: float) -> str:
    x = np.asarray(now.state.x)[system.model.geometry.active]
    at = f"at {offset + float(now.time):.6g} s, with x from {x.min():.4g} to {x.max():.4g}"
    counted = system.model.free_energy.on_ideal_entropy() or system.model.reaction is not None
    if counted and (x.min() < 1e-3 or x.max() > 1 - 1e-3):
        return f"the particle is full or empty and cannot carry the current any longer: no step succeeded {at}"
    return f"no step however short met the tolerance {at}"
