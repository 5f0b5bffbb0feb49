"""The recipe: one model, whose sections are the options of the steps, plus the files and what was going on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, StrictInt, ValidationError

from lithiscope.composition.xray.options import (
    CommonTimeOptions,
    DoseOptions,
    IncidentOptions,
    InvariantOptions,
    ReferenceOptions,
    SystematicsOptions,
    ThicknessOptions,
    UnmixOptions,
)
from lithiscope.errors import OptionError
from lithiscope.frames.options import CorrectOptions, RegisterOptions, ResampleOptions
from lithiscope.options import Options, option_error
from lithiscope.particles.options import FindOptions, ImportOptions, TableOptions, TrackOptions
from lithiscope.report.options import PageOptions
from lithiscope.studies.recipe_cell import CellSection
from lithiscope.studies.recipe_kinetics import KineticsSection
from lithiscope.studies.recipe_learning import LearningSection
from lithiscope.studies.recipe_text import commented_yaml, override, read_yaml

Direction = Literal["lithiation", "delithiation", "rest", "unknown"]


class Series(Options):
    """Scans that belong together: one half cycle, or a rest."""

    files: tuple[str, ...] = Field(min_length=1, description="raw files or patterns, relative to data.folder")
    direction: Direction = Field("unknown", description="lithiation, delithiation, rest or unknown")
    cycle: int = Field(0, ge=0, description="number of the cycle, from 0")


class DataSection(Options):
    """Where the raw files are, and what was going on when they were written."""

    folder: Path = Field(Path(), description="folder of the raw files, relative to this recipe")
    series: tuple[Series, ...] = Field(min_length=1, description="one entry per half cycle, in any order")
    region: int | None = Field(None, ge=0, description="scan region, from 0, when the files hold several")
    timezone: str | None = Field(
        None,
        description="zone of the microscope's clock, e.g. America/Los_Angeles; needed beside a potentiostat's file",
    )
    origin: str = Field("", description="who measured it, where, and under which licence; shown on the page")


class CorrectSection(CorrectOptions):
    """What detector and beam did to the counts."""

    dark: Path | None = Field(None, description="raw file of a scan without light; takes the place of dark_counts")


class IncidentSection(IncidentOptions):
    """How the counts without sample, I0, are found."""

    spectrum: Path | None = Field(None, description="file with an external I0 spectrum (.xsp, .csv, .xdi)")
    blank: Path | None = Field(None, description="mask of blank pixels: Fiji .roi/.zip, GeoJSON or TIFF")


class Spectrum(Options):
    """One end member."""

    file: Path = Field(description="spectrum of optical density: .xsp, two columns, csv or XDI")
    lithium_content: float | None = Field(
        None,
        ge=0,
        le=1,
        description="lithium fraction of this end member, 0 to 1; null: no active material (a spectator)",
    )
    column: str | None = Field(None, description="name of the column, where the file has several")


class ReferenceSection(ReferenceOptions):
    """The end members: from files, or from scans or regions of this very study."""

    spectra: dict[str, Spectrum] = Field(default_factory=dict, description="name: {file: ..., lithium_content: 1 or 0}")
    lithiated_scans: tuple[int, ...] = Field((), description="instead of files: scans in which everything is lithiated")
    delithiated_scans: tuple[int, ...] = Field((), description="and scans in which everything is delithiated")
    mask: Path | None = Field(None, description="where to take the spectra from those scans; null: the whole field")
    lithiated_mask: Path | None = Field(
        None,
        description="instead of files and scans: region that is lithiated in every scan (.roi/.zip, GeoJSON, TIFF)",
    )
    delithiated_mask: Path | None = Field(None, description="and region that is delithiated in every scan")
    lithiated_pixels: tuple[tuple[StrictInt, StrictInt], ...] = Field(
        (), description="instead of all these: [row, column] of aligned pixels, from 0, lithiated in every scan"
    )
    delithiated_pixels: tuple[tuple[StrictInt, StrictInt], ...] = Field(
        (), description="and of pixels that are delithiated in every scan"
    )
    energy_offset_std: float = Field(
        0.0, ge=0, description="error of the energy calibration (eV); above 0 it becomes the cause energy_calibration"
    )


class AlignSection(Options):
    """How frames that moved are brought together."""

    energies: bool = Field(True, description="align the energies of a scan with each other")
    scans: bool = Field(True, description="align the scans, and with them the cycles, with each other")
    area: Path | None = Field(
        None,
        description="regions that frames are aligned by, with room for the drift (.roi/.zip, GeoJSON, TIFF); null: all",
    )
    invariant: InvariantOptions = Field(InvariantOptions(), description="the picture in which phase fronts do not show")
    registration: RegisterOptions = Field(RegisterOptions(), description="how shifts are measured")
    max_slip: float | None = Field(
        2.0, gt=0, description="halves of a frame further apart: the stage slipped, not aligned (pixels); null: any"
    )
    resample: ResampleOptions = Field(ResampleOptions(), description="how counts are put in place, once")


class CompositionSection(Options):
    """How optical densities become lithium fractions with error bars."""

    common_time: CommonTimeOptions = Field(CommonTimeOptions(), description="energies of a scan brought to one time")
    unmix: UnmixOptions = Field(UnmixOptions(), description="the fit of the end members")
    systematics: SystematicsOptions = Field(SystematicsOptions(), description="named causes, moved by one sigma")
    thickness: ThicknessOptions = Field(ThicknessOptions(), description="thickness from the pre-edge")
    dose: DoseOptions = Field(DoseOptions(), description="running dose per pixel")


class ParticleSection(Options):
    """Where the particles are."""

    find: FindOptions = Field(FindOptions(), description="particles from the amount of material")
    labels: Path | None = Field(None, description="instead: Fiji .roi/.zip, GeoJSON, label or mask TIFF")
    imported: ImportOptions = Field(ImportOptions(), description="how that file is read")
    track: TrackOptions = Field(TrackOptions(), description="how particles are followed in time")
    table: TableOptions = Field(TableOptions(), description="the table of particles; exclusions with their reason")


class Recipe(Options):
    """Everything that a study needs to know."""

    lithiscope: Literal[1] = Field(1, description="version of this format")
    technique: Literal["stxm"] = Field("stxm", description="the technique")
    title: str = Field("untitled", description="title of the study")
    data: DataSection = Field(description="the raw files")
    correct: CorrectSection = Field(CorrectSection(), description="detector and beam corrections of the counts")
    incident: IncidentSection = Field(IncidentSection(), description="the incident intensity, I0")
    references: ReferenceSection = Field(ReferenceSection(), description="the end members")
    align: AlignSection = Field(AlignSection(), description="registration")
    composition: CompositionSection = Field(CompositionSection(), description="optical density to lithium fraction")
    particles: ParticleSection = Field(ParticleSection(), description="masks and the table of particles")
    cell: CellSection = Field(CellSection(), description="the potentiostat's trace")
    kinetics: KineticsSection = Field(KineticsSection(), description="rates, currents, domains, laws")
    learning: LearningSection = Field(LearningSection(), description="laws and rate fields, learned from the video")
    report: PageOptions = Field(PageOptions(), description="the page")

    _base: Path = PrivateAttr(default=Path())
    _folder: Path | None = PrivateAttr(default=None)

    @property
    def text(self) -> str:
        """The recipe as commented YAML, with every default spelled out."""
        return commented_yaml(self, header=f"lithiscope recipe: {self.title}")

    @property
    def folder(self) -> Path:
        """The folder of the raw files."""
        return self._folder if self._folder is not None else self._base / self.data.folder

    def path(self, file: Path) -> Path:
        """Return where a file of the recipe lies: in the folder of the raw files, else beside the recipe."""
        inside = self.folder / file
        return inside if inside.exists() else self._base / file

    def name_of(self, path: Path) -> str:
        """Return what a file is called in the record of a study: its place in the folder of the raw files.

        What lies outside of that folder, but beside the recipe, is marked so, because its place alone could be that of
        another file in the folder. What lies elsewhere keeps the path that the recipe gives.
        """
        if path.is_relative_to(self.folder):
            return path.relative_to(self.folder).as_posix()
        if path.is_relative_to(self._base):
            return f"beside the recipe: {path.relative_to(self._base).as_posix()}"
        return path.as_posix()

    def located(self, *, base: Path, folder: Path | None = None) -> Recipe:
        """Return the recipe with its place on disk: where the recipe lies, and optionally where the raw files are."""
        copy = self.model_copy()
        copy._base, copy._folder = base, folder
        return copy


def load_recipe(path: Path, *, settings: Sequence[str] = (), folder: Path | None = None) -> Recipe:
    """Read a recipe from YAML.

    Parameters
    ----------
    path : Path
        The recipe.
    settings : sequence of str
        ``step.option=value`` overrides.
    folder : Path, optional
        Folder of the raw files, instead of the recipe's own.

    Raises
    ------
    FileFormatError
        If the file is no safe YAML mapping.
    OptionError
        If a section or an option is unknown or has an unusable value; the field is named with its whole path.
    """
    content = override(read_yaml(path), settings)
    if folder is not None and not folder.is_dir():
        raise OptionError("the data folder does not exist", field="--data", value=folder, remedy="mend the path")
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise option_error(error, "the recipe", str(path)) from None
    return recipe.located(base=path.parent, folder=folder)


def recipe_schema() -> dict[str, Any]:
    """Return the JSON schema of a recipe, for completion and checking in an editor."""
    return Recipe.model_json_schema()
