"""Where a frame lies to within a pixel, from anywhere: unnormalised correlation of edges."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float

EDGE_WIDTH = 2.0


def edge_spectrum(picture: Float[np.ndarray, "*shape"]) -> Complex[np.ndarray, "*modes"]:
    """Return the Fourier transform of the Laplacian of Gaussian of a picture without NaN, under a Hann window.

    The picture is cut to the largest length that transforms fast.
    """
    from scipy.fft import dctn, idctn, rfftn

    cut = picture[tuple(slice(fast_length(n)) for n in picture.shape)]
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

    lengths = tuple(fast_length(n) for n in shape)
    correlation = irfftn(np.conj(template) * moving, s=lengths)
    peak = np.array(np.unravel_index(int(np.argmax(correlation)), lengths))
    found = np.where(peak <= np.array(lengths) // 2, peak, peak - lengths).astype(float)
    for axis in range(len(shape)):
        step = np.eye(len(shape), dtype=int)[axis]
        before, at, after = (float(correlation[tuple((peak + k * step) % lengths)]) for k in (-1, 0, 1))
        bend = before - 2 * at + after
        found[axis] += 0.5 * (before - after) / bend if bend < 0 else 0.0
    return found


def fast_length(length: int) -> int:
    """Return the largest number up to `length` that has no prime factor above 5.

    Examples
    --------
    >>> fast_length(181)
    180
    """
    from scipy.fft import prev_fast_len

    return int(prev_fast_len(length, real=True))


def _along(values: Float[np.ndarray, " length"], axis: int, like: Float[np.ndarray, "*shape"]) -> np.ndarray:
    shape = [1] * like.ndim
    shape[axis] = values.size
    return values.reshape(shape).astype(like.dtype)
