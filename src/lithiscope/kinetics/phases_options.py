"""Options of the solid-solution fraction, the boundaries and the relaxation."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class PhaseOptions(Options):
    """What counts as solid solution, and how the noise is unfolded."""

    lower: float = Field(0.15, ge=0, le=1, description="lowest composition of the solid solution")
    upper: float = Field(0.85, ge=0, le=1, description="highest composition of the solid solution")
    min_pixels: int = Field(20, ge=2, description="fewest pixels with a value in a particle and frame")
    iterations: int = Field(
        200, ge=10, le=2000, description="steps of the unfolding; more resolve more and scatter more"
    )
    draws: int = Field(40, ge=20, description="simulated histograms per particle and frame, for the error")
    seed: int = Field(0, ge=0, description="start of the random numbers")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.upper <= self.lower:
            raise ValueError(f"upper {self.upper} must be above lower {self.lower}")
        return self


class BoundaryOptions(Options):
    """How the direction of a phase boundary is found."""

    smoothing: float = Field(1.0, gt=0, description="standard deviation of the Gaussian within the particle, pixels")
    min_coherence: float = Field(0.3, ge=0, lt=1, description="coherence below which there is no one direction")
    min_contrast: float = Field(
        5.0, ge=0, description="least mean-square slope over that of noise, in standard deviations of the noise's"
    )
    facets: tuple[float, ...] = Field(
        (), description="directions of the facets, degrees from +x towards +y; empty: from the outline of the particle"
    )
    facet_count: int = Field(2, ge=1, le=4, description="facet directions looked for in the outline")
    draws: int = Field(100, ge=20, description="simulated noise pictures per particle, for the error")
    seed: int = Field(0, ge=0, description="start of the random numbers")


class RelaxationOptions(Options):
    """How a rest is followed."""

    rim: float = Field(0.1, gt=0, description="width of the rim that counts as surface, um")
    min_frames: int = Field(3, ge=2, description="fewest frames of a rest that allow a rate")
