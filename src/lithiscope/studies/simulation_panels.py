"""What the figure of a simulation shows, and its table of numbers: chosen by what the recipe holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lithiscope.report.simulation import Line, Map, MapRow, Panel, rate_colour
from lithiscope.report.style import DIRECTION_COLOURS
from lithiscope.studies.simulation_crystal import (
    axis_name,
    boundary_numbers,
    boundary_panels,
    by_crystal,
    rest_hours,
    rests,
)
from lithiscope.studies.simulation_measures import (
    active_share,
    at_fraction,
    cells,
    cover_halfway,
    front_speed,
    particle_courses,
    region_course,
    reversal,
    rich_radius,
    rim_cover,
    uniformity,
)
from lithiscope.studies.simulation_model import region_mask
from lithiscope.studies.simulation_pathway import TOGETHER, Pathway, filling
from lithiscope.studies.simulation_recipe import CurrentPart, SimulationRecipe

if TYPE_CHECKING:
    from lithiscope.studies.simulation import Run

_WORDS = {1: "lithiation", -1: "delithiation", 0: ""}
_FEW = 4
_MOST = 8
_CORE = 5 / 6  # share of the rim: a core leaves all of it, a strip across leaves 2/3
_X = "mean lithium fraction"
_RATE = "C-rate (1/h)"
Measure = Callable[["Run"], float]


def middle(recipe: SimulationRecipe) -> float:
    """Return the mean composition at which runs are compared: halfway through the first constant current.

    One half where the recipe does not say in numbers where that begins and ends.
    """
    first = recipe.protocol[0]
    end = first.to_fraction if isinstance(first, CurrentPart) and first.to_fraction is not None else None
    return 0.5 if end is None or isinstance(recipe.initial, Path) else (recipe.initial + end) / 2


def numbers(recipe: SimulationRecipe, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one row of numbers for each run; names carry the units."""
    return [_row(recipe, run) for run in runs]


def _row(recipe: SimulationRecipe, run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {"run": run.case.name or "run"}
    if run.case.c_rate is not None:
        row["c_rate_per_hour"] = float(run.case.c_rate)
    if run.case.offset is not None:
        row["offset_kT"] = float(run.case.offset)
    if run.case.diffusivity is not None:
        row["diffusivity_m2_per_s"] = float(run.case.diffusivity)
    half = middle(recipe)
    row |= {"uniformity": uniformity(run.video), "voltage_volt_halfway": at_fraction(run.record, "voltage_volt", half)}
    row |= {name: float(measure(run)) for name, measure in _measures(recipe, run).items()}
    row |= boundary_numbers(recipe, run) if by_crystal(recipe) else {}
    row["pathway"] = pathway(recipe, run)
    row |= {
        "mass_balance_error": run.imbalance,
        "seconds": round(run.seconds, 2),
        "complete": run.complete,
        "stopped": run.stopped,
    }
    return row


def _measures(recipe: SimulationRecipe, run: Run) -> dict[str, Measure]:
    """Return what else is measured, by what the recipe holds."""
    found: dict[str, Measure] = {}
    if recipe.defects:
        found["reversal_of_domain"] = lambda one: reversal_amplitude(recipe, one)
    if recipe.population.count > 1:
        found["active_share"] = lambda one: active_share(one.video)
    if _has_front(recipe, run):
        found["front_speed_nm_per_s"] = lambda one: front_speed(one.video, recipe.shown.threshold)
        found["rim_covered_by_new_phase"] = lambda one: cover_halfway(one.video, recipe.shown.threshold)
    else:
        found["filling_duration"] = lambda one: filling(one.video).duration
        found["filling_connectedness"] = lambda one: filling(one.video).connectedness
    return found


def pathway(recipe: SimulationRecipe, run: Run) -> Pathway | Literal["shrinking core"]:
    """Return how the particle fills, in a word; behind a rim that reacts, by how much of it the new phase covers."""
    if not _has_front(recipe, run):
        return filling(run.video).pathway
    cover = cover_halfway(run.video, recipe.shown.threshold)
    return "unknown" if np.isnan(cover) else "shrinking core" if cover > _CORE else "wave"


def reversal_amplitude(recipe: SimulationRecipe, run: Run) -> float:
    """Return the largest amount by which the mean x of a domain goes back against the current."""
    masks = [region_mask(defect, run.video["mask"].shape) for defect in recipe.defects]
    return max(reversal(region_course(run.video, mask), run.case.direction) for mask in masks)


def _has_front(recipe: SimulationRecipe, run: Run) -> bool:
    # Plain diffusion knows no phases, whatever its free energy.
    phases = recipe.transport.kind == "cahn_hilliard"
    return phases and recipe.geometry.reacts == "rim" and recipe.population.count == 1 and "z" not in run.video.dims


def _caption(recipe: SimulationRecipe, run: Run) -> str:
    """Return what a row of maps is called: the run and, where there are several, its pathway."""
    return f"{run.case.label}\n{pathway(recipe, run)}" if run.case.name else ""


def map_rows(recipe: SimulationRecipe, runs: Sequence[Run]) -> list[MapRow]:
    """Return the maps: of few runs several moments each, of many runs one moment each, a row for each direction."""
    if len(runs) <= _FEW:
        return [
            MapRow(
                "\n".join(text for text in (_caption(recipe, run), axis_name(recipe, 1)) if text),
                [*(_map(run, share) for share in recipe.shown.fractions), *_after_rest(recipe, run)],
                axis_name(recipe, 2),
            )
            for run in runs
        ]
    rows = []
    keys = [_key(run) for run in runs]
    for direction, offset in dict.fromkeys((run.case.direction, run.case.offset) for run in runs):
        chosen = [run for run in runs if (run.case.direction, run.case.offset) == (direction, offset)]
        differing = [(*_key(run)[:2], None) for run in chosen] if len({key[2] for key in keys}) > 1 else keys
        text = _WORDS[direction] if offset is None else f"{_WORDS[direction]}, {offset:+g} kT"
        framed = tuple((defect.low, defect.high) for defect in recipe.defects if len(defect.low) == 2)
        maps = [_map(run, 0.5, text=_key_text((*_key(run)[:2], None), differing), framed=framed) for run in chosen]
        if recipe.population.count == 1 and not recipe.defects:
            words = [pathway(recipe, run) for run in chosen]
            maps = [dataclasses.replace(one, text=f"{one.text}\n{word}") for one, word in zip(maps, words, strict=True)]
        rows.append(MapRow(text, maps))
    return rows


def _after_rest(recipe: SimulationRecipe, run: Run) -> list[Map]:
    if not (rest_hours(recipe) and rests(run)):
        return []
    return [Map(run.video, run.video.sizes["time"] - 1, f"after {rest_hours(recipe):.3g} h of rest")]


def _map(run: Run, share: float, *, text: str = "", framed: Sequence[Any] = ()) -> Map:
    mean = np.asarray(run.record["mean_lithium_fraction"].values, dtype=float)
    wanted = mean[0] + share * (mean[-1] - mean[0])
    frame = int(np.argmin(np.abs(mean - wanted)))
    return Map(run.video, frame, f"{text}, x = {mean[frame]:.2f}" if text else f"x = {mean[frame]:.2f}", framed)


def panels(recipe: SimulationRecipe, runs: Sequence[Run]) -> list[Panel]:
    """Return the curves that this recipe calls for."""
    found = [_courses(runs, "Voltage", "voltage (V against Li)", _voltage)]
    rates = {run.case.c_rate for run in runs}
    if len(rates) > 1:
        found.append(_against_rate(runs, "Uniformity", "U (1: uniform)", lambda run: uniformity(run.video)))
        if recipe.population.count == 1 and not recipe.defects:
            found.append(_together(runs))
    else:
        found.append(_courses(runs, "Differences within", "standard deviation of x", _spread))
    found.append(_courses(runs, "Free energy", "mean free energy (kT per site)", _energy))
    if len({run.case.direction for run in runs}) > 1 and len(rates) > 1:
        found.append(_gap(recipe, runs))
    if recipe.defects:
        found += _reversals(recipe, runs)
    if recipe.population.count > 1:
        found += _particles(runs)
    if by_crystal(recipe):
        found += boundary_panels(recipe, runs)
    if _has_front(recipe, runs[0]):
        found += _fronts(recipe, runs)
    return found


def _together(runs: Sequence[Run]) -> Panel:
    panel = _against_rate(
        runs, "Cells that fill together", "time of a cell over that of the run", lambda run: filling(run.video).duration
    )
    return dataclasses.replace(panel, level=TOGETHER, level_text="solid solution above", limits=(0.0, 1.0))


def _voltage(run: Run) -> tuple[Any, Any]:
    return run.record["mean_lithium_fraction"].values, run.record["voltage_volt"].values


def _energy(run: Run) -> tuple[Any, Any]:
    return run.record["mean_lithium_fraction"].values, run.record["free_energy"].values


def _spread(run: Run) -> tuple[Any, Any]:
    x, weight = cells(run.video)
    mean = x @ weight
    return mean, np.sqrt(((x - mean[:, None]) ** 2) @ weight)


def _courses(
    runs: Sequence[Run], title: str, text: str, course: Callable[[Run], tuple[Any, Any]], x: str = _X
) -> Panel:
    """Return a course of every run: a colour for each rate or diffusivity, dashed on delithiation."""
    keys = list(dict.fromkeys(_key(run) for run in runs))
    offsets = list(dict.fromkeys(run.case.offset for run in runs))
    if len(keys) > _MOST and len(offsets) > 1:
        middle_offset = offsets[len(offsets) // 2]
        chosen = [run for run in runs if run.case.offset == middle_offset]
        return _courses(chosen, f"{title}, {middle_offset:+g} kT", text, course, x)
    lines, named = [], set()
    for run in runs:
        key = _key(run)
        label = None if key in named or len(keys) == 1 else _key_text(key, keys)
        named.add(key)
        colour = DIRECTION_COLOURS[run.case.direction] if len(keys) == 1 else rate_colour(keys.index(key), len(keys))
        if len(keys) == 1 and len(runs) > 1:
            label = _WORDS[run.case.direction]
        values = course(run)
        lines.append(Line(*values, label=label, colour=colour, dashed=run.case.direction < 0 and len(keys) > 1))
    return Panel(title, x, text, lines)


def _key(run: Run) -> tuple[float | None, float | None, float | None]:
    return run.case.c_rate, run.case.diffusivity, run.case.offset


def _key_text(key: Sequence[float | None], keys: Sequence[Sequence[float | None]]) -> str:
    """Return what tells one key from the others."""
    units = ("{:g}C", "{:g} m²/s", "{:+g} kT")
    differing = [place for place in range(3) if len({one[place] for one in keys}) > 1]
    return ", ".join(units[place].format(key[place]) for place in differing if key[place] is not None)


def _against_rate(runs: Sequence[Run], title: str, text: str, measure: Measure) -> Panel:
    """Return a measure against the C-rate: a line for each direction, and for each offset of a defect."""
    groups = list(dict.fromkeys((run.case.direction, run.case.offset) for run in runs))
    offsets = list(dict.fromkeys(offset for _, offset in groups))
    lines = []
    for direction, offset in groups:
        chosen = [run for run in runs if (run.case.direction, run.case.offset) == (direction, offset)]
        chosen.sort(key=lambda run: run.case.c_rate or 0)
        several = len(offsets) > 1
        label = f"{offset:+g} kT" if several else (_WORDS[direction] or None)
        colour = rate_colour(offsets.index(offset), len(offsets)) if several else DIRECTION_COLOURS[direction]
        rates = [run.case.c_rate or np.nan for run in chosen]
        lines.append(Line(rates, [measure(run) for run in chosen], label=label, colour=colour, points=True))
    return Panel(title, _RATE, text, lines, log_x=True)


def gaps(recipe: SimulationRecipe, runs: Sequence[Run]) -> dict[float, float]:
    """Return the voltage of delithiation less that of lithiation halfway, V, by C-rate."""
    half = middle(recipe)
    volts = {
        (run.case.c_rate, run.case.direction): at_fraction(run.record, "voltage_volt", half)
        for run in runs
        if run.case.c_rate is not None
    }
    rates = sorted({rate for rate, _ in volts if (rate, 1) in volts and (rate, -1) in volts})
    return {rate: volts[rate, -1] - volts[rate, 1] for rate in rates}


def _gap(recipe: SimulationRecipe, runs: Sequence[Run]) -> Panel:
    found = gaps(recipe, runs)
    line = Line(list(found), [1e3 * one for one in found.values()], points=True)
    return Panel("Voltage gap halfway", _RATE, "delithiation less lithiation (mV)", [line], log_x=True, log_y=True)


def _reversals(recipe: SimulationRecipe, runs: Sequence[Run]) -> list[Panel]:
    shape = runs[0].video["mask"].shape
    masks = [region_mask(defect, shape) for defect in recipe.defects]

    def course(run: Run) -> tuple[Any, Any]:
        return run.record["mean_lithium_fraction"].values, region_course(run.video, masks[0])

    def rest(run: Run) -> tuple[Any, Any]:
        return run.record["mean_lithium_fraction"].values, region_course(run.video, ~np.any(masks, axis=0))

    found = [
        _courses(runs, "Domain with its own potential", "x of the domain", course),
        _courses(runs, "The rest", "x of the rest", rest),
    ]
    if len({run.case.c_rate for run in runs}) > 1:
        found.append(
            _against_rate(
                runs, "Concentration reversal", "largest way back of x", lambda run: reversal_amplitude(recipe, run)
            )
        )
    return found


def _particles(runs: Sequence[Run]) -> list[Panel]:
    found = [_against_rate(runs, "Particles that take part", "active share", lambda run: active_share(run.video))]
    rates = sorted(run.case.c_rate or 0 for run in runs)
    for run in runs:
        if run.case.direction == runs[0].case.direction and run.case.c_rate in (rates[0], rates[-1]):
            courses, _ = particle_courses(run.video)
            mean = run.record["mean_lithium_fraction"].values
            lines = [Line(mean, one, colour=rate_colour(n, courses.shape[1])) for n, one in enumerate(courses.T)]
            found.append(Panel(f"Every particle, {run.case.label}", _X, "x of the particle", lines))
    return found


def _fronts(recipe: SimulationRecipe, runs: Sequence[Run]) -> list[Panel]:
    threshold = recipe.shown.threshold

    def radius(run: Run) -> tuple[Any, Any]:
        return run.video["time"].values, rich_radius(run.video, threshold)

    def covered(run: Run) -> tuple[Any, Any]:
        return run.record["mean_lithium_fraction"].values, rim_cover(run.video, threshold)[0]

    rim = _courses(runs, "Rim under the new phase", "share of the rim", covered)
    found = [
        _courses(runs, "Lithium-rich phase", "radius of an equal circle (nm)", radius, x="time (s)"),
        dataclasses.replace(rim, level=_CORE, level_text="shrinking core above", limits=(0.0, 1.05)),
    ]
    levels = [run.case.diffusivity for run in runs]
    if len(set(levels)) > 1:
        lines = [
            Line(
                [run.case.diffusivity or np.nan for run in runs if run.case.direction == direction],
                [front_speed(run.video, threshold) for run in runs if run.case.direction == direction],
                label=_WORDS[direction] or None,
                colour=DIRECTION_COLOURS[direction],
                points=True,
            )
            for direction in dict.fromkeys(run.case.direction for run in runs)
        ]
        speed = recipe.shown.front_speed
        found.append(
            Panel(
                "Front", "D (m²/s)", "speed of the front (nm/s)", lines, log_x=True, log_y=True, level=speed,
                level_text="" if speed is None else f"{speed:g} nm/s",
            )
        )  # fmt: skip
    return found
