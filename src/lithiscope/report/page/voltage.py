"""The numbers behind the interactive voltage trace: the curve thinned to what a screen shows, and its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithiscope.report import readings
from lithiscope.report.cell import extremes, image_seconds, voltage_name, voltage_text
from lithiscope.report.page.content import Trace
from lithiscope.report.plots import c_rate_text, readable

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_MOST_SAMPLES = 3000


def voltage_trace(frames: xr.Dataset, *, trace: xr.Dataset | None = None, clock: xr.Dataset | None = None) -> Trace:
    """Pack the trace of the cell for the page, on the time axis of the images.

    Parameters
    ----------
    frames : CellFrames
        What the cell did at every frame; their numbers are those of the interactive map.
    trace : CellTrace, optional
        The samples. Without it, or without a clock that says where they lie, the curve joins the frames.
    clock : Clock, optional
        How the two clocks belong together.

    Returns
    -------
    Trace
        Curves of voltage and current with their ranges, shaded half cycles, and one entry per frame with its text.
    """
    times = np.asarray(frames["time"].values, dtype=float) / 60
    values = {name: _values(frames, name) for name in ("voltage_volt", "current_ampere")}
    joined = trace is not None and clock is not None
    curves = _samples(trace, clock) if trace is not None and joined else {k: (times, v) for k, v in values.items()}
    factor, unit = readable(np.concatenate([curves["current_ampere"][1], values["current_ampere"]]), "A")
    minutes = np.concatenate([times, *(t for t, _ in curves.values())])
    title = voltage_text(voltage_name(trace)) if trace is not None else "cell voltage"
    return Trace(
        {
            "range": [float(minutes.min()), float(minutes.max())] if minutes.size else [0.0, 1.0],
            "voltage": _panel("voltage", f"{_short(title)} / V", curves["voltage_volt"], values["voltage_volt"], 1.0),
            "current": _panel(
                "current", f"current / {unit}", curves["current_ampere"], values["current_ampere"], factor
            ),
            "shades": _shades(frames, trace if joined else None, clock),
            "frames": [_frame(frames, values, k, times, factor, unit) for k in range(times.size)],
        }
    )


def _short(title: str) -> str:
    return "potential" if title.startswith("potential") else "voltage"


def _values(frames: xr.Dataset, name: str) -> Floats:
    if name in frames:
        return np.asarray(frames[name].values, dtype=float)
    return np.full(frames.sizes["time"], np.nan)


def _samples(trace: xr.Dataset, clock: xr.Dataset | None) -> dict[str, tuple[Floats, Floats]]:
    time = image_seconds(trace["test_time_second"].values, clock) / 60
    found = {"voltage_volt": extremes(time, np.asarray(trace[voltage_name(trace)].values, dtype=float), _MOST_SAMPLES)}
    found["current_ampere"] = (np.empty(0), np.empty(0))
    if "current_ampere" in trace:
        found["current_ampere"] = extremes(time, np.asarray(trace["current_ampere"].values, dtype=float), _MOST_SAMPLES)
    return found


def _panel(key: str, title: str, curve: tuple[Floats, Floats], marks: Floats, factor: float) -> dict[str, Any]:
    shown = factor * np.concatenate([curve[1], marks])
    shown = shown[np.isfinite(shown)]
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 1.0)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    drawn = np.isfinite(curve[1]).any()
    return {
        "key": key,
        "title": title,
        "minutes": _numbers(curve[0], 4) if drawn else [],
        "values": _numbers(factor * curve[1], 6) if drawn else [],
        "range": [low - room, high + room],
    }


def _numbers(values: Floats, places: int) -> list[float | None]:
    return [round(float(v), places) if np.isfinite(v) else None for v in values]


def _shades(frames: xr.Dataset, trace: xr.Dataset | None, clock: xr.Dataset | None) -> list[list[float]]:
    """Return (start, stop, direction) of the half cycles, in minutes."""
    if trace is None or "half_cycle_count" not in trace or "current_ampere" not in trace:
        time = np.asarray(frames["time"].values, dtype=float) / 60
        words = {"lithiation": 1, "delithiation": -1}
        return [[time[a], time[b], words[w]] for a, b, w in readings.half_cycles(frames) if w in words]
    half, current = trace["half_cycle_count"].values, trace["current_ampere"].values
    time = image_seconds(trace["test_time_second"].values, clock) / 60
    starts = np.flatnonzero(np.diff(half, prepend=half[0] - 1))
    stops = np.append(starts[1:], half.size) - 1
    return [
        [float(time[a]), float(time[b]), -1 if np.nansum(current[a : b + 1]) > 0 else 1]
        for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
        if half[a] >= 0
    ]


def _frame(
    frames: xr.Dataset, values: dict[str, Floats], k: int, times: Floats, factor: float, unit: str
) -> dict[str, Any]:
    voltage, current = float(values["voltage_volt"][k]), factor * float(values["current_ampere"][k])
    rate = float(frames["c_rate"].values[k]) if "c_rate" in frames else float("nan")
    x = float(frames["lithium_fraction"].values[k]) if "lithium_fraction" in frames else float("nan")
    words = [
        f"Scan {k + 1}, {readings.minutes_text(float(times[k]))}",
        f"{voltage:.4f} V" if np.isfinite(voltage) else "no voltage",
        f"{current:.3g} {unit}" if np.isfinite(current) else "",
        " ".join(w for w in (readings.direction_text(frames, k), c_rate_text(rate) if rate > 0 else "") if w),
        f"x of the electrode {x:.3f}" if np.isfinite(x) else "",
    ]
    return {
        "number": k + 1,
        "minutes": round(float(times[k]), 4),
        "voltage": voltage if np.isfinite(voltage) else None,
        "current": current if np.isfinite(current) else None,
        "text": " · ".join(word for word in words if word).replace("-", "−"),
    }
