"""Where a frame lies to within a pixel, from anywhere: unnormalised correlation of edges."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

EDGE_WIDTH = 2.0
_LARGE = 128


def edge_spectrum(picture: Float[np.ndarray, "*shape"]) -> Complex[np.ndarray, "*modes"]:
    """Return the Fourier transform of the Laplacian of Gaussian of a picture without NaN, under a Hann window.

    Large pictures are binned two by two; what is left is cut to the largest length that transforms fast.
    """
    from scipy.fft import dctn, idctn, rfftn

    binned = _binned(picture) if is_large(picture.shape) else picture
    cut = binned[tuple(slice(fast_length(n)) for n in binned.shape)]
    modes = dctn(cut, type=2)
    square = np.zeros(cut.shape, dtype=cut.dtype)
    for axis, length in enumerate(cut.shape):
        square += _along((np.pi * np.arange(length) / length) ** 2, axis, cut)
    modes *= square * np.exp(-0.5 * EDGE_WIDTH**2 * square)
    edges = idctn(modes, type=2, overwrite_x=True)
    for axis, length in enumerate(cut.shape):
        edges *= _along(np.hanning(length + 2)[1:-1], axis, cut)
    return np.asarray(rfftn(edges))


def coarse_shift(
    template: Complex[np.ndarray, "*modes"], moving: Complex[np.ndarray, "*modes"], shape: tuple[int, ...]
) -> Float[np.ndarray, " axes"]:
    """Return the displacement of the highest correlation, refined by a parabola along each axis.

    Parameters
    ----------
    template, moving : array
        From `edge_spectrum`.
    shape : tuple of int
        Of the pictures.
    """
    from scipy.fft import irfftn

    bins = 2 if is_large(shape) else 1
    lengths = tuple(fast_length(n // bins) for n in shape)
    correlation = irfftn(np.conj(template) * moving, s=lengths)
    peak = np.array(np.unravel_index(int(np.argmax(correlation)), lengths))
    found = np.where(peak <= np.array(lengths) // 2, peak, peak - lengths).astype(float)
    for axis in range(len(shape)):
        step = np.eye(len(shape), dtype=int)[axis]
        before, at, after = (float(correlation[tuple((peak + k * step) % lengths)]) for k in (-1, 0, 1))
        bend = before - 2 * at + after
        found[axis] += 0.5 * (before - after) / bend if bend < 0 else 0.0
    return found * bins


def independent_modes(spectrum: Complex[np.ndarray, "*modes"]) -> float:
    """Return how many independent numbers the edges of a picture amount to.

    By chance, the correlation of two unrelated pictures is one over the square root of it.
    """
    power = np.square(np.abs(spectrum), dtype=np.float64)
    return float(4 * power.sum() ** 2 / max(float(np.sum(power**2)), 1e-300))


def is_large(shape: tuple[int, ...]) -> bool:
    """Return whether pictures are so large that a coarse position can do with every second pixel."""
    return min(shape) >= _LARGE


def fast_length(length: int) -> int:
    """Return the largest number up to `length` that has no prime factor above 5.

    Examples
    --------
    >>> fast_length(181)
    180
    """
    from scipy.fft import prev_fast_len

    return int(prev_fast_len(length, real=True))


def _binned(picture: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*half"]:
    for axis, length in enumerate(picture.shape):
        along = np.moveaxis(picture, axis, 0)[: length // 2 * 2]
        picture = np.moveaxis(along[::2] + along[1::2], 0, axis)
    return np.ascontiguousarray(picture)


def _along(values: Float[np.ndarray, " length"], axis: int, like: Float[np.ndarray, "*shape"]) -> np.ndarray:
    shape = [1] * like.ndim
    shape[axis] = values.size
    return values.reshape(shape).astype(like.dtype)
