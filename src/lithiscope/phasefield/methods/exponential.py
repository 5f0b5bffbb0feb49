"""Exponential fourth-order method for grids that close on themselves: the stiff linear part is solved exactly."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.elasticity import NoElasticity
from lithiscope.phasefield.geometry import Geometry
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.system import System
from lithiscope.phasefield.transport import CahnHilliard

Waves: TypeAlias = Complex[Array, "..."]
"""Amplitudes of the real Fourier transform."""

_SERIES = 15  # terms; the first one left out is below 1e-16 for |z| < 1


class ExponentialRungeKutta(Method):
    """Exponential time differencing of order four with an estimate of order three (Krogstad 2005, ETDRK4-B).

    dx/dt = L x + N(x) with L diagonal in Fourier space: diffusion, gradient energy, strain and reaction at constants
    between the smallest and the largest of the cells at the start of each step, so large that what is left to N does
    not limit the step. N is what the model says less L x, so L decides about accuracy only. The estimate replaces the
    last stage by the end of the step, where the rates are needed anyway (Balac and Mahe 2013): four evaluations a step.

    Parameters
    ----------
    derivatives : {"faces", "spectral"}
        Differences through faces, the equation of `Model.rates` exactly; or exact derivatives of the interpolating
        waves, for closed systems with constant mobility, more accurate where an interface spans few cells.
        `Model.energy` sums differences in both cases.

    Raises
    ------
    OptionError
        If `derivatives` is neither.

    References
    ----------
    S. M. Cox and P. C. Matthews, J. Comput. Phys. 176, 430 (2002); S. Krogstad, J. Comput. Phys. 203, 72 (2005),
    equation 51; S. Balac and F. Mahe, Comput. Phys. Commun. 184, 1211 (2013).
    """

    derivatives: Literal["faces", "spectral"] = eqx.field(static=True, default="faces")

    def __check_init__(self) -> None:
        if self.derivatives not in ("faces", "spectral"):
            raise OptionError(
                "there are no such derivatives", field="derivatives", value=self.derivatives, limit="faces, spectral"
            )

    @property
    def order(self) -> int:
        """Return 4."""
        return 4

    @property
    def error_order(self) -> int:
        """Return 3."""
        return 3

    def refusal(self, model: Model) -> str | None:
        """Return that the grid must be periodic, or that spectral derivatives need a simpler model."""
        if not model.geometry.periodic:
            return "a grid that is filled and closes on itself in every direction"
        transport = model.transport
        simple = isinstance(transport, CahnHilliard) and not transport.ideal and transport.factor is None
        if self.derivatives == "spectral" and not (simple and model.reaction is None):
            return "spectral derivatives: constant mobility and no reaction"
        return None

    def step(
        self, system: System, time: Number, length: Number, state: State, rates: Rates
    ) -> tuple[State, Cells, Rates]:
        """Return the state after a step, the error of x, and the rates there."""
        x, shape = state.x, state.x.shape
        known = state.memory
        waves = jnp.fft.rfftn(x) if known is None else known.waves
        linear = self._linear(system.model, x, rates)
        half, whole = _phi(linear * (length / 2))
        at_start, slope = self._rates(system, time, x, waves, rates) if known is None else (rates, known.slope)

        def excess(share: float, change: Waves) -> tuple[Waves, Number]:
            """Return by how much N has changed after a change of x, and the insertion there."""
            moved = waves + change
            there, now = self._rates(system, time + share * length, jnp.fft.irfftn(moved, shape), moved)
            return now - slope - linear * change, there.insertion

        first = length / 2 * half.one * slope
        n1, i1 = excess(0.5, first)
        n2, i2 = excess(0.5, first + length * half.two * n1)
        n3, i3 = excess(1.0, length * (whole.one * slope + 2 * whole.two * n2))
        middle, last = 2 * whole.two - 4 * whole.three, 4 * whole.three - whole.two
        change = length * (whole.one * slope + middle * (n1 + n2) + last * n3)
        # L is zero for the mean, which therefore moves by the classical weights 1/6, 1/3, 1/3, 1/6.
        inserted = length * (at_start.insertion + 2 * (i1 + i2) + i3) / 6
        end, moved = x + jnp.fft.irfftn(change, shape), waves + change
        there, now = self._rates(system, time + length, end, moved)
        error = jnp.fft.irfftn(length * last * (n3 - (now - slope - linear * change)), shape)
        kept = None if known is None else _Kept(moved, now)
        return State(end, state.exchanged + inserted, kept), error, there

    def begin(self, system: System, state: State) -> State:
        """Return the state with its waves, which the steps with spectral derivatives hand on."""
        if self.derivatives == "faces":
            return state
        waves = jnp.fft.rfftn(state.x)
        slope = self._rates(system, jnp.zeros((), state.x.dtype), state.x, waves)[1]
        return state._replace(memory=_Kept(waves, slope))

    def _rates(
        self, system: System, time: Number, x: Cells, waves: Waves, known: Rates | None = None
    ) -> tuple[Rates, Waves]:
        """Return what the model says, and its dx/dt as waves."""
        if self.derivatives == "faces":
            rates = system.rates(time, x) if known is None else known
            return rates, jnp.fft.rfftn(rates.change)
        zero, nothing = jnp.zeros((), x.dtype), jnp.zeros_like(x)
        squared = wave_numbers_squared(system.model.geometry, x.dtype, self.derivatives)
        mu = self._potential(system.model, x, waves)
        change = -_weighted(cast(CahnHilliard, system.model.transport).diffusivity, squared) * mu
        # The rates of the cells are left to `told`: a transform saved is a tenth of a step.
        return Rates(nothing, zero, zero, nothing, nothing), change

    def _potential(self, model: Model, x: Cells, waves: Waves) -> Waves:
        """Return mu of spectral derivatives, as waves."""
        squared = wave_numbers_squared(model.geometry, x.dtype, self.derivatives)
        local = model.free_energy.potential(x) + model.offset + model.elasticity.potential(x, model.geometry)
        return jnp.fft.rfftn(local) + _weighted(model.gradient_energy, squared) * waves

    def told(self, system: System, state: State, rates: Rates) -> Rates:
        """Return the rates with mu and dx/dt of the method's own derivatives."""
        if self.derivatives == "faces":
            return rates
        waves, shape = jnp.fft.rfftn(state.x), state.x.shape
        change = self._rates(system, jnp.zeros((), state.x.dtype), state.x, waves)[1]
        mu = self._potential(system.model, state.x, waves)
        return rates._replace(change=jnp.fft.irfftn(change, shape), mu=jnp.fft.irfftn(mu, shape))

    def _linear(self, model: Model, x: Cells, rates: Rates) -> Cells:
        """Return L for every wave: how fast a small wave on the present cells grows, at middling coefficients."""
        squared = wave_numbers_squared(model.geometry, x.dtype, self.derivatives)
        steepness = jax.jvp(model.free_energy.potential, (x,), (jnp.ones_like(x),))[1]
        stiffness = _weighted(model.gradient_energy, squared) + _strain(model, x)
        diffusion, mobility = model.transport.coefficients(x, steepness)
        linear = -sum(_middling(d) * k2 for d, k2 in zip(diffusion, squared, strict=True))
        linear = linear - sum(_middling(m) * k2 for m, k2 in zip(mobility, squared, strict=True)) * stiffness
        if model.reaction is not None:
            exchange = model.reaction.exchange_density(x)
            slope = model.reaction.current(rates.potential + rates.mu, x, exchange)[1]
            speed = model.geometry.surface * slope * model.rate_of_current
            linear = linear - _middling(speed * steepness) - _middling(speed) * stiffness
        return linear.at[(0,) * linear.ndim].set(0.0)


class _Kept(NamedTuple):
    """Waves of x and of dx/dt at the end of a step."""

    waves: Waves
    slope: Waves


class _Phi(NamedTuple):
    """phi_1(z) = (e^z - 1)/z, phi_2 = (phi_1 - 1)/z, phi_3 = (phi_2 - 1/2)/z."""

    one: Cells
    two: Cells
    three: Cells


def wave_numbers_squared(geometry: Geometry, dtype: Any, derivatives: str = "faces") -> tuple[Cells, ...]:
    """Return k^2 of the real transform along each axis in 1/nm2, shaped to broadcast.

    Parameters
    ----------
    geometry : Geometry
        A periodic grid.
    dtype : dtype
        Of the result.
    derivatives : {"faces", "spectral"}
        Differences between cells, (2 - 2 cos kh)/h^2, or k^2 itself.
    """
    result = []
    for axis, (count, step) in enumerate(zip(geometry.shape, geometry.spacing, strict=True)):
        waves = np.arange(count // 2 + 1) if axis == geometry.ndim - 1 else np.fft.fftfreq(count, 1 / count)
        phase = 2 * np.pi * waves / count
        squared = (2 * np.sin(phase / 2)) ** 2 if derivatives == "faces" else phase**2
        shape = [-1 if other == axis else 1 for other in range(geometry.ndim)]
        result.append(jnp.asarray((squared / step**2).reshape(shape), dtype))
    return tuple(result)


def _weighted(values: Cells, squared: tuple[Cells, ...]) -> Cells:
    weights = jnp.broadcast_to(values, (len(squared),))
    return sum(weight * k2 for weight, k2 in zip(weights, squared, strict=True))


def _strain(model: Model, x: Cells) -> Cells | float:
    """Return what strain adds to dmu/dx of each wave, from its answer to one changed cell."""
    if isinstance(model.elasticity, NoElasticity):
        return 0.0
    one = jnp.zeros_like(x).at[(0,) * x.ndim].set(1.0)
    answer = [model.elasticity.potential(each, model.geometry) for each in (one, jnp.zeros_like(x))]
    return jnp.fft.rfftn(answer[0] - answer[1]).real


def _middling(values: Cells) -> Number:
    """Return the middle of the range, but at least half of the largest: beyond that, what is left over is stable."""
    low, high = jnp.min(values), jnp.max(values)
    return jnp.maximum((low + high) / 2, high / 2)


def _phi(z: Cells) -> tuple[_Phi, _Phi]:
    """Return the functions at z and at 2z: from series near zero, and by doubling, which never cancels."""
    near = jnp.abs(z) < 1
    small, large = jnp.where(near, z, 0.0), jnp.where(near, 1.0, z)
    three = jnp.polyval(jnp.asarray([1 / math.factorial(n + 3) for n in reversed(range(_SERIES))], z.dtype), small)
    one = (jnp.exp(large) - 1) / large  # |z| >= 1: nothing cancels, and expm1 is slow
    two = (one - 1) / large
    three = jnp.where(near, three, (two - 0.5) / large)
    two = jnp.where(near, 0.5 + small * three, two)
    one = jnp.where(near, 1 + small * two, one)
    double = _Phi(
        one * (z * one + 2) / 2,
        (one**2 + 2 * two) / 4,
        (one * two + 2 * three + two) / 8,
    )
    return _Phi(one, two, three), double
