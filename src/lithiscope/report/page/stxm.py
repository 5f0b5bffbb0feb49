"""The page of an STXM study: which sections there are, what they say, and what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lithiscope.report.options import FigureOptions, PageOptions
from lithiscope.report.page.cell import GROUP as CELL_GROUP
from lithiscope.report.page.cell import cell_sections
from lithiscope.report.page.composed import composed_drawings
from lithiscope.report.page.content import Drawing, Notice, PageContent, Quantity, Section
from lithiscope.report.page.findings import kinetic_notices, kinetic_summary
from lithiscope.report.page.head import main_figures, particle_names, provenance_of, quantity
from lithiscope.report.page.images import Images, closing_sections, image_sections
from lithiscope.report.page.kinetics import kinetic_sections
from lithiscope.report.page.learning import learning_notices, learning_sections
from lithiscope.report.page.pathways import pathway_sections
from lithiscope.report.page.results import Study, drawn, known_results
from lithiscope.report.page.voltage import voltage_trace

if TYPE_CHECKING:
    import xarray as xr


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
    look = FigureOptions(palette=options.palette, format="svg", width=9.8, font_size=9.5, finest_picture=150)
    images, about = _studies(
        options, look, results, recording=recording, od=od, alignment=alignment, references=references, video=video,
        table=table, labels=labels, incident=incident,
    )  # fmt: skip
    known, labels = about.results, images.labels
    more = tuple(summary) if not isinstance(summary, Mapping) else tuple(quantity(k, v) for k, v in summary.items())
    sections = [*_with_trace(image_sections(images), known), *_result_sections(about), *learning_sections(about)]
    sections += [*extra_sections, *closing_sections(images)]
    return PageContent(
        title=title,
        subtitle=subtitle,
        summary=(*main_figures(od=od, video=video, table=table, labels=labels), *kinetic_summary(known), *more),
        notices=(
            *(n if isinstance(n, Notice) else Notice(str(n)) for n in warnings),
            *kinetic_notices(known),
            *(one for one in learning_notices(known) if not any(str(n) in one.text for n in warnings)),
        ),
        sections=tuple(map(drawn, sections)),
        provenance=None if provenance is None else provenance_of(provenance, recording),
    )


def stxm_drawings(
    *,
    recording: xr.Dataset | None = None,
    od: xr.Dataset | None = None,
    alignment: xr.Dataset | None = None,
    references: xr.Dataset | None = None,
    video: xr.Dataset | None = None,
    table: xr.Dataset | None = None,
    labels: xr.DataArray | None = None,
    incident: xr.Dataset | None = None,
    results: Mapping[str, Any] = MappingProxyType({}),
    options: PageOptions = PageOptions(),  # noqa: B008 (frozen)
    figures: FigureOptions = FigureOptions(),  # noqa: B008 (frozen)
) -> tuple[Drawing, ...]:
    """Return every figure of an STXM study, not drawn yet: those of the page in its order, then the composed ones.

    Parameters
    ----------
    recording, od, alignment, references, video, table, labels, incident, results, options
        As for `stxm_page_content`.
    figures : FigureOptions
        Format, width and type of the figures.

    Raises
    ------
    StageError
        If an argument is not the stage that it should be.
    """
    images, about = _studies(
        options, figures, results, recording=recording, od=od, alignment=alignment, references=references, video=video,
        table=table, labels=labels, incident=incident,
    )  # fmt: skip
    sections = [
        *image_sections(replace(images, interactive=False)),
        *_result_sections(about),
        *learning_sections(about, moving=False),
    ]
    return (*(one for section in sections for one in section.drawings), *composed_drawings(about))


def _studies(
    options: PageOptions, figures: FigureOptions, results: Mapping[str, Any], **stages: Any
) -> tuple[Images, Study]:
    video, table, labels = stages["video"], stages["table"], stages.pop("labels")
    if labels is None and video is not None and "label" in video:
        labels = video["label"]
    known = known_results(results)
    images = Images(
        options, figures, labels=labels, names=particle_names(table, labels), tracks=known.get("tracks"),
        dose=known.get("dose"), **stages,
    )  # fmt: skip
    return images, Study(known, options, figures, video, table, labels)


def _result_sections(about: Study) -> list[Section]:
    return [*cell_sections(about), *kinetic_sections(about), *pathway_sections(about)]


def _with_trace(sections: list[Section], known: Mapping[str, xr.Dataset]) -> list[Section]:
    """Put the interactive voltage trace under the map; without a map it has its own section."""
    if "cell_frames" not in known or known["cell_frames"].sizes["time"] == 0:
        return sections
    trace = voltage_trace(known["cell_frames"], trace=known.get("cell_trace"), clock=known.get("clock"))
    if sections and sections[0].explorer is not None:
        told = "The cursor of the voltage moves with the slider of this map."
        if any(figure.name == "lithium-movie" for figure in sections[0].figures):
            told += " The movie below runs by itself and moves no cursor."
        explained = f"{sections[0].explanation} {told}"
        return [replace(sections[0], trace=trace, explanation=explained), *sections[1:]]
    text = "Point at the curve, or use the arrow keys, to read what the cell did at a frame."
    return [*sections, Section("voltage", "Voltage at the frames", text, trace=trace, group=CELL_GROUP)]
