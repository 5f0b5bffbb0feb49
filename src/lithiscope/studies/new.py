"""A first recipe for given raw files, with every option explained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lithiscope.errors import OptionError
from lithiscope.recordings import open_recording
from lithiscope.studies.recipe import DataSection, Recipe, Series
from lithiscope.studies.recipe_cell import CellSection
from lithiscope.studies.recipe_kinetics import KineticsSection
from lithiscope.studies.recipe_learning import LearningSection
from lithiscope.studies.recipe_text import commented_yaml

# With more energies than this a stack is a spectrum, and the general fit uses all of them.
_FEW = 8


def write_recipe(patterns: Sequence[str], out: Path, *, cell: Sequence[str] = (), kinetics: bool = False) -> list[str]:
    """Write a recipe for raw files.

    Parameters
    ----------
    patterns : sequence of str
        Raw files or patterns.
    out : Path
        The recipe to write.
    cell : sequence of str
        The potentiostat's files or patterns.
    kinetics : bool
        Whether rates and what follows are computed.

    Returns
    -------
    list of str
        What was found and what to do next, for people.

    Raises
    ------
    OptionError
        If `out` exists, nothing matches, or the files lie in several folders.
    """
    if out.exists():
        raise OptionError("the recipe exists already", field="--out", value=out, remedy="choose another name")
    files = _matching(patterns)
    folders = {file.parent.resolve() for file in files}
    if len(folders) > 1:
        raise OptionError(
            "the files lie in several folders",
            value=", ".join(map(str, sorted(folders))),
            remedy="write one recipe, then add a series per folder by hand",
        )
    first = open_recording(files[0])
    folder = _relative(files[0].parent, out.parent)
    recipe = _recipe(files, first.sizes["energy"], folder=folder)
    traces = tuple(str(_relative(path, files[0].parent)) for path in _matching(cell))
    sections = {
        "cell": CellSection(files=traces) if traces else None,
        "kinetics": KineticsSection(compute=True) if kinetics else None,
        "learning": LearningSection() if kinetics else None,
    }
    recipe = recipe.model_copy(update={name: section for name, section in sections.items() if section is not None})
    absent = [name for name, section in sections.items() if section is None]
    out.write_text(commented(recipe, leave_out=absent), encoding="utf-8")
    few = "few_energy" if first.sizes["energy"] <= _FEW else "general"
    return [
        f"{len(files)} file(s), {first.sizes['energy']} energies, {first.sizes['y']} x {first.sizes['x']} pixels",
        f"wrote {out} (composition.unmix.mode: {few})",
        "next: set data.series.direction, data.timezone and references.spectra, then `lithiscope check "
        + str(out)
        + "`",
    ]


def _matching(patterns: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        matches = [path] if path.is_file() else sorted(path.parent.glob(path.name))
        if not matches:
            raise OptionError("no file matches", field="files", value=pattern, remedy="mend the path or the pattern")
        found += [match for match in matches if match.is_file()]
    return list(dict.fromkeys(found))


def _relative(folder: Path, base: Path) -> Path:
    try:
        return folder.resolve().relative_to(base.resolve())
    except ValueError:
        return folder.resolve()


def _recipe(files: Sequence[Path], energies: int, *, folder: Path) -> Recipe:
    recipe = Recipe(
        title=files[0].stem,
        data=DataSection(folder=folder, series=(Series(files=tuple(file.name for file in files)),)),
    )
    unmix = recipe.composition.unmix.model_copy(update={"mode": "few_energy" if energies <= _FEW else "general"})
    composition = recipe.composition.model_copy(update={"unmix": unmix})
    return recipe.model_copy(update={"composition": composition})


def commented(recipe: Recipe, *, leave_out: Sequence[str] = ()) -> str:
    """Return a recipe as YAML with explanations, an example for the end members, and without some sections."""
    text = commented_yaml(recipe, header=f"lithiscope recipe: {recipe.title}", leave_out=leave_out)
    example = (
        "  # For example:\n  # spectra:\n  #   LFP: {file: LiFePO4.csv, lithium_content: 1}\n"
        "  #   FP: {file: FePO4.csv, lithium_content: 0}\n"
    )
    return text.replace("  spectra: {}", example + "  spectra: {}")
