"""Options of the interfaces, the shapes of domains and the pathways."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.options import Options


class InterfaceOptions(Options):
    """How the boundary between lithium-rich and lithium-poor is found and measured."""

    smoothing: float = Field(
        1.0, gt=0, description="standard deviation of the Gaussian that finds the place of the boundary, pixels"
    )
    shape: Literal["error_function", "logistic"] = Field("error_function", description="profile across the boundary")
    resolution: float | None = Field(
        None,
        gt=0,
        description="full width at half maximum of the probe, um, taken out of the width in quadrature; null: not",
    )
    min_contrast: float = Field(
        0.2, gt=0, lt=1, description="least difference in x between the two sides that makes a boundary"
    )
    significance: float = Field(0.01, gt=0, lt=1, description="probability that noise alone passes for a contrast")
    largest_error: float = Field(
        0.35, gt=0, lt=1, description="standard deviation of a width over the width, above which it is not trusted"
    )
    min_pixels: int = Field(40, ge=10, description="fewest pixels with a value in a particle and frame")
    draws: int = Field(40, ge=20, description="simulated pictures per frame, for errors and the bias of the width")
    seed: int = Field(0, ge=0, description="start of the random numbers")


class DomainShapeOptions(Options):
    """How the shape of a fast domain is judged."""

    smoothing: float = Field(1.0, gt=0, description="standard deviation of the Gaussian within the particle, pixels")
    facets: tuple[float, ...] = Field(
        (), description="directions of the facets, degrees from +x towards +y; empty: from the outline of the particle"
    )
    facet_count: int = Field(2, ge=1, le=4, description="facet directions looked for in the outline")
    tolerance: float = Field(
        15.0, gt=0, lt=45, description="an edge within this of a facet's direction counts as parallel, degrees"
    )
    min_outline_share: float = Field(
        0.6,
        ge=0,
        le=1,
        description="share of the particle's outline along the facets below which it counts as without facets",
    )
    min_pixels: int = Field(30, ge=10, description="fewest pixels of a domain")
    min_edge: float = Field(
        0.5, gt=0, le=1, description="least share of the domain's edge that lies inside the particle"
    )
    roughness: float = Field(
        0.3, ge=0, description="how far the edge of a real ellipse or polygon strays, standard deviation, pixels"
    )
    significance: float = Field(0.05, gt=0, lt=0.5, description="p value below which a shape is ruled out")
    draws: int = Field(99, ge=19, description="simulated pictures per shape that give the p values")
    seed: int = Field(0, ge=0, description="start of the random numbers")


class PathwayOptions(Options):
    """The rule that names the pathway of a particle in a half cycle."""

    lower: float = Field(0.25, ge=0, le=1, description="lowest mean x of a frame that counts as near half charge")
    upper: float = Field(0.75, ge=0, le=1, description="highest mean x of a frame that counts as near half charge")
    uniform_above: float = Field(0.85, gt=0, lt=1, description="uniformity coefficient of a uniform solid solution")
    separated_below: float = Field(
        0.3, gt=0, lt=1, description="share of solid solution below which the phases are separated"
    )
    confidence: float = Field(0.9, gt=0.5, lt=1, description="probability that decides")
    edges: tuple[float, ...] = Field(
        (), description="C-rates that part the groups, ascending, 1/h; empty: every applied C-rate is a group"
    )
    interval: float = Field(0.95, gt=0, lt=1, description="probability of the range of a share")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.upper <= self.lower:
            raise ValueError(f"upper {self.upper} must be above lower {self.lower}")
        if any(second <= first for first, second in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError(f"edges {self.edges} must ascend")
        return self
