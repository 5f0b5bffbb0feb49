"""Cost of a step against the size of the grid: reaction model and Cahn-Hilliard transport, in two and three dimensions.

Each case runs in a process of its own, with a limit of time, and tells time per step and per cell and the largest
memory of the process (of the device, where it tells). Steps are those of the methods with every evaluation that they
need; a step of `Rosenbrock` depends on its length, here 1 s with D = 1 nm2/s and cells of 1 nm. Free surfaces: time per
iteration and iterations to 1e-6. Writes `results/phasefield_size.md`, `.png` and `.svg`. Names of cases choose some.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "1")  # threads of XLA

import numpy as np

RESULTS = Path(__file__).with_name("results") / "phasefield_size"
SECONDS, REPEATS = 75, 3  # limit of a process; runs of which the shortest counts
PLANE, SPACE = (64, 128, 256, 512, 1024), (16, 32, 64, 128)


class Case(NamedTuple):
    """What is timed on which sides."""

    text: str
    sides: Sequence[int]
    ndim: int


CASES = {
    "reaction": Case("reaction model, 2-D, explicit", PLANE, 2),
    "exponential": Case("Cahn-Hilliard, 2-D periodic, exponential", PLANE, 2),
    "rosenbrock": Case("Cahn-Hilliard, 2-D no flux, Rosenbrock", PLANE, 2),
    "reaction_3d": Case("reaction model, 3-D, explicit", SPACE, 3),
    "exponential_3d": Case("Cahn-Hilliard, 3-D periodic, exponential", SPACE, 3),
    "strained_3d": Case("the same with periodic strain", SPACE, 3),
    "rosenbrock_3d": Case("Cahn-Hilliard, 3-D no flux, Rosenbrock", SPACE, 3),
    "free_surface": Case("free-surface strain of a disc, one iteration", (64, 128, 256, 512), 2),
    "free_surface_3d": Case("free-surface strain of a sphere, one iteration", (16, 32, 64), 3),
}


def stepped(name: str, side: int, ndim: int) -> Callable[[], Any]:
    """Return a function that takes one compiled step of a case."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from lithiscope import phasefield as pf
    from lithiscope.materials import material
    from lithiscope.phasefield.elasticity import Periodic
    from lithiscope.phasefield.from_material import crystal_of
    from lithiscope.phasefield.geometry import Geometry, pixels
    from lithiscope.phasefield.methods import State
    from lithiscope.phasefield.system import System

    around = name in ("exponential", "exponential_3d", "strained_3d")
    geometry: Geometry = pixels(np.ones((side,) * ndim, bool), 1.0, surface="nowhere", periodic=around)
    well, kind = pf.RegularSolution(3.0), name.removesuffix("_3d")
    if kind == "reaction":
        geometry = eqx.tree_at(lambda one: one.surface, geometry, jnp.full(geometry.shape, 2 / 150))
        model = pf.Model(geometry, well, pf.Reaction(0.01), gradient_energy=2.0)
        protocol, method, length = pf.constant_current(1.0), pf.BogackiShampine(), 1.0
    else:
        lfp, transport = material("lfp_averaged"), pf.CahnHilliard(1.0)
        strain = Periodic(crystal_of(lfp, "cba"), geometry) if kind == "strained" else None
        density = lfp.site_density
        model = pf.Model(
            geometry, well, None, transport, strain, gradient_energy=2.0, site_density=density, allow_unresolved=True
        )
        method = pf.Rosenbrock() if kind == "rosenbrock" else pf.ExponentialRungeKutta()
        protocol, length = pf.rest(10.0), 1.0
    chosen = method.prepared(model, 1e-4)
    system = System.of(model, protocol.parts[0])
    x = jnp.asarray(0.5 + 0.2 * waves(side, ndim))
    now, state = jnp.zeros(()), State(x, jnp.zeros(()))
    rates = system.rates(now, x)
    step = eqx.filter_jit(lambda system, *rest: chosen.step(system, *rest))

    def once() -> Any:
        return jax.block_until_ready(step(system, now, jnp.asarray(length), state, rates))

    if not np.isfinite(np.asarray(once()[0].x)).all():
        raise RuntimeError("the step is not finite")
    return once


def waves(side: int, ndim: int) -> np.ndarray:
    """Return smooth noise between -1 and 1, of the wavelengths that separate first."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(0).standard_normal((side,) * ndim), 3.0, mode="wrap")
    return noise / np.abs(noise).max()


def measured(name: str, side: int) -> dict[str, Any]:
    """Return what one case costs, in this process."""
    import jax

    from lithiscope.verification.phasefield_speed import free_surface

    ndim, iterations = CASES[name].ndim, 1
    begin = time.perf_counter()
    if name.startswith("free_surface"):
        once = free_surface(side, ndim)
        iterations = int(once().iterations)
    else:
        once = stepped(name, side, ndim)
    ready = time.perf_counter() - begin
    found, left = [], 30.0
    for _ in range(REPEATS):
        begin = time.perf_counter()
        once()
        found.append(time.perf_counter() - begin)
        left -= found[-1]
        if left < found[-1]:
            break
    told = jax.devices()[0].memory_stats() or {}
    memory = told.get("peak_bytes_in_use", 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return {
        "case": name,
        "side": side,
        "cells": side**ndim,
        "ms": 1e3 * min(found) / iterations,
        "iterations": iterations,
        "compile_s": ready,
        "memory_mb": memory / 2**20,
        "device": jax.devices()[0].device_kind,
    }


def in_a_process(name: str, side: int) -> dict[str, Any]:
    """Return what one case costs, or why it was not measured."""
    command = [sys.executable, __file__, "--one", name, str(side)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except subprocess.TimeoutExpired:
        return {"case": name, "side": side, "why": f"not done in {SECONDS} s"}
    except subprocess.CalledProcessError as error:
        told = [line for line in error.stderr.splitlines() if "Error" in line] or ["killed"]
        reason = told[-1]
        return {"case": name, "side": side, "why": reason[:100]}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def table(rows: Sequence[dict[str, Any]], load: str) -> str:
    """Return the results as markdown."""
    devices = sorted({row["device"] for row in rows if "device" in row})
    lines = [
        "# Cost against size of the grid",
        "",
        f"`python benchmarks/phasefield_size.py`, float64, one thread, on {', '.join(devices)}; {load}.",
        "",
        "| case | cells | ms a step | ns a step and cell | iterations | memory / MB | compiled in / s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        case = CASES[row["case"]]
        grid = " x ".join([str(row["side"])] * case.ndim)
        if "why" in row:
            lines.append(f"| {case.text} | {grid} | {row['why']} | | | | |")
            continue
        count = str(row["iterations"]) if row["case"].startswith("free_surface") else ""
        share = 1e6 * row["ms"] / row["cells"]
        lines.append(
            f"| {case.text} | {grid} | {row['ms']:.3g} | {share:.3g} | {count} | {row['memory_mb']:.0f} "
            f"| {row['compile_s']:.1f} |"
        )
    return "\n".join([*lines, "", "![cost against cells](phasefield_size.png)", ""])


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw time per step and memory against the number of cells."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    for number, (name, case) in enumerate(CASES.items()):
        own = [row for row in rows if row["case"] == name and "why" not in row]
        look = {"color": f"C{number}", "marker": "o" if case.ndim == 2 else "s", "markersize": 4, "label": case.text}
        cells = [row["cells"] for row in own]
        time_axes.loglog(cells, [row["ms"] for row in own], **look)
        memory_axes.loglog(cells, [row["memory_mb"] for row in own], **look)
    time_axes.axhline(150, color="grey", linewidth=0.8, linestyle="--")
    time_axes.annotate("bar for 64 x 64 x 64 with periodic strain", (4e3, 165), fontsize=7, color="grey")
    time_axes.set(xlabel="cells", ylabel="time of a step or iteration (ms)", title="Time")
    memory_axes.set(xlabel="cells", ylabel="largest memory of the process (MB)", title="Memory")
    memory_axes.legend(fontsize=7)
    for axes in (time_axes, memory_axes):
        axes.grid(visible=True, alpha=0.3)
    for ending in ("png", "svg"):
        figure.savefig(path.with_suffix(f".{ending}"), dpi=150)


def write(rows: Sequence[dict[str, Any]], before: float) -> None:
    """Write table and pictures of what is measured so far."""
    load = f"load of the machine {before:.1f} before and {os.getloadavg()[0]:.1f} after (1 is this benchmark itself)"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.with_suffix(".md").write_text(table(rows, load), encoding="utf-8")
    draw(rows, RESULTS)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(sys.argv[2], int(sys.argv[3]))))
        return
    names = sys.argv[1:] or list(CASES)
    import jax

    print(f"devices: {jax.devices()}; {platform.processor() or platform.machine()}", flush=True)
    before, rows = os.getloadavg()[0], []
    for name in names:
        for side in CASES[name].sides:
            rows.append(in_a_process(name, side))
            print(json.dumps(rows[-1]), flush=True)
            if "why" in rows[-1]:
                break  # larger ones take longer still
        write(rows, before)


if __name__ == "__main__":
    main()
