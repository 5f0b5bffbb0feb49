"""Learning from videos without a recipe: those of a simulation, or any store that holds composition videos."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from pydantic import ValidationError

from lithiscope import stages
from lithiscope.errors import FileFormatError, LithiscopeWarning, OptionError
from lithiscope.learning.models import chosen
from lithiscope.options import option_error
from lithiscope.progress import SILENT, Reporter
from lithiscope.studies.checkpoint import Checkpoint
from lithiscope.studies.comparison import COMPARISON, comparison
from lithiscope.studies.learn import store_path
from lithiscope.studies.learning import learned_parts, shown_at
from lithiscope.studies.provenance import now, step_key, summary
from lithiscope.studies.recipe_learning import LearningSection
from lithiscope.studies.recipe_text import commented_yaml, override
from lithiscope.studies.sampling import sampled_parts
from lithiscope.studies.store import Store

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.fit import Mapper

STORE, PAGE = "learned.zarr", "learned.html"
_X = "lithium_fraction"
_PAUSE = 600.0  # s between runs that are joined


def learn_videos(
    place: Path,
    *,
    settings: Sequence[str] = (),
    runs: Sequence[str] = (),
    sigma: float | None = None,
    seed: int = 0,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
) -> dict[str, xr.Dataset]:
    """Learn from the videos in a store, and write ``learned.zarr`` and ``learned.html`` beside it.

    Parameters
    ----------
    place : Path
        A folder that `lithiscope simulate` wrote, or a store with composition videos.
    settings : sequence of str
        ``learning.option=value``, or without the prefix.
    runs : sequence of str
        Names of runs of a sweep; without them all. Runs on the same grid are half cycles of the same particles.
    sigma : float, optional
        Adds so much noise to a video without uncertainty, and takes it as its standard deviation.
    seed : int
        Of the noise.
    mapper : callable
        `map`, or that of `lithiscope.learning.processes` or `cluster`.
    reporter : Reporter
        Told of each step.

    Returns
    -------
    dict of str to Dataset
        ``learned_laws``, ``learned_particle-<video>-<label>`` and, where these were asked for, ``model_comparison`` and
        ``sampled_laws`` with its parts.

    Raises
    ------
    FileFormatError, OptionError, AnalysisError
        If there is no video, or it is not enough to learn from.
    """
    from lithiscope.learning import learn

    path = store_path(place)
    store = Store(path)
    videos = _videos(store, runs)
    section = learning_section(settings, _thickness(store))
    if section.compare.compute:
        chosen(section.model, section.compare.models)  # told now, not after minutes
    if section.voltage:
        videos = {
            run: _with_record(store, run, one, section.voltage_noise, seed + k)
            for k, (run, one) in enumerate(videos.items())
        }
    videos = joined({run: with_noise(video, sigma, seed + k, path) for k, (run, video) in enumerate(videos.items())})
    clock = now()
    checkpoint = Checkpoint(path.parent / f"{STORE}.npz", _key(section, videos))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LithiscopeWarning)
        given = list(videos.values())
        tree = learn(given, section.model, mapper=mapper, reporter=reporter, diary=checkpoint.diary())
    names = {
        (k, int(number)): f"{run}, particle {number}" if len(videos) > 1 else f"particle {number}"
        for k, (run, video) in enumerate(videos.items())
        for number in np.unique(video["label"].values)
    }
    parts = learned_parts(tree, names)
    told = [str(one.message) for one in caught if issubclass(one.category, LithiscopeWarning)]
    for text in told:
        reporter.say(f"      warning: {text}")
    beside = Checkpoint(path.parent / f"{STORE}.{COMPARISON}.npz", _key(section, videos))
    if section.compare.compute:
        parts[COMPARISON] = comparison(given, section, parts, beside, mapper=mapper, reporter=reporter)
    if section.sample.compute:  # the checkpoint knows the fit to its end
        parts |= sampled_parts(given, section, checkpoint, mapper=mapper, reporter=reporter)
    header = f"learned from {path.name}" + (f" with noise {sigma:g}, seed {seed}" if sigma is not None else "")
    recipe = commented_yaml(section, header=header)
    provenance = summary(recipe=recipe, inputs={}, methods=["zhao2023"], started=clock, seconds=0.0)
    title = str(store.attributes().get("title", path.stem))
    _keep(path.parent, parts, {"title": title, "kind": "learned", "provenance": provenance, "warnings": told})
    for one in (checkpoint, beside):
        one.clear()
    return parts


def _key(section: LearningSection, videos: Mapping[str, xr.Dataset]) -> str:
    """Return the key of a fit: it changes with the options and with every number of the videos."""
    numbers = [
        one[name].values for one in videos.values() for name in (_X, "voltage_volt", "voltage_volt_std") if name in one
    ]
    held = [hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest() for values in numbers]
    return step_key(STORE, section.model_dump(mode="json"), held)


def _keep(folder: Path, parts: Mapping[str, xr.Dataset], attributes: dict[str, Any]) -> None:
    from lithiscope.report.page import learned_page

    store = Store(folder / STORE)
    with store.locked():
        for name in set(store.steps()) - set(parts):
            store.discard(name)
        for name, data in parts.items():
            store.save(name, data, key="", record={})
        store.set_attributes(attributes)
    page = learned_page(parts, title=attributes["title"], provenance=attributes["provenance"])
    draft = folder / f"{PAGE}.partial"
    draft.write_text(page, encoding="utf-8")
    draft.replace(folder / PAGE)


def learning_section(settings: Sequence[str], thickness: float | None) -> LearningSection:
    """Return the options from settings; `thickness` holds where they state none.

    Raises
    ------
    OptionError
        If a setting cannot be used.
    """
    named = [one.removeprefix("learning.") for one in settings]
    try:
        return LearningSection.model_validate(override({"thickness": thickness, "compute": True}, named))
    except ValidationError as error:
        raise option_error(error, "the learning") from None


def with_noise(video: xr.Dataset, sigma: float | None, seed: int, path: Path) -> xr.Dataset:
    """Return a video with an uncertainty: its own, or that of noise that is added.

    Raises
    ------
    OptionError
        If it has none and none is stated, or it has one and noise is stated as well.
    """
    if f"{_X}_std" in video:
        if sigma is not None:
            raise OptionError(
                "the video has an uncertainty of its own", file=path, field="--sigma", value=sigma,
                remedy="leave out --sigma",
            )  # fmt: skip
        return video
    if sigma is None or not 0 < sigma < 1:
        raise OptionError(
            "the video has no uncertainty, as simulations have none; without noise there is nothing to weigh by",
            file=path,
            field=f"{_X}_std" if sigma is None else "--sigma",
            value="absent" if sigma is None else sigma,
            limit="a standard deviation of x, between 0 and 1",
            remedy="give --sigma 0.07: noise of that size is added, and the fit knows its size",
        )
    x = video[_X].values.astype(float)
    noisy = x + sigma * np.random.default_rng(seed).standard_normal(x.shape)
    new = {_X: noisy, f"{_X}_std": np.where(np.isfinite(x), sigma, np.nan)}
    dims = " ".join(map(str, video[_X].dims))
    kept = {str(k): (" ".join(map(str, v.dims)), v.values) for k, v in video.data_vars.items()}
    coords = {str(k): (" ".join(map(str, v.dims)), v.values) for k, v in video.coords.items()}
    attrs = {name: value for name, value in video.attrs.items() if name != "stage"}
    return stages.new(
        "composition_video", {**kept, **{name: (dims, values) for name, values in new.items()}}, coords=coords,
        attrs=attrs,
    )  # fmt: skip


def joined(videos: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return videos of the same particles one after the other as one; others, and a single one, as they are."""
    import xarray as xr

    first, *others = videos.values()
    same = all(
        one["label"].shape == first["label"].shape and bool((one["label"].values == first["label"].values).all())
        for one in others
    )
    if not others or not same:
        return dict(videos)
    parts, begin, count = [], 0.0, 0
    for one in videos.values():
        number = one["half_cycle"].values
        moved = {
            "time": ("time", one["time"].values - one["time"].values[0] + begin, one["time"].attrs),
            "half_cycle": ("time", np.where(number < 0, -1, number + count).astype(np.int32), one["half_cycle"].attrs),
        }
        parts.append(one.assign_coords(moved))
        begin = float(parts[-1]["time"].values[-1]) + _PAUSE
        count += int(number.max(initial=-1)) + 1
    whole = xr.concat(parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override")
    return {" and ".join(videos): stages.check(whole, "composition_video")}


def _videos(store: Store, runs: Sequence[str]) -> dict[str, xr.Dataset]:
    found = {
        name.partition("composition")[2].removeprefix("-"): name
        for name in store.steps()
        if name.startswith("composition")
    }
    if not found:
        raise FileFormatError(
            "the store holds no composition video",
            file=store.path,
            value=", ".join(store.steps()) or "nothing",
            limit="composition",
            remedy="give the folder that `lithiscope run` or `lithiscope simulate` wrote",
        )
    unknown = [run for run in runs if run not in found]
    if unknown:
        raise OptionError(
            "there is no such run",
            field="--run",
            value=unknown[0],
            limit=", ".join(found),
            remedy="choose one of these",
        )
    return {run: store.load(found[run]) for run in (runs or found)}


def _with_record(store: Store, run: str, video: xr.Dataset, noise: float, seed: int) -> xr.Dataset:
    """Return the video of a simulation with its voltage, and noise of so many mV on it; others as they are."""
    name = f"simulation-{run}" if run else "simulation"
    if "voltage_volt" in video or name not in store.steps():
        return video
    volt = store.load(name)["voltage_volt"].values.astype(float)
    std = np.full(len(volt), 1e-3 * noise)
    volt = volt + std * np.random.default_rng([seed, 1]).standard_normal(len(volt))
    return shown_at(video, volt, std)


def _thickness(store: Store) -> float | None:
    """Return the thickness that the recipe of a simulation states, nm."""
    text = store.attributes().get("recipe")
    if store.attributes().get("kind") != "simulation" or not isinstance(text, str):
        return None
    geometry = yaml.safe_load(text).get("geometry", {})
    return geometry.get("thickness") if geometry.get("reacts") == "everywhere" else None
