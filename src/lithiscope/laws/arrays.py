"""Which library the arrays of a call belong to, so that every law works on NumPy and on JAX alike."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from lithiscope.errors import OptionError

Array = Any
"""An array of NumPy or JAX, or a number."""


def namespace(*values: Array) -> Any:
    """Return ``jax.numpy`` if one of the values is an array of JAX, else ``numpy``; nothing is imported for it.

    Examples
    --------
    >>> namespace(0.5, np.zeros(3)).__name__
    'numpy'
    """
    for value in values:
        if not isinstance(value, (np.ndarray, np.generic)) and hasattr(value, "__array_namespace__"):
            return value.__array_namespace__()
    return np


def floating(value: Array, *others: Array) -> tuple[Any, Array]:
    """Return the namespace of the values, and the first as an array of floats; JAX keeps the precision that it has."""
    xp = namespace(value, *others)
    if xp is not np and getattr(value, "dtype", None) is not None and xp.issubdtype(value.dtype, xp.floating):
        return xp, xp.asarray(value)
    return xp, xp.asarray(value, dtype=float)


def inside(
    x: Array,
    function: Callable[[Any, Array], Array],
    *,
    at_zero: Array,
    at_one: Array,
    parameters: tuple[Any, ...] = (),
) -> Array:
    """Evaluate a function of composition on 0 < x < 1, with its limits at both ends and NaN beyond them.

    The function never sees a composition at or beyond the ends, so it neither warns nor spoils derivatives.

    Parameters
    ----------
    x : array
        Composition.
    function : callable (xp, x) -> array
        The inner part.
    at_zero, at_one : float or array
        Limits at x = 0 and x = 1.
    parameters : tuple
        Numbers inside the function that may be arrays of JAX.

    Returns
    -------
    array
        Shape of `x`.
    """
    xp, x = floating(x, *parameters)
    with np.errstate(over="ignore", under="ignore"):
        within = function(xp, xp.where((x > 0) & (x < 1), x, 0.5))
    outside = xp.where(x == 0, at_zero, xp.where(x == 1, at_one, xp.nan))
    return xp.where((x > 0) & (x < 1), within, outside)


def log_normal_cdf(xp: Any, z: Array) -> Array:
    """Return the logarithm of the cumulative normal distribution, which does not underflow."""
    special = import_module("scipy.special" if xp is np else f"{xp.__name__.partition('.')[0]}.scipy.special")
    return special.log_ndtr(z)


def constant_of(xp: Any, value: Array) -> Array:
    """Return the value as a constant to differentiation; only JAX needs to be told."""
    return value if xp is np else import_module(xp.__name__.partition(".")[0]).lax.stop_gradient(value)


def require(name: str, value: Array, low: float, high: float = np.inf) -> None:
    """Refuse a number outside the open interval (low, high); a traced array of JAX has no value yet and passes.

    Raises
    ------
    OptionError
        If the number is outside, or not finite.
    """
    if isinstance(value, (int, float, np.generic)) and not low < float(value) < high:
        raise OptionError(
            "a parameter of a law is outside its range",
            field=name,
            value=value,
            limit=f"between {low:g} and {high:g}, both excluded",
            remedy="energies are in units of kT, fractions in units of one",
        )
