"""The sections of a recipe on the kinetics of the particles."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.kinetics.options import (
    AgreementOptions,
    AsymmetryOptions,
    BoundaryOptions,
    ChannelOptions,
    CurrentOptions,
    DomainOptions,
    DomainShapeOptions,
    DoseCheckOptions,
    ExchangeOptions,
    HalfChargeOptions,
    InterfaceOptions,
    LawFitOptions,
    LineCutOptions,
    NormaliseOptions,
    PathwayOptions,
    PhaseOptions,
    PoolOptions,
    PopulationOptions,
    RateOptions,
    RateTableOptions,
    RegimeOptions,
    RelaxationOptions,
    StabilityOptions,
    UniformityOptions,
    UniformOptions,
)
from lithiscope.options import Options


class RegimeSection(RegimeOptions):
    """What limits a particle whose channels lie in the picture."""

    diffusivity: tuple[float, float] | None = Field(
        None,
        description="lowest and highest believable diffusivity along the channels (in_plane) or through the thickness, "
        "m2/s; null: times are not used",
    )
    exchange_current: tuple[float, float] | None = Field(
        None,
        description="exchange current density, mean over x, and its standard deviation, A/m2, known from elsewhere; "
        "null: from another half cycle of the same particle. One from the half cycle itself already contains what "
        "diffusion took. With transport through, null takes that of the fit",
    )

    @model_validator(mode="after")
    def _believable(self) -> Self:
        if self.diffusivity is not None and not 0 < self.diffusivity[0] <= self.diffusivity[1]:
            raise ValueError(f"diffusivity {self.diffusivity} must be positive, the lowest first")
        if self.exchange_current is not None and not (self.exchange_current[0] > 0 and self.exchange_current[1] >= 0):
            raise ValueError(f"exchange_current {self.exchange_current} must be positive, its error not negative")
        return self


class LawSection(LawFitOptions):
    """The rate constant and the law of the exchange current, in the fast and in the slow domains."""

    region: str = Field(
        "uniform",
        description="uniform: one set of pixels per particle and domain that reacts as a whole, fast and slow fitted "
        "apart; or one of all, fast, slow",
    )
    laws: tuple[str, ...] = Field(
        ("skewed_lim", "skewed_cogswell_bazant", "symmetric", "constant", "free"),
        min_length=1,
        description="functions F(x) that are fitted and compared; free: k x^a (1-x)^b",
    )


class PathwaysSection(Options):
    """How particles go from full to empty: their boundaries, the shapes of their domains, their pathways."""

    interfaces: InterfaceOptions = Field(InterfaceOptions(), description="width and motion of boundaries")
    shapes: DomainShapeOptions = Field(DomainShapeOptions(), description="shapes of the fast domains")
    rule: PathwayOptions = Field(PathwayOptions(), description="the rule that names a pathway")


class KineticsSection(Options):
    """How fast lithium moved, where, and by which law."""

    compute: bool = Field(False, description="compute rates and all that follows; needs two scans or more")
    transport: Literal["through", "in_plane"] = Field(
        "through",
        description="through: lithium enters along the beam, every pixel reacts (Lim 2016); in_plane: along channels "
        "that lie in the picture (Koo 2023)",
    )
    rates: RateOptions = Field(RateOptions(), description="rates between sequential frames")
    thickness: float | None = Field(
        None, gt=0, description="thickness of the particles, nm; null: measured, from the pre-edge"
    )
    current: CurrentOptions = Field(CurrentOptions(), description="rate to current density")
    exchange: ExchangeOptions = Field(ExchangeOptions(), description="current density to exchange current density")
    table: RateTableOptions = Field(RateTableOptions(), description="means over particles and over their domains")
    law: LawSection = Field(LawSection(), description="fit of the exchange current density against composition")
    uniform: UniformOptions = Field(
        UniformOptions(), description="which pixels react as a whole; both domains are tried, whatever `domain` says"
    )
    asymmetry: AsymmetryOptions = Field(AsymmetryOptions(), description="lithiation against delithiation")
    domains: DomainOptions = Field(DomainOptions(), description="fast and slow domains")
    agreement: AgreementOptions = Field(AgreementOptions(), description="whether the same domains are fast again")
    uniformity: UniformityOptions = Field(UniformityOptions(), description="uniformity coefficient")
    pool: PoolOptions = Field(PoolOptions(), description="means over particles")
    phases: PhaseOptions = Field(PhaseOptions(), description="solid-solution fraction")
    boundaries: BoundaryOptions = Field(BoundaryOptions(), description="direction of phase boundaries at rest")
    relaxation: RelaxationOptions = Field(RelaxationOptions(), description="what happens after the current stops")
    line_cuts: LineCutOptions = Field(LineCutOptions(), description="compositions along lines")
    channels: ChannelOptions = Field(ChannelOptions(), description="channels, for transport in_plane")
    half_charge: HalfChargeOptions = Field(HalfChargeOptions(), description="surfaces at half charge")
    regime: RegimeSection = Field(RegimeSection(), description="what limits the particle")
    normalise: NormaliseOptions = Field(NormaliseOptions(), description="normalised exchange currents of channels")
    population: PopulationOptions = Field(PopulationOptions(), description="particles beside the electrode")
    stability: StabilityOptions = Field(StabilityOptions(), description="linear stability along the measured path")
    pathways: PathwaysSection = Field(PathwaysSection(), description="how particles go from full to empty")
    dose: DoseCheckOptions = Field(DoseCheckOptions(), description="the damage limit")
