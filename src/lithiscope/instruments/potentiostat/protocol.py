"""What the virtual potentiostat is told to do: steps, and the usual sequences of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from lithiscope.errors import OptionError


@final
@dataclass(frozen=True)
class ConstantCurrent:
    """A constant current until a voltage or a time is reached.

    Parameters
    ----------
    ampere : float
        Current, positive takes lithium out (A).
    until_volt : float, optional
        Voltage at which the step ends (V).
    longest_second : float, optional
        Longest duration (s).
    """

    ampere: float
    until_volt: float | None = None
    longest_second: float | None = None

    def __post_init__(self) -> None:
        if self.ampere == 0:
            raise OptionError("a step without current is a rest", field="ampere", value=0, remedy="use Rest")
        if self.until_volt is None and self.longest_second is None:
            raise OptionError("a step would never end", field="until_volt", remedy="state until_volt or longest_second")


@final
@dataclass(frozen=True)
class ConstantVoltage:
    """The voltage of the step before, held until the current has fallen.

    Parameters
    ----------
    volt : float
        Voltage held (V).
    until_ampere : float
        Size of the current at which the step ends (A), positive.
    """

    volt: float
    until_ampere: float

    def __post_init__(self) -> None:
        if not self.until_ampere > 0:
            raise OptionError("a hold would never end", field="until_ampere", value=self.until_ampere)


@final
@dataclass(frozen=True)
class Rest:
    """No current for a time (s)."""

    second: float

    def __post_init__(self) -> None:
        if not self.second > 0:
            raise OptionError("a rest needs a length", field="second", value=self.second)


Step = ConstantCurrent | ConstantVoltage | Rest


def galvanostatic(
    currents: Sequence[float],
    *,
    between: tuple[float, float],
    rest_second: float = 0.0,
    cut_off_ampere: float | None = None,
    first: int = -1,
) -> list[Step]:
    """Return one cycle of both directions per current.

    Parameters
    ----------
    currents : sequence of float
        Sizes of the currents (A), one cycle each.
    between : (float, float)
        Lower and upper voltage (V).
    rest_second : float
        Rest before the first half cycle and after each (s); 0 is none.
    cut_off_ampere : float, optional
        With it the voltage is held after each half cycle until the current has fallen to this size (A).
    first : {-1, +1}
        Direction of the first half cycle of a cycle: -1 delithiation, +1 lithiation.
    """
    steps: list[Step] = [Rest(rest_second)] if rest_second else []
    for size in currents:
        for direction in (first, -first):
            limit = between[1] if direction < 0 else between[0]
            steps.append(ConstantCurrent(-direction * abs(size), until_volt=limit))
            if cut_off_ampere is not None:
                steps.append(ConstantVoltage(limit, cut_off_ampere))
            if rest_second:
                steps.append(Rest(rest_second))
    return steps


def pulses(ampere: float, number: int, *, second: float = 10.0, rest_second: float = 60.0) -> list[Step]:
    """Return pulses of alternating sign with rests between them: what measures the resistance of a liquid cell."""
    steps: list[Step] = [Rest(rest_second)]
    for index in range(number):
        steps += [ConstantCurrent((-1) ** index * ampere, longest_second=second), Rest(rest_second)]
    return steps
