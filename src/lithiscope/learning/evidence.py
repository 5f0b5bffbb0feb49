"""The prior's amplitudes and lengths from the evidence, of the model made linear at the maximum of the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lithiscope.learning.cases import Priors
from lithiscope.learning.priors import distances, matern

_HYPER = Priors(0.5, 200.0, 0.5, 200.0)
_HYPER_SPREAD = np.log([2.5, 2.0, 2.5, 2.0])  # of the logarithms of the four about these
_JITTER = 1e-9


class Seen(NamedTuple):
    """What the data say of the own numbers of a particle, the laws held.

    Attributes
    ----------
    matrix : array, shape (own, own)
        Gauss and Newton's, without prior.
    vector : array, shape (own,)
        matrix @ z less the gradient of the data's cost.
    cells : array, shape (pixels, 2)
        Positions, nm.
    field, initial : array, shape (pixels, modes)
        Bases that the numbers belong to.
    starts : tuple of int
        Where the modes of each initial field begin.
    """

    matrix: np.ndarray
    vector: np.ndarray
    cells: np.ndarray
    field: np.ndarray
    initial: np.ndarray
    starts: tuple[int, ...]


def log_evidence(seen: Seen, priors: Priors) -> float:
    """Return the logarithm of the evidence of the linear model, up to what does not depend on the prior."""
    between = distances(seen.cells)
    prior = np.eye(len(seen.matrix))
    field = _projected(seen.field, priors.amplitude, matern(between, priors.length))
    prior[: len(field), : len(field)] = field
    initial = _projected(seen.initial, priors.initial_amplitude, matern(between, priors.initial_length))
    for first in seen.starts:
        place = slice(first, first + len(initial))
        prior[place, place] = initial
    root = np.linalg.cholesky(prior + _JITTER * np.eye(len(prior)))
    inner = np.eye(len(prior)) + root.T @ seen.matrix @ root
    factor = np.linalg.cholesky(inner)
    seen_by = np.linalg.solve(factor, root.T @ seen.vector)
    return float(0.5 * seen_by @ seen_by - np.log(np.diag(factor)).sum())


def best_priors(particles: Sequence[Seen], start: Priors, *, evaluations: int = 60) -> Priors:
    """Return the amplitudes and lengths that all particles together find most probable."""
    from scipy.optimize import minimize

    centre = np.log(_HYPER)

    def lack(logs: np.ndarray) -> float:
        priors = Priors(*np.exp(logs))
        known = 0.5 * float(np.sum(((logs - centre) / _HYPER_SPREAD) ** 2))
        try:
            return known - sum(log_evidence(one, priors) for one in particles)
        except np.linalg.LinAlgError:
            return np.inf

    found = minimize(lack, np.log(start), method="Nelder-Mead", options={"maxfev": evaluations, "xatol": 0.05})
    return Priors(*(float(one) for one in np.exp(found.x)))


def projected(old: np.ndarray, new: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the numbers that give about the same field with a new basis (ridge, so that none runs away)."""
    field = old @ z
    gram = new.T @ new
    scale = 1e-6 * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram + scale * np.eye(len(gram)), new.T @ field))


def _projected(basis: np.ndarray, amplitude: float, correlation: np.ndarray) -> np.ndarray:
    """Return the covariance of the numbers of a basis when the field has this covariance."""
    inverse = np.linalg.pinv(basis, rcond=1e-6)
    return np.asarray(amplitude**2 * inverse @ correlation @ inverse.T)
