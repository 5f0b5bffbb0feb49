"""Options of the fast and slow domains."""

from __future__ import annotations

from pydantic import Field

from lithiscope.options import Options


class DomainOptions(Options):
    """How fast and slow domains are told apart."""

    smoothing: float = Field(1.0, ge=0, description="standard deviation of the Gaussian within the particle, pixels")
    significance: float = Field(
        0.01, gt=0, lt=1, description="probability that noise alone passes for domains in a frame"
    )
    draws: int = Field(500, ge=50, description="simulated noise pictures per particle")
    seed: int = Field(0, ge=0, description="start of the random numbers")


class AgreementOptions(Options):
    """How the persistence of domains is tested."""

    share: float = Field(
        0.5, gt=0, lt=1, description="share of the frames of a half cycle above which a pixel counts as fast"
    )
    min_pixels: int = Field(20, ge=4, description="fewest pixels with a class in both that allow a comparison")
    draws: int = Field(999, ge=99, description="domains at random places per comparison")
    block: int = Field(4, ge=1, description="edge of the blocks of pixels drawn for the error of an overlap, pixels")
    seed: int = Field(0, ge=0, description="start of the random numbers")
