"""The spread of a field that trades off with a law: the mean of the posterior, where its maximum is no guide."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lithiscope.learning import fit as fitting
from lithiscope.learning import scale
from lithiscope.learning.arrowhead import Block, covariances
from lithiscope.learning.fit import Fit, Point, minimise
from lithiscope.learning.priors import log_constant, of_any_amplitude

COUNT, SIGMA = 40, 0.1


class Toy:
    """Pixels that show u exp(-a): a law a, known beforehand to +-1, and a field u trade off."""

    program = SimpleNamespace(layout=SimpleNamespace(field=COUNT))
    cases = (SimpleNamespace(field=np.eye(COUNT)),)

    def __init__(self, data: np.ndarray) -> None:
        self.data = data

    def _replace(self, **_changes: Any) -> Any:
        return self

    def prior(self, own: np.ndarray) -> tuple[float, np.ndarray]:
        cost, weight = of_any_amplitude(own)
        return cost, np.full(COUNT, weight)


def cost(task: Any) -> float:
    particle, z = task
    return 0.5 * float(np.sum(((z[1:] * np.exp(-z[0]) - particle.data) / SIGMA) ** 2))


def block(task: Any) -> tuple[Block, float, Any]:
    particle, z = task
    jacobian = np.column_stack([-z[1:] * np.exp(-z[0]), np.exp(-z[0]) * np.eye(COUNT)]) / SIGMA
    weights = particle.prior(z[1:])[1]
    gradient = jacobian.T @ ((z[1:] * np.exp(-z[0]) - particle.data) / SIGMA)
    gradient[1:] += weights * z[1:]
    return Block(jacobian.T @ jacobian + np.diag(np.r_[0.0, weights]), gradient, weights), cost(task), particle


@pytest.fixture
def found(monkeypatch) -> Fit:
    monkeypatch.setattr(fitting, "block_of", block)
    monkeypatch.setattr(fitting, "cost_of", cost)
    data = np.random.default_rng(2).standard_normal(COUNT)
    particles: Any = [Toy(data + SIGMA * np.random.default_rng(3).standard_normal(COUNT))]
    return minimise(particles, Point(np.zeros(1), (data,)), iterations=60)


def followed(found: Fit) -> Fit:
    return scale.at_the_mean(found.particles, Point(np.zeros(1), found.point.own))


def exact(data: np.ndarray) -> tuple[float, float]:
    """Return mean and deviation of the posterior of exp(a), by sums over a and over the variance of the field."""
    a, log_v = np.linspace(-4, 4, 401)[:, None], np.linspace(-9, 9, 601)[None, :]
    total = np.exp(log_v - 2 * a) + SIGMA**2  # variance of a datum
    log = -0.5 * a**2 - 2 * log_v - 2 * np.exp(-log_v)
    log = log - 0.5 * COUNT * np.log(total) - 0.5 * float(data @ data) / total
    weight = np.exp(log - log.max()).sum(1)
    weight /= weight.sum()
    mean = float(weight @ np.exp(a[:, 0]))
    return mean, float(np.sqrt(weight @ (np.exp(a[:, 0]) - mean) ** 2))


def test_the_most_probable_point_is_no_guide(found: Fit) -> None:
    # Nothing but its prior, zero on average, says what a is; yet the most probable a is far below,
    # more than four of the standard deviations that Laplace's approximation has there.
    laws, _ = covariances(found.blocks, 1)
    assert found.point.shared[0] < -4 * np.sqrt(laws[0, 0])


def test_the_mean_is_found_with_its_width(found: Fit) -> None:
    particle: Any = found.particles[0]
    mean, deviation = exact(particle.data)
    last = followed(found)
    spread = np.linalg.norm(last.point.own[0]) / np.linalg.norm(particle.data)
    # The profile is followed until it has fallen by exp(-3) on both sides, which cuts the long tail of exp(a).
    assert spread == pytest.approx(mean, abs=0.35 * deviation)
    assert last.converged
    _, each = covariances(last.blocks, 1, last.tie)
    row = last.point.own[0] / np.linalg.norm(last.point.own[0])
    own = float(np.sqrt(row @ each[0][1:, 1:] @ row)) / np.linalg.norm(particle.data)
    assert own == pytest.approx(deviation, rel=0.5)
    assert scale.spread_error(last) == pytest.approx(own / spread, rel=1e-6)


def test_without_laws_there_is_nothing_to_follow(monkeypatch, found: Fit) -> None:
    asked = []
    monkeypatch.setattr(scale, "minimise", lambda *_given, **more: asked.append(more))
    scale.at_the_mean(found.particles, Point(np.zeros(0), found.point.own))
    assert len(asked) == 1
    assert "tie" not in asked[0]


def test_mean_and_deviation_of_a_density() -> None:
    at = np.linspace(-3, 5, 17)
    mean, deviation, mass = scale.summit(at, 0.5 * ((at - 1) / 0.8) ** 2 + 7)
    assert mean == pytest.approx(1, abs=0.01)
    assert deviation == pytest.approx(0.8, rel=0.02)
    assert mass == pytest.approx(np.log(0.8 * np.sqrt(2 * np.pi)) - 7, abs=0.01)


def test_the_evidence_of_a_profile_is_the_integral_of_the_posterior(found: Fit) -> None:
    particle: Any = found.particles[0]
    a, log_v = np.linspace(-6, 6, 601)[:, None], np.linspace(-9, 12, 801)[None, :]
    total = np.exp(log_v - 2 * a) + SIGMA**2
    # Densities of a, of the variance of the field (inverse gamma, nu = 4), and of the data without their constant.
    log = -0.5 * a**2 - 0.5 * np.log(2 * np.pi) + np.log(4) - 2 * log_v - 2 * np.exp(-log_v)
    data = float(particle.data @ particle.data)
    log = log - 0.5 * COUNT * np.log(total / SIGMA**2) - 0.5 * data / total
    exact_mass = np.log(np.exp(log - log.max()).sum() * 0.02 * 21 / 800) + log.max()
    mass = followed(found).log_mass
    assert mass is not None
    # The profile leaves out what lies beyond a fall by exp(-3), five per cent or so, and the places are Laplace's.
    assert mass + log_constant(COUNT) == pytest.approx(exact_mass, abs=0.3)
