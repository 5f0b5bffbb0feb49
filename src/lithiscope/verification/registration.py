"""Registration and resampling against scenes whose drift is known exactly, and against counting statistics.

Every root-mean-square error is that of the whole displacement vector (all axes together), the mean offset taken out,
pooled over movies of fresh seeds. The scenes are those of `lithiscope.instruments.pictures`, with their defaults unless
a row says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages
from lithiscope.frames import RegisterOptions, register, resample
from lithiscope.instruments.pictures import Movie, affine_movie, optical_movie, stxm_movie, volume_movie
from lithiscope.verification.rows import Row, compare

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
Scene = Callable[[int], Movie]

_SEED = 2026
_SOURCE = "virtual movie; Lucas & Kanade 1981 (Proc. IJCAI, 674) with local gain"
_BOUND = "a bound of the design, with no slack"


class Outcome(NamedTuple):
    """Of one or more movies: root-mean-square error, what was quoted for it, and the Cramer-Rao bound; in pixels."""

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
        Pooled over the movies, all axes together.
    """
    return _outcome(_shift_squares(scene, seeds, options).sum(axis=1))


def measure_axes(scene: Scene, seeds: range, options: RegisterOptions) -> tuple[Outcome, ...]:
    """Do the same, and return the outcome of each axis on its own."""
    return tuple(_outcome(part) for part in _shift_squares(scene, seeds, options).T)


def measure_affine(scene: Scene, seeds: range) -> tuple[Outcome, Outcome]:
    """Register movies that turn and strain, and return the outcomes of the displacement and of the linear part.

    That of the linear part is the root of the sum of the squares of its four numbers, without a unit.
    """
    squares = []
    for seed in seeds:
        movie = scene(seed)
        found = register(movie.frames, options=RegisterOptions(motion="affine"))
        linear, quoted = found["affine"].values - movie.linear, found["affine_std"].values
        parts = [_error_and_quoted(found, movie)]
        parts.append(np.stack([linear - linear.mean(axis=0), quoted]))
        bounds = np.square(cramer_rao_affine(movie))
        sums = [[*np.sum(part.reshape(*part.shape[:2], -1) ** 2, axis=2).mean(axis=1)] for part in parts]
        squares.append([[*both, bound] for both, bound in zip(sums, bounds, strict=True)])
    shift, linear_part = np.mean(squares, axis=0)
    return _outcome(shift), _outcome(linear_part)


def _outcome(squares: Array) -> Outcome:
    return Outcome(*(float(value) for value in np.sqrt(squares)))


def _shift_squares(scene: Scene, seeds: range, options: RegisterOptions) -> Array:
    """Return the mean squares of error, quoted and bound (3, axes), pixels squared."""
    squares = []
    for seed in seeds:
        movie = scene(seed)
        pair = _error_and_quoted(register(movie.frames, options=options), movie)
        squares.append([*np.mean(pair**2, axis=1), np.diag(_covariance(movie, affine=False))])
    return np.asarray(np.mean(squares, axis=0))


def _error_and_quoted(found: xr.Dataset, movie: Movie) -> Array:
    """Return error and standard deviation of the shifts (2, frames, axes), pixels."""
    error = (found["shift"].values - movie.drift) / movie.pixel
    return np.stack([error - error.mean(axis=0), found["shift_std"].values / movie.pixel])


def cramer_rao(movie: Movie) -> float:
    """Return the least root-mean-square error of the displacement of the middle frame, were its scene known (px).

    The Fisher information of a displacement is the sum of grad s grad s^T / var over the pixels, with the gradient of
    the noise-free picture (central differences) and without the four outermost pixels, which registration leaves out.
    """
    return float(np.sqrt(np.trace(_covariance(movie, affine=False))))


def cramer_rao_affine(movie: Movie) -> tuple[float, float]:
    """Return the least errors of displacement (px) and of all numbers of the linear part, when both are sought.

    As `cramer_rao`, with the gradient times the place of the pixel from the middle of the field for the linear part.
    """
    axes = len(movie.pixel)
    least = np.diag(_covariance(movie, affine=True))
    return float(np.sqrt(least[:axes].sum())), float(np.sqrt(least[axes:].sum()))


def _covariance(movie: Movie, *, affine: bool) -> Array:
    """Return the inverse Fisher information of the motion of the middle frame."""
    middle = len(movie.expected) // 2
    inner = (slice(4, -4),) * len(movie.pixel)
    std = movie.frames["signal_std"].values[middle][inner].astype(float)
    slopes = [np.asarray(slope)[inner] / std for slope in np.gradient(movie.expected[middle])]
    basis = [np.ones_like(std)]
    if affine:
        grid = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in movie.expected.shape[1:]), indexing="ij")
        basis += [np.asarray(place)[inner] for place in grid]
    design = np.stack([place * slope for place in basis for slope in slopes]).reshape(len(basis) * len(slopes), -1)
    return np.asarray(np.linalg.inv(design @ design.T))


def rows(everything: bool) -> Iterator[Row]:
    """Yield the rows of this check; `everything` takes four times as many movies."""
    few, many, most = (range(_SEED, _SEED + count * (4 if everything else 1)) for count in (1, 4, 16))
    yield from _optical(few, many)
    yield from _stxm(few, many)
    yield from _volume(most)
    yield from _affine(many)
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
        each = measure_axes(partial(_stack, light), seeds, RegisterOptions())
        found = Outcome(*(float(np.sqrt(np.sum(np.square(parts)))) for parts in zip(*each, strict=True)))
        name = f"stack of 24 x 80 x 80, {light:g} photons a voxel, one gain"
        yield _at_most(f"{name}: error", limit, found.error)
        # What one gain cannot follow is alike in all frames of a movie: only many movies tell its size.
        pooled = f"stacks of {light:g} photons a voxel, {len(seeds)} movies"
        yield _calibrated(pooled, found)
        for axis, one in zip("zyx", each, strict=True):
            yield _calibrated(f"{pooled}, {axis} alone", one)


def _affine(seeds: range) -> Iterator[Row]:
    shift, linear = measure_affine(lambda seed: affine_movie(seed=seed), seeds)
    name = "particle that turns and strains by 0.5 %, 128 x 128, 800 e/px"
    yield _at_most(f"{name}: error of the displacement over its Cramer-Rao bound", 1.5, shift.error / shift.bound, "1")
    yield _at_most(f"{name}: error of the linear part over its bound", 1.5, linear.error / linear.bound, "1")
    yield _calibrated(f"{name}, displacement", shift)
    yield _calibrated(f"{name}, linear part", linear)


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
