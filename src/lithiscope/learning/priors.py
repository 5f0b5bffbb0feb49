"""Gaussian-process priors, as linear maps from independent standard normal numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_JITTER = 1e-10
FREEDOM = 2.0  # of the prior of a field's amplitude: a factor of three either way is nothing unusual


def matern(distance: np.ndarray, length: float) -> np.ndarray:
    """Return the Matern correlation of smoothness 3/2: (1 + s) exp(-s), s = sqrt(3) d/length (Matern 1960).

    Parameters
    ----------
    distance : array
        Any unit.
    length : float
        In the unit of the distance.
    """
    scaled = np.sqrt(3.0) * distance / length
    return np.asarray((1 + scaled) * np.exp(-scaled))


def smooth(distance: np.ndarray, length: float) -> np.ndarray:
    """Return the squared exponential correlation exp(-d^2/(2 length^2))."""
    return np.asarray(np.exp(-0.5 * (distance / length) ** 2))


def distances(points: Float[np.ndarray, "points axes"]) -> Float[np.ndarray, "points points"]:
    """Return the distance of every point from every other."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(points, points))


def modes(
    correlation: Float[np.ndarray, "points points"], count: int
) -> tuple[Float[np.ndarray, "points modes"], float]:
    """Return the leading eigenvectors of a correlation, each times the root of its eigenvalue, and the share left out.

    Parameters
    ----------
    correlation : array, shape (points, points)
        Symmetric, not negative.
    count : int
        Largest number of modes; where there are fewer points, the rest are zero.

    Returns
    -------
    basis : array, shape (points, count)
        ``basis @ z`` has the correlation when the z are independent with variance one.
    left_out : float
        Share of the variance that the modes do not hold.
    """
    from scipy.linalg import eigh

    points = len(correlation)
    kept = min(count, points)
    values, vectors = eigh(correlation, subset_by_index=(points - kept, points - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    basis = np.zeros((points, count))
    basis[:, :kept] = vectors * np.sqrt(np.maximum(values, 0.0))
    return basis, float(max(0.0, 1 - np.maximum(values, 0).sum() / np.trace(correlation)))


def of_weight(z: Float[np.ndarray, " modes"], weight: float) -> float:
    """Return minus the logarithm of the prior of a field and of its weight, one over the square of its amplitude.

    The weight has a gamma density of mean one, taken over its logarithm, with half of `FREEDOM` as its shape.
    """
    return 0.5 * weight * (float(z @ z) + FREEDOM) - 0.5 * (FREEDOM + len(z)) * float(np.log(weight))


def best_weight(squared: float, count: int) -> float:
    """Return the most probable weight of a field of so many modes, from the mean of |z|^2 over its posterior."""
    return (FREEDOM + count) / (FREEDOM + squared)


def log_constant(freedom: float) -> float:
    """Return the logarithm of the integral over the weight of a field that `of_weight` leaves out.

    Parameters
    ----------
    freedom : float
        How many of its modes the data determined. Where laws are so open that modes are less known than before all
        data this comes out below zero, and counts as none.
    """
    from scipy.special import gammaln

    shape = FREEDOM / 2
    return float(shape * np.log(shape) - gammaln(shape) + 0.5 * np.log(4 * np.pi / (FREEDOM + max(freedom, 0.0))))
