"""The numbers of the laws in units that people know."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np

from lithiscope import stages
from lithiscope.learning.blur import Blur
from lithiscope.learning.unknowns import ExchangeCurve, ExchangeLevel, Factor, OneNumber, PotentialCurve, Shift, Unknown

if TYPE_CHECKING:
    import xarray as xr

    from lithiscope.learning.setup import Setup

PLAIN = "prior σ"


class Values(NamedTuple):
    """Numbers with their errors and units.

    Attributes
    ----------
    value, std : array, shape (size,)
        In the unit of each.
    unit : tuple of str
        "prior σ" where a number has no meaning of its own.
    """

    value: np.ndarray
    std: np.ndarray
    unit: tuple[str, ...]


def with_values(laws: xr.Dataset, setup: Setup) -> xr.Dataset:
    """Return the stage learned_laws with parameter_value, its standard deviation and its unit."""
    mean, std = laws["parameter_mean"].values, laws["parameter_std"].values
    parts, first = [], 0
    for one in setup.unknowns:
        place = slice(first, first + one.size)
        parts.append(values_of(one, setup, mean[place], std[place]))
        first += one.size
    found = {
        "parameter_value": np.concatenate([part.value for part in parts] or [np.zeros(0)]),
        "parameter_value_std": np.concatenate([part.std for part in parts] or [np.zeros(0)]),
        "parameter_unit": np.array([unit for part in parts for unit in part.unit], dtype=str),
    }
    variables = {str(name): (" ".join(map(str, data.dims)), data.values) for name, data in laws.data_vars.items()}
    variables |= {name: ("parameter", values) for name, values in found.items()}
    coords = {str(name): (" ".join(map(str, data.dims)), data.values) for name, data in laws.coords.items()}
    attrs = {name: value for name, value in laws.attrs.items() if name != "stage"}
    return stages.new("learned_laws", variables, coords=coords, attrs=attrs)


def values_of(one: Unknown, setup: Setup, mean: np.ndarray, std: np.ndarray) -> Values:
    """Return the numbers of one unknown; errors to first order.

    Parameters
    ----------
    one : Unknown
        Of the laws.
    setup : Setup
        Whose template holds the numbers at the middle of the prior.
    mean, std : array, shape (size,)
        In standard deviations of the prior.
    """
    if isinstance(one, PotentialCurve):
        deviations = np.asarray(one.deviations)
        return Values(np.asarray(one.coefficients) + deviations * mean, deviations * std, ("kT",) * one.size)
    if isinstance(one, (ExchangeCurve, ExchangeLevel)):
        level = one.deviation if isinstance(one, ExchangeLevel) else float(one.basis[0, 0])
        value, error = mean.astype(float), std.astype(float)
        value[0] = float(setup.template.reaction.exchange_current) * np.exp(level * mean[0])  # type: ignore[union-attr]
        error[0] = value[0] * level * std[0]
        return Values(value, error, ("A/m2", *(PLAIN,) * (one.size - 1)))
    if isinstance(one, Blur):
        width = np.asarray(one.nanometres(jnp.asarray(mean)))
        return Values(width, width * one.deviation * std, ("nm",))
    if isinstance(one, OneNumber):
        middle = float(one.where(setup.template))
        value = np.array([float(one.value(jnp.asarray(middle), one.deviation * mean[0]))])
        slope = _slope(one, value)
        return Values(one.scale * value, np.abs(one.scale * slope * one.deviation * std), (one.unit,))
    return Values(mean, std, (PLAIN,) * one.size)


def _slope(one: OneNumber, value: np.ndarray) -> np.ndarray:
    """Return the derivative of a number by its normal form."""
    if isinstance(one, Shift):
        return np.ones_like(value)
    return value if isinstance(one, Factor) else value * (1 - value)
