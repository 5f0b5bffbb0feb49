"""Options of the diagnosis of what limits a particle."""

from __future__ import annotations

from pydantic import Field

from lithiscope.laws import LFP_SITE_DENSITY, ROOM_TEMPERATURE
from lithiscope.options import Options


class RegimeOptions(Options):
    """How evidence for a limit by the surface reaction or by diffusion in the bulk is weighed."""

    site_density: float = Field(LFP_SITE_DENSITY, gt=0, description="lithium sites per volume, 1/m3")
    faces: int = Field(2, ge=1, le=2, description="reacting ends of a channel; L is half the channel for 2, all for 1")
    resolution: float = Field(40.0, ge=0, description="full width at half maximum of the probe, nm")
    band: float = Field(3.0, ge=1, description="ratio of times, either way, within which nothing is decided")
    level: float = Field(
        0.95, gt=0.5, lt=1, description="probability of a ratio outside the band that a piece needs for its verdict"
    )
    agreeing: int = Field(2, ge=1, description="pieces that must agree, with none against, for the verdict on all")
    model_spread: float = Field(
        0.15,
        ge=0,
        description="standard deviation of the decadic logarithm of tau_bulk from the simple model behind it",
    )
    current_spread: float = Field(
        0.25, ge=0, description="relative standard deviation of a current that either limit predicts"
    )
    drive: float = Field(
        5.0,
        gt=0,
        description="rate at which the particle would near its end if only the reaction limited, in 1/tau_reaction; "
        "used when neither j0 nor overpotential is given (2 to 15 between 40 and 100 mV)",
    )
    drive_spread: float = Field(0.3, ge=0, description="standard deviation of its decadic logarithm")
    end: float = Field(
        1.0, gt=0.5, le=1.2, description="share of the full range of x that the half cycle would reach in the end"
    )
    law: str = Field("skewed_lim", description="name of the exchange law F(x)")
    temperature: float = Field(ROOM_TEMPERATURE, gt=0, description="temperature, K")
    broad_gradient_decides: bool = Field(
        False,
        description="count a gradient wider than the resolution as evidence for the surface reaction, as Koo 2023 "
        "does; right only where diffusion alone would leave a sharp front",
    )
    draws: int = Field(400, ge=50, le=20_000, description="random repetitions that carry the noise through")
    seed: int = Field(0, ge=0, description="seed of the random numbers")


class StabilityOptions(Options):
    """How linear stability is followed along a measured path."""

    site_density: float = Field(LFP_SITE_DENSITY, gt=0, description="lithium sites per volume, 1/m3")
    faces: int = Field(2, ge=1, le=2, description="reacting faces along the thickness")
    edge: float = Field(
        0.02, gt=0, lt=0.5, description="composition from either end within which the law is not followed"
    )
    draws: int = Field(400, ge=50, le=20_000, description="random repetitions that carry the noise through")
    seed: int = Field(0, ge=0, description="seed of the random numbers")
