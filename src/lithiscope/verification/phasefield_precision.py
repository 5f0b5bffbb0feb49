"""What single precision costs in accuracy, and what a gradient costs in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf
from lithiscope.phasefield.geometry import ellipsoid, pixels, smoothed
from lithiscope.verification.gradients import even_steps
from lithiscope.verification.rows import Row

_ERRORS = (5e-6, 2e-6)  # of x, and of V in volts


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows; `everything` adds bulk transport in single precision."""
    for name, (model, protocol, start, method) in _runs().items():
        if name == "bulk transport" and not everything:
            continue
        wrong = single_precision_error(model, protocol, start, method)
        for what, bar, value in zip(("x", "V"), _ERRORS, wrong, strict=True):
            yield Row(
                f"largest error of {what} in single precision, {name}",
                "docs/theory/phase_field.md",
                bar,
                value,
                0.0,
                "what the page states",
                "<=",
                "1" if what == "x" else "V",
            )
        wrong = own_steps_difference(model, protocol, start, method)
        for what, bar, value in zip(("x", "V"), _ERRORS, wrong, strict=True):
            yield Row(
                f"largest difference of {what} between single and double precision, each on its own steps, {name}",
                "docs/theory/phase_field.md",
                bar,
                value,
                0.0,
                "the same bar: the tolerance of the steps, 1e-4, is a thousand roundings",
                "<=",
                "1" if what == "x" else "V",
            )
    sizes = [memory_of_gradient(256, steps) for steps in (600, 2400, 9600)]
    growth = max(sizes[1] / sizes[0], sizes[2] / sizes[1])
    yield Row(
        "growth of the memory of a gradient from n to 4n steps, 600, 2400 and 9600 steps of 256 x 256 cells",
        "square root of the steps",
        2.0,
        growth,
        0.2,
        "states at both levels and what does not grow",
        "<=",
    )
    yield Row(
        "memory of a gradient of 2400 steps in eight parts of a protocol over that of one part, 256 x 256 cells",
        "the limit is one of all parts together",
        1.0,
        memory_of_gradient(256, 2400, parts=8) / sizes[1],
        0.5,
        "each part has a state at its begin and rounds its steps up to whole blocks",
        "<=",
    )


def _runs() -> dict[str, tuple[pf.Model, pf.Protocol, Any, pf.Method]]:
    y, x = np.indices((8, 8))
    rate = np.exp(0.3 * np.sin(x) * np.cos(y))
    law = pf.Law("reaction", "butler_volmer", alpha=0.45)
    platelet = pixels(np.ones((8, 8), bool), 50.0, surface="everywhere", thickness=150.0)
    cells = pf.Model(
        platelet,
        pf.RegularSolution(4.5),
        pf.Reaction(0.05, law=law, rate=rate),
        elasticity=pf.Coherent(jnp.asarray(3.37)),
        gradient_energy=8.83,
    )
    disc = pf.Model(
        smoothed(ellipsoid((10.0, 10.0), 2.5).distance, 2.5),
        pf.RegularSolution(3.5),
        pf.Reaction(0.05),
        pf.CahnHilliard(300.0),
        gradient_energy=20.0,
        allow_unresolved=True,
    )
    y, x = np.indices(disc.geometry.shape) - (np.array(disc.geometry.shape).reshape(2, 1, 1) - 1) / 2
    phases = jnp.asarray(0.5 + 0.35 * np.tanh((x + 0.3 * y) / 2))
    return {
        "cells on their own": (cells, pf.constant_current(1.0, seconds=3000.0), 0.05, pf.BogackiShampine()),
        "bulk transport": (disc, pf.constant_current(40.0, seconds=20.0), phases, pf.Rosenbrock()),
    }


def single_precision_error(
    model: pf.Model, protocol: pf.Protocol, start: Any, method: pf.Method
) -> tuple[float, float]:
    """Return the largest errors of x and of V (V) where the steps of a run are repeated in single precision."""
    run = pf.simulate(model, protocol, 11, initial=start, method=method)

    @eqx.filter_jit
    def repeat(one: pf.Model, begin: Any) -> pf.Frames:
        return pf.replay(one, protocol, run.plan, run.method, begin)

    frames = []
    for dtype in (jnp.float64, jnp.float32):
        one = pf.in_precision(model, dtype)
        begin = jnp.broadcast_to(jnp.asarray(start, dtype), model.geometry.shape)
        frames.append(repeat(one, begin))
    active = model.geometry.active
    x = [np.asarray(one.lithium_fraction, float)[:, active] for one in frames]
    volt = [np.asarray(one.volt, float) for one in frames]
    return float(np.max(np.abs(x[0] - x[1]))), float(np.max(np.abs(volt[0] - volt[1])))


def own_steps_difference(model: pf.Model, protocol: pf.Protocol, start: Any, method: pf.Method) -> tuple[float, float]:
    """Return the largest differences of x and of V (V) between runs of both precisions that choose their own steps."""
    runs = []
    for dtype in (jnp.float64, jnp.float32):
        one = pf.in_precision(model, dtype)
        runs.append(pf.simulate(one, protocol, 11, initial=start, method=method))
    active = model.geometry.active
    x = [np.asarray(run.video["lithium_fraction"].values, float)[:, active] for run in runs]
    volt = [np.asarray(run.record["voltage_volt"].values, float) for run in runs]
    if x[0].shape != x[1].shape:  # one of the two stopped early
        return np.inf, np.inf
    return float(np.max(np.abs(x[0] - x[1]))), float(np.max(np.abs(volt[0] - volt[1])))


def memory_of_gradient(side: int, steps: int, parts: int = 1) -> int:
    """Return the bytes of working memory of the compiled gradient of a run of so many steps by k(r); nothing is run.

    The steps are the same in each of so many parts of the protocol.
    """
    geometry = pixels(np.ones((side, side), bool), 50.0, surface="everywhere", thickness=150.0)
    model = pf.Model(geometry, pf.RegularSolution(4.5), pf.Reaction(0.05), gradient_energy=8.83)
    one = pf.constant_current(1.0, seconds=3000.0 / parts)
    protocol = pf.Protocol(one.parts * parts)
    plan = even_steps(protocol, steps // parts)
    start = jnp.full(geometry.shape, 0.1)

    def loss(rate: Any) -> Any:
        changed = eqx.tree_at(lambda m: m.reaction.rate, model, rate)
        frames = pf.replay(changed, protocol, plan, pf.BogackiShampine(), start)
        return jnp.sum(frames.volt)

    compiled = jax.jit(jax.grad(loss)).lower(jnp.ones(geometry.shape)).compile()
    analysis: Any = compiled.memory_analysis()
    return int(analysis.temp_size_in_bytes)
