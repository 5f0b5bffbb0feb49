"""The paragraph on methods and the supplementary sheet of a study, from what was done and not from what was planned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from lithiscope.stages import flag_counts
from lithiscope.studies.summary import particle_masks

if TYPE_CHECKING:
    from lithiscope.studies.runner import Study

_BLANK = {
    "percentile": "the upper percentiles of the counts of each picture, where nothing lies in the beam",
    "blank": "a mask of pixels without material",
    "spectrum": "a spectrum measured without the sample",
}
_MODES = {
    "few_energy": "as the solution of the linear equations of the end members after the picture before the edge was "
    "subtracted",
    "general": "by weighted linear least squares of all energies",
}
_FOUND = {
    "plateau": "where the amount of material exceeds {0:.0%} of its plateau in each particle",
    "otsu": "by Otsu's threshold of the amount of material",
}


def methods_text(study: Study) -> str:
    """Return how the numbers of a study came about, as a paragraph for a paper, then the BibTeX of what it names.

    Parameters
    ----------
    study : Study
        Whose run has finished.
    """
    told = " ".join(_sentences(study))
    return f"# Methods: {study.recipe.title}\n\n{told}\n\n```bibtex\n{study.provenance['bibtex']}\n```\n"


def _sentences(study: Study) -> Iterator[str]:
    results, recipe, versions = study.results, study.recipe, study.provenance["versions"]
    counts = results["recording"]
    energies = counts["energy"].values
    size = 1e3 * float(np.abs(np.diff(counts["x"].values)).mean())
    yield (
        f"{counts.sizes['time']} scans at {_energies(energies)} with pixels of {size:.3g} nm were analysed with "
        f"lithiscope {versions['lithiscope']} (lithiscope)."
    )
    yield from _counts(study)
    incident = str(results["optical_density"].attrs.get("incident_method", ""))
    if incident in _BLANK:
        yield f"Incident counts were taken from {_BLANK[incident]}."
    video = results["composition"].attrs
    weights = (
        "weighted by the variance of each pixel" if video.get("unmixing_weighting") == "variance" else "unweighted"
    )
    mode = _MODES.get(str(video.get("unmixing_mode")), "by linear unmixing")
    yield (
        f"Lithium fractions were found {mode}, {weights}, with end members from {_references(study)}"
        f"{_cited(study, 'lim2016')}."
    )
    yield (
        "Standard deviations were carried from the counts to every pixel; errors common to a frame and systematic ones "
        f"({', '.join(map(_plain, results['composition']['systematic'].values))}) are kept apart from them."
    )
    if table := video.get("attenuation_table"):
        thickness = recipe.composition.thickness
        yield (
            f"Thickness follows from the absorption before the edge with the attenuation length of {thickness.formula} "
            f"at {thickness.density:g} g/cm3 ({table}){_cited(study, 'henke1993', 'chantler1995')}."
        )
    yield from _particles(study)
    yield from _cell(study)
    if "learned_laws" in results:
        laws = results["learned_laws"].attrs
        yield (
            f"Exchange current, chemical potential and local rates were learned from the video with the reaction law "
            f"{_plain(laws['law'])}{_cited(study, 'zhao2023')}; chi-square per degree of freedom is "
            f"{float(laws['chi_square_per_freedom']):.3f}."
        )


def _counts(study: Study) -> Iterator[str]:
    correct, align, results = study.recipe.correct, study.recipe.align, study.results
    done = [f"dark counts ({correct.dark_counts:g})"] if correct.dark_counts else []
    done += ["a measured dark picture"] if correct.dark else []
    done += ["spikes"] if correct.despike else []
    done += (
        [f"a dead time of {1e9 * correct.dead_time:.3g} ns{_cited(study, 'mueller1973')}"] if correct.dead_time else []
    )
    if done:
        yield f"Counts were corrected for {' and '.join(done)}."
    if align.energies or align.scans:
        which = "Energies and scans" if align.energies and align.scans else "Energies" if align.energies else "Scans"
        shift = results["alignment"]["shift"].values
        largest = float(np.nanmax(np.hypot(*np.moveaxis(shift, -1, 0))))
        yield (
            f"{which} were registered by {align.registration.motion} on a picture in which phase fronts do not show, "
            f"from pairs of pictures {', '.join(map(str, align.registration.lags))} apart{_cited(study, 'lucas1981')}; "
            f"the largest shift was {1e3 * largest:.0f} nm, and counts were resampled once by cubic B-splines"
            f"{_cited(study, 'unser1999')}."
        )


def _cited(study: Study, *keys: str) -> str:
    """Return those papers that the study cites, in brackets."""
    known = [key for key in keys if key in study.provenance["methods"]]
    return f" ({', '.join(known)})" if known else ""


def _references(study: Study) -> str:
    source = str(study.results["references"].attrs.get("source", ""))
    names = ", ".join(map(str, study.results["references"]["component"].values))
    return f"{'spectra' if source == 'spectra' else 'regions or scans of the same study'} ({names})"


def _particles(study: Study) -> Iterator[str]:
    table, find = study.results["particles"], study.recipe.particles.find
    kept, out = int((~table["excluded"].values).sum()), int(table["excluded"].values.sum())
    how = "imported as regions" if study.recipe.particles.labels else _FOUND[find.method].format(find.threshold)
    left = f"; {out} {'was' if out == 1 else 'were'} left out (supplementary sheet)" if out else ""
    cited = _cited(study, "otsu1979") if find.method == "otsu" else ""
    yield f"{kept} particle{' was' if kept == 1 else 's were'} found {how}{cited}{left}."


def _cell(study: Study) -> Iterator[str]:
    if "cell_trace" not in study.results:
        return
    trace = study.results["cell_trace"]
    rates = study.results["half_cycles"]
    known = next((rates[n].values for n in ("nominal_c_rate", "measured_c_rate") if n in rates), np.zeros(0))
    told = sorted({f"{abs(rate):.2g}C" for rate in known[np.isfinite(known)]}) if known.size else []
    yield (
        f"Voltage and current ({trace.attrs.get('format', 'text')} file, {rates.sizes['half_cycle']} half cycles"
        f"{' at ' + ', '.join(told) if told else ''}) were joined to the pictures by "
        f"{study.results['clock'].attrs.get('method', 'their times') if 'clock' in study.results else 'their times'}."
    )


def supplement_text(study: Study) -> str:
    """Return the supplementary sheet: frames and particles with what was left out and why, settings, warnings, files.

    Parameters
    ----------
    study : Study
        Whose run has finished.
    """
    parts = {
        "Frames": _table(_frames(study)),
        "Particles": _table(_particle_rows(study)),
        "Settings that are not the defaults": _listed(f"`{name}: {value}`" for name, value in _changed(study.recipe)),
        "Warnings": _listed(map(str, study.warnings)),
        "Raw files, SHA-256": _listed(f"`{name}` {digest}" for name, digest in study.provenance["inputs"].items()),
        "Versions": _listed(f"{name} {number}" for name, number in study.provenance["versions"].items()),
        "The whole recipe": f"```yaml\n{study.provenance['recipe'].rstrip()}\n```",
    }
    head = f"# Supplementary sheet: {study.recipe.title}\n\nMade {study.provenance['started']} by lithiscope."
    return head + "".join(f"\n\n## {title}\n\n{text}" for title, text in parts.items()) + "\n"


def _frames(study: Study) -> list[dict[str, Any]]:
    video = study.results["composition"]
    left = {one.frame: one.reason for one in study.recipe.particles.table.exclude if one.frame is not None}
    by_scan = {one.scan: one.reason for one in study.recipe.particles.table.exclude if one.scan is not None}
    masks = particle_masks(study.results["labels"]["label"], video)
    rows = []
    for frame, (time, inside) in enumerate(zip(video["time"].values.astype(float), masks, strict=True)):
        flags = flag_counts(video["lithium_fraction_flag"].values[frame][inside])
        scan = int(video["scan"].values[frame]) if "scan" in video.coords else frame
        rows.append(
            {
                "frame": frame,
                "scan": scan,
                "time / min": f"{time / 60:.1f}",
                "pixels with x": int(np.isfinite(video["lithium_fraction"].values[frame][inside]).sum()),
                "flags": ", ".join(f"{_plain(name)} {count}" for name, count in flags.items() if count),
                "left out": left.get(frame, by_scan.get(scan, "")),
            }
        )
    return rows


def _particle_rows(study: Study) -> list[dict[str, Any]]:
    table = study.results["particles"]
    columns = ("particle", "area", "touches_edge", "excluded", "reason")
    return [
        {
            "particle": name,
            "area / um2": _span(area),
            "touches the edge": "yes" if np.any(edge) else "",
            "left out": (str(reason) or "yes") if out else "",
        }
        for name, area, edge, out, reason in zip(*(table[column].values for column in columns), strict=True)
    ]


def _span(areas: np.ndarray) -> str:
    """Return an area, or the smallest and the largest where the particle has a mask per cycle."""
    ends = sorted({f"{area:.3f}" for area in (np.nanmin(areas), np.nanmax(areas))}, key=float)
    return " to ".join(ends)


def _changed(options: BaseModel, way: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the options that are not the defaults, by their whole name, but for what the data section says."""
    for name, field in type(options).model_fields.items():
        value, place = getattr(options, name), f"{way}{name}"
        if place in ("data", "lithiscope", "title") or value == field.get_default(call_default_factory=True):
            continue
        if isinstance(value, BaseModel):
            # A section that was not asked for has done nothing.
            yield from _changed(value, f"{place}.") if getattr(value, "compute", True) else ()
        else:
            yield place, _value(value)


def _value(value: Any) -> Any:
    """Return an option as a recipe would hold it."""
    if isinstance(value, BaseModel):
        return {name: _value(one) for name, one in value if one is not None}
    if isinstance(value, Mapping):
        return {name: _value(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_value(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _energies(values: np.ndarray) -> str:
    if values.size > 6:
        return f"{values.min():.1f} to {values.max():.1f} eV"
    texts = [f"{value:.1f}" for value in values]
    return f"{', '.join(texts[:-1])} and {texts[-1]} eV" if len(texts) > 1 else f"{texts[0]} eV"


def _plain(name: Any) -> str:
    return str(name).replace("_", " ")


def _listed(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines) or "None."


def _table(rows: list[dict[str, Any]]) -> str:
    """Return a table in Markdown; what would end a cell is escaped."""
    if not rows:
        return "None."
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
