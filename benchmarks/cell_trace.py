"""A potentiostat's file of a million rows and 100 half cycles, read and split, beside galvani reading the same file."""

from __future__ import annotations

import json
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import galvani
import numpy as np

from lithiscope.cell import SplitOptions, open_trace, split
from lithiscope.instruments.potentiostat import write_mpt
from lithiscope.stages import new

ROWS, HALF_CYCLES, CAPACITY = 1_000_000, 100, 5e-9


def trace() -> object:
    """Return half cycles of one hour at constant current, one after the other, with rests between."""
    per = ROWS // HALF_CYCLES
    second = np.arange(ROWS) * 0.4
    inside = np.arange(ROWS) % per
    sign = np.where((np.arange(ROWS) // per) % 2, -1.0, 1.0)
    current = np.where(inside < 0.9 * per, sign * 5e-9, 0.0)
    charge = np.cumsum(current) * 0.4 / 3600
    share = np.clip((charge - charge.min()) / np.ptp(charge), 0.01, 0.99)
    voltage = 3.425 + 0.05 * np.log(share / (1 - share)) + current * 1e7
    voltage += 1e-4 * np.random.default_rng(3).standard_normal(ROWS)
    return new(
        "cell_trace",
        {
            "test_time_second": ("sample", second),
            "voltage_volt": ("sample", voltage),
            "current_ampere": ("sample", current),
            "net_capacity_ah": ("sample", charge),
            "step_index": ("sample", np.arange(ROWS) // per),
        },
        coords={"sample": ("sample", np.arange(ROWS))},
        attrs={"start_utc": "2015-06-01T08:00:00+00:00", "source": "virtual"},
    )


def timed(function: object, *arguments: object) -> tuple[float, object]:
    start = time.perf_counter()
    result = function(*arguments)  # type: ignore[operator]
    return time.perf_counter() - start, result


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.mpt"
        write_mpt(trace(), path)  # type: ignore[arg-type]
        read, cut, peer = [], [], []
        for _ in range(3):
            seconds, found = timed(open_trace, path)
            read.append(seconds)
            seconds, halves = timed(lambda one: split(one, options=SplitOptions(nominal_capacity_ah=CAPACITY)), found)
            cut.append(seconds)
            peer.append(timed(galvani.MPTfile, str(path))[0])
        rows, count = found.sizes["sample"], halves[1].sizes["half_cycle"]  # type: ignore[attr-defined, index]
        print(f"cell trace: {rows} rows ({path.stat().st_size / 2**20:.0f} MiB .mpt), {count} half cycles")
        print(f"  lithiscope open_trace {min(read):.2f} s, split {min(cut):.2f} s")
        print(f"  galvani {version('datalab-org-galvani')} MPTfile {min(peer):.2f} s (reads only, checks nothing)")
        print(f"  ratio (reading and splitting over galvani's reading): {(min(read) + min(cut)) / min(peer):.2f}")
        print(json.dumps({"benchmark": "cell_trace", "ratio": (min(read) + min(cut)) / min(peer)}))


if __name__ == "__main__":
    main()
