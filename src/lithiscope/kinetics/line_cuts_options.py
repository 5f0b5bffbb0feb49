"""Options of the line cuts."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class Line(Options):
    """A straight line through the picture, in the coordinates of its pixels."""

    name: str = Field(min_length=1, description="name of the line")
    start: tuple[float, float] = Field(description="x and y of the start, um")
    end: tuple[float, float] = Field(description="x and y of the end, um")

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.start == self.end:
            raise ValueError(f"line {self.name!r} starts where it ends")
        return self


class LineCutOptions(Options):
    """How lines are sampled, the same way in every frame."""

    lines: tuple[Line, ...] = Field((), description="the lines")
    step: float | None = Field(None, gt=0, description="distance between samples, um; null is one pixel")
    width: float = Field(0.0, ge=0, description="width across the line over which the mean is taken, um")
    min_valid_share: float = Field(
        0.5, gt=0, le=1, description="share of a sample's weight that must lie on pixels with a value"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [line.name for line in self.lines]
        if len(set(names)) < len(names):
            raise ValueError(f"two lines have one name: {names}")
        return self
