"""The figures of a study as files for a paper: one vector file each, and their captions."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.options import option_error
from lithiscope.progress import SILENT, Reporter
from lithiscope.report.options import FigureOptions
from lithiscope.studies.reopen import open_study

if TYPE_CHECKING:
    from lithiscope.report.page import Drawing

CAPTIONS = "figures.md"
_FORMATS = ("pdf", "svg", "png")
_NARROW = 5.0  # inches


def study_drawings(place: Path, options: FigureOptions) -> dict[str, Drawing]:
    """Return the figures that a study has, by name, not drawn yet: those of its page, then the composed ones.

    Parameters
    ----------
    place : Path
        Results folder of a study whose run has finished.
    options : FigureOptions
        Format, width and type; the palette is that of the recipe (``report.palette``).
    """
    from lithiscope.report.page import stxm_drawings
    from lithiscope.studies.results import page_stages

    study = open_study(place)
    look = options.model_copy(update={"palette": study.recipe.report.palette})
    return {one.name: one for one in stxm_drawings(**page_stages(study), figures=look)}


def figure_options(
    file_format: str, *, width: float, font_size: float | None = None, dots_per_inch: int = 300
) -> FigureOptions:
    """Return the options of figures for a paper.

    Parameters
    ----------
    file_format : str
        pdf, svg or png.
    width : float
        Inches.
    font_size : float, optional
        Points; by default 8, and 7 in figures narrower than 5 inches.
    dots_per_inch : int
        Of a PNG.

    Raises
    ------
    OptionError
        If one of them cannot be used.
    """
    size = font_size or (7.0 if width < _NARROW else 8.0)
    try:
        return FigureOptions.model_validate(
            {"format": file_format, "width": width, "font_size": size, "dots_per_inch": dots_per_inch}
        )
    except ValidationError as error:
        raise option_error(error, "the options of the figures") from None


def list_figures(place: Path) -> list[str]:
    """Return name and title of every figure of a study, one a line."""
    drawings = study_drawings(place, FigureOptions())
    longest = max(map(len, drawings), default=0)
    return [f"{name:{longest}s}  {one.alt}" for name, one in drawings.items()]


def write_figures(
    place: Path,
    *,
    only: Sequence[str] = (),
    out: Path | None = None,
    options: FigureOptions = FigureOptions(format="pdf"),  # noqa: B008 (frozen)
    reporter: Reporter = SILENT,
) -> list[str]:
    """Write the figures of a study as ``NAME.pdf`` (or svg, png), and their captions as ``figures.md``.

    Everything is drawn before the first file is written, and files are put in place whole.

    Parameters
    ----------
    place : Path
        Results folder of a study whose run has finished.
    only : sequence of str
        Names of figures; all by default.
    out : Path, optional
        Where the files go; ``figures`` in the results folder by default.
    options : FigureOptions
        Format, width in inches, type.
    reporter : Reporter
        Told what is being drawn.

    Returns
    -------
    list of str
        The files, and the figures that the data do not allow with the reason, for people.

    Raises
    ------
    OptionError
        If a name is unknown, or `out` is a file.
    AnalysisError
        If figures were asked for by name and none of them can be drawn.
    """
    folder = out or (place.parent if place.name == "study.zarr" else place) / "figures"
    if folder.exists() and not folder.is_dir():
        raise OptionError("the folder for the figures is a file", field="--out", value=folder, remedy="name a folder")
    drawings = study_drawings(place, options)
    pictures: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    wanted = _chosen(drawings, only)
    for name in reporter.track(wanted, label="figures"):
        try:
            pictures[name] = drawings[name].draw()
        except AnalysisError as error:
            if only and not pictures and name == wanted[-1]:
                raise
            reasons[name] = error.problem + (f" ({error.field})" if error.field else "")
    _put(folder, {f"{name}.{options.format}": data for name, data in pictures.items()})
    for name in reasons:
        (folder / f"{name}.{options.format}").unlink(missing_ok=True)  # one of an earlier run
    _put(folder, {CAPTIONS: captions(drawings.values(), folder).encode("utf-8")})
    return [
        *(f"{folder / name}.{options.format}" for name in pictures),
        *(f"not drawn: {name}: {reason}" for name, reason in reasons.items()),
        f"captions: {folder / CAPTIONS}",
    ]


def captions(drawings: Iterable[Drawing], folder: Path) -> str:
    """Return the captions of the figures of which `folder` holds a file, as Markdown."""
    parts = ["# Figures\n"]
    for one in drawings:
        files = [f"{one.name}.{ending}" for ending in _FORMATS if (folder / f"{one.name}.{ending}").is_file()]
        if files:
            parts.append(f"## {', '.join(files)}\n\n**{one.alt}.** {one.caption}\n")
    return "\n".join(parts)


def _chosen(drawings: Mapping[str, Drawing], only: Sequence[str]) -> list[str]:
    for name in only:
        if name not in drawings:
            raise OptionError(
                "the study has no such figure",
                field="--only",
                value=name,
                limit=", ".join(drawings),
                remedy="choose one of these; `lithiscope figures RESULTS --list` says what they show",
            )
    return list(dict.fromkeys(only)) or list(drawings)


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder beside, then move them in: whatever happens, each is whole or absent."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    draft.mkdir()
    try:
        for name, data in files.items():
            (draft / name).write_bytes(data)
        folder.mkdir(exist_ok=True)
        for name in files:
            (draft / name).replace(folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
