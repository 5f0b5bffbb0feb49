"""Homogeneous free energies f(x) per site in kT, and their derivatives, the chemical potentials."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Constants, Number, parameter
from lithiscope.phasefield.series import legendre_series

_HIGHEST = 1e4  # kT, 250 V: beyond it the unit is another one


class FreeEnergy(eqx.Module):
    """Free energy of a uniform particle without strain, per site in kT."""

    @abstractmethod
    def density(self, x: Cells) -> Cells:
        """Return f(x) in kT per site; NaN outside its range."""

    @abstractmethod
    def potential(self, x: Cells) -> Cells:
        """Return mu = df/dx in kT; NaN outside its range."""

    def on_ideal_entropy(self) -> bool:
        """Return whether f holds x ln x + (1-x) ln(1-x), so that x stays between 0 and 1 by itself."""
        return True

    def made_for(self) -> Constants:
        """Return the constants of the model that went into f, by their names there; those of the model must agree."""
        return {}


class RegularSolution(FreeEnergy):
    """f = x ln x + (1-x) ln(1-x) + omega x(1-x) (Cogswell and Bazant 2012).

    Parameters
    ----------
    omega : float
        Interaction over kT; below 2 a solid solution.
    """

    omega: Number

    def __init__(self, omega: Any) -> None:
        self.omega = parameter("omega", omega, low=-_HIGHEST, high=_HIGHEST, unit="kT")

    def density(self, x: Cells) -> Cells:
        """Return f(x)."""
        return _mixing(x) + self.omega * x * (1 - x)

    def potential(self, x: Cells) -> Cells:
        """Return mu(x)."""
        return laws.chemical_potential("regular_solution", omega=self.omega)(x)


class RedlichKister(FreeEnergy):
    """f = ideal entropy + x(1-x) sum_n L_n (2x-1)^n (Redlich and Kister 1948).

    Parameters
    ----------
    coefficients : sequence of float
        L_n over kT, from n = 0.
    """

    coefficients: Cells

    def __init__(self, coefficients: Any) -> None:
        self.coefficients = parameter("coefficients", coefficients, low=-_HIGHEST, high=_HIGHEST, unit="kT")

    def density(self, x: Cells) -> Cells:
        """Return f(x)."""
        return _mixing(x) + x * (1 - x) * jnp.polyval(self.coefficients[::-1], 2 * x - 1)

    def potential(self, x: Cells) -> Cells:
        """Return mu(x)."""
        return laws.chemical_potential("redlich_kister", coefficients=list(self.coefficients))(x)


class Legendre(FreeEnergy):
    """mu = ln(x/(1-x)) + sum_n a_n P_n(1-2x), the form that Zhao et al. 2023 fit.

    Parameters
    ----------
    coefficients : sequence of float
        a_n in kT, from n = 0, a constant.
    """

    coefficients: Cells

    def __init__(self, coefficients: Any) -> None:
        self.coefficients = parameter("coefficients", coefficients, low=-_HIGHEST, high=_HIGHEST, unit="kT")

    def density(self, x: Cells) -> Cells:
        """Return f(x), zero at x = 0."""
        whole = -0.5 * np.polynomial.legendre.legint(np.eye(len(self.coefficients)), lbnd=1)
        return _mixing(x) + legendre_series(1 - 2 * x, jnp.asarray(whole) @ self.coefficients)

    def potential(self, x: Cells) -> Cells:
        """Return mu(x)."""
        ideal = laws.chemical_potential("regular_solution", omega=0.0)(x)
        return ideal + legendre_series(1 - 2 * x, self.coefficients)


class DoubleWell(FreeEnergy):
    """f = height (x - low)^2 (high - x)^2, the well of the PFHub benchmarks; x is not bounded.

    Parameters
    ----------
    height : float
        In kT.
    low, high : float
        The two minima.
    """

    height: Number
    low: Number
    high: Number

    def __init__(self, height: Any, low: Any = 0.0, high: Any = 1.0) -> None:
        self.height = parameter("height", height, low=0.0, unit="kT")
        self.low, self.high = parameter("low", low), parameter("high", high)

    def density(self, x: Cells) -> Cells:
        """Return f(x)."""
        return self.height * (x - self.low) ** 2 * (self.high - x) ** 2

    def potential(self, x: Cells) -> Cells:
        """Return mu(x)."""
        return 2 * self.height * (x - self.low) * (self.high - x) * (self.high + self.low - 2 * x)

    def on_ideal_entropy(self) -> bool:
        """Return False."""
        return False


class TabulatedVoltage(FreeEnergy):
    """A measured equilibrium voltage: mu = -(V_eq - plateau) e/kT, monotone interpolation between the points.

    Parameters
    ----------
    x : sequence of float
        Compositions, strictly increasing within [0, 1].
    volt : sequence of float
        Equilibrium voltage, V.
    plateau : float
        The voltage at which mu is zero; the model takes it from here, unless it is given the same.
    temperature : float
        K, that of the model.

    Raises
    ------
    OptionError
        If the points cannot be interpolated, or a value is in another unit.
    """

    knots: Cells
    pieces: Cells  # coefficients of mu, highest power first, (4, pieces)
    start: Cells  # f at the left end of each piece
    plateau: float = eqx.field(static=True)
    temperature: float = eqx.field(static=True)

    def __init__(self, x: Any, volt: Any, plateau: float, temperature: float = laws.ROOM_TEMPERATURE) -> None:
        from scipy.interpolate import PchipInterpolator

        self.plateau = float(parameter("plateau", plateau, low=-10.0, high=10.0, unit="V"))
        self.temperature = float(parameter("temperature", temperature, low=100.0, high=2000.0, unit="K"))
        points, volts = np.asarray(x, dtype=float), np.asarray(volt, dtype=float)
        mu = -(volts - plateau) / laws.thermal_voltage(temperature)
        laws.chemical_potential("table", x=points, mu=mu)  # refuses what cannot be interpolated
        if np.abs(volts - plateau).max() > 5.0:
            raise OptionError(
                "the tabulated voltage is far from the plateau",
                field="volt",
                value=float(volts[np.abs(volts - plateau).argmax()]),
                limit=f"within 5 V of {plateau:g} V",
                remedy="give volts, not millivolts",
            )
        fit = PchipInterpolator(points, mu)
        self.knots, self.pieces = jnp.asarray(points), jnp.asarray(fit.c)
        self.start = jnp.asarray(fit.antiderivative()(points[:-1]))

    def density(self, x: Cells) -> Cells:
        """Return f(x), zero at the first point."""
        piece, distance = self._place(x)
        c = self.pieces
        area = c[3][piece] + distance * (c[2][piece] / 2 + distance * (c[1][piece] / 3 + distance * c[0][piece] / 4))
        return self._known(x, self.start[piece] + distance * area)

    def potential(self, x: Cells) -> Cells:
        """Return mu(x)."""
        piece, distance = self._place(x)
        c = self.pieces
        return self._known(
            x, c[3][piece] + distance * (c[2][piece] + distance * (c[1][piece] + distance * c[0][piece]))
        )

    def on_ideal_entropy(self) -> bool:
        """Return False."""
        return False

    def made_for(self) -> Constants:
        """Return plateau and temperature, with which voltages became mu."""
        return {"plateau": self.plateau, "temperature": self.temperature}

    def _place(self, x: Cells) -> tuple[Any, Cells]:
        piece = jnp.clip(jnp.searchsorted(self.knots, x, side="right") - 1, 0, self.knots.shape[0] - 2)
        return piece, x - self.knots[piece]

    def _known(self, x: Cells, values: Cells) -> Cells:
        return jnp.where((x >= self.knots[0]) & (x <= self.knots[-1]), values, jnp.nan)


def _mixing(x: Cells) -> Cells:
    """Return x ln x + (1-x) ln(1-x), 0 at both ends and NaN beyond; the logarithms never see the ends."""
    within = (x > 0) & (x < 1)
    y = jnp.where(within, x, 0.5)
    value = y * jnp.log(y) + (1 - y) * jnp.log1p(-y)
    return jnp.where(within, value, jnp.where((x == 0) | (x == 1), 0.0, jnp.nan))
