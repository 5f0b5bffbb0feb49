"""What strain by crystal adds to the figure and the numbers of a simulation: tilt and way of the phase boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lithiscope.report.simulation import Line, Panel, rate_colour
from lithiscope.studies.simulation_boundary import boundary_motion, boundary_tilt
from lithiscope.studies.simulation_model import material_of
from lithiscope.studies.simulation_recipe import RestPart, SimulationRecipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lithiscope.studies.simulation import Run

_AXES = {"a": "[100]", "b": "[010]", "c": "[001]"}


def by_crystal(recipe: SimulationRecipe) -> bool:
    """Return whether the axes of the crystal count."""
    return recipe.strain.kind in ("periodic", "free_surface") and recipe.population.count == 1


def axis_name(recipe: SimulationRecipe, place: int) -> str:
    """Return the crystal axis along z, y or x (0, 1 or 2) where strain makes it count."""
    return _AXES[recipe.material.crystal_axes[place]] if by_crystal(recipe) else ""


def last_driven(run: Run) -> int:
    """Return the last frame under current."""
    driven = np.flatnonzero(run.video["direction"].values)
    return int(driven[-1]) if driven.size else -1


def rests(run: Run) -> bool:
    """Return whether the run ends in a rest after a current."""
    return 0 <= last_driven(run) < run.video.sizes["time"] - 1


def rest_hours(recipe: SimulationRecipe) -> float:
    """Return how long the last part of the protocol rests, h."""
    last = recipe.protocol[-1]
    return last.seconds / 3600 if isinstance(last, RestPart) else 0.0


def boundary_numbers(recipe: SimulationRecipe, run: Run) -> dict[str, float]:
    """Return tilt and speed of the boundary while it moves, its tilt where the current ends, and after the rest."""
    tilt = boundary_tilt(run.video, recipe.shown.threshold)[0]
    motion = boundary_motion(run.video, recipe.shown.threshold)
    found = {"boundary_tilt_degrees": float(tilt[last_driven(run)])}
    if rests(run):
        found["boundary_tilt_degrees_after_rest"] = float(tilt[-1])
    least = coherent_tilt(recipe)
    if least is not None:
        found["coherent_tilt_degrees"] = least
    if motion.time.size:
        found["boundary_tilt_degrees_least"] = float(motion.tilt.min())
        found["boundary_tilt_degrees_largest"] = float(motion.tilt.max())
    found["boundary_speed_nm_per_h"] = 3600 * motion.speed
    found["boundary_speed_demanded_nm_per_h"] = 3600 * motion.demanded
    return found


def coherent_tilt(recipe: SimulationRecipe) -> float | None:
    """Return the angle to x of the normal of least coherency energy in the picture of a thin platelet, degrees.

    None where the particle is not thin, so that no plane stress holds.
    """
    import jax.numpy as jnp

    from lithiscope.phasefield.elasticity.tensors import coherency_energy
    from lithiscope.phasefield.from_material import crystal_of

    sizes, section = recipe.geometry.sizes, recipe.strain
    thin = 3 * sizes[0] < min(sizes[1:]) if len(sizes) == 3 else section.plane == "stress"
    if not thin:
        return None
    crystal = crystal_of(material_of(recipe.material, recipe.base), recipe.material.crystal_axes, "stress")
    angle = np.radians(np.arange(0.0, 90.5, 0.5))
    normal = jnp.asarray(np.stack([np.sin(angle), np.cos(angle)], axis=-1))
    return float(np.degrees(angle[int(np.argmin(coherency_energy(normal, *crystal.on_grid())))]))


def boundary_panels(recipe: SimulationRecipe, runs: Sequence[Run]) -> list[Panel]:
    """Return two panels: the tilt of the boundary, and its way along its normal beside what the current demands."""
    rested = rest_hours(recipe) and rests(runs[0]) and len(runs) == 1
    begin = float(runs[0].video["time"].values[-1]) / 3600 - rest_hours(recipe)
    text = f"time (h); rest from {begin:.3g} h" if rested else "time (h)"
    tilts, ways = [], []
    for place, run in enumerate(runs):
        colour, label = rate_colour(place, len(runs)), run.case.label if len(runs) > 1 else None
        hours = run.video["time"].values / 3600
        tilts.append(Line(hours, boundary_tilt(run.video, recipe.shown.threshold)[0], label=label, colour=colour))
        motion = boundary_motion(run.video, recipe.shown.threshold)
        hours = motion.time / 3600
        ways.append(Line(hours, motion.position, label=label or "boundary", colour=colour, points=True))
        if motion.time.size:
            straight = 3600 * motion.demanded * (hours - hours.mean()) + motion.position.mean()
            ways.append(Line(hours, straight, label=None if place else "demanded by the current"))
    least = coherent_tilt(recipe)
    level = "" if least is None else f"least coherency energy, {least:.0f}°"
    axis = f"normal to {axis_name(recipe, 2)} (degrees)"
    return [
        Panel("Tilt of the boundary", text, axis, tilts, level=least, level_text=level, limits=(0.0, 90.0)),
        Panel("Way of the boundary along its normal", "time (h)", "nm", ways),
    ]
