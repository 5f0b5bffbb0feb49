"""Motion of boundaries along their normal, and their means over a half cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from lithiscope import stages
from lithiscope.kinetics.kernels.edges import Edge, distance_from

if TYPE_CHECKING:
    import xarray as xr


class Placed(Protocol):
    """A boundary of one frame: its figures, its line, and the place of the step on the line."""

    @property
    def numbers(self) -> dict[str, float]:
        """Figures by name."""
        ...

    @property
    def edge(self) -> Edge | None:
        """The line, or None."""
        ...

    @property
    def place(self) -> float:
        """Distance of the step from the line, um."""
        ...


class Motion(NamedTuple):
    """Ways between frames in sequence, um and their errors, (particle, interval), as variables and coordinates."""

    variables: dict[str, tuple[str, Any]]
    coords: dict[str, tuple[str, Any]]
    way: np.ndarray
    frame_std: np.ndarray  # (particle, time)
    hours: np.ndarray  # (interval,)
    half_cycle: np.ndarray  # (interval,), -1 between half cycles and at rest


def velocities(video: xr.Dataset, found: Sequence[Sequence[Placed]]) -> Motion:
    """Follow the boundary of every particle from frame to frame.

    Parameters
    ----------
    video : composition_video
        With half_cycle and direction along time.
    found : sequence (particles) of sequences (frames)
        The boundaries.
    """
    time = np.asarray(video["time"].values, dtype=float)
    number, direction = (np.asarray(video[name].values, dtype=int) for name in ("half_cycle", "direction"))
    number = np.where(direction != 0, number, -1)
    same = (number[1:] == number[:-1]) & (direction[1:] == direction[:-1])
    hours = np.diff(time) / 3600
    way = np.array(
        [
            [_way(row[k], row[k + 1]) if same[k] else np.nan for k in range(len(time) - 1)]
            for row in found
        ]
    ).reshape(len(found), len(time) - 1)  # fmt: skip
    std = np.array([[one.numbers.get("position_std", np.nan) for one in row] for row in found])
    speed, speed_std = way / hours, np.hypot(std[:, 1:], std[:, :-1]) / hours
    lost = np.isnan(speed)
    variables: dict[str, tuple[str, Any]] = {
        "velocity": ("particle interval", speed),
        "velocity_std": ("particle interval", np.where(lost, np.nan, speed_std)),
        "velocity_flag": ("particle interval", lost * stages.flag_bit("unsolvable")),
    }
    of_interval = np.where(same, number[1:], -1)
    coords: dict[str, tuple[str, Any]] = {
        "interval_time": ("interval", (time[1:] + time[:-1]) / 2),
        "duration": ("interval", np.diff(time)),
        "interval_half_cycle": ("interval", of_interval),
    }
    return Motion(variables, coords, way, std, hours, of_interval)


def _way(before: Placed, after: Placed) -> float:
    """Mean distance from one line to the other, positive towards the poor side; NaN without two lines."""
    if before.edge is None or after.edge is None:
        return float("nan")
    ahead, behind = _mean_distance(before.edge, after.edge), _mean_distance(after.edge, before.edge)
    return (ahead - behind) / 2 + after.place - before.place


def _mean_distance(edge: Edge, other: Edge) -> float:
    """Mean distance of the other line from this one, over the part of it that lies beside this one."""
    distance = distance_from(edge, other.middle)
    weight = np.where(distance.beyond, 0.0, other.length)
    if weight.sum() < 0.3 * other.length.sum():
        return float("nan")
    return float(weight @ distance.value / weight.sum())


def mean_over_half_cycles(
    columns: dict[str, np.ndarray], motion: Motion, of_frame: np.ndarray, numbers: np.ndarray
) -> dict[str, tuple[str, Any]]:
    """Average widths and slopes over the frames of every half cycle, and the velocity over its intervals.

    Returns
    -------
    dict
        Variables (particle, half_cycle) of an interface_table. The error of a mean is that of the frames or, where it
        is larger, their scatter over the root of their number.
    """
    shape = (len(columns["width"]), len(numbers))
    result = {f"mean_{name}{kind}": np.full(shape, np.nan)
              for name in ("width", "slope", "velocity") for kind in ("", "_std")}  # fmt: skip
    count = np.zeros(shape, dtype=int)
    for column, number in enumerate(numbers):
        frames = of_frame == number
        for row in range(shape[0]):
            count[row, column] = np.isfinite(columns["width"][row, frames]).sum()
            for name in ("width", "slope"):
                value, std = _mean(columns[name][row, frames], columns[f"{name}_std"][row, frames])
                result[f"mean_{name}"][row, column], result[f"mean_{name}_std"][row, column] = value, std
            value, std = _mean_velocity(motion, row, motion.half_cycle == number)
            result["mean_velocity"][row, column], result["mean_velocity_std"][row, column] = value, std
    variables: dict[str, tuple[str, Any]] = {name: ("particle half_cycle", values) for name, values in result.items()}
    for name in ("width", "slope", "velocity"):
        lost = np.isnan(result[f"mean_{name}"])
        variables[f"mean_{name}_flag"] = ("particle half_cycle", lost * stages.flag_bit("unsolvable"))
    variables["frame_count"] = ("particle half_cycle", count)
    return variables


def _mean(values: np.ndarray, std: np.ndarray) -> tuple[float, float]:
    known = np.isfinite(values) & np.isfinite(std)
    count = int(known.sum())
    if not count:
        return float("nan"), float("nan")
    scatter = float(np.var(values[known], ddof=1)) if count > 1 else 0.0
    variance = max(float(np.mean(std[known] ** 2)), scatter) / count
    return float(values[known].mean()), float(np.sqrt(variance))


def _mean_velocity(motion: Motion, row: int, inside: np.ndarray) -> tuple[float, float]:
    """Sum of the ways over the sum of the times; a frame between two intervals enters both with opposite signs."""
    used = np.flatnonzero(inside & np.isfinite(motion.way[row]))
    if not len(used):
        return float("nan"), float("nan")
    share = np.zeros(motion.frame_std.shape[1])
    np.add.at(share, used + 1, 1.0)
    np.add.at(share, used, -1.0)
    hours = motion.hours[used].sum()
    variance = float(np.nansum((share * motion.frame_std[row]) ** 2))
    return float(motion.way[row, used].sum() / hours), float(np.sqrt(variance) / hours)
