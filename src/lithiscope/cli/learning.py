"""The command that learns laws and rates from a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lithiscope.cli.arguments import Cluster, Processes


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
