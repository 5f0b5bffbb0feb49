"""Functions F(x; parameters) that can be fitted, and their mean over the compositions of an interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lithiscope import laws
from lithiscope.errors import OptionError

FREE = "free"
_NEAREST = 2e-3  # compositions closer to 0 or 1 are not evaluated: F goes to zero there
_BEND = 0.01  # and approached over this range, smoothly
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


Drive = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Shape:
    """A function F(x; parameters) with a maximum.

    Parameters
    ----------
    name : str
        What it is called.
    value : callable (x, parameters) -> array
        F(x).
    start : tuple of float
        First guess of the parameters; none for a law without.
    peak : callable (parameters) -> float
        Composition of the maximum; NaN where there is none.
    """

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    start: tuple[float, ...] = field(default=())
    peak: Callable[[np.ndarray], float] = field(default=lambda _: float("nan"))


def shape_of(law: str | laws.ExchangeLaw) -> Shape:
    """Return the function of a law: "free", the name of an exchange law, or a law itself.

    "free" is (x/p)^(s p) ((1-x)/(1-p))^(s (1-p)): its maximum is 1, at p, and s is how sharp it is; the laws
    3 (1-x) sqrt(x(1-x)) and 2 sqrt(x(1-x)) are special cases. Its parameters are logit p and ln s.

    Raises
    ------
    OptionError
        If there is no such law.
    """
    if law == FREE:
        return Shape(FREE, _free, (float(np.log(0.35 / 0.65)), float(np.log(1.5))), lambda p: float(_expit(p[0])))
    built = laws.exchange_law(law) if isinstance(law, str) else law
    position = laws.peak(built).position
    return Shape(built.name, lambda x, _: np.asarray(built.value(x), dtype=float), (), lambda _: position)


def shapes_of(names: Sequence[str | laws.ExchangeLaw]) -> list[Shape]:
    """Return the functions of several laws.

    Raises
    ------
    OptionError
        If there is none, one is unknown, or two have one name.
    """
    shapes = [shape_of(name) for name in names]
    unique = {shape.name for shape in shapes}
    if not shapes or len(unique) < len(shapes):
        raise OptionError(
            "every law of a fit needs a name of its own",
            field="laws",
            value=[shape.name for shape in shapes],
            limit="one or more, each once",
            remedy=f"choose among {', '.join([*laws.exchange_law_names(), FREE])}",
        )
    return shapes


def _expit(value: Any) -> Any:
    return 1 / (1 + np.exp(-value))


def _free(x: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    p, s = _expit(parameters[0]), np.exp(parameters[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.exp(s * (p * np.log(x / p) + (1 - p) * np.log((1 - x) / (1 - p)))))


def _within(x: np.ndarray) -> np.ndarray:
    """Return compositions kept off 0 and 1 by a smooth bend: a sharp one makes fits swing between two answers."""
    raised = _NEAREST + _bent(x - _NEAREST)
    return np.asarray(1 - _NEAREST - _bent(1 - _NEAREST - raised))


def _bent(distance: np.ndarray) -> np.ndarray:
    """Return the distance where it is above `_BEND`, 0 below minus that, and a parabola that joins both between."""
    joined = (np.clip(distance, -_BEND, _BEND) + _BEND) ** 2 / (4 * _BEND)
    return np.where(distance > _BEND, distance, joined)


def interval_mean(
    shape: Shape, x: np.ndarray, width: np.ndarray, parameters: np.ndarray, drive: Drive | None = None
) -> np.ndarray:
    """Harmonic mean of F over x - width/2 to x + width/2: the constant F that would take the same time.

    At constant overpotential the time from x1 to x2 is proportional to integral dx/F. The integral is taken over the
    angle of x = sin^2, in which 1/sqrt(x(1-x)) is constant, so that roots at the ends do no harm. With width 0 it is
    F(x).

    Parameters
    ----------
    shape : Shape
        F.
    x, width : ndarray, shape (points,)
        Middle and length of the range of composition.
    parameters : ndarray
        Of F.
    drive : callable, optional
        r(x) of every point at the overpotential of the cell, where the rate at a given voltage depends on x beside F:
        then the mean is that of F r(x)/r(middle).
    """
    low = np.arcsin(np.sqrt(_within(x - np.abs(width) / 2)))
    high = np.arcsin(np.sqrt(_within(x + np.abs(width) / 2)))
    wide = high - low > 1e-9
    angle = (low + high)[..., None] / 2 + (high - low)[..., None] / 2 * _NODES
    jacobian = np.sin(2 * angle)
    at = np.sin(angle) ** 2
    value = shape.value(at, parameters)
    if drive is not None:
        value = value * drive(at) / drive(x[..., None])
    time = (jacobian / value) @ _WEIGHTS
    length = jacobian @ _WEIGHTS
    middle = shape.value(np.clip(x, _NEAREST, 1 - _NEAREST), parameters)
    return np.where(wide, length / np.where(wide, time, 1.0), middle)
