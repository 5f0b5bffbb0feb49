"""Numbers of a set as its file states them: value, unit, symbol, source, status and validity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lithiscope.errors import UnitError
from lithiscope.laws import BOLTZMANN
from lithiscope.units import convert

Status = Literal["published", "derived", "assumed"]


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


Real = Annotated[float, BeforeValidator(_no_flag)]
Fraction = Annotated[float, BeforeValidator(_no_flag), Field(ge=0, le=1)]


class Part(BaseModel):
    """Base of everything in a set: frozen, unknown names refused, numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Stated(Part):
    """What every number carries besides its value."""

    unit: str = Field(min_length=1, description="unit of the value; 1 for none, kT for k_B times the temperature")
    symbol: str = Field(min_length=1, description="the symbol in the source or the field")
    source: str = Field(min_length=3, description="key of a reference and the place in it, or how it was found")
    status: Status = Field(description="published, derived from published numbers, or assumed")
    composition: tuple[Fraction, Fraction] = Field((0.0, 1.0), description="range of x in which it holds")
    remark: str = Field("", description="what else a user must know")

    @model_validator(mode="after")
    def _range_ascends(self) -> Stated:
        if self.composition[0] >= self.composition[1]:
            raise ValueError(f"the range of composition {list(self.composition)} must ascend")
        return self


class Number(Stated):
    """One number."""

    value: Real

    def values(self) -> tuple[float, ...]:
        """Return the value as a tuple of one."""
        return (self.value,)


class Series(Stated):
    """Several numbers with one unit, in order: coefficients, or the columns of a table."""

    value: tuple[Real, ...] = Field(min_length=1)

    def values(self) -> tuple[float, ...]:
        """Return the values."""
        return self.value


class Components(Stated):
    """Numbers of one unit by name: along crystal axes (a, b, c), or of a tensor (C11, C22, ...)."""

    value: dict[str, Real] = Field(min_length=1)

    def values(self) -> tuple[float, ...]:
        """Return the values in the order of the file."""
        return tuple(self.value.values())


Any_ = TypeVar("Any_", bound="Number | Series | Components")


def checked(
    unit: str, *, low: float | None = None, names: tuple[str, ...] | None = None, also: str | None = None
) -> Callable[[Any_], Any_]:
    """Return a validator: the unit can be converted, no value is at or below `low`, components have these names.

    Parameters
    ----------
    unit : str
        The unit wanted, as `lithiscope.units` spells it.
    low : float, optional
        Values must be greater.
    names : tuple of str, optional
        Names of the components, all of them and no others.
    also : str, optional
        Another unit that is accepted as it is (kT).
    """

    def check(stated: Any_) -> Any_:
        if names is not None and isinstance(stated, Components) and set(stated.value) != set(names):
            raise ValueError(f"components {', '.join(names)}, all of them and no others")
        if low is not None and min(stated.values()) <= low:
            raise ValueError(f"greater than {low:g}")
        if stated.unit != also:
            try:
                convert(1.0, stated.unit, unit, field=stated.symbol)
            except UnitError:
                raise ValueError(f"a unit that converts to {unit}" + (f", or {also}" if also else "")) from None
        return stated

    return check


def in_unit(stated: Number | Series | Components, unit: str) -> tuple[float, ...]:
    """Return the values in a unit, in their order."""
    return tuple(float(convert(value, stated.unit, unit, field=stated.symbol)) for value in stated.values())


def in_kt(stated: Number | Series, temperature: float) -> tuple[float, ...]:
    """Return values in kT: as they are for kT and 1, else energies per site over k_B times the temperature.

    Parameters
    ----------
    stated : Number or Series
        A parameter of a law.
    temperature : float
        K.
    """
    if stated.unit in ("kT", "1"):
        return stated.values()
    return tuple(value / (BOLTZMANN * temperature) for value in in_unit(stated, "J"))


def energy_or_plain(stated: Number | Series) -> Number | Series:
    """Refuse a parameter of a law that is neither an energy per site nor a plain number."""
    if stated.unit in ("kT", "1"):
        return stated
    try:
        convert(1.0, stated.unit, "J", field=stated.symbol)
    except UnitError:
        raise ValueError("a unit of energy per site (J, eV), kT, or 1") from None
    return stated
