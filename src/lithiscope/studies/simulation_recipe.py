"""The recipe of a simulation: what particle, under which protocol, and which runs one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from lithiscope.errors import OptionError
from lithiscope.options import Options, option_error
from lithiscope.report.options import MovieOptions, Palette
from lithiscope.studies.recipe_text import commented_yaml, override, read_yaml

Direction = Literal["lithiation", "delithiation"]
Shape = Literal["platelet", "box", "ellipsoid", "disc", "cylinder", "picture", "outline"]
_SIZES = {"platelet": (2,), "box": (2, 3), "ellipsoid": (2, 3), "disc": (1,), "cylinder": (2,)}
_EXPLAINED = "lithiscope simulate lfp_rates --yaml"
_LISTED = Path(__file__).with_name("simulations")


class MaterialSection(Options):
    """The parameter set."""

    name: str = Field("lfp_lim_2016", description="a set of `lithiscope materials`, or the path of a YAML file")
    changes: dict[str, float | dict[str, float]] = Field(
        default_factory=dict,
        description="other numbers, by their path in the set and in its units, e.g. {free_energy.parameters.omega: 4}",
    )
    crystal_axes: str = Field("bca", pattern="^[abc]{3}$", description="crystal axes along z, y and x")


class GeometrySection(Options):
    """Where the particle is, and where it reacts."""

    shape: Shape = Field("platelet", description="platelet, box, ellipsoid, disc, cylinder, picture or outline")
    sizes: tuple[float, ...] = Field(
        (2000.0, 2000.0),
        description="nm, in the order (z), y, x: edges of platelet or box, axes of an ellipsoid; diameter of a disc; "
        "diameter and length of a cylinder; none for a picture or outline",
    )
    file: Path | None = Field(
        None,
        description="mask (.png, .tif, in 3-D a .tif of several pages or .npy; not 0 is inside, one pixel a cell) or "
        "outline (.csv with y, x in um)",
    )
    spacing: float = Field(50.0, gt=0, description="size of the cells, nm")
    thickness: float | None = Field(150.0, gt=0, description="of a platelet that reacts everywhere, nm")
    reacts: Literal["everywhere", "rim"] = Field(
        "everywhere", description="everywhere: seen along [010], through top and bottom; rim: through the rim"
    )
    facets: tuple[float | tuple[float, ...], ...] = Field(
        (), description="normals of the rim that reacts: degrees from +x towards +y, or vectors (z), y, x; none is all"
    )
    within_degrees: float = Field(30.0, gt=0, le=180, description="how far from those normals a facet may point")
    smoothed: bool = Field(False, description="smoothed boundary instead of whole cells")
    smoothed_width: float | None = Field(None, gt=0, description="width of the smoothed layer, nm; null: one cell")
    periodic: bool = Field(False, description="a platelet that goes on across its edges, as periodic strain needs it")

    @model_validator(mode="after")
    def _fits(self) -> GeometrySection:
        if self.shape in _SIZES and len(self.sizes) not in _SIZES[self.shape]:
            counts = " or ".join(map(str, _SIZES[self.shape]))
            raise ValueError(f"the shape {self.shape} has {counts} sizes, not {len(self.sizes)}")
        if (self.shape in ("picture", "outline")) != (self.file is not None):
            raise ValueError("a file belongs to the shapes picture and outline, and to no other")
        if self.reacts == "everywhere" and (self.smoothed or self.facets):
            raise ValueError("facets and a smoothed boundary belong to a rim that reacts")
        if self.reacts == "everywhere" and self.thickness is None:
            raise ValueError("a particle that reacts everywhere needs its thickness")
        if self.periodic and not (self.shape in ("platelet", "box") and self.reacts == "everywhere"):
            raise ValueError("only a platelet or box that reacts everywhere can be periodic")
        return self


class Region(Options):
    """A part of the grid, from its lower to its upper corner."""

    low: tuple[float, ...] = Field(description="lower corner, in shares of the length along each axis ((z), y, x)")
    high: tuple[float, ...] = Field(description="upper corner")


class RateRegion(Region):
    """A part with another rate constant."""

    factor: float = Field(gt=0, description="its rate constant over that of the rest")


class Defect(Region):
    """A part with another chemical potential, such as one with antisite defects."""

    offset: float = Field(0.0, description="shift of the chemical potential, kT; positive: lithium goes there last")
    omega: float | None = Field(
        None, description="interaction in this part, kT, where the set is a regular solution; null: as in the rest"
    )


class ReactionSection(Options):
    """The law of the reaction, the rate constant from place to place, and what else slows the reaction."""

    law: str | None = Field(
        None,
        description="linear, butler_volmer, marcus, marcus_hush_chidsey, coupled_ion_electron or one of a plug-in; "
        "null: as the set says",
    )
    law_parameters: dict[str, float | bool] = Field(
        default_factory=dict,
        description="of that law: {alpha: 0.5}, {reorganisation: 8.3} in kT, for coupled_ion_electron also ion",
    )
    exchange: str | None = Field(
        None,
        description="F(x): skewed_cogswell_bazant, skewed_lim, symmetric, constant, coupled_ion_electron or one of a "
        "plug-in; null: as the set says",
    )
    exchange_parameters: dict[str, float | bool] = Field(
        default_factory=dict, description="of that F(x), e.g. {omega: 4.49}"
    )
    exchange_current: float | Path | None = Field(
        None,
        union_mode="left_to_right",
        description="j0 in A/m2: the same at every x, or before the F(x) of `exchange` where that is given; or a table "
        "(.csv with x, j0), beyond which its ends hold; null: as the set says",
    )
    full_potential: bool | None = Field(
        None,
        description="let gradient energy and strain act on j0 too, as in Cogswell and Bazant 2012; null: as the set "
        "says of its own F(x), and not for one that is given here",
    )
    spread: float = Field(0.0, ge=0, le=5, description="standard deviation of ln k from place to place")
    length: float = Field(150.0, ge=0, description="correlation length of that field, nm")
    seed: int = Field(0, ge=0, description="start of its random numbers")
    regions: tuple[RateRegion, ...] = Field((), description="parts with another rate constant")
    phase: Literal["both", "lithium_poor", "lithium_rich"] = Field(
        "both", description="the phase in which charge is transferred"
    )
    film_resistance: float = Field(0.0, ge=0, description="of a surface film, ohm m2")

    @field_validator("exchange_current")
    @classmethod
    def _positive(cls, value: float | Path | None) -> float | Path | None:
        if isinstance(value, float) and value <= 0:
            raise ValueError("a current density above 0, A/m2")
        return value

    @model_validator(mode="after")
    def _fits(self) -> ReactionSection:
        if self.law_parameters and self.law is None:
            raise ValueError("law_parameters belong to a law that is named; numbers of the set are material.changes")
        if self.exchange_parameters and self.exchange is None:
            raise ValueError("exchange_parameters belong to an exchange that is named")
        if isinstance(self.exchange_current, Path) and (self.exchange is not None or self.phase != "both"):
            raise ValueError("a table of j0 is whole: no exchange and no phase go with it")
        if self.law == "coupled_ion_electron" and self.exchange is None and self.exchange_current is None:
            raise ValueError(
                "coupled_ion_electron has a j0 of its own: give exchange: coupled_ion_electron, or an exchange_current"
            )
        return self


class TransportSection(Options):
    """How lithium moves inside."""

    kind: Literal["none", "cahn_hilliard", "fickian"] = Field("none", description="none, cahn_hilliard or fickian")
    diffusivity: float | None = Field(
        None, gt=0, description="D in every direction, m2/s; null: along each axis as in the set"
    )
    constant: bool = Field(False, description="leave out how D of the set depends on composition")


class StrainSection(Options):
    """Coherency strain."""

    kind: Literal["none", "coherent", "periodic", "free_surface"] = Field(
        "coherent", description="none, coherent (a penalty), periodic, or free_surface"
    )
    plane: Literal["stress", "strain"] | None = Field(None, description="for pictures with strain by crystal")
    tolerance: float = Field(
        1e-6, ge=1e-10, le=1e-2, description="how well forces balance, of the load, with a free surface"
    )


class CurrentPart(Options):
    """A constant current."""

    kind: Literal["current"] = "current"
    c_rate: float = Field(gt=0, description="1/h; 1C is what the set says")
    direction: Direction = Field("lithiation", description="lithiation or delithiation")
    to_fraction: float | None = Field(None, ge=0, le=1, description="mean x at which it ends")
    lowest_volt: float | None = Field(None, description="cut-off, V")
    highest_volt: float | None = Field(None, description="cut-off, V")
    seconds: float | None = Field(None, gt=0, description="longest duration, s")


class PotentialPart(Options):
    """A constant voltage."""

    kind: Literal["potential"]
    volt: float = Field(gt=-10, lt=10, description="V against lithium")
    direction: Direction | None = Field(None, description="which way that is, for a sweep of directions")
    other_volt: float | None = Field(None, gt=-10, lt=10, description="V of the other direction in a sweep")
    other_initial: float | None = Field(None, ge=0, le=1, description="x at which the other direction starts")
    seconds: float = Field(gt=0, description="longest duration, s")
    end_c_rate: float = Field(0.0, ge=0, description="C-rate below which it ends, 1/h")


class RestPart(Options):
    """No current."""

    kind: Literal["rest"]
    seconds: float = Field(gt=0, description="s")


class CurrentVoltagePart(Options):
    """A constant current up to a voltage, which is then held."""

    kind: Literal["cc_cv"]
    c_rate: float = Field(gt=0, description="1/h")
    direction: Direction = Field("lithiation", description="lithiation or delithiation")
    volt: float = Field(gt=-10, lt=10, description="V against lithium")
    end_c_rate: float = Field(gt=0, description="C-rate below which it ends, 1/h")
    seconds: float = Field(gt=0, description="longest duration of the constant voltage, s")


class TracePart(Options):
    """The current or voltage of a potentiostat's file."""

    kind: Literal["trace"]
    file: Path = Field(description="the file, relative to this recipe")
    control: Literal["current", "voltage"] = Field("current", description="which of the two to follow")
    capacity_ah: float | None = Field(None, gt=0, description="charge that 1C passes in an hour, Ah")


Part = Annotated[CurrentPart | PotentialPart | RestPart | CurrentVoltagePart | TracePart, Field(discriminator="kind")]


class SweepSection(Options):
    """Runs one after the other, each alone from the start: every combination of what is listed."""

    c_rates: tuple[Annotated[float, Field(gt=0)], ...] = Field((), description="C-rates of all constant currents, 1/h")
    directions: tuple[Direction, ...] = Field(
        (),
        description="the other way starts even where the first ends, and ends where it starts; at constant voltage "
        "where that part says",
    )
    diffusivities: tuple[Annotated[float, Field(gt=0)], ...] = Field((), description="of transport.diffusivity, m2/s")
    offsets: tuple[float, ...] = Field((), description="of the first of the defects, kT")


class PopulationSection(Options):
    """Many particles at one potential."""

    count: int = Field(1, ge=1, le=10_000, description="number of particles")
    spread: float = Field(0.0, ge=0, le=2, description="standard deviation of ln(size); thickness goes with it")
    seed: int = Field(0, ge=0, description="start of the random numbers")


class ShownSection(Options):
    """What the figure and the movie show."""

    fractions: tuple[float, ...] = Field((0.1, 0.3, 0.5, 0.7, 0.9), description="share of the run at each map")
    threshold: float = Field(0.5, gt=0, lt=1, description="x above which a cell counts as lithium-rich, for the front")
    front_speed: float | None = Field(None, gt=0, description="a measured speed to draw beside the front's, nm/s")
    palette: Palette = Field("uniform", description="colours of x")
    limits: tuple[float, float] = Field((0.0, 1.0), description="x at the ends of the colours")
    movie: MovieOptions = Field(MovieOptions(seconds=8.0, width=720), description="the movie")

    @model_validator(mode="after")
    def _rises(self) -> ShownSection:
        if not 0 <= self.limits[0] < self.limits[1] <= 1:
            raise ValueError(
                f"limits: x rises from {self.limits[0]:g} to {self.limits[1]:g}, which is not within 0 to 1"
            )
        return self


class SimulationRecipe(Options):
    """Everything that a simulation needs to know."""

    lithiscope: Literal[1] = Field(1, description="version of this format")
    simulation: Literal["phase_field"] = Field("phase_field", description="the engine")
    title: str = Field("untitled", description="title")
    about: str = Field("", description="what is shown, and after whom")
    material: MaterialSection = Field(MaterialSection(), description="the parameter set")
    geometry: GeometrySection = Field(GeometrySection(), description="the particle")
    population: PopulationSection = Field(PopulationSection(), description="many particles at one potential")
    reaction: ReactionSection = Field(ReactionSection(), description="the reaction")
    defects: tuple[Defect, ...] = Field((), description="parts with another chemical potential")
    transport: TransportSection = Field(TransportSection(), description="how lithium moves inside")
    strain: StrainSection = Field(StrainSection(), description="coherency strain")
    gradient_energy: float | None = Field(
        None, ge=0, description="kappa/(rho_s kT) in nm2; null: of the set. A larger one makes interfaces wider"
    )
    allow_unresolved: bool = Field(False, description="accept interfaces thinner than three cells")
    protocol: tuple[Part, ...] = Field(min_length=1, description="what the potentiostat asks for, part after part")
    initial: float | Path = Field(
        0.02,
        union_mode="left_to_right",
        description="x at the start: a number, or a file with that of every cell (.npy, .tif)",
    )
    nuclei: tuple[Region, ...] = Field(
        (), description="parts that start in the other phase, at the x where the first constant current ends"
    )
    sweep: SweepSection = Field(SweepSection(), description="runs one after the other")
    frames: int = Field(60, ge=2, le=5000, description="frames of each run, evenly over its longest duration")
    tolerance: float = Field(1e-4, gt=1e-12, lt=0.1, description="error of x that a step of time may make")
    method: Literal["auto", "explicit", "implicit", "local", "exponential"] = Field(
        "auto",
        description="how time is integrated: auto; explicit (Bogacki and Shampine); implicit (Rosenbrock); local "
        "(Rosenbrock, cells that react on their own); exponential (periodic, with transport)",
    )
    shown: ShownSection = Field(ShownSection(), description="figure and movie")

    _base: Path = PrivateAttr(default=Path())

    @field_validator("initial")
    @classmethod
    def _share(cls, value: float | Path) -> float | Path:
        if isinstance(value, float) and not 0 <= value <= 1:
            raise ValueError("a share of sites, 0 to 1, or a file")
        return value

    @model_validator(mode="after")
    def _nuclei_fit(self) -> SimulationRecipe:
        first = self.protocol[0]
        if self.nuclei and not (isinstance(first, CurrentPart) and first.to_fraction is not None):
            raise ValueError("nuclei: the protocol must begin with a constant current that has to_fraction")
        if self.nuclei and isinstance(self.initial, Path):
            raise ValueError("nuclei: a file as initial holds x of every cell, its nuclei too")
        return self

    @property
    def text(self) -> str:
        """The recipe as commented YAML, with every default spelled out."""
        return commented_yaml(self, header=f"lithiscope simulation: {self.title}")

    @property
    def base(self) -> Path:
        """Folder to which files of the recipe are relative."""
        return self._base

    def located(self, base: Path) -> SimulationRecipe:
        """Return the recipe with the folder to which its files are relative."""
        copy = self.model_copy()
        copy._base = base
        return copy


def packaged() -> dict[str, Path]:
    """Return the recipes that come with the program, by name."""
    return {path.stem: path for path in sorted(_LISTED.glob("*.yaml"))}


def load_simulation(name: str | Path, *, settings: Sequence[str] = ()) -> SimulationRecipe:
    """Read a simulation recipe.

    Parameters
    ----------
    name : str or Path
        Name of a recipe that comes with the program, or path of a YAML file.
    settings : sequence of str
        ``section.option=value`` overrides.

    Raises
    ------
    OptionError
        If there is no such recipe, or an option is unknown or has an unusable value.
    FileFormatError
        If the file is no safe YAML mapping.
    """
    path = packaged().get(str(name), Path(name))
    if not path.is_file():
        raise OptionError(
            "there is no such simulation",
            field="NAME",
            value=str(name),
            limit=", ".join(packaged()),
            remedy="name one of these (`lithiscope simulate --list`), or give the path of a recipe",
        )
    content = override(read_yaml(path, explained=_EXPLAINED), settings)
    try:
        recipe = SimulationRecipe.model_validate(content)
    except ValidationError as error:
        raise option_error(error, "the simulation", str(path), explained=_EXPLAINED) from None
    return recipe.located(path.parent)
