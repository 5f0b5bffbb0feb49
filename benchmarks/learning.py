"""Learning from a composition video, against plain baselines that use the same forward model, or none.

1. `scipy.optimize.least_squares` with finite differences on the same residuals, from the same start, until its cost is
   that of lithiscope. Where that takes longer than a time limit, the ratio is told as a lower bound (`at_least`).
2. The same for 30 particles that share their laws. A Jacobian takes a run of every particle for every number there, so
   it is not waited for: one run is timed, and as many Jacobians are counted as lithiscope takes steps.
3. The direct estimate of each pixel's rate: its rate between two frames over that of the pixels with nearly its
   composition, which needs no model. What is compared there is the error of ln k.
4. Two processes against one: a whole learning of 30 particles in each, from nothing to the error bars.

The first two use one core and leave out compilation and the start by stretches, which serves both. Give names (`scipy`,
`thirty`, `direct`, `processes`) to run only these; `--rows R --columns C` for another size of the particle.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "1")  # threads of XLA

import contextlib

import jax.numpy as jnp
import numpy as np

from lithiscope.errors import LithiscopeWarning
from lithiscope.learning import LearnOptions
from lithiscope.learning.cases import Priors
from lithiscope.learning.fit import ENOUGH, Particle, Point, minimise, with_steps
from lithiscope.learning.half_cycles import half_cycles
from lithiscope.learning.marginal import ROUGH
from lithiscope.learning.setup import Setup, particles_of, setup_of, windows_of
from lithiscope.verification.virtual_learning import THICKNESS, Truth

LIMIT = 240.0  # s that scipy may take
PARTICLES, SMALL = 30, (16, 12)


def problem(truth: Truth, seeds: range) -> tuple[Setup, list[Particle], Point]:
    """Return the setup, the particles, and the start from stretches of two frames."""
    videos = [truth.video(seed) for seed in seeds]
    options = LearnOptions(thickness=THICKNESS)
    setup = setup_of(videos, half_cycles(videos), options)
    priors = Priors(options.amplitude, options.length, options.initial_amplitude, options.initial_length)
    windows = [windows_of(setup, priors, number) for number in range(len(videos))]
    begin = Point(np.zeros(setup.layout.shared), tuple(np.zeros(one.own) for one in windows))
    first = minimise(windows, begin, enough=ROUGH)
    field, whole = setup.layout.field, particles_of(setup, priors)
    own = [np.r_[z[:field], np.zeros(one.own - field)] for one, z in zip(whole, first.point.own, strict=True)]
    return setup, whole, Point(first.point.shared, tuple(own))


def timed(work: Any) -> tuple[float, Any]:
    """Return the seconds of a second call, so that nothing is compiled in it, and its result."""
    work()
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def residuals(particle: Particle, z: np.ndarray) -> Any:
    """Return a function from all numbers of a particle to its residuals and those of the priors."""
    places = particle.places()
    pairs = zip(particle.cases, places, strict=True)
    cases = [with_steps(particle, case, jnp.asarray(z[place])) for case, place in pairs]

    def of(z: np.ndarray) -> np.ndarray:
        each = [
            np.asarray(particle.program.seen(case, jnp.asarray(z[place]))[2]).ravel()
            for case, place in zip(cases, places, strict=True)
        ]
        return np.concatenate([*each, z])

    return of


class EnoughError(Exception):
    """Scipy is as low as lithiscope, or its time is over."""


def against_scipy(truth: Truth) -> dict[str, Any]:
    """Return the comparison for one particle."""
    from scipy.optimize import least_squares

    setup, particles, start = problem(truth, range(1))
    seconds, fit = timed(lambda: minimise(particles, start))
    z = np.concatenate([start.shared, start.own[0]])
    plain = residuals(particles[0], z)
    plain(z)
    begin, low, calls = time.perf_counter(), [np.inf], [0]

    def watched(z: np.ndarray) -> np.ndarray:
        found = plain(z)
        calls[0] += 1
        low[0] = min(low[0], 0.5 * float(found @ found))
        if low[0] <= fit.whole + ENOUGH or time.perf_counter() - begin > LIMIT:
            raise EnoughError
        return found

    with contextlib.suppress(EnoughError):
        least_squares(watched, z, method="trf")
    theirs = time.perf_counter() - begin
    return {
        "pixels": int(setup.groups[0][0].mask.sum()),
        "numbers": len(z),
        "lithiscope_s": round(seconds, 2),
        "lithiscope_cost": round(fit.whole, 1),
        "scipy_s": round(theirs, 1),
        "scipy_runs": calls[0],
        "scipy_cost": round(low[0], 1),
        "ratio": round(theirs / seconds, 1),
        "at_least": low[0] > fit.whole + ENOUGH,
        "target": 3,
    }


def thirty(truth: Truth) -> dict[str, Any]:
    """Return the comparison for many particles that share their laws."""
    setup, particles, start = problem(truth, range(PARTICLES))
    seconds, fit = timed(lambda: minimise(particles, start))
    run = 0.0
    for one, own in zip(particles, start.own, strict=True):
        z = np.concatenate([start.shared, own])
        plain = residuals(one, z)
        run += timed(lambda plain=plain, z=z: plain(z))[0]
    numbers = len(start.shared) + sum(map(len, start.own))
    theirs = run * numbers * fit.iterations
    return {
        "particles": len(particles),
        "pixels": int(setup.groups[0][0].mask.sum()),
        "numbers": numbers,
        "lithiscope_s": round(seconds, 1),
        "steps": fit.iterations,
        "run_of_all_s": round(run, 2),
        "scipy_s_counted": round(theirs),
        "ratio": round(theirs / seconds),
        "target": 30,
    }


def direct(truth: Truth, seed: int) -> dict[str, Any]:
    """Return the errors of ln k, learned and estimated pixel by pixel."""
    from lithiscope.learning import learn

    video, mask = truth.video(seed), truth.mask()
    true = truth.log_rate(seed)[mask]
    tree = learn(video, LearnOptions(thickness=THICKNESS, voltage=True, strain="coherent"))
    learned = tree["/particle/0_1"]["log_rate"].values[mask]
    plain = pixel_by_pixel(video["lithium_fraction"].values[:, mask], video["half_cycle"].values)
    errors = [float(np.sqrt(np.mean((one - one.mean() - true) ** 2))) for one in (learned, plain)]
    return {
        "pixels": int(mask.sum()),
        "seed": seed,
        "error_learned": round(errors[0], 3),
        "error_direct": round(errors[1], 3),
        "correlation_learned": round(float(np.corrcoef(learned, true)[0, 1]), 4),
        "correlation_direct": round(float(np.corrcoef(plain, true)[0, 1]), 4),
        "ratio": round(errors[1] / errors[0], 1),
    }


def pixel_by_pixel(x: np.ndarray, half_cycle: np.ndarray, near: float = 0.1) -> np.ndarray:
    """Return ln k of each pixel: its rates over those of pixels with nearly the same x, of all intervals together."""
    steps = np.flatnonzero(np.diff(half_cycle) == 0)
    own, others = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for first in steps:
        change, middle = x[first + 1] - x[first], (x[first + 1] + x[first]) / 2
        like = np.abs(middle[:, None] - middle) < near
        sign = np.sign(change.mean())
        own += sign * change
        others += sign * (like @ change) / like.sum(1)
    return np.asarray(np.log(np.maximum(own / others, 0.05)))


def two_processes(truth: Truth) -> dict[str, Any]:
    """Return seconds of a learning of many particles in one process and in two, compiled before."""
    from lithiscope.learning import learn, processes

    videos = [truth.video(seed) for seed in range(PARTICLES)]
    options = LearnOptions(thickness=THICKNESS, voltage=True, strain="coherent")
    seconds, trees = [], []
    for count in (1, 2):
        with processes(count) as mapper:
            learn(videos[:6], options, mapper=mapper)  # every process compiles for itself, before the clock starts
            begin = time.perf_counter()
            trees.append(learn(videos, options, mapper=mapper))
            seconds.append(time.perf_counter() - begin)
    rates = [np.exp(tree["/particle/29_1"]["log_rate"].values) for tree in trees]
    return {
        "particles": PARTICLES,
        "pixels": int(truth.mask().sum()),
        "one_process_s": round(seconds[0], 1),
        "two_processes_s": round(seconds[1], 1),
        "ratio": round(seconds[0] / seconds[1], 2),
        "target": 1.7,
        "rates_differ_by": float(np.nanmax(np.abs(rates[1] / rates[0] - 1))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=["scipy", "thirty", "direct", "processes", []], default=[])
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--columns", type=int, default=22)
    given = parser.parse_args()
    warnings.simplefilter("ignore", LithiscopeWarning)
    shape = (given.rows, given.columns)
    work = {
        "scipy": lambda: against_scipy(Truth(shape=shape)),
        "thirty": lambda: thirty(Truth(shape=SMALL)),
        "processes": lambda: two_processes(Truth(shape=SMALL, volt_sigma=0.002)),
        "direct": lambda: direct(Truth(shape=shape, volt_sigma=0.002), 0),
    }
    for name in given.names or list(work):
        print(json.dumps({"peer": name, **work[name]()}), flush=True)


if __name__ == "__main__":
    main()
