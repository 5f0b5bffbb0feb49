"""The prior's hyperparameters from the evidence, on a linear problem whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from lithiscope.learning.cases import Priors
from lithiscope.learning.evidence import Seen, best_priors, log_evidence, projected
from lithiscope.learning.priors import distances, matern, modes


def _seen(amplitude: float, length: float, noise: float, seed: int) -> tuple[Seen, np.ndarray, np.ndarray]:
    """Return a field seen directly with noise, its data and its cells; the initial field is not seen at all."""
    rng = np.random.default_rng(seed)
    cells = np.argwhere(np.ones((12, 10))) * 50.0
    basis = 0.5 * modes(matern(distances(cells), 120.0), len(cells))[0]
    truth = amplitude * modes(matern(distances(cells), length), len(cells))[0] @ rng.standard_normal(len(cells))
    data = truth + noise * rng.standard_normal(len(cells))
    count = len(cells)
    size = count + 1 + 3
    rows = np.hstack([basis, np.zeros((count, 4))]) / noise
    initial = 0.5 * modes(matern(distances(cells), 200.0), 3)[0]
    return Seen(rows.T @ rows, rows.T @ data / noise, cells, basis, initial, (count + 1,)), data, np.eye(size)


def test_differences_are_those_of_the_exact_evidence() -> None:
    noise = 0.2
    seen, data, _ = _seen(0.6, 150.0, noise, 1)
    between = distances(seen.cells)

    def exact(priors: Priors) -> float:
        covariance = priors.amplitude**2 * matern(between, priors.length) + noise**2 * np.eye(len(data))
        return float(multivariate_normal.logpdf(data, cov=covariance))

    one, other = Priors(0.3, 300.0), Priors(0.8, 100.0)
    assert log_evidence(seen, one) - log_evidence(seen, other) == pytest.approx(exact(one) - exact(other), abs=1e-3)


def test_amplitude_and_length_are_found() -> None:
    fields = [_seen(0.7, 150.0, 0.1, seed)[0] for seed in range(4)]
    found = best_priors(fields, Priors(0.3, 300.0), evaluations=120)
    # Four fields of about ten independent patches: amplitude to 1/sqrt(80) = 11 %, length to about 20 %; two of each.
    assert found.amplitude == pytest.approx(0.7, rel=0.25)
    assert found.length == pytest.approx(150.0, rel=0.4)


def test_a_field_keeps_its_shape_in_another_basis() -> None:
    cells = np.argwhere(np.ones((9, 9))) * 50.0
    old = modes(matern(distances(cells), 200.0), 20)[0]
    new = modes(matern(distances(cells), 150.0), 60)[0]
    z = np.random.default_rng(0).standard_normal(20)
    moved = new @ projected(old, new, z)
    assert np.abs(moved - old @ z).max() < 0.01 * np.abs(old @ z).max()
