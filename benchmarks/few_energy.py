"""Counts to x and sigma of x at three energies, against numpy.log of the same array of counts (same type, same run).

The kernel works in float64 inside, in blocks that stay in the cache. The public steps, which also make stages, flags
and float32 copies, are timed beside it and judged by nothing.
"""

from __future__ import annotations

import json
import time

import numpy as np

from lithiscope import stages
from lithiscope.composition.xray import fraction_from_counts, lithium_fraction, lithium_rows, optical_density

SIDE, REPEATS = 1024, 15
ENERGIES = np.array([703.0, 706.0, 713.0])
REFERENCES = np.array([[0.345, 1.10, 0.75], [0.345, 0.62, 1.25]])
INCIDENT = np.full(3, 1.6e4)


def interleaved(functions: dict[str, object], repeats: int) -> dict[str, float]:
    """Return the shortest wall time of each in ms; they take turns, so that both see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()  # type: ignore[operator]
            times[name].append(time.perf_counter() - start)
    return {name: 1e3 * min(values) for name, values in times.items()}


def main() -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(0, 1, SIDE * SIDE)
    counts = rng.poisson(INCIDENT[:, None] * np.exp(-(REFERENCES.T @ np.stack([x, 1 - x])))).astype(float)
    references, spectrum, recording = scene(counts)
    rows = lithium_rows(ENERGIES, references)
    for dtype in (np.float64, np.float32):
        typed = counts.astype(dtype)
        found = interleaved(
            {
                "kernel": lambda typed=typed: fraction_from_counts(typed, INCIDENT, rows),
                "log": lambda typed=typed: np.log(typed),
            },
            REPEATS,
        )
        report(f"few_energy_kernel_{np.dtype(dtype).name}", found["kernel"], found["log"], typed.dtype)
        if dtype is np.float64:
            public = interleaved(
                {"public": lambda: lithium_fraction(optical_density(recording, spectrum=spectrum), references)}, 3
            )
            report("few_energy_public_steps", public["public"], found["log"], typed.dtype)


def scene(counts: np.ndarray) -> tuple[object, object, object]:
    import xarray as xr

    references = stages.new(
        "references",
        {"reference": ("component energy", REFERENCES), "lithium_content": ("component", [1.0, 0.0])},
        coords={"component": ("component", ["LFP", "FP"]), "energy": ("energy", ENERGIES)},
    )
    recording = stages.new(
        "recording",
        {"counts": ("time energy y x", counts.reshape(1, 3, SIDE, SIDE))},
        coords={
            "time": ("time", [0.0]),
            "energy": ("energy", ENERGIES),
            "y": ("y", np.arange(float(SIDE))),
            "x": ("x", np.arange(float(SIDE))),
        },
    )
    return references, xr.DataArray(INCIDENT, dims="energy", coords={"energy": ENERGIES}), recording


def report(name: str, own: float, peer: float, dtype: np.dtype) -> None:
    row = {
        "name": name,
        "lithiscope_ms": round(own, 2),
        "peer": f"numpy.log of the same {dtype} array (3 x {SIDE} x {SIDE})",
        "peer_ms": round(peer, 2),
        "ratio": round(own / peer, 2),
        "target": "ratio <= 6 (float64)" if name == "few_energy_kernel_float64" else "none, for information",
        "versions": {"numpy": np.__version__},
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
