"""What `lithiscope learn` does: study or simulation, files for other programs, and words at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lithiscope.errors import OptionError
from lithiscope.learning.models import named
from lithiscope.learning.workers import side_by_side
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.comparison import COMPARISON
from lithiscope.studies.learn import is_study, learn_study, learned_lines
from lithiscope.studies.learn_video import PAGE, STORE, learn_videos
from lithiscope.studies.learned_files import export_laws
from lithiscope.studies.learning import learned_tree
from lithiscope.studies.results import write_results
from lithiscope.studies.sampling import SAMPLED
from lithiscope.studies.unfinished import PAGE as STUDY_PAGE


def learn_command(
    place: Path,
    *,
    settings: Sequence[str] = (),
    particles: Sequence[str] = (),
    runs: Sequence[str] = (),
    sigma: float | None = None,
    seed: int = 0,
    export: Path | None = None,
    compare: bool | None = None,
    models: Sequence[str] = (),
    hold_back: bool = False,
    sample: bool | None = None,
    processes: int | None = None,
    cluster: str | None = None,
    fresh: bool = False,
    reporter: Reporter = SILENT,
) -> list[str]:
    """Learn from a study or from a simulation; returns what was learned, and where everything lies.

    Without `compare`, `models` and `hold_back` other models are compared where the recipe asks for it, and without
    `sample` draws are made where it does. With `processes`
    or the address of a `cluster` particles are worked on side by side.

    Raises
    ------
    OptionError
        If an option belongs to the other kind, or a cluster does not answer.
    """
    draws = [] if sample is None else [f"learning.sample.compute={str(sample).lower()}"]
    settings = [*compare_settings(compare, models, hold_back=hold_back), *draws, *settings]
    if is_study(place):
        _refuse({"--run": runs, "--sigma": sigma}, "the video of a study has its own uncertainty and no runs")
        with side_by_side(processes, cluster) as mapper:
            study = learn_study(
                place, settings=settings, particles=particles, fresh=fresh, mapper=mapper, reporter=reporter
            )
        folder = study.store.path.parent
        write_results(study, folder)
        results = {
            name: study.results[name]
            for name in study.results
            if name.startswith("learned_") or name in (COMPARISON, SAMPLED)
        }
        places = {"page": folder / STUDY_PAGE, "store": study.store.path}
    else:
        _refuse({"--particle": particles}, "a simulation has runs instead of named particles")
        with side_by_side(processes, cluster) as mapper:
            results = learn_videos(
                place, settings=settings, runs=runs, sigma=sigma, seed=seed, mapper=mapper, reporter=reporter
            )
        folder = place if place.suffix != ".zarr" else place.parent
        places = {"page": folder / PAGE, "store": folder / STORE}
    lines = learned_lines(results)
    tree = learned_tree(results)
    if export is not None and tree is not None:
        lines += [f"file:  {file}" for file in export_laws(tree, export)]
    return [*lines, *(f"{name}:{' ' * (6 - len(name))}{path}" for name, path in places.items())]


def compare_settings(compare: bool | None, models: Sequence[str], *, hold_back: bool) -> list[str]:
    """Return the settings of the section learning for what the command line says of a comparison.

    Raises
    ------
    OptionError
        If no model is called so, or a comparison is asked for and refused at once.
    """
    place = "learning.compare"
    if compare is False:
        _refuse({"--model": models, "--hold-back": hold_back}, "--no-compare leaves the comparison out")
        return [f"{place}.compute=false"]
    if not (compare or models or hold_back):
        return []
    wanted = ", ".join(dict.fromkeys(map(named, models)))
    return [f"{place}.compute=true", f"{place}.models=[{wanted}]", f"{place}.hold_back={str(hold_back).lower()}"]


def _refuse(options: dict[str, object], why: str) -> None:
    for name, value in options.items():
        if value:
            raise OptionError(f"{name} does not apply: {why}", field=name, value=value, remedy=f"leave out {name}")
