"""A study that has run, taken up again from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lithiscope.errors import FileFormatError
from lithiscope.options import option_error
from lithiscope.studies.recipe import Recipe
from lithiscope.studies.runner import Results, Study
from lithiscope.studies.store import Store
from lithiscope.studies.unfinished import require_finished


def open_study(place: Path) -> Study:
    """Return a study as its last run left it; results are read when they are first asked for.

    Parameters
    ----------
    place : Path
        A results folder, or the ``study.zarr`` in it.

    Raises
    ------
    FileFormatError
        If there is no study, or its run has not finished.
    OptionError
        If its recipe was written by a version of lithiscope whose recipes differ.
    """
    import yaml

    path = place / "study.zarr" if (place / "study.zarr").exists() else place
    if not path.is_dir():
        raise FileFormatError("there is no study", file=path, remedy="give the folder that `lithiscope run` wrote")
    store = Store(path)
    require_finished(store)
    provenance = store.attributes()["provenance"]
    recipe = _recipe(yaml.safe_load(provenance["recipe"]), path)
    results = Results(store)
    for step in store.steps():
        results.put(step, None, store, store.key(step) or "")
    # What the run warned of stands in the head of the store; steps that were left out have no record.
    records = {"study": {"warnings": store.attributes()["warnings"]}}
    records |= {step: store.record(step) for step in store.steps()}
    return Study(recipe, results, store, records, provenance)


def _recipe(content: Any, path: Path) -> Recipe:
    """Return the stored recipe; options that this version of lithiscope no longer has are left out."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        gone = [one["loc"] for one in error.errors() if one["type"] == "extra_forbidden"]
    for *way, last in gone:
        place = content
        for part in way:
            place = place[part]
        del place[last]
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise option_error(error, "the recipe in the store", str(path)) from None
