"""Moving pictures with known drift, to measure registration with: optical movies, STXM platelets, a volume.

Every scene is a function of position that is evaluated at the drifted pixel centres: outlines and fronts are error
functions, textures are sums of Fourier modes moved by their phase. Nothing is interpolated, so no registrar finds its
own interpolator in the data. Positions and drift are in pixels until the stage is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lithiscope import stages

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

_PAD = 32
_OPTICAL_DENSITIES = np.array([[0.345, 0.345], [1.10, 0.62], [0.75, 1.25]])


class Movie(NamedTuple):
    """Pictures and where the sample truly was.

    Parameters
    ----------
    frames : xarray.Dataset
        Stage frames, dims (time, [z], y, x), with the standard deviation of every pixel.
    drift : ndarray, shape (frames, axes)
        Displacement of the sample in each frame, um; mean zero.
    pixel : ndarray, shape (axes,)
        Distance of the pixels along each axis, um.
    expected : ndarray, shape (frames, [z], y, x)
        The same pictures without noise.
    linear : ndarray, shape (frames, axes, axes), or None
        Linear part of the motion about the middle of the field, mean identity: what lies at r on the sample is seen at
        linear r + drift. None where it is the identity.
    """

    frames: xr.Dataset
    drift: Array
    pixel: Array
    expected: Array
    linear: Array | None = None


def optical_movie(
    *,
    seed: int,
    frames: int = 48,
    side: int = 256,
    electrons: float = 800.0,
    texture: float = 0.12,
    front: bool = True,
    static_pattern: float = 0.0,
    drift: float = 1.4,
) -> Movie:
    """Return an optical movie of a textured particle, which a front may brighten by 60 %.

    The particle (mean radius 0.32 of the side) lies on a substrate that has 0.3 of its texture and moves with it. The
    texture is Gaussian with correlation length 2 px; outline and front are blurred by 1.2 px and 2.5 px. The front
    crosses the particle once during the movie.

    Parameters
    ----------
    seed : int
        Of shape, texture, drift and noise.
    frames, side : int
        Number of pictures, and of pixels along an edge.
    electrons : float
        Mean number of detected electrons in a pixel; the noise is Poisson.
    texture : float
        Relative standard deviation of the particle's texture.
    front : bool
        Whether a front crosses.
    static_pattern : float
        Relative standard deviation of a pattern that stays with the camera (an imperfect flat field).
    drift : float
        Root-mean-square length of the displacement from its mean, px; a random walk.

    Returns
    -------
    Movie
        With pixels of 0.05 um.
    """
    rng = np.random.default_rng(seed)
    moves = _walk(rng, frames, 2, drift)
    particle, substrate = (_Texture(rng, (side, side), length=2.0) for _ in range(2))
    outline = _Outline(rng, 0.32 * side, blur=1.2)
    fixed = 1 + static_pattern * rng.standard_normal((side, side))
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle), np.cos(angle)])

    def expected(index: int) -> Array:
        position = _positions((side, side), moves[index])
        inside = outline(position)
        at = (index / max(frames - 1, 1) - 0.5) * 2.4 * 0.32 * side
        swept = _step(at - np.tensordot(direction, position, 1), 2.5) if front else np.zeros((side, side))
        bright = (1 + texture * particle(moves[index])) * (1 + 0.6 * swept)
        return np.asarray(
            electrons * fixed * ((1 - inside) * (1 + 0.3 * texture * substrate(moves[index])) + inside * bright)
        )

    means = np.stack([expected(index) for index in range(frames)])
    counts = rng.poisson(means).astype(np.float64)
    return _movie(counts, np.sqrt(np.maximum(counts, 1)), means, moves, np.array([0.05, 0.05]))


def affine_movie(
    *,
    seed: int,
    frames: int = 12,
    side: int = 128,
    electrons: float = 800.0,
    texture: float = 0.12,
    drift: float = 1.4,
    strain: float = 0.005,
) -> Movie:
    """Return an optical movie of a textured particle that turns and strains a little, with all of its surroundings.

    The scene is that of `optical_movie` without a front, but for its textures: sums of 1024 plane waves, which are
    evaluated at any place on the sample. Their spectrum is the same.

    Parameters
    ----------
    seed : int
        Of shape, texture, motion and noise.
    frames, side : int
        Number of pictures, and of pixels along an edge.
    electrons : float
        Mean number of detected electrons in a pixel; the noise is Poisson.
    texture : float
        Relative standard deviation of the particle's texture.
    drift : float
        Root-mean-square length of the displacement from its mean, px; a random walk.
    strain : float
        Root-mean-square size of the linear part less the identity: strain and rotation (rad) together, over all four
        numbers; a random walk.

    Returns
    -------
    Movie
        With pixels of 0.05 um.
    """
    rng = np.random.default_rng(seed)
    moves = _walk(rng, frames, 2, drift)
    linear = np.eye(2) + _walk(rng, frames, 4, strain).reshape(frames, 2, 2)
    particle, substrate = (_Waves(rng, length=2.0) for _ in range(2))
    outline = _Outline(rng, 0.32 * side, blur=1.2)
    centred: Array = np.arange(side, dtype=np.float64) - (side - 1) / 2

    def expected(index: int) -> Array:
        back = np.linalg.inv(linear[index])
        origin = -back @ moves[index]
        grid = np.stack(np.meshgrid(centred, centred, indexing="ij"))
        inside = outline(np.tensordot(back, grid, 1) + origin[:, None, None])
        bright, dark = (one(centred, back, origin) for one in (particle, substrate))
        return np.asarray(electrons * (1 + texture * (inside * bright + 0.3 * (1 - inside) * dark)))

    means = np.stack([expected(index) for index in range(frames)])
    counts = rng.poisson(means).astype(np.float64)
    movie = _movie(counts, np.sqrt(np.maximum(counts, 1)), means, moves, np.array([0.05, 0.05]))
    return movie._replace(linear=linear)


def stxm_movie(
    *, seed: int, frames: int = 36, radius: float = 55.0, counts: float = 1e4, blur: float = 1.0, drift: float = 1.4
) -> Movie:
    """Return optical densities of an LiFePO4 platelet on a blank background while a phase front crosses it.

    The pictures go in turn through 703, 706 and 713 eV, so that the contrast between the two phases is none, positive
    and negative; optical densities of the phases are 0.345/0.345, 1.10/0.62 and 0.75/1.25, the thickness falls by 20 %
    across the platelet.

    Parameters
    ----------
    seed : int
        Of shape, drift and noise.
    frames : int
        Number of pictures.
    radius : float
        Mean radius of the platelet, px; the field is 1.5 times as wide as the platelet, and 16 px.
    counts : float
        Mean counts of a blank pixel; the noise is Poisson.
    blur : float
        Standard deviation of the blur of outline and front, px.
    drift : float
        Root-mean-square length of the displacement from its mean, px; a random walk.

    Returns
    -------
    Movie
        Quantity optical_density, with pixels of 0.05 um.
    """
    rng = np.random.default_rng(seed)
    side = int(3 * radius) + 16
    moves = _walk(rng, frames, 2, drift)
    outline = _Outline(rng, radius, blur=blur)
    angle, slope = rng.uniform(0, 2 * np.pi, 2)
    direction, wedge = (np.array([np.sin(a), np.cos(a)]) for a in (angle, slope))

    def expected(index: int) -> Array:
        position = _positions((side, side), moves[index])
        at = (index / max(frames - 1, 1) - 0.5) * 2.4 * radius
        fraction = _step(at - np.tensordot(direction, position, 1), blur)
        lithiated, delithiated = _OPTICAL_DENSITIES[index % 3]
        thickness = outline(position) * (1 + 0.1 * np.tensordot(wedge, position, 1) / radius)
        return np.asarray(thickness * (fraction * lithiated + (1 - fraction) * delithiated))

    means = np.stack([expected(index) for index in range(frames)])
    detected = np.maximum(rng.poisson(counts * np.exp(-means)), 1)
    density, std = -np.log(detected / counts), 1 / np.sqrt(detected)
    return _movie(density, std, means, moves, np.array([0.05, 0.05]), quantity="optical_density")


def volume_movie(
    *, seed: int, frames: int = 12, light: float = 400.0, shape: tuple[int, int, int] = (24, 80, 80), drift: float = 1.4
) -> Movie:
    """Return confocal stacks of an agglomerate that a shrinking core brightens by 20 % from its surface inwards.

    The agglomerate is an ellipsoid of 0.32 of the field along each axis, in a background of a tenth of its light; its
    texture (primary particles) is 20 % with correlation length 2 px. Outline and front are blurred by 1.5 px.

    Parameters
    ----------
    seed : int
        Of texture, drift and noise.
    frames : int
        Number of stacks.
    light : float
        Mean number of photons in a voxel of the agglomerate; the noise is Poisson. Nominal light is 400.
    shape : tuple of int
        Voxels along z, y and x.
    drift : float
        Root-mean-square length of the displacement from its mean, px; a random walk.

    Returns
    -------
    Movie
        With voxels of 0.3 x 0.06 x 0.06 um.
    """
    rng = np.random.default_rng(seed)
    moves = _walk(rng, frames, 3, drift)
    axes = 0.32 * np.array(shape)
    texture = _Texture(rng, shape, length=2.0)

    def expected(index: int) -> Array:
        position = _positions(shape, moves[index])
        radius = np.sqrt(np.sum((position / axes[:, None, None, None]) ** 2, axis=0))
        # To first order, the distance from an ellipsoid is the change of this radius over its gradient.
        slope = np.sqrt(np.sum((position / axes[:, None, None, None] ** 2) ** 2, axis=0)) / np.maximum(radius, 1e-9)
        core = 1 - index / max(frames - 1, 1)
        inside, bright = (_step((edge - radius) / np.maximum(slope, 1e-9), 1.5) for edge in (1.0, core))
        return np.asarray(
            light * (0.1 + inside * np.maximum(1 + 0.2 * texture(moves[index]), 0) * (1 + 0.2 * (1 - bright)))
        )

    means = np.stack([expected(index) for index in range(frames)])
    counts = rng.poisson(means).astype(np.float64)
    return _movie(counts, np.sqrt(np.maximum(counts, 1)), means, moves, np.array([0.3, 0.06, 0.06]))


class _Texture:
    """Random field of unit variance with a Gaussian spectrum, periodic a little outside the field of view."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...], length: float) -> None:
        self._field = tuple(slice(_PAD // 2, _PAD // 2 + n) for n in shape)
        self._shape = tuple(n + _PAD for n in shape)
        self._frequency = np.meshgrid(*(np.fft.fftfreq(n) for n in self._shape), indexing="ij", sparse=True)
        power = sum(f**2 for f in self._frequency)
        modes = np.fft.fftn(rng.standard_normal(self._shape)) * np.exp(-2 * (np.pi * length) ** 2 * power)
        modes.flat[0] = 0
        self._modes = modes / np.sqrt(np.sum(np.abs(modes) ** 2)) * np.prod(self._shape)

    def __call__(self, move: Array) -> Array:
        """Return the field displaced by `move` (px)."""
        phase = sum(f * m for f, m in zip(self._frequency, move, strict=True))
        return np.asarray(np.fft.ifftn(self._modes * np.exp(-2j * np.pi * phase)).real[self._field])


class _Waves:
    """Random field of about unit variance with the spectrum of `_Texture` in two dimensions, known at every place."""

    def __init__(self, rng: np.random.Generator, length: float, count: int = 1024) -> None:
        self._vector = rng.standard_normal((count, 2)) / (np.sqrt(2) * length)
        self._height = np.exp(1j * rng.uniform(0, 2 * np.pi, count)) * np.sqrt(2 / count)

    def __call__(self, grid: Array, linear: Array, origin: Array) -> Array:
        """Return the field at `linear` times the points of a square grid, plus `origin` (px)."""
        turned = self._vector @ linear
        y, x = (np.exp(1j * np.outer(part, grid)) for part in turned.T)
        return np.asarray(((self._height * np.exp(1j * self._vector @ origin))[:, None] * y).T @ x).real


class _Outline:
    """An irregular blob around the centre: 1 inside, 0 outside, blurred edge."""

    def __init__(self, rng: np.random.Generator, radius: float, blur: float) -> None:
        orders = np.arange(2, 7)
        self._size = 0.25 * rng.standard_normal(orders.size) / orders
        self._angle = rng.uniform(0, 2 * np.pi, orders.size)
        self._radius, self._blur, self._orders = radius, blur, orders

    def __call__(self, position: Array) -> Array:
        """Return the share of the pixel that is inside."""
        y, x = position
        angle = np.arctan2(y, x)[..., None]
        waves = self._size * np.cos(self._orders * angle + self._angle)
        edge = self._radius * (1 + np.clip(waves.sum(axis=-1), -0.3, 0.3))
        return _step(edge - np.hypot(y, x), self._blur)


def _step(distance: Array, blur: float) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(distance / blur))


def _positions(shape: tuple[int, ...], move: Array) -> Array:
    """Return where on the sample the pixel centres lie, from the middle of the field (px)."""
    axes = [np.arange(n) - (n - 1) / 2 - m for n, m in zip(shape, move, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def _walk(rng: np.random.Generator, frames: int, axes: int, size: float) -> Array:
    """Return a random walk with mean zero and the given root-mean-square length (px)."""
    steps = np.cumsum(rng.standard_normal((frames, axes)), axis=0)
    steps -= steps.mean(axis=0)
    length = np.sqrt(np.mean(np.sum(steps**2, axis=1)))
    return np.asarray(steps * (size / length if length else 0.0))


def _movie(
    signal: Array, std: Array, expected: Array, moves: Array, pixel: Array, *, quantity: str = "counts"
) -> Movie:
    axes = ("z", "y", "x")[-len(pixel) :]
    dims = " ".join(("time", *axes))
    frames = stages.new(
        "frames",
        {
            "signal": (dims, signal),
            "signal_std": (dims, std),
            "signal_flag": (dims, np.zeros(signal.shape, dtype=np.uint16)),
        },
        coords={
            "time": ("time", np.arange(len(signal), dtype=np.float64)),
            **{
                axis: (axis, step * np.arange(count))
                for axis, step, count in zip(axes, pixel, signal.shape[1:], strict=True)
            },
        },
        attrs={"quantity": quantity},
    )
    return Movie(frames, moves * pixel, pixel, expected)
