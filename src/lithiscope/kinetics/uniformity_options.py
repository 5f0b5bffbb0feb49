"""Options of the uniformity coefficient."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lithiscope.options import Options


class UniformityOptions(Options):
    """How the uniformity coefficient of a particle and half cycle is found."""

    noise: Literal["known", "fitted"] = Field(
        "known",
        description="known: from lithium_fraction_std; fitted: one noise per half cycle, which is biased wherever the "
        "spread does not follow m(1-m): only for videos without error bars",
    )
    min_frames: int = Field(3, ge=2, description="fewest frames of a half cycle")
    min_valid_share: float = Field(0.5, gt=0, le=1, description="share of the pixels that a frame needs to count")
    range_of_1c: float = Field(1.0, gt=0, description="change of x that 1C brings in an hour (1 for LFP, 0.5 for LCO)")


class RateGroupOptions(Options):
    """How half cycles are put together by C-rate and direction."""

    edges: tuple[float, ...] = Field(
        (), description="C-rates that part the groups, ascending, 1/h; empty: every applied C-rate is a group"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="probability of the range from low to high")
