"""The section of a page on what was learned from the video; and a page of that alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import LithiscopeError
from lithiscope.report import learned
from lithiscope.report import learned_words as words
from lithiscope.report.learned_voltage import has_voltage, learned_voltage
from lithiscope.report.options import FigureOptions, MovieOptions, PageOptions
from lithiscope.report.page.comparison import COMPARISON, GROUP, comparison_section
from lithiscope.report.page.content import Figure, Notice, PageContent, Quantity, Table
from lithiscope.report.page.head import provenance_of
from lithiscope.report.page.render import page
from lithiscope.report.page.results import Drawer, Study, drawn, known_results
from lithiscope.report.page.sampled import sampled_section
from lithiscope.report.page.tables import long_csv
from lithiscope.report.plots import with_error

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.materials import Material
    from lithiscope.report.page.comparison import COMPARISON, GROUP, comparison_section
from lithiscope.report.page.content import Section

_SHOWN = 12  # particles whose frames are drawn
_MOVIES = 4  # particles in the movie


def learning_sections(study: Study, *, moving: bool = True) -> list[Section]:
    """Return the sections on the learned kinetics, on models compared and on draws, if there are results for them.

    Parameters
    ----------
    study : Study
        With learned_laws, the learned particles, model_comparison and sampled_laws among its results.
    moving : bool
        Whether the movie is made, where the options ask for one.
    """
    laws, particles = study.get("learned_laws"), study.parts("learned_particle-")
    if laws is None:
        return []
    drawer = Drawer()
    _draw_laws(study, laws, drawer)
    _draw_particles(study, particles, drawer)
    film = _movie(particles, study.options) if moving and study.options.movie else ()
    section = drawer.section(
        "learned",
        "Learned kinetics",
        _text(laws, particles, study.get(COMPARISON)),
        group=GROUP,
        tables=_tables(laws, particles),
        figures=film,
    )
    return [one for one in (section, comparison_section(study), sampled_section(study)) if one is not None]


def _draw_laws(study: Study, laws: xr.Dataset, drawer: Drawer) -> None:
    fit, material = study.get("law_fit"), _material(laws)
    beside = [*(["grey: the direct estimate of the kinetics and its preferred law"] if fit is not None else []),
              *([f"dashed: {material.name}"] if material is not None else [])]  # fmt: skip
    drawer.draw(
        lambda: learned.learned_laws(laws, fit=fit, material=material, options=study.figures),
        "Learned exchange current and chemical potential",
        "Left: j₀(x) of a pixel of mean rate. Right: μ(x) of a uniform particle, less its mean over the range that is "
        "known. Bands: 95 %. On grey the data say nothing, and the dotted line is what the prior makes of it."
        + (f" Beside them, {'; '.join(beside)}." if beside else ""),
        "learned-laws",
    )


def _draw_particles(study: Study, particles: list[xr.Dataset], drawer: Drawer) -> None:
    side = learned.columns_for(study.figures)
    for first in range(0, len(particles), side):
        some = particles[first : first + side]
        drawer.draw(
            partial(learned.learned_rates, some, options=study.figures),
            f"Learned rates of {', '.join(map(words.particle_name, some))}",
            "ln k of each pixel, zero in the mean of a particle: brown is fast. Below: its standard deviation; and the "
            "square of the residuals over their variance, mean over the frames, which noise alone makes 1. Over the "
            "maps: k one standard deviation of the map below and above the mean.",
            "learned-rates" if first == 0 else f"learned-rates-{first // side + 1}",
        )
    for number, one in enumerate(particles[:_SHOWN]):
        if "measured" not in one:
            continue
        count = one.sizes["time"]
        drawn_frames = min(side, count)
        drawer.draw(
            partial(learned.learned_frames, one, options=study.figures),
            f"Data, model and residual of {words.particle_name(one)}",
            "Residuals are model less data over the standard deviation; where the model is right they look like noise."
            + (f" {drawn_frames} of {count} frames." if drawn_frames < count else ""),
            "learned-frames" if number == 0 else f"learned-frames-{number + 1}",
        )
        if has_voltage(one):
            drawer.draw(
                partial(learned_voltage, one, options=study.figures),
                f"Voltage of the model with {words.particle_name(one)}",
                "Lines: the model, with the plateau that was learned. Points: the cell, less its known ohmic drop.",
                "learned-voltage" if number == 0 else f"learned-voltage-{number + 1}",
            )


def _material(laws: xr.Dataset) -> Material | None:
    """Return the set that the laws started from; None where it is gone."""
    from lithiscope.materials import material

    try:
        return material(str(laws.attrs["material"])) if laws.attrs.get("material") else None
    except LithiscopeError:
        return None


def _text(laws: xr.Dataset, particles: Sequence[xr.Dataset], comparison: xr.Dataset | None) -> str:
    text = (
        "Laws and rates that play the measured film again, found with all frames at once (the inverse problem of Zhao "
        f"et al. 2023): {words.fit_text(laws)}."
    )
    told = [*words.law_sentences(laws), *words.domain_sentences(particles), *words.trade_off_sentences(laws)]
    warned = [f"Warning: {one}." for one in words.warnings_of(laws)]
    compared = [] if comparison is None else [f"Models compared: {comparison.attrs['verdict']}."]
    return "\n\n".join([*warned, text, *compared, *(f"{_capital(one)}." for one in told)])


def _capital(sentence: str) -> str:
    """Return a sentence with a capital, unless it begins with a symbol."""
    return sentence if sentence.startswith(("j", "mu", "k ")) else sentence[0].upper() + sentence[1:]


def _movie(particles: list[xr.Dataset], options: PageOptions) -> tuple[Figure, ...]:
    """Return data and model side by side as a movie."""
    from lithiscope.report.simulation_movie import Tile, simulation_movie

    tiles = []
    for one in [one for one in particles if "measured" in one][:_MOVIES]:
        known = np.isfinite(one["log_rate"].values)
        for name, variable in (("data", "measured"), ("model", "lithium_fraction")):
            video = one[["log_rate"]].assign(lithium_fraction=one[variable], amount=(("y", "x"), known.astype(float)))
            tiles.append(Tile(f"{words.particle_name(one)}, {name}", video, [np.nan] * one.sizes["time"]))
    if not tiles or tiles[0].video.sizes["time"] < 2:
        return ()
    film = simulation_movie(tiles, columns=min(len(tiles), 4), options=MovieOptions(palette=options.palette))
    caption = "Nothing is interpolated: each picture is a frame."
    return (Figure(film, "image/webp", "Movie of data and model", caption, "learned-movie", folded=True),)


def _tables(laws: xr.Dataset, particles: list[xr.Dataset]) -> tuple[Table, ...]:
    found = [_parameter_rows(laws)] if laws.sizes.get("parameter", 0) else []
    pairs = words.strongest(laws)
    if pairs:
        found.append(
            Table(
                ("One", "Other", "Correlation"), tuple(map(tuple, pairs)),
                "The strongest correlations between numbers of the laws: what one gains the other loses.",
                name="learned-correlations",
            )
        )  # fmt: skip
    if particles:
        found.append(_particle_rows(particles))
    return tuple(found)


def _parameter_rows(laws: xr.Dataset) -> Table:
    names = [str(name) for name in laws["parameter"].values]
    value, std, unit = (
        (laws["parameter_value"].values, laws["parameter_value_std"].values, laws["parameter_unit"].values)
        if "parameter_value" in laws
        else (laws["parameter_mean"].values, laws["parameter_std"].values, ["prior σ"] * len(names))
    )
    rows = [
        (name, with_error(float(v), float(s)), str(u), float(narrowed))
        for name, v, s, u, narrowed in zip(names, value, std, unit, laws["parameter_std"].values, strict=True)
    ]
    kept = laws.drop_dims([dim for dim in ("x_grid", "parameter_other") if dim in laws.dims])
    return Table(
        ("Number", "Value", "Unit", "σ over that of the prior"),
        tuple(rows),
        "Numbers of the laws with one standard deviation. Where the last column is near 1 the data say nothing about "
        "it.",
        long_csv(kept, ("parameter",)),
        "learned-numbers",
    )


def _particle_rows(particles: list[xr.Dataset]) -> Table:
    rows = []
    for one in particles:
        field, std = (np.asarray(one[name].values, float) for name in ("log_rate", "log_rate_std"))
        inside = np.isfinite(field)
        residual = np.asarray(one["residual"].values, float) if "residual" in one else np.array([np.nan])
        seen = np.isfinite(residual) & (np.isfinite(one["measured"].values) if "measured" in one else True)
        square = float(np.mean(residual[seen] ** 2)) if seen.any() else float("nan")
        spread = float(np.std(field[inside])) if inside.any() else float("nan")
        typical = float(np.median(std[inside])) if inside.any() else float("nan")
        rows.append((words.particle_name(one), int(inside.sum()), int(one.sizes["time"]), spread, typical, square))
    return Table(
        ("Particle", "Pixels", "Frames", "Spread of ln k", "σ of ln k, median", "Mean residual²"),
        tuple(rows),
        "Particles of the fit; the last column is 1 less what the fit used up, where model and noise are right.",
        name="learned-particles",
    )


def learning_notices(results: Mapping[str, xr.Dataset]) -> list[Notice]:
    """Return the warnings of the learning for the head of a page."""
    laws = results.get("learned_laws")
    return [] if laws is None else [Notice(f"Learned kinetics: {one}.") for one in words.warnings_of(laws)]


def learned_page(
    results: Mapping[str, Any],
    *,
    title: str,
    provenance: Mapping[str, Any] | None = None,
    options: PageOptions = PageOptions(),  # noqa: B008 (frozen)
) -> str:
    """Return a page of what was learned, without the study around it.

    Parameters
    ----------
    results : mapping of str to Dataset
        ``learned_laws``, ``learned_particle-...`` and, where they were made, ``model_comparison`` and ``sampled_laws``.
    title : str
        Heading of the page.
    provenance : mapping, optional
        As for `stxm_page_content`.
    options : PageOptions
        Palette, movie.

    Returns
    -------
    str
        HTML.
    """
    look = FigureOptions(palette=options.palette, format="svg", width=9.8, font_size=9.5)
    study = Study(known_results(results), options, look)
    laws = study.results["learned_laws"]
    particles = study.parts("learned_particle-")
    ratio = float(laws.attrs.get("chi_square_per_freedom", np.nan))
    summary = (
        Quantity("Particles", str(len(particles))),
        Quantity("Frames", str(sum(one.sizes["time"] for one in particles))),
        Quantity("χ² per degree of freedom", f"{ratio:.3f}"),
        Quantity("Known for x", words.range_text(laws)),
    )
    content = PageContent(
        title=title,
        subtitle="learned from the video",
        summary=summary,
        notices=tuple(learning_notices(study.results)),
        sections=tuple(map(drawn, learning_sections(study))),
        provenance=None if provenance is None else provenance_of(provenance, None),
    )
    return page(content)
