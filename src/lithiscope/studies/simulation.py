"""Running a simulation recipe: every run of its sweep, into a folder with videos, tables, a figure and a movie."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

import lithiscope
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.simulation_cases import Case, cases
from lithiscope.studies.simulation_model import model_of_recipe, protocol_of, start_of
from lithiscope.studies.simulation_recipe import SimulationRecipe, load_simulation, packaged
from lithiscope.studies.store import Store

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.phasefield import Method, Model, Protocol, Simulation

STORE = "study.zarr"
UNFINISHED = "unfinished.zarr"
_COURSES = {
    "time": "time_second",
    "voltage_volt": "voltage_volt",
    "insertion_rate": "insertion_rate_per_hour",
    "mean_lithium_fraction": "mean_lithium_fraction",
    "free_energy": "free_energy_kT_per_site",
    "mass_balance_error": "mass_balance_error",
}
_EARLY = 0.8
Item = TypeVar("Item")


@dataclass(frozen=True)
class Run:
    """One run and what came of it.

    Attributes
    ----------
    case : Case
        What was asked for.
    video, record : composition_video, simulation
        What came out.
    complete : bool
        Whether every part of the protocol ended as it should.
    seconds : float
        Time it took.
    """

    case: Case
    video: xr.Dataset
    record: xr.Dataset
    complete: bool
    seconds: float

    @property
    def stopped(self) -> str:
        """Why the run ended."""
        return str(self.record.attrs["stopped"])

    @property
    def imbalance(self) -> float:
        """Largest mass-balance error, in units of the mean x."""
        return float(np.max(np.abs(self.record["mass_balance_error"].values)))


@dataclass(frozen=True)
class Outcome:
    """What a simulation gave: lines for people, and whether all runs are complete."""

    lines: list[str]
    complete: bool


class _Named:
    """A reporter that tells which run of how many goes on."""

    def __init__(self, reporter: Reporter, name: str) -> None:
        self.reporter, self.name = reporter, name

    def track(self, items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:  # noqa: ARG002
        """Yield the items under the name of the run."""
        yield from self.reporter.track(items, label=self.name, total=total)

    def say(self, message: str) -> None:
        """Show one line."""
        self.reporter.say(message)


def simulate_recipe(recipe: SimulationRecipe, folder: Path, *, reporter: Reporter = SILENT) -> Outcome:
    """Run a recipe and write everything into a folder.

    Parameters
    ----------
    recipe : SimulationRecipe
        From `load_simulation`.
    folder : Path
        Made when absent. Until all runs are done, those that are lie in ``unfinished.zarr``, and what an earlier run
        left stays; then it is replaced whole.
    reporter : Reporter
        Told of every frame.

    Returns
    -------
    Outcome
        `complete` is False where a run stopped before its protocol ended; what it gave up to then is written all the
        same.
    """
    wanted = cases(recipe)
    ready = _ready(wanted[0])  # what cannot be built fails before the folder is made
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / STORE).exists():
        Store(folder / STORE)  # refuses what is no store, before hours of work
    store = Store(folder / UNFINISHED)
    runs: list[Run] = []
    with store.locked():
        for step in store.steps():  # of a run that was killed
            store.discard(step)
        store.set_attributes(_attributes(recipe))
        for place, case in enumerate(wanted, start=1):
            name = f"run {place} of {len(wanted)}: {case.label}" if case.name else "simulating"
            ready = ready if place == 1 else _ready(case)
            runs.append(run_case(case, ready, reporter=_Named(reporter, name)))
            _keep(store, runs[-1])
        files = _files(recipe, runs, reporter)
        for file in files:
            (folder / file).unlink(missing_ok=True)  # absent rather than of another run, whatever happens now
        store.move(folder / STORE)
        for file, content in files.items():
            _write(folder / file, content)
    places = [f"{name}: {folder / file}" for name, file in _PLACES.items()]
    lines = files["summary.txt"].decode("utf-8").splitlines()
    return Outcome([*lines, "", *places], all(run.complete for run in runs))


class Ready(NamedTuple):
    """What a run needs: model, protocol, x at the start, the method asked for, and the one taken with the reason."""

    model: Model
    protocol: Protocol
    start: Any
    method: Method | None
    chosen: str


def _ready(case: Case) -> Ready:
    """Return what a run needs; raises what cannot be built."""
    from lithiscope import phasefield as pf

    recipe = case.recipe
    model, protocol, method = model_of_recipe(recipe), protocol_of(recipe), _method(recipe)
    start = start_of(recipe, model.geometry)
    chosen, reason = pf.choose_method(model, method, tolerance=recipe.tolerance, seconds=protocol.duration)
    return Ready(model, protocol, start, method, f"{type(chosen).__name__}: {reason}")


def run_case(case: Case, ready: Ready | None = None, *, reporter: Reporter = SILENT) -> Run:
    """Run one case; `ready` saves building its model again. The method and why are said before it runs."""
    from lithiscope import phasefield as pf

    recipe, clock = case.recipe, time.perf_counter()
    model, protocol, start, method, chosen = _ready(case) if ready is None else ready
    reporter.say(f"{case.label}: {chosen}")

    def simulated(times: int | np.ndarray) -> Simulation:
        return pf.simulate(
            model,
            protocol,
            times,
            initial=start,
            method=method,
            controller=pf.Controller(tolerance=recipe.tolerance),
            reporter=reporter,
        )

    done = simulated(recipe.frames)
    end = float(done.video["time"].values[-1])
    if 0 < end < _EARLY * protocol.duration and done.complete:
        # A run that ends long before it must, as at constant voltage, would have few frames: again, up to its end.
        # The last frame is where it ends, however round-off moves that.
        done = simulated(np.append(np.linspace(0.0, end, recipe.frames)[:-1], protocol.duration))
    return Run(case, done.video, done.record, done.complete, time.perf_counter() - clock)


def _method(recipe: SimulationRecipe) -> Method | None:
    from lithiscope.phasefield import methods

    named: dict[str, Callable[[], Method]] = {
        "explicit": methods.BogackiShampine,
        "implicit": methods.Rosenbrock,
        "local": methods.LocalRosenbrock,
        "exponential": methods.ExponentialRungeKutta,
    }
    return None if recipe.method == "auto" else named[recipe.method]()


def _keep(store: Store, run: Run) -> None:
    for step, data in (("composition", run.video), ("simulation", run.record)):
        store.save(_step(step, run), data, key="", record={"seconds": round(run.seconds, 3), "stopped": run.stopped})


def _step(step: str, run: Run) -> str:
    return f"{step}-{run.case.name}" if run.case.name else step


def _attributes(recipe: SimulationRecipe) -> dict[str, str]:
    return {"title": recipe.title, "kind": "simulation", "recipe": recipe.text, "version": lithiscope.__version__}


def _files(recipe: SimulationRecipe, runs: Sequence[Run], reporter: Reporter) -> dict[str, bytes]:
    """Return everything but the store by the names of the files: figure, movie, tables, recipe and summary."""
    from lithiscope.report.options import FigureOptions
    from lithiscope.report.simulation import simulation_figure
    from lithiscope.report.simulation_movie import Tile, simulation_movie
    from lithiscope.studies.simulation_panels import map_rows, numbers, panels

    rows, curves, table = map_rows(recipe, runs), panels(recipe, runs), numbers(recipe, runs)
    reporter.say("drawing")
    files = {}
    for ending in ("png", "svg"):
        options = FigureOptions(format=ending, palette=recipe.shown.palette)
        picture = simulation_figure(
            recipe.title, rows, curves, palette=recipe.shown.palette, limits=recipe.shown.limits, options=options
        )
        files[f"figure.{ending}"] = picture
    tiles = [Tile(_caption(run), run.video, run.record["voltage_volt"].values.tolist()) for run in runs]
    look = recipe.shown.movie.model_copy(update={"palette": recipe.shown.palette})
    files["movie.webp"] = simulation_movie(tiles, columns=_columns(runs), limits=recipe.shown.limits, options=look)
    texts = {
        "trace.csv": _trace(runs),
        "numbers.csv": _csv(table),
        "recipe.yaml": recipe.text,
        "summary.txt": "\n".join(summary(recipe, runs, table)) + "\n",
    }
    return files | {name: text.encode("utf-8") for name, text in texts.items()}


_PLACES = {
    "figure": "figure.png",
    "movie": "movie.webp",
    "trace": "trace.csv",
    "numbers": "numbers.csv",
    "store": STORE,
}


def _columns(runs: Sequence[Run]) -> int | None:
    """Return how many runs share direction and offset, where not all do: one row of the movie for each."""
    groups = [(run.case.direction, run.case.offset) for run in runs]
    first = groups.count(groups[0])
    return first if 1 < first < len(runs) else None


def _caption(run: Run) -> str:
    return run.case.label if run.case.name else "lithium fraction x"


def summary(recipe: SimulationRecipe, runs: Sequence[Run], table: Sequence[dict[str, Any]]) -> list[str]:
    """Return what a simulation gave, in words: method and why, steps, why each run stopped, mass balance, numbers."""
    lines = [recipe.title, *([recipe.about] if recipe.about else []), ""]
    for run, row in zip(runs, table, strict=True):
        mark = "" if run.complete else "STOPPED EARLY: "
        lines.append(f"{run.case.label}: {row['pathway']}; {mark}{run.stopped}")
        lines.append(
            f"  method {run.record.attrs['method']}; {run.record.attrs['steps']} steps; "
            f"mass-balance error {run.imbalance:.1e}; {run.seconds:.1f} s"
        )
        told = [f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, float) and name not in _KNOWN]
        if told:
            lines.append(f"  {', '.join(told)}")
    early = sum(not run.complete for run in runs)
    lines += ["", f"{early} of {len(runs)} runs stopped early" if early else f"all {len(runs)} runs are complete"]
    return lines


_KNOWN = ("c_rate_per_hour", "offset_kT", "diffusivity_m2_per_s", "mass_balance_error", "seconds")


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.partial")
    draft.write_bytes(content)
    draft.replace(path)


def _trace(runs: Sequence[Run]) -> str:
    """Return the courses of all runs as one table; names carry the units."""
    rows = []
    for run in runs:
        columns = {name: np.asarray(run.record[name].values, dtype=float) for name in _COURSES}
        for frame in range(run.record.sizes["time"]):
            values = {text: f"{columns[name][frame]:.10g}" for name, text in _COURSES.items()}
            rows.append({"run": run.case.name or "run", **values})
    return _csv(rows)


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    handle = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(handle, fieldnames=names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return handle.getvalue()


def simulation_lines() -> list[str]:
    """Return name and title of every simulation that comes with the program, one a line."""
    found = {name: load_simulation(name).title for name in packaged()}
    longest = max(map(len, found), default=0)
    return [f"{name:{longest}s}  {title}" for name, title in found.items()]
