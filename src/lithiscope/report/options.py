"""Options of figures, movies and the page."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, PrivateAttr

from lithiscope.options import Options

Palette = Literal["uniform", "cividis", "lim2016"]


class FigureOptions(Options):
    """How a figure looks."""

    palette: Palette = Field(
        "uniform",
        description="colours of x: uniform and cividis are colour-blind safe; lim2016 is green (0) to red (1)",
    )
    format: Literal["png", "svg", "pdf"] = Field("png", description="file format of the bytes; svg and pdf are vectors")
    dots_per_inch: int = Field(200, ge=50, le=1200, description="resolution of a PNG, 1/inch")
    finest_picture: int | None = Field(
        None, ge=50, description="pixels per inch, above which pictures in an svg or pdf are binned; default: never"
    )
    font_size: float = Field(8.0, ge=5, le=24, description="size of the text, points")
    width: float = Field(7.2, ge=3, le=30, description="width of a full figure, inches")
    columns: int = Field(5, ge=1, le=12, description="panels in one row of a contact sheet")
    max_frames: int = Field(20, ge=1, le=400, description="panels of a contact sheet; more frames are thinned evenly")
    full_brightness: float | None = Field(
        None, gt=0, description="a + b that is shown at full brightness; default the 95th percentile of the material"
    )

    _part: Any = PrivateAttr(default=None)

    @property
    def part(self) -> Any:
        """The part of a composed figure (a matplotlib SubFigure) into which a figure is drawn; None: one of its own."""
        return self._part

    def within(self, part: Any) -> FigureOptions:
        """Return the options with which a figure becomes a part of a composed one."""
        copy = self.model_copy(update={"width": float(part.bbox.width / part.figure.dpi)})
        copy._part = part
        return copy


class MovieOptions(Options):
    """How a movie looks."""

    format: Literal["webp", "mp4", "webm"] = Field(
        "webp", description="webp plays on pages; mp4 and webm are for talks and need the extra lithiscope[movie]"
    )
    palette: Palette = Field("uniform", description="colours of x, as for figures")
    seconds: float = Field(6.0, gt=0, le=120, description="length of the movie, s")
    frames_per_second: int = Field(10, ge=1, le=50, description="pictures shown per second, 1/s")
    lossless: bool = Field(True, description="whether colours are exact; a lossy movie is some times smaller")
    width: int = Field(480, ge=160, le=1920, description="width of the movie, screen pixels")
    full_brightness: float | None = Field(
        None, gt=0, description="a + b that is shown at full brightness; default the 95th percentile of the material"
    )


class PageOptions(Options):
    """What a study page carries."""

    palette: Palette = Field("uniform", description="colours of x, as for figures")
    movie: bool = Field(True, description="whether to add the interpolated movie")
    explorer_values: int = Field(
        2_000_000,
        ge=1000,
        description="numbers that the interactive map may carry, and the spectra of its regions again as many; above "
        "it pixels are binned",
    )
    regular_solution: float = Field(
        4.49,
        description="Omega of the chemical potential behind the stability plot, kT (Cogswell and Bazant 2012: 4.49)",
    )
    coherency_strain: float = Field(
        3.73, description="B, coherency strain energy behind the stability plot, kT (Cogswell and Bazant 2012: 3.73)"
    )
