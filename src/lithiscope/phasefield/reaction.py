"""Insertion at the surface: current against overpotential, composition, place and film."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope.errors import OptionError
from lithiscope.phasefield.arrays import Cells, Constants, Number, constant, known, parameter

_FILM_ITERATIONS = 40
_FASTEST = 1e4  # A/m2, a thousand times the fastest that is known; cells then fill in milliseconds
_LONGEST_STEP = 4.0  # kT/e; keeps Newton's method off the overflow of the exponentials


class Law(eqx.Module):
    """A law of `lithiscope.laws` by name, whose parameters can be learned.

    Parameters
    ----------
    kind : {"exchange", "reaction"}
        Which family.
    name : str
        Name of the law, built in or of a plug-in.
    **parameters
        Numbers or arrays.

    Raises
    ------
    OptionError
        If there is no such law or parameter.
    """

    kind: str = eqx.field(static=True)
    name: str = eqx.field(static=True)
    parameters: dict[str, Any]

    def __init__(self, kind: str, name: str, **parameters: Any) -> None:
        self.kind, self.name = kind, name
        # The plain number 1/2 stays out, so that the law is built with its closed inverse.
        plain = name == "butler_volmer" and isinstance(parameters.get("alpha"), float) and parameters["alpha"] == 0.5
        given = {} if plain else parameters
        self.parameters = {key: _leaf(key, value) for key, value in given.items()}
        _FACTORY[kind](name, **parameters)  # refuses what cannot be built

    def build(self) -> Any:
        """Return the law of `lithiscope.laws`."""
        return _FACTORY[self.kind](self.name, **self.parameters)


_FACTORY: dict[str, Any] = {"exchange": laws.exchange_law, "reaction": laws.reaction_law}


def _leaf(name: str, value: Any) -> Any:
    return value if isinstance(value, (bool, str)) else parameter(name, value)


class ExchangeTable(eqx.Module):
    """F(x) between points, linear in its logarithm; what is learned from a video comes in this form.

    Parameters
    ----------
    x : sequence of float
        Compositions, increasing.
    log_value : sequence of float
        ln F at these.

    Raises
    ------
    OptionError
        If the compositions do not rise or there are not as many values.
    """

    x: Cells
    log_value: Cells

    def __init__(self, x: Any, log_value: Any) -> None:
        self.x, self.log_value = parameter("x", x, low=0.0, high=1.0), parameter("log_value", log_value)
        points = known(self.x)
        rising = points is None or (points.ndim == 1 and points.size > 1 and bool(np.all(np.diff(points) > 0)))
        if not rising or self.x.shape != self.log_value.shape:
            raise OptionError(
                "the table of the exchange current cannot be interpolated",
                field="x",
                value=f"{self.x.size} compositions, {self.log_value.size} values",
                limit="at least two, compositions rising, as many values",
                remedy="sort the compositions, each once, with ln F beside each",
            )

    def build(self) -> Any:
        """Return a callable F(x)."""
        return lambda x: jnp.exp(jnp.interp(x, self.x, self.log_value))


class FixedLaw(eqx.Module):
    """An exchange law that is not learned, such as one of a parameter set that reacts in one phase only."""

    law: laws.ExchangeLaw = eqx.field(static=True)

    def build(self) -> laws.ExchangeLaw:
        """Return the law."""
        return self.law


class Reaction(eqx.Module):
    """Current density of insertion j = k(r) j0 F(x) r(eta - e R_f j/kT, x), positive = delithiation.

    Parameters
    ----------
    exchange_current : float
        j0 in A/m2: the factor before F(x).
    exchange : str, Law or ExchangeTable
        F(x), by name or built.
    law : str or Law
        Reaction law, by name or built.
    rate : float or array
        k(r), relative rate constant of each cell.
    film_resistance : float
        R_f in ohm m2 of surface.
    temperature : float
        K, that of the model.
    full_potential : bool
        Whether j0 is built on the chemical potential with gradient and strain (Cogswell and Bazant 2012); F(x) is then
        that of a uniform particle, and j0 has a factor exp(mu'/2), mu' in kT what gradient and strain add to mu.
    """

    exchange_current: Number
    exchange: Law | ExchangeTable | FixedLaw
    law: Law
    rate: Cells
    film: Number  # kT/e per A/m2
    temperature: Number
    has_film: bool = eqx.field(static=True)
    full_potential: bool = eqx.field(static=True)

    def __init__(
        self,
        exchange_current: Any,
        exchange: str | Law | ExchangeTable | FixedLaw = "skewed_cogswell_bazant",
        law: str | Law = "butler_volmer",
        *,
        rate: Any = 1.0,
        film_resistance: Any = 0.0,
        temperature: float = laws.ROOM_TEMPERATURE,
        full_potential: bool = False,
    ) -> None:
        self.full_potential = full_potential
        self.exchange_current = parameter("exchange_current", exchange_current, low=0.0, high=_FASTEST, unit="A/m2")
        self.exchange = Law("exchange", exchange) if isinstance(exchange, str) else exchange
        self.law = Law("reaction", law) if isinstance(law, str) else law
        self.rate = parameter("rate", rate, low=0.0, high=1e9)
        film = parameter("film_resistance", film_resistance, low=0.0, high=1e6, unit="ohm m2")
        self.temperature = parameter("temperature", temperature, low=100.0, high=2000.0, unit="K")
        self.film = film / laws.thermal_voltage(self.temperature)
        self.has_film = not (isinstance(film_resistance, (int, float)) and film_resistance == 0)

    def made_for(self) -> Constants:
        """Return the temperature if there is a film, whose drop is counted in kT/e."""
        return {"temperature": self.temperature} if self.has_film else {}

    def exchange_density(self, x: Cells) -> Cells:
        """Return k(r) j0 F(x) in A/m2."""
        return self.rate * self.exchange_current * self.exchange.build()(x)

    def is_linear(self) -> bool:
        """Return whether the current is proportional to the overpotential."""
        return self.law.name == "linear" and not self.has_film

    def is_symmetric(self) -> bool:
        """Return whether the law is Butler-Volmer with alpha = 1/2 and no film."""
        return self.law.name == "butler_volmer" and not self.law.parameters and not self.has_film

    def current(self, eta: Cells, x: Cells, exchange_density: Cells) -> tuple[Cells, Cells]:
        """Return the current density in A/m2 and its derivative by the overpotential.

        Parameters
        ----------
        eta : array
            Overpotential across film and surface, kT/e.
        x : array
            Composition.
        exchange_density : array
            From `exchange_density`, so that it is not computed again.
        """
        law = self.law.build()
        if self.has_film:
            eta = self._behind_film(law, eta, x, exchange_density)
        value = exchange_density * law.rate(eta, x)
        slope = exchange_density * law.slope(eta, x)
        return value, slope / (1 + self.film * slope)

    def _film_excess(self, law: Any, inner: Cells, eta: Cells, x: Cells, exchange: Cells) -> tuple[Cells, Cells]:
        drop = self.film * exchange
        return inner + drop * law.rate(inner, x) - eta, 1 + drop * law.slope(inner, x)

    def _behind_film(self, law: Any, eta: Cells, x: Cells, exchange_density: Cells) -> Cells:
        """Return the overpotential of the surface, the root of e + film j(e) = eta, which rises with e everywhere."""
        fixed, *known = constant((self, eta, x, exchange_density))
        plain = fixed.law.build()

        def newton(_: Any, inner: Cells) -> Cells:
            value, slope = fixed._film_excess(plain, inner, *known)
            return inner - jnp.clip(value / slope, -_LONGEST_STEP, _LONGEST_STEP)

        def excess(inner: Cells) -> Cells:
            return self._film_excess(law, inner, eta, x, exchange_density)[0]

        start = jnp.clip(known[0] / (1 + fixed.film * known[2]), -_LONGEST_STEP, _LONGEST_STEP)
        return jax.lax.custom_root(
            excess,
            start,
            lambda _, first: jax.lax.fori_loop(0, _FILM_ITERATIONS, newton, first),
            # Each cell has an equation of its own, so the derivative of the equations is a diagonal.
            lambda slope, value: value / slope(jnp.ones_like(value)),
        )
