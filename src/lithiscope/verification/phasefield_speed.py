"""What the phase-field engine costs: iterations against the grid, and time of a step with strain in 3-D."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import FreeSurface, Periodic
from lithiscope.phasefield.elasticity.free_surface import Relaxed
from lithiscope.phasefield.from_material import crystal_of, model_of, reaction_of
from lithiscope.phasefield.geometry import ellipsoid, pixels, smoothed
from lithiscope.phasefield.methods import State
from lithiscope.phasefield.system import System
from lithiscope.verification.rows import Row

_BOUND = "a bound of the design, with no slack"
_SIDES = {2: (64, 128, 256), 3: (16, 32, 64)}


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows; `everything` adds the largest grids and the time of a step."""
    for ndim, sides in _SIDES.items():
        chosen = sides if everything else sides[:2]
        found = [_iterations(free_surface(side, ndim)) for side in chosen]
        counts = [count for count, _ in found]
        grids = ", ".join(f"{side}: {n} of {ms:.2g} ms" for side, (n, ms) in zip(chosen, found, strict=True))
        yield Row(
            f"free-surface strain, iterations to 1e-6 in {ndim}-D, most over least (cells a side {grids})",
            "iterations independent of the grid",
            2.0,
            max(counts) / min(counts),
            0.0,
            _BOUND,
            "<=",
        )
    yield from gradient_rows()
    if everything:
        yield Row(
            "a step of 64 x 64 x 64 cells with periodic strain", "wall clock of this machine, shortest of five", 150.0,
            strained_step(64), 0.0, _BOUND, "<=", unit="ms",
        )  # fmt: skip


def gradient_rows(side: int = 128) -> Iterator[Row]:
    """Yield the rows on the gradient by k(r) of a half cycle at 1C, with the value, against the run alone."""
    geometry = pixels(np.ones((side, side), bool), 50.0, surface="everywhere", thickness=150.0)
    lim = material("lfp_lim_2016")
    rate = jnp.asarray(np.exp(0.3 * np.random.default_rng(0).standard_normal((side, side))))
    model = model_of(lim, geometry, gradient_energy=8.83, reaction=reaction_of(lim, rate=rate))
    protocol = pf.constant_current(1.0, to_fraction=0.95)
    run = pf.simulate(model, protocol, 11, initial=0.05)
    start = jnp.full(geometry.shape, 0.05)
    steps = sum(len(one) for one in run.plan.lengths)

    def loss(rate: Any) -> Any:
        changed = eqx.tree_at(lambda m: m.reaction.rate, model, rate)
        return jnp.mean(pf.replay(changed, protocol, run.plan, run.method, start).lithium_fraction ** 2)

    (_, alone), (seconds, both) = (shortest(jax.jit(one), rate, calls=20) for one in (loss, jax.value_and_grad(loss)))
    what = f"value and gradient of a half cycle, reaction model of {side} x {side} cells, {steps} steps"
    told = f"{what}, over the {1e3 * alone:.0f} ms of the value"
    # Other programs on the machine lengthen the wall clock of the one and not of the other.
    yield Row(told, "processor time, shortest of twenty", 5.0, both / alone, 0.0, _BOUND, "<=")
    yield Row(what, "wall clock of this machine, shortest of twenty", 0.15, seconds, 0.0, _BOUND, "<=", unit="s")


def shortest(function: Callable[..., Any], *given: Any, calls: int = 5) -> tuple[float, float]:
    """Return the shortest wall clock and processor time of some calls after one that compiles, s."""
    found = []
    for _ in range(calls + 1):
        begin = time.perf_counter(), time.process_time()
        jax.block_until_ready(function(*given))  # type: ignore[no-untyped-call]
        found.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    wall, processor = (min(one) for one in zip(*found[1:], strict=True))
    return wall, processor


def _iterations(relax: Callable[[], Relaxed]) -> tuple[int, float]:
    """Return how many iterations a strained body takes, and the time of one in ms."""
    count = int(relax().iterations)
    return count, 1e3 * shortest(relax)[0] / count


def free_surface(side: int, ndim: int) -> Callable[[], Relaxed]:
    """Return what finds the equilibrium, to 1e-6, of a half-lithiated smoothed disc or sphere on such a grid."""
    shape = ellipsoid((0.38 * side,) * ndim, 1.0, padding=max(0.12 * side, 3.0))
    geometry = smoothed(shape.distance, 1.0)
    body = FreeSurface(
        crystal_of(material("lfp_averaged"), "bca", "stress" if ndim == 2 else None), geometry, tolerance=1e-6
    )
    rich = np.indices(geometry.shape)[-1] > geometry.shape[-1] / 2
    x = jnp.asarray(np.where(geometry.active & rich, 1.0, 0.0))
    relax = eqx.filter_jit(lambda body, x, geometry: body.relax(x, geometry))
    return lambda: jax.block_until_ready(relax(body, x, geometry))  # type: ignore[no-untyped-call]


def strained_step(side: int) -> float:
    """Return the shortest time of five steps of a periodic cube with Cahn-Hilliard transport and strain, ms."""
    cube = pixels(np.ones((side,) * 3, bool), 1.0, periodic=True, surface="nowhere")
    lfp, transport = material("lfp_averaged"), pf.CahnHilliard(1.0)
    strain, well = Periodic(crystal_of(lfp, "cba"), cube), pf.RegularSolution(3.0)
    model = pf.Model(
        cube,
        well,
        None,
        transport,
        strain,
        gradient_energy=2.0,
        site_density=lfp.site_density,
        allow_unresolved=True,
    )
    system = System.of(model, pf.rest(10.0).parts[0])
    x = jnp.asarray(np.random.default_rng(0).uniform(0.4, 0.6, cube.shape))
    now, state = jnp.zeros(()), State(x, jnp.zeros(()))
    step = eqx.filter_jit(lambda *given: pf.ExponentialRungeKutta().step(*given))
    return 1e3 * shortest(step, system, now, jnp.asarray(0.1), state, system.rates(now, x))[0]
