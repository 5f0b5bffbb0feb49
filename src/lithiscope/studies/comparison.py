"""The step that learns with other models too, and says which the data speak for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lithiscope.errors import LithiscopeWarning
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.checkpoint import Checkpoint
from lithiscope.studies.runner import Step

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.fit import Mapper
    from lithiscope.studies.recipe import Recipe
    from lithiscope.studies.recipe_learning import LearningSection

COMPARISON = "model_comparison"
_LAWS, _PARTICLE = "learned_laws", "learned_particle-"


def comparison_step(needs: Sequence[str]) -> Step:
    """Return the step, which needs what the learning needs, and what was learned."""
    return Step(
        COMPARISON,
        (_LAWS, *needs),
        lambda one: one.learning.compare.model_dump(mode="json"),
        _compared,
        methods=lambda _: ["zhao2023"],
        optional=True,
        resumes=True,
        maps=True,
    )


def _compared(recipe: Recipe, inputs: Mapping[str, Any], reporter: Reporter) -> xr.Dataset:
    from lithiscope.studies.learning import learning_video

    video, names = learning_video(recipe, inputs)
    return comparison(
        [video],
        recipe.learning,
        inputs,
        inputs["checkpoint"],
        labels=sorted(names),
        mapper=inputs["mapper"],
        reporter=reporter,
    )


def comparison(
    videos: Sequence[xr.Dataset],
    section: LearningSection,
    learned: Mapping[str, xr.Dataset],
    checkpoint: Checkpoint,
    *,
    labels: Sequence[int] | None = None,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> xr.Dataset:
    """Return the stage model_comparison.

    Parameters
    ----------
    videos : sequence of composition_video
        What was learned from.
    section : LearningSection
        What was asked for.
    learned : mapping of str to Dataset
        ``learned_laws`` and ``learned_particle-<video>-<label>``: the model asked for is not learned again.
    checkpoint : Checkpoint
        Where the models are kept that a run which was stopped had finished.
    labels : sequence of int, optional
        Of the particles.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each model.

    Raises
    ------
    AnalysisError, OptionError
        If the data do not allow it, or a named model is no other.
    """
    from lithiscope.learning.compare import compare, frames_of
    from lithiscope.learning.compared import Compared, comparison_of
    from lithiscope.learning.half_cycles import half_cycles
    from lithiscope.learning.models import chosen

    asked = section.compare
    models = chosen(section.model, asked.models)
    before = [Compared(**row | {"notes": tuple(row["notes"])}) for row in checkpoint.rows()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)  # the learning has told of them
        cuts = half_cycles(videos, particles=labels)
        found = compare(
            videos,
            models,
            particles=labels,
            hold_back=asked.hold_back,
            known=before or [_as_asked(learned, cuts)],
            keep=lambda known: checkpoint.keep([one._asdict() for one in known]),
            mapper=mapper,
            reporter=reporter,
        )
    return comparison_of(found, frames_of(cuts), section.model)


def _as_asked(learned: Mapping[str, xr.Dataset], cuts: Sequence[Any]) -> Any:
    """Return what the learning found of the model asked for."""
    from lithiscope.learning.compared import as_asked, kinds_of
    from lithiscope.learning.residuals import structure_of

    groups: dict[tuple[int, int], list[Any]] = {}
    for cut in cuts:
        groups.setdefault(cut.key, []).append(cut)
    notes = [structure_of(learned[f"{_PARTICLE}{video}-{label}"], some) for (video, label), some in groups.items()]
    return as_asked(learned[_LAWS], kinds_of(notes))
