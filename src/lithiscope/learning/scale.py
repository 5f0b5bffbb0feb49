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

from lithiscope.errors import AnalysisError
from lithiscope.learning.arrowhead import Tie, log_determinant, solved, variance_along
from lithiscope.learning.diary import Diary
from lithiscope.learning.fit import Fit, Mapper, Particle, Point, minimise
from lithiscope.progress import SILENT, Reporter

_FIXED = 1e4  # weight that holds the spread to 1 % of that of the start
_ENOUGH = 0.05  # accuracy of the cost along the profile
_PAST = 3.0  # by how much the profile must have fallen on both sides
_FIRST, _LONGEST = 0.15, 0.4  # steps of ln(spread) along the profile
_SHORTEST = 0.01  # a side on which no shorter step helps stays open
_WIDE = 1.5  # deviations of a step, where these are smaller
_MOST = 20  # places
_ITERATIONS = 20  # of the fit at a place


class Place(NamedTuple):
    """A place along the way: where, and minus the logarithm of how much of the posterior is there."""

    at: float
    height: float
    fit: Fit


def spread_of(particles: Sequence[Particle], point: Point) -> Tie | None:
    """Return the tie whose row times all numbers is the spread of ln k over that at a point; None without laws."""
    field = particles[0].program.layout.field
    if not len(point.shared) or not field:
        return None
    rows = []
    for particle, own in zip(particles, point.own, strict=True):
        basis = np.asarray(particle.cases[0].field)
        row = np.zeros(len(own))
        row[:field] = (basis @ own[:field]) @ basis
        rows.append(row)
    whole = sum(float(row @ own) for row, own in zip(rows, point.own, strict=True))
    return Tie(np.zeros(len(point.shared)), tuple(row / whole for row in rows), 1.0, _FIXED) if whole > 0 else None


def at_the_mean(
    particles: Sequence[Particle],
    point: Point,
    *,
    iterations: int = 30,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> Fit:
    """Return the fit at the spread of ln k that is the mean of the posterior, and with the width that it has there.

    The tie of the result gives its covariances that width.

    Parameters
    ----------
    particles : sequence of Particle
        The data.
    point : Point
        Where to start.
    iterations : int
        Steps of the first fit, at most.
    mapper : callable
        `map`, or that of processes or a cluster.
    reporter : Reporter
        Told of each step.
    diary : Diary, optional
        Told of each accepted step; it may know from where to go on.
    """
    tie = spread_of(particles, point)
    if tie is None:
        return minimise(particles, point, iterations=iterations, mapper=mapper, reporter=reporter, diary=diary)
    free = [particle._replace(scaled=False) for particle in particles]
    first = minimise(free, point, iterations=iterations, tie=tie, mapper=mapper, reporter=reporter, diary=diary)
    tie = spread_of(first.particles, first.point) or tie
    first = replace(first, tie=tie)
    places = _profile(Place(1.0, _height(first), first), tie, mapper, reporter, diary)
    if len(places) < 2:
        return replace(first, tie=None, converged=False)
    at, deviation, log_mass = summit([one.at for one in places], [one.height for one in places])
    last = _place(places, tie, at, mapper, diary)
    weight = 1 / deviation**2 - 1 / variance_along(last.fit.blocks, tie)
    converged = last.fit.converged and not _open_ends(places)
    iterations = first.iterations + sum(one.fit.iterations for one in (*places, last) if one.fit is not first)
    # What holds a place is a normal density of the spread but for its constant.
    log_mass += 0.5 * float(np.log(_FIXED / (2 * np.pi)))
    return replace(
        last.fit, tie=tie._replace(value=at, weight=weight), converged=converged, log_mass=log_mass,
        iterations=iterations,
    )  # fmt: skip


def spread_error(fit: Fit) -> float:
    """Return the relative standard deviation of the spread of ln k; 0 where there is no field or no law."""
    row = spread_of(fit.particles, fit.point)
    if row is None:
        return 0.0
    variance = variance_along(fit.blocks, row)
    if fit.tie is not None:
        _, follow = solved(fit.blocks, fit.tie)
        mixed = sum(float(one @ two) for one, two in zip(row.own, follow, strict=True))
        variance -= fit.tie.weight * mixed**2 / (1 + fit.tie.weight * variance_along(fit.blocks, fit.tie))
    return float(np.sqrt(max(variance, 0.0)))


def _profile(first: Place, tie: Tie, mapper: Mapper, reporter: Reporter, diary: Diary | None) -> list[Place]:
    """Return places in order, from where the profile has fallen on one side to where it has on the other."""
    places = [first]
    step = min(_FIRST, _WIDE * float(np.sqrt(variance_along(first.fit.blocks, tie))))
    side = 1  # the most probable point, from which most starts come, lies below the mean
    while len(places) < _MOST:
        end = places[-1] if side > 0 else places[0]
        try:
            place = _place(places, tie, end.at * float(np.exp(side * step)), mapper, diary)
        except AnalysisError:
            # The model cannot follow the data from the point that the line to the next place ends at: go less far.
            step /= 2
            if step < _SHORTEST:
                break
            continue
        places = sorted([*places, place], key=lambda one: one.at)
        reporter.say(f"spread of ln k times {place.at:.3f}: {first.height - place.height:+.2f} of the log posterior")
        open_ends = _open_ends(places)
        if not open_ends:
            break
        if abs(place.height - end.height) < 1:
            step = min(1.5 * step, _LONGEST)
        side = side if side in open_ends else -side
    return places


def _open_ends(places: Sequence[Place]) -> list[int]:
    """Return the sides on which the profile has not fallen far enough."""
    lowest = min(one.height for one in places)
    return [side for side, one in ((-1, places[0]), (1, places[-1])) if one.height < lowest + _PAST]


def _place(places: Sequence[Place], tie: Tie, at: float, mapper: Mapper, diary: Diary | None = None) -> Place:
    held = tie._replace(value=at)
    nearest = min(places, key=lambda one: abs(one.at - at)).fit
    start = _between(places, tie, at)
    fit = minimise(
        nearest.particles,
        start,
        iterations=_ITERATIONS,
        tie=held,
        enough=_ENOUGH,
        damping=1e-3,
        mapper=mapper,
        diary=diary,
    )
    return Place(at, _height(fit), fit)


def _height(fit: Fit) -> float:
    return fit.whole + 0.5 * log_determinant(fit.blocks, len(fit.point.shared), fit.tie)


def _between(places: Sequence[Place], tie: Tie, at: float) -> Point:
    """Return a point by a line through the two nearest places, or along the most probable way from a single one."""
    nearest = sorted(places, key=lambda one: abs(one.at - at))[:2]
    a, far = nearest[0].fit.point, at - nearest[0].at
    if len(nearest) > 1:
        b, span = nearest[1].fit.point, nearest[1].at - nearest[0].at
        shared = (b.shared - a.shared) / span
        own = [(two - one) / span for one, two in zip(a.own, b.own, strict=True)]
    else:
        along, follow = solved(nearest[0].fit.blocks, tie)
        variance = variance_along(nearest[0].fit.blocks, tie)
        shared, own = along / variance, [one / variance for one in follow]
    return Point(a.shared + far * shared, tuple(one + far * two for one, two in zip(a.own, own, strict=True)))


def summit(at: Sequence[float], height: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, standard deviation and log integral of exp(-height), by a smooth curve through its places."""
    from scipy.interpolate import CubicSpline

    fine = np.linspace(min(at), max(at), 2001)
    values = CubicSpline(at, height, bc_type="natural")(fine)
    lowest = float(values.min())
    weight = np.exp(lowest - values)
    whole = float(np.trapezoid(weight, fine))
    weight /= weight.sum()
    mean = float(weight @ fine)
    return mean, float(np.sqrt(weight @ (fine - mean) ** 2)), float(np.log(whole)) - lowest
