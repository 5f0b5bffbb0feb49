"""Options of opening and checking a trace."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lithiscope.options import Options


class TraceOptions(Options):
    """What the file does not say, and what the user wants to have put right."""

    current_sign: Literal[1, -1] = Field(
        1, description="-1 where the file counts reduction as positive; multiplies current and net capacity"
    )
    current_factor: float = Field(
        1.0, gt=0, description="multiplies the current, e.g. 0.001 where mA were published as A"
    )
    time_factor: float = Field(
        1.0, gt=0, description="multiplies the time, e.g. 3600 where hours were published as seconds"
    )
    capacity_factor: float = Field(
        1.0, gt=0, description="multiplies the capacity columns, e.g. 0.001 where mAh were published as Ah"
    )
    capacity_ah: float | None = Field(
        None, gt=0, description="capacity of the cell in Ah, for files that give only shares of it"
    )
    current_ampere: float | None = Field(
        None, description="the constant current in A (positive = delithiation), for files that hold none"
    )
    date_order: Literal["month first", "day first"] | None = Field(
        None, description="how 03/04/2024 is read; None: as the format is known to write it"
    )
    table: str | None = Field(None, description="name of the table to read where a file holds several (Gamry)")


class CheckOptions(Options):
    """Thresholds above which a trace is doubted."""

    run_samples: int = Field(8, ge=3, description="fewest samples of one current direction that are judged")
    rank_correlation: float = Field(
        0.5, gt=0, lt=1, description="a run speaks about the sign when |Spearman(V, t)| is above this"
    )
    sign_share: float = Field(
        0.9, gt=0.5, le=1, description="share of the charge (or of the steps) that must speak the same way"
    )
    sign_samples: int = Field(30, ge=3, description="samples in speaking runs from which a wrong sign is an error")
    sign_jumps: int = Field(6, ge=1, description="jumps of the current from which they have a say about its sign")
    charge_tolerance: float = Field(
        0.05, gt=0, description="relative difference of charge and capacity column that is let pass, beyond rounding"
    )
    factor_tolerance: float = Field(
        0.15, gt=0, lt=0.5, description="how near a ratio must be to 1000, 3600, ... to be named so (relative)"
    )
    capacity_excess: float = Field(3.0, gt=1, description="charge of one half cycle over the capacity, at most")
    largest_voltage: float = Field(20.0, gt=0, description="largest believable |voltage| in V")
