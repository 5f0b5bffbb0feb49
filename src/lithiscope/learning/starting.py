"""The first fit: stretches of frames tell where it starts, a few particles where many do, and gaps close if need be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from lithiscope.errors import AnalysisError
from lithiscope.learning.cases import Priors
from lithiscope.learning.diary import Diary
from lithiscope.learning.fit import Fit, Mapper, Particle, Point, joined, minimise, without_voltage
from lithiscope.learning.marginal import (
    FARTHEST,
    ROUGH,
    at_best_laws,
    fields_at,
    freed,
    near_best_laws,
    spread_of,
)
from lithiscope.learning.setup import Setup, particles_of, windows_of
from lithiscope.learning.shooting import shoot, shots_of
from lithiscope.progress import SILENT, Reporter

_ITERATIONS = 30
_FEW = 4  # particles that go ahead of all others
_BEGUN = 20.0  # decrease of the cost of a particle that what comes next will find
_INTERVALS = 2  # of a stretch where the laws are known
_ASTRAY = 1.5  # chi-square for each datum, above which a fit may have lost its way


def first_fit(
    setup: Setup,
    priors: Priors,
    *,
    mapper: Mapper = map,
    reporter: Reporter = SILENT,
    diary: Diary | None = None,
) -> Fit:
    """Return a fit with laws near the best ones, and fields at their best for these, from nothing.

    Of many particles those with most data go ahead. The fields of the others are then found one by one for the laws of
    these, so that all together have a short way to go.
    """
    known = [sum(int((cut.weight > 0).sum()) for cut in group) for group in setup.groups]
    few = sorted(int(n) for n in np.argsort(known)[::-1][:_FEW])
    if not (setup.layout.field and setup.layout.shared and min(known)):
        few = list(range(len(known)))
    particles = particles_of(setup, priors)
    own = [np.zeros(one.own) for one in particles]
    told: dict[str, Any] = {"mapper": mapper, "reporter": reporter, "diary": diary}
    near = partial(near_best_laws, iterations=setup.options.iterations, mapper=mapper, reporter=reporter, diary=diary)
    begin = np.zeros(setup.layout.shared)
    if all(known[n] for n in few):
        windows = [without_voltage(windows_of(setup, priors, n)) for n in few]
        found = minimise(
            windows,
            Point(begin, tuple(np.zeros(one.own) for one in windows)),
            iterations=_ITERATIONS,
            enough=ROUGH * len(windows),
            **told,
        ).point
        begin = found.shared
        for n, z in zip(few, found.own, strict=True):
            own[n][: setup.layout.field] = z[: setup.layout.field]
    start = Point(begin, tuple(own[n] for n in few))
    ahead = _whole(setup, few, [particles[n] for n in few], start, near, told)
    others = [n for n in range(len(particles)) if n not in few]
    if not others:
        return ahead
    ahead = at_best_laws(ahead, mapper, reporter, near=FARTHEST)
    reporter.say(f"fields of {len(others)} more particles, for the laws of {len(few)}")
    beside = _beside(setup, priors, [particles[n] for n in others], others, ahead.point.shared, mapper)
    if beside is None:
        for n, z in zip(few, ahead.point.own, strict=True):
            own[n] = z
        return near(particles, Point(ahead.point.shared, tuple(own)))
    return joined(few, ahead, others, beside)


def _whole(
    setup: Setup,
    numbers: Sequence[int],
    particles: Sequence[Particle],
    start: Point,
    near: Callable[[Sequence[Particle], Point], Fit],
    told: dict[str, Any],
) -> Fit:
    """Return the fit of whole half cycles; by multiple shooting if it does not find its way, or if that is asked for.

    Of two fits the better one.
    """
    known = sum(int((cut.weight > 0).sum()) for n in numbers for cut in setup.groups[n])
    asked, found, error = setup.options.shooting, [], None
    if asked != "always":
        try:
            found.append(near(particles, start))
        except AnalysisError as wrong:
            error = wrong
    astray = not found or 2 * found[0].cost > _ASTRAY * known
    if asked == "always" or (asked == "auto" and astray and known):
        told["reporter"].say("multiple shooting: half cycles in stretches from frame to frame")
        shots = [shots_of(one, setup.groups[n]) for one, n in zip(particles, numbers, strict=True)]
        tie = spread_of(particles, start)
        try:
            found.append(near(particles, shoot(shots, start, tie=tie, enough=ROUGH * len(shots), **told)))
        except AnalysisError as wrong:
            error = wrong
    if error is not None and not found:
        raise error
    return min(found, key=lambda fit: fit.whole)


def _beside(
    setup: Setup,
    priors: Priors,
    particles: Sequence[Particle],
    numbers: Sequence[int],
    laws: np.ndarray,
    mapper: Mapper,
) -> Fit | None:
    """Return some particles with their fields at their best for some laws; None where the model cannot follow."""
    windows = [without_voltage(windows_of(setup, priors, n, _INTERVALS)) for n in numbers]
    short = fields_at(windows, Point(laws, tuple(np.zeros(one.own) for one in windows)), _BEGUN, mapper)
    if short is None:
        return None
    field = setup.layout.field
    own = tuple(np.pad(z[:field], (0, one.own - field)) for z, one in zip(short.point.own, particles, strict=True))
    deaf = fields_at([without_voltage(one) for one in particles], Point(laws, own), _BEGUN, mapper)
    return None if deaf is None else fields_at(freed(particles), deaf.point, ROUGH, mapper)
