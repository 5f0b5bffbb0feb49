"""What `lithiscope export` does: one study, in the formats of other programs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.exports.methods import methods_text, supplement_text
from lithiscope.studies.exports.ome_zarr import write_ome_zarr
from lithiscope.studies.exports.tables import parquet_tables
from lithiscope.studies.reopen import open_study
from lithiscope.studies.results import write_fiji_stack

if TYPE_CHECKING:
    from lithiscope.studies.runner import Study

PICTURES = ("lithium_fraction", "lithium_fraction_std", "amount", "thickness", "chi_square")


class Kind(NamedTuple):
    """One way out.

    Attributes
    ----------
    about : str
        What it is for, in a line.
    write : callable
        From study and folder to the files, which do not exist yet.
    """

    about: str
    write: Callable[[Study, Path], list[Path]]


def kinds() -> dict[str, Kind]:
    """Return the ways out of a study, by name."""
    return {
        "ome-zarr": Kind("OME-Zarr 0.5 with particles as labels: napari, and all that reads Zarr 3", _ome_zarr),
        "ome-zarr-0.4": Kind("the same as OME-Zarr 0.4: Fiji (BigDataViewer, MoBIE) and older readers", _ome_zarr_2),
        "fiji": Kind("ImageJ hyperstack (TIFF), time along frames, quantities along channels", _fiji),
        "nexus": Kind("the raw counts, NXstxm (HDF5), one file for each scan", _nexus),
        "sdf": Kind("the raw counts, SDF (.hdr and .xim), one header for each scan", _sdf),
        "parquet": Kind("every table of the study (needs lithiscope[parquet])", parquet_tables),
        "webp": Kind("movie of x, interpolated in time, measured frames marked: plays on a page", _movie("webp")),
        "mp4": Kind("the same for a talk, H.264 (needs lithiscope[movie])", _movie("mp4")),
        "webm": Kind("the same, VP9 (needs lithiscope[movie])", _movie("webm")),
        "methods": Kind("a paragraph on methods for a paper, with BibTeX", _methods),
        "supplement": Kind("supplementary sheet: frames and particles left out, settings, raw files", _supplement),
    }


def list_kinds() -> list[str]:
    """Return name and purpose of every way out, one a line."""
    return [f"{name:13s} {kind.about}" for name, kind in kinds().items()]


def export_study(
    place: Path,
    names: Sequence[str],
    *,
    out: Path | None = None,
    overwrite: bool = False,
    reporter: Reporter = SILENT,
) -> list[Path]:
    """Write a study in formats of other programs.

    Parameters
    ----------
    place : Path
        Results folder of a study whose run has finished.
    names : sequence of str
        Of `kinds`.
    out : Path, optional
        Folder for the files; ``export`` in the results folder by default.
    overwrite : bool
        Whether files of the same name may be replaced.
    reporter : Reporter
        Told what is being written.

    Returns
    -------
    list of Path
        The files, each complete. Those of a format appear together, when all of them are written.

    Raises
    ------
    OptionError
        If a format is unknown or lacks its package, or a file exists and may not be replaced.
    AnalysisError
        If the study has not what a format needs.
    """
    known = kinds()
    for name in names:
        if name not in known:
            raise OptionError(
                "there is no such format", field="--to", value=name, limit=", ".join(known), remedy="choose of these"
            )
    study, folder = open_study(place), out or (place.parent if place.name == "study.zarr" else place) / "export"
    if folder.exists() and not folder.is_dir():
        raise OptionError("the folder for the files is a file", field="--out", value=folder, remedy="name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Path] = []
    for name in reporter.track(list(dict.fromkeys(names)), label="export"):
        draft = folder / f".{name}.part"
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir()
            files = known[name].write(study, draft)
            found += _placed(files, draft, folder, overwrite=overwrite)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return found


def _placed(files: Sequence[Path], draft: Path, folder: Path, *, overwrite: bool) -> list[Path]:
    """Move files from where they were written to where they belong; none where one exists and may not be replaced."""
    ends = [folder / file.relative_to(draft) for file in files]
    if taken := [end for end in ends if end.exists() and not overwrite]:
        raise OptionError("the file exists", file=taken[0], remedy="give another --out, or --overwrite")
    for file, end in zip(files, ends, strict=True):
        end.parent.mkdir(parents=True, exist_ok=True)
        if end.is_dir():
            shutil.rmtree(end)
        file.replace(end)
    return ends


def _ome_zarr(study: Study, folder: Path) -> list[Path]:
    path = folder / "lithium_fraction.ome.zarr"
    return [write_ome_zarr(study.results["composition"], PICTURES, path, labels=study.results["labels"]["label"])]


def _ome_zarr_2(study: Study, folder: Path) -> list[Path]:
    path, labels = folder / "lithium_fraction.v4.ome.zarr", study.results["labels"]["label"]
    return [write_ome_zarr(study.results["composition"], PICTURES, path, labels=labels, version="0.4")]


def _fiji(study: Study, folder: Path) -> list[Path]:
    path = folder / "lithium_fraction.tif"
    write_fiji_stack(study.results["composition"], PICTURES, path)
    return [path]


def _nexus(study: Study, folder: Path) -> list[Path]:
    from lithiscope.recordings import write_nexus

    recording = study.results["recording"]
    return [
        write_nexus(recording.isel(time=[n]), folder / f"scan_{n:03d}.hdf5") for n in range(recording.sizes["time"])
    ]


def _sdf(study: Study, folder: Path) -> list[Path]:
    from lithiscope.recordings import write_sdf

    recording = study.results["recording"]
    for number in range(recording.sizes["time"]):
        write_sdf(recording.isel(time=[number]), folder / f"scan_{number:03d}.hdr")
    return sorted(folder.iterdir())


def _movie(file_format: str) -> Callable[[Study, Path], list[Path]]:
    def write(study: Study, folder: Path) -> list[Path]:
        from lithiscope.report import MovieOptions, lithium_movie

        video, results = study.results["composition"], study.results
        rates = results["cell_frames"]["c_rate"].values if "cell_frames" in results else None
        look = MovieOptions.model_validate(
            {"format": file_format, "width": 960, "palette": study.recipe.report.palette}
        )
        path = folder / f"lithium_fraction.{file_format}"
        path.write_bytes(lithium_movie(video, labels=results["labels"]["label"], rates=rates, options=look))
        return [path]

    return write


def _methods(study: Study, folder: Path) -> list[Path]:
    path = folder / "methods.md"
    path.write_text(methods_text(study), encoding="utf-8")
    return [path]


def _supplement(study: Study, folder: Path) -> list[Path]:
    from lithiscope.report.options import FigureOptions
    from lithiscope.report.page import stxm_drawings
    from lithiscope.studies.results import page_stages

    sheet, picture = folder / "supplement.md", folder / "supplement_particles.png"
    text, files = supplement_text(study), [sheet]
    drawings = {one.name: one for one in stxm_drawings(**page_stages(study), figures=FigureOptions(format="png"))}
    try:
        picture.write_bytes(drawings["amount"].draw())
        text += f"\n![Outlines of the particles on the amount of material]({picture.name})\n"
        files.append(picture)
    except (AnalysisError, KeyError):
        pass  # without a map of the amount the table alone names the particles
    sheet.write_text(text, encoding="utf-8")
    return files
