"""One option, several values: every figure of a study against the choice."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lithiscope.errors import OptionError
from lithiscope.progress import SILENT, Reporter
from lithiscope.report.choices import choice_figure
from lithiscope.studies.recipe import load_recipe
from lithiscope.studies.run import MEMORY
from lithiscope.studies.runner import Study, run_steps
from lithiscope.studies.steps import steps
from lithiscope.studies.store import Store
from lithiscope.studies.summary import figures

if TYPE_CHECKING:
    from lithiscope.learning.fit import Mapper


def vary_option(
    recipe: Path,
    choice: str,
    *,
    folder: Path,
    settings: Sequence[str] = (),
    data: Path | None = None,
    reporter: Reporter = SILENT,
    mapper: Mapper = map,
    memory: float | None = MEMORY,
) -> list[str]:
    """Run a recipe once per value of an option.

    Parameters
    ----------
    recipe : Path
        The recipe.
    choice : str
        ``step.option=a,b,c``.
    folder : Path
        Results folder; variants go to ``variants/`` in it, and share every step that the option does not touch.
    settings : sequence of str
        Further overrides, the same for all variants.
    data : Path, optional
        Folder of the raw files.
    reporter : Reporter
        Told which variant runs.
    mapper, memory
        As for `lithiscope.studies.run.run_study`.

    Returns
    -------
    list of str
        A table of every figure against the choice, and where its CSV and its picture lie.

    Raises
    ------
    OptionError
        If the choice cannot be read or names fewer than two values.
    """
    name, values = _parse(choice)
    recipes = {value: load_recipe(recipe, settings=[*settings, f"{name}={value}"], folder=data) for value in values}
    place = folder / "variants"
    place.mkdir(parents=True, exist_ok=True)
    main = folder / "study.zarr"
    shared = [Store(main)] if main.exists() else []
    studies: dict[str, Study] = {}
    for value in values:
        reporter.say(f"{name} = {value}")
        store = Store(place / f"{_safe(f'{name}={value}')}.zarr")
        studies[value] = run_steps(
            recipes[value],
            steps(recipes[value]),
            store,
            reporter=reporter,
            fallbacks=shared,
            mapper=mapper,
            memory=memory,
        )
        shared.append(store)
    found = {value: figures(study) for value, study in studies.items()}
    keys = list(dict.fromkeys(key for one in found.values() for key in one))
    # A particle that only some of the choices find has no number for the others; a flag that nothing carries counts 0.
    table = [
        {name: value, **{key: found[value].get(key, 0 if key.startswith("flagged_") else float("nan")) for key in keys}}
        for value in values
    ]
    file = folder / f"vary-{_safe(name)}.csv"
    file.write_text(_csv(table), encoding="utf-8")
    picture = file.with_suffix(".png")
    numbers = {key: [float(row[key]) for row in table] for key in table[0] if key != name}
    picture.write_bytes(choice_figure(values, numbers, name=name))
    return [*_aligned(table), f"table:   {file}", f"picture: {picture}"]


def _parse(choice: str) -> tuple[str, list[str]]:
    name, equals, text = choice.partition("=")
    # A comma inside brackets belongs to one value.
    values = [value.strip() for value in re.split(r",(?![^\[{(]*[\]})])", text) if value.strip()]
    if not equals or not name.strip() or len(set(values)) < 2:
        raise OptionError(
            "a choice cannot be read",
            field="--vary",
            value=choice,
            limit="step.option=a,b with two values",
            remedy="write it like composition.unmix.weighting=none,variance",
        )
    return name.strip(), list(dict.fromkeys(values))


def _safe(text: str) -> str:
    return re.sub(r"[^\w.=+-]+", "_", text)


def _csv(table: Sequence[dict[str, Any]]) -> str:
    handle = io.StringIO()
    writer = csv.DictWriter(handle, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return handle.getvalue()


def _aligned(table: Sequence[dict[str, Any]]) -> list[str]:
    """Return the table with figures as rows and the choices as columns, for a terminal."""
    cells = [[name, *(_shown(row[name]) for row in table)] for name in table[0]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _shown(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
