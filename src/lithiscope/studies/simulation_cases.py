"""The runs of a simulation recipe: one for every combination that its sweep asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from lithiscope.errors import OptionError
from lithiscope.studies.simulation_recipe import (
    CurrentPart,
    CurrentVoltagePart,
    Direction,
    Part,
    PotentialPart,
    SimulationRecipe,
    SweepSection,
)

_WORDS = {1: "lithiation", -1: "delithiation", 0: ""}
_OTHER: dict[str, Direction] = {"lithiation": "delithiation", "delithiation": "lithiation"}


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes
    ----------
    name : str
        For files: letters, digits, dots and dashes.
    recipe : SimulationRecipe
        Of this run alone.
    c_rate : float or None
        Of its first constant current, 1/h.
    direction : int
        1 on lithiation, -1 on delithiation, 0 where the protocol does not say.
    diffusivity : float or None
        m2/s, where the sweep sets it.
    offset : float or None
        Of the first defect, kT, where the sweep sets it.
    """

    name: str
    recipe: SimulationRecipe
    c_rate: float | None
    direction: int
    diffusivity: float | None
    offset: float | None

    @property
    def label(self) -> str:
        """The run in words."""
        parts = [
            "" if self.c_rate is None else f"{self.c_rate:g}C",
            _WORDS[self.direction],
            "" if self.diffusivity is None else f"D = {self.diffusivity:g} m²/s",
            "" if self.offset is None else f"{self.offset:+g} kT",
        ]
        return " ".join(part for part in parts if part) or "the run"


def cases(recipe: SimulationRecipe) -> list[Case]:
    """Return the runs of a recipe, directions outermost.

    Raises
    ------
    OptionError
        If the sweep changes what the protocol does not have.
    """
    sweep = recipe.sweep
    _check(recipe, sweep)
    combinations = product(
        sweep.directions or (None,), sweep.diffusivities or (None,), sweep.offsets or (None,), sweep.c_rates or (None,)
    )
    return [_case(recipe, *one) for one in combinations]


def _check(recipe: SimulationRecipe, sweep: SweepSection) -> None:
    first = recipe.protocol[0]
    by_potential = isinstance(first, PotentialPart) and None not in (
        first.direction,
        first.other_volt,
        first.other_initial,
    )
    if (sweep.c_rates or (sweep.directions and not by_potential)) and not _currents(recipe.protocol):
        raise OptionError(
            "there is no constant current whose rate or direction could change",
            field="sweep",
            value=", ".join(part.kind for part in recipe.protocol),
            remedy="add a part of kind current to the protocol, or leave the sweep out; a part of kind potential turns "
            "round if it has direction, other_volt and other_initial",
        )
    by_current = isinstance(first, CurrentPart) and first.to_fraction is not None
    if sweep.directions and not (by_current or by_potential):
        raise OptionError(
            "the other direction has no start",
            field="sweep.directions",
            remedy="let the protocol begin with a constant current that has to_fraction: the other way starts there; "
            "or with a constant voltage that has direction, other_volt and other_initial",
        )
    if sweep.directions and by_current and isinstance(recipe.initial, Path):
        raise OptionError(
            "the other direction has no end",
            field="sweep.directions",
            value=f"initial: {recipe.initial}",
            limit="a number as initial",
            remedy="give x at the start as a number, or write one recipe for each direction",
        )
    if sweep.diffusivities and recipe.transport.kind == "none":
        raise OptionError(
            "without transport there is no diffusivity",
            field="sweep.diffusivities",
            remedy="set transport.kind to cahn_hilliard or fickian",
        )
    if sweep.offsets and not recipe.defects:
        raise OptionError("there is no defect whose offset could change", field="sweep.offsets", remedy="add defects")


def _currents(parts: Sequence[Part]) -> list[CurrentPart | CurrentVoltagePart]:
    return [part for part in parts if isinstance(part, (CurrentPart, CurrentVoltagePart))]


def _case(
    recipe: SimulationRecipe,
    direction: Direction | None,
    diffusivity: float | None,
    offset: float | None,
    rate: float | None,
) -> Case:
    parts, initial = recipe.protocol, recipe.initial
    changes: dict[str, Any] = {"sweep": SweepSection()}
    first = parts[0]
    turned = direction is not None and isinstance(first, CurrentPart) and direction != first.direction
    # From a file `_check` has refused the other direction.
    if turned and isinstance(first, CurrentPart) and isinstance(initial, float):
        changes["initial"] = first.to_fraction
        parts = tuple(_turned(part, initial) for part in parts)
    if isinstance(first, PotentialPart) and direction not in (None, first.direction):
        changes["initial"] = first.other_initial
        opposite = first.model_copy(update={"direction": direction, "volt": first.other_volt})
        parts = (opposite, *parts[1:])
    if rate is not None:
        parts = tuple(
            part.model_copy(update={"c_rate": rate}) if isinstance(part, (CurrentPart, CurrentVoltagePart)) else part
            for part in parts
        )
    if diffusivity is not None:
        changes["transport"] = recipe.transport.model_copy(update={"diffusivity": diffusivity})
    if offset is not None:
        changes["defects"] = (recipe.defects[0].model_copy(update={"offset": offset}), *recipe.defects[1:])
    one = recipe.model_copy(update=changes | {"protocol": parts}).located(recipe.base)
    names = [
        f"{rate:g}C" if rate is not None else None,
        direction,
        f"D{diffusivity:g}" if diffusivity is not None else None,
        f"offset{offset:g}kT" if offset is not None else None,
    ]
    current = next(iter(_currents(parts)), None)
    return Case(
        "-".join(name for name in names if name),
        one,
        None if current is None else current.c_rate,
        _sign(parts[0] if current is None else current),
        diffusivity,
        offset,
    )


def _sign(part: Part) -> int:
    direction = getattr(part, "direction", None)
    return 0 if direction is None else (1 if direction == "lithiation" else -1)


def _turned(part: Part, start: float) -> Part:
    """Return a part the other way: the first current ends where the run started."""
    if isinstance(part, CurrentPart):
        end = None if part.to_fraction is None else start
        return part.model_copy(update={"direction": _OTHER[part.direction], "to_fraction": end})
    if isinstance(part, CurrentVoltagePart):
        return part.model_copy(update={"direction": _OTHER[part.direction]})
    return part
