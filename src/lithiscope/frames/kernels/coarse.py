"""Where a frame lies to within a pixel, from anywhere: unnormalised correlation of edges."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

EDGE_WIDTH = 2.0
_LARGE = 128


def edge_spectrum(pictures: Float[np.ndarray, "frames ..."]) -> Complex[np.ndarray, "frames ..."]:
    """Return the Fourier transform of the Laplacian of Gaussian of pictures without NaN, under a Hann window.

    Large pictures are binned two by two; what is left is cut to the largest length that transforms fast.
    """
    from scipy.fft import dctn, idctn, rfftn

    binned = _binned(pictures) if is_large(pictures.shape[1:]) else pictures
    cut = binned[:, *(slice(fast_length(n)) for n in binned.shape[1:])]
    axes = range(1, cut.ndim)
    square, window = np.zeros(cut.shape[1:], dtype=cut.dtype), np.ones(cut.shape[1:], dtype=cut.dtype)
    for axis, length in enumerate(cut.shape[1:]):
        along = (-1, *[1] * (square.ndim - 1 - axis))
        square += ((np.pi * np.arange(length) / length) ** 2).astype(cut.dtype).reshape(along)
        window *= np.hanning(length + 2)[1:-1].astype(cut.dtype).reshape(along)
    modes = dctn(cut, type=2, axes=axes)
    modes *= square * np.exp(-0.5 * EDGE_WIDTH**2 * square)
    edges = idctn(modes, type=2, axes=axes, overwrite_x=True)
    edges *= window
    return np.asarray(rfftn(edges, axes=axes))


def coarse_shift(
    template: Complex[np.ndarray, "pairs ..."], moving: Complex[np.ndarray, "pairs ..."], shape: tuple[int, ...]
) -> Float[np.ndarray, "pairs axes"]:
    """Return the displacements of highest correlation, refined by a parabola along each axis.

    Parameters
    ----------
    template, moving : array
        From `edge_spectrum`.
    shape : tuple of int
        Of the pictures.
    """
    from scipy.fft import irfftn

    bins = 2 if is_large(shape) else 1
    lengths = np.array([fast_length(n // bins) for n in shape])
    correlation = irfftn(np.conj(template) * moving, s=lengths, axes=range(1, template.ndim))
    pairs = np.arange(len(correlation))
    peak = np.stack(np.unravel_index(correlation.reshape(len(pairs), -1).argmax(axis=1), lengths), axis=1)
    found = np.where(peak <= lengths // 2, peak, peak - lengths).astype(float)
    for axis, step in enumerate(np.eye(len(shape), dtype=int)):
        near = [correlation[pairs, *((peak + k * step) % lengths).T].astype(float) for k in (-1, 0, 1)]
        bend = near[0] - 2 * near[1] + near[2]
        found[:, axis] += np.where(bend < 0, 0.5 * (near[0] - near[2]) / np.minimum(bend, -1e-300), 0.0)
    return found * bins


def independent_modes(spectra: Complex[np.ndarray, "frames ..."]) -> Float[np.ndarray, " frames"]:
    """Return how many independent numbers the edges of each picture amount to.

    By chance, the correlation of two unrelated pictures is one over the square root of it.
    """
    power = np.square(np.abs(spectra), dtype=np.float64).reshape(len(spectra), -1)
    return np.asarray(4 * power.sum(axis=1) ** 2 / np.maximum(np.sum(power**2, axis=1), 1e-300))


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


def _binned(pictures: Float[np.ndarray, "frames ..."]) -> Float[np.ndarray, "frames ..."]:
    for axis, length in list(enumerate(pictures.shape))[1:]:
        along = np.moveaxis(pictures, axis, 0)[: length // 2 * 2]
        pictures = np.moveaxis(along[::2] + along[1::2], 0, axis)
    return np.ascontiguousarray(pictures)
