"""The study page of a virtual beamtime: one file, offline, true to the store, with text that stays text.

The page is read by `lithiscope.verification.page_reader`, which shares no code with what writes it.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.instruments.stxm import MicroscopeOptions, three_platelets
from lithiscope.report.page import page, stxm_page_content
from lithiscope.studies.recipe import Recipe, load_recipe
from lithiscope.studies.results import page_stages, write_results
from lithiscope.studies.run import run_study
from lithiscope.studies.runner import Study
from lithiscope.studies.store import Store
from lithiscope.studies.unfinished import PAGE
from lithiscope.verification.page_reader import PageReader, read_page, steps_away
from lithiscope.verification.rows import Row, compare
from lithiscope.verification.virtual_stxm import VirtualExperiment, make_experiment

_SOURCE = "a virtual beamtime of three scans, its store and its page"
_STARTS = (1200.0, 3000.0, 4800.0)  # within the lithiation at 0.6C
_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \"quoted\" 'name'"
_MAIL = 10.0  # MB, which every mail server takes
_HALF = "half a step is rounding; the rest is the round-off of a double in two sums"

_RECIPE = """
title: {title}
data:
  folder: raw
  timezone: UTC
  series: [{{direction: lithiation, files: ['scan_*.hdr']}}]
references:
  spectra:
    LFP: {{file: {lithiated}, lithium_content: 1}}
    FP: {{file: {delithiated}, lithium_content: 0}}
"""


def rows(everything: bool) -> Iterator[Row]:  # noqa: ARG001 (one beamtime tells all)
    """Yield the rows of this check."""
    with tempfile.TemporaryDirectory(prefix="lithiscope-page-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)
        place = Path(folder)
        study = _study(place)
        write_results(study, place / "results")
        yield from _offline(place / "results" / PAGE)
        yield from _true(read_page(place / "results" / PAGE), Store(place / "results" / "study.zarr"))
        yield from _told(read_page(place / "results" / PAGE), study)
        yield from _escaped(study)


def _study(folder: Path) -> Study:
    microscope = MicroscopeOptions(pixel=0.07, probe_nodes=3)
    made = make_experiment(folder / "raw", three_platelets("mixed"), _STARTS, microscope=microscope, seed=3)
    recipe = folder / "recipe.yaml"
    recipe.write_text(_recipe(made), encoding="utf-8")
    return run_study(load_recipe(recipe), folder / "results")


def _recipe(made: VirtualExperiment) -> str:
    spectra = {name[0]: path.name for name, path in made.references.items()}
    return _RECIPE.format(title="three platelets", lithiated=spectra["L"], delithiated=spectra["F"])


def _offline(path: Path) -> Iterator[Row]:
    reader = read_page(path)
    asked = len(reader.outside_addresses())
    because = "the page is one file"
    yield compare("addresses that the page would load, and calls of its script that could", _SOURCE, 0, asked,
                  within=0, because=because)  # fmt: skip
    allowed = float(reader.policy_allows_only_its_script())
    yield compare(
        "the page's policy lets its one script run, by its SHA-256, and loads nothing else",
        "Content Security Policy, level 3",
        1,
        allowed,
        within=0,
        because="it is so or not",
    )
    size = path.stat().st_size / 1e6
    yield Row("size of the page", _SOURCE, _MAIL, size, 0.0, "it can be sent by mail", "<=", "MB")


def _true(reader: PageReader, store: Store) -> Iterator[Row]:
    """Yield how far the numbers of the page are from those of the store."""
    data = reader.map_data()
    video, density = store.load("composition"), store.load("optical_density")
    away, missing = {}, 0
    for key, name in (("x", "lithium_fraction"), ("std", "lithium_fraction_std"), ("amount", "amount")):
        layer = next(one for one in data["layers"] if one["key"] == key)
        away[f"{name} of the map"], lacking = steps_away(layer, video[name].values)
        missing += lacking
    spectra = data["spectra"]
    known = np.isfinite(density["signal"].values).all(axis=1) & np.isfinite(video["coefficient"].values).all(axis=1)
    for key, name in (("density", "signal"), ("std", "signal_std")):
        expected = np.where(known[:, None], density[name].values, np.nan)
        away[f"optical density of the spectra, {name}"], lacking = steps_away(spectra[key], expected)
        missing += lacking
    components = [str(name) for name in video["component"].values]
    for part in spectra["fit"]:
        expected = np.where(known, video["coefficient"].values[:, components.index(part["name"])], np.nan)
        away[f"coefficients of {part['name']}"], lacking = steps_away(part, expected)
        missing += lacking
    for what, steps in away.items():
        yield Row(f"{what}: furthest from the store, in steps of the packing", _SOURCE, 0.5, steps, 1e-6, _HALF, "<=")
    yield compare("values that page or store lacks and the other has", _SOURCE, 0, missing, within=0,
                  because="what is missing is missing in both")  # fmt: skip


def _told(reader: PageReader, study: Study) -> Iterator[Row]:
    """Yield whether the warnings of the run stand above the results, each with what to change."""
    found = reader.warnings()
    because = "the stated noise leaves out the flicker of this beamtime, which must be said"
    yield Row("warnings of the run of a beamtime whose noise is understated", _SOURCE, 1, len(study.warnings), 0.0,
              because, ">=")  # fmt: skip
    lost = sum(text not in found for text in study.warnings)
    yield compare("of these, not above the results on the page", _SOURCE, 0, lost, within=0, because="none may")
    silent = sum(not _names_an_option(text) for text in study.warnings)
    yield compare(
        "of these, naming no option of the recipe as a remedy", _SOURCE, 0, silent, within=0, because="none may"
    )


def _names_an_option(text: str) -> bool:
    """Return whether what follows the last semicolon names an option of the recipe."""
    sections = (Recipe.model_json_schema()["$defs"]).values()
    known = {name for section in sections for name in section.get("properties", {})}
    return bool(known & set(re.findall(r"[a-z_]+", text.rpartition(";")[2])))


def _escaped(study: Study) -> Iterator[Row]:
    """Yield whether a title, a warning and the name of a particle that hold markup stay text."""
    with study.results.reading():
        stages = page_stages(study)
        table = stages["table"]
        names = [f"{number} {_HOSTILE}" for number in range(table.sizes["particle"])]
        stages["table"] = table.assign_coords(particle=("particle", np.array(names)))
        reader = PageReader(page(stxm_page_content(title=_HOSTILE, warnings=[_HOSTILE], **stages)))
    scripts = len(reader.inside("script")) - 1 + reader.handlers()
    because = "all text of files is escaped"
    yield compare("scripts and handlers from a title, a warning and names of particles that hold markup", _SOURCE, 0,
                  scripts, within=0, because=because)  # fmt: skip
    shown = [reader.inside("h1") == [_HOSTILE], _HOSTILE in reader.warnings()]
    shown += [name in reader.inside("td") for name in names]
    shown += [name in reader.map_data()["names"].values() for name in names]
    yield compare("of these texts, shown otherwise than they were given", _SOURCE, 0, shown.count(False), within=0,
                  because=because)  # fmt: skip
