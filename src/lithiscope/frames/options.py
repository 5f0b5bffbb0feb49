"""Options of correction, registration and resampling, each with its unit."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.frames.correct_options import CorrectOptions
from lithiscope.options import Options

__all__ = ["CorrectOptions", "RegisterOptions", "ResampleOptions"]


class RegisterOptions(Options):
    """How frames are aligned."""

    along: Literal["auto", "time", "energy"] = Field(
        "auto", description="axis to align along; auto takes time, or energy when there is one time only"
    )
    motion: Literal["translation", "affine"] = Field("translation", description="what a frame may do")
    gain: Literal["auto", "local", "global"] = Field(
        "auto",
        description="local: contrast may change from place to place (fronts, energies); global: one gain and offset "
        "(textured movies with a static pattern); auto: local for pictures, global for volumes",
    )
    gain_width: float = Field(2.5, ge=1.5, le=50, description="window in which a local gain is constant (pixels)")
    smoothing: float = Field(0.8, ge=0.5, le=5, description="Gaussian smoothing before comparison (pixels)")
    lags: tuple[int, ...] = Field(
        (1, 3, 9, 27), min_length=1, description="which frames are compared: each with those that came so many before"
    )
    min_likeness: float = Field(
        0.5, ge=0, lt=1, description="least correlation of the details of two frames, over what noise would leave of 1"
    )
    min_overlap: float = Field(0.1, ge=0, lt=1, description="least share of the picture that two frames must share")
    max_disagreement: float = Field(
        0.25, gt=0, description="largest root-mean-square disagreement of a frame's pairs (pixels)"
    )

    @model_validator(mode="after")
    def _lags_increase(self) -> Self:
        if self.lags[0] != 1 or any(b <= a for a, b in zip(self.lags, self.lags[1:], strict=False)):
            raise ValueError("lags must begin with 1 and increase")
        return self


class ResampleOptions(Options):
    """How frames are moved."""

    min_support: float = Field(
        0.5, gt=0, le=1, description="a pixel needs this share of its nearest neighbours to be present"
    )
