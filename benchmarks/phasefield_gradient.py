"""Gradient of a whole half cycle of the reaction model, beside the run itself: 128 x 128 pixels at constant current.

Bars: at most 5 times the forward run, and at most 0.15 s. Also the free-surface and periodic strain of one composition,
in milliseconds a call, and the iterations of the former, which must not grow with the grid.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

from lithiscope import phasefield as pf
from lithiscope.materials import material
from lithiscope.phasefield.elasticity import FreeSurface, Periodic
from lithiscope.phasefield.from_material import crystal_of, model_of, reaction_of
from lithiscope.phasefield.geometry import ellipsoid, pixels, smoothed
from lithiscope.verification.phasefield_speed import shortest

SIDE, REPEATS = 128, 5


def best(function: Callable[..., Any], *values: Any) -> float:
    """Return the shortest of several runs, s; the first one compiles and does not count."""
    jax.block_until_ready(function(*values))
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        jax.block_until_ready(function(*values))
        times.append(time.perf_counter() - begin)
    return min(times)


def gradient() -> dict[str, float]:
    lim = material("lfp_lim_2016")
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((SIDE, SIDE)), 3.0)
    log_rate = jnp.asarray(0.5 * noise / noise.std())
    geometry = pixels(np.ones((SIDE, SIDE), bool), 50.0, thickness=150.0, surface="everywhere")
    model = model_of(lim, geometry, gradient_energy=8.83, reaction=reaction_of(lim, rate=jnp.exp(log_rate)))
    protocol = pf.constant_current(0.6, to_fraction=0.95)
    run = pf.simulate(model, protocol, 9, initial=0.03)

    def loss(field: Any) -> Any:
        changed = eqx.tree_at(lambda m: m.reaction.rate, model, jnp.exp(field))
        frames = pf.replay(changed, protocol, run.plan, run.method, jnp.full((SIDE, SIDE), 0.03))
        return jnp.sum(frames.lithium_fraction**2)

    # Of processor time: other programs on the machine lengthen the wall clock of the one and not of the other.
    (_, forward), (wall, both) = (
        shortest(jax.jit(one), log_rate, calls=20) for one in (loss, jax.value_and_grad(loss))
    )
    steps = sum(len(one) for one in run.plan.lengths)
    return {"steps": steps, "forward_s": forward, "value_and_gradient_s": wall, "ratio": both / forward}


def strain() -> list[dict[str, float]]:
    averaged = material("lfp_averaged")
    rows = []
    for side in (64, 128, 256):
        shape = ellipsoid((0.38 * side,) * 2, 1.0, padding=0.12 * side)
        geometry = smoothed(shape.distance, 1.0)
        body = FreeSurface(crystal_of(averaged, "bca", "stress"), geometry)
        x = jnp.asarray(np.where(geometry.active, np.indices(geometry.shape)[1] > geometry.shape[1] / 2, 0.0))
        relax = eqx.filter_jit(lambda x, body=body, geometry=geometry: body.relax(x, geometry))
        count = int(relax(x).iterations)
        rows.append({"side": geometry.shape[0], "iterations": count, "ms_per_iteration": 1e3 * best(relax, x) / count})
    cube = pixels(np.ones((64,) * 3, bool), 1.0, periodic=True, surface="nowhere")
    periodic = Periodic(crystal_of(averaged, "cba"), cube)
    x = jnp.asarray(np.random.default_rng(1).uniform(size=cube.shape))
    call = eqx.filter_jit(lambda x: periodic.potential(x, cube))
    return [*rows, {"side": 64, "dimensions": 3, "periodic_ms": 1e3 * best(call, x)}]


def main() -> None:
    found = gradient()
    print(f"gradient of a half cycle over the run: {found['ratio']:.2f} (bar 5)")
    print(f"gradient of a half cycle: {found['value_and_gradient_s']:.3f} s (bar 0.15 s)")
    rows = strain()
    for row in rows:
        print(row)
    print(json.dumps({"gradient": found, "strain": rows}))


if __name__ == "__main__":
    main()
