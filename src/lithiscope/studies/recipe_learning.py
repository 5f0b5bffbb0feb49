"""The section of a recipe on what is learned from the composition video."""

from __future__ import annotations

from pydantic import Field

from lithiscope.learning import LearnOptions
from lithiscope.learning.models import ModelName
from lithiscope.options import Options


class CompareSection(Options):
    """Which other models explain the video as well, or better."""

    compute: bool = Field(
        False, description="learn with other models too, and say which the data speak for; each takes minutes"
    )
    models: tuple[ModelName, ...] = Field(
        (),
        description="which others; none: all that differ from the model of this section. butler_volmer, marcus, "
        "marcus_hush_chidsey, coupled_ion_electron: law of the reaction; j0_skewed_lim, j0_symmetric, j0_constant: "
        "shape of j0(x), only its level being learned; same_k_everywhere: one rate per particle; without_strain",
    )
    hold_back: bool = Field(
        False,
        description="also learn without the last half cycle of each particle, and say how well each model foretells "
        "it; takes twice as long",
    )


class SampleSection(Options):
    """Draws from the posterior of the laws, which say whether their error bars hold."""

    compute: bool = Field(
        False, description="learn once more and draw; minutes for some twenty pixels, hours for some hundred"
    )
    draws: int = Field(500, ge=4, le=100_000, description="draws of each chain")
    warm_up: int = Field(200, ge=1, le=100_000, description="draws before these, by which the steps are adapted")
    chains: int = Field(4, ge=1, le=64, description="chains, which `--processes` works on side by side")
    seed: int = Field(0, ge=0, description="start of the random numbers")


class LearningSection(LearnOptions):
    """Laws and rate fields with error bars, learned from the composition video of this study."""

    compute: bool = Field(
        False, description="learn them; needs lithiations or delithiations of three frames or more, and takes minutes"
    )
    particles: tuple[str, ...] = Field((), description="names of the particles to use; none: all that are not excluded")
    half_cycles: tuple[int, ...] = Field((), description="numbers of the half cycles to use; none: all but rests")
    compare: CompareSection = Field(CompareSection(), description="comparison with other models")
    sample: SampleSection = Field(SampleSection(), description="draws that say whether the error bars hold")

    @property
    def model(self) -> LearnOptions:
        """The options of the fit alone."""
        return LearnOptions(**self.model_dump(exclude={"compute", "particles", "half_cycles", "compare", "sample"}))
