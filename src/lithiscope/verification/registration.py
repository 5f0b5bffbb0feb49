"""Registration and resampling against scenes whose drift is known exactly, and against counting statistics.

Every root-mean-square error is that of the whole displacement vector (all axes together), the mean offset taken out,
pooled over movies of fresh seeds. The scenes are those of `lithiscope.instruments.pictures`, with their defaults unless
a row says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.frames import RegisterOptions, register, resample
from lithiscope.instruments.pictures import Movie, optical_movie, stxm_movie, volume_movie
from lithiscope.verification.rows import Row, compare

Array = NDArray[np.float64]
Scene = Callable[[int], Movie]

_SEED = 2026
_SOURCE = "virtual movie; Lucas & Kanade 1981 (Proc. IJCAI, 674) with local gain"
_BOUND = "a bound of the design, with no slack"
_GLOBAL = RegisterOptions(gain="global")


class Outcome(NamedTuple):
    """Of one or more movies, in pixels: root-mean-square error, what was quoted for it, and the Cramer-Rao bound."""

    error: float
    quoted: float
    bound: float


def measure(scene: Scene, seeds: range, options: RegisterOptions = RegisterOptions()) -> Outcome:  # noqa: B008 (frozen)
    """Register movies and compare with their drift; a frame that is not aligned makes the error NaN.

    Parameters
    ----------
    scene : callable
        Seed to movie.
    seeds : range
        One movie each.
    options : RegisterOptions
        How.

    Returns
    -------
    Outcome
        Pooled over the movies.
    """
    squares = []
    for seed in seeds:
        movie = scene(seed)
        found = register(movie.frames, options=options)
        error = (found["shift"].values - movie.drift) / movie.pixel
        error = error - error.mean(axis=0)
        quoted = found["shift_std"].values / movie.pixel
        squares.append([np.mean(np.sum(part**2, axis=1)) for part in (error, quoted)] + [cramer_rao(movie) ** 2])
    return Outcome(*(float(value) for value in np.sqrt(np.mean(squares, axis=0))))


def cramer_rao(movie: Movie) -> float:
    """Return the least root-mean-square error of the displacement of the middle frame, were its scene known (px).

    The Fisher information of a displacement is the sum of grad s grad s^T / var over the pixels, with the gradient of
    the noise-free picture (central differences) and without the four outermost pixels, which registration leaves out.
    """
    middle = len(movie.expected) // 2
    inner = (slice(4, -4),) * len(movie.pixel)
    std = movie.frames["signal_std"].values[middle][inner].astype(float)
    slopes = [np.asarray(slope)[inner] / std for slope in np.gradient(movie.expected[middle])]
    information = np.array([[np.sum(a * b) for b in slopes] for a in slopes])
    return float(np.sqrt(np.trace(np.linalg.inv(information))))


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` takes four times as many movies."""
    few, many = (range(_SEED, _SEED + count * (4 if everything else 1)) for count in (1, 4))
    yield from _optical(few, many)
    yield from _stxm(few, many)
    yield from _volume(few)
    yield from _resampling()


def _optical(seeds: range, many: range) -> Iterator[Row]:
    front = measure(lambda seed: optical_movie(seed=seed), seeds)
    name = "optical movie, 256 x 256, 800 e/px, blur 1.2 px, 60 % brighter behind a front: error"
    yield _at_most(name, 0.015, front.error)
    yield _calibrated("optical movie with a front", front)
    still = measure(lambda seed: optical_movie(seed=seed, front=False), seeds)
    yield _at_most("the same without a front: error", 0.010, still.error)
    yield _at_most("the same, over its Cramer-Rao bound", 1.5, still.error / still.bound, unit="1")
    # Near its bound: single movies scatter about it.
    weak = measure(lambda seed: optical_movie(seed=seed, front=False, texture=0.06), many)
    yield _at_most("texture of 6 % in place of 12 %: error", 0.020, weak.error)
    yield _calibrated("weak texture", weak)


def _stxm(few: range, many: range) -> Iterator[Row]:
    for radius, limit, seeds in ((55.0, 0.03, few), (12.0, 0.05, many)):
        found = measure(partial(_platelet, radius), seeds)
        name = f"platelet of {radius:g} px radius on blank, 1e4 counts, blur 1 px, front, three energies in turn"
        yield _at_most(f"{name}: error", limit, found.error)
        yield _calibrated(f"platelet of {radius:g} px", found)


def _volume(seeds: range) -> Iterator[Row]:
    for light, limit in ((400.0, 0.015), (100.0, 0.03)):
        found = measure(partial(_stack, light), seeds, _GLOBAL)
        yield _at_most(f"stack of 24 x 80 x 80, {light:g} photons a voxel, one gain: error", limit, found.error)


def _platelet(radius: float, seed: int) -> Movie:
    return stxm_movie(seed=seed, radius=radius)


def _stack(light: float, seed: int) -> Movie:
    return volume_movie(seed=seed, light=light)


def _resampling() -> Iterator[Row]:
    """Noise of a half-pixel shift: its closed form, and 128 x 128 pixels of Poisson noise."""
    side, mean = 128, 1000.0
    rng = np.random.default_rng(_SEED)
    counts = rng.poisson(mean, (1, side, side)).astype(float)
    grid = {"y": ("y", np.arange(float(side))), "x": ("x", np.arange(float(side)))}
    frames = stages.new(
        "frames",
        {
            "signal": ("time y x", counts),
            "signal_std": ("time y x", np.full(counts.shape, np.sqrt(mean))),
            "signal_flag": ("time y x", np.zeros(counts.shape)),
        },
        coords={"time": ("time", [0.0]), **grid},
        attrs={"quantity": "counts"},
    )
    alignment = stages.new(
        "alignment",
        {
            "shift": ("time axis", [[0.5, 0.5]]),
            "shift_std": ("time axis", [[0.0, 0.0]]),
            "alignment_flag": ("time", [0]),
        },
        coords={"time": ("time", [0.0]), "axis": ("axis", ["y", "x"])},
    )
    moved = resample(frames, alignment)
    yield compare(
        "a half-pixel shift in both directions leaves this share of sigma (noise_gain)",
        "cardinal cubic spline, Unser 1999 (IEEE Signal Process. Mag. 16(6), 22): squared weights sum to 0.7561",
        0.75613,
        float(moved["noise_gain"].values[0]),
        within=1e-4,
        because="the series of weights is cut where it has fallen to 3e-5",
    )
    inner = (0, slice(8, -8), slice(8, -8))
    scatter = float(moved["signal"].values[inner].std() / moved["signal_std"].values[inner].mean())
    yield compare(
        "scatter of resampled Poisson counts over signal_std",
        "Monte Carlo, 112 x 112 pixels",
        1.0,
        scatter,
        within=0.02,
        because="three standard errors of a standard deviation of 12544 pixels that are correlated with neighbours",
    )


def _at_most(claim: str, limit: float, found: float, unit: str = "px") -> Row:
    return Row(claim, _SOURCE, limit, found, 0.0, _BOUND, "<=", unit)


def _calibrated(scene: str, found: Outcome) -> Row:
    return compare(
        f"{scene}: actual error over quoted standard deviation",
        "inverse normal matrices and the disagreement of pairs",
        1.0,
        found.error / found.quoted,
        within=0.2,
        because="an error bar is useful when it is right to a fifth; errors of a frame's pairs are correlated",
    )
