"""The step that draws from the posterior of the laws, to see whether their error bars hold."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lithiscope.errors import AnalysisError, LithiscopeWarning, OptionError
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.checkpoint import Checkpoint
from lithiscope.studies.runner import Step

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.fit import Mapper
    from lithiscope.studies.recipe import Recipe
    from lithiscope.studies.recipe_learning import LearningSection

SAMPLED = "sampled_laws"
_LAWS, _PARTICLE = "learned_laws", "sampled_particle"


def sampling_step(needs: Sequence[str]) -> Step:
    """Return the step, which needs what the learning needs, and that something was learned."""
    return Step(
        SAMPLED,
        (_LAWS, *needs),
        lambda one: one.learning.sample.model_dump(mode="json"),
        _sampled,
        methods=lambda _: ["zhao2023"],
        optional=True,
        resumes=True,
        maps=True,
    )


def _sampled(recipe: Recipe, inputs: Mapping[str, Any], reporter: Reporter) -> dict[str, xr.Dataset]:
    from lithiscope.studies.learning import learning_video

    video, names = learning_video(recipe, inputs)
    return sampled_parts(
        [video],
        recipe.learning,
        inputs["checkpoint"],
        labels=sorted(names),
        mapper=inputs["mapper"],
        reporter=reporter,
    )


def sampled_parts(
    videos: Sequence[xr.Dataset],
    section: LearningSection,
    checkpoint: Checkpoint,
    *,
    labels: Sequence[int] | None = None,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> dict[str, xr.Dataset]:
    """Return ``sampled_laws`` and ``sampled_particle-<video>-<label>``.

    A store holds no fit, only what was learned by it; so there is a fit first, the same as that of the learning, unless
    the checkpoint knows it.

    Parameters
    ----------
    videos : sequence of composition_video
        What was learned from.
    section : LearningSection
        What was asked for.
    checkpoint : Checkpoint
        Where the fit stands.
    labels : sequence of int, optional
        Of the particles.
    mapper : callable
        `map`, or that of processes or a cluster: chains are worked on side by side.
    reporter : Reporter
        Told of each step.

    Raises
    ------
    AnalysisError
        If there are too many numbers to sample, or the model cannot follow the data.
    """
    from lithiscope.learning import sample

    asked = section.sample.model_dump(exclude={"compute"})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LithiscopeWarning)  # they stand among the results
            tree = sample(
                videos,
                section.model,
                particles=labels,
                mapper=mapper,
                reporter=reporter,
                diary=checkpoint.diary(),
                **asked,
            )
    except OptionError as error:  # that laws cannot be sampled is no reason to lose them
        raise AnalysisError(
            error.problem, field=error.field, value=error.value, limit=error.limit, remedy=error.remedy
        ) from error
    parts = {SAMPLED: tree["laws"].to_dataset()}
    for node in tree["particle"].children.values():
        one = node.to_dataset()
        parts[f"{_PARTICLE}-{one.attrs['video']}-{one.attrs['particle']}"] = one
    return parts
