"""Options of the channels along the fast axis of a crystal."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class ChannelOptions(Options):
    """How the pixels of a crystal are put into channels, and what turns their rate into a current density."""

    axis: float | None = Field(
        None,
        description="direction of the channels, degrees from +x towards +y; null: across the long axis of a particle",
    )
    axes: dict[str, float] = Field(default_factory=dict, description="direction for single particles, by name, degrees")
    site_density: float = Field(1.38e28, gt=0, description="lithium sites per volume, 1/m3")
    site_density_source: str = Field("Lim 2016", description="whose number it is")
    probe: float = Field(
        0.0,
        ge=0,
        description="full width at half maximum of the probe, nm: end pixels are brought back to the depth of half a "
        "pixel, from which the probe's mixing moves them inwards; 0 leaves them",
    )
    min_pixels: int = Field(4, ge=3, description="fewest pixels of a channel")
    min_valid_share: float = Field(0.8, gt=0, le=1, description="share of a channel's pixels that must have a value")
    min_cover: float = Field(
        0.7,
        ge=0,
        lt=1,
        description="share of an end pixel that must be covered by the particle, by its amount, for it to count alone: "
        "at a steep rim a small error of registration between the energies makes x wrong by tenths. Below it the "
        "profile along the channel leaves the pixel out, and the composition of the surface takes it together with the "
        "next one",
    )
    end_error: float | None = Field(
        None,
        ge=0,
        description="standard deviation of where a channel ends, pixels; null: 0.29 from a mask, 0.1 from an amount",
    )


class HalfChargeOptions(Options):
    """How channels are brought to one state of charge."""

    state_of_charge: float = Field(0.5, gt=0, lt=1, description="mean composition of the particle to interpolate to")
    window: float = Field(
        0.3, gt=0, le=1, description="intervals whose mean composition is this near take part in the interpolation"
    )
    degree: int = Field(2, ge=1, le=3, description="degree of the polynomial; lower where there are few intervals")
    lower: float = Field(0.15, ge=0, le=1, description="lowest composition of an active end pixel")
    upper: float = Field(0.85, ge=0, le=1, description="highest composition of an active end pixel")
    draws: int = Field(60, ge=20, description="simulated histograms for the error of the fractions")
    seed: int = Field(0, ge=0, description="start of the random numbers")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.upper <= self.lower:
            raise ValueError(f"upper {self.upper} must be above lower {self.lower}")
        return self


class NormaliseOptions(Options):
    """How exchange currents of channels are normalised."""

    law: str = Field("skewed_lim", description="function F(x) in j0 = k0 F(x), by name")
    lower: float = Field(0.05, ge=0, lt=1, description="lowest surface composition that takes part in the fit")
    upper: float = Field(0.95, gt=0, le=1, description="highest surface composition that takes part in the fit")
