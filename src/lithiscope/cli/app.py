"""The commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="lithiscope",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""From what a microscope wrote while a battery particle was cycled to lithium maps with error bars.

A first evening:

    lithiscope look scan_001.hdr          # is the data any good? (seconds, nothing to set up)

    lithiscope new "scan_*.hdr"           # writes recipe.yaml, with every option explained

    lithiscope check recipe.yaml          # everything that could go wrong, before anything runs

    lithiscope run recipe.yaml            # maps, particles, page; a second run redoes only what changed

    lithiscope figures recipe-results     # every figure of the page as a file for a paper
""",
)

Recipe = Annotated[
    Path, typer.Argument(help="The recipe, a YAML file; `lithiscope new` writes one.", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the raw files; overrides the recipe's `data.folder`.", show_default=False),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override one option: `step.option=value`; items of lists by number: `data.series.0.cycle=1`. "
        "May be repeated.",
        show_default=False,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option("--processes", help="Learn from so many particles side by side, each on a core.", show_default=False),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Learn from particles on the workers of a Dask cluster: the address that `dask scheduler` prints, such as "
        "tcp://10.0.0.1:8786. Needs `pip install 'lithiscope[cluster]'`, on the workers as well.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def _common(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        import lithiscope

        typer.echo(f"lithiscope {lithiscope.__version__}")
        raise typer.Exit
    _keep_compiled()


def _keep_compiled() -> None:
    """Keep compiled programs in the user's cache, so that only the first run of a kind waits for the compiler."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache / "lithiscope" / "compiled"))


@app.command()
def look(
    file: Annotated[Path, typer.Argument(help="A raw file; `lithiscope formats` lists which.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Where the picture goes; beside you by default.")] = None,
    region: Annotated[int | None, typer.Option(help="Scan region, from 0, when the file holds several.")] = None,
) -> None:
    """Look at one raw file in seconds: optical density, amount, contrast, and what is wrong with it.

    No recipe and no references are needed: this is for the night at the beamline.
    """
    from lithiscope.studies.look import look as look_at

    report = look_at(file, region=region)
    place = out or Path(f"{file.stem}.look.png")
    place.write_bytes(report.picture)
    for line in report.lines:
        typer.echo(line)
    typer.echo(f"picture: {place}")


@app.command()
def trace(
    file: Annotated[
        Path, typer.Argument(help="A potentiostat's file: .mpt, .mpr, .DTA, .csv, .ndax, .mat", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="Where the picture goes; beside you by default.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Zone of its clock, e.g. America/Los_Angeles.")] = None,
    capacity: Annotated[float | None, typer.Option(help="Charge that 1C passes in an hour, Ah.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="What the file does not say, as in the recipe's section cell: `current_sign=-1`, "
            "`columns.current_ampere=[I, mA]`, `split.least_share=0.02`. May be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Look at one potentiostat's file in seconds: half cycles, capacities, and doubts; exit 1 if one is an error."""
    from lithiscope.studies.trace import look_at_trace

    report = look_at_trace(file, timezone=timezone, capacity_ah=capacity, settings=settings or ())
    place = out or Path(f"{file.stem}.trace.png")
    place.write_bytes(report.picture)
    for line in report.lines:
        typer.echo(line)
    typer.echo(f"picture: {place}")
    if not report.sound:
        raise typer.Exit(1)


@app.command()
def new(
    files: Annotated[list[str], typer.Argument(help="Raw files or patterns, one series.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The recipe to write; an existing file is never overwritten.")] = Path(
        "recipe.yaml"
    ),
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", help="The potentiostat's file; adds the sections cell and kinetics. May be repeated."),
    ] = None,
    kinetics: Annotated[
        bool, typer.Option("--kinetics", help="Add the section kinetics without a potentiostat's file.")
    ] = False,
) -> None:
    """Write a commented recipe for the given raw files."""
    from lithiscope.studies.new import write_recipe

    for line in write_recipe(files, out, cell=cell or (), kinetics=kinetics or bool(cell)):
        typer.echo(line)


@app.command()
def pool(
    studies: Annotated[list[Path], typer.Argument(help="Results folders.", show_default=False)],
    quantity: Annotated[str, typer.Option(help="What to average: step.variable.")] = "uniformity.uniformity",
    cell: Annotated[
        list[str] | None, typer.Option("--cell", help="Cell of each study, in the same order; repeat per study.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(help="Start of the random numbers.")] = 0,
) -> None:
    """Average a figure over the particles of several studies, by direction and C-rate (hierarchical bootstrap)."""
    from lithiscope.kinetics import PoolOptions
    from lithiscope.studies.pooling import pool_studies

    _, lines = pool_studies(studies, quantity, cells=cell or (), options=PoolOptions(draws=draws, seed=seed))
    for line in lines:
        typer.echo(line)


@app.command()
def materials(
    name: Annotated[
        str | None, typer.Argument(help="A set, or the path of your own YAML file; all sets by default.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw V_eq, mu, j0 and D against x into FILE.svg, .pdf or .png.")
    ] = None,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print the file of the set, to copy and change.")] = False,
) -> None:
    """List the parameter sets of LiFePO4, LiCoO2 and NMC811, or show every number of one with unit and source.

    What there is, and from which papers; the numbers of a set; its laws drawn:

        lithiscope materials

        lithiscope materials lfp_mpet

        lithiscope materials lco_two_phase --plot lco.svg

    A set of your own (rename it and change what you must; it is used by its path):

        lithiscope materials lfp_mpet --yaml > mine.yaml

        lithiscope materials mine.yaml

    Status says whether a number was published, derived from published ones, or assumed. Numbers of two sets are never
    mixed: a set with a changed number needs a name of its own.
    """
    from lithiscope.studies.materials import show_materials

    for line in show_materials(name, plot=plot, as_yaml=as_yaml):
        typer.echo(line)


@app.command()
def simulate(
    name: Annotated[
        str | None, typer.Argument(help="A simulation that comes with the program, or the path of a recipe.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; `NAME-simulation` by default.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override one option: `section.option=value`; items of lists by number: `protocol.0.c_rate=3`. "
            "May be repeated.",
            show_default=False,
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Say which simulations there are, and run none.")] = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print the recipe with every option explained, to copy and change.")
    ] = False,
) -> None:
    """Simulate a particle: a movie, a figure, the voltage, and a composition video that the microscopes take.

        lithiscope simulate --list

        lithiscope simulate lfp_rates                                 # LiFePO4 from C/100 to 10C

        lithiscope simulate lfp_rates --set "sweep.c_rates=[0.1, 1]" --out two_rates

        lithiscope simulate two_domains --set defects.0.offset=1      # an item of a list, from 0

        lithiscope simulate lfp_rates --yaml > mine.yaml              # a recipe of your own

    Ends with 1 if a run stopped before its protocol did; what it gave up to then is written all the same.
    """
    from lithiscope.cli.progress import RichReporter
    from lithiscope.studies.simulation import simulate_recipe, simulation_lines
    from lithiscope.studies.simulation_recipe import load_simulation

    if listing or name is None:
        for line in simulation_lines():
            typer.echo(line)
        return
    recipe = load_simulation(name, settings=settings or ())
    if as_yaml:
        typer.echo(recipe.text, nl=False)
        return
    outcome = simulate_recipe(recipe, out or Path(f"{Path(name).stem}-simulation"), reporter=RichReporter())
    for line in outcome.lines:
        typer.echo(line)
    if not outcome.complete:
        raise typer.Exit(1)


@app.command()
def check(recipe: Recipe, data: Data = None, settings: Settings = None) -> None:
    """Check a recipe, its files, energies and references, and estimate the memory, before anything runs."""
    from lithiscope.cli.progress import RichReporter
    from lithiscope.studies.check import check_recipe
    from lithiscope.studies.recipe import load_recipe

    findings = check_recipe(load_recipe(recipe, settings=settings or (), folder=data), reporter=RichReporter())
    for finding in findings:
        typer.echo(str(finding))
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(2)


@app.command()
def run(
    recipe: Recipe,
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; `NAME-results` beside the recipe by default.")
    ] = None,
    settings: Settings = None,
    vary: Annotated[
        str | None,
        typer.Option(help="Run once per value: `step.option=a,b,c`, and show every figure against the choice."),
    ] = None,
    processes: Processes = None,
    cluster: Cluster = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Recompute everything.")] = False,
) -> None:
    """Run a recipe: raw files to lithium maps, particles and a page. Goes on where an earlier run stopped."""
    from lithiscope.cli.progress import RichReporter
    from lithiscope.learning.workers import side_by_side
    from lithiscope.studies.recipe import load_recipe
    from lithiscope.studies.results import write_results
    from lithiscope.studies.run import run_study

    folder = out or recipe.with_name(f"{recipe.stem}-results")
    changed, reporter = settings or (), RichReporter()
    with side_by_side(processes, cluster) as mapper:
        if vary:
            from lithiscope.studies.vary import vary_option

            lines = vary_option(
                recipe, vary, folder=folder, settings=changed, data=data, reporter=reporter, mapper=mapper
            )
        else:
            loaded = load_recipe(recipe, settings=changed, folder=data)
            study = run_study(loaded, folder, reporter=reporter, fresh=fresh, mapper=mapper)
            lines = write_results(study, folder)
    for line in lines:
        typer.echo(line)


@app.command()
def learn(
    place: Annotated[
        Path,
        typer.Argument(
            help="A folder that `lithiscope run` or `lithiscope simulate` wrote, or the .zarr in it.",
            show_default=False,
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override one option of the recipe's section learning: `learning.option=value`. May be repeated.",
            show_default=False,
        ),
    ] = None,
    particle: Annotated[
        list[str] | None, typer.Option("--particle", help="Name of a particle; may be repeated. All by default.")
    ] = None,
    run: Annotated[
        list[str] | None, typer.Option("--run", help="Name of a run of a simulated sweep; may be repeated.")
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the noise that a simulated video gets; measured ones have their own."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Start of the random numbers of that noise.")] = 0,
    export: Annotated[
        Path | None,
        typer.Option(help="Folder for the laws as a material file, PyBaMM functions and an MPET configuration."),
    ] = None,
    compare: Annotated[
        bool | None,
        typer.Option(
            "--compare/--no-compare",
            help="Learn with other models too, and say which the data speak for. As in the recipe by default.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="Compare with this one; may be repeated. All by default: butler_volmer, marcus, marcus_hush_chidsey, "
            "coupled_ion_electron; j0_skewed_lim, j0_symmetric, j0_constant; same_k_everywhere; without_strain.",
        ),
    ] = None,
    hold_back: Annotated[
        bool,
        typer.Option(
            "--hold-back", help="Compare also by how well each foretells the last half cycle; takes twice as long."
        ),
    ] = False,
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--no-sample",
            help="Draw from the posterior too, and say whether the error bars hold. Slow: minutes for some twenty "
            "pixels, hours for some hundred; a chain each with --processes 4. As in the recipe by default.",
            show_default=False,
        ),
    ] = None,
    processes: Processes = None,
    cluster: Cluster = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Learn again, also what is up to date.")] = False,
) -> None:
    """Learn the laws and the rates of every pixel from the lithium maps of a study, with error bars.

        lithiscope run recipe.yaml                                    # the maps come first

        lithiscope learn recipe-results                               # k(r), j0(x) and mu(x); minutes

        lithiscope learn recipe-results --set learning.thickness=150  # nm, where the maps tell none

        lithiscope learn recipe-results --particle p01 --particle p03 --set learning.exchange=skewed_lim

        lithiscope learn recipe-results --export laws                 # files for other programs

        lithiscope learn recipe-results --compare                     # with every other model; minutes for each

        lithiscope learn recipe-results --model marcus --model same_k_everywhere

        lithiscope learn recipe-results --processes 4                 # particles side by side, a core each

        lithiscope learn recipe-results --sample --particle p01       # are the error bars right? minutes to hours

        lithiscope learn lfp_rates-simulation --run 0.6C --sigma 0.07 # a rehearsal with known truth

    The maps are a set of pixels with x, error and time. The fit finds what a depth-averaged reaction model needs to
    play the same film: ln k of every pixel, the exchange current j0(x) and the chemical potential mu(x), which all
    particles share. What the film does not tell stays as wide as it was before and is drawn grey.

    A comparison learns the same maps with models that differ in one thing: the law of the reaction, the shape of j0(x),
    no differences of k. The difference of the logarithms of their evidence says which the data speak for: from 5 on it
    is decided (odds of 150 to 1), below they cannot tell. Two models that fit alike stay undecided; that is a result.

    The result goes into the study's store and page (section Learned kinetics). A run that was stopped goes on where it
    was when the command is given again. The same options in the recipe's section `learning` (`compute: true`) make it
    part of every run.
    """
    from lithiscope.cli.progress import RichReporter
    from lithiscope.studies.learn_command import learn_command

    lines = learn_command(
        place,
        settings=settings or (),
        particles=particle or (),
        runs=run or (),
        sigma=sigma,
        seed=seed,
        export=export,
        compare=compare,
        models=model or (),
        hold_back=hold_back,
        sample=sample,
        processes=processes,
        cluster=cluster,
        fresh=fresh,
        reporter=RichReporter(),
    )
    for line in lines:
        typer.echo(line)


@app.command()
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


@app.command()
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


@app.command()
def show(
    store: Annotated[Path, typer.Argument(help="A results folder or its study.zarr.", show_default=False)],
) -> None:
    """Show what a study holds: steps, figures, warnings, and how it was made."""
    from lithiscope.studies.show import describe

    for line in describe(store):
        typer.echo(line)


@app.command()
def formats(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of the formats.")] = False,
) -> None:
    """List every file format that can be read or written, whose it is, and by what it is recognised.

        lithiscope formats

        lithiscope formats --json

    Reader plug-ins that are installed stand at the end of the list.
    """
    from lithiscope.studies.formats import format_lines

    for line in format_lines(as_json=as_json):
        typer.echo(line)


@app.command()
def schema() -> None:
    """Print the JSON schema of a recipe, for completion and checking in an editor."""
    import json

    from lithiscope.studies.recipe import recipe_schema

    typer.echo(json.dumps(recipe_schema(), indent=2))


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where raw files and results go.")] = Path("demo"),
) -> None:
    """Run a virtual beamtime: raw files with known truth, analysed as if they came from a beamline."""
    from lithiscope.cli.progress import RichReporter
    from lithiscope.verification.demo import run_demo

    for line in run_demo(folder, reporter=RichReporter()):
        typer.echo(line)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="What to verify; everything by default.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Include the long runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of rows.")] = False,
) -> None:
    """Print every claim beside what is measured, with tolerance and reason; exit 1 if one fails."""
    from lithiscope.verification.table import verify as run_checks

    if not run_checks(names or (), everything=everything, as_json=as_json, say=typer.echo):
        raise typer.Exit(1)
