"""Which method of time integration suits a model, and why."""

from __future__ import annotations

from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells
from lithiscope.phasefield.methods import (
    BogackiShampine,
    ExponentialRungeKutta,
    LocalRosenbrock,
    Method,
    Rosenbrock,
)
from lithiscope.phasefield.model import Model
from lithiscope.phasefield.reaction import Reaction

_REACH = 2.5  # longest stable step of an explicit method of third order, over the time in which a change decays
# Explicit steps, for the sake of stability alone, that cost as much as an implicit run of a hundred or so: a step costs
# about two of them where cells are taken one by one, and a hundred where a linear system joins them.
_MANY_BY_CELL, _MANY = 1_000, 10_000
_COMPOSITIONS = np.linspace(0.02, 0.98, 25)


def choose_method(
    model: Model, method: Method | None = None, *, tolerance: float = 1e-4, seconds: float = 3600.0
) -> tuple[Method, str]:
    """Return the method, made ready for the model, and the reason for it.

    Parameters
    ----------
    model : Model
        What is simulated.
    method : Method, optional
        The user's choice, which is checked only.
    tolerance : float
        Of the time steps.
    seconds : float
        Duration of the protocol: what is stiff over a slow half cycle need not be over a fast one.

    Raises
    ------
    OptionError
        If the user's choice does not suit the model.
    """
    if method is None:
        method, reason = _suited(model, seconds)
        return method.prepared(model, tolerance), reason
    refusal = method.refusal(model)
    if refusal is not None:
        raise OptionError(
            "the method of time integration does not suit the model",
            field="method",
            value=type(method).__name__,
            limit=refusal,
            remedy="leave the choice to the program, or take another",
        )
    return method.prepared(model, tolerance), "as asked"


def _suited(model: Model, seconds: float) -> tuple[Method, str]:
    if not model.transport.moves():
        alone, together = reaction_decay(model)
        cause = f"a changed cell reacts back at {alone:.2g}/s"
        joined = f"gradient energy evens out neighbours at {together:.2g}/s"
        needed = _steps(alone + together, seconds)
        if needed <= _MANY_BY_CELL:
            return BogackiShampine(), f"explicit, because {cause} only and {joined}"
        if _steps(together, seconds) <= _MANY_BY_CELL:
            return LocalRosenbrock(), f"implicit cell by cell, because {cause} but {joined} only"
        if needed <= _MANY:
            return BogackiShampine(), f"explicit, because {cause} and {joined}, which costs {needed:.0f} cheap steps"
        return Rosenbrock(), f"implicit, because {cause} and {joined}"
    if ExponentialRungeKutta().refusal(model) is None:
        return ExponentialRungeKutta(), "exponential, because waves solve transport on a grid that closes on itself"
    decay = fastest_decay(model)
    if _steps(decay, seconds) <= _MANY:
        return BogackiShampine(), f"explicit, because transport evens out neighbouring cells at {decay:.2g}/s only"
    return Rosenbrock(), f"implicit, because transport evens out neighbouring cells at {decay:.2g}/s"


def _steps(decay: float, seconds: float) -> float:
    """Return how many explicit steps it takes to stay stable."""
    return decay * seconds / _REACH


def reaction_decay(model: Model) -> tuple[float, float]:
    """Return how fast the reaction at equilibrium undoes a change of x of one cell, 1/s: over mu(x), over neighbours.

    The fastest of all cells at compositions from 0.02 to 0.98; where mu falls with x there is no decay.
    """
    if model.reaction is None:
        return 0.0, 0.0
    alone, answers = _decays(model, model.reaction, jnp.asarray(_COMPOSITIONS, model.geometry.inside.dtype))
    waves = 4 / np.square(model.geometry.spacing)
    stiff = float(np.sum(np.broadcast_to(np.asarray(model.gradient_energy), model.geometry.ndim) * waves))
    return float(jnp.max(alone)), float(jnp.max(answers)) * stiff


@eqx.filter_jit
def _decays(model: Model, reaction: Reaction, fractions: Cells) -> tuple[Cells, Cells]:
    """Return, for each x, the fastest decay over mu(x) and the greatest -d(dx/dt)/dmu of all cells, 1/s."""
    geometry = model.geometry
    active = geometry.active & (geometry.surface > 0)
    factor = jnp.where(active, geometry.surface * model.rate_of_current / geometry.inside, 0.0)

    def decays(fraction: Cells) -> tuple[Cells, Cells]:
        x = jnp.full(geometry.shape, fraction, factor.dtype)
        steepness = jax.jvp(model.free_energy.potential, (x,), (jnp.ones_like(x),))[1]
        answer = reaction.current(jnp.zeros_like(x), x, reaction.exchange_density(x))[1]
        answer = factor * jnp.where(active & jnp.isfinite(answer), answer, 0.0)
        return jnp.max(answer * jnp.nan_to_num(jnp.maximum(steepness, 0.0))), jnp.max(answer)

    return cast(tuple[Cells, Cells], jax.lax.map(decays, fractions))


def fastest_decay(model: Model) -> float:
    """Return the rate at which transport evens out neighbouring cells of an ideal mixture at x = 1/2, 1/s."""
    geometry = model.geometry
    plain, curved = model.transport.coefficients(jnp.full(geometry.shape, 0.5), jnp.full(geometry.shape, 4.0))
    waves = 4 / np.square(geometry.spacing)
    stiff = float(np.sum(np.broadcast_to(np.asarray(model.gradient_energy), geometry.ndim) * waves))
    rates = [float(np.max(one + other * stiff)) * wave for one, other, wave in zip(plain, curved, waves, strict=True)]
    return float(sum(rates))
