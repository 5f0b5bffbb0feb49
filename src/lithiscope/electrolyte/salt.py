"""Salt in time: diffusion with a source above the electrode, by an implicit scheme that controls its own step.

M dc/dt + K(c) c = s(t) b, with s = (1 - t+) I / (F A h): concentrated binary electrolyte, averaged over the depth of
the channel (Newman and Thomas-Alyea, Electrochemical Systems, ch. 12, without convection).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lithiscope.electrolyte.mesh import Channel, FloatArray

# Two-stage diagonally implicit Runge-Kutta scheme of order 2, L-stable (Alexander, SIAM J. Numer. Anal. 14, 1977).
GAMMA = 1 - np.sqrt(0.5)
_NEWTON_STEPS = 12
_NEWTON_TOLERANCE = 1e-11


class StepTooSmallError(ArithmeticError):
    """The time step fell below what can change the result: the salt runs out somewhere."""


@dataclass
class Salt:
    """The equation of the salt on a channel, in SI units (mol/m3).

    Parameters
    ----------
    channel : Channel
        Mesh and matrices.
    reference : float
        Concentration in the reservoir.
    diffusivity, exponent : float
        D = diffusivity (c / reference)^exponent.
    source : callable
        Salt released per volume and time at a time, mol/m3/s.
    """

    channel: Channel
    reference: float
    diffusivity: float
    exponent: float
    source: Callable[[float], float]
    _constant: Any = field(default=None, init=False, repr=False)
    _factors: dict[float, Any] = field(default_factory=dict, init=False, repr=False)

    def stiffness(self, c: FloatArray) -> Any:
        """Return K(c)."""
        if self.exponent == 0:
            if self._constant is None:
                self._constant = self.channel.stiffness(np.full_like(self.channel.at_quadrature(c), self.diffusivity))
            return self._constant
        return self.channel.stiffness(self.diffusivity * self._ratio(c) ** self.exponent)

    def _ratio(self, c: FloatArray) -> FloatArray:
        ratio = self.channel.at_quadrature(c) / self.reference
        if np.min(ratio) <= 0:
            raise StepTooSmallError("the concentration fell to zero")
        return ratio

    def slope_of_stiffness(self, c: FloatArray) -> Any:
        """Return the part of the derivative of K(c) c that comes from D(c)."""
        from skfem import BilinearForm
        from skfem.helpers import dot, grad

        form = BilinearForm(lambda u, v, w: w["slope"] * u * dot(w["c"].grad, grad(v)))
        slope = self.diffusivity * self.exponent / self.reference * self._ratio(c) ** (self.exponent - 1)
        return form.assemble(self.channel.basis, slope=slope, c=self.channel.basis.interpolate(c)).tocsr()

    def implicit(self, known: FloatArray, time: float, step: float) -> FloatArray:
        """Return the c that solves M (c - known) + step (K(c) c - s(time) b) = 0, held at the open sides."""
        free, mass = self.channel.free, self.channel.mass
        load = self.source(time) * self.channel.load
        c = known.copy()
        c[self.channel.held] = self.reference
        for _ in range(_NEWTON_STEPS):
            residual = mass @ (c - known) + step * (self.stiffness(c) @ c - load)
            change = self._solved(c, step, -residual[free])
            c[free] += change
            if self.exponent == 0 or np.max(np.abs(change)) <= _NEWTON_TOLERANCE * self.reference:
                return c
        raise StepTooSmallError("the equation of the step has not converged")

    def _solved(self, c: FloatArray, step: float, right: FloatArray) -> FloatArray:
        from scipy.sparse.linalg import splu

        free = self.channel.free
        if self.exponent == 0:
            if step not in self._factors:
                matrix = (self.channel.mass + step * self.stiffness(c))[free][:, free]
                self._factors = {step: splu(matrix.tocsc())}
            return np.asarray(self._factors[step].solve(right))
        jacobian = self.channel.mass + step * (self.stiffness(c) + self.slope_of_stiffness(c))
        return np.asarray(splu(jacobian[free][:, free].tocsc()).solve(right))


@dataclass
class Progress:
    """Where an integration stands, so that it can go on to the next output time.

    Parameters
    ----------
    c : (nodes,) array
        Concentration, mol/m3.
    released, entered : float
        Salt released by the electrode and let in through the open sides since the start, mol per metre of depth.
    step : float
        Time step to try next, s.
    """

    c: FloatArray
    released: float
    entered: float
    step: float


def advance(salt: Salt, progress: Progress, start: float, stop: float, tolerance: float) -> None:
    """Integrate from `start` to `stop`, in place; the step follows the estimated error.

    Parameters
    ----------
    tolerance : float
        Largest estimated error of one step, mol/m3.

    Raises
    ------
    StepTooSmallError
        If the step falls below 1e-9 of the interval.
    """
    time = start
    while time < stop:
        # Halves and doubles only: a factorisation serves many steps.
        parts = int(np.ceil((stop - time) / progress.step - 1e-9))
        step = (stop - time) / parts
        stages = _stages(salt, progress.c, time, step)
        error = np.inf if stages is None else float(np.max(np.abs(step * GAMMA * (stages[1] - stages[0]))))
        if error > tolerance:
            progress.step = step / 2
            if progress.step < 1e-9 * (stop - start):
                raise StepTooSmallError(f"at {time} s the time step became too small")
            continue
        if stages is not None:
            _take(salt, progress, stages, time, step)
        time = stop if parts == 1 else time + step
        progress.step = max(progress.step, 2 * step) if error < tolerance / 8 else min(progress.step, step)


def _stages(salt: Salt, c: FloatArray, time: float, step: float) -> tuple[FloatArray, FloatArray] | None:
    """Return the two rates of change of a step, or None if an equation cannot be solved at this step."""
    try:
        first = salt.implicit(c, time + GAMMA * step, GAMMA * step)
        k1 = (first - c) / (GAMMA * step)
        known = c + (1 - GAMMA) * step * k1
        k2 = (salt.implicit(known, time + step, GAMMA * step) - known) / (GAMMA * step)
    except StepTooSmallError:
        return None
    return k1, k2


def _take(salt: Salt, progress: Progress, stages: tuple[FloatArray, FloatArray], time: float, step: float) -> None:
    """Add a step and count the salt that came from the electrode and through the open sides."""
    channel = salt.channel
    known = progress.c
    for weight, k, when in zip((1 - GAMMA, GAMMA), stages, (time + GAMMA * step, time + step), strict=True):
        at_stage = known + GAMMA * step * k
        source = salt.source(when) * channel.load
        through = (channel.mass @ k + salt.stiffness(at_stage) @ at_stage - source)[channel.held]
        progress.released += weight * step * float(source.sum())
        progress.entered += weight * step * float(through.sum())
        known = progress.c + (1 - GAMMA) * step * k
    progress.c = progress.c + step * ((1 - GAMMA) * stages[0] + GAMMA * stages[1])
