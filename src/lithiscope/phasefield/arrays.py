"""Names of the arrays of the engine, how parameters become arrays, and which are refused."""

from __future__ import annotations

from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lithiscope.errors import OptionError

Cells: TypeAlias = Float[Array, "..."]
"""One value for each cell, index order ((z), y, x)."""

Number: TypeAlias = Float[Array, ""]
"""A single value."""

Constants: TypeAlias = dict[str, Any]
"""Constants of the model by name, in its units, with which a part of it was made."""


def parameter(
    name: str, value: Any, *, low: float = -np.inf, high: float = np.inf, unit: str = "1", least: float = 0.0
) -> Any:
    """Return a number or field as an array of JAX, after seeing that it is finite and within its range.

    A traced value passes: it has no number yet. Values other than zero must be at least `least` in size: a smaller one
    is in another unit.

    Raises
    ------
    OptionError
        If a value is not finite, outside [low, high], or not zero but smaller than `least`.
    """
    array = jnp.asarray(value, dtype=None if hasattr(value, "dtype") else float)
    values = known(array)
    if values is None:
        return array
    small = bool(np.any((values != 0) & (np.abs(values) < least)))
    if small or not np.isfinite(values).all() or values.size == 0 or values.min() < low or values.max() > high:
        raise OptionError(
            "a parameter of the model is outside its range",
            field=name,
            value=f"{values.min():g} to {values.max():g}" if values.size > 1 else values.tolist(),
            limit=f"finite, {low:g} to {high:g} {unit}" + (f", 0 or at least {least:g}" if least else ""),
            remedy="inside the engine lengths are in nm, times in s, energies in kT",
        )
    return array


def fits(name: str, value: Any, shape: tuple[int, ...], what: str) -> None:
    """Refuse an array that cannot be broadcast to a shape; `what` says what it has one value for.

    Raises
    ------
    OptionError
        If it cannot.
    """
    try:
        same = np.broadcast_shapes(value.shape, shape) == shape
    except ValueError:
        same = False
    if not same:
        raise OptionError(
            "an array of the model does not fit the grid",
            field=name,
            value=value.shape,
            limit=f"one number, or one for each {what}: {shape}",
            remedy="arrays have the index order ((z), y, x)",
        )


def known(value: Any) -> np.ndarray | None:
    """Return the numbers of an array or sequence, or None where they are traced and have no value yet."""
    try:
        return np.asarray(value)
    except Exception:  # noqa: BLE001 - whatever a tracer raises, it has no number
        return None


def refuse_undefined(tree: Any) -> None:
    """Refuse a model whose arrays hold NaN or infinity, by the name of the first such field.

    Construction sees only what it is given; an optimiser that leaves the range replaces arrays afterwards.

    Raises
    ------
    OptionError
        If a value is not finite.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if eqx.is_inexact_array(leaf) and not np.isfinite(np.asarray(leaf)).all():
            raise OptionError(
                "a parameter of the model is not finite",
                field=jax.tree_util.keystr(path).lstrip("."),
                value=f"{int(np.sum(~np.isfinite(np.asarray(leaf))))} of {leaf.size} values are NaN or infinite",
                limit="finite numbers",
                remedy="give the parameter a value; in a fit, keep it inside its range",
            )


def constant(tree: Any) -> Any:
    """Return a tree whose arrays are constants to differentiation."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, tree)
