"""Learning on a study that has run already, or on the videos of a simulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from lithiscope.errors import FileFormatError, OptionError
from lithiscope.options import option_error
from lithiscope.progress import SILENT, Reporter
from lithiscope.report import learned_words as words
from lithiscope.report.comparison_words import comparison_lines
from lithiscope.report.sampled_words import sampled_lines
from lithiscope.studies.comparison import COMPARISON
from lithiscope.studies.learning import LAWS, PARTICLE, learned_tree, learning_steps
from lithiscope.studies.provenance import now, step_key
from lithiscope.studies.recipe_text import override
from lithiscope.studies.reopen import open_study
from lithiscope.studies.runner import take
from lithiscope.studies.sampling import SAMPLED
from lithiscope.studies.store import Store

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.fit import Mapper
    from lithiscope.studies.recipe import Recipe
    from lithiscope.studies.runner import Step, Study

_SECTION = "learning"
_OTHERS = (COMPARISON, SAMPLED)  # what else is made of the same video


def learn_study(
    place: Path,
    *,
    settings: Sequence[str] = (),
    particles: Sequence[str] = (),
    fresh: bool = False,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> Study:
    """Learn from the maps of a study that has run, and put the result into its store; its raw files are not needed.

    Parameters
    ----------
    place : Path
        A results folder, or the ``study.zarr`` in it.
    settings : sequence of str
        ``learning.option=value``; without the prefix it is added.
    particles : sequence of str
        Names of the particles to use; without them those of the recipe.
    fresh : bool
        Whether to learn again what is up to date.
    mapper : callable
        `map`, or that of `lithiscope.learning.processes` or `cluster`: particles are learned from side by side.
    reporter : Reporter
        Told of each step of the fit.

    Returns
    -------
    Study
        With ``learned_laws``, ``learned_particle-<video>-<label>`` and, where they were asked for, ``model_comparison``
        and ``sampled_laws`` among its results, for `lithiscope.studies.results.write_results`.

    Raises
    ------
    FileFormatError, OptionError, AnalysisError
        If there is no such study, or its maps are not enough to learn from.
    """
    study = open_study(place)
    study.recipe = with_learning(study.recipe, settings, particles)
    steps = learning_steps(study.recipe)
    absent = [name for name in steps[0].needs if name not in study.results]
    if absent:
        raise FileFormatError(
            "the study does not hold what the learning needs",
            file=study.store.path,
            field=absent[0],
            remedy="run the recipe again: `lithiscope run RECIPE`; its warnings say why this step was left out",
        )
    with study.store.locked():
        for step in steps:
            _renewed(study, step, fresh, reporter, mapper)
        _forget(study, {*_OTHERS} - {step.name for step in steps})
        _headed(study, steps[0])
    return study


def with_learning(recipe: Recipe, settings: Sequence[str], particles: Sequence[str]) -> Recipe:
    """Return a recipe that asks for learning, with settings of that section.

    Raises
    ------
    OptionError
        If a setting is of another section or cannot be used.
    """
    content: dict[str, Any] = yaml.safe_load(recipe.text)
    wanted = [_prefixed(one) for one in settings]
    content = override(content, [*wanted, f"{_SECTION}.compute=true"])
    if particles:
        content[_SECTION]["particles"] = list(particles)
    try:
        return type(recipe).model_validate(content)
    except ValidationError as error:
        raise option_error(error, "the learning") from None


def _prefixed(setting: str) -> str:
    first = setting.partition("=")[0].split(".")[0].strip()
    from lithiscope.studies.recipe import Recipe

    if first == _SECTION:
        return setting
    if first in Recipe.model_fields:
        raise OptionError(
            "only options of the learning can be changed here: the maps are made already",
            field="--set",
            value=setting,
            limit=f"{_SECTION}.option=value",
            remedy="change other options with `lithiscope run RECIPE --set ...`",
        )
    return f"{_SECTION}.{setting}"


def _renewed(study: Study, step: Step, fresh: bool, reporter: Reporter, mapper: Mapper) -> None:
    """Take a step unless its result is up to date, and renew the head of the store."""
    options = [step.options(study.recipe), {}]
    key = step_key(step.name, options, [study.store.key(name) or "" for name in step.needs])
    if fresh or study.store.key(step.name) != key:
        if step.name != LAWS:
            _forget(study, [step.name])
        before = study.store.record(step.name).get("warnings", [])
        _untold(study, [*before, *(one for one in study.warnings if one.startswith(_left_out(step)))])
        # What was asked for is no mere extra; but where models cannot be compared, the laws stay.
        take(study, replace(step, optional=step.name != LAWS), key, reporter, mapper)
        _forget(study, _OTHERS if step.name == LAWS else [])
    else:
        reporter.say(f"{step.name.replace('_', ' ')}: up to date, nothing that it depends on has changed")
    if study.store.key(step.name) == key:
        study.records[step.name] = study.store.record(step.name)
    parts = study.store.record(LAWS).get("parts", [])
    _forget(study, [name for name in study.results if name.startswith(f"{PARTICLE}-") and name not in parts])
    _headed(study, step)


def _left_out(step: Step) -> str:
    """Return how the warning begins that a step could not be taken."""
    return f"no {step.name.replace('_', ' ')}: "


def _forget(study: Study, steps: Iterable[str]) -> None:
    """Take results of an earlier learning out, with their parts and what was warned of."""
    for name in [part for step in steps for part in (*study.store.record(step).get("parts", ()), step)]:
        _untold(study, study.store.record(name).get("warnings", []))
        study.store.discard(name)
        study.results.drop(name)
        study.records.pop(name, None)


def _untold(study: Study, warnings: Sequence[str]) -> None:
    told = study.records["study"]["warnings"]
    study.records["study"]["warnings"] = [one for one in told if one not in warnings]


def _headed(study: Study, step: Step) -> None:
    """Renew the head of the store."""
    from lithiscope.studies.citations import bibtex

    methods = list(dict.fromkeys([*study.provenance.get("methods", ()), *step.methods(study.recipe)]))
    study.provenance |= {
        "recipe": study.recipe.text, "methods": methods, "bibtex": bibtex(methods), "learned": now(),
    }  # fmt: skip
    study.store.set_attributes(
        {"title": study.recipe.title, "provenance": study.provenance, "warnings": study.warnings}
    )


def learned_lines(results: Mapping[str, xr.Dataset]) -> list[str]:
    """Return what was learned in words, for people."""
    laws = results[LAWS]
    particles = [results[name] for name in results if name.startswith(f"{PARTICLE}-")]
    halves = sum(len(set(one["half_cycle"].values.tolist())) for one in particles if "half_cycle" in one.coords)
    frames = sum(one.sizes["time"] for one in particles)
    lines = [f"learned from {len(particles)} particle(s), {halves} half cycle(s), {frames} frame(s)"]
    lines += [f"  {text}" for text in (words.fit_text(laws), *words.law_sentences(laws))]
    lines += [f"  {words.particle_name(one)}: {words.rate_sentence(one)}" for one in particles]
    lines += [f"  {text}" for text in (*words.domain_sentences(particles), *words.trade_off_sentences(laws))]
    lines += [f"  warning: {text}" for text in words.warnings_of(laws)]
    lines += comparison_lines(results[COMPARISON]) if COMPARISON in results else []
    return [*lines, *(sampled_lines(results[SAMPLED], laws) if SAMPLED in results else [])]


def is_study(place: Path) -> bool:
    """Return whether a folder or store is that of a study with a recipe, rather than videos alone."""
    path = store_path(place)
    return "provenance" in Store(path).attributes() or "labels" in Store(path).steps()


def store_path(place: Path) -> Path:
    """Return the store of a folder, or the store itself.

    Raises
    ------
    FileFormatError
        If there is neither.
    """
    path = place / "study.zarr" if (place / "study.zarr").exists() else place
    if not (path / "zarr.json").is_file():
        raise FileFormatError(
            "there is nothing to learn from",
            file=path,
            remedy="give the folder that `lithiscope run` or `lithiscope simulate` wrote, or the .zarr in it",
        )
    return path


__all__ = ["is_study", "learn_study", "learned_lines", "learned_tree", "store_path", "with_learning"]
