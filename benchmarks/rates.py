"""Rates of a video of 40 x 512 x 512 with their errors and flags, against a loop over the pixels.

Both get the same composition video in the same run and give rate, middle composition, both standard deviations and
flags; the loop takes one pixel at a time, with NumPy along time. lithiscope also makes and checks the stage.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from lithiscope import stages
from lithiscope.kinetics import insertion_rate

FRAMES, SIDE, REPEATS = 40, 512, 3


def video() -> xr.Dataset:
    """Return a lithiation with noise of 0.065 in every pixel."""
    rng = np.random.default_rng(1)
    x = np.linspace(0.05, 0.95, FRAMES, dtype=np.float32)[:, None, None]
    x = x + 0.065 * rng.standard_normal((FRAMES, SIDE, SIDE), dtype=np.float32)
    position = 0.05 * np.arange(SIDE)
    return stages.new(
        "composition_video",
        {
            "lithium_fraction": ("time y x", x),
            "lithium_fraction_std": ("time y x", np.full(x.shape, 0.065, np.float32)),
            "lithium_fraction_flag": ("time y x", np.zeros(x.shape, np.uint16)),
        },
        coords={
            "time": ("time", 300.0 * np.arange(FRAMES)),
            "half_cycle": ("time", np.zeros(FRAMES, int)),
            "direction": ("time", np.ones(FRAMES, int)),
            "y": ("y", position),
            "x": ("x", position),
        },
        attrs={"signal": "lithium_fraction"},
    )


def loop(data: xr.Dataset) -> tuple[np.ndarray, ...]:
    x, std, flag = (data[f"lithium_fraction{part}"].values for part in ("", "_std", "_flag"))
    hours = np.diff(data["time"].values) / 3600
    rate, rate_std, middle, middle_std = np.empty((4, FRAMES - 1, SIDE, SIDE), np.float32)
    flags = np.empty((FRAMES - 1, SIDE, SIDE), np.uint16)
    for i in range(SIDE):
        for j in range(SIDE):
            value, deviation, bits = x[:, i, j], std[:, i, j], flag[:, i, j]
            together = np.sqrt(deviation[1:] ** 2 + deviation[:-1] ** 2)
            rate[:, i, j] = np.diff(value) / hours
            rate_std[:, i, j] = together / hours
            middle[:, i, j] = (value[1:] + value[:-1]) / 2
            middle_std[:, i, j] = together / 2
            flags[:, i, j] = bits[1:] | bits[:-1]
    return rate, rate_std, middle, middle_std, flags


def shortest(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest wall time of each function in ms; all run in turn, so that each meets the same machine."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    return {name: 1e3 * min(found) for name, found in times.items()}


def main() -> None:
    data = video()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = insertion_rate(data)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    rate, rate_std, *_ = loop(data)
    difference = max(
        float(np.abs(found["insertion_rate"].values - rate).max()),
        float(np.abs(found["insertion_rate_std"].values - rate_std).max()),
    )
    peer = "a loop over the pixels, NumPy along time"
    took = shortest({"own": lambda: insertion_rate(data), peer: lambda: loop(data)}, REPEATS)
    row = {
        "name": "insertion_rate_40x512x512",
        "lithiscope_ms": round(took["own"], 1),
        "peer": peer,
        "peer_ms": round(took[peer], 1),
        "ratio": round(took[peer] / took["own"], 1),
        "target": "one pass, memory bounded",
        "result_mib": round(found.nbytes / 2**20),
        "memory_above_the_video_mib": round(more),
        "largest_difference_per_hour": difference,
        "versions": {"numpy": np.__version__, "xarray": xr.__version__},
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
