"""The steps of a study on the way of particles from full to empty: boundaries, shapes of domains, pathways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lithiscope import kinetics
from lithiscope.progress import Reporter
from lithiscope.studies.kinetics import applied_rates, labels_of, video_of, with_directions
from lithiscope.studies.runner import Step, options_at

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

Inputs = Mapping[str, "xr.Dataset"]


def pathway_steps(recipe: Recipe) -> list[Step]:
    """Return the steps that the recipe asks for; those against rate only when it names a trace of the cell."""
    if not recipe.kinetics.compute:
        return []
    cell = bool(recipe.cell.files)
    video = ("composition", "labels", *(("cell_frames",) if cell else ()))
    excluded = "particles.table.exclude"
    steps = [
        Step("interfaces", video, options_at(excluded, "kinetics.pathways.interfaces"), _interfaces,
             methods=lambda _: ["koo2023"], optional=True),
        Step("domain_shapes", (*video, "domains"), options_at(excluded, "kinetics.pathways.shapes"), _domain_shapes,
             methods=lambda _: ["lim2016"], optional=True),
        Step("pathways", ("uniformity", "phases", "domains"), options_at("kinetics.pathways.rule"), _pathways,
             methods=lambda _: ["lim2016"], optional=True),
    ]  # fmt: skip
    if not cell:
        return steps
    return [
        *steps,
        Step("pathway_diagram", ("pathways",), options_at("kinetics.pathways.rule"), _diagram, optional=True),
        Step("active_particles", ("particles", "cell_frames", "population"), options_at("kinetics.pathways.rule"),
             _active, optional=True),
    ]  # fmt: skip


def _rates(video: xr.Dataset, inputs: Inputs) -> dict[int, float] | None:
    """Return the C-rate of the cell in every half cycle; None where it is not known."""
    found = applied_rates(video, inputs["cell_frames"]) if "cell_frames" in inputs else {}
    return found or None


def _interfaces(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    labels, names = labels_of(recipe, inputs)
    video = video_of(recipe, inputs)
    return kinetics.interfaces(
        video, labels, names, applied_c_rate=_rates(video, inputs), options=recipe.kinetics.pathways.interfaces,
        reporter=reporter,
    )  # fmt: skip


def _domain_shapes(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    video = video_of(recipe, inputs)
    return kinetics.domain_shapes(
        inputs["domains"], video, applied_c_rate=_rates(video, inputs), options=recipe.kinetics.pathways.shapes,
        reporter=reporter,
    )  # fmt: skip


def _pathways(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    options = recipe.kinetics.pathways.rule
    return kinetics.pathway(inputs["uniformity"], inputs["phases"], inputs["domains"], options=options)


def _diagram(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return kinetics.pathway_diagram([inputs["pathways"]], options=recipe.kinetics.pathways.rule)


def _active(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    table = with_directions(inputs["particles"], inputs)
    return kinetics.active_particles(
        inputs["population"],
        table["half_cycle"].where(table["direction"] != 0, -1).values,
        applied_rates(table, inputs["cell_frames"]),
        options=recipe.kinetics.pathways.rule,
    )
