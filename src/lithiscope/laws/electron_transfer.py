"""The part that reactions limited by the transfer of an electron share: the overlap of Marcus levels with a metal.

The rate of oxidation at the formal overpotential u is the mean of 1/(1 + exp(y)) over levels y that scatter normally
about lambda - u with the variance 2 lambda (Chidsey, Science 251, 919 (1991)). It is written as O(u)/(1 + exp(-u)) with
an even function O, the overlap. Closely,

    O = erfc[z(u)]/2,   z(u) = (lambda - sqrt(1 + sqrt(lambda) + u^2))/(2 sqrt(lambda))

for every lambda and u (Zeng, Smith, Bai and Bazant, J. Electroanal. Chem. 735, 77 (2014), the uniformly valid formula).
Against the integral it is up to 12 % off for lambda between 1 and 20, and 27 % at lambda = 40.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lithiscope.laws.arrays import Array, log_normal_cdf

# Points and reach (in standard deviations) of the trapezoidal rule, which converges exponentially here: its error is
# below 1e-10 for lambda up to 100.
_HALF_POINTS = 160
_REACH = 9.0


def log_overlap(xp: Any, u: Array, reorganisation: Array, exact: bool = False) -> Array:
    """Return ln O(u), by the closed form or by the integral; as a logarithm, because O underflows for large lambda.

    Parameters
    ----------
    xp : module
        Namespace of the arrays.
    u : array
        Formal overpotential in kT/e.
    reorganisation : float
        lambda in kT.
    exact : bool
        Whether to integrate; this takes 321 numbers for each u.
    """
    if exact:
        return _integral(xp, u, reorganisation)[0]
    return log_normal_cdf(xp, -_scaled(xp, u, reorganisation))


def log_overlap_slope(xp: Any, u: Array, reorganisation: Array, exact: bool = False) -> Array:
    """Return d ln O/du."""
    if exact:
        return _integral(xp, u, reorganisation)[1]
    z = _scaled(xp, u, reorganisation)
    # The normal density over its integral, by logarithms: both underflow far out.
    hazard = xp.exp(-z * z / 2 - np.log(2 * np.pi) / 2 - log_normal_cdf(xp, -z))
    return hazard * u / (_root(xp, u, reorganisation) * xp.sqrt(2 * reorganisation))


def _root(xp: Any, u: Array, reorganisation: Array) -> Array:
    return xp.sqrt(1 + xp.sqrt(reorganisation) + u * u)


def _scaled(xp: Any, u: Array, reorganisation: Array) -> Array:
    """Return sqrt(2) z(u), the argument in units of a normal deviate."""
    return (reorganisation - _root(xp, u, reorganisation)) / xp.sqrt(2 * reorganisation)


def _integral(xp: Any, u: Array, reorganisation: Array) -> tuple[Array, Array]:
    """Return ln O and its slope from O = cosh(u/2) int exp[-(y+u)^2/(4 lambda)]/cosh(y/2) dy exp(-lambda/4)/norm.

    This is Chidsey's integral with its factor 1 + exp(-u) drawn in, which makes it even in u.
    """
    u = xp.asarray(u)[..., None]
    step = _REACH * xp.sqrt(2 * reorganisation) / _HALF_POINTS
    centre = -xp.sign(u) * xp.maximum(xp.abs(u) - reorganisation, 0.0)
    y = centre + step * np.arange(-_HALF_POINTS, _HALF_POINTS + 1)
    exponent = _log_cosh(xp, u / 2) - (y + u) ** 2 / (4 * reorganisation) - _log_cosh(xp, y / 2)
    top = exponent.max(axis=-1, keepdims=True)
    weight = xp.exp(exponent - top)
    total = weight.sum(axis=-1)
    mean = (weight * (y + u)).sum(axis=-1) / total
    log_norm = xp.log(step) - xp.log(4 * np.pi * reorganisation) / 2 - reorganisation / 4
    return xp.log(total) + top[..., 0] + log_norm, xp.tanh(u[..., 0] / 2) / 2 - mean / (2 * reorganisation)


def _log_cosh(xp: Any, x: Array) -> Array:
    return xp.abs(x) + xp.log1p(xp.exp(-2 * xp.abs(x))) - np.log(2.0)
