"""What the potentiostat asks for: a list of parts, each a current, a potential or a rest, with limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, known

if TYPE_CHECKING:
    import xarray as xr

Control = Literal["rate", "potential"]

_HIGHEST_VOLT = 10.0  # no cell's; what is larger is in mV
_CONTROLS = ("rate", "potential")


@dataclass(frozen=True)
class Part:
    """One part of a protocol.

    Parameters
    ----------
    control : {"rate", "potential"}
        What is prescribed: d<x>/dt in 1/h (positive = lithiation), or the voltage in V.
    seconds : tuple of float
        Times from the start of the part, increasing from 0; the last is its longest duration.
    values : tuple of float, or array
        1/h or V at these times, linear between them; traced values pass unseen, so that gradients go through them.
    volt_limits : (low, high)
        The part ends when the voltage passes one; V. One that is passed at the start of the part is an error.
    fraction_limits : (low, high)
        The part ends when <x> passes one, likewise.
    rate_limit : float
        A part at given potential ends when |d<x>/dt| falls below; 1/h.

    Raises
    ------
    OptionError
        If there is no such control, or times, values or limits are no numbers or cannot be used.
    """

    control: Control
    seconds: tuple[float, ...]
    values: tuple[float, ...] | Cells
    volt_limits: tuple[float, float] = (-np.inf, np.inf)
    fraction_limits: tuple[float, float] = (-np.inf, np.inf)
    rate_limit: float = 0.0

    def __post_init__(self) -> None:
        if self.control not in _CONTROLS:
            raise OptionError(
                "a part of the protocol prescribes what is not known",
                field="control",
                value=self.control,
                limit=" or ".join(_CONTROLS),
                remedy="'rate' for a current, d<x>/dt in 1/h; 'potential' for a voltage in V",
            )
        seconds, values = _numbers("seconds", self.seconds), known(self.values)
        if values is not None:
            values = _numbers("values", values)
        if seconds.size < 2 or seconds.shape != (len(self.values),) or seconds[0] != 0 or np.any(np.diff(seconds) <= 0):
            raise OptionError(
                "the times of a part of the protocol cannot be used",
                field="seconds",
                value=f"{seconds.size} times, {len(self.values)} values, from {seconds[:1]}",
                limit="as many times as values, increasing from 0 s",
                remedy="give the time from the start of the part",
            )
        if not np.isfinite(seconds).all():
            raise _not_finite("seconds", seconds)
        _refuse_limits(self.volt_limits)
        _refuse_fractions(self.fraction_limits)
        _refuse_number("rate_limit", self.rate_limit, low=0.0, limit="0 or more, finite, 1/h", remedy="0 is no limit")
        if values is None:
            return
        if not np.isfinite(values).all():
            raise _not_finite("values", values)
        if self.control == "potential" and np.abs(values).max() > _HIGHEST_VOLT:
            raise OptionError(
                "a potential of the protocol is not a cell's",
                field="values",
                value=float(np.abs(values).max()),
                limit=f"{_HIGHEST_VOLT:g} V",
                remedy="give volts, not millivolts",
            )

    @property
    def duration(self) -> float:
        """Longest duration, s."""
        return self.seconds[-1]


def _numbers(field: str, values: Any) -> np.ndarray:
    """Return the numbers of a sequence as floats.

    Raises
    ------
    OptionError
        If they are none.
    """
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise OptionError(
            "a part of the protocol holds what is no number",
            field=field,
            value=values,
            limit="a sequence of numbers",
            remedy="give seconds, and 1/h or V at these times",
        ) from None


def _not_finite(field: str, values: np.ndarray) -> OptionError:
    return OptionError(
        "a protocol holds values that are not finite",
        field=field,
        value=f"{int(np.sum(~np.isfinite(values)))} of {values.size} values are NaN or infinite",
        limit="finite numbers",
        remedy="leave them out",
    )


def _refuse_number(field: str, value: Any, *, low: float, limit: str, remedy: str, above: bool = False) -> None:
    """Refuse what is no finite number of at least `low`, or above it; a traced one passes."""
    if known(value) is None:
        return
    numbers = _numbers(field, value)
    if numbers.ndim == 0 and np.isfinite(numbers) and (numbers > low if above else numbers >= low):
        return
    raise OptionError("a number of the protocol cannot be used", field=field, value=value, limit=limit, remedy=remedy)


def _refuse_fractions(fraction_limits: tuple[float, float]) -> None:
    """Refuse limits of <x> that are out of order or NaN; infinite ones mean that there is none, traced ones pass."""
    if known(fraction_limits) is None:
        return
    limits = _numbers("fraction_limits", fraction_limits)
    if limits.shape != (2,) or not limits[0] < limits[1]:
        raise OptionError(
            "the mean compositions at which a part of the protocol ends cannot be used",
            field="fraction_limits",
            value=fraction_limits,
            limit="low below high, or infinite for none",
            remedy="give two numbers, the lower first; -inf and inf where the part has no such end",
        )


def _refuse_limits(volt_limits: tuple[float, float]) -> None:
    """Refuse cut-off voltages that are no cell's; infinite ones mean that there is none."""
    limits = _numbers("volt_limits", volt_limits)
    wide = limits.shape == (2,) and limits[0] < limits[1]
    if not wide or np.any(np.isfinite(limits) & (np.abs(limits) > _HIGHEST_VOLT)):
        raise OptionError(
            "the cut-off voltages of a part of the protocol cannot be used",
            field="volt_limits",
            value=volt_limits,
            limit=f"low below high, within {_HIGHEST_VOLT:g} V, or infinite for none",
            remedy="give volts, not millivolts",
        )


@dataclass(frozen=True)
class Protocol:
    """Parts, one after the other."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if not self.parts or not all(isinstance(one, Part) for one in self.parts):
            raise OptionError(
                "a protocol without parts, or with something else in their place",
                field="parts",
                value=self.parts,
                limit="at least one Part, and nothing else",
                remedy="make it by constant_current, constant_potential, rest or from_trace, and join them by +",
            )

    def __add__(self, other: Protocol) -> Protocol:
        return Protocol((*self.parts, *other.parts))

    @property
    def duration(self) -> float:
        """Longest duration, s."""
        return float(sum(part.duration for part in self.parts))

    def with_values(self, values: Sequence[Any]) -> Protocol:
        """Return the protocol with other currents or voltages, one array (1/h or V) for each part.

        The way to a gradient by what the potentiostat asked for: `replay` takes the result.
        """
        return Protocol(tuple(replace(part, values=one) for part, one in zip(self.parts, values, strict=True)))


def constant_current(
    c_rate: float,
    *,
    to_fraction: float | None = None,
    volt_limits: tuple[float, float] = (-np.inf, np.inf),
    seconds: float | None = None,
    fraction_per_c: float = 1.0,
) -> Protocol:
    """Return a constant current.

    Parameters
    ----------
    c_rate : float
        In 1/h, positive = lithiation, negative = delithiation; 1C fills `fraction_per_c` in an hour.
    to_fraction : float, optional
        Mean composition at which it ends.
    volt_limits : (low, high)
        Cut-off voltages, V.
    seconds : float, optional
        Longest duration; without it as long as x can change by one.
    fraction_per_c : float
        Range of x that 1C means: 1 for LFP, 0.5 for LCO.

    Raises
    ------
    OptionError
        If the current is zero, the fraction cannot be reached, or a range of x or a duration makes no sense.
    """
    c_rate = _rate("c_rate", c_rate, fraction_per_c)
    rate = c_rate * fraction_per_c
    if rate == 0 or not np.isfinite(rate):
        raise OptionError(
            "a constant current must not be zero",
            field="c_rate",
            value=c_rate,
            limit="not 0, finite",
            remedy="use rest",
        )
    limits = (-np.inf, np.inf)
    if to_fraction is not None:
        if not 0 <= to_fraction <= 1:
            raise OptionError(
                "no such mean composition",
                field="to_fraction",
                value=to_fraction,
                limit="0 to 1",
                remedy="give the share of sites at which it ends, or None",
            )
        limits = (-np.inf, to_fraction) if rate > 0 else (to_fraction, np.inf)
    length = 3600 / abs(rate) if seconds is None else seconds
    return Protocol((Part("rate", (0.0, length), (rate, rate), volt_limits, limits),))


def constant_potential(volt: float, seconds: float, *, rate_limit: float = 0.0) -> Protocol:
    """Return a constant voltage in V, for so many seconds or until |d<x>/dt| falls below `rate_limit` (1/h)."""
    return Protocol((Part("potential", (0.0, seconds), (volt, volt), rate_limit=rate_limit),))


def rest(seconds: float) -> Protocol:
    """Return no current: lithium may still move between the cells, through the particle or the electrolyte."""
    return Protocol((Part("rate", (0.0, seconds), (0.0, 0.0)),))


def constant_current_constant_voltage(
    c_rate: float, volt: float, *, end_c_rate: float, seconds: float, fraction_per_c: float = 1.0
) -> Protocol:
    """Return a constant current up to a voltage, which is then held until the rate falls below `end_c_rate`.

    Parameters
    ----------
    c_rate, end_c_rate : float
        In 1/h; the first is positive on lithiation.
    volt : float
        V.
    seconds : float
        Longest duration of the constant voltage.
    fraction_per_c : float
        Range of x that 1C means.

    Raises
    ------
    OptionError
        As `constant_current` and `constant_potential`.
    """
    c_rate, end_c_rate = _rate("c_rate", c_rate, fraction_per_c), _rate("end_c_rate", end_c_rate, fraction_per_c)
    if not np.isfinite(end_c_rate):
        raise _not_finite("end_c_rate", np.asarray(end_c_rate))
    limits = (volt, np.inf) if c_rate > 0 else (-np.inf, volt)
    first = constant_current(c_rate, volt_limits=limits, fraction_per_c=fraction_per_c)
    return first + constant_potential(volt, seconds, rate_limit=abs(end_c_rate) * fraction_per_c)


def from_trace(
    trace: xr.Dataset, *, control: Control = "rate", capacity_ah: float | None = None, fraction_per_c: float = 1.0
) -> Protocol:
    """Return the current or the voltage of a cell's trace.

    Parameters
    ----------
    trace : cell_trace
        From `lithiscope.cell.open_trace`.
    control : {"rate", "potential"}
        Which of the two to follow.
    capacity_ah : float
        Charge that changes <x> by `fraction_per_c`; needed for the current.
    fraction_per_c : float
        Range of x of that capacity.

    Raises
    ------
    OptionError
        If the capacity is missing or the trace has no such column.
    """
    if control not in _CONTROLS:
        raise OptionError(
            "a trace cannot be followed in that way",
            field="control",
            value=control,
            limit=" or ".join(_CONTROLS),
            remedy="'rate' follows its current, 'potential' its voltage",
        )
    _rate("fraction_per_c", 1.0, fraction_per_c)
    name = "current_ampere" if control == "rate" else "voltage_volt"
    if name not in trace:
        raise OptionError(
            "the trace lacks a column",
            field=name,
            value=", ".join(map(str, trace)),
            limit=f"a trace with {name}",
            remedy="choose the other control",
        )
    seconds = trace["test_time_second"].values.astype(float)
    values = trace[name].values.astype(float)
    if control == "rate":
        if capacity_ah is None or not capacity_ah > 0:
            raise OptionError(
                "the current of a trace needs the capacity of what is simulated",
                field="capacity_ah",
                value=capacity_ah,
                limit="above 0 A h",
                remedy="give the capacity of the electrode that the current belongs to",
            )
        values = -values * fraction_per_c / capacity_ah
    return Protocol((Part(control, _tuple(seconds - seconds[0]), _tuple(values)),))


def _rate(field: str, c_rate: float, fraction_per_c: float) -> float:
    """Return a C-rate, after seeing that it is a number and that 1C means a range of x."""
    remedy = "give the range of x that 1C passes in an hour: 1 for LFP, 0.5 for LCO"
    _refuse_number("fraction_per_c", fraction_per_c, low=0.0, limit="above 0, up to 1", remedy=remedy, above=True)
    if fraction_per_c > 1:
        raise OptionError(
            "1C cannot mean more than all of x",
            field="fraction_per_c",
            value=fraction_per_c,
            limit="above 0, up to 1",
            remedy=remedy,
        )
    number = _numbers(field, c_rate)
    if number.ndim != 0:
        raise OptionError(
            "a C-rate is one number", field=field, value=c_rate, limit="one number", remedy="join currents by +"
        )
    return float(number)


def _tuple(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
