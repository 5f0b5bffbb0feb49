"""Positions of all frames from displacements of pairs: robust least squares on a graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

_FLOOR = 1e-4


class Pairs(NamedTuple):
    """Displacements of frame `second` relative to frame `first`, pixels; `lag` groups pairs that are alike.

    `trust` multiplies the weight of a pair.
    """

    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]
    lag: Int[np.ndarray, " pairs"]
    shift: Float[np.ndarray, "pairs axes"]
    linear: Float[np.ndarray, "pairs axes axes"]
    trust: Float[np.ndarray, " pairs"]


class Positions(NamedTuple):
    """Where the frames lie; NaN for frames outside the largest connected set.

    Parameters
    ----------
    shift : (frames, axes) array
        Mean zero over the frames that have one.
    linear : (frames, axes, axes) array
        Mean identity.
    variance : (frames, axes) array
        Of the shift, from the disagreement of the pairs.
    linear_variance : (frames, axes, axes) array
        Of the linear part, likewise.
    residual : (pairs, axes) array
        What the positions leave of each pair; NaN for a pair outside the set.
    """

    shift: Float[np.ndarray, "frames axes"]
    linear: Float[np.ndarray, "frames axes axes"]
    variance: Float[np.ndarray, "frames axes"]
    linear_variance: Float[np.ndarray, "frames axes axes"]
    residual: Float[np.ndarray, "pairs axes"]


def solve_positions(pairs: Pairs, frames: int, *, rounds: int = 5) -> Positions:
    """Return positions that agree best with all pairs.

    All lags weigh alike, but for the trust of each pair: neighbours agree best among themselves, but their small common
    bias adds up along the movie, and only the long lags stop it. Tukey's weights (c = 6, with a scale for each lag)
    take out single wrong pairs. For affine maps A_j = A_ij A_i and s_j = s_ij + A_ij s_i, linearised about the last
    round.
    """
    axes = pairs.shift.shape[1]
    shift = np.full((frames, axes), np.nan)
    linear = np.full((frames, axes, axes), np.nan)
    residual = np.full(pairs.shift.shape, np.nan)
    member = _largest(pairs, frames)
    inside = member[pairs.first]
    number = np.cumsum(member) - 1
    first, second = number[pairs.first[inside]], number[pairs.second[inside]]
    lag, seen, seen_linear = pairs.lag[inside], pairs.shift[inside], pairs.linear[inside]
    count = int(member.sum())
    eye = np.eye(axes)
    at, at_linear = np.zeros((count, axes)), np.broadcast_to(eye, (count, axes, axes)).copy()
    trust = pairs.trust[inside]
    weight, left = trust, np.zeros((len(first), axes + axes * axes))
    system = None
    for _ in range(rounds if len(first) else 0):
        system = _System(first, second, weight, count)
        step = seen + np.einsum("pab,pb->pa", seen_linear - eye, at[first])
        step_linear = np.einsum("pab,pbc->pac", seen_linear, at_linear[first]) - at_linear[first]
        steps = np.concatenate([step, step_linear.reshape(-1, axes * axes)], axis=1)
        found = system.solve(steps)
        at, at_linear = found[:, :axes], eye + found[:, axes:].reshape(count, axes, axes)
        left = steps - (found[second] - found[first])
        weight = trust * _weights(left[:, :axes] * np.sqrt(trust)[:, None], lag)
    shift[member], linear[member] = at, at_linear
    freedom = max(float(np.sum(weight / trust)) - count + 1, 1.0)
    variance = np.full((frames, left.shape[1]), np.nan)
    variance[member] = weight @ left**2 / freedom * system.variance()[:, None] if system is not None else 0.0
    residual[inside] = left[:, :axes]
    return Positions(shift, linear, variance[:, :axes], variance[:, axes:].reshape(linear.shape), residual)


class _System:
    """The weighted Laplacian of the graph, with its first frame held: as banded as the longest lag."""

    def __init__(
        self,
        first: Int[np.ndarray, " pairs"],
        second: Int[np.ndarray, " pairs"],
        weight: Float[np.ndarray, " pairs"],
        count: int,
    ) -> None:
        from scipy.linalg import cholesky_banded

        self._ends, self._weight, self._count = (first, second), weight, count
        low, apart = np.minimum(first, second), np.abs(second - first)
        band = np.zeros((int(apart.max()) + 1, count))
        for ends in self._ends:
            np.add.at(band[0], ends, weight)
        np.add.at(band, (apart, low), -weight)
        self._factor = cholesky_banded(band[:, 1:], lower=True)

    def _solved(self, right: Float[np.ndarray, "held columns"]) -> Float[np.ndarray, "held columns"]:
        from scipy.linalg import cho_solve_banded

        return np.asarray(cho_solve_banded((self._factor, True), right))

    def solve(self, step: Float[np.ndarray, "pairs columns"]) -> Float[np.ndarray, "frames columns"]:
        """Return positions with mean zero."""
        right = np.zeros((self._count, step.shape[1]))
        for ends, sign in zip(self._ends, (-1, 1), strict=True):
            np.add.at(right, ends, sign * step * self._weight[:, None])
        found = np.concatenate([np.zeros((1, step.shape[1])), self._solved(right[1:])])
        return np.asarray(found - found.mean(axis=0))

    def variance(self, block: int = 256) -> Float[np.ndarray, " frames"]:
        """Return the diagonal of the covariance of positions with mean zero, for pairs of unit variance."""
        diagonal, mean = np.zeros(self._count), np.zeros(self._count)
        for start in range(1, self._count, block):
            columns = np.arange(start, min(start + block, self._count))
            right = np.zeros((self._count - 1, columns.size))
            right[columns - 1, np.arange(columns.size)] = 1.0
            found = self._solved(right)
            diagonal[columns] = found[columns - 1, np.arange(columns.size)]
            mean[columns] = found.sum(axis=0) / self._count
        return np.asarray(np.maximum(diagonal - 2 * mean + mean.mean(), 0.0))


def _largest(pairs: Pairs, frames: int) -> Bool[np.ndarray, " frames"]:
    """Return which frames belong to the largest connected set."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs.first)), (pairs.first, pairs.second)), shape=(frames, frames))
    labels = connected_components(links, directed=False)[1]
    return np.asarray(labels == np.argmax(np.bincount(labels)))


def _weights(left: Float[np.ndarray, "pairs axes"], lag: Int[np.ndarray, " pairs"]) -> Float[np.ndarray, " pairs"]:
    """Return Tukey's weight of each pair."""
    length = np.sqrt(np.mean(left**2, axis=1))
    lags = np.unique(lag)
    # The median of the root-mean-square of two normal numbers is 0.833. A chain of neighbours, which any positions
    # fit, must not count as exact: hence at least the median of all.
    own = np.array([_median(length[lag == k]) / 0.833 for k in lags])
    own = np.maximum(own, max(_median(length) / 0.833, _FLOOR))
    inside = np.maximum(1 - (length / (6 * own[np.searchsorted(lags, lag)])) ** 2, 0.0) ** 2
    # A little weight keeps every frame tied to the rest, so that the system can be solved.
    return np.asarray(np.maximum(inside, 1e-6))


def _median(values: Float[np.ndarray, " values"]) -> float:
    """Return the median, at a fraction of what `numpy.median` costs for few values."""
    ranked = np.sort(values)
    return float(ranked[(ranked.size - 1) // 2] + ranked[ranked.size // 2]) / 2
