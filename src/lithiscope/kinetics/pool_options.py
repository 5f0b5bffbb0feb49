"""Options of pooling, of the comparison of directions, of uniform pixels and of the dose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lithiscope.options import Options


class PoolOptions(Options):
    """How a figure is pooled over particles, studies and cells."""

    draws: int = Field(default=2000, ge=200, le=1_000_000, description="draws of the bootstrap")
    seed: int = Field(default=0, ge=0, description="start of the random numbers")
    fewest_units: int = Field(
        default=3,
        ge=2,
        description="the highest of cells, studies and particles with this many members is what is drawn; below, the "
        "next lower one, and the range then holds for these cells (or studies) alone",
    )
    region: str = Field(default="all", description="rows of a table with regions that take part")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="probability of the range from low to high")


class AsymmetryOptions(Options):
    """Where lithiation and delithiation are compared."""

    lithium_fraction: float = Field(default=0.5, gt=0, lt=1, description="composition of the comparison")
    region: str = Field(default="all", description="rows of the table that take part")
    rate_tolerance: float = Field(
        default=0.1, gt=0, lt=1, description="applied C-rates of a pair may differ by this share"
    )


class UniformOptions(Options):
    """Which pixels of a particle count as one domain that changes as a whole."""

    domain: Literal["fast", "slow"] = Field(default="fast", description="class of the pixels, where domains are given")
    share: float = Field(
        default=0.5, gt=0, lt=1, description="share of the decided frames in which a pixel is of that class"
    )
    margin: int = Field(default=1, ge=0, le=20, description="pixels left out along the edge of the domain (blur)")
    tolerance: float = Field(
        default=0.05, gt=0, lt=1, description="largest mean deviation in time of a pixel from the median of its domain"
    )
    largest_spread: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="largest spread of x over the pixels, noise taken out, rms over the frames",
    )
    least_change: float = Field(
        default=0.3, ge=0, lt=1, description="least range of the mean x over the frames: the pixels must be active"
    )
    min_pixels: int = Field(default=20, ge=4, description="fewest pixels")


class DoseCheckOptions(Options):
    """The damage limit."""

    limit: float = Field(
        default=6e7, gt=0, description="dose up to which no damage is documented, Gy: 6e7 is 60 MGy (Lim 2016)"
    )
