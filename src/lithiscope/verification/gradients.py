"""Gradients of runs against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope import phasefield as pf

_STEPS = 1e-2 / 2.0 ** np.arange(6)  # of the differences, over the parameter


class Inputs(NamedTuple):
    """What a run depends on: the model, x at the start, and the currents or voltages of each part of the protocol.

    `parts` are what parts of the model are made of, where a derivative goes through their construction.
    """

    model: pf.Model
    start: Any
    values: tuple[Any, ...]
    parts: Any = None


Where = Callable[[Any], Any]
"""Which array of `Inputs`."""


def even_steps(protocol: pf.Protocol, steps: int) -> pf.Plan:
    """Return a plan of so many equal steps in each part of a protocol, with a frame in the middle and at the end."""
    half = steps // 2
    lengths = [np.full(half, part.duration / (2 * half)) for part in protocol.parts for _ in range(2)]
    begins = np.array([share * part.duration for part in protocol.parts for share in (0.0, 0.5)])
    parts = tuple(number for number in range(len(protocol.parts)) for _ in range(2))
    return pf.Plan(parts, begins, tuple(lengths), np.ones(len(parts), bool))


def differences(
    model: pf.Model,
    protocol: pf.Protocol,
    where: dict[str, Where],
    *,
    start: Any,
    steps: int = 4,
    method: pf.Method | None = None,
    parts: Any = None,
    build: Callable[[pf.Model, Any], pf.Model] | None = None,
) -> dict[str, float]:
    """Return the relative difference of the gradient along a direction of each parameter from finite differences.

    One program serves all parameters. Differences are central and of fourth order. Long steps suffer from truncation
    and short ones from the noise of the loss, so steps are halved and the value is taken where it changes least from
    one to the next (Ridders, Adv. Eng. Softw. 4, 75 (1982)).

    Parameters
    ----------
    model : Model
        The model.
    protocol : Protocol
        What is run, in equal steps.
    where : dict of str to callable
        Name of each parameter, and where it is in `Inputs`.
    start : array
        x at the start.
    steps : int
        For each part of the protocol.
    method : Method, optional
        How to step; explicitly by default.
    parts, build
        What a part of the model is made of, and what puts the part made of it into the model, before each run.
    """
    inputs = Inputs(
        model,
        jnp.broadcast_to(jnp.asarray(start, float), model.geometry.shape),
        tuple(jnp.asarray(part.values) for part in protocol.parts),
        parts,
    )
    plan = even_steps(protocol, steps)
    method = pf.choose_method(model, pf.BogackiShampine() if method is None else method)[0]

    base, unit = float(model.plateau), float(model.thermal_voltage())

    def loss(given: Inputs) -> Any:
        made = given.model if build is None else build(given.model, given.parts)
        frames = pf.replay(made, protocol.with_values(given.values), plan, method, given.start)
        return jnp.mean(frames.lithium_fraction**4) + 0.1 * jnp.mean(((frames.volt - base) / unit) ** 2)

    # Compiling takes far longer than running here, so the compiler is told not to try hard.
    quickly: Any = partial(eqx.filter_jit, compiler_options={"xla_backend_optimization_level": 0})
    value, slopes = quickly(loss), quickly(eqx.filter_grad(loss))(inputs)
    return {name: difference(value, inputs, slopes, one) for name, one in where.items()}


def difference(loss: Callable[[Inputs], Any], inputs: Inputs, slopes: Inputs, one: Where) -> float:
    """Return the relative difference of a gradient along a direction of one parameter from finite differences.

    Parameters
    ----------
    loss : callable
        What is differentiated.
    inputs, slopes : Inputs
        Where, and the gradient there.
    one : callable
        Which array of both.
    """
    at = one(inputs)
    way = _direction(at, inputs)
    exact = float(jnp.sum(one(slopes) * way))

    def central(step: float) -> float:
        ends = [float(loss(eqx.tree_at(one, inputs, at + sign * step * way))) for sign in (1, -1)]
        return (ends[0] - ends[1]) / (2 * step)

    plain = np.array([central(step) for step in _STEPS])
    better = (4 * plain[1:] - plain[:-1]) / 3
    calm = 1 + int(np.argmin(np.abs(np.diff(better))))
    return abs(float(better[calm]) / exact - 1)


def _direction(at: Any, inputs: Inputs) -> Any:
    """Return a direction in which every number changes by about itself; voltages by kT/e, their scale in the laws."""
    share = np.random.default_rng(1).uniform(0.5, 1.5, at.shape)
    if at.ndim == 2 and at.shape[0] == at.shape[1] and jnp.allclose(at, at.T):
        share = (share + share.T) / 2
    is_volt = at is inputs.model.plateau or (any(at is one for one in inputs.values) and float(jnp.abs(at).min()) > 2.5)
    return share * (inputs.model.thermal_voltage() if is_volt else at)
