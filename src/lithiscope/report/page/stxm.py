"""The page of an STXM study: which sections there are, what they say, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report import curves, maps, movie, readings, spectra
from lithiscope.report.options import FigureOptions, MovieOptions, PageOptions
from lithiscope.report.page.cell import GROUP as CELL_GROUP
from lithiscope.report.page.cell import cell_sections
from lithiscope.report.page.content import Figure, Notice, PageContent, Quantity, Section, Table
from lithiscope.report.page.explorer import explorer
from lithiscope.report.page.findings import kinetic_notices, kinetic_summary
from lithiscope.report.page.head import (
    DOSE_LIMIT,
    dose_notices,
    highest_dose,
    main_figures,
    particle_names,
    provenance_of,
    quantity,
)
from lithiscope.report.page.kinetics import kinetic_sections
from lithiscope.report.page.pathways import pathway_sections
from lithiscope.report.page.results import Study, known_results
from lithiscope.report.page.tables import flag_table, particle_rows, registration_table, systematic_table
from lithiscope.report.page.voltage import voltage_trace

if TYPE_CHECKING:
    import xarray as xr

_COARSE = 120  # pixels across, up to which a movie is lossless


@dataclass(frozen=True)
class _Study:
    """The stages of a study, each may be absent, and how to draw them."""

    options: PageOptions
    recording: xr.Dataset | None
    od: xr.Dataset | None
    alignment: xr.Dataset | None
    references: xr.Dataset | None
    video: xr.Dataset | None
    table: xr.Dataset | None
    labels: xr.DataArray | None
    incident: xr.Dataset | None
    names: dict[int, str] = field(default_factory=dict)

    @property
    def figures(self) -> FigureOptions:
        """Options of the figures on a page: SVG, as wide as its text column and set as large as its captions."""
        return FigureOptions(palette=self.options.palette, format="svg", width=9.8, font_size=9.5)


def stxm_page_content(
    *,
    title: str,
    recording: xr.Dataset | None = None,
    od: xr.Dataset | None = None,
    alignment: xr.Dataset | None = None,
    references: xr.Dataset | None = None,
    video: xr.Dataset | None = None,
    table: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    incident: xr.Dataset | None = None,
    results: Mapping[str, Any] = MappingProxyType({}),
    subtitle: str = "",
    summary: Mapping[str, str | float] | Sequence[Quantity] = (),
    warnings: Sequence[str | Notice] = (),
    provenance: Mapping[str, Any] | None = None,
    extra_sections: Sequence[Section] = (),
    options: PageOptions = PageOptions(),  # noqa: B008 (frozen)
) -> PageContent:
    """Build the page of an STXM study from whatever stages there are.

    Parameters
    ----------
    title, subtitle : str
        Heading of the page.
    recording, od, alignment, references, video, table : Dataset, optional
        Stages; a section is shown when its stage is given.
    labels : DataArray of int, (y, x) or (cycle, y, x), optional
        Particles; by default the video's own ``label``.
    incident : Dataset, optional
        I0 found in several ways: ``incident`` (incident_method, time, energy).
    results : mapping of str to Dataset
        Results about cell and kinetics by the names in `lithiscope.report.page.RESULTS`; a store's whole mapping may be
        given, because other names, and results that are None, are left out. Each adds its sections, tables, downloads
        and warnings; ``cell_frames`` adds the voltage trace whose cursor moves with the map.
    summary : mapping of str to str or float, or sequence of Quantity
        Further figures for the head of the page.
    warnings : sequence of str or Notice
        Shown at the top; a plain string is a warning.
    provenance : mapping, optional
        ``recipe``, ``inputs`` (name to SHA-256), ``versions``, ``bibtex``; every other entry is listed as a fact.
    extra_sections : sequence of Section
        Put before the flags.
    options : PageOptions
        Palette, movie, size of the interactive map.

    Returns
    -------
    PageContent
        For `lithiscope.report.page.page`.

    Raises
    ------
    StageError
        If an argument is not the stage that it should be.
    """
    if labels is None and video is not None and "label" in video:
        labels = video["label"]
    study = _Study(
        options, recording, od, alignment, references, video, table, labels, incident, particle_names(table, labels)
    )
    known = known_results(results)
    about = Study(known, options, study.figures, video, table, labels)
    more = tuple(summary) if not isinstance(summary, Mapping) else tuple(quantity(k, v) for k, v in summary.items())
    builders = (_maps, _error, _amount, _spectra, _fit, _particles, _registration, _incident, _dose)
    sections = [section for build in builders if (section := build(study)) is not None]
    sections = [*_with_trace(sections, known), *cell_sections(about), *kinetic_sections(about)]
    sections += pathway_sections(about)
    sections += [*extra_sections, *(s for build in (_flags, _systematic) if (s := build(study)) is not None)]
    return PageContent(
        title=title,
        subtitle=subtitle,
        summary=(*main_figures(od=od, video=video, table=table, labels=labels), *kinetic_summary(known), *more),
        notices=(
            *(n if isinstance(n, Notice) else Notice(str(n)) for n in warnings),
            *dose_notices(video),
            *kinetic_notices(known),
        ),
        sections=tuple(sections),
        provenance=None if provenance is None else provenance_of(provenance, recording),
    )


def _with_trace(sections: list[Section], known: Mapping[str, xr.Dataset]) -> list[Section]:
    """Put the interactive voltage trace under the map; without a map it has its own section."""
    if "cell_frames" not in known or known["cell_frames"].sizes["time"] == 0:
        return sections
    trace = voltage_trace(known["cell_frames"], trace=known.get("cell_trace"), clock=known.get("clock"))
    if sections and sections[0].explorer is not None:
        return [replace(sections[0], trace=trace), *sections[1:]]
    text = "Point at the curve, or use the arrow keys, to read what the cell did at a frame."
    return [*sections, Section("voltage", "Voltage at the frames", text, trace=trace, group=CELL_GROUP)]


def _svg(data: bytes, alt: str, caption: str, name: str) -> Figure:
    return Figure(data, "image/svg+xml", alt, caption, name)


def _maps(study: _Study) -> Section | None:
    video = study.video
    if video is None or str(video.attrs["signal"]) not in ("lithium_fraction", "phase_fraction"):
        return None
    sheet = _svg(
        maps.lithium_maps(video, labels=study.labels, options=study.figures),
        "Contact sheet of lithium maps",
        "Hue is the lithium fraction x, brightness the amount a + b. Means are over the particles, weighted by amount. "
        "Hatched pixels have no trusted value; x is clipped to 0..1 for colour only.",
        "lithium-maps",
    )
    moving: tuple[Figure, ...] = ()
    if study.options.movie and video.sizes["time"] > 1:
        # Where a pixel spans several screen pixels, lossless is both exact and smaller.
        exact = video.sizes["x"] <= _COARSE
        look = MovieOptions(palette=study.options.palette, lossless=exact)
        film = movie.lithium_movie(video, labels=study.labels, options=look)
        note = "Linear between the measured frames, which light up on the time line."
        moving = (Figure(film, "image/webp", "Movie of the lithium maps", note, "lithium-movie", folded=True),)
    packed = explorer(
        video,
        labels=study.labels,
        names=study.names,
        most_values=study.options.explorer_values,
        palette=study.options.palette,
    )
    text = (
        "Where the lithium was. Point at a pixel to read its lithium fraction with its random error and to see it in "
        "time; move through the scans with the slider."
    )
    return Section("maps", "Lithium maps", text, packed, (sheet, *moving))


def _error(study: _Study) -> Section | None:
    video = study.video
    if video is None or f"{video.attrs['signal']}_std" not in video:
        return None
    sheet = _svg(
        maps.error_maps(video, labels=study.labels, options=study.figures),
        "Contact sheet of the random error of x",
        "One standard deviation per pixel, from counting noise carried through the fit; thin material is less sure.",
        "error-maps",
    )
    common = f"{video.attrs['signal']}_frame_std"
    text = "The random part only; it averages down over a region."
    if common in video:
        largest = float(np.nanmax(video[common].values))
        text += f" The error of I₀ moves a whole frame: up to {largest:.3f} in x (one standard deviation)."
    return Section("error", "Error maps", text, figures=(sheet,))


def _amount(study: _Study) -> Section | None:
    video = study.video
    if video is None or not ({"amount", "thickness"} & set(video)):
        return None
    figures = []
    text = "The amount of active material along the beam; it sets the brightness of the maps and should not change."
    if "amount" in video:
        picture = maps.amount_map(video, labels=study.labels, names=study.names, options=study.figures)
        figures.append(
            _svg(picture, "Map of the amount a + b", "Mean over the scans, in units of the references.", "amount")
        )
    if "thickness" in video:
        picture = maps.thickness_map(video, labels=study.labels, options=study.figures)
        table = str(video.attrs.get("attenuation_table", "not named"))
        note = f"Attenuation lengths: {table}. Tables differ by about 6 % at the iron edge."
        figures.append(_svg(picture, "Map of the thickness", note, "thickness"))
    return Section("amount", "Amount and thickness", text, figures=tuple(figures))


def _spectra(study: _Study) -> Section | None:
    if study.od is None and study.references is None:
        return None
    figures = []
    if study.od is not None:
        figures += _density_figures(study, study.od)
    if study.references is not None:
        picture = spectra.reference_figure(study.references, options=study.figures)
        source = str(study.references.attrs.get("source", "")) or "not stated"
        figures.append(_svg(picture, "Reference spectra", f"Source: {source}.", "references"))
    text = "What was measured, and how the references explain it."
    return Section("spectra", "Spectra and fit", text, figures=tuple(figures))


def _density_figures(study: _Study, od: xr.Dataset) -> list[Figure]:
    figures = [
        _svg(
            maps.optical_density_maps(od, options=study.figures),
            "Optical density at the photon energies",
            "First scan; one grey scale.",
            "optical-density",
        )
    ]
    for frame in range(od.sizes.get("time", 1)):
        try:
            picture = spectra.spectra_figure(
                od, video=study.video, references=study.references, labels=study.labels, names=study.names, frame=frame,
                options=study.figures,
            )  # fmt: skip
        except AnalysisError:
            continue  # every particle is lost in this scan; take the next
        when = readings.minutes_text(float(readings.minutes(od)[frame]))
        caption = (
            f"Mean over the pixels of each region in scan {frame + 1} ({when}). Bars: random, one standard deviation "
            "of the mean."
        )
        if study.references is not None and study.video is not None:
            caption += " Below: measured less fitted; the grey band is the error of I₀, common to a whole picture."
        figures.append(_svg(picture, "Mean spectra of the regions, with fit where there is one", caption, "spectra"))
        break
    return figures


def _fit(study: _Study) -> Section | None:
    video = study.video
    if video is None or "chi_square" not in video or int(video.attrs.get("degrees_of_freedom", 0)) < 1:
        return None
    try:
        histogram = curves.chi_square_histogram(video, labels=study.labels, options=study.figures)
    except AnalysisError:
        return None
    picture = maps.chi_square_map(video, labels=study.labels, options=study.figures)
    text = (
        "If the references explain the spectra and the noise is as stated, chi-square follows the curve. "
        "A tail to the right means a missing component, a wrong energy axis or underestimated noise; structure in the "
        "map says where."
    )
    return Section(
        "fit",
        "Chi-square",
        text,
        figures=(
            _svg(histogram, "Histogram of chi-square", "Trusted pixels of all scans.", "chi-square"),
            _svg(
                picture, "Map of chi-square per degree of freedom", "Mean over the scans; 1 is noise alone.", "chi-map"
            ),
        ),
    )


def _particles(study: _Study) -> Section | None:
    if study.table is None:
        return None
    figures = []
    if study.table.sizes["time"] > 1:
        try:
            picture = curves.particle_curves(study.table, options=study.figures)
        except AnalysisError:
            picture = b""  # every particle is excluded; the table says why
        if picture:
            caption = (
                "Mean x of each particle. Bar: random; dark band: common to the frame; light band: systematic. The "
                "numbers beside the name are their medians in that order, one standard deviation each."
            )
            if study.table.sizes["particle"] > study.figures.max_frames:
                caption += f" At most {study.figures.max_frames} particles are drawn; the table and its file hold all."
            figures.append(_svg(picture, "Mean lithium fraction of the particles against time", caption, "particles"))
    text = "Means over each particle, weighted by the amount of material."
    return Section("particles", "Particles", text, figures=tuple(figures), tables=(particle_rows(study.table),))


def _registration(study: _Study) -> Section | None:
    if study.alignment is None:
        return None
    picture = curves.shift_curves(study.alignment, options=study.figures)
    text = "How far the sample moved between and within the scans, and how well that was undone."
    caption = "Bars are one standard deviation of the shift, from the noise of the pictures."
    return Section(
        "registration",
        "Registration",
        text,
        figures=(_svg(picture, "Shifts of the frames", caption, "shifts"),),
        tables=(registration_table(study.alignment),),
    )


def _incident(study: _Study) -> Section | None:
    if study.od is None or "incident" not in study.od:
        return None
    picture = curves.incident_curves(study.od, others=study.incident, options=study.figures)
    method = str(study.od.attrs.get("incident_method", ""))
    text = "The counts without sample set the zero of the optical density; an error here moves a whole picture."
    if method:
        text += f" Found by: {method}."
    return Section(
        "incident",
        "Incident counts",
        text,
        figures=(_svg(picture, "Incident counts", "Bars: one standard deviation.", "incident"),),
    )


def _dose(study: _Study) -> Section | None:
    video = study.video
    if video is None or "dose" not in video:
        return None
    picture = maps.dose_map(video, labels=study.labels, options=study.figures)
    text = (
        f"Absorbed dose up to the last scan: at most {highest_dose(video):.3g} MGy. No damage was seen up to "
        f"{DOSE_LIMIT:.0f} MGy (Lim 2016)."
    )
    return Section("dose", "Dose", text, figures=(_svg(picture, "Map of the dose", "After the last scan.", "dose"),))


def _flags(study: _Study) -> Section | None:
    tables: list[Table] = []
    video = study.video
    if video is not None and f"{video.attrs['signal']}_flag" in video:
        tables.append(flag_table(video[f"{video.attrs['signal']}_flag"].values))
    elif study.od is not None:
        tables.append(flag_table(study.od["signal_flag"].values))
    if not tables or not tables[0].rows:
        return None
    text = "Why values are missing, and what to know about some that stand."
    return Section("flags", "Flags", text, tables=tuple(tables))


def _systematic(study: _Study) -> Section | None:
    if study.table is None or "lithium_fraction_shift" not in study.table:
        return None
    text = "Causes that move all values together and do not average down."
    return Section("systematic", "Systematic shifts", text, tables=(systematic_table(study.table),))
