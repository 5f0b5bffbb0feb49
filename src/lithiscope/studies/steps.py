"""All steps of a study, in order: images, particles, the cell's trace, kinetics, pathways, learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lithiscope.studies.cell import cell_steps
from lithiscope.studies.kinetics import kinetics_steps
from lithiscope.studies.learning import learning_steps
from lithiscope.studies.pathways import pathway_steps
from lithiscope.studies.stxm import stxm_steps

if TYPE_CHECKING:
    from lithiscope.studies.recipe import Recipe
    from lithiscope.studies.runner import Step


def steps(recipe: Recipe) -> list[Step]:
    """Return the steps that a recipe asks for."""
    return [
        *stxm_steps(),
        *cell_steps(recipe),
        *kinetics_steps(recipe),
        *pathway_steps(recipe),
        *learning_steps(recipe),
    ]
