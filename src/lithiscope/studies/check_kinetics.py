"""What could stop or mislead cell and kinetics: the trace, its sign, units and clock, its overlap with the scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lithiscope.progress import SILENT
from lithiscope.studies.cell import cell_steps
from lithiscope.studies.finding import Finding, guarded
from lithiscope.studies.runner import own_result
from lithiscope.studies.trace import half_cycle_lines

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe
    from lithiscope.studies.runner import Step

_FEWEST = 2


def check_kinetics(recipe: Recipe, recording: xr.Dataset | None) -> list[Finding]:
    """Check the potentiostat's trace of a recipe by itself and against the scans.

    Parameters
    ----------
    recipe : Recipe
        With the section cell or kinetics.
    recording : xarray.Dataset, optional
        All scans, stage recording; None when they cannot be read.

    Returns
    -------
    list of Finding
        In the order of the work. Every step on the trace that is quick is done; what needs lithium maps (a clock from
        their edges) is left to the run.
    """
    findings = guarded(partial(_scans, recipe, recording)) if recipe.kinetics.compute and recording is not None else []
    if not recipe.cell.files:
        return findings
    results = {} if recording is None else {"recording": recording, "composition": recording}
    steps = {step.name: step for step in cell_steps(recipe)}
    for name, tell in _TOLD.items():
        step = steps[name]
        if all(need in results for need in step.needs):
            findings += guarded(partial(_tried, recipe, step, results, tell))
    if recipe.cell.clock.source == "edges":
        findings.append(Finding("warning", "cell.clock.source is edges: whether images and trace fit shows in the run"))
    return _told_once(findings)


def _told_once(findings: list[Finding]) -> list[Finding]:
    """Return the findings without repetitions; of errors that differ in their figures alone the first."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for one in findings:
        told = (one.level, one.text.partition("\n")[0] if one.level == "error" else one.text)
        if told not in seen:
            kept.append(one)
        seen.add(told)
    return kept


def _scans(recipe: Recipe, recording: xr.Dataset) -> Iterator[Finding]:
    away = {one.scan for one in recipe.particles.table.exclude if one.scan is not None}
    away |= {one.frame for one in recipe.particles.table.exclude if one.frame is not None}
    count = recording.sizes["time"] - len(away)
    if count < _FEWEST:
        yield Finding("error", f"kinetics.compute: {count} scan(s) are not excluded, and rates need two or more")
    if not recipe.cell.files and not np.any(recording["direction"].values):
        yield Finding("error", "data.series.direction: kinetics need a direction, and there is no trace to tell it")


def _tried(
    recipe: Recipe, step: Step, results: dict[str, xr.Dataset], tell: Callable[[xr.Dataset], str]
) -> Iterator[Finding]:
    """Do one step, keep its result for the next, and tell what it found."""
    step.files(recipe)
    results[step.name] = own_result(step.name, step.run(recipe, results, SILENT))
    yield Finding("ok", tell(results[step.name]))


def _trace(trace: xr.Dataset) -> str:
    time = trace["test_time_second"].values
    start = trace.attrs.get("start_utc") or trace.attrs.get("start_local") or "a time that is not told"
    hours = float(np.nanmax(time) - np.nanmin(time)) / 3600
    return f"trace {trace.attrs['source']}: {time.size} samples over {hours:.3g} h from {start}"


def _halves(half_cycles: xr.Dataset) -> str:
    return "\n".join(half_cycle_lines(half_cycles))


def _resistance(resistance: xr.Dataset) -> str:
    value, std = float(resistance["resistance_ohm"]), float(resistance["resistance_std"])
    return f"ohmic resistance {value:.4g} +- {std:.2g} ohm ({resistance.attrs.get('method', 'measured')})"


def _equilibrium(equilibrium: xr.Dataset) -> str:
    value, std = float(equilibrium["plateau_volt"]), float(equilibrium["plateau_std"])
    return f"equilibrium voltage {value:.4f} +- {std:.2g} V ({equilibrium.attrs.get('method', 'measured')})"


def _clock(clock: xr.Dataset) -> str:
    offset, std = float(clock["offset_second"]), float(clock["offset_std"])
    return f"the first scan began at {offset:.6g} +- {std:.2g} s of the trace ({clock.attrs['method']})"


def _frames(frames: xr.Dataset) -> str:
    inside = int(np.isfinite(frames["voltage_volt"].values).sum())
    flowing = int(np.count_nonzero(frames["direction"].values))
    return f"{inside} of {frames.sizes['time']} scans lie within the trace, {flowing} while a current flowed"


def _intervals(intervals: xr.Dataset) -> str:
    eta = intervals["overpotential_volt"].values[intervals["direction"].values != 0]
    eta = eta[np.isfinite(eta)]
    if not eta.size:
        return "no interval between two scans lies within a half cycle: there will be no exchange currents"
    return f"overpotential between the scans: {eta.min():.3f} to {eta.max():.3f} V"


_TOLD: dict[str, Callable[[xr.Dataset], str]] = {
    "cell_trace": _trace,
    "half_cycles": _halves,
    "resistance": _resistance,
    "equilibrium_voltage": _equilibrium,
    "clock": _clock,
    "cell_frames": _frames,
    "cell_intervals": _intervals,
}
