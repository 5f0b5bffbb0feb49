"""Joining the traces of several files: one axis of time, no overlap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.stages import check, new
from lithiscope.stages.flags import flag_bit

if TYPE_CHECKING:
    import xarray as xr

_LEFT_OUT = ("net_capacity_ah", "charging_capacity_ah", "discharging_capacity_ah", "half_cycle_count")
_COUNTED = ("test_time_second", "unix_time_second", "step_count", "sample_flag")


def joined(traces: Sequence[xr.Dataset], offsets: Sequence[float] | None) -> xr.Dataset:
    """Join traces; see `lithiscope.cell.join_traces`."""
    if not traces:
        raise AnalysisError("there is nothing to join", field="traces")
    for trace in traces:
        check(trace, "cell_trace")
    shifts, start = _shifts(traces, offsets)
    times = [np.asarray(trace["test_time_second"].values) + shift for trace, shift in zip(traces, shifts, strict=True)]
    for trace, time in zip(traces, times, strict=True):
        _require_rising(trace, time)
    owner = np.repeat(np.arange(len(traces)), [len(time) for time in times])
    # At equal times the file that began earlier comes first: one technique ends where the next one starts.
    rank = np.argsort(np.argsort([time[0] for time in times], kind="stable"), kind="stable")
    order = np.lexsort((rank[owner], np.concatenate(times)))
    _require_no_overlap(traces, times, owner, order)
    variables = _variables(traces, order)
    variables["test_time_second"] = np.concatenate(times)[order]
    if all("unix_time_second" in trace for trace in traces):
        variables["unix_time_second"] = np.concatenate([trace["unix_time_second"].values for trace in traces])[order]
    steps = np.concatenate([_steps(trace) for trace in traces])[order]
    begins = (np.diff(owner[order]) != 0) | (np.diff(steps) != 0)
    variables["step_count"] = np.concatenate([[0], np.cumsum(begins)])
    return new(
        "cell_trace",
        {name: ("sample", values) for name, values in variables.items()},
        coords={"sample": ("sample", np.arange(len(order)))},
        attrs={**_shared(traces), **start},
    )


def _shifts(traces: Sequence[xr.Dataset], offsets: Sequence[float] | None) -> tuple[list[float], dict[str, str]]:
    if offsets is not None:
        if len(offsets) != len(traces) or not np.all(np.isfinite(offsets)):
            raise AnalysisError(
                "the offsets do not fit the traces",
                field="offsets",
                value=list(offsets),
                limit=f"{len(traces)} finite numbers of seconds",
            )
        return [float(offset) for offset in offsets], {}
    for field in ("start_utc", "start_local"):
        if all(field in trace.attrs for trace in traces):
            starts = [datetime.fromisoformat(trace.attrs[field]) for trace in traces]
            first = min(starts)
            kept = {field: first.isoformat()}
            local = [trace.attrs.get("start_local") for trace in traces]
            if field == "start_utc" and all(local):
                kept["start_local"] = str(local[starts.index(first)])
            return [(moment - first).total_seconds() for moment in starts], kept
    without = [_name(trace) for trace in traces if not {"start_utc", "start_local"} & set(trace.attrs)]
    raise AnalysisError(
        "the traces have no common clock",
        file=", ".join(without or map(_name, traces)),
        field="start_local" if without else "start_utc",
        remedy="state the zone of their clock with timezone= (recipe: cell.timezone), or offsets in seconds",
    )


def _require_rising(trace: xr.Dataset, time: np.ndarray) -> None:
    unreadable = ~np.isfinite(time)
    if unreadable.any():
        raise AnalysisError(
            "a trace has samples without a time",
            file=_name(trace),
            field="test_time_second",
            value=f"{int(unreadable.sum())} of {len(time)}, the first at sample {int(np.argmax(unreadable))}",
            remedy="leave them out: trace.isel(sample=np.isfinite(trace.test_time_second.values))",
        )
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        raise AnalysisError(
            "the time of a trace runs backwards",
            file=_name(trace),
            field="test_time_second",
            value=f"{time[back[0]]:.6g} s, then {time[back[0] + 1]:.6g} s at sample {back[0] + 1}",
            remedy="the file may hold several runs: split it there",
        )


def _require_no_overlap(
    traces: Sequence[xr.Dataset], times: Sequence[np.ndarray], owner: np.ndarray, order: np.ndarray
) -> None:
    """Refuse samples of one file within a step of another; between its steps they are the turns of a loop."""
    for number, trace in enumerate(traces):
        places = np.flatnonzero(owner[order] == number)
        interrupted = np.diff(places) > 1
        within = np.flatnonzero(interrupted & (np.diff(_steps(trace)) == 0))
        if len(within):
            other = traces[int(owner[order][places[within[0]] + 1])]
            raise AnalysisError(
                "two traces overlap in time",
                file=f"{_name(trace)}, {_name(other)}",
                field="test_time_second",
                value=f"from {times[number][within[0]]:.6g} s",
                remedy="is one given twice, or of another channel? if their clocks differ, join_traces takes offsets",
            )


def _steps(trace: xr.Dataset) -> np.ndarray:
    return np.asarray(trace["step_count"].values) if "step_count" in trace else np.zeros(trace.sizes["sample"], int)


def _variables(traces: Sequence[xr.Dataset], order: np.ndarray) -> dict[str, np.ndarray]:
    names = dict.fromkeys(str(name) for trace in traces for name in trace.data_vars)
    flags = np.concatenate(
        [np.asarray(trace["sample_flag"].values) if "sample_flag" in trace else _zeros(trace) for trace in traces]
    )[order]
    variables: dict[str, np.ndarray] = {}
    for name in names:
        if name in _LEFT_OUT or name in _COUNTED:
            continue
        whole = any(name in trace and trace[name].dtype.kind == "i" for trace in traces)
        absent = -1 if whole else np.nan
        parts = [trace[name].values if name in trace else np.full(trace.sizes["sample"], absent) for trace in traces]
        variables[name] = np.concatenate(parts)[order]
        if not whole:
            flags = np.where(np.isnan(variables[name]), flags | flag_bit("missing"), flags)
    variables["sample_flag"] = flags
    return variables


def _zeros(trace: xr.Dataset) -> np.ndarray:
    return np.zeros(trace.sizes["sample"], dtype=np.uint16)


def _shared(traces: Sequence[xr.Dataset]) -> dict[str, Any]:
    shared: dict[str, Any] = {}
    for name in ("source", "format", "technique", "current_source", "voltage_source", "repairs"):
        found = list(dict.fromkeys(str(trace.attrs[name]) for trace in traces if name in trace.attrs))
        if found:
            shared[name] = ", ".join(found)
    return shared


def _name(trace: xr.Dataset) -> str:
    return str(trace.attrs.get("source", "a trace"))
