"""Gradients of runs against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf


def differences(
    model: pf.Model,
    protocol: pf.Protocol,
    where: dict[str, Callable[[Any], Any]],
    *,
    start: Any,
    method: pf.Method | None = None,
) -> dict[str, float]:
    """Return the relative difference of the gradient along a direction of each parameter from finite differences.

    One program serves all parameters.

    Parameters
    ----------
    model : Model
        The model.
    protocol : Protocol
        Of the run whose steps are repeated.
    where : dict of str to callable
        Name of each parameter, and where it is in (model, start).
    start : array
        x at the start.
    method : Method, optional
        How to step.
    """
    begin = jnp.broadcast_to(jnp.asarray(start, float), model.geometry.shape)
    run = pf.simulate(model, protocol, 4, initial=begin, method=method)

    def loss(both: tuple[pf.Model, Any]) -> Any:
        frames = pf.replay(both[0], protocol, run.plan, run.method, both[1])
        return jnp.mean(frames.lithium_fraction[1:] ** 2) + jnp.mean(frames.volt[1:] ** 2)

    value, slopes = eqx.filter_jit(loss), eqx.filter_jit(eqx.filter_grad(loss))((model, begin))
    result = {}
    for name, one in where.items():
        at = one((model, begin))
        way = jnp.asarray(np.random.default_rng(1).uniform(0.5, 1.5, at.shape))
        exact = float(jnp.sum(one(slopes) * way))
        # The plateau stands in an exponent over kT/e, so that is its scale.
        scale = float(model.thermal_voltage()) if name.startswith("plateau") else max(float(jnp.abs(at).max()), 1e-2)
        step = 5e-3 * scale

        def moved(distance: float, one: Any = one, at: Any = at, way: Any = way) -> float:
            return float(value(eqx.tree_at(one, (model, begin), at + distance * way)))

        # Fourth order, so that the difference itself is good to far better than the bar.
        near, far = ((moved(n * step) - moved(-n * step)) / (2 * n * step) for n in (1, 2))
        result[name] = abs((4 * near - far) / 3 / exact - 1)
    return result
