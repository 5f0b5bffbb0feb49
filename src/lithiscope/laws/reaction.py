"""Reaction laws: the net rate in units of the exchange current density, against overpotential in units of kT/e.

Positive overpotential and positive rate are delithiation. alpha is the coefficient of lithiation. Every rate is
increasing in the overpotential between its turning points, and near zero it is the overpotential itself times the
slope there, which is one for linear, Butler-Volmer and Marcus kinetics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.laws import registry
from lithiscope.laws.arrays import Array, floating, require
from lithiscope.laws.electron_transfer import log_overlap, log_overlap_slope
from lithiscope.laws.solving import invert_monotone

Rate = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class ReactionLaw:
    """A net rate r(eta, x) = j/j0 with its derivative; make one from any two callables of arrays.

    Parameters
    ----------
    name : str
        What it is called.
    formula : str
        r in one line.
    rate, slope : callable (eta, x) -> array
        j/j0 and its derivative by eta; laws that do not depend on composition ignore x, which may then be None.
    bracket : callable (x) -> (low, high)
        Overpotentials between which the rate increases and an inverse is looked for.
    inverse : callable (rate, x) -> array, optional
        The overpotential in closed form, where there is one.
    needs_composition : bool
        Whether the law depends on x.
    """

    name: str
    formula: str
    rate: Rate
    slope: Rate
    bracket: Callable[[Array], tuple[Array, Array]]
    inverse: Rate | None = None
    needs_composition: bool = False


def linear() -> ReactionLaw:
    """Return r = eta, the limit of small overpotential of the others (Lim 2016, eq. S7)."""
    return ReactionLaw(
        "linear",
        "eta",
        rate=lambda eta, _: eta,
        slope=lambda eta, _: 0 * eta + 1,
        bracket=lambda _: (-np.inf, np.inf),
        inverse=lambda rate, _: rate,
    )


def butler_volmer(alpha: Array = 0.5) -> ReactionLaw:
    """Return r = exp[(1-alpha) eta] - exp[-alpha eta], alpha the coefficient of lithiation.

    Lim 2016, eq. S9, gives the name alpha to the other coefficient.

    Parameters
    ----------
    alpha : float
        Between 0 and 1.
    """
    require("alpha", alpha, 0.0, 1.0)

    def rate(eta: Array, _: Array) -> Array:
        xp = floating(eta, alpha)[0]
        return 2 * xp.exp((0.5 - alpha) * eta) * xp.sinh(eta / 2)  # the difference, without loss near zero

    def slope(eta: Array, _: Array) -> Array:
        xp = floating(eta, alpha)[0]
        return (1 - alpha) * xp.exp((1 - alpha) * eta) + alpha * xp.exp(-alpha * eta)

    half = isinstance(alpha, (int, float)) and alpha == 0.5
    return ReactionLaw(
        "butler_volmer",
        "exp[(1-alpha) eta] - exp[-alpha eta]",
        rate,
        slope,
        bracket=lambda _: (-300.0 / alpha, 300.0 / (1 - alpha)),
        inverse=(lambda rate, _: 2 * floating(rate)[0].arcsinh(rate / 2)) if half else None,
    )


def marcus(reorganisation: Array) -> ReactionLaw:
    """Return r = 2 sinh(eta/2) exp[-eta^2/(4 lambda)] (Marcus 1965), which turns down at |eta| of about lambda.

    Parameters
    ----------
    reorganisation : float
        Energy of reorganisation lambda over kT, above zero.
    """
    require("reorganisation", reorganisation, 0.0)

    def rate(eta: Array, _: Array) -> Array:
        xp = floating(eta, reorganisation)[0]
        return 2 * xp.sinh(eta / 2) * xp.exp(-eta * eta / (4 * reorganisation))

    def slope(eta: Array, _: Array) -> Array:
        xp = floating(eta, reorganisation)[0]
        bell = xp.exp(-eta * eta / (4 * reorganisation))
        return bell * (xp.cosh(eta / 2) - eta / reorganisation * xp.sinh(eta / 2))

    return ReactionLaw(
        "marcus",
        "2 sinh(eta/2) exp[-eta^2/(4 lambda)]",
        rate,
        slope,
        bracket=lambda _: (-_turning_point(reorganisation), _turning_point(reorganisation)),
    )


def _turning_point(reorganisation: Array) -> Array:
    """Return where Marcus kinetics are fastest: eta tanh(eta/2) = lambda, by Newton's method from above."""
    xp, reorganisation = floating(reorganisation)
    eta = reorganisation + 2
    for _ in range(10):
        tanh = xp.tanh(eta / 2)
        eta = eta - (eta * tanh - reorganisation) / (tanh + eta / 2 * (1 - tanh * tanh))
    return eta


def marcus_hush_chidsey(reorganisation: Array, exact: bool = False) -> ReactionLaw:
    """Return r = 2 tanh(eta/2) O(eta)/O(0), O = erfc(z)/2 in the closed form of Zeng et al. 2014.

    Chidsey's integral over the levels of a metal; see `electron_transfer`. The rate rises to a limit.

    Parameters
    ----------
    reorganisation : float
        Energy of reorganisation lambda over kT, above zero.
    exact : bool
        Whether to integrate: the closed form is up to 22 % off in these units for lambda
        between 1 and 20, most at 2, and 29 % at 40.
    """
    require("reorganisation", reorganisation, 0.0)

    def overlap(xp: Any, eta: Array) -> Array:
        zero = xp.asarray(0.0)
        return xp.exp(log_overlap(xp, eta, reorganisation, exact) - log_overlap(xp, zero, reorganisation, exact))

    def rate(eta: Array, _: Array) -> Array:
        xp, eta = floating(eta, reorganisation)
        return 2 * xp.tanh(eta / 2) * overlap(xp, eta)

    def slope(eta: Array, _: Array) -> Array:
        xp, eta = floating(eta, reorganisation)
        tanh = xp.tanh(eta / 2)
        return overlap(xp, eta) * (1 - tanh * tanh + 2 * tanh * log_overlap_slope(xp, eta, reorganisation, exact))

    return ReactionLaw(
        "marcus_hush_chidsey",
        "2 tanh(eta/2) O(eta)/O(0)",
        rate,
        slope,
        bracket=lambda _: (-_saturation(reorganisation), _saturation(reorganisation)),
    )


def _saturation(reorganisation: Array) -> Array:
    """Return an overpotential at which the rate has reached its limit to the last digit."""
    return reorganisation + 12 * reorganisation**0.5 + 40


def coupled_ion_electron(reorganisation: Array, ion: Array = 1.0, exact: bool = False) -> ReactionLaw:
    """Return the net rate of coupled ion-electron transfer over its own exchange current density.

    r = (exp(eta) - 1)(x + c)/(x + c exp(eta)) O(eta + u)/O(u), u = ln(c/x): the rates of Fraggedakis et al.,
    Electrochim. Acta 367, 137432 (2021), at the formal overpotential eta + u, with the overlap O of
    `electron_transfer`. Goes with `exchange.coupled_ion_electron`, which is j0. At x = 0 it is the limit.

    Parameters
    ----------
    reorganisation : float
        Energy of reorganisation lambda over kT, above zero.
    ion : float
        Activity c of the ion in the electrolyte, 1 at the reference concentration.
    exact : bool
        Whether to integrate, see `marcus_hush_chidsey`.
    """
    require("reorganisation", reorganisation, 0.0)
    require("ion", ion, 0.0)

    def parts(eta: Array, x: Array) -> tuple[Any, Array, Array, Array, Array, Array]:
        xp, eta = floating(eta, x, reorganisation, ion)
        x = xp.asarray(x, dtype=float)
        x = xp.where((x >= 0) & (x <= 1), xp.maximum(x, 1e-300), xp.nan)
        bias = xp.log(ion / x)
        overlap = xp.exp(
            log_overlap(xp, eta + bias, reorganisation, exact) - log_overlap(xp, bias, reorganisation, exact)
        )
        below = x * xp.exp(-eta / 2) + ion * xp.exp(eta / 2)
        return xp, eta, x, bias, overlap, below

    def rate(eta: Array, x: Array) -> Array:
        xp, eta, x, _, overlap, below = parts(eta, x)
        return 2 * xp.sinh(eta / 2) * (x + ion) / below * overlap

    def slope(eta: Array, x: Array) -> Array:
        xp, eta, x, bias, overlap, below = parts(eta, x)
        ratio = 2 * xp.sinh(eta / 2) * (x + ion) / below
        return overlap * ((x + ion) ** 2 / below**2 + ratio * log_overlap_slope(xp, eta + bias, reorganisation, exact))

    def bracket(x: Array) -> tuple[Array, Array]:
        xp, x = floating(x, reorganisation, ion)
        bias = xp.log(ion / xp.where(x > 0, x, 1e-300))
        return -_saturation(reorganisation) - bias, _saturation(reorganisation) - bias

    return ReactionLaw(
        "coupled_ion_electron",
        "(exp(eta)-1)(x+c)/(x+c exp(eta)) O(eta+u)/O(u), u = ln(c/x)",
        rate,
        slope,
        bracket,
        needs_composition=True,
    )


BUILT_IN: dict[str, registry.Factory] = {
    "linear": linear,
    "butler_volmer": butler_volmer,
    "marcus": marcus,
    "marcus_hush_chidsey": marcus_hush_chidsey,
    "coupled_ion_electron": coupled_ion_electron,
}


def reaction_law(name: str, **parameters: Array) -> ReactionLaw:
    """Return the reaction law of that name, from lithiscope or from a plug-in.

    Parameters
    ----------
    name : str
        One of `reaction_law_names`.
    **parameters : float
        Those of the law, e.g. ``alpha=0.5`` or ``reorganisation=8.3``.

    Raises
    ------
    OptionError
        If there is no such law, or a parameter is unknown, missing or out of range.
    """
    return registry.build("reaction", BUILT_IN, ReactionLaw, name, parameters)


def reaction_law_names() -> tuple[str, ...]:
    """Return the names of all reaction laws, those of plug-ins last."""
    return registry.names("reaction", BUILT_IN)


def checked(law: str | ReactionLaw, x: Array | None) -> ReactionLaw:
    """Return the law, built if it was given by name, after seeing that it has the composition that it needs."""
    built = reaction_law(law) if isinstance(law, str) else law
    if built.needs_composition and x is None:
        raise OptionError(
            "this reaction law depends on composition",
            field="x",
            value=built.name,
            limit="an array that broadcasts with the overpotential",
            remedy="give x=...",
        )
    return built


def net_rate(eta: Array, law: str | ReactionLaw = "butler_volmer", *, x: Array | None = None) -> Array:
    """Return j/j0 at an overpotential.

    Parameters
    ----------
    eta : array
        Overpotential in kT/e, positive = delithiation.
    law : str or ReactionLaw
        By name with its default parameters, or built by `reaction_law`.
    x : array, optional
        Composition, for laws that depend on it.

    Returns
    -------
    array
        Broadcast shape; positive = delithiation.

    Raises
    ------
    OptionError
        If the law is unknown, or needs parameters or a composition that were not given.

    Examples
    --------
    >>> round(float(net_rate(1.0)), 4)
    1.0422
    """
    built = checked(law, x)
    return built.rate(floating(eta, x)[1], x)


def overpotential(rate: Array, law: str | ReactionLaw = "butler_volmer", *, x: Array | None = None) -> Array:
    """Return the overpotential in kT/e at which the net rate j/j0 has a value: the inverse of `net_rate`.

    Parameters
    ----------
    rate : array
        j/j0, positive = delithiation.
    law, x
        As for `net_rate`.

    Returns
    -------
    array
        Broadcast shape; NaN where the law cannot reach the rate. Of two answers (Marcus) the smaller is given.
    """
    built = checked(law, x)
    xp, rate = floating(rate, x)
    if built.inverse is not None:
        return built.inverse(rate, x)
    low, high = built.bracket(x)
    if x is not None:
        rate = rate + 0 * xp.asarray(x, dtype=float)
    return invert_monotone(xp, lambda eta: built.rate(eta, x), lambda eta: built.slope(eta, x), rate, low, high)
