"""What a stage is made of: the declaration of a variable and of a whole stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["float", "int", "bool", "string"]


@dataclass(frozen=True)
class Variable:
    """One variable of a stage.

    Parameters
    ----------
    dims : str
        Dimensions in order, separated by blanks; optional ones in brackets, as in ``"time [energy] y x"``.
    unit : str
        The one unit of the variable (a constant of `lithiscope.units`).
    meaning : str
        What it is, for people.
    required : bool
        Whether the stage is refused without it.
    kind : {"float", "int", "bool", "string"}
        What its elements are.
    """

    dims: str
    unit: str
    meaning: str
    required: bool = False
    kind: Kind = "float"

    def allows(self, dims: tuple[str, ...]) -> bool:
        """Whether `dims` are the declared dimensions, in order, with some of the optional ones left out.

        Examples
        --------
        >>> Variable("time [energy] y x", "1", "a signal").allows(("time", "y", "x"))
        True
        >>> Variable("time [energy] y x", "1", "a signal").allows(("y", "time", "x"))
        False
        """
        left = list(dims)
        for name in self.dims.split():
            if left and left[0] == name.strip("[]"):
                left.pop(0)
            elif not name.startswith("["):
                return False
        return not left


@dataclass(frozen=True)
class Stage:
    """The schema of one stage: what its variables and coordinates are called, and how they look."""

    name: str
    meaning: str
    variables: Mapping[str, Variable]
    coordinates: Mapping[str, Variable]
    attributes: Mapping[str, str] = field(default_factory=dict)
    required_attributes: tuple[str, ...] = ()

    def variable(self, name: str) -> Variable | None:
        """Return the declaration of a variable or coordinate, or None when the stage has no such name."""
        return self.variables.get(name) or self.coordinates.get(name)
