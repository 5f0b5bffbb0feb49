"""How long the error bars of the weakest directions of the laws really are.

Laplace's approximation takes minus the logarithm of the posterior of the laws as a parabola. Along the directions that
the data know least, it is computed one and two standard deviations away, with the fields at their best (Tierney and
Kadane, J. Am. Stat. Assoc. 81, 82 (1986)), and held against that parabola: 1/2 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lithiscope.learning.arrowhead import Solver
from lithiscope.learning.fit import Fit, Mapper
from lithiscope.learning.marginal import laws_moved, minus_log_marginal, spread_of
from lithiscope.progress import SILENT, Reporter

PLACES = (-2.0, -1.0, 1.0, 2.0)
"""Standard deviations from the fit."""

_WIDEST = 2  # directions
_NARROWED = 0.9  # variance over that of the prior: the posterior of wider ones is the prior, which is a parabola
_SAME = 0.99  # cosine of two directions that are one
_SHARE = 0.25  # of the largest part of a direction: smaller parts are not named
_OFF = 1.3  # ratio of the lengths of error bars that a reader should know of: the settling of the fields leaves 5 %
_LONGEST = 4.0  # ratio beyond which only that is told
_SETTLED = 0.02  # decrease of the cost that the fields may still promise: a hundredth of the parabola


class Profile(NamedTuple):
    """The posterior of the laws along one direction.

    Attributes
    ----------
    name : str
        Of the direction.
    direction : array, shape (shared,)
        One standard deviation of Laplace's.
    rise : array, shape (4,)
        Of minus the logarithm of the posterior at `PLACES`; the parabola has 2, 1/2, 1/2 and 2. NaN where the model
        cannot follow.
    lower, upper : float
        Length of the error bar on either side over Laplace's: where the posterior is that of two deviations. NaN where
        it is not known.
    """

    name: str
    direction: np.ndarray
    rise: np.ndarray
    lower: float
    upper: float


def profiled(fit: Fit, names: Sequence[str], *, mapper: Mapper = map, reporter: Reporter = SILENT) -> list[Profile]:
    """Return the posterior of the laws along its widest directions, and along that of the spread of ln k.

    Parameters
    ----------
    fit : Fit
        With the second derivatives of the laws.
    names : sequence of str
        Of the numbers of the laws.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each direction.
    """
    found: list[Profile] = []
    todo = directions_of(fit, names)
    # The fit may have left its fields less settled than is asked for here.
    here = laws_moved(fit, np.zeros(len(fit.point.shared)), mapper, _SETTLED) if todo else None
    if here is None:
        return found
    for name, direction in todo:
        places = [laws_moved(here, place * direction, mapper, _SETTLED) for place in PLACES]
        rise = np.array(
            [np.nan if one is None else minus_log_marginal(one) - minus_log_marginal(here) for one in places]
        )
        found.append(Profile(name, direction, rise, length(rise[1::-1]), length(rise[2:])))
        reporter.say(f"{name}: error bars of {found[-1].lower:.2f} below and {found[-1].upper:.2f} above")
    return found


def directions_of(fit: Fit, names: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Return the directions that are looked at, a standard deviation long, with their names."""
    shared = len(fit.point.shared)
    if not shared:
        return []
    solver = Solver(fit.blocks, shared)
    matrix = solver.matrix if fit.laws is None else fit.laws
    variances, axes = np.linalg.eigh(np.linalg.inv(matrix))
    wide = [number for number in np.argsort(-variances) if variances[number] < _NARROWED][:_WIDEST]
    found = [axes[:, number] * np.sqrt(variances[number]) for number in wide]
    found = [one * np.sign(one[np.argmax(np.abs(one))]) for one in found]
    result = [(_named(one, names), one) for one in found]
    tie = spread_of(fit.particles, fit.point)
    if tie is not None:
        row = sum(moves.T @ one for moves, one in zip(solver.follow(), tie.own, strict=True))
        way = np.linalg.solve(matrix, row)
        if way @ row > 0:
            way = way / np.sqrt(way @ row)
            if not any(abs(way @ matrix @ one) > _SAME for one in found):
                result.append(("the spread of ln k, and of the laws that trade off with it", way))
    return result


def length(rise: np.ndarray) -> float:
    """Return the length of an error bar over Laplace's, from the rises one and two of its deviations away.

    The root of twice the rise is the distance in true deviations. Between places it is taken as a straight line, and
    beyond the last as that between the last two.

    Parameters
    ----------
    rise : array, shape (2,)
        Of minus the logarithm of the posterior, nearest first.

    Returns
    -------
    float
        At most `_LONGEST`; NaN where a rise is not known.
    """
    near, far = np.sqrt(2 * np.maximum(rise, 0.0))
    if not np.isfinite([near, far]).all():
        return float("nan")
    if far >= 2:
        # Two true deviations are reached on the way.
        return float(0.5 * (2 / near if near >= 2 else 1 + (2 - near) / (far - near)))
    slope = far - near
    reached = 2 + (2 - far) / slope if slope > 0 else np.inf
    return float(min(0.5 * reached, _LONGEST))


def words_of(profiles: Sequence[Profile]) -> list[str]:
    """Return which error bars should be longer or shorter, in words."""
    found = []
    for one in profiles:
        for ratio, side in ((one.lower, "lower"), (one.upper, "upper")):
            if 1 / _OFF < ratio < _OFF:
                continue
            if np.isfinite(ratio):
                much = f"more than {_LONGEST:.0f}" if ratio >= _LONGEST else f"{ratio:.1f}"
                found.append(f"the error bar of {one.name} should be {much} times as long on the {side} side")
            else:
                found.append(
                    f"the error bar of {one.name} could not be checked on the {side} side: the model cannot follow the "
                    "data two standard deviations away"
                )
    return found


def _named(direction: np.ndarray, names: Sequence[str]) -> str:
    """Return what a direction is made of, with signs as it goes up."""
    size = np.abs(direction)
    order = [number for number in np.argsort(-size) if size[number] > _SHARE * size.max()][:3]
    parts = [f"{names[number]} {'up' if direction[number] > 0 else 'down'}" for number in order]
    return "the laws along " + ", ".join(parts)
