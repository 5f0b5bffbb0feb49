"""What can be learned of the laws: each unknown turns standard normal numbers into a part of the model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lithiscope import laws
from lithiscope import phasefield as pf
from lithiscope.learning.priors import modes, smooth
from lithiscope.phasefield.arrays import Cells
from lithiscope.phasefield.series import legendre_series

_CURVE_MODES = 8  # hold 99.9 % of the variance of a curve of length 0.25
_DEGREE = 12  # of the polynomial in which these are written


class ExchangeFactor(eqx.Module):
    """F(x) = base(x) x^a (1-x)^b exp(sum_n c_n P_n(1-2x)): what is learned of an exchange current, smooth in x.

    Parameters
    ----------
    base : str
        Name of the law that it is without the rest.
    coefficients : array, shape (terms,)
        c_n, from n = 0.
    ends : array, shape (2,)
        a and b.
    """

    base: str = eqx.field(static=True)
    coefficients: Cells
    ends: Cells

    def build(self) -> Callable[[Cells], Cells]:
        """Return F."""
        base = laws.exchange_law(self.base)

        def value(x: Cells) -> Cells:
            ends = self.ends[0] * jnp.log(x) + self.ends[1] * jnp.log1p(-x)
            found: Cells = base.value(x) * jnp.exp(legendre_series(1 - 2 * x, self.coefficients) + ends)
            return found

        return value


def _with(where: Callable[[pf.Model], Any], model: pf.Model, value: Any) -> pf.Model:
    changed: pf.Model = eqx.tree_at(where, model, value)
    return changed


def _exchange(model: pf.Model) -> Any:
    return model.reaction.exchange  # type: ignore[union-attr]


def _exchange_current(model: pf.Model) -> Any:
    return model.reaction.exchange_current  # type: ignore[union-attr]


class Unknown(eqx.Module):
    """Part of the laws that all particles share."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many standard normal numbers it takes."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Name of each number, for tables of correlations."""

    @abstractmethod
    def place(self, model: pf.Model, z: Cells) -> pf.Model:
        """Return the model with this part."""


class ExchangeCurve(Unknown):
    """ln F(x): that of a base law, plus a level, plus powers of x and 1-x, plus a smooth curve.

    The curve is a Gaussian process of squared exponential correlation in x. The powers are there because no smooth
    curve turns one law into another where they end: sqrt(x(1-x)) into (1-x) sqrt(x(1-x)), say.

    Parameters
    ----------
    base : str
        Name of the law where the prior is centred.
    amplitude, length : float
        Of the smooth curve: standard deviation, and length in x.
    level : float
        Standard deviation of the level.
    power : float
        Standard deviation of the exponents of x and 1-x; those of known laws lie between 0 and 3/2.
    """

    base: str = eqx.field(static=True)
    basis: Cells
    power: float = eqx.field(static=True)

    def __init__(
        self,
        base: str,
        *,
        amplitude: float = 1.0,
        length: float = 0.25,
        level: float = 2.0,
        power: float = 0.7,
    ) -> None:
        self.base, self.power = base, power
        points = np.linspace(0.0, 1.0, 101)
        curve, _ = modes(smooth(points[:, None] - points[None], length), _CURVE_MODES)
        columns = np.column_stack([np.full(len(points), level), amplitude * curve])
        self.basis = jnp.asarray(np.polynomial.legendre.legfit(1 - 2 * points, columns, _DEGREE))

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return the map from z to ln F - ln base at some compositions inside 0 and 1, shape (x, size)."""
        smooth_part = np.polynomial.legendre.legvander(1 - 2 * x, _DEGREE) @ np.asarray(self.basis)
        # One more, so that the powers leave the mean over x as it is.
        return np.column_stack([smooth_part, self.power * (np.log(x) + 1), self.power * (np.log1p(-x) + 1)])

    def factor(self, z: Cells) -> ExchangeFactor:
        """Return F for some numbers."""
        ends = self.power * z[-2:]
        return ExchangeFactor(self.base, (self.basis @ z[:-2]).at[0].add(ends.sum()), ends)

    @property
    def size(self) -> int:
        """Return the number of modes, with one for the level and two for the ends."""
        return int(self.basis.shape[1]) + 2

    @property
    def names(self) -> tuple[str, ...]:
        """Return "j0 level", "j0 shape n" and the two powers."""
        return ("j0 level", *(f"j0 shape {n}" for n in range(1, self.size - 2)), "j0 power of x", "j0 power of 1-x")

    def place(self, model: pf.Model, z: Cells) -> pf.Model:
        """Return the model with this F(x)."""
        return _with(_exchange, model, self.factor(z))


class ExchangeLevel(Unknown):
    """The factor j0 before a law F(x) that is taken as known.

    Parameters
    ----------
    deviation : float
        Of ln j0 from that of the model.
    """

    deviation: float = 2.0

    @property
    def size(self) -> int:
        """Return 1."""
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        """Return "j0 level"."""
        return ("j0 level",)

    def place(self, model: pf.Model, z: Cells) -> pf.Model:
        """Return the model with this j0."""
        value = model.reaction.exchange_current * jnp.exp(self.deviation * z[0])  # type: ignore[union-attr]
        return _with(_exchange_current, model, value)


class PotentialCurve(Unknown):
    """mu(x) = ln(x/(1-x)) + sum_n a_n P_n(1-2x), a_n around those of the model (Zhao et al. 2023).

    a_0 is left out: it shifts the voltage only.

    Parameters
    ----------
    coefficients : array, shape (terms,)
        Means of a_1, a_2, ...
    deviations : array, shape (terms,)
        Standard deviations, kT.
    """

    coefficients: Cells
    deviations: Cells

    @property
    def size(self) -> int:
        """Return the number of terms."""
        return int(self.coefficients.shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Return "mu term n"."""
        return tuple(f"mu term {n}" for n in range(1, self.size + 1))

    def place(self, model: pf.Model, z: Cells) -> pf.Model:
        """Return the model with this mu(x)."""
        terms = jnp.concatenate([jnp.zeros(1), self.coefficients + self.deviations * z])
        return _with(lambda m: m.free_energy, model, pf.Legendre(terms))


class OneNumber(Unknown):
    """One number of the model.

    Parameters
    ----------
    name : str
        For people.
    where : callable
        Where it is in the model.
    deviation : float
        Standard deviation of the number in the form that is normal.
    unit : str
        In which people know it.
    scale : float
        The number in that unit over the number in the model.
    """

    name: str = eqx.field(static=True)
    where: Callable[[pf.Model], Any] = eqx.field(static=True)
    deviation: float = 1.0
    unit: str = eqx.field(static=True, default="1")
    scale: float = eqx.field(static=True, default=1.0)

    @property
    def size(self) -> int:
        """Return 1."""
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name."""
        return (self.name,)

    @abstractmethod
    def value(self, now: Cells, moved: Cells) -> Cells:
        """Return the number when its normal form is moved."""

    def place(self, model: pf.Model, z: Cells) -> pf.Model:
        """Return the model with this number."""
        return _with(self.where, model, self.value(self.where(model), self.deviation * z[0]))


class Factor(OneNumber):
    """A positive number, normal in its logarithm: gradient energy, coherency, film resistance."""

    def value(self, now: Cells, moved: Cells) -> Cells:
        """Return the number times the exponential."""
        return now * jnp.exp(moved)


class Shift(OneNumber):
    """A number that is normal itself: equilibrium voltage."""

    def value(self, now: Cells, moved: Cells) -> Cells:
        """Return the sum."""
        return now + moved


class Share(OneNumber):
    """A number between 0 and 1, normal in its logit: alpha."""

    def value(self, now: Cells, moved: Cells) -> Cells:
        """Return the number whose logit is moved."""
        return jax.nn.sigmoid(jnp.log(now) - jnp.log1p(-now) + moved)


def placed(unknowns: tuple[Unknown, ...], model: pf.Model, z: Cells) -> pf.Model:
    """Return the model with all unknowns, their numbers one after the other in z."""
    first = 0
    for one in unknowns:
        model = one.place(model, z[first : first + one.size])
        first += one.size
    return model
