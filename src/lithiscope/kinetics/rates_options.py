"""Options of the rates, the currents and their table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lithiscope.options import Options


class RateOptions(Options):
    """How the change between two frames becomes a rate."""

    range_of_1c: float = Field(
        default=1.0, gt=0, le=1, description="change of x that 1C brings in an hour: 1 for LiFePO4, 0.5 for LiCoO2"
    )
    phase_fraction_range: tuple[float, float] | None = Field(
        default=None,
        description="lithium fractions at phase fraction 0 and 1; needed where the video holds a phase fraction",
    )
    largest_gap: float = Field(
        default=3.0,
        gt=1,
        description="an interval longer than this many times the median of its half cycle takes no part in the "
        "kinetics (direction 0)",
    )


class CurrentOptions(Options):
    """What turns a rate into a current density."""

    site_density: float = Field(
        default=1.38e28, gt=1e26, lt=1e30, description="lithium sites of the host per volume (1/m3)"
    )
    site_density_source: str = Field(default="Lim 2016, eq. S6", description="whose number the site density is")
    faces: Literal[1, 2] = Field(default=2, description="faces of the platelet that react")
    inactive_face: bool = Field(
        default=True, description="with two faces: carry the shift that one inactive face would mean"
    )
    attenuation_fraction: float = Field(
        default=0.057,
        ge=0,
        lt=1,
        description="relative error of a measured thickness from the choice of the attenuation table; 0: none",
    )
    stated_thickness_fraction: float = Field(
        default=0.0, ge=0, lt=1, description="relative error of a thickness given as a number; 0: none"
    )


class ExchangeOptions(Options):
    """Which reaction law turns a current density and an overpotential into an exchange current density."""

    law: str = Field(
        default="linear", description="linear, butler_volmer, or any other name of lithiscope.laws.reaction_law_names"
    )
    parameters: dict[str, float] = Field(
        default_factory=dict, description="of the law, e.g. alpha (coefficient of lithiation) for butler_volmer"
    )
    compare_with: str | None = Field(
        default="butler_volmer",
        description="law whose difference is carried as the shift reaction_law; for butler_volmer itself, linear",
    )
    compare_equilibrium: bool = Field(
        default=True,
        description="carry the shift equilibrium_law: what the other choice of `equilibrium` would have said",
    )
    equilibrium: Literal["cell", "regular_solution"] = Field(
        default="cell",
        description="cell: one equilibrium voltage, that of the trace; regular_solution: it is V0, and every pixel "
        "has its own V_eq(x)",
    )
    omega: float = Field(default=3.0, ge=0, lt=20, description="regular solution parameter (kT); Lim 2016 has 3")
    closest_to_ends: float = Field(
        default=0.02, gt=0, lt=0.5, description="compositions nearer to 0 or 1 are taken as this in V_eq(x)"
    )
    smallest_overpotential: float = Field(
        default=0.01, gt=0, description="below this overpotential (V) there is no exchange current"
    )
    largest_overpotential: float | None = Field(
        default=0.12, gt=0, description="above this overpotential (V) there is none either; none: no limit"
    )
    temperature: float = Field(default=298.15, gt=200, lt=500, description="K")
    wrong_sign_sigma: float = Field(
        default=3.0, gt=0, description="sigma below zero at which an exchange current gets the flag wrong_sign"
    )

    @model_validator(mode="after")
    def _ordered(self) -> ExchangeOptions:
        if self.largest_overpotential is not None and self.largest_overpotential <= self.smallest_overpotential:
            raise ValueError("largest_overpotential must be above smallest_overpotential")
        return self


class RateTableOptions(Options):
    """How pixels are brought together."""

    min_valid_share: float = Field(
        default=0.5, gt=0, le=1, description="share of the pixels of a region that must have a value"
    )
    warning_share: float = Field(
        default=0.1, gt=0, le=1, description="share of the pixels with a warning that gives the region the warning"
    )
    weight: Literal["none", "thickness"] = Field(
        default="none", description="none: every pixel counts alike (Lim 2016); thickness: by the amount of material"
    )
