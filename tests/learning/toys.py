"""A problem whose posterior is known: pixels that show u exp(-a), where a law a and a field u trade off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from lithiscope.learning.arrowhead import Block
from lithiscope.learning.fit import Particle
from lithiscope.learning.priors import FREEDOM

COUNT, SIGMA = 40, 0.1


class ToyCase(NamedTuple):
    field: np.ndarray = np.eye(COUNT)
    lengths: Any = np.zeros(2)
    first: Any = np.zeros(2, int)


class Toy:
    """Pixels that show u exp(-a): a law a, known beforehand to +-1, and a field u of any amplitude trade off."""

    program = SimpleNamespace(layout=SimpleNamespace(shared=1, field=COUNT, volt=0))
    prior = Particle.prior

    def __init__(self, data: np.ndarray, weights: Any = None, cases: Any = None) -> None:
        self.data, self.weights, self.cases = data, weights, cases or (ToyCase(),)

    def fields(self) -> list[slice]:
        return [slice(0, COUNT)]

    def _replace(self, weights: Any, cases: Any = None) -> Any:
        return Toy(self.data, weights, cases or self.cases)


def cost(task: Any) -> float:
    particle, z = task
    return 0.5 * float(np.sum(((z[1:] * np.exp(-z[0]) - particle.data) / SIGMA) ** 2))


def block(task: Any, *, held: bool = False) -> tuple[Block, float, Any]:
    particle, z = task
    jacobian = np.column_stack([-z[1:] * np.exp(-z[0]), np.exp(-z[0]) * np.eye(COUNT)]) / SIGMA
    weights = particle.prior(z[1:])[1]
    gradient = jacobian.T @ ((z[1:] * np.exp(-z[0]) - particle.data) / SIGMA)
    gradient[1:] += weights * z[1:]
    return Block(jacobian.T @ jacobian + np.diag(np.r_[0.0, weights]), gradient, weights), cost(task), particle


def slope_of_determinant(given: Any) -> np.ndarray:
    (_, z), covariance = given
    return np.r_[-np.exp(-2 * z[0]) / SIGMA**2 * np.trace(covariance), np.zeros(COUNT)]


def exact(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a, and the logarithm of its density with that of the data, the field and its amplitude integrated out."""
    a, log_v = np.linspace(-6, 6, 2401)[:, None], np.linspace(-9, 12, 801)[None, :]
    total = np.exp(log_v - 2 * a) + SIGMA**2  # variance of a datum
    # Densities of a, of the variance of the field (inverse gamma), and of the data without their constant.
    shape = FREEDOM / 2
    log = -0.5 * a**2 - 0.5 * np.log(2 * np.pi) + shape * np.log(shape) - gammaln(shape)
    log = log - shape * log_v - shape * np.exp(-log_v)
    log = log - 0.5 * COUNT * np.log(total / SIGMA**2) - 0.5 * float(data @ data) / total
    return a[:, 0], np.log(np.exp(log - log.max()).sum(1) * 21 / 800) + log.max()
