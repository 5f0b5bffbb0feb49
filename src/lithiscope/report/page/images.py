"""The sections of a page about the images: maps, errors, spectra, fit, particles, registration, I0, dose, flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.report import curves, maps, movie, readings, spectra
from lithiscope.report.options import FigureOptions, MovieOptions, PageOptions
from lithiscope.report.page.content import Drawing, Figure, Section, Table
from lithiscope.report.page.explorer import explorer
from lithiscope.report.page.head import highest_dose
from lithiscope.report.page.particle_tables import dose_rows, dose_text, track_rows
from lithiscope.report.page.tables import flag_table, particle_rows, registration_table, systematic_table
from lithiscope.stages import check, each_frame

if TYPE_CHECKING:
    import xarray as xr

_COARSE = 120  # pixels across, up to which a movie is lossless


@dataclass(frozen=True)
class Images:
    """The stages of a study's images, each may be absent, and how to draw them.

    Without `interactive` there is neither the interactive map nor the movie: for figures alone.
    """

    options: PageOptions
    figures: FigureOptions
    recording: xr.Dataset | None = None
    od: xr.Dataset | None = None
    alignment: xr.Dataset | None = None
    references: xr.Dataset | None = None
    video: xr.Dataset | None = None
    table: xr.Dataset | None = None
    labels: xr.DataArray | None = None
    incident: xr.Dataset | None = None
    tracks: xr.Dataset | None = None
    dose: xr.Dataset | None = None
    names: dict[int, str] = field(default_factory=dict)
    interactive: bool = True


def image_sections(study: Images) -> list[Section]:
    """Return the sections of the images for which there are stages, in order."""
    builders = (_maps, _error, _amount, _spectra, _fit, _particles, _registration, _incident, _dose)
    return [section for build in builders if (section := build(study)) is not None]


def closing_sections(study: Images) -> list[Section]:
    """Return the sections that end a page: flags and systematic shifts."""
    return [section for build in (_flags, _systematic) if (section := build(study)) is not None]


def _maps(study: Images) -> Section | None:
    video = study.video
    if video is None or str(video.attrs["signal"]) not in ("lithium_fraction", "phase_fraction"):
        return None
    sheet = Drawing(
        lambda: maps.lithium_maps(video, labels=study.labels, options=study.figures),
        "Contact sheet of lithium maps",
        "Hue is the lithium fraction x, brightness the amount a + b. Means are over the particles, weighted by amount. "
        "Hatched pixels have no trusted value; x is clipped to 0..1 for colour only.",
        "lithium-maps",
    )
    text = (
        "Where the lithium was. Point at a pixel to read its lithium fraction with its random error and to see it in "
        "time; move through the scans with the slider. Drag over two regions to compare them."
    )
    if not study.interactive:
        return Section("maps", "Lithium maps", text, drawings=(sheet,))
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
        od=study.od,
        references=study.references,
        most_values=study.options.explorer_values,
        palette=study.options.palette,
    )
    return Section("maps", "Lithium maps", text, packed, moving, drawings=(sheet,))


def _error(study: Images) -> Section | None:
    video = study.video
    if video is None or f"{video.attrs['signal']}_std" not in video:
        return None
    sheet = Drawing(
        lambda: maps.error_maps(video, labels=study.labels, options=study.figures),
        "Contact sheet of the random error of x",
        "One standard deviation per pixel, from counting noise carried through the fit; thin material is less sure.",
        "error-maps",
    )
    common = f"{video.attrs['signal']}_frame_std"
    text = "The random part only; it averages down over a region."
    if common in video:
        largest = float(np.nanmax(video[common].values))
        text += f" The error of I₀ moves a whole frame: up to {largest:.3f} in x (one standard deviation)."
    return Section("error", "Error maps", text, drawings=(sheet,))


def _amount(study: Images) -> Section | None:
    video = study.video
    if video is None or not ({"amount", "thickness"} & set(video)):
        return None
    figures = []
    text = "The amount of active material along the beam; it sets the brightness of the maps and should not change."
    if "amount" in video:
        figures.append(
            Drawing(
                lambda: maps.amount_map(video, labels=study.labels, names=study.names, options=study.figures),
                "Map of the amount a + b",
                "Mean over the scans, in units of the references.",
                "amount",
            )
        )
    if "thickness" in video:
        table = str(video.attrs.get("attenuation_table", "not named"))
        note = f"Attenuation lengths: {table}. Tables differ by about 6 % at the iron edge."
        figures.append(
            Drawing(
                lambda: maps.thickness_map(video, labels=study.labels, options=study.figures),
                "Map of the thickness",
                note,
                "thickness",
            )
        )
    return Section("amount", "Amount and thickness", text, drawings=tuple(figures))


def _spectra(study: Images) -> Section | None:
    if study.od is None and study.references is None:
        return None
    figures = []
    if study.od is not None:
        figures += _density_figures(study, study.od)
    references = study.references
    if references is not None:
        source = str(references.attrs.get("source", "")) or "not stated"
        figures.append(
            Drawing(
                lambda: spectra.reference_figure(references, options=study.figures),
                "Reference spectra",
                f"Source: {source}.",
                "references",
            )
        )
    text = "What was measured, and how the references explain it."
    return Section("spectra", "Spectra and fit", text, drawings=tuple(figures))


def _density_figures(study: Images, od: xr.Dataset) -> list[Drawing]:
    figures = [
        Drawing(
            lambda: maps.optical_density_maps(od, options=study.figures),
            "Optical density at the photon energies",
            "First scan; one grey scale.",
            "optical-density",
        )
    ]
    known: dict[str, Any] = {"video": study.video, "references": study.references}
    known |= {"labels": study.labels, "names": study.names}
    frame = spectra.first_frame_with_spectra(od, **known)
    if frame is None:
        return figures
    when = readings.minutes_text(float(readings.minutes(od)[frame]))
    caption = (
        f"Mean over the pixels of each region in scan {frame + 1} ({when}). Bars: random, one standard deviation "
        "of the mean."
    )
    if study.references is not None and study.video is not None:
        caption += " Below: measured less fitted; the grey band is the error of I₀, common to a whole picture."
    figures.append(
        Drawing(
            lambda: spectra.spectra_figure(od, frame=frame, options=study.figures, **known),
            "Mean spectra of the regions, with fit where there is one",
            caption,
            "spectra",
        )
    )
    return figures


def _fit(study: Images) -> Section | None:
    video = study.video
    if video is None or "chi_square" not in video or int(video.attrs.get("degrees_of_freedom", 0)) < 1:
        return None
    try:
        curves.chi_square_values(video, study.labels)
    except AnalysisError:
        return None
    text = (
        "If the references explain the spectra and the noise is as stated, chi-square follows the curve. "
        "A tail to the right means a missing component, a wrong energy axis or underestimated noise; structure in the "
        "map says where."
    )
    return Section(
        "fit",
        "Chi-square",
        text,
        drawings=(
            Drawing(
                lambda: curves.chi_square_histogram(video, labels=study.labels, options=study.figures),
                "Histogram of chi-square",
                "Trusted pixels of all scans.",
                "chi-square",
            ),
            Drawing(
                lambda: maps.chi_square_map(video, labels=study.labels, options=study.figures),
                "Map of chi-square per degree of freedom",
                "Mean over the scans; 1 is noise alone.",
                "chi-map",
            ),
        ),
    )


def _particles(study: Images) -> Section | None:
    table = study.table
    if table is None:
        return None
    figures = []
    if table.sizes["time"] > 1:
        caption = (
            "Mean x of each particle. Bar: random; dark band: common to the frame; light band: systematic. The "
            "numbers beside the name are their medians in that order, one standard deviation each."
        )
        if table.sizes["particle"] > study.figures.max_frames:
            caption += f" At most {study.figures.max_frames} particles are drawn; the table and its file hold all."
        figures.append(
            Drawing(
                lambda: curves.particle_curves(table, options=study.figures),
                "Mean lithium fraction of the particles against time",
                caption,
                "particles",
            )
        )
    text = "Means over each particle, weighted by the amount of material."
    return Section("particles", "Particles", text, drawings=tuple(figures), tables=(particle_rows(table),))


def _registration(study: Images) -> Section | None:
    alignment = study.alignment
    if alignment is None:
        return None
    check(alignment, "alignment")
    text = "How far the sample moved between and within the scans, and how well that was undone."
    caption = "Bars are one standard deviation of the shift, from the noise of the pictures."
    drawings = [
        Drawing(
            lambda: curves.shift_curves(alignment, options=study.figures), "Shifts of the frames", caption, "shifts"
        )
    ]
    tables = [registration_table(alignment)]
    tracks = study.tracks
    if tracks is not None and tracks.sizes["time"] > 1 and tracks.sizes["particle"]:
        text += " The centre of each particle shows what is left, and particles that move by themselves."
        caption = "Centres of the amount of material; bars are one standard deviation, from the noise of the pictures."
        drawings.append(
            Drawing(
                lambda: curves.track_curves(tracks, options=study.figures),
                "Centres of the particles",
                caption,
                "tracks",
            )
        )
        tables.append(track_rows(tracks))
    return Section("registration", "Registration", text, drawings=tuple(drawings), tables=tuple(tables))


def _incident(study: Images) -> Section | None:
    od = study.od
    if od is None or "incident" not in od:
        return None
    method = str(od.attrs.get("incident_method", ""))
    text = "The counts without sample set the zero of the optical density; an error here moves a whole picture."
    if method:
        text += f" Found by: {method}."
    return Section(
        "incident",
        "Incident counts",
        text,
        drawings=(
            Drawing(
                lambda: curves.incident_curves(od, others=study.incident, options=study.figures),
                "Incident counts",
                "Bars: one standard deviation.",
                "incident",
            ),
        ),
    )


def _dose(study: Images) -> Section | None:
    video = study.video
    if video is None or "dose" not in video:
        return None
    text = f"Absorbed dose up to the last scan: at most {dose_text(highest_dose(video))}."
    rows: tuple[Table, ...] = ()
    if study.dose is not None:
        limit, above = float(study.dose.attrs["limit"]), int((study.dose["first_above"].values >= 0).sum())
        text += f" {above} of {study.dose.sizes['particle']} particles passed the limit of {dose_text(limit)}."
        rows = (dose_rows(study.dose),)
    picture = Drawing(
        lambda: maps.dose_map(video, labels=study.labels, options=study.figures),
        "Map of the dose",
        "After the last scan.",
        "dose",
    )
    return Section("dose", "Dose", text, tables=rows, drawings=(picture,))


def _flags(study: Images) -> Section | None:
    tables: list[Table] = []
    video = study.video
    if video is not None and f"{video.attrs['signal']}_flag" in video:
        tables.append(flag_table(each_frame(video[f"{video.attrs['signal']}_flag"])))
    elif study.od is not None:
        tables.append(flag_table(each_frame(study.od["signal_flag"])))
    if not tables or not tables[0].rows:
        return None
    text = "Why values are missing, and what to know about some that stand."
    return Section("flags", "Flags", text, tables=tuple(tables))


def _systematic(study: Images) -> Section | None:
    if study.table is None or "lithium_fraction_shift" not in study.table:
        return None
    text = "Causes that move all values together and do not average down."
    return Section("systematic", "Systematic shifts", text, tables=(systematic_table(study.table),))
