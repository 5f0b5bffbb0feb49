"""Spinodal decomposition of PFHub problem 1a, 128 x 128 to t = 2000, against exponax, py-pde and FiPy.

All start from the same composition and work in double precision on one core. The error of the total free energy at
t = 2000 (the gradient that of the interpolating waves, for every code) is against a converged run: 256 x 256, spectral,
tolerance 1e-5. exponax takes the longest of a few fixed steps that stays finite and within 2 %, without dealiasing,
which is its fastest and most accurate setting here. py-pde (explicit, adaptive, compiled) runs on the same grid, where
its differences miss the 2 %: a finer grid would cost it 64 times as much. FiPy (implicit, steps of 1, one sweep each,
direct solver) is timed on a stretch and extrapolated to t = 2000; `share` is the part that was run. Times leave out
compilation. Give names of peers to run only these.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.verification.phasefield_benchmarks import separation_model, separation_start, spectral_energy

CELLS, END, BOX, REPEATS = 128, 2000.0, 200.0, 3
TOLERANCE = 2e-4
EXPONAX_STEPS = (0.4, 1 / 3, 0.3125, 0.25, 0.2)
TARGET = {"exponax": 5, "py-pde": 10, "fipy": 100}


def ours(cells: int, tolerance: float) -> pf.Simulation:
    return pf.simulate(
        separation_model(cells),
        pf.rest(END),
        [0.0, END],
        initial=separation_start(cells),
        method=pf.ExponentialRungeKutta("spectral"),
        controller=pf.Controller(tolerance),
    )


def seconds(function: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Return the shortest wall time after one run that compiles."""
    function()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return min(found)


def exponax(step: float) -> Callable[[], Any]:
    import exponax as ex

    # x = 1/2 + u/5 turns the equation into du/dt = 5 div grad (0.8 u^3 - 0.8 u - 2 div grad u).
    stepper = ex.stepper.reaction.CahnHilliard(
        2,
        BOX,
        CELLS,
        step,
        diffusivity=5.0,
        gamma=2.0,
        first_order_coefficient=-0.8,
        third_order_coefficient=0.8,
        dealiasing_fraction=1.0,
    )
    run = jax.jit(ex.repeat(stepper, round(END / step)))
    start = (jnp.asarray(separation_start(CELLS)) - 0.5)[None] / 0.2
    return lambda: 0.5 + 0.2 * run(start)[0].block_until_ready()


def exponax_row(reference: float, model: pf.Model) -> dict[str, Any]:
    for step in EXPONAX_STEPS:
        run = exponax(step)
        error = spectral_energy(model, run()) / reference - 1
        if np.isfinite(error) and abs(error) <= 0.02:
            return {"peer_s": seconds(run), "peer_error": round(error, 4), "peer_step": step, "share": 1.0}
    raise RuntimeError("no step of exponax is accurate enough")


def pypde_row(reference: float, model: pf.Model) -> dict[str, Any]:
    import pde

    grid = pde.CartesianGrid([(0, BOX), (0, BOX)], CELLS, periodic=True)
    equation = pde.PDE({"c": "5 * laplace(10 * (c - 0.3) * (0.7 - c) * (1 - 2 * c) - 2 * laplace(c))"})
    state = pde.ScalarField(grid, np.asarray(separation_start(CELLS)).T)
    found, told = equation.solve(
        state, t_range=END, dt=1e-3, adaptive=True, tracker=None, backend="numba", ret_info=True
    )
    error = spectral_energy(model, found.data.T) / reference - 1
    # Its own profile tells the solver from the compilation.
    return {
        "peer_s": told["controller"]["profiler"]["solver"],
        "peer_error": round(error, 4),
        "peer_steps": told["solver"]["steps"],
        "share": 1.0,
    }


def fipy_row() -> dict[str, Any]:
    import fipy as fp

    mesh = fp.PeriodicGrid2D(nx=CELLS, ny=CELLS, dx=BOX / CELLS, dy=BOX / CELLS)
    c = fp.CellVariable(mesh=mesh, value=np.asarray(separation_start(CELLS)).ravel(), hasOld=True)
    slope = 5.0 * (2 * (0.7 - c) ** 2 - 8 * (c - 0.3) * (0.7 - c) + 2 * (c - 0.3) ** 2)
    equation = fp.TransientTerm() == fp.DiffusionTerm(coeff=5.0 * slope) - fp.DiffusionTerm(coeff=(5.0, 2.0))
    solver = fp.LinearLUSolver()
    step, count = 1.0, 4

    def advance(steps: int) -> None:
        for _ in range(steps):
            c.updateOld()
            equation.sweep(c, dt=step, solver=solver)

    advance(1)
    start = time.perf_counter()
    advance(count)
    return {
        "peer_s": (time.perf_counter() - start) / count * END / step,
        "share": step * count / END,
        "peer_step": step,
    }


def main() -> None:
    names = sys.argv[1:] or list(TARGET)
    model = separation_model(CELLS)
    fine = separation_model(2 * CELLS)
    reference = spectral_energy(fine, ours(2 * CELLS, 1e-5).final)
    for name in names:
        own = ours(CELLS, TOLERANCE)
        took = seconds(lambda: ours(CELLS, TOLERANCE))
        row = {
            "exponax": lambda: exponax_row(reference, model),
            "py-pde": lambda: pypde_row(reference, model),
            "fipy": fipy_row,
        }[name]()
        print(
            json.dumps(
                {
                    "name": f"separation_{CELLS}x{CELLS}_to_{END:g}",
                    "lithiscope_s": round(took, 3),
                    "lithiscope_error": round(spectral_energy(model, own.final) / reference - 1, 4),
                    "lithiscope_steps": own.record.attrs["steps"],
                    "peer": name,
                    **row,
                    "ratio": round(row["peer_s"] / took, 1),
                    "target": TARGET[name],
                    "converged_energy": round(reference, 3),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
