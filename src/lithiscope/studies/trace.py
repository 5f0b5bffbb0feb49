"""A quick look at a potentiostat's file: half cycles, capacities, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from lithiscope import cell
from lithiscope.errors import OptionError
from lithiscope.options import option_error
from lithiscope.report.cell import cell_curves
from lithiscope.studies.recipe_cell import CellSection
from lithiscope.studies.recipe_text import override

if TYPE_CHECKING:
    import xarray as xr

_WORDS = {1: "lithiation", -1: "delithiation"}
# Parts of the section cell of a recipe that look_at_trace works with.
_SECTIONS = ("timezone", "columns", "read", "check", "split")
_CAPACITIES = {"nominal_capacity_ah", "active_mass_gram", "specific_capacity_ah_per_gram"}
# More half cycles than this are counted, not listed.
_LISTED = 24


@dataclass(frozen=True)
class TraceLook:
    """What was found: a picture (PNG), lines for the terminal, and whether no error was among the doubts."""

    picture: bytes
    lines: list[str]
    sound: bool = True


def look_at_trace(
    path: Path, *, timezone: str | None = None, capacity_ah: float | None = None, settings: Sequence[str] = ()
) -> TraceLook:
    """Look at one potentiostat's file.

    Parameters
    ----------
    path : Path
        The file.
    timezone : str, optional
        Zone of the potentiostat's clock.
    capacity_ah : float, optional
        Capacity that 1C passes in an hour, Ah; without it there is no nominal C-rate. Files that hold shares of the
        capacity are read with it.
    settings : sequence of str
        ``option=value`` as in the section cell of a recipe, such as ``read.current_sign=-1``,
        ``columns.current_ampere=[I, mA]`` or ``split.least_share=0.02``; options of ``read`` without their section too.

    Returns
    -------
    TraceLook
        Number of samples, start, half cycles with capacity, C-rate and mid voltage, and doubts about sign and units.

    Raises
    ------
    OptionError
        If a setting is no option of opening, checking or splitting a trace.
    """
    section = _section(settings, timezone, capacity_ah)
    trace = cell.open_trace(path, timezone=section.timezone, columns=section.columns or None, options=section.read)
    lines = [*_about(trace)]
    doubts = cell.check_trace(trace, capacity_ah=section.split.capacity, options=section.check)
    if "current_ampere" in trace and np.any(np.nan_to_num(trace["current_ampere"].values)):
        trace, halves = cell.split(trace, options=section.split)
        lines += half_cycle_lines(halves)
    lines += [str(doubt) for doubt in doubts]
    return TraceLook(cell_curves(trace), lines, all(doubt.severity != "error" for doubt in doubts))


def _section(settings: Sequence[str], timezone: str | None, capacity_ah: float | None) -> CellSection:
    """Return the section cell of a recipe with these settings and nothing else."""
    content = override({}, [_whole_name(setting) for setting in settings])
    given: dict[str, Any] = {} if timezone is None else {"timezone": timezone}
    if capacity_ah is not None:
        given |= {"read": {"capacity_ah": capacity_ah}, "split": {"nominal_capacity_ah": capacity_ah}}
    for name, value in given.items():
        stated = content.get(name)
        # What --set says goes before the other options.
        if stated is None:
            content[name] = value
        elif isinstance(stated, dict) and not (name == "split" and _CAPACITIES & set(stated)):
            content[name] = {**value, **stated}
    try:
        return CellSection.model_validate(content)
    except ValidationError as error:
        raise option_error(error, "--set", None) from None


def _whole_name(setting: str) -> str:
    """Return a setting with the name of its section, which errors leave out where they speak of `read`."""
    setting = setting.strip().removeprefix("cell.")
    first = re.split(r"[.=]", setting, maxsplit=1)[0].strip()
    if first in cell.TraceOptions.model_fields:
        return f"read.{setting}"
    if first not in _SECTIONS:
        raise OptionError(
            "a trace has no such option",
            field="--set",
            value=setting,
            limit=", ".join((*_SECTIONS, *cell.TraceOptions.model_fields)),
            remedy="for example --set current_sign=-1 or --set 'columns.current_ampere=[I, mA]'",
        )
    return setting


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
