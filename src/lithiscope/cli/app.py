"""The commands."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lithiscope.cli.arguments import Cluster, Data, Processes, Recipe, Settings
from lithiscope.cli.finished import export, figures, show
from lithiscope.cli.learning import learn

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
    memory: Annotated[
        float,
        typer.Option(
            min=0.1, help="What the steps over pictures may take, GiB; longer series go in pieces, same result."
        ),
    ] = 1.0,
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
                recipe,
                vary,
                folder=folder,
                settings=changed,
                data=data,
                reporter=reporter,
                mapper=mapper,
                memory=memory,
            )
        else:
            loaded = load_recipe(recipe, settings=changed, folder=data)
            study = run_study(loaded, folder, reporter=reporter, fresh=fresh, mapper=mapper, memory=memory)
            lines = write_results(study, folder)
    for line in lines:
        typer.echo(line)


for _command in (learn, figures, export, show):
    app.command()(_command)


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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list of rows; the table goes to stderr.")
    ] = False,
) -> None:
    """Print every claim beside what is measured, with tolerance and reason; exit 1 if one fails.

        lithiscope verify stxm registration                # minutes

        lithiscope verify --all --json > rows.json         # hours; the table goes to stderr meanwhile

    Names: files, page, stxm, registration, cell, kinetics, phasefield, learning. What needs real files is measured
    where LITHISCOPE_DATA names their folder, and listed as not checked elsewhere.
    """
    from lithiscope.verification.table import verify as run_checks

    aside = partial(typer.echo, err=True)
    if not run_checks(names or (), everything=everything, as_json=as_json, say=typer.echo, aside=aside):
        raise typer.Exit(1)
