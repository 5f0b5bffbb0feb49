"""The section of a recipe on what is learned from the composition video."""

from __future__ import annotations

from pydantic import Field

from lithiscope.learning import LearnOptions


class LearningSection(LearnOptions):
    """Laws and rate fields with error bars, learned from the composition video of this study."""

    compute: bool = Field(
        False, description="learn them; needs lithiations or delithiations of three frames or more, and takes minutes"
    )
    particles: tuple[str, ...] = Field((), description="names of the particles to use; none: all that are not excluded")
    half_cycles: tuple[int, ...] = Field((), description="numbers of the half cycles to use; none: all but rests")

    @property
    def model(self) -> LearnOptions:
        """The options of the fit alone."""
        return LearnOptions(**self.model_dump(exclude={"compute", "particles", "half_cycles"}))
