"""Homogeneous chemical potential of lithium against composition, mu(x)/kT, and what follows from it.

mu is that of a uniform particle without strain, zero at the plateau of the symmetric models. At x = 0 and x = 1 the
potentials go to minus and plus infinity and their slopes to infinity; beyond, NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lithiscope.errors import OptionError
from lithiscope.laws import registry
from lithiscope.laws.arrays import Array, floating, inside
from lithiscope.laws.constants import ROOM_TEMPERATURE, thermal_voltage


@dataclass(frozen=True)
class ChemicalPotential:
    """mu(x)/kT with its derivative; make one from any two callables of arrays.

    Parameters
    ----------
    name : str
        What it is called.
    formula : str
        mu(x)/kT in one line.
    value, slope : callable
        mu(x)/kT and its derivative, shape of x kept.
    """

    name: str
    formula: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def __call__(self, x: Array) -> Array:
        """Return mu(x)/kT."""
        return self.value(x)


def _on_ideal_entropy(
    name: str, formula: str, value: Callable[[Array], Array], slope: Callable[[Array], Array], *parameters: Array
) -> ChemicalPotential:
    """Return ln(x/(1-x)) plus an excess that is finite everywhere."""
    return ChemicalPotential(
        name,
        f"ln(x/(1-x)) + {formula}",
        lambda x: inside(
            x, lambda xp, x: xp.log(x / (1 - x)) + value(x), at_zero=-np.inf, at_one=np.inf, parameters=parameters
        ),
        lambda x: inside(
            x, lambda _, x: 1 / (x * (1 - x)) + slope(x), at_zero=np.inf, at_one=np.inf, parameters=parameters
        ),
    )


def regular_solution(omega: Array = 4.49) -> ChemicalPotential:
    """Return mu = ln(x/(1-x)) + omega (1-2x), all in kT (Cogswell and Bazant 2012; Lim 2016, eq. S13 without B)."""
    return _on_ideal_entropy(
        "regular_solution", "Omega (1-2x)", lambda x: omega * (1 - 2 * x), lambda x: -2 * omega + 0 * x, omega
    )


def redlich_kister(coefficients: Sequence[Array]) -> ChemicalPotential:
    """Return the potential of the excess free energy x(1-x) sum_n L_n (2x-1)^n on ideal entropy, L_n in kT.

    Redlich and Kister, Ind. Eng. Chem. 40, 345 (1948). The first coefficient is the omega of a regular solution.
    """

    def value(x: Array) -> Array:
        u, q = 2 * x - 1, x * (1 - x)
        return sum(c * (-(u ** (n + 1)) + (2 * n * q * u ** (n - 1) if n else 0)) for n, c in enumerate(coefficients))

    def slope(x: Array) -> Array:
        u, q = 2 * x - 1, x * (1 - x)
        return 0 * x + sum(
            c * (-(4 * n + 2) * u**n + (4 * n * (n - 1) * q * u ** (n - 2) if n > 1 else 0))
            for n, c in enumerate(coefficients)
        )

    _require_some(coefficients)
    return _on_ideal_entropy("redlich_kister", "d/dx[x(1-x) sum L_n (2x-1)^n]", value, slope, *coefficients)


def legendre(coefficients: Sequence[Array]) -> ChemicalPotential:
    """Return mu = ln(x/(1-x)) + sum_n a_n P_n(1-2x), in kT (the form that Zhao et al., Nature 621, 289 (2023) fit).

    Coefficients start at n = 0, a constant offset; a_1 is the omega of a regular solution.
    """
    _require_some(coefficients)
    return _on_ideal_entropy(
        "legendre",
        "sum a_n P_n(1-2x)",
        lambda x: _legendre_sum(coefficients, 1 - 2 * x)[0],
        lambda x: -2 * _legendre_sum(coefficients, 1 - 2 * x)[1],
        *coefficients,
    )


def _legendre_sum(coefficients: Sequence[Array], u: Array) -> tuple[Array, Array]:
    """Return sum a_n P_n(u) and sum a_n P_n'(u), by Bonnet's recursion and P'_{n+1} = P'_{n-1} + (2n+1) P_n."""
    older, newer = 0 * u, 0 * u + 1
    older_slope, newer_slope = 0 * u, 0 * u
    value, slope = coefficients[0] * newer, 0 * u
    for n, coefficient in enumerate(coefficients[1:]):
        older_slope, newer_slope = newer_slope, older_slope + (2 * n + 1) * newer
        older, newer = newer, ((2 * n + 1) * u * newer - n * older) / (n + 1)
        value, slope = value + coefficient * newer, slope + coefficient * newer_slope
    return value, slope


def table(
    x: Sequence[float], mu: Sequence[float], *, interpolation: Literal["monotone", "cubic"] = "monotone"
) -> ChemicalPotential:
    """Return a potential interpolated between tabulated values of mu/kT; NaN outside the table.

    Parameters
    ----------
    x, mu : sequences
        At least two points, x strictly increasing within [0, 1].
    interpolation : str
        "monotone": PCHIP, which adds no extremes of its own (Fritsch and Butland 1984); "cubic": a smooth spline,
        which may.

    Raises
    ------
    OptionError
        If the table cannot be interpolated.
    """
    from scipy.interpolate import CubicSpline, PchipInterpolator

    knots, values = _checked_table(x, mu)
    if interpolation not in ("monotone", "cubic"):
        raise OptionError(
            "there is no such interpolation",
            field="interpolation",
            value=interpolation,
            limit="monotone or cubic",
            remedy="choose one of the two",
        )
    fit = PchipInterpolator(knots, values) if interpolation == "monotone" else CubicSpline(knots, values)
    return ChemicalPotential(
        "table",
        f"{interpolation} interpolation of {knots.size} points",
        lambda at: _piecewise(at, knots, fit.c),
        lambda at: _piecewise(at, knots, fit.derivative().c),
    )


def _piecewise(x: Array, knots: np.ndarray, coefficients: np.ndarray) -> Array:
    """Evaluate piecewise polynomials, highest power first; scipy's own evaluation knows no JAX."""
    xp, x = floating(x)
    knots, coefficients = xp.asarray(knots), xp.asarray(coefficients)
    piece = xp.clip(xp.searchsorted(knots, x, side="right") - 1, 0, knots.shape[0] - 2)
    distance = x - knots[piece]
    result = 0 * distance
    for power in coefficients:
        result = result * distance + power[piece]
    return xp.where((x >= knots[0]) & (x <= knots[-1]), result, xp.nan)


def _checked_table(x: Sequence[float], mu: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    knots, values = np.asarray(x, dtype=float), np.asarray(mu, dtype=float)
    if knots.ndim != 1 or knots.shape != values.shape or knots.size < 2:
        raise OptionError(
            "a table of the chemical potential needs as many values as compositions, at least two",
            field="table",
            value=f"{knots.shape} and {values.shape}",
            remedy="give two lists of one length",
        )
    if not (np.isfinite(knots).all() and np.isfinite(values).all()):
        raise OptionError(
            "a table of the chemical potential has values that are not finite",
            field="table",
            remedy="leave out x = 0 and x = 1",
        )
    if np.any(np.diff(knots) <= 0) or knots[0] < 0 or knots[-1] > 1:
        raise OptionError(
            "the compositions of a table are not in order",
            field="x",
            value=knots.tolist(),
            limit="strictly increasing within [0, 1]",
            remedy="sort the table and drop repeated points",
        )
    return knots, values


def _require_some(coefficients: Sequence[Array]) -> None:
    if len(coefficients) == 0:
        raise OptionError(
            "a series without coefficients",
            field="coefficients",
            value=coefficients,
            limit="one or more",
            remedy="give at least one",
        )


BUILT_IN: dict[str, registry.Factory] = {
    "regular_solution": regular_solution,
    "redlich_kister": redlich_kister,
    "legendre": legendre,
    "table": table,
}


def chemical_potential(name: str, **parameters: Any) -> ChemicalPotential:
    """Return the chemical potential of that name, from lithiscope or from a plug-in.

    Raises
    ------
    OptionError
        If there is no such potential or parameter.

    Examples
    --------
    >>> float(chemical_potential("regular_solution", omega=3.0)(0.5))
    0.0
    """
    return registry.build("potential", BUILT_IN, ChemicalPotential, name, parameters)


def chemical_potential_names() -> tuple[str, ...]:
    """Return the names of all chemical potentials, those of plug-ins last."""
    return registry.names("potential", BUILT_IN)


def equilibrium_voltage(
    x: Array, potential: ChemicalPotential, *, plateau: Array, temperature: Array = ROOM_TEMPERATURE
) -> Array:
    """Return V_eq(x) = V0 - mu kT/e, the voltage of a uniform particle against lithium.

    Parameters
    ----------
    x : array
        Composition.
    potential : ChemicalPotential
        mu(x)/kT.
    plateau : float
        V0 in V, the voltage at mu = 0: the mean of the low-rate plateaus.
    temperature : float
        K.

    Returns
    -------
    array
        V.
    """
    return plateau - potential(x) * thermal_voltage(temperature)


def spinodal(potential: ChemicalPotential, *, strain: float = 0.0, points: int = 4001) -> np.ndarray:
    """Return the compositions at which mu'(x) + strain = 0, between which a uniform particle is unstable at rest.

    Parameters
    ----------
    potential : ChemicalPotential
        mu(x)/kT.
    strain : float
        The coherency strain energy B over rho_s kT (Cogswell and Bazant 2012), which a perturbation has to pay.
    points : int
        Points of the scan for changes of sign.

    Returns
    -------
    (n,) array
        In increasing order; empty where there is none.
    """
    return crossings(lambda x: np.asarray(potential.slope(x), dtype=float) + strain, points)


def spinodal_voltage_gap(
    potential: ChemicalPotential, *, strain: float = 0.0, temperature: float = ROOM_TEMPERATURE
) -> float:
    """Return the range in V of the equilibrium voltage between its spinodal points; zero where there are none.

    It is the gap between lithiation and delithiation at vanishing rate when particles change phase at the spinodal.

    Examples
    --------
    >>> round(spinodal_voltage_gap(regular_solution(3.0)) * 1e3, 1)
    21.3
    """
    points = spinodal(potential, strain=strain)
    if points.size == 0:
        return 0.0
    return float(np.ptp(np.asarray(potential(points))) * thermal_voltage(temperature))


def crossings(function: Callable[[np.ndarray], np.ndarray], points: int) -> np.ndarray:
    """Return where a function of composition changes sign on 0 < x < 1, in order."""
    from scipy.optimize import brentq

    x = (np.arange(points) + 0.5) / points
    sign = np.sign(function(x))
    found = [float(at) for at in x[sign == 0]]
    with np.errstate(invalid="ignore"):
        starts = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    found += [float(brentq(lambda at: float(function(np.asarray(at))), x[i], x[i + 1], xtol=1e-14)) for i in starts]
    return np.sort(np.asarray(found, dtype=float))
