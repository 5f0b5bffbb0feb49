"""What the file of a set may hold, checked when it is read: names, units, ranges, sources."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from lithiscope.materials.numbers import Components, Number, Part, Series, Stated, checked, energy_or_plain

AXES = ("a", "b", "c")
STIFFNESS = ("C11", "C22", "C33", "C44", "C55", "C66", "C12", "C13", "C23")


def _field(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else getattr(given, name, None)


SiteDensity = Annotated[Number, AfterValidator(checked("1/m^3", low=0))]
Temperature = Annotated[Number, AfterValidator(checked("K", low=0))]
Voltage = Annotated[Number, AfterValidator(checked("V"))]
Plain = Annotated[Number, AfterValidator(checked("1", low=0))]
GradientEnergy = Annotated[Number, AfterValidator(checked("J/m", low=0))]
EnergyDensity = Annotated[Number, AfterValidator(checked("Pa", low=0, also="kT"))]
CurrentDensity = Annotated[Number, AfterValidator(checked("A/m2", low=0))]
Length = Annotated[Number, AfterValidator(checked("nm", low=0))]

# The mark before a tag lets `reading` leave it out of the path of a field.
Parameter = Annotated[
    Annotated[Number, Tag("#number")] | Annotated[Series, Tag("#series")],
    Discriminator(lambda given: "#series" if isinstance(_field(given, "value"), (list, tuple)) else "#number"),
    AfterValidator(energy_or_plain),
]

Voltages = Annotated[Series, AfterValidator(checked("V"))]
Compositions = Annotated[Series, AfterValidator(checked("1"))]
Diffusivities = Annotated[Components, AfterValidator(checked("m^2/s", low=0, names=AXES))]
Strains = Annotated[Components, AfterValidator(checked("1", names=AXES))]
Lengths = Annotated[Components, AfterValidator(checked("nm", low=0, names=AXES))]
Stiffness = Annotated[Components, AfterValidator(checked("Pa", names=STIFFNESS))]


class Reference(Part):
    """A paper, data set or code."""

    citation: str = Field(min_length=8)
    doi: str | None = Field(None, pattern=r"^10\.\d{4,}/\S+$")


class Law(Part):
    """A law of `lithiscope.laws` by name, with its parameters."""

    law: str
    parameters: dict[str, Parameter] = Field(default_factory=dict)


class VoltageTable(Part):
    """An equilibrium voltage in points, joined without new extremes; nothing is known outside."""

    x: Compositions
    voltage: Voltages

    @model_validator(mode="after")
    def _one_length(self) -> VoltageTable:
        x = self.x.value
        if len(x) != len(self.voltage.value) or len(x) < 2:
            raise ValueError(f"as many voltages as compositions, at least two; not {len(self.voltage.value)}, {len(x)}")
        if any(later <= earlier for earlier, later in itertools.pairwise(x)) or x[0] < 0 or x[-1] > 1:
            raise ValueError("compositions that ascend within [0, 1]")
        return self


FreeEnergy = Annotated[
    Annotated[Law, Tag("#law")] | Annotated[VoltageTable, Tag("#table")],
    Discriminator(lambda given: "#table" if _field(given, "voltage") is not None else "#law"),
]


class PhaseStep(Part):
    """Where the two phases part, for what happens in one of them only; 1/2 (1 -+ tanh((x - boundary)/width))."""

    boundary: Plain
    width: Plain


class DiffusivityFactor(Part):
    """D(x) = D above^s, s = 1/2 (1 + tanh((x - centre)/width)): D as it is below `centre`, times `above` beyond."""

    above: Plain
    centre: Plain
    width: Plain


class Diffusion(Part):
    """Diffusivity along the crystal axes."""

    along: Diffusivities
    factor: DiffusivityFactor | None = None


class ReactionSection(Part):
    """Insertion at the surface: j = j0 F(x) r(eta)."""

    law: Law
    exchange: Law
    exchange_current: CurrentDensity
    full_potential: bool = False
    "Whether F was built on the chemical potential with its gradient and strain (see `lithiscope.laws.stability`)."
    phase: PhaseStep | None = None


class Elasticity(Part):
    """Coherency strain energy, stiffness and misfit; axes 1, 2, 3 are a, b, c, Voigt order 11 22 33 23 13 12."""

    coherency: EnergyDensity | None = None
    stiffness: Stiffness | None = None
    misfit: Strains | None = None


class Lattice(Part):
    """Unit cells of the lithiated and the delithiated end."""

    space_group: str
    lithiated: Lengths | None = None
    delithiated: Lengths | None = None


class OpticalConstant(Part):
    """Refractive index n + i k at one wavelength and composition."""

    wavelength: Length
    x: float = Field(ge=0, le=1)
    n: Plain
    k: Annotated[Number, AfterValidator(checked("1"))]


class MaterialData(Part):
    """A parameter set as its file states it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{2,60}$")
    title: str = Field(min_length=4, max_length=120)
    formula: str
    description: str
    references: dict[str, Reference]
    composition: tuple[float, float] = Field((0.0, 1.0))
    "Range of x in which the set as a whole holds."
    c_rate_composition: Plain
    temperature: Temperature
    site_density: SiteDensity
    plateau: Voltage
    free_energy: FreeEnergy
    gradient_energy: GradientEnergy | None = None
    diffusion: Diffusion | None = None
    reaction: ReactionSection | None = None
    elasticity: Elasticity = Elasticity()
    lattice: Lattice | None = None
    optical_constants: tuple[OpticalConstant, ...] = ()
    based_on: str | None = None
    "The set of which this is a copy with changed numbers."

    @model_validator(mode="after")
    def _one_interaction(self) -> MaterialData:
        if self.reaction is None or not self.reaction.full_potential or not isinstance(self.free_energy, Law):
            return self
        ours, theirs = (law.parameters.get("omega") for law in (self.free_energy, self.reaction.exchange))
        if ours and theirs and (ours.values(), ours.unit) != (theirs.values(), theirs.unit):
            raise ValueError(
                "an exchange law built on the full potential has the omega of the free energy, "
                f"{ours.values()[0]:g} {ours.unit}, not {theirs.values()[0]:g} {theirs.unit}"
            )
        return self

    @model_validator(mode="after")
    def _sources_are_known(self) -> MaterialData:
        if not 0 <= self.composition[0] < self.composition[1] <= 1:
            raise ValueError("a range of composition that ascends within [0, 1]")
        if self.c_rate_composition.value > 1:
            raise ValueError("a range of composition for 1C of at most 1")
        for path, stated in stated_numbers(self):
            key = re.split(r"[:,; ]", stated.source, maxsplit=1)[0]
            if stated.status == "published" and key not in self.references:
                raise ValueError(
                    f"{path}: the source of a published number begins with the key of a reference "
                    f"({', '.join(self.references) or 'there is none'}), not {key!r}"
                )
        return self


def stated_numbers(part: Part, path: str = "") -> Iterator[tuple[str, Number | Series | Components]]:
    """Yield every number of a set with its path in the file, in the order of the file."""
    for name in type(part).model_fields:
        yield from _stated(getattr(part, name), f"{path}{name}")


def _stated(value: object, path: str) -> Iterator[tuple[str, Number | Series | Components]]:
    if isinstance(value, (Number, Series, Components)):
        yield path, value
    elif isinstance(value, Part) and not isinstance(value, (Stated, Reference)):
        yield from stated_numbers(value, f"{path}.")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _stated(item, f"{path}.{key}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _stated(item, f"{path}.{index}")
