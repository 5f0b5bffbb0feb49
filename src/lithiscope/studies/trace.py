"""A quick look at a potentiostat's file: half cycles, capacities, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lithiscope import cell
from lithiscope.report.cell import cell_curves

if TYPE_CHECKING:
    import xarray as xr

_WORDS = {1: "lithiation", -1: "delithiation"}
# More half cycles than this are counted, not listed.
_LISTED = 24


@dataclass(frozen=True)
class TraceLook:
    """What was found: a picture (PNG) and lines for the terminal."""

    picture: bytes
    lines: list[str]


def look_at_trace(path: Path, *, timezone: str | None = None, capacity_ah: float | None = None) -> TraceLook:
    """Look at one potentiostat's file.

    Parameters
    ----------
    path : Path
        The file.
    timezone : str, optional
        Zone of the potentiostat's clock.
    capacity_ah : float, optional
        Capacity that 1C passes in an hour, Ah; without it there is no nominal C-rate.

    Returns
    -------
    TraceLook
        Number of samples, start, half cycles with capacity, C-rate and mid voltage, and doubts about sign and units.
    """
    trace = cell.open_trace(path, timezone=timezone)
    lines = [*_about(trace)]
    doubts = cell.check_trace(trace, capacity_ah=capacity_ah)
    if "current_ampere" in trace and np.any(np.nan_to_num(trace["current_ampere"].values)):
        options = cell.SplitOptions(nominal_capacity_ah=capacity_ah)
        trace, halves = cell.split(trace, options=options)
        lines += half_cycle_lines(halves)
    lines += [str(doubt) for doubt in doubts]
    return TraceLook(cell_curves(trace), lines)


def _about(trace: xr.Dataset) -> Iterator[str]:
    time = trace["test_time_second"].values
    start = trace.attrs.get("start_utc") or trace.attrs.get("start_local", "")
    zone = "" if "start_utc" in trace.attrs or not start else " (zone not known; give --timezone)"
    yield (
        f"{trace.attrs['source']}: {trace.attrs['format']}, {time.size} samples over "
        f"{(np.nanmax(time) - np.nanmin(time)) / 3600:.3g} h" + (f", started {start}{zone}" if start else "")
    )
    columns = [str(name) for name in trace.data_vars if name != "sample_flag"]
    yield "columns: " + ", ".join(columns)
    source = trace.attrs.get("current_source", "")
    yield f"current: {source}" if source else "current: none, so there are no half cycles"


def half_cycle_lines(halves: xr.Dataset) -> Iterator[str]:
    """Yield the half cycles in words: direction, charge, current, C-rate, voltage at half of the charge."""
    count = halves.sizes["half_cycle"]
    yield f"{count} half cycle(s)" + (f", the first {_LISTED}:" if count > _LISTED else ":" if count else "")
    for k in range(min(count, _LISTED)):
        row = halves.isel(half_cycle=k)
        rate = float(row["nominal_c_rate"]) if "nominal_c_rate" in row else float("nan")
        shown = f"{rate:.3g}C" if np.isfinite(rate) else f"{float(row['measured_c_rate']):.3g}C of its own charge"
        yield (
            f"  {int(halves['half_cycle'].values[k]):3d} {_WORDS[int(row['direction'])]:12s} "
            f"{_amount(float(row['capacity_ah']), 'Ah')}  {_amount(float(row['current_ampere']), 'A')}  {shown}, "
            f"{float(row['mid_voltage_volt']):.4f} V at half of it"
        )


def _amount(value: float, unit: str) -> str:
    for factor, prefix in ((1.0, ""), (1e3, "m"), (1e6, "u"), (1e9, "n"), (1e12, "p")):
        if abs(value) * factor >= 1 or prefix == "p":
            return f"{value * factor:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"
