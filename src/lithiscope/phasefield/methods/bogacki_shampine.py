"""Explicit third-order method with an embedded second-order one, for pixels that react on their own."""

from __future__ import annotations

import jax

from lithiscope.phasefield.arrays import Cells, Number
from lithiscope.phasefield.methods.base import Method, State
from lithiscope.phasefield.model import Model, Rates
from lithiscope.phasefield.system import System


class BogackiShampine(Method):
    """Bogacki and Shampine, Appl. Math. Lett. 2, 321 (1989): three evaluations a step."""

    @property
    def order(self) -> int:
        """Return 3."""
        return 3

    @property
    def error_order(self) -> int:
        """Return 2."""
        return 2

    def refusal(self, model: Model) -> str | None:  # noqa: ARG002
        """Return None: it works with everything, slowly where the problem is stiff."""
        return None

    def step(
        self, system: System, time: Number, length: Number, state: State, rates: Rates
    ) -> tuple[State, Cells, Rates]:
        """Return the state after a step, the error of x, and the rates there."""
        first = _slope(rates)
        second = _slope(system.rates(time + length / 2, _moved(state, length, (0.5, first)).x))
        third = _slope(system.rates(time + 3 * length / 4, _moved(state, length, (0.75, second)).x))
        end = _moved(state, length, (2 / 9, first), (1 / 3, second), (4 / 9, third))
        there = system.rates(time + length, end.x)
        error = -5 / 72 * first.x + second.x / 12 + third.x / 9 - there.change / 8
        return end, length * error, there


def _slope(rates: Rates) -> State:
    return State(rates.change, rates.insertion)


def _moved(state: State, length: Number, *terms: tuple[float, State]) -> State:
    def one(start: Cells, *slopes: Cells) -> Cells:
        total = sum(weight * slope for (weight, _), slope in zip(terms, slopes, strict=True))
        return start + length * total

    return jax.tree.map(one, state, *(slope for _, slope in terms))
