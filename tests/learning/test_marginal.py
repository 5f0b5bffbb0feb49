"""A field that trades off with a law: the law at the maximum of its own posterior."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learning.toys import COUNT, Toy, block, cost, exact, slope_of_determinant
from lithiscope.learning import fit as fitting
from lithiscope.learning import marginal, settling
from lithiscope.learning.arrowhead import Block, covariances, log_determinant
from lithiscope.learning.diary import Diary
from lithiscope.learning.fit import Fit, Point
from lithiscope.learning.priors import log_constant
from lithiscope.studies.checkpoint import Checkpoint


@pytest.fixture
def data(monkeypatch) -> np.ndarray:
    monkeypatch.setattr(fitting, "block_of", block)
    monkeypatch.setattr(settling, "block_of", block)
    monkeypatch.setattr(marginal, "determinant_slope", slope_of_determinant)
    monkeypatch.setattr(fitting, "cost_of", cost)
    monkeypatch.setattr(settling, "cost_of", cost)
    return 1.3 * np.random.default_rng(2).standard_normal(COUNT)


def found(data: np.ndarray) -> Fit:
    particles: Any = [Toy(data)]
    return marginal.at_best_laws(marginal.near_best_laws(particles, Point(np.zeros(1), (data,))))


def test_the_law_is_at_the_maximum_of_its_own_posterior(data: np.ndarray) -> None:
    a, density = exact(data)
    best = a[np.argmax(density)]
    curvature = -np.gradient(np.gradient(density, a), a)[np.argmax(density)]
    fit = found(data)
    assert fit.converged
    laws, _ = covariances(fit.blocks, 1, fit.laws)
    # Within a fifth of a standard deviation, where it counts as found. The matrix has no curvature of the determinant.
    assert abs(fit.point.shared[0] - best) < 0.2 / np.sqrt(curvature)
    assert laws[0, 0] == pytest.approx(1 / curvature, rel=0.6)


def test_a_weight_is_at_the_maximum_of_the_evidence(data: np.ndarray) -> None:
    fit = found(data)
    particle: Any = fit.particles[0]

    def height(weight: float) -> float:
        held = particle._replace(weights=(weight,))
        z = np.r_[fit.point.shared, data * np.exp(fit.point.shared[0])]
        for _ in range(3):  # the field is linear in the data, so one step is enough
            one, half, _ = block((held, z))
            z = z - np.r_[0.0, np.linalg.solve(one.matrix[1:, 1:], one.gradient[1:])]
        one, half, _ = block((held, z))
        return half + held.prior(z[1:])[0] + 0.5 * np.linalg.slogdet(one.matrix[1:, 1:])[1]

    (best,) = particle.weights
    assert height(best) < min(height(0.97 * best), height(1.03 * best))


def test_the_evidence_is_the_integral_of_the_posterior(data: np.ndarray) -> None:
    fit = found(data)
    a, density = exact(data)
    exact_mass = np.log(np.exp(density - density.max()).sum() * (a[1] - a[0])) + density.max()
    own = np.diag(covariances(fit.blocks, 1, fit.laws)[1][0])[1:]
    constant = log_constant(COUNT - fit.particles[0].weights[0] * float(own.sum()))
    mass = -fit.whole - 0.5 * log_determinant(fit.blocks, 1, fit.laws) + constant
    # Laplace's approximation in a and in the logarithm of the amplitude, of which each is off by a tenth or so.
    assert mass == pytest.approx(exact_mass, abs=0.3)


def test_without_laws_there_is_nothing_to_integrate(monkeypatch, data: np.ndarray) -> None:
    asked = []
    monkeypatch.setattr(marginal, "minimise", lambda *_given, **more: asked.append(more))
    particles: Any = [Toy(data)]
    marginal.near_best_laws(particles, Point(np.zeros(0), (data,)))
    assert len(asked) == 1
    assert "tie" not in asked[0]


def test_the_error_of_the_spread_is_that_of_the_field_along_itself(data: np.ndarray) -> None:
    fit = found(data)
    own = covariances(fit.blocks, 1, fit.laws)[1][0][1:, 1:]
    row = fit.point.own[0] / (fit.point.own[0] @ fit.point.own[0])
    assert marginal.spread_error(fit) == pytest.approx(np.sqrt(row @ own @ row), rel=1e-6)


def test_rates_are_at_the_mean_of_their_posterior_and_not_at_its_top(monkeypatch) -> None:
    # Pixels that show exp(z) with noise: the density of z is wider where z is small, so its mean is below its top.
    data, sigma = np.exp(np.random.default_rng(1).normal(0.0, 0.5, 12)), 0.1

    def slope(z: np.ndarray) -> np.ndarray:
        return np.asarray((np.exp(z) - data) * np.exp(z) / sigma**2 + z)

    def stiff(z: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(2 * z) / sigma**2 + 1)

    z = np.log(data)
    for _ in range(50):
        z = z - slope(z) / stiff(z)
    monkeypatch.setattr(
        marginal, "determinant_slope", lambda given: np.diag(given[1]) * np.exp(2 * given[0][1]) / sigma**2
    )
    blocks = [Block(np.diag(stiff(z)), slope(z), np.ones(len(z)))]
    particles: Any = [Toy(data)]
    (found,) = marginal.mean_of_own(Fit(Point(np.zeros(0), (z,)), blocks, particles, 0.0, 0, converged=True))
    grid = z + np.linspace(-8, 8, 4001)[:, None] / np.sqrt(stiff(z))
    weight = np.exp(-0.5 * ((np.exp(grid) - data) / sigma) ** 2 - 0.5 * grid**2)
    exact = (grid * weight).sum(0) / weight.sum(0)
    # Gauss and Newton's determinant has two thirds of the third derivative of exp(z); higher orders are a tenth.
    assert (found - z).mean() == pytest.approx(2 / 3 * (exact - z).mean(), rel=0.15)
    assert np.all(np.abs(found - exact) < 0.6 * np.abs(z - exact))


class Killed(Exception):
    """Stands for a signal."""


@pytest.mark.parametrize("after", [1, 2, 3])
def test_rounds_of_a_killed_run_are_not_done_again(data, monkeypatch, tmp_path, after: int) -> None:
    checkpoint = Checkpoint(tmp_path / "fit.npz", "key")
    looked: list[float] = []

    def counted(given: Any) -> np.ndarray:
        looked.append(given[0][1][0])
        return slope_of_determinant(given)

    monkeypatch.setattr(marginal, "determinant_slope", counted)

    def run(entries=(), stop: float = np.inf) -> Fit:
        def keep(entries) -> None:
            checkpoint.write(entries)
            rounds.append(entries[-1].state is not None)
            if sum(rounds) == stop:
                raise Killed

        rounds: list[bool] = []
        particles: Any = [Toy(data)]
        near = marginal.near_best_laws(particles, Point(np.zeros(1), (data,)), diary=Diary(entries, keep))
        return marginal.at_best_laws(near)

    whole = run()
    every = list(looked)
    assert (
        len(every) == 4
    )  # slopes of two accepted rounds and of the last, and one beside: the third kill is at the end
    looked.clear()
    with pytest.raises(Killed):
        run(stop=after)
    before = list(looked)
    looked.clear()
    again = run(checkpoint.entries())
    assert [*before, *looked] == every
    assert (again.iterations, again.converged, again.cost) == (whole.iterations, whole.converged, whole.cost)
    assert again.particles[0].weights == whole.particles[0].weights
    for one, other in (
        (again.point.shared, whole.point.shared),
        (again.point.own[0], whole.point.own[0]),
        (again.laws, whole.laws),
        *zip(again.blocks[0], whole.blocks[0], strict=True),
    ):
        np.testing.assert_array_equal(one, other)
