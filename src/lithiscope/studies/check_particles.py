"""Whether the particles of a recipe can be found, and whether those that it excludes exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from lithiscope.errors import AnalysisError
from lithiscope.particles import find_particles, import_labels, name_particles
from lithiscope.studies.finding import Finding
from lithiscope.studies.runner import sentence

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.particles.options import FindOptions
    from lithiscope.studies.recipe import Recipe

_OWN_NAME = re.compile(r"p(\d+)")
# All scans together show more than one does: less than this factor off, only the run can tell.
_SURELY = 2.0


def check_particles(recipe: Recipe, composition: xr.Dataset) -> Iterator[Finding]:
    """Look for the particles in a few scans, each by itself, and for those that the recipe excludes by name.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    composition : Dataset
        Stage ``composition_video`` of these scans.

    Yields
    ------
    Finding
        An error where the run would surely stop, a warning where all scans together may show more than these do.
    """
    excluded = [one.particle for one in recipe.particles.table.exclude if one.particle is not None]
    if recipe.particles.labels:
        path = recipe.path(recipe.particles.labels)
        names = list(name_particles(import_labels(path, composition, options=recipe.particles.imported)).values())
        yield from _excluded(excluded, names, sure=True)
        return
    found: list[list[str]] = []
    errors: list[AnalysisError] = []
    for scan in range(composition.sizes["time"]):
        try:
            labels = find_particles(composition.isel(time=[scan]), options=recipe.particles.find)
            found.append(list(name_particles(labels).values()))
        except AnalysisError as error:
            errors.append(error)
    if not found:
        level: Literal["error", "warning"] = "error" if _far_too_large(recipe, composition) else "warning"
        yield Finding(level, f"particles.find, min_area {recipe.particles.find.min_area:g} um2: {sentence(errors[0])}")
        return
    most = max(found, key=len)
    yield Finding("ok", f"{len(most)} particle(s) in one of the scans that were tried")
    yield from _excluded(excluded, most, sure=False)


def _excluded(excluded: list[str], names: list[str], *, sure: bool) -> Iterator[Finding]:
    for name in dict.fromkeys(excluded):
        if name in names:
            continue
        own = _OWN_NAME.fullmatch(name)
        possible = not sure and own is not None and 0 < int(own[1]) <= _SURELY * len(names)
        text = f"particles.table.exclude: there is no particle {name}; there are {', '.join(names)}"
        yield Finding("warning" if possible else "error", f"{text} in the scans that were tried" if possible else text)


def _far_too_large(recipe: Recipe, composition: xr.Dataset) -> bool:
    """Whether particles are there, but all far below the smallest area that the recipe keeps."""
    options = recipe.particles.find
    smaller = options.model_copy(update={"min_area": options.min_area / _SURELY})
    anything = options.model_copy(update={"min_area": 0.0})
    return _finds(composition, anything) and not _finds(composition, smaller)


def _finds(composition: xr.Dataset, options: FindOptions) -> bool:
    for scan in range(composition.sizes["time"]):
        try:
            find_particles(composition.isel(time=[scan]), options=options)
        except AnalysisError:
            continue
        return True
    return False
