"""Options of the steps that find, import, follow and measure particles."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class FindOptions(Options):
    """How particles are found in the time-mean amount of material (the sum of the end members)."""

    method: Literal["plateau", "otsu"] = Field(
        "plateau",
        description="plateau: amount above a share of each particle's own plateau; otsu: one threshold for the picture",
    )
    threshold: float = Field(0.5, gt=0, lt=1, description="share of the plateau that bounds a particle (plateau only)")
    plateau_percentile: float = Field(
        95.0, gt=50, le=100, description="percentile of the time-mean amount of a particle that counts as its plateau"
    )
    faintest: float = Field(
        0.1, gt=0, lt=1, description="thinnest particle looked for, as a share of the plateau of the whole picture"
    )
    smoothing: float = Field(0.0, ge=0, description="standard deviation of a Gaussian applied first, um; 0 is none")
    min_area: float = Field(0.05, ge=0, description="smallest particle kept, um2")
    max_area: float | None = Field(None, gt=0, description="largest particle kept, um2; null is no limit")
    fill_holes: bool = Field(True, description="fill holes inside a particle")
    split_touching: bool = Field(False, description="split particles that touch, at their necks (watershed)")
    split_depth: float = Field(0.05, gt=0, description="how much narrower than the particles a neck must be, um")
    drop_edge: bool = Field(False, description="drop particles that reach the edge of the field of view")
    per_cycle: bool = Field(False, description="one mask per particle and cycle, instead of one for the whole video")

    @model_validator(mode="after")
    def _areas_in_order(self) -> Self:
        if self.max_area is not None and self.max_area <= self.min_area:
            raise ValueError(f"max_area {self.max_area} um2 must be above min_area {self.min_area} um2")
        return self


class ImportOptions(Options):
    """How regions drawn elsewhere become labels."""

    overlap: Literal["error", "first", "last"] = Field(
        "error", description="who gets a pixel inside two regions: nobody (an error), the first or the last region"
    )


class TrackOptions(Options):
    """How particles are followed in time."""

    margin: float = Field(0.15, ge=0, description="how far beyond its mask a particle is looked for, um")
    threshold: float = Field(0.5, gt=0, lt=1, description="share of the plateau that bounds the area of a cycle")
    plateau_percentile: float = Field(95.0, gt=50, le=100, description="percentile that counts as the plateau")


class Exclusion(Options):
    """One particle or one frame that the user does not trust, and why."""

    particle: str | None = Field(None, description="name of the particle")
    frame: int | None = Field(None, ge=0, description="index of the frame along time, from 0")
    scan: int | None = Field(None, description="number of the scan, as in the file names")
    reason: str = Field(min_length=1, description="why; printed wherever the exclusion shows")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(name is not None for name in (self.particle, self.frame, self.scan)) != 1:
            raise ValueError("give exactly one of particle, frame and scan")
        return self


class TableOptions(Options):
    """How the table of particles is made."""

    exclude: tuple[Exclusion, ...] = Field((), description="particles and frames to leave out, each with its reason")
    min_valid_share: float = Field(
        0.5, gt=0, le=1, description="share of a particle's pixels that need a value for the particle to have one"
    )
    warning_share: float = Field(
        0.1, gt=0, le=1, description="share of a particle's pixels whose warning becomes a warning of the particle"
    )
