"""What a method of time integration is."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import equinox as eqx

from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.system import System


class State(NamedTuple):
    """The composition, and what the reaction has added to its mean since the start.

    Attributes
    ----------
    x : array
        Lithium fraction of each cell.
    exchanged : float
        Integral of the insertion, in units of <x>; the mean of x must agree with it to round-off.
    memory : arrays, optional
        What a method keeps from one step to the next, from `Method.begin`.
    """

    x: Cells
    exchanged: Number
    memory: Any = None


class Method(eqx.Module):
    """One step of time, with an estimate of its error.

    The rates at the end of an accepted step are those at the start of the next, so every method gives them back.
    """

    @abstractmethod
    def step(
        self, system: System, time: Number, length: Number, state: State, rates: Rates
    ) -> tuple[State, Cells, Rates]:
        """Return the state after the step, the error of x in each cell, and the rates there.

        Parameters
        ----------
        system : System
            The model under its control.
        time, length : float
            Start of the step and its length, s.
        state : State
            At the start.
        rates : Rates
            At the start.
        """

    @property
    @abstractmethod
    def order(self) -> int:
        """Order of the solution that is carried on."""

    @property
    @abstractmethod
    def error_order(self) -> int:
        """Order of the estimate: the error falls with this power of the length, plus one."""

    @abstractmethod
    def refusal(self, model: Model) -> str | None:
        """Return why the method cannot be used with a model, or None."""

    def begin(self, system: System, state: State) -> State:  # noqa: ARG002
        """Return a state with what the method keeps from one step to the next; without it every step starts anew."""
        return state

    def told(self, system: System, state: State, rates: Rates) -> Rates:  # noqa: ARG002
        """Return the rates of a frame, with what the steps themselves do without."""
        return rates

    def prepared(self, model: Model, tolerance: float) -> Method:  # noqa: ARG002
        """Return the method with what it takes from the model and from the tolerance of the steps."""
        return self
