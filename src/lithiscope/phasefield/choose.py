"""Which method of time integration suits a model, and why."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from lithiscope.errors import OptionError
from lithiscope.phasefield.methods import BogackiShampine, ExponentialRungeKutta, Method, Rosenbrock
from lithiscope.phasefield.model import Model

_SLOW = 0.2  # 1/s: explicit steps of ten seconds are stable below this, as long as accuracy asks for at 1C


def choose_method(model: Model, method: Method | None = None, *, tolerance: float = 1e-4) -> tuple[Method, str]:
    """Return the method, made ready for the model, and the reason for it.

    Parameters
    ----------
    model : Model
        What is simulated.
    method : Method, optional
        The user's choice, which is checked only.
    tolerance : float
        Of the time steps.

    Raises
    ------
    OptionError
        If the user's choice does not suit the model.
    """
    if method is None:
        method, reason = _suited(model)
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


def _suited(model: Model) -> tuple[Method, str]:
    if not model.transport.moves():
        return BogackiShampine(), "explicit, because cells that react on their own are not stiff"
    if ExponentialRungeKutta().refusal(model) is None:
        return ExponentialRungeKutta(), "exponential, because waves solve transport on a grid that closes on itself"
    decay = fastest_decay(model)
    if decay < _SLOW:
        return BogackiShampine(), f"explicit, because transport evens out neighbouring cells at {decay:.2g}/s only"
    return Rosenbrock(), f"implicit, because transport evens out neighbouring cells at {decay:.2g}/s"


def fastest_decay(model: Model) -> float:
    """Return the rate at which transport evens out neighbouring cells of an ideal mixture at x = 1/2, 1/s."""
    geometry = model.geometry
    plain, curved = model.transport.coefficients(jnp.full(geometry.shape, 0.5), jnp.full(geometry.shape, 4.0))
    waves = 4 / np.square(geometry.spacing)
    stiff = float(np.sum(np.broadcast_to(np.asarray(model.gradient_energy), geometry.ndim) * waves))
    rates = [float(np.max(one + other * stiff)) * wave for one, other, wave in zip(plain, curved, waves, strict=True)]
    return float(sum(rates))
