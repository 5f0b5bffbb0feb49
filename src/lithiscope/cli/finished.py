"""The commands over a study that has run: figures, files for other programs, what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def figures(
    results: Annotated[Path, typer.Argument(help="A results folder that `lithiscope run` wrote.", show_default=False)],
    file_format: Annotated[
        str, typer.Option("--format", help="pdf and svg are vectors with text that can be edited; png has pixels.")
    ] = "pdf",
    width: Annotated[float, typer.Option(help="Inches, from 3: 3.5 is one column of a paper, 7.2 both.")] = 7.2,
    font_size: Annotated[
        float | None, typer.Option(help="Points; 8 by default, 7 in figures narrower than 5 inches.")
    ] = None,
    dots: Annotated[int, typer.Option("--dpi", help="Dots per inch of a png.")] = 300,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Name of a figure; may be repeated. All by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; RESULTS/figures by default.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Say which figures there are, and draw none.")] = False,
) -> None:
    """Write every figure of a study's page as a file for a paper, and the captions as figures.md.

        lithiscope figures results --list                             # names and titles

        lithiscope figures results                                    # all, pdf, 7.2 inches wide

        lithiscope figures results --width 3.5 --only exchange-current --only uniformity-rate

        lithiscope figures results --format png --dpi 600 --out talk

    Nothing is computed again: figures come from what the run stored, with the palette of the recipe (report.palette).
    """
    from lithiscope.cli.progress import RichReporter
    from lithiscope.studies.figures import figure_options, list_figures, write_figures

    if listing:
        lines = list_figures(results)
    else:
        look = figure_options(file_format, width=width, font_size=font_size, dots_per_inch=dots)
        lines = write_figures(results, only=only or (), out=out, options=look, reporter=RichReporter())
    for line in lines:
        typer.echo(line)


def export(
    results: Annotated[
        Path | None, typer.Argument(help="A results folder that `lithiscope run` wrote.", show_default=False)
    ] = None,
    to: Annotated[list[str] | None, typer.Option("--to", help="Name of a format; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; RESULTS/export by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of the same name.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="Say which formats there are, and write none.")] = False,
) -> None:
    """Write a study for other programs, a talk or a paper: OME-Zarr, TIFF, NXstxm, tables, movies, methods.

        lithiscope export --list                                      # what there is

        lithiscope export results --to ome-zarr                       # napari results/export/lithium_fraction.ome.zarr

        lithiscope export results --to mp4 --to methods --out talk

    Nothing is computed again, and a file appears only when it is complete.
    """
    from lithiscope.cli.progress import RichReporter
    from lithiscope.errors import OptionError
    from lithiscope.studies.exports.files import export_study, list_kinds

    if listing:
        for line in list_kinds():
            typer.echo(line)
        return
    if results is None or not to:
        raise OptionError(
            "export needs a study and a format",
            field="RESULTS" if results is None else "--to",
            value=None,
            remedy="lithiscope export RESULTS --to NAME; --list names the formats",
        )
    for path in export_study(results, to, out=out, overwrite=overwrite, reporter=RichReporter()):
        typer.echo(f"file:  {path}")


def show(
    store: Annotated[Path, typer.Argument(help="A results folder or its study.zarr.", show_default=False)],
) -> None:
    """Show what a study holds: steps, figures, warnings, and how it was made."""
    from lithiscope.studies.show import describe

    for line in describe(store):
        typer.echo(line)
