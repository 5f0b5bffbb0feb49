"""Everything that could stop a study, found before it runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.composition.xray import lithium_rows, references_from_spectra
from lithiscope.errors import LithiscopeWarning
from lithiscope.progress import SILENT, Reporter
from lithiscope.recordings import SeenPictures, plan_series, read_spectrum
from lithiscope.studies.check_kinetics import check_kinetics
from lithiscope.studies.check_learning import check_learning
from lithiscope.studies.check_particles import check_particles
from lithiscope.studies.finding import Finding, guarded
from lithiscope.studies.pieces import GIB, SHARE
from lithiscope.studies.rehearsal import rehearse, scans_to_try
from lithiscope.studies.run import MEMORY
from lithiscope.studies.sources import Scans, raw_files, series_files, without_counts

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

# Peak memory of a run over the size of its counts in float32: 38 was measured with 30 scans of 3 energies, 35 with one
# scan of 123; most of it is the reruns for the systematic shifts. What would take more than half of the limit of a run
# goes piece by piece; tables and page grow by that size (measured from 40 to 160 scans of 512 x 512 pixels).
_MEMORY_FACTOR, _MEMORY_BESIDE = 40, 1
_PRESENT = "pixels_with_counts"
_MEMORY_BASE = 0.3  # GiB, of the programs themselves


def check_recipe(recipe: Recipe, *, reporter: Reporter = SILENT) -> list[Finding]:
    """Check the files of a recipe against each other and against the recipe, then try the steps on one or two scans.

    Parameters
    ----------
    recipe : Recipe
        Already valid in itself (`load_recipe` sees to that).
    reporter : Reporter
        Told of the progress.

    Returns
    -------
    list of Finding
        In the order of the work; an "error" would have stopped the run.
    """
    findings = [Finding("ok", "the recipe is valid")]
    scans: list[xr.Dataset] = []  # without their counts
    for look in (_check_scans, _check_references, _check_incident, _check_files, _check_numbers, _estimate):
        findings += guarded(partial(look, recipe, scans, reporter))
    if not any(finding.level == "error" for finding in findings):
        findings += guarded(partial(_rehearsal, recipe, scans))
    if recipe.cell.files or recipe.kinetics.compute:
        sketch = Scans(recipe).sketch(plan_series(scans), scans) if scans else None
        findings += check_kinetics(recipe, sketch)
    return [*findings, *check_learning(recipe)]


def _check_scans(recipe: Recipe, scans: list[xr.Dataset], reporter: Reporter) -> Iterator[Finding]:
    raw_files(recipe)
    files = [series_files(recipe, series) for series in recipe.data.series]
    series_on_disk = Scans(recipe)
    paths = series_on_disk.paths
    pictures = SeenPictures()
    scans += [
        _looked_at(series_on_disk.read(path), pictures)
        for path in reporter.track(paths, label="reading", total=len(paths))
    ]
    order = plan_series(scans).order
    pictures.refuse_copies()
    number = dict(zip((paths[i] for i in order), range(len(paths)), strict=True))
    for series, some in zip(recipe.data.series, files, strict=True):
        numbers = _ranges(sorted(number[path] for path in some))
        text = f"{len(some)} file(s), {series.direction}, cycle {series.cycle}: {_span(some)} ({numbers})"
        yield Finding("ok", text)
    first = scans[0]
    energies = ", ".join(f"{energy:g}" for energy in first["energy"].values[:6])
    more = f", ... {first['energy'].values[-1]:g}" if first.sizes["energy"] > 6 else ""
    yield Finding(
        "ok", f"{first.sizes['y']} x {first.sizes['x']} pixels, {first.sizes['energy']} energies: {energies}{more} eV"
    )
    if recipe.data.timezone is None and "start_utc" not in first.attrs:
        yield Finding("warning", "data.timezone is not set: times cannot be joined with a potentiostat's file later")
    if len(recipe.data.series) == 1 and recipe.data.series[0].direction == "unknown" and len(scans) > 1:
        yield Finding("warning", "data.series[0].direction is unknown: the page cannot say lithiation or delithiation")


def _looked_at(scan: xr.Dataset, pictures: SeenPictures) -> xr.Dataset:
    """Return a scan without its counts, and how many there were; its pictures are compared with those before."""
    pictures.add(scan)
    return without_counts(scan).assign_attrs({_PRESENT: int(np.isfinite(scan["counts"].values).sum())})


def _span(files: list[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} ... {files[-1].name}"


def _ranges(numbers: Sequence[int]) -> str:
    """Return the numbers of scans in words: ``scan 4``, ``scans 0 to 6``, ``scans 0, 2, 5``."""
    if len(numbers) == 1:
        return f"scan {numbers[0]}"
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"scans {numbers[0]} to {numbers[-1]}"
    return "scans " + ", ".join(map(str, numbers))


def _check_references(recipe: Recipe, scans: list[xr.Dataset], _reporter: Reporter) -> Iterator[Finding]:
    section = recipe.references
    pairs = (
        section.lithiated_scans and section.delithiated_scans,
        section.lithiated_mask and section.delithiated_mask,
        section.lithiated_pixels and section.delithiated_pixels,
    )
    if not section.spectra and not any(pairs):
        yield Finding(
            "error",
            "references: give spectra, or lithiated_scans and delithiated_scans, or lithiated_mask and "
            "delithiated_mask, or lithiated_pixels and delithiated_pixels",
        )
    carrying = [name for name, entry in section.spectra.items() if entry.lithium_content is not None]
    if section.spectra and len(carrying) < 2:
        yield Finding(
            "error", f"references.spectra: lithium_content is set for {carrying or 'none'}; two end members need it"
        )
    spectra: dict[str, xr.DataArray] = {}
    for name, entry in section.spectra.items():
        spectrum = read_spectrum(recipe.path(entry.file), column=entry.column)
        spectra[name] = spectrum
        yield _covers(f"reference {name} ({entry.file})", spectrum, scans, section.energy_offset)
    if spectra and scans:
        contents = {name: entry.lithium_content for name, entry in section.spectra.items()}
        energies = scans[0]["energy"].values
        references = references_from_spectra(
            spectra, energies, lithium_content={k: np.nan if v is None else v for k, v in contents.items()}
        )
        # Building the rows of the fit refuses references that cannot be told apart, or that say nothing of lithium.
        lithium_rows(energies, references, options=recipe.composition.unmix)
        yield Finding("ok", "the references can be told apart at these energies")


def _check_incident(recipe: Recipe, scans: list[xr.Dataset], _reporter: Reporter) -> Iterator[Finding]:
    section = recipe.incident
    if section.spectrum:
        yield _covers(
            f"incident spectrum ({section.spectrum})", read_spectrum(recipe.path(section.spectrum)), scans, 0.0
        )
    if section.method in ("spectrum", "blank") and getattr(section, section.method) is None:
        yield Finding("error", f"incident.method is {section.method}, but incident.{section.method} names no file")


def _covers(what: str, spectrum: xr.DataArray, scans: list[xr.Dataset], offset: float) -> Finding:
    low, high = (float(spectrum["energy"].values[i]) + offset for i in (0, -1))
    if not scans:
        return Finding("ok", f"{what}: {low:g} to {high:g} eV")
    wanted = scans[0]["energy"].values
    outside = wanted[(wanted < low) | (wanted > high)]
    if outside.size:
        return Finding("error", f"{what}: {low:g} to {high:g} eV, but the data have {outside[0]:g} eV")
    step = float(np.diff(spectrum["energy"].values).max())
    return Finding("ok", f"{what}: {low:g} to {high:g} eV, largest step {step:.3g} eV")


def _check_files(recipe: Recipe, _scans: list[xr.Dataset], _reporter: Reporter) -> Iterator[Finding]:
    named = {
        "correct.dark": recipe.correct.dark,
        "incident.blank": recipe.incident.blank,
        "align.area": recipe.align.area,
        "references.mask": recipe.references.mask,
        "references.lithiated_mask": recipe.references.lithiated_mask,
        "references.delithiated_mask": recipe.references.delithiated_mask,
        "particles.labels": recipe.particles.labels,
    }
    for field, file in named.items():
        if file is not None and not recipe.path(file).is_file():
            yield Finding("error", f"{field}: there is no file {recipe.path(file)}")


def _check_numbers(recipe: Recipe, scans: list[xr.Dataset], _reporter: Reporter) -> Iterator[Finding]:
    """Check the scans that the recipe names by number."""
    named = {
        "references.lithiated_scans": recipe.references.lithiated_scans,
        "references.delithiated_scans": recipe.references.delithiated_scans,
        "particles.table.exclude": [one.scan for one in recipe.particles.table.exclude if one.scan is not None],
    }
    for field, numbers in named.items():
        wrong = [number for number in numbers if not 0 <= number < len(scans)]
        if wrong and scans:
            yield Finding("error", f"{field}: there is no scan {wrong[0]}; there are {_ranges(range(len(scans)))}")


def _rehearsal(recipe: Recipe, scans: list[xr.Dataset]) -> Iterator[Finding]:
    files, plan = Scans(recipe), plan_series(scans)
    chosen = scans_to_try(recipe, [scans[number].attrs[_PRESENT] for number in plan.order])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LithiscopeWarning)  # said when they were read first
        read = [files.read(files.paths[plan.order[number]]) for number in chosen]
    tried = rehearse(recipe, plan.joined(read, chosen))
    yield Finding("ok", f"the steps up to the composition could be done with {_ranges(tried.scans)}")
    yield from check_particles(recipe, tried.composition)


def _estimate(_recipe: Recipe, scans: list[xr.Dataset], _reporter: Reporter) -> Iterator[Finding]:
    if scans:
        count = len(scans)
        size = count * scans[0]["counts"].size * 4 / GIB
        need = _MEMORY_BASE + min(size * _MEMORY_FACTOR, SHARE * MEMORY + size * _MEMORY_BESIDE)
        have = _free_memory()
        level: Any = "ok" if have is None or need < 0.8 * have else "error"
        free = "" if have is None else f"; {have:.1f} GiB are free"
        yield Finding(level, f"memory: about {need:.2g} GiB for {count} scan(s){free}")


def _free_memory() -> float | None:
    """Return the memory that is free (GiB), where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) / 2**20 for line in lines if line.startswith("MemAvailable")), None)
