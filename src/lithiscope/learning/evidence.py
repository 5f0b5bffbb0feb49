"""The prior's amplitudes and lengths from the evidence, of the model made linear at the maximum of the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lithiscope.learning.cases import Priors
from lithiscope.learning.priors import distances, matern

_HYPER_SPREAD = np.log([5.0, 2.0, 5.0, 2.0])  # of the logarithms of the four about those where they start
_JITTER = 1e-9
_STEP = -0.5  # of the logarithms, where the search begins


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
    return _log_evidence(seen, _looked(seen), priors)


class _Looked(NamedTuple):
    """What stays the same for all priors: distances of the pixels, and the inverses of the two bases."""

    between: np.ndarray
    field: np.ndarray
    initial: np.ndarray


def _looked(seen: Seen) -> _Looked:
    inverse = (np.linalg.pinv(one, rcond=1e-6) for one in (seen.field, seen.initial))
    return _Looked(distances(seen.cells), *inverse)


def _log_evidence(seen: Seen, looked: _Looked, priors: Priors) -> float:
    prior = np.eye(len(seen.matrix))
    field = _projected(looked.field, priors.amplitude, matern(looked.between, priors.length))
    prior[: len(field), : len(field)] = field
    initial = _projected(looked.initial, priors.initial_amplitude, matern(looked.between, priors.initial_length))
    for first in seen.starts:
        place = slice(first, first + len(initial))
        prior[place, place] = initial
    root = np.linalg.cholesky(prior + _JITTER * np.eye(len(prior)))
    inner = np.eye(len(prior)) + root.T @ seen.matrix @ root
    factor = np.linalg.cholesky(inner)
    seen_by = np.linalg.solve(factor, root.T @ seen.vector)
    return float(0.5 * seen_by @ seen_by - np.log(np.diag(factor)).sum())


def best_priors(particles: Sequence[Seen], start: Priors, *, evaluations: int = 200) -> Priors:
    """Return the amplitudes and lengths that all particles together find most probable.

    Amplitudes are expected within a factor of five of those where they start, lengths within one of two.
    """
    from scipy.optimize import minimize

    centre, looked = np.log(start), [_looked(one) for one in particles]

    def lack(logs: np.ndarray) -> float:
        priors = Priors(*np.exp(logs))
        known = 0.5 * float(np.sum(((logs - centre) / _HYPER_SPREAD) ** 2))
        try:
            return known - sum(_log_evidence(*one, priors) for one in zip(particles, looked, strict=True))
        except np.linalg.LinAlgError:
            return np.inf

    simplex = centre + _STEP * np.vstack([np.zeros(len(centre)), np.eye(len(centre))])
    options: Any = {"maxfev": evaluations, "xatol": 0.05, "fatol": 0.05, "initial_simplex": simplex}
    found = minimize(lack, centre, method="Nelder-Mead", options=options)
    return Priors(*(float(one) for one in np.exp(found.x)))


def projected(old: np.ndarray, new: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the numbers that give about the same field with a new basis (ridge, so that none runs away)."""
    field = old @ z
    gram = new.T @ new
    scale = 1e-6 * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram + scale * np.eye(len(gram)), new.T @ field))


def _projected(inverse: np.ndarray, amplitude: float, correlation: np.ndarray) -> np.ndarray:
    """Return the covariance of the numbers of a basis, from its inverse, when the field has this covariance."""
    return np.asarray(amplitude**2 * inverse @ correlation @ inverse.T)
