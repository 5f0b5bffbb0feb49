"""Options of the correction of counts for what detector and beam did to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lithiscope.options import Options


class CorrectOptions(Options):
    """What the detector and the beam did, as stated by the beamline; the defaults change no count."""

    saturation: float | None = Field(
        default=None,
        gt=0,
        description="counts at and above which the detector is not trusted; none: the file's own, or the largest "
        "count where too many pixels hold exactly it",
    )
    dump_fraction: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="a line without beam is darker than this share of what it should be; below exp(-2.5) = 0.08, "
        "so that a line behind a thick particle stays; 0 = never",
    )
    despike: bool = Field(
        default=False,
        description="replace spikes by the median of their neighbours; off, because in a single picture a pinhole of "
        "one to three pixels looks like a spike",
    )
    spike_sigma: float = Field(
        default=8.0, ge=3, description="a spike is this many sigma brighter than its third brightest neighbour"
    )
    dead_time: float = Field(default=0.0, ge=0, description="non-paralysable dead time of the detector (s)")
    dark_counts: float = Field(
        default=0.0, ge=0, description="mean dark counts of a pixel in one dwell, where no dark picture is given"
    )
    ring_current: Literal["none", "mean"] | Annotated[float, Field(gt=0)] = Field(
        default="none",
        description="ring current (A) to which all counts are scaled; mean: that of all frames; none: leave them",
    )
    counts_per_photon: float = Field(
        default=1.0, gt=0, description="counts of one detected photon: variance of the counts over their mean"
    )
    read_noise: float = Field(default=0.0, ge=0, description="standard deviation of a pixel without light (counts)")
    flicker: float = Field(
        default=0.0, ge=0, lt=1, description="relative standard deviation of the flux from pixel to pixel"
    )
    noise: Literal["stated", "measured"] = Field(
        default="stated",
        description="measured: the flicker of each frame is what its brightest pixels scatter beyond counting and "
        "read noise; stated: the option flicker",
    )
