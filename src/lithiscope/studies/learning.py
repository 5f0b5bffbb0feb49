"""The steps that learn laws and rate fields from the composition video of a study, and compare models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope import stages
from lithiscope.errors import OptionError
from lithiscope.learning.models import chosen
from lithiscope.progress import Reporter
from lithiscope.studies.comparison import comparison_step
from lithiscope.studies.kinetics import labels_of, video_of
from lithiscope.studies.runner import Step, options_at
from lithiscope.studies.sampling import sampling_step
from lithiscope.units import VOLT

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

LAWS = "learned_laws"
PARTICLE = "learned_particle"
"""Names in the store: the laws, and each particle under ``learned_particle-<video>-<label>``."""


def learning_steps(recipe: Recipe) -> list[Step]:
    """Return the step, and those of the comparison with other models and of the draws, if the recipe asks for them.

    Raises
    ------
    OptionError
        If a model to be compared with is no other than that of the recipe.
    """
    if not recipe.learning.compute:
        return []
    needs = ("composition", "labels", *(("cell_frames",) if recipe.cell.files else ()))
    step = Step(
        LAWS,
        needs,
        _options,
        _learned,
        methods=lambda _: ["zhao2023"],
        optional=True,
        resumes=True,
        maps=True,
    )
    found = [step]
    if recipe.learning.compare.compute:
        chosen(recipe.learning.model, recipe.learning.compare.models)  # told now, not after minutes
        found.append(comparison_step(needs))
    if recipe.learning.sample.compute:
        found.append(sampling_step(needs))
    return found


def _options(recipe: Recipe) -> Any:
    """Return the options on which the learned laws depend: not those of comparison and draws."""
    found = options_at("particles.table.exclude", "learning")(recipe)
    for other in ("compare", "sample"):
        found["learning"].pop(other)
    return found


def _learned(recipe: Recipe, inputs: Mapping[str, Any], reporter: Reporter) -> dict[str, xr.Dataset]:
    from lithiscope.learning import learn

    video, names = learning_video(recipe, inputs)
    diary, mapper = inputs["checkpoint"].diary(), inputs["mapper"]
    tree = learn(video, recipe.learning.model, particles=sorted(names), mapper=mapper, reporter=reporter, diary=diary)
    return learned_parts(tree, {(0, number): name for number, name in names.items()})


def learned_parts(tree: xr.DataTree, names: Mapping[tuple[int, int], str]) -> dict[str, xr.Dataset]:
    """Return what was learned as groups of a store, particles with their names; `learned_tree` is the way back.

    Parameters
    ----------
    tree : DataTree
        From `lithiscope.learning.learn`.
    names : mapping
        Names of the particles by number of the video and label.
    """
    parts = {LAWS: tree["laws"].to_dataset()}
    for node in tree["particle"].children.values():
        one = node.to_dataset()
        key = int(one.attrs["video"]), int(one.attrs["particle"])
        parts[f"{PARTICLE}-{key[0]}-{key[1]}"] = one.assign_attrs(name=names[key])
    return parts


def learning_video(recipe: Recipe, inputs: Mapping[str, xr.Dataset]) -> tuple[xr.Dataset, dict[int, str]]:
    """Return the video with the labels and the half cycles that are wanted, and the names of the particles.

    Raises
    ------
    OptionError
        If a particle or a half cycle that the recipe names is not there.
    """
    section, video = recipe.learning, video_of(recipe, inputs)
    labels, names = labels_of(recipe, inputs)
    absent = [name for name in section.particles if name not in names.values()]
    if absent:
        raise OptionError(
            "there is no such particle to learn from",
            field="learning.particles",
            value=absent[0],
            limit=", ".join(names.values()),
            remedy="choose some of these; the others were excluded or not found",
        )
    if section.particles:
        names = {number: name for number, name in names.items() if name in section.particles}
    half_cycle = np.asarray(video["half_cycle"].values)
    moving = np.unique(half_cycle[(half_cycle >= 0) & (video["direction"].values != 0)])
    wanted = np.asarray(section.half_cycles or moving)
    unknown = np.setdiff1d(wanted, half_cycle)
    if unknown.size:
        raise OptionError(
            "there is no such half cycle to learn from",
            field="learning.half_cycles",
            value=int(unknown[0]),
            limit=", ".join(str(one) for one in moving),
            remedy="choose some of these",
        )
    kept = np.flatnonzero(np.isin(half_cycle, wanted))
    if section.voltage:
        video = with_voltage(video, inputs.get("cell_frames"))
    return video.assign(label=labels).isel(time=kept), names


def with_voltage(video: xr.Dataset, frames: xr.Dataset | None) -> xr.Dataset:
    """Return a video with the voltage of the cell at each frame, less the ohmic drop where that is known.

    Parameters
    ----------
    video : composition_video
        Without a voltage.
    frames : cell_frames, optional
        What the cell did at these frames.

    Raises
    ------
    OptionError
        If the cell told no voltage.
    """
    if frames is None or "voltage_volt" not in frames:
        raise OptionError(
            "no voltage of the cell is known",
            field="learning.voltage",
            value=True,
            limit="a trace with a voltage in cell.files",
            remedy="give the potentiostat's trace in cell.files, or set learning.voltage to false",
        )
    volt, std = frames["voltage_volt"].values, np.zeros(frames.sizes["time"])
    if "voltage_volt_std" in frames:
        std = frames["voltage_volt_std"].values
    if "ohmic_drop_volt" in frames:
        volt = volt - frames["ohmic_drop_volt"].values
    return shown_at(video, volt, std)


def shown_at(video: xr.Dataset, volt: np.ndarray, std: np.ndarray) -> xr.Dataset:
    """Return a video with the voltage of each frame and its standard deviation, V, shape (time,)."""
    return stages.check(
        video.assign(voltage_volt=("time", volt, {"units": VOLT}), voltage_volt_std=("time", std, {"units": VOLT})),
        "composition_video",
    )


def learned_tree(results: Mapping[str, Any]) -> xr.DataTree | None:
    """Return what was learned as `lithiscope.learning.learn` gives it, from results by name, or None."""
    import xarray as xr

    if LAWS not in results:
        return None
    parts = {"/laws": results[LAWS]}
    for name in results:
        if name.startswith(f"{PARTICLE}-"):
            one = results[name]
            parts[f"/particle/{one.attrs['video']}_{one.attrs['particle']}"] = one
    return xr.DataTree.from_dict(parts)
