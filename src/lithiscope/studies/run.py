"""Running a recipe: the steps of its technique, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.runner import Study, run_steps
from lithiscope.studies.steps import steps
from lithiscope.studies.store import Store

if TYPE_CHECKING:
    from lithiscope.learning.fit import Mapper
    from lithiscope.studies.recipe import Recipe

MEMORY = 1.0
"""What the steps over pictures may take unless one says otherwise, GiB."""


def run_study(
    recipe: Recipe,
    folder: Path,
    *,
    reporter: Reporter = SILENT,
    fresh: bool = False,
    mapper: Mapper = map,
    memory: float | None = MEMORY,
) -> Study:
    """Run a recipe into ``folder/study.zarr``; only what a change touches is recomputed.

    Parameters
    ----------
    recipe : Recipe
        From `load_recipe`, or made in Python and given its place with `Recipe.located`.
    folder : Path
        Folder for the results; made when absent.
    reporter : Reporter
        Told what is being done.
    fresh : bool
        Recompute everything.
    mapper : callable
        `map`, or that of `lithiscope.learning.processes` or `cluster`: particles are learned from side by side.
    memory : float or None
        What the steps over pictures may take, GiB; a longer series is worked on in pieces, with the same result. None:
        no limit.

    Returns
    -------
    Study
        Its `results` hold the stages by name: ``recording``, ``alignment``, ``composition``, ``particles``, ...
    """
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / "study.zarr")
    return run_steps(recipe, steps(recipe), store, reporter=reporter, fresh=fresh, mapper=mapper, memory=memory)
