"""What could stop the learning: too few scans, no thickness, no such parameter set or law."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lithiscope import laws
from lithiscope.learning.models import chosen
from lithiscope.learning.options import without_start
from lithiscope.materials import material
from lithiscope.studies.finding import Finding, guarded
from lithiscope.studies.sources import series_files

if TYPE_CHECKING:
    from lithiscope.studies.recipe import Recipe

_FEWEST = 3
_CYCLES = 2  # half cycles, one to learn from and one to hold back


def check_learning(recipe: Recipe) -> list[Finding]:
    """Check the section learning of a recipe; empty where it asks for nothing.

    Parameters
    ----------
    recipe : Recipe
        Already valid in itself.
    """
    if recipe.learning.compute:
        return guarded(lambda: _learning(recipe))
    if recipe.learning.compare.compute:
        return [Finding("error", "learning.compare needs what is learned: set learning.compute to true")]
    if recipe.learning.sample.compute:
        return [Finding("error", "learning.sample needs what is learned: set learning.compute to true")]
    return []


def _learning(recipe: Recipe) -> Iterator[Finding]:
    section = recipe.learning
    base = material(section.material)
    laws.exchange_law(section.exchange)
    if section.law is not None:
        laws.reaction_law(section.law, **section.law_parameters)
    counts = [len(series_files(recipe, one)) for one in recipe.data.series if one.direction not in ("rest", "unknown")]
    enough = sum(count >= _FEWEST for count in counts)
    told = f"{enough} half cycle(s) of {_FEWEST} scans or more; the laws start from {base.name}"
    if enough or recipe.cell.files:
        yield Finding("ok", f"learning: {told}")
    else:
        yield Finding("error", f"learning: {told}: state data.series.direction, or add scans")
    if section.voltage and not recipe.cell.files:
        yield Finding(
            "error", "learning.voltage needs a trace in cell.files: give it, or set learning.voltage to false"
        )
    for error in without_start(section):
        yield Finding("error", f"learning.{error.field}: {error.problem}: {error.remedy}")
    if section.thickness is None:
        yield Finding(
            "warning", "learning.thickness is not stated (nm): the maps must tell one, from a picture before the edge"
        )
    if section.compare.compute:
        models = chosen(section.model, section.compare.models)
        fits = (len(models) - 1) * (1 + section.compare.hold_back) + section.compare.hold_back
        yield Finding("ok", f"learning.compare: {len(models) - 1} other model(s), {fits} more fit(s) of minutes each")
        if section.compare.hold_back and enough < _CYCLES and not recipe.cell.files:
            yield Finding(
                "error",
                "learning.compare.hold_back needs two half cycles of each particle: set it to false, or add some",
            )
    if section.sample.compute:
        asked = section.sample
        yield Finding(
            "ok", f"learning.sample: {asked.chains} chain(s) of {asked.warm_up + asked.draws} draws: minutes to hours"
        )
