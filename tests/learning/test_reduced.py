"""The reduced posterior of a linear problem, which Laplace's approximation knows exactly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.learning import reduced as module
from lithiscope.learning.arrowhead import Block
from lithiscope.learning.chains import effective
from lithiscope.learning.fit import Fit, Point
from lithiscope.learning.reduced import NARROWED, evened, reduced
from lithiscope.learning.sampling import run

SHARED, OWN, DATA, WEIGHT = 3, 6, 5, 2.5


class Linear:
    """A particle whose data are rows times its numbers; its own numbers have a prior of another weight."""

    own = OWN
    program = SimpleNamespace(layout=SimpleNamespace(shared=SHARED))

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.rows, self.data = random.standard_normal((DATA, SHARED + OWN)), random.standard_normal(DATA)

    def prior(self, own: np.ndarray) -> tuple[float, np.ndarray]:
        return 0.5 * WEIGHT * float(own @ own), np.full(OWN, WEIGHT)


def slope_of(task: Any) -> tuple[float, np.ndarray]:
    residual = task.particle.rows @ task.z - task.particle.data
    return 0.5 * float(residual @ residual), task.particle.rows.T @ residual


def block_of(task: Any) -> tuple[Block, float, Any]:
    cost, gradient = slope_of(task)
    rows, weights = task.particle.rows, np.r_[np.zeros(SHARED), np.full(OWN, WEIGHT)]
    matrix = rows.T @ rows + np.diag(weights)
    return Block(matrix, gradient + weights * task.z, weights[SHARED:]), cost, task.particle


def whole() -> tuple[Fit, np.ndarray, np.ndarray]:
    """The fit of two particles, and the exact precision and mean of all numbers."""
    particles: Any = [Linear(1), Linear(2)]
    precision = np.diag(np.r_[np.ones(SHARED), np.full(2 * OWN, WEIGHT)])
    side = np.zeros(len(precision))
    for number, one in enumerate(particles):
        place = np.r_[np.arange(SHARED), SHARED + number * OWN + np.arange(OWN)]
        precision[np.ix_(place, place)] += one.rows.T @ one.rows
        side[place] += one.rows.T @ one.data
    mean = np.linalg.solve(precision, side)
    point = Point(mean[:SHARED], (mean[SHARED : SHARED + OWN], mean[SHARED + OWN :]))
    tasks = [
        SimpleNamespace(particle=p, z=np.r_[point.shared, own]) for p, own in zip(particles, point.own, strict=True)
    ]
    blocks = [block_of(task)[0] for task in tasks]
    return Fit(point, blocks, particles, 0.0, 1, converged=True), precision, mean


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> tuple[Fit, np.ndarray, np.ndarray]:
    monkeypatch.setattr(module, "slope_of", slope_of)
    monkeypatch.setattr(module, "block_of", block_of)
    return whole()


def test_it_is_standard_normal_in_the_directions_that_data_narrow(exact: tuple[Fit, np.ndarray, np.ndarray]) -> None:
    fit, precision, _ = exact
    density = reduced(fit)
    ways = np.hstack([density.ways, density.rest])
    assert ways @ ways.T == pytest.approx(np.linalg.inv(precision), abs=1e-12)
    # Ten data narrow ten directions at most; all others are the prior's.
    root = np.sqrt(np.r_[np.ones(SHARED), np.full(2 * OWN, WEIGHT)])
    variances = np.linalg.eigvalsh(root[:, None] * np.linalg.inv(precision) * root)
    assert density.ways.shape[1] == (variances < NARROWED).sum() <= 2 * DATA
    u = np.random.default_rng(0).standard_normal(density.ways.shape[1])
    height, slope = density(u)
    assert height - density(0 * u)[0] == pytest.approx(0.5 * u @ u, rel=1e-9)
    assert slope == pytest.approx(u, rel=1e-9)


def test_draws_have_the_exact_mean_and_covariance(exact: tuple[Fit, np.ndarray, np.ndarray]) -> None:
    fit, precision, mean = exact
    density = reduced(fit)
    found = run(density, density.ways.shape[1], draws=500, warm_up=100, chains=4, seed=2)
    rest = np.random.default_rng(3).standard_normal((4, 500, density.rest.shape[1]))
    z = density.centre + found.z @ density.ways.T + rest @ density.rest.T - mean
    covariance = np.linalg.inv(precision)
    for one in range(len(mean)):
        for values, expected in ((z[:, :, one], 0.0), (z[:, :, one] * z[:, :, 0], covariance[one, 0])):
            # By its own standard error; thirty are asked for, so 4.5 of these.
            assert abs(values.mean() - expected) < 4.5 * values.std() / np.sqrt(effective(values))


def test_units_of_stiffness_leave_the_posterior_as_it_is(exact: tuple[Fit, np.ndarray, np.ndarray]) -> None:
    density = reduced(exact[0])
    even = evened(density, np.random.default_rng(0))
    # The stiffness of a linear problem is the same everywhere, so its units are Laplace's.
    turned = np.linalg.lstsq(density.ways, even.ways, rcond=None)[0]
    assert turned.T @ turned == pytest.approx(np.eye(len(turned)), abs=1e-9)
    u = np.random.default_rng(1).standard_normal(len(turned))
    assert even(u)[0] == pytest.approx(density(turned @ u)[0], rel=1e-12)


def test_too_many_numbers_are_refused(
    exact: tuple[Fit, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGEST", 10)
    with pytest.raises(OptionError, match="fewer particles"):
        reduced(exact[0])
