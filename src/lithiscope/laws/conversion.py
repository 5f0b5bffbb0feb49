"""The exchange current density that a measured current and overpotential mean under a reaction law."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lithiscope.laws.arrays import Array, floating
from lithiscope.laws.reaction import ReactionLaw, checked


class ExchangeCurrent(NamedTuple):
    """j0 with its derivatives by current density and by overpotential, for the propagation of errors."""

    value: Array
    by_current: Array
    by_overpotential: Array


def exchange_current(
    current: Array, eta: Array, law: str | ReactionLaw = "butler_volmer", *, x: Array | None = None
) -> ExchangeCurrent:
    """Return j0 = j/r(eta) with dj0/dj = 1/r and dj0/deta = -j r'/r^2.

    Parameters
    ----------
    current : array
        Current density in A/m2, positive = delithiation.
    eta : array
        Overpotential in kT/e, positive = delithiation.
    law : str or ReactionLaw
        By name with its default parameters, or built by `reaction_law`.
    x : array, optional
        Composition, for laws that depend on it.

    Returns
    -------
    ExchangeCurrent
        A/m2, and A/m2 per kT/e. NaN at eta = 0, where nothing can be known. Negative where current and overpotential
        disagree in sign, as noise lets them: cutting those off would bias means.

    Examples
    --------
    >>> round(float(exchange_current(0.0461, 2.0, "linear").value), 5)
    0.02305
    """
    built = checked(law, x)
    xp, eta = floating(eta, current, x)
    known = eta != 0
    rate = built.rate(xp.where(known, eta, 1.0), x)
    slope = built.slope(xp.where(known, eta, 1.0), x)
    inverse = xp.where(known, 1 / rate, xp.nan)
    return ExchangeCurrent(current * inverse, inverse + 0 * current, -current * slope * inverse * inverse)


def over_linear(eta: Array, law: str | ReactionLaw = "butler_volmer", *, x: Array | None = None) -> Array:
    """Return r(eta)/eta: by how much the linear law overestimates the exchange current density.

    1.17 at 50 mV and 2.19 at 120 mV for Butler-Volmer with alpha = 1/2. At eta = 0 the slope of the law.
    """
    built = checked(law, x)
    xp, eta = floating(eta, x)
    known = eta != 0
    safe = xp.where(known, eta, 1.0)
    with np.errstate(over="ignore"):
        return xp.where(known, built.rate(safe, x) / safe, built.slope(0 * eta, x))
