"""The section of a recipe on the potentiostat's trace."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from lithiscope.cell.options import (
    ClockOptions,
    EdgeOptions,
    EquilibriumOptions,
    FrameOptions,
    IncrementalOptions,
    PeakOptions,
    RateOptions,
    ResistanceOptions,
    SplitOptions,
)
from lithiscope.cell.trace_options import CheckOptions, TraceOptions
from lithiscope.electrolyte.options import ChannelOptions
from lithiscope.options import Options


class Marker(Options):
    """One moment that both clocks saw."""

    image_second: float = Field(description="when, in seconds since the start of the first scan")
    image_std: float = Field(5.0, gt=0, description="standard deviation of it, s")
    trace_second: float = Field(description="test time of the same moment in the trace, s")


class ResistanceSection(ResistanceOptions):
    """The ohmic resistance: stated, else from an impedance spectrum, else from the steps of the current."""

    spectrum: str | None = Field(
        None,
        description="file of an impedance spectrum (.mpt, .DTA, or csv with frequency, Z' and Z''), relative to "
        "data.folder; its intercept with the real axis is the resistance",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.ohm is not None and self.spectrum is not None:
            raise ValueError("state either ohm or spectrum, not both")
        return self


class ClockSection(ClockOptions):
    """How the clocks of images and potentiostat are brought together."""

    source: Literal["absolute", "edges", "markers", "stated"] = Field(
        "absolute",
        description="absolute: both files state their time (data.timezone, cell.timezone); edges: the moments at which "
        "the mean composition starts or stops to change; markers: moments that you saw; stated: offset_second",
    )
    markers: tuple[Marker, ...] = Field((), description="moments that both clocks saw, for source: markers")


class ElectrolyteSection(ChannelOptions):
    """The liquid in the thin channel of the cell."""

    compute: bool = Field(False, description="compute salt and potential above the electrode, for a liquid cell")


class CellSection(Options):
    """The potentiostat's trace."""

    files: tuple[str, ...] = Field(
        (), description="the potentiostat's files or patterns, relative to data.folder; empty: none"
    )
    timezone: str | None = Field(None, description="zone of the potentiostat's clock, e.g. America/Los_Angeles")
    columns: dict[str, str | int | tuple[str | int, str]] = Field(
        default_factory=dict,
        description="variable: [column of the file, unit], where the labels do not say, e.g. current_ampere: [I, mA]; "
        "columns without labels are numbered from 0",
    )
    read: TraceOptions = Field(TraceOptions(), description="repairs, and what the file does not say")
    check: CheckOptions = Field(CheckOptions(), description="when a trace is doubted")
    doubtful: Literal["stop", "warn"] = Field(
        "stop", description="what happens when the trace looks wrong (sign, unit): stop, or go on with a warning"
    )
    split: SplitOptions = Field(SplitOptions(), description="half cycles, and what 1C means")
    edges: EdgeOptions = Field(EdgeOptions(), description="steps of the current")
    incremental: IncrementalOptions = Field(IncrementalOptions(), description="dQ/dV")
    blank: tuple[str, ...] = Field(
        (),
        description="files of the same cell without particles, over the same voltages, whose dQ/dV (mean of the "
        "half cycles of a direction) is taken off; empty: none",
    )
    peaks: PeakOptions = Field(PeakOptions(), description="peaks of dQ/dV")
    resistance: ResistanceSection = Field(ResistanceSection(), description="ohmic resistance")
    equilibrium: EquilibriumOptions = Field(EquilibriumOptions(), description="equilibrium voltage")
    compare_rates: bool = Field(
        False, description="compare the overpotentials of half cycles of several rates (Koo 2023, fig. 1c)"
    )
    overpotential: RateOptions = Field(RateOptions(), description="overpotential against C-rate")
    clock: ClockSection = Field(ClockSection(), description="the clocks of images and potentiostat")
    frames: FrameOptions = Field(FrameOptions(), description="state of the cell at every frame")
    electrolyte: ElectrolyteSection = Field(ElectrolyteSection(), description="the liquid in the channel of the cell")
