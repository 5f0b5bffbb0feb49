"""Options of the fit of exchange currents."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lithiscope.options import Options


class LawFitOptions(Options):
    """How a law j0 = k0 F(x) is fitted to exchange current densities of particles."""

    recipe: Literal["least_squares", "maximum"] = Field(
        default="least_squares",
        description="least_squares: errors of both variables, correlated as frames are shared; maximum: the largest j0 "
        "over the largest F, as in Lim 2016",
    )
    region: str = Field(default="all", description="rows of the table that take part: all, fast, slow, or another name")
    closest_to_ends: float = Field(
        default=0.04, ge=0, lt=0.5, description="an interval takes part if x stays this far from 0 and 1 all the time"
    )
    interval_correction: bool = Field(
        default=True,
        description="compare with the harmonic mean of F over the compositions that an interval runs through, which is "
        "what a mean rate at a mean overpotential measures; false: with F in the middle",
    )
    particle_scatter: bool = Field(
        default=True, description="with three or more particles: let k0 differ between particles, and find by how much"
    )
    robust: bool = Field(
        default=False, description="enlarge the errors of points far off the curve, so that they count less (Huber)"
    )
    robust_sigma: float = Field(default=2.0, gt=0.5, description="sigma beyond which a point is far off")
    capacity_ratio: float | None = Field(
        default=150 / 170,
        gt=0,
        le=1,
        description="reached over theoretical capacity, by which x may be compressed from either end; none: left out",
    )
    decisive: float = Field(
        default=6.0,
        gt=0,
        description="difference of the information criterion from which one law is preferred; 6 is a relative "
        "likelihood of 1/20",
    )
    grid: int = Field(default=199, ge=11, le=10_000, description="points of the fitted curve")
