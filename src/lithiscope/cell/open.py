"""Opening a potentiostat's file as a trace, whatever wrote it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.cell.joining import joined
from lithiscope.cell.readers.charge import current_from_charge
from lithiscope.cell.readers.columns import INTEGERS
from lithiscope.cell.readers.raw import CHARGE_INCREMENT, Columns, RawTrace, Request
from lithiscope.cell.readers.registry import reader_for
from lithiscope.cell.trace_options import TraceOptions
from lithiscope.errors import FileFormatError, OptionError
from lithiscope.stages import new
from lithiscope.stages.flags import flag_bit
from lithiscope.times import to_utc, zone_of

if TYPE_CHECKING:
    import xarray as xr

_CAPACITIES = ("net_capacity_ah", "charging_capacity_ah", "discharging_capacity_ah")
_POTENTIAL = "working_electrode_potential_volt"


def open_trace(
    path: str | Path,
    *,
    timezone: str | None = None,
    columns: Columns | None = None,
    options: TraceOptions = TraceOptions(),  # noqa: B008 - frozen
) -> xr.Dataset:
    """Read a potentiostat's file; the format is recognised by its content.

    Parameters
    ----------
    path : str or Path
        EC-Lab or BT-Lab .mpt or .mpr, Gamry .DTA, BDF or another table with named columns, Neware .nda or .ndax,
        MATLAB pseudo-OCV, or what a plug-in reads.
    timezone : str, optional
        IANA name of the zone of the potentiostat's clock, e.g. ``Europe/Zurich``. Without it, and without a zone in
        the file, there is no ``unix_time_second``.
    columns : mapping, optional
        Variable of the trace to column of the file: a label, a number from 0, or one of these with its unit, as in
        ``{"current_ampere": ("I", "mA")}``. Goes before what the labels say.
    options : TraceOptions
        Repairs, and what the file does not say.

    Returns
    -------
    xarray.Dataset
        Stage cell_trace. The sign of the current is the file's, times ``options.current_sign``: positive should be
        delithiation (see `check_trace`). A sample of which something could not be read has the flag ``missing``.

    Raises
    ------
    FileFormatError
        If the file is empty, holds no trace, or is damaged.
    OptionError
        If zone, columns or options do not fit the file.
    UnitError
        If a column has no unit, or one of another dimension.

    Warns
    -----
    LithiscopeWarning
        If rows cannot be read or the file ends within one.
    """
    path = Path(path)
    zone_of(timezone)
    reader = reader_for(path, columns_named=bool(columns))
    request = Request(timezone, columns, options)
    try:
        raw = reader.read(path, request)
    except (OSError, ValueError, KeyError, IndexError, EOFError, OverflowError) as error:
        raise FileFormatError(
            f"the file is damaged: it cannot be read as {reader.FORMAT}",
            file=path,
            value=f"{type(error).__name__}: {error}",
        ) from error
    return _finish(raw, path, reader.FORMAT, request)


def _finish(raw: RawTrace, path: Path, form: str, request: Request) -> xr.Dataset:
    """Repair, complete, flag and label what a reader handed over."""
    options = request.options
    variables = {name: _as_floats(name, values) for name, values in raw.variables.items()}
    start = _set_time(variables, raw.start, path)
    time = variables["test_time_second"] = variables["test_time_second"] * options.time_factor
    source = _set_current(variables, raw, options, path)
    _repair(variables, options)
    attrs: dict[str, Any] = {"source": path.name, "format": form, **_clock(variables, start, path, request)}
    if raw.technique:
        attrs["technique"] = raw.technique
    if source:
        attrs["current_source"] = source
    if "voltage_volt" in variables:
        attrs["voltage_source"] = "cell"
    elif _POTENTIAL in variables:
        variables["voltage_volt"] = variables[_POTENTIAL].copy()
        attrs["voltage_source"] = "working electrode"
    repairs = _described(options)
    if repairs:
        attrs["repairs"] = repairs
    if raw.header:
        attrs["header"] = json.dumps(dict(raw.header), ensure_ascii=False)
    flags = np.where(_unreadable(variables), flag_bit("missing"), 0)
    return new(
        "cell_trace",
        {
            **{name: ("sample", _as_integers(name, values)) for name, values in variables.items()},
            "sample_flag": ("sample", flags),
        },
        coords={"sample": ("sample", np.arange(len(time)))},
        attrs=attrs,
    )


def _set_time(variables: dict[str, np.ndarray], start: datetime | None, path: Path) -> datetime | None:
    """See that there is a test time; where a file has only unix time, the first sample is the start."""
    unix = variables.get("unix_time_second")
    if unix is not None and not np.any(np.isfinite(unix)):
        unix = variables.pop("unix_time_second")
    if "test_time_second" not in variables and unix is not None and np.any(np.isfinite(unix)):
        variables["test_time_second"] = unix - unix[np.isfinite(unix)][0]
    time = variables.get("test_time_second")
    if time is None or len(time) == 0:
        raise FileFormatError(
            "the file holds no samples", file=path, field="test_time_second", remedy="was the experiment stopped early?"
        )
    finite = np.isfinite(time)
    if not finite.any():
        raise FileFormatError(
            "no time of the file can be read",
            file=path,
            field="test_time_second",
            limit="numbers, or dates such as 01/31/2024 11:02:30.5",
            remedy="where day and month can be confused, state the option date_order",
        )
    if start is None and "unix_time_second" in variables:
        first = int(np.argmax(finite & np.isfinite(variables["unix_time_second"])))
        moment = variables["unix_time_second"][first] - time[first]
        start = datetime.fromtimestamp(moment, tz=UTC) if 0 < moment < 1e11 else None
    return start


def _set_current(variables: dict[str, np.ndarray], raw: RawTrace, options: TraceOptions, path: Path) -> str:
    """See that there is a current where one can be known; return where it came from."""
    increment = variables.pop(CHARGE_INCREMENT, None)
    time = variables["test_time_second"]
    if increment is not None and "net_capacity_ah" not in variables:
        variables["net_capacity_ah"] = np.cumsum(np.nan_to_num(increment))
    if "current_ampere" in variables:
        if options.current_ampere is not None and raw.current_source == "measured":
            raise OptionError(
                "the file has a current of its own",
                file=path,
                field="current_ampere",
                value=options.current_ampere,
                remedy="leave the option out; current_factor and current_sign repair a wrong one",
            )
        return raw.current_source
    if increment is not None:
        variables["current_ampere"] = current_from_charge(increment, time)
        return "from charge"
    if options.current_ampere is not None:
        variables["current_ampere"] = np.full(len(time), options.current_ampere)
        return "stated"
    if raw.open_circuit:
        variables["current_ampere"] = np.zeros(len(time))
        return "open circuit"
    return ""


def _repair(variables: dict[str, np.ndarray], options: TraceOptions) -> None:
    factors = {
        **dict.fromkeys(_CAPACITIES, options.capacity_factor),
        "current_ampere": options.current_sign * options.current_factor,
        "net_capacity_ah": options.current_sign * options.capacity_factor,
    }
    for name, factor in factors.items():
        if name in variables and factor != 1:
            # Adding zero turns -0.0 into 0.0.
            variables[name] = variables[name] * factor + 0.0


def _described(options: TraceOptions) -> str:
    standard = TraceOptions()
    names = ("current_sign", "current_factor", "time_factor", "capacity_factor")
    changed = {name: getattr(options, name) for name in names if getattr(options, name) != getattr(standard, name)}
    return ", ".join(f"{name}={value:g}" for name, value in changed.items())


def _clock(variables: dict[str, np.ndarray], start: datetime | None, path: Path, request: Request) -> dict[str, str]:
    attrs: dict[str, str] = {}
    if start is None:
        return attrs
    if start.tzinfo is None:
        attrs["start_local"] = start.isoformat()
    utc = to_utc(start, zone_of(request.timezone), file=path)
    if utc is not None:
        attrs["start_utc"] = utc.isoformat()
        if "unix_time_second" not in variables:
            variables["unix_time_second"] = utc.timestamp() + variables["test_time_second"]
    return attrs


def _unreadable(variables: dict[str, np.ndarray]) -> np.ndarray:
    """Return where a value is missing in a column that has others."""
    missing = np.zeros(len(variables["test_time_second"]), dtype=bool)
    for values in variables.values():
        gaps = ~np.isfinite(values)
        if not gaps.all():
            missing |= gaps
    return missing


def _as_floats(name: str, values: np.ndarray) -> np.ndarray:
    floats = np.asarray(values, dtype=float)
    return np.where(np.abs(floats) < 2**31, floats, np.nan) if name in INTEGERS else floats


def _as_integers(name: str, values: np.ndarray) -> np.ndarray:
    if name not in INTEGERS:
        return values
    return np.where(np.isfinite(values), values, -1).astype(np.int32)


def join_traces(traces: Sequence[xr.Dataset], *, offsets: Sequence[float] | None = None) -> xr.Dataset:
    """Join the files of one cell, such as the techniques of a sequence, into one trace in the order of time.

    Parameters
    ----------
    traces : sequence of xarray.Dataset
        Stages cell_trace, in any order. Files whose loops take turns (each file holding every loop of its technique)
        are interleaved.
    offsets : sequence of float, optional
        Seconds to add to the test time of each. When None, the starts of the acquisitions are compared; the time of
        the joined trace counts from the earliest.

    Returns
    -------
    xarray.Dataset
        Stage cell_trace. Capacity columns are left out, because each file counts from its own zero; what a file lacks
        is NaN with the flag ``missing``. ``step_count`` is counted anew.

    Raises
    ------
    AnalysisError
        If there is nothing to join, starts are unknown, times do not increase, or files overlap.
    """
    return joined(traces, offsets)
