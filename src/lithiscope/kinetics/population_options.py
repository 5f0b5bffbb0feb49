"""Options of the comparison of particles with the electrode."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class PopulationOptions(Options):
    """When a particle counts as active."""

    least_change_ratio: float = Field(
        0.1, gt=0, lt=1, description="change of the particle per change of the electrode below which it is inactive"
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="probability that decides between active and inactive")
    least_change: float = Field(
        0.1, gt=0, lt=1, description="least change of the global composition in a half cycle that allows a verdict"
    )
    lower: float = Field(0.15, ge=0, le=1, description="lowest composition of a particle that is being transformed")
    upper: float = Field(0.85, ge=0, le=1, description="highest composition of a particle that is being transformed")
    draws: int = Field(400, ge=50, description="resamplings of the particles for the error of the concurrency")
    seed: int = Field(0, ge=0, description="start of the random numbers")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.upper <= self.lower:
            raise ValueError(f"upper {self.upper} must be above lower {self.lower}")
        return self
