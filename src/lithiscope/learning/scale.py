"""The direction in which the laws trade off with the spread of ln k, followed by a profile of the marginal posterior.

Far from equilibrium x(t) of a pixel is a function of k t alone, whatever that function is, so ln k may be multiplied by
any number if j0(x) and mu(x) follow. The width of the posterior of each pixel goes with that number. The most probable
point of all numbers at once then lies where the posterior is narrow, not where most of it is, and error bars about it
say nothing. So the laws are taken along that direction, all other numbers at their best for each place, and each place
counts by how much of the posterior is there: its height and, through the determinant, its width (Tierney and Kadane,
J. Am. Stat. Assoc. 81, 82 (1986)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lithiscope.learning.arrowhead import Tie, log_determinant, solved, variance_along
from lithiscope.learning.fit import Fit, Mapper, Particle, Point, Task, block_of, minimise
from lithiscope.progress import SILENT, Reporter

_MATTERS = 0.3  # standard deviations off the mean below which the most probable point will do
_FIXED = 1e4  # weight of a tie that holds a place, in units of one over its variance
_ENOUGH = 0.05  # accuracy of the cost along the profile
_PAST = 3.0  # by how much the profile must have risen on both sides
_FIRST, _LONGEST = 1.5, 4.0  # steps along the profile, standard deviations
_MOST = 16  # places


class Way(NamedTuple):
    """The most probable way to another spread of ln k.

    Attributes
    ----------
    tie : Tie
        Its row times all numbers is the spread over that of the most probable point.
    deviation : float
        Standard deviation of the spread about that point.
    shared : array, shape (shared,)
        Change of the laws for a spread of one more.
    own : tuple of arrays
        Change of the numbers of each particle that goes with it.
    """

    tie: Tie
    deviation: float
    shared: np.ndarray
    own: tuple[np.ndarray, ...]

    def held(self, at: float) -> Tie:
        """Return what holds the spread at a value."""
        return self.tie._replace(value=at, weight=_FIXED / self.deviation**2)


class Place(NamedTuple):
    """A place along the way: where, and minus the logarithm of how much of the posterior is there."""

    at: float
    height: float
    fit: Fit


def way_of(fit: Fit) -> Way | None:
    """Return the way on which the laws trade off with the spread of ln k, or None where nothing is shared."""
    shared = len(fit.point.shared)
    field = fit.particles[0].program.layout.field
    if not shared or not field:
        return None
    rows = []
    for particle, own in zip(fit.particles, fit.point.own, strict=True):
        basis = np.asarray(particle.cases[0].field)
        row = np.zeros(len(own))
        row[:field] = (basis @ own[:field]) @ basis
        rows.append(row)
    whole = sum(float(row @ own) for row, own in zip(rows, fit.point.own, strict=True))
    if not whole > 0:
        return None
    tie = Tie(np.zeros(shared), tuple(row / whole for row in rows), 1.0, 0.0)
    along, follow = solved(fit.blocks, tie)
    variance = sum(float(row @ one) for row, one in zip(tie.own, follow, strict=True))
    return Way(tie, float(np.sqrt(variance)), along / variance, tuple(one / variance for one in follow))


def slope_of(fit: Fit, way: Way) -> float:
    """Return by how many standard deviations, to first order, the mean lies off the most probable place."""
    sides = []
    for side in (-0.5 * way.deviation, 0.5 * way.deviation):
        blocks = [
            block_of(Task(particle, np.concatenate([fit.point.shared + side * way.shared, own + side * change])))
            for particle, own, change in zip(fit.particles, fit.point.own, way.own, strict=True)
        ]
        found = [one[0] for one in blocks if one is not None]
        whole = len(found) == len(blocks)
        sides.append(0.5 * log_determinant(found, len(fit.point.shared)) if whole else np.inf)
    return float(sides[0] - sides[1]) if np.isfinite(sides).all() else np.inf


def at_the_mean(fit: Fit, *, mapper: Mapper = map, reporter: Reporter = SILENT) -> Fit:
    """Return the fit at the place of the way where most of the posterior is, and with the width that it has there.

    The tie of the result gives its covariances that width. Where the most probable point is near the mean, the fit
    comes back as it is.
    """
    way = way_of(fit)
    if way is None:
        return fit
    shift = slope_of(fit, way)
    reporter.say(f"the mean is about {shift:.1f} standard deviations off the most probable spread of ln k")
    if abs(shift) < _MATTERS:
        return fit
    places = _profile(fit, way, np.sign(shift), mapper, reporter)
    at, deviation = summit([one.at for one in places], [one.height for one in places])
    near = min(places, key=lambda one: abs(one.at - at))
    last = _place(_between(places, at, way), near.fit.particles, way, at, mapper)
    weight = 1 / deviation**2 - 1 / variance_along(last.fit.blocks, way.tie)
    enclosed = not _open_ends(places)
    return replace(last.fit, tie=way.tie._replace(value=at, weight=weight), converged=last.fit.converged and enclosed)


def spread_error(fit: Fit) -> float:
    """Return the relative standard deviation of the spread of ln k; 0 where there is no field or no law."""
    way = way_of(fit)
    if way is None:
        return 0.0
    variance = way.deviation**2
    if fit.tie is not None:
        _, follow = solved(fit.blocks, fit.tie)
        mixed = sum(float(row @ one) for row, one in zip(way.tie.own, follow, strict=True))
        weight = fit.tie.weight
        variance -= weight * mixed**2 / (1 + weight * variance_along(fit.blocks, fit.tie))
    return float(np.sqrt(max(variance, 0.0)))


def _profile(fit: Fit, way: Way, towards: float, mapper: Mapper, reporter: Reporter) -> list[Place]:
    """Return places in order, from where the profile has fallen on one side to where it has on the other."""
    places = [Place(1.0, _height(replace(fit, tie=way.held(1.0))), fit)]
    step = towards * _FIRST * way.deviation
    while len(places) < _MOST:
        end = places[-1] if step > 0 else places[0]
        at = end.at + step
        place = _place(_between(places, at, way), end.fit.particles, way, at, mapper)
        places = sorted([*places, place], key=lambda one: one.at)
        reporter.say(f"spread of ln k times {at:.3f}: {place.height:.2f}")
        open_ends = _open_ends(places)
        if not open_ends:
            break
        side = towards if towards in open_ends else -towards
        longer = abs(step) * (1.5 if place.height == min(one.height for one in places) else 1.0)
        step = side * min(longer, _LONGEST * way.deviation)
    return places


def _open_ends(places: Sequence[Place]) -> list[int]:
    """Return the sides on which the profile has not fallen far enough."""
    lowest = min(one.height for one in places)
    return [side for side, one in ((-1, places[0]), (1, places[-1])) if one.height < lowest + _PAST]


def _place(point: Point, particles: Sequence[Particle], way: Way, at: float, mapper: Mapper) -> Place:
    tie = way.held(at)
    fit = minimise(particles, point, iterations=12, tie=tie, enough=_ENOUGH, damping=1e-3, mapper=mapper)
    return Place(at, _height(fit), fit)


def _height(fit: Fit) -> float:
    return fit.whole + 0.5 * log_determinant(fit.blocks, len(fit.point.shared), fit.tie)


def _between(places: Sequence[Place], at: float, way: Way) -> Point:
    """Return a point of the way by a line through the two nearest places, or along the way from a single one."""
    nearest = sorted(places, key=lambda one: abs(one.at - at))[:2]
    a, far = nearest[0].fit.point, at - nearest[0].at
    change = (way.shared, way.own)
    if len(nearest) > 1:
        b, span = nearest[1].fit.point, nearest[1].at - nearest[0].at
        change = (
            (b.shared - a.shared) / span,
            tuple((two - one) / span for one, two in zip(a.own, b.own, strict=True)),
        )
    return Point(a.shared + far * change[0], tuple(one + far * two for one, two in zip(a.own, change[1], strict=True)))


def summit(at: Sequence[float], height: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of the density exp(-height), by a smooth curve through its places."""
    from scipy.interpolate import PchipInterpolator

    fine = np.linspace(min(at), max(at), 2001)
    values = PchipInterpolator(at, height)(fine) if len(at) > 2 else np.interp(fine, at, height)
    weight = np.exp(-(values - values.min()))
    weight /= weight.sum()
    mean = float(weight @ fine)
    return mean, float(np.sqrt(weight @ (fine - mean) ** 2))
