"""The steps of a study on one or two of its scans, to find what would stop it before anything is kept."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.progress import SILENT
from lithiscope.studies.runner import own_result
from lithiscope.studies.stxm import stxm_steps

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

_TRIED = ("counts", "alignment", "optical_density", "incident_methods", "references", "composition")
# What these warn of, two scans cannot tell.
_QUIET = ("alignment", "composition")


class Rehearsed(NamedTuple):
    """The numbers of the scans that were tried, and their composition."""

    scans: list[int]
    composition: xr.Dataset


def scans_to_try(recipe: Recipe, present: Sequence[int]) -> list[int]:
    """Return the numbers of the two fullest scans and of those of the references.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    present : sequence of int
        How many pixels of each scan have counts.
    """
    named = [*recipe.references.lithiated_scans, *recipe.references.delithiated_scans]
    fullest = np.argsort(-np.array(present), kind="stable")[:2].tolist()
    return sorted({*named, *fullest})


def rehearse(recipe: Recipe, recording: xr.Dataset) -> Rehearsed:
    """Do the steps up to the composition with a few scans.

    Shifts are measured but not applied: two scans that cannot be aligned with each other may well lie in a series that
    can.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    recording : Dataset
        Stage ``recording`` of the scans to try.

    Returns
    -------
    Rehearsed
        The scans, and what came out.

    Raises
    ------
    LithiscopeError
        What would stop the run.
    """
    count = recording.sizes["time"]
    marks = {"half_cycle": np.full(count, -1), "direction": np.zeros(count), "cycle": np.zeros(count)}
    coords = {name: ("time", values.astype(np.int32)) for name, values in marks.items()}
    inputs = {"recording": recording.assign_coords(coords)}
    run = {step.name: step.run for step in stxm_steps()}
    for name in _TRIED:
        with warnings.catch_warnings():
            if name in _QUIET:
                warnings.simplefilter("ignore", LithiscopeWarning)
            given = run[name](recipe, {**inputs, "resampled": inputs.get("counts", recording)}, SILENT)
            inputs[name] = own_result(name, given)
    return Rehearsed(recording["scan"].values.tolist(), inputs["composition"])
