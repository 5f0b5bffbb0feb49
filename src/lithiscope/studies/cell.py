"""The steps of a study on the potentiostat's trace, and what the cell did at every frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import cell
from lithiscope.errors import AnalysisError, LithiscopeWarning
from lithiscope.progress import Reporter
from lithiscope.studies.agreement import require_same_directions, require_sides
from lithiscope.studies.clocks import fitted_clock
from lithiscope.studies.runner import Step, options_at, sentence
from lithiscope.studies.sources import named_files

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.studies.recipe import Recipe

Inputs = Mapping[str, "xr.Dataset"]

# Moments at which the liquid is followed, and the change of the current that is one more (share of the largest).
_MOMENTS = 200
_STEP = 0.05
# Seconds that a scan may lie outside its half cycle, beyond its own length.
_SLACK = 60.0


def cell_steps(recipe: Recipe) -> list[Step]:
    """Return the steps on the trace, none when the recipe names no file of the potentiostat."""
    section = recipe.cell
    if not section.files:
        return []
    edges = ("particles",) if section.clock.source == "edges" else ()
    known = ("cell_trace", "half_cycles")
    steps = [
        Step(
            "cell_trace",
            (),
            options_at(
                *(f"cell.{name}" for name in ("files", "timezone", "columns", "read", "check", "doubtful", "split"))
            ),
            _trace,
            files=trace_files,
        ),
        Step("half_cycles", ("cell_trace",), options_at("cell.split"), _half_cycles),
        Step("incremental_capacity", known, options_at("cell.incremental"), _incremental_capacity),
        Step("differential_voltage", known, options_at("cell.incremental"), _differential_voltage),
        Step("resistance", ("cell_trace",), options_at("cell.resistance"), _resistance, files=_spectrum_file),
        Step("equilibrium_voltage", (*known, "resistance"), options_at("cell.equilibrium"), _equilibrium),
    ]
    if section.blank:
        steps.append(
            Step(
                "without_blank",
                ("incremental_capacity",),
                options_at(
                    *(f"cell.{name}" for name in ("blank", "timezone", "columns", "read", "split", "incremental"))
                ),
                _without_blank,
                files=blank_files,
                optional=True,
            )
        )
    steps.append(
        Step(
            "peaks",
            (*known, *(("without_blank",) if section.blank else ())),
            options_at("cell.incremental", "cell.peaks"),
            _peaks,
        )
    )
    if section.compare_rates:
        steps.append(
            Step("rate_overpotential", (*known, "resistance"), options_at("cell.overpotential"), _overpotential)
        )
    if section.electrolyte.compute:
        steps.append(Step("electrolyte", known, options_at("cell.electrolyte"), _electrolyte))
    return [
        *steps,
        Step("clock", ("recording", "cell_trace", *edges), options_at("cell.clock", "cell.edges"), _clock),
        Step(
            "cell_frames",
            ("recording", "composition", *known, "clock", "resistance", "equilibrium_voltage"),
            options_at("cell.frames", "cell.doubtful"),
            _frames,
        ),
        Step(
            "cell_intervals",
            ("composition", *known, "clock", "resistance", "equilibrium_voltage"),
            options_at("cell.frames", "cell.doubtful"),
            _intervals,
            optional=not recipe.kinetics.compute,
        ),
    ]


def trace_files(recipe: Recipe) -> list[Path]:
    """Return the potentiostat's files of a recipe.

    Raises
    ------
    OptionError
        If a pattern matches nothing.
    """
    return named_files(recipe.folder, recipe.cell.files, field="cell.files")


def blank_files(recipe: Recipe) -> list[Path]:
    """Return the potentiostat's files of the cell without particles.

    Raises
    ------
    OptionError
        If a pattern matches nothing.
    """
    return named_files(recipe.folder, recipe.cell.blank, field="cell.blank")


def _spectrum_file(recipe: Recipe) -> list[Path]:
    spectrum = recipe.cell.resistance.spectrum
    return [] if spectrum is None else named_files(recipe.folder, (spectrum,), field="cell.resistance.spectrum")


def read_trace(recipe: Recipe) -> xr.Dataset:
    """Read, join, check and split the trace of a recipe.

    Returns
    -------
    xarray.Dataset
        Stage cell_trace with half_cycle_count.
    """
    section = recipe.cell
    trace = _opened(recipe, trace_files(recipe))
    if "current_ampere" not in trace:
        return cell.split(trace, options=section.split)[0]  # which tells what is missing
    with _doubted(recipe):
        cell.require_sound(trace, capacity_ah=section.split.capacity, options=section.check)
    return cell.split(trace, options=section.split)[0]


def _opened(recipe: Recipe, paths: list[Path]) -> xr.Dataset:
    section = recipe.cell
    traces = [
        cell.open_trace(path, timezone=section.timezone, columns=section.columns or None, options=section.read)
        for path in paths
    ]
    return traces[0] if len(traces) == 1 else cell.join_traces(traces)


def _trace(recipe: Recipe, _inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return read_trace(recipe)


def _half_cycles(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return cell.split(inputs["cell_trace"], options=recipe.cell.split)[1]


def _incremental_capacity(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return cell.incremental_capacity(inputs["cell_trace"], inputs["half_cycles"], options=recipe.cell.incremental)


def _differential_voltage(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return cell.differential_voltage(inputs["cell_trace"], inputs["half_cycles"], options=recipe.cell.incremental)


def _without_blank(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    trace, half_cycles = cell.split(_opened(recipe, blank_files(recipe)), options=recipe.cell.split)
    blank = cell.incremental_capacity(trace, half_cycles, options=recipe.cell.incremental)
    return cell.subtract_blank(inputs["incremental_capacity"], blank)


def _peaks(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return cell.find_peaks(
        inputs["cell_trace"],
        inputs["half_cycles"],
        options=recipe.cell.peaks,
        curves=recipe.cell.incremental,
        corrected=inputs.get("without_blank"),
    )


def _resistance(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    options = cell.ResistanceOptions(**recipe.cell.resistance.model_dump(exclude={"spectrum"}))
    files = _spectrum_file(recipe)
    spectrum = cell.read_impedance(files[0]) if files else None
    return cell.ohmic_resistance(inputs["cell_trace"], spectrum=spectrum, options=options)


def _equilibrium(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return cell.equilibrium_voltage(
        inputs["cell_trace"],
        inputs["half_cycles"],
        resistance=inputs["resistance"],
        options=recipe.cell.equilibrium,
    )


def _overpotential(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return cell.overpotential_against_rate(
        inputs["cell_trace"], inputs["half_cycles"], resistance=inputs["resistance"], options=recipe.cell.overpotential
    )


def _electrolyte(recipe: Recipe, inputs: Inputs, reporter: Reporter) -> xr.Dataset:
    from lithiscope.electrolyte import ChannelOptions, channel_transport

    trace = inputs["cell_trace"]
    time, current = trace["test_time_second"].values, trace["current_ampere"].values
    known = np.flatnonzero(np.isfinite(time) & np.isfinite(current))
    # The salt follows slowly: a few hundred moments, the steps of the current among them, say all.
    steps = np.flatnonzero(np.abs(np.diff(current[known])) > _STEP * np.abs(current[known]).max())
    chosen = np.unique(np.concatenate([np.linspace(0, known.size - 1, _MOMENTS).astype(int), steps, steps + 1]))
    moments = known[chosen]
    moments = moments[np.concatenate([[True], np.diff(time[moments]) > 0])]
    capacity = inputs["half_cycles"].attrs.get("nominal_capacity_ah")
    return channel_transport(
        time[moments],
        current[moments],
        capacity_ampere_hour=None if capacity is None else float(capacity),
        options=ChannelOptions(**recipe.cell.electrolyte.model_dump(exclude={"compute"})),
        reporter=reporter,
    )


def _clock(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    return fitted_clock(recipe, inputs)


def _frames(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    frames = cell.at_frames(
        inputs["cell_trace"],
        inputs["half_cycles"],
        inputs["clock"],
        inputs["composition"]["time"].values,
        resistance=inputs["resistance"],
        equilibrium=inputs["equilibrium_voltage"],
        options=recipe.cell.frames,
    )
    _warn_of_capacity(recipe, inputs["half_cycles"])
    with _doubted(recipe):
        require_same_directions(
            frames,
            inputs["half_cycles"],
            inputs["clock"],
            inputs["composition"],
            slack=float(np.nanmax(np.ptp(inputs["recording"]["exposure_mid"].values, axis=1))) + _SLACK,
            rests=all(series.direction != "unknown" for series in recipe.data.series),
            file=inputs["cell_trace"].attrs.get("source"),
        )
    return frames


def _intervals(recipe: Recipe, inputs: Inputs, _reporter: Reporter) -> xr.Dataset:
    times = inputs["composition"]["time"].values
    if times.size < 2:
        raise AnalysisError(
            "there is only one scan, so there is nothing between two",
            field="data.series",
            value="1 scan",
            limit="2 scans or more",
            remedy="add scans to data.series, or set kinetics.compute to false",
        )
    intervals = cell.over_intervals(
        inputs["cell_trace"],
        inputs["half_cycles"],
        inputs["clock"],
        times,
        resistance=inputs["resistance"],
        equilibrium=inputs["equilibrium_voltage"],
        options=recipe.cell.frames,
    )
    with _doubted(recipe):
        require_sides(
            intervals,
            inputs["equilibrium_voltage"],
            inputs["resistance"],
            file=inputs["cell_trace"].attrs.get("source"),
        )
    return intervals


@contextmanager
def _doubted(recipe: Recipe) -> Iterator[None]:
    """Turn an error about a doubtful trace into a warning where the recipe says so."""
    try:
        yield
    except AnalysisError as error:
        if recipe.cell.doubtful == "stop":
            raise
        warnings.warn(f"used all the same: {sentence(error)}", LithiscopeWarning, stacklevel=3)


def _warn_of_capacity(recipe: Recipe, half_cycles: xr.Dataset) -> None:
    if recipe.cell.frames.capacity_ah is None and recipe.cell.split.capacity is None:
        warnings.warn(
            f"the capacity of the cell is not stated: 1C and the lithium fraction of the electrode count from its "
            f"largest half cycle, {float(half_cycles['capacity_ah'].max()):.4g} Ah; state "
            "cell.split.nominal_capacity_ah",
            LithiscopeWarning,
            stacklevel=2,
        )
