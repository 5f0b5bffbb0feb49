"""The distribution of x behind Gaussian noise of known standard deviation, and the share of it between two limits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_STEP = 0.02  # of x on the grid; noise of interest is three times as wide
_BIN = 0.02  # of the histogram


class Response(NamedTuple):
    """How a composition shows: probability of every bin of the histogram, for every composition of the grid."""

    grid: Float[np.ndarray, " grid"]
    edges: Float[np.ndarray, " edges"]
    matrix: Float[np.ndarray, "bins grid"]


def response(std: Float[np.ndarray, " pixels"]) -> Response:
    """Probabilities of the bins for pixels whose noise is spread as `std` is; x itself lies between 0 and 1.

    The grid is cell-centred, so that no composition of it lies on a limit that is a multiple of 0.02.
    """
    from scipy.special import ndtr

    grid = np.arange(_STEP / 2, 1, _STEP)
    level = np.quantile(std, np.linspace(0.05, 0.95, 10))
    reach = _BIN * np.ceil(5 * level[-1] / _BIN)
    edges = np.arange(-reach, 1 + reach + _BIN / 2, _BIN)
    below = ndtr((edges[:, None, None] - grid[:, None]) / level).mean(axis=-1)
    below[0], below[-1] = 0.0, 1.0
    return Response(grid, edges, np.diff(below, axis=0))


def unfold(counts: Float[np.ndarray, "rows bins"], known: Response, iterations: int) -> Float[np.ndarray, "rows grid"]:
    """Share of every composition of the grid, by maximum likelihood from an even start (Richardson 1972, Lucy 1974).

    Parameters
    ----------
    counts : ndarray, shape (rows, bins)
        Histograms.
    known : Response
        From `response`.
    iterations : int
        Steps of the iteration; fewer leave the answer smoother.
    """
    share = np.full((len(counts), len(known.grid)), 1 / len(known.grid))
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    for _ in range(iterations):
        expected = np.maximum(share @ known.matrix.T, 1e-300)
        share = share * ((counts / expected) @ known.matrix) / total
    return share


def same_pixels_again(
    share: Float[np.ndarray, " grid"], pixels: int, known: Response, draws: int, rng: np.random.Generator
) -> Int[np.ndarray, "draws bins"]:
    """Histograms of the same pixels in new noise: their compositions stay, only the noise is drawn again."""
    wanted = np.cumsum(np.concatenate([[0.0], share / share.sum()])) * pixels
    fixed = np.diff(np.rint(wanted)).astype(int)
    return np.asarray(
        sum(
            (
                rng.multinomial(int(count), known.matrix[:, column] / known.matrix[:, column].sum(), size=draws)
                for column, count in enumerate(fixed)
                if count
            ),
            start=np.zeros((draws, known.matrix.shape[0]), dtype=np.int64),
        )
    )


def shares_between(
    share: Float[np.ndarray, "rows grid"], grid: Float[np.ndarray, " grid"], limits: tuple[float, float]
) -> Float[np.ndarray, "rows 3"]:
    """Shares below, between and above two limits; a cell of the grid that a limit cuts is divided.

    Examples
    --------
    >>> shares_between(np.array([[0.25, 0.25, 0.5]]), np.array([0.01, 0.03, 0.05]), (0.02, 0.04))
    array([[0.25, 0.25, 0.5 ]])
    """
    below, above = (np.clip((limit - grid) / _STEP + 0.5, 0, 1) for limit in limits)
    return np.stack([share @ below, share @ (above - below), share @ (1 - above)], axis=1)


class Shares(NamedTuple):
    """Shares below, between and above two limits: as they appear, behind the noise, and the error of the latter."""

    raw: Float[np.ndarray, " 3"]
    value: Float[np.ndarray, " 3"]
    error: Float[np.ndarray, " 3"]


def unfolded_shares(
    x: Float[np.ndarray, " pixels"],
    std: Float[np.ndarray, " pixels"],
    limits: tuple[float, float],
    *,
    iterations: int,
    draws: int,
    rng: np.random.Generator,
) -> Shares:
    """Shares of the pixels below, between and above two limits with the noise taken out.

    The error is that of simulated noise on the unfolded distribution, while the compositions of the pixels stay, with
    the shift that unfolding makes there in quadrature.
    """
    known = response(std)
    inside = np.clip(x, known.edges[0], np.nextafter(known.edges[-1], 0))
    counts = np.histogram(inside, known.edges)[0].astype(float)
    share = unfold(counts[None], known, iterations)
    again = same_pixels_again(share[0], len(x), known, draws, rng).astype(float)
    value = shares_between(share, known.grid, limits)[0]
    redone = shares_between(unfold(again, known, iterations), known.grid, limits)
    below, above = float(np.mean(x < limits[0])), float(np.mean(x > limits[1]))
    error = np.hypot(redone.std(axis=0), redone.mean(axis=0) - value)
    return Shares(np.array([below, 1 - below - above, above]), value, error)
