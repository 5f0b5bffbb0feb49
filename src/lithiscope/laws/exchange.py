"""Exchange current density against composition: j0 = k0 F(x), F by name, each with its derivative.

At x = 0 and x = 1 every function returns its limit (derivatives may be infinite there); beyond, NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.laws import registry
from lithiscope.laws.arrays import Array, inside, namespace, require
from lithiscope.laws.electron_transfer import log_overlap, log_overlap_slope


@dataclass(frozen=True)
class ExchangeLaw:
    """A function F(x) with its derivative; make one from any two callables of arrays.

    Parameters
    ----------
    name : str
        What it is called in tables and legends.
    formula : str
        F(x) in one line.
    value, slope : callable
        F(x) and dF/dx, shape of x kept.
    """

    name: str
    formula: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def __call__(self, x: Array) -> Array:
        """Return F(x)."""
        return self.value(x)

    def log_slope(self, x: Array) -> Array:
        """Return F'/F; not finite at x = 0 and x = 1 unless F is finite there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.slope(x) / self.value(x)


class Peak(NamedTuple):
    """Where F is largest, and how large."""

    position: float
    value: float


def skewed_cogswell_bazant(omega: Array = 4.49) -> ExchangeLaw:
    """Return F = (6/5) sqrt(x(1-x)) exp[omega (1-2x)/2] (Cogswell and Bazant 2012; Lim 2016, eq. S15)."""

    def value(x: Array) -> Array:
        return inside(
            x,
            lambda xp, x: 1.2 * xp.sqrt(x * (1 - x)) * xp.exp(omega * (0.5 - x)),
            at_zero=0.0,
            at_one=0.0,
            parameters=(omega,),
        )

    def slope(x: Array) -> Array:
        return inside(
            x,
            lambda xp, x: (
                1.2 * xp.exp(omega * (0.5 - x)) * ((0.5 - x) / xp.sqrt(x * (1 - x)) - omega * xp.sqrt(x * (1 - x)))
            ),
            at_zero=np.inf,
            at_one=-np.inf,
            parameters=(omega,),
        )

    return ExchangeLaw("skewed_cogswell_bazant", "6/5 sqrt(x(1-x)) exp(Omega(1-2x)/2)", value, slope)


def skewed_lim() -> ExchangeLaw:
    """Return F = 3 (1-x) sqrt(x(1-x)), largest at x = 1/4 (Lim 2016, eq. S16)."""
    return ExchangeLaw(
        "skewed_lim",
        "3 (1-x) sqrt(x(1-x))",
        lambda x: inside(x, lambda xp, x: 3 * (1 - x) * xp.sqrt(x * (1 - x)), at_zero=0.0, at_one=0.0),
        lambda x: inside(x, lambda xp, x: 1.5 * (1 - 4 * x) * xp.sqrt((1 - x) / x), at_zero=np.inf, at_one=0.0),
    )


def symmetric() -> ExchangeLaw:
    """Return F = 2 sqrt(x(1-x)) (Thomas, Darling and Newman 2002; Lim 2016, eq. S17)."""
    return ExchangeLaw(
        "symmetric",
        "2 sqrt(x(1-x))",
        lambda x: inside(x, lambda xp, x: 2 * xp.sqrt(x * (1 - x)), at_zero=0.0, at_one=0.0),
        lambda x: inside(x, lambda xp, x: (1 - 2 * x) / xp.sqrt(x * (1 - x)), at_zero=np.inf, at_one=-np.inf),
    )


def constant(level: Array = 0.5) -> ExchangeLaw:
    """Return F = 1/2, or another level (Lim 2016, eq. S18)."""
    return ExchangeLaw(
        "constant",
        "level",
        lambda x: inside(x, lambda _, x: 0 * x + level, at_zero=level, at_one=level, parameters=(level,)),
        lambda x: inside(x, lambda _, x: 0 * x, at_zero=0.0, at_one=0.0),
    )


def coupled_ion_electron(reorganisation: Array, ion: Array = 1.0, exact: bool = False) -> ExchangeLaw:
    """Return F of coupled ion-electron transfer: (1-x) x c/(x+c) O(ln c/x).

    Fraggedakis et al., Electrochim. Acta 367, 137432 (2021), with the overlap O of `electron_transfer`; c is the
    activity of the ion in the electrolyte.

    Parameters
    ----------
    reorganisation : float
        Energy of reorganisation over kT, above zero.
    ion : float
        Activity c of the ion, 1 at the reference concentration.
    exact : bool
        Whether to integrate the overlap instead of taking the closed form.
    """
    require("reorganisation", reorganisation, 0.0)
    require("ion", ion, 0.0)
    parameters = (reorganisation, ion)

    def per_vacancy(xp: Any, x: Array) -> Array:
        return x * ion / (x + ion) * xp.exp(log_overlap(xp, xp.log(ion / x), reorganisation, exact))

    def inner_slope(xp: Any, x: Array) -> Array:
        bias = log_overlap_slope(xp, xp.log(ion / x), reorganisation, exact)
        return per_vacancy(xp, x) * ((1 - x) * ((1 - bias) / x - 1 / (x + ion)) - 1)

    def value(x: Array) -> Array:
        return inside(x, lambda xp, x: (1 - x) * per_vacancy(xp, x), at_zero=0.0, at_one=0.0, parameters=parameters)

    def slope(x: Array) -> Array:
        end = -per_vacancy(namespace(x, *parameters), 1.0)
        return inside(x, inner_slope, at_zero=1.0, at_one=end, parameters=parameters)

    return ExchangeLaw("coupled_ion_electron", "(1-x) x c/(x+c) O(ln c/x)", value, slope)


def table(x: Sequence[float], log_value: Sequence[float]) -> ExchangeLaw:
    """Return F between points, straight in ln F; beyond the first and the last point F stays what it is there.

    Parameters
    ----------
    x, log_value : sequences
        At least two points, x strictly increasing within [0, 1], and ln F at these.

    Raises
    ------
    OptionError
        If the points cannot be joined.
    """
    knots, logs = np.asarray(x, dtype=float), np.asarray(log_value, dtype=float)
    shaped = knots.ndim == 1 and knots.shape == logs.shape and knots.size > 1
    if (
        not shaped
        or not np.isfinite([knots, logs]).all()
        or np.any(np.diff(knots) <= 0)
        or knots[0] < 0
        or knots[-1] > 1
    ):
        raise OptionError(
            "a table of the exchange current cannot be interpolated",
            field="x",
            value=f"{knots.size} compositions, {logs.size} values",
            limit="at least two points, finite; x strictly increasing within [0, 1]",
            remedy="sort the table, and leave out points where the exchange current is zero",
        )
    steps = np.concatenate([[0.0], np.diff(logs) / np.diff(knots), [0.0]])

    def value(xp: Any, x: Array) -> Array:
        return xp.exp(xp.interp(x, xp.asarray(knots), xp.asarray(logs)))

    def slope(xp: Any, x: Array) -> Array:
        return value(xp, x) * xp.asarray(steps)[xp.searchsorted(xp.asarray(knots), x, side="right")]

    first, last = float(np.exp(logs[0])), float(np.exp(logs[-1]))
    return ExchangeLaw(
        "table",
        "exp(ln F between points)",
        lambda x: inside(x, value, at_zero=first, at_one=last),
        lambda x: inside(x, slope, at_zero=0.0 if knots[0] > 0 else first * steps[1], at_one=0.0),
    )


BUILT_IN: dict[str, registry.Factory] = {
    "skewed_cogswell_bazant": skewed_cogswell_bazant,
    "skewed_lim": skewed_lim,
    "symmetric": symmetric,
    "constant": constant,
    "coupled_ion_electron": coupled_ion_electron,
    "table": table,
}


def exchange_law(name: str, **parameters: Array) -> ExchangeLaw:
    """Return the exchange law of that name, from lithiscope or from a plug-in.

    Parameters
    ----------
    name : str
        One of `exchange_law_names`.
    **parameters : float
        Those of the law, e.g. ``omega=4.49``.

    Raises
    ------
    OptionError
        If there is no such law or parameter.

    Examples
    --------
    >>> round(float(exchange_law("skewed_lim")(0.25)), 3)
    0.974
    """
    return registry.build("exchange", BUILT_IN, ExchangeLaw, name, parameters)


def exchange_law_names() -> tuple[str, ...]:
    """Return the names of all exchange laws, those of plug-ins last."""
    return registry.names("exchange", BUILT_IN)


def peak(law: ExchangeLaw, *, points: int = 1001) -> Peak:
    """Return the largest value of F on 0 < x < 1 and its position, by a scan refined on the zero of F'.

    Parameters
    ----------
    law : ExchangeLaw
        The function.
    points : int
        Points of the scan; F may have no narrower feature than their distance.

    Returns
    -------
    Peak
        NaN as position where F has no single inner maximum (constant or monotone).

    Raises
    ------
    AnalysisError
        If F is not finite between 0 and 1.
    """
    from scipy.optimize import brentq

    x = np.linspace(0.0, 1.0, points)
    values = np.asarray(law(x), dtype=float)
    if not np.isfinite(values[1:-1]).all():
        raise AnalysisError("an exchange law is not finite between 0 and 1", field=law.name, remedy="mend its formula")
    top = int(np.nanargmax(values))
    if top in (0, points - 1) or float(law.slope(x[top - 1])) <= 0 or float(law.slope(x[top + 1])) >= 0:
        return Peak(float("nan"), float(values[top]))
    position = brentq(lambda at: float(law.slope(at)), x[top - 1], x[top + 1], xtol=1e-14)
    return Peak(float(position), float(law(position)))
