"""Running a study: each step once, in order, and only when its options or its inputs have changed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lithiscope.errors import AnalysisError, FileFormatError, LithiscopeError, LithiscopeWarning
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.checkpoint import Checkpoint
from lithiscope.studies.pieces import Pieces
from lithiscope.studies.provenance import digest, input_hashes, now, program, step_key, summary
from lithiscope.studies.store import Collected, Store
from lithiscope.studies.unfinished import begin

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.fit import Mapper
    from lithiscope.studies.recipe import Recipe

_SMALL = 64 * 2**20  # bytes: results of more than that are not held beside the store


@dataclass(frozen=True)
class Step:
    """One step of a study.

    Parameters
    ----------
    name : str
        Name of the step, of its group in the store and of its results.
    needs : tuple of str
        Steps whose results it takes, with all their parts.
    options : callable
        Recipe -> the plain options on which the result depends.
    files : callable
        Recipe -> the files on which the result depends.
    run : callable
        (recipe, results of `needs`, reporter) -> Dataset, or several by name, that of the step among them, or one in
        `Pieces`. The results are read from the store when they are used; what a step may take for its pieces is there
        as ``"memory"``, GiB, or None.
    methods : callable
        Recipe -> keys of the papers to cite.
    remembers : bool
        Whether `run` also gets the step's own earlier result, as ``"previous"``, when the store holds one.
    optional : bool
        Whether the study goes on without it when the data do not allow it: an `AnalysisError` becomes a warning, and
        the steps that need it are left out.
    resumes : bool
        Whether `run` also gets a `Checkpoint`, as ``"checkpoint"``, that outlives a run that is killed.
    maps : bool
        Whether `run` also gets a function like `map`, as ``"mapper"``, which may work on parts side by side.
    """

    name: str
    needs: tuple[str, ...]
    options: Callable[[Recipe], Any]
    run: Callable[[Recipe, Mapping[str, Any], Reporter], xr.Dataset | dict[str, xr.Dataset] | Pieces]
    files: Callable[[Recipe], Sequence[Path]] = lambda recipe: ()  # noqa: ARG005
    methods: Callable[[Recipe], Sequence[str]] = lambda recipe: ()  # noqa: ARG005
    remembers: bool = False
    optional: bool = False
    resumes: bool = False
    maps: bool = False


def own_result(step: str, given: xr.Dataset | dict[str, xr.Dataset] | Pieces) -> xr.Dataset:
    """Return the result under the name of a step, of what its `run` gave without a limit of memory."""
    if isinstance(given, Pieces):
        (whole,) = given.parts
        return whole
    return given[step] if isinstance(given, dict) else given


def sentence(error: LithiscopeError) -> str:
    """Return an error on one line, for a list of warnings."""
    details = [" ".join(line.split()) for line in str(error).splitlines()[1:]]
    return error.problem + (f" ({'; '.join(details)})" if details else "")


def options_at(*paths: str) -> Callable[[Recipe], Any]:
    """Return a function that takes sections (`align`) or parts of them (`align.scans`) from a recipe, as plain data."""

    def pick(recipe: Recipe) -> Any:
        found = {}
        for path in paths:
            section, *parts = path.split(".")
            plain = getattr(recipe, section).model_dump(mode="json")
            for part in parts:
                plain = plain[part]
            found[path] = plain
        return found

    return pick


class Results(Mapping[str, "xr.Dataset"]):
    """Results of steps by name; a result that is only in the store is read when it is first asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, xr.Dataset] = {}
        self._opened: dict[str, xr.Dataset] | None = None
        self._origin: dict[str, tuple[Store, str]] = {}

    def put(self, name: str, data: xr.Dataset | None, origin: Store, key: str) -> None:
        """Remember a fresh result that is not too large, or where it lies and under which key."""
        self._origin[name] = origin, key
        if data is not None and data.nbytes <= _SMALL:
            self._held[name] = data

    def opened(self, name: str) -> xr.Dataset:
        """Return a result whose variables are read when they are first used, unless it is held anyway."""
        return self._held[name] if name in self._held else self._store_of(name).open(name)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the store against later runs, and meanwhile read variables of large results when they are first used."""
        with self._store.locked():
            self._opened = {}
            try:
                yield
            finally:
                self._opened = None

    def release(self, names: Iterable[str]) -> None:
        """Let go of results that are in a store anyway; they are read again when asked for."""
        for name in names:
            self._held.pop(name, None)

    def drop(self, name: str) -> None:
        """Forget a result."""
        self._held.pop(name, None)
        self._origin.pop(name, None)

    def __getitem__(self, name: str) -> xr.Dataset:
        if name in self._held:
            return self._held[name]
        if self._opened is not None:
            if name not in self._opened:
                self._opened[name] = self._store_of(name).open(name)
            return self._opened[name]
        self._held[name] = self._store_of(name).load(name)
        return self._held[name]

    def _store_of(self, name: str) -> Store:
        store, key = self._origin[name]
        if store.key(name) != key:
            raise FileFormatError(
                "a later run has replaced this result",
                file=store.path,
                field=name,
                remedy="read what you need before the next run, or give each run a folder of its own",
            )
        return store

    def __contains__(self, name: object) -> bool:
        return name in self._origin  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._origin)

    def __len__(self) -> int:
        return len(self._origin)


@dataclass
class Study:
    """A study that has run: its recipe, the results of its steps, and the record of how they came about.

    What `begins` does is done once, before a run changes the store; `fallbacks` are other stores that it may use, and
    `digests` hold a hash of the files of each step.
    """

    recipe: Recipe
    results: Results
    store: Store
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    begins: Callable[[], None] | None = None
    fallbacks: Sequence[Store] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    def replaces(self) -> None:
        """Say in the store, before the first result in it is replaced, that this run has not finished."""
        if self.begins is not None:
            self.begins()
        self.begins = None

    @property
    def warnings(self) -> list[str]:
        """Every warning of every step, in order, each once."""
        found = [text for record in self.records.values() for text in record.get("warnings", [])]
        return list(dict.fromkeys(found))


def run_steps(
    recipe: Recipe,
    steps: Sequence[Step],
    store: Store,
    *,
    reporter: Reporter = SILENT,
    fresh: bool = False,
    fallbacks: Sequence[Store] = (),
    mapper: Mapper = map,
    memory: float | None = None,
) -> Study:
    """Run the steps of a study into a store.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    steps : sequence of Step
        In an order in which every step follows what it needs.
    store : Store
        Where results go, and from where up-to-date ones are taken.
    reporter : Reporter
        Told what is being done.
    fresh : bool
        Recompute everything.
    fallbacks : sequence of Store
        Other stores whose up-to-date results may be used, e.g. the main one when an option is varied.
    mapper : callable
        `map`, or that of processes or a cluster, for steps that have parts which do not wait for each other.
    memory : float, optional
        What steps over pictures may take, GiB: a longer series is worked on in pieces, with the same result.
    """
    started, clock = now(), time.perf_counter()
    hashes, keys, digests = _planned(recipe, steps, fallbacks)
    begins = partial(begin, store, recipe.title, started, keys.values())
    study = Study(recipe, Results(store), store, begins=begins, fallbacks=fallbacks, digests=digests)
    known = () if fresh else (store, *fallbacks)
    with store.locked():
        records = [record for step in steps if (record := store.record(step.name))]
        if not fresh and any(record.get("program") != program() for record in records):
            reporter.say("lithiscope or its tables have changed since the last run: its results are computed again")
        for number, step in enumerate(steps, start=1):
            key = keys[step.name]
            label = f"[{number}/{len(steps)}] {step.name.replace('_', ' ')}"
            origin = next((one for one in known if one.key(step.name) == key), None)
            if origin is not None:
                reporter.say(f"{label}: up to date")
                for name in (step.name, *origin.record(step.name).get("parts", ())):
                    study.results.put(name, None, origin, key)
                study.records[step.name] = origin.record(step.name)
                continue
            absent = [name for name in step.needs if name not in study.results]
            if absent:
                reporter.say(f"{label}: left out, because there is no {absent[0].replace('_', ' ')}")
                continue
            reporter.say(label)
            take(study, step, key, reporter, mapper, memory)
            ahead = {name for later in steps[number:] for name in later.needs}
            study.results.release(set(study.results) - ahead)
        # What an earlier run left and this one did not make would contradict the rest.
        for name in store.steps():
            if name not in study.results or store.key(name) not in keys.values():
                study.replaces()
                store.discard(name)
        methods = [method for step in steps if step.name in study.results for method in step.methods(recipe)]
        study.provenance = summary(
            recipe=recipe.text, inputs=hashes, methods=methods, started=started, seconds=time.perf_counter() - clock
        )
        store.set_attributes({"title": recipe.title, "provenance": study.provenance, "warnings": study.warnings})
    return study


def _planned(
    recipe: Recipe, steps: Sequence[Step], fallbacks: Sequence[Store]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Return the hashes of all input files by name, and of each step by its name the key and the digest of its files.

    What a step of another store remembers enters the key of one that goes on from it.
    """
    hashes: dict[str, str] = {}
    keys: dict[str, str] = {}
    digests: dict[str, str] = {}
    for step in steps:
        files = input_hashes(step.files(recipe), recipe.name_of)
        hashes |= files
        if files:
            digests[step.name] = digest(files.values())
        content, needs = [step.options(recipe), files], [keys[name] for name in step.needs]
        key = step_key(step.name, content, needs)
        memory = _memory(step, fallbacks)
        if memory is not None and all(one.key(step.name) != key for one in fallbacks):
            key = step_key(step.name, [*content, _remembered(memory.load(step.name))], needs)
        keys[step.name] = key
    return hashes, keys, digests


def _memory(step: Step, fallbacks: Sequence[Store]) -> Store | None:
    """Return the store from whose result a step goes on: of variants the last, which goes on from those before it."""
    if not step.remembers:
        return None
    return next((one for one in reversed(fallbacks) if one.key(step.name) is not None), None)


def _remembered(data: xr.Dataset) -> Any:
    """Return what distinguishes two results of a step that remembers, beyond their keys: names, and what is noted."""
    return [data[name].values.tolist() for name in sorted(map(str, data.coords))], dict(data.attrs)


def take(
    study: Study, step: Step, key: str, reporter: Reporter, mapper: Mapper = map, memory: float | None = None
) -> None:
    """Run one step, and put what it gives into the store and the study; an optional one may give a warning only."""
    parts = [part for name in step.needs for part in study.records.get(name, {}).get("parts", ())]
    inputs: dict[str, Any] = {name: study.results.opened(name) for name in (*step.needs, *parts)}
    inputs["memory"] = memory
    earlier = _memory(step, [study.store, *study.fallbacks])
    if earlier is not None:
        inputs["previous"] = earlier.load(step.name)
    checkpoint = Checkpoint(study.store.path.with_name(f"{study.store.path.name}.{step.name}.npz"), key)
    if step.resumes:
        inputs["checkpoint"] = checkpoint
    if step.maps:
        inputs["mapper"] = mapper
    try:
        with study.store.scratch() as inputs["scratch"]:
            data, record = _run_step(step, study, inputs, reporter)
    except AnalysisError as error:
        if not step.optional:
            raise
        checkpoint.clear()
        text = f"no {step.name.replace('_', ' ')}: {sentence(error)}"
        reporter.say(f"      warning: {text}")
        study.records[step.name] = {"warnings": [text], "finished": now()}
        return
    given: Mapping[str, Any] = data if isinstance(data, dict) else {step.name: data}
    made = [name for name in given if name != step.name]
    record |= {"parts": made} if made else {}
    whole = {**record, "options": step.options(study.recipe)}
    if step.name in study.digests:
        whole["files"] = study.digests[step.name]
    study.replaces()
    for name in [*made, step.name]:  # the step's own last: it says that all are there
        one = given[name]
        study.store.save(name, one, key=key, record=whole if name == step.name else {})
        study.results.put(name, None if isinstance(one, Collected) else one, study.store, key)
    checkpoint.clear()
    study.records[step.name] = record


def _run_step(
    step: Step, study: Study, inputs: Mapping[str, Any], reporter: Reporter
) -> tuple[xr.Dataset | dict[str, xr.Dataset] | Collected, dict[str, Any]]:
    clock = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LithiscopeWarning)
        given = step.run(study.recipe, inputs, reporter)
        data = study.store.collect(step.name, given) if isinstance(given, Pieces) else given
    ours = [str(w.message) for w in caught if issubclass(w.category, LithiscopeWarning)]
    for other in (w for w in caught if not issubclass(w.category, LithiscopeWarning)):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    for text in ours:
        reporter.say(f"      warning: {text}")
    seconds = round(time.perf_counter() - clock, 3)
    record = {"seconds": seconds, "warnings": ours, "finished": now(), "program": program()}
    return data, record
