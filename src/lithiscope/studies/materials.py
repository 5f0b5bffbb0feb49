"""Parameter sets for the terminal: the list, the numbers of one, its file, its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lithiscope.errors import OptionError


def show_materials(name: str | None, *, plot: Path | None = None, as_yaml: bool = False) -> Iterator[str]:
    """Yield the lines that `lithiscope materials` prints, and draw the figure if one was asked for.

    Parameters
    ----------
    name : str, optional
        Name of a set or path of a YAML file; without it all sets are listed.
    plot : Path, optional
        Where the figure goes; its ending chooses png, svg or pdf.
    as_yaml : bool
        Whether to give the text of the set's file instead of its table.

    Raises
    ------
    OptionError
        If there is no such set, nothing to draw, or the ending means no format.
    """
    from lithiscope.materials import material
    from lithiscope.materials.listing import number_lines, set_lines

    if name is None:
        if plot or as_yaml:
            raise OptionError(
                "one set is needed",
                field="--plot" if plot else "--yaml",
                remedy="`lithiscope materials` lists the names",
            )
        yield from set_lines()
        return
    given = material(name)
    if as_yaml and given.file is not None:
        yield given.file.read_text(encoding="utf-8").rstrip("\n")
    else:
        yield from number_lines(given)
    if plot is not None:
        from lithiscope.report.material_figure import material_figure
        from lithiscope.report.options import FigureOptions

        ending = plot.suffix.lower().removeprefix(".")
        if ending not in ("png", "svg", "pdf"):
            raise OptionError(
                "a figure cannot be written in this format",
                field="--plot",
                value=plot,
                limit=".png, .svg or .pdf",
                remedy="choose one of these endings",
            )
        plot.write_bytes(material_figure(given, options=FigureOptions(format=ending)))
        yield f"picture: {plot}"
