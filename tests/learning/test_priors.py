"""Gaussian-process priors."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.learning.priors import distances, matern, modes, smooth


def test_all_modes_give_the_correlation_back() -> None:
    points = np.random.default_rng(0).uniform(0, 500, (40, 2))
    correlation = matern(distances(points), 150.0)
    basis, left_out = modes(correlation, 40)
    assert np.allclose(basis @ basis.T, correlation, atol=1e-10)
    assert left_out == pytest.approx(0.0, abs=1e-12)


def test_few_modes_leave_out_what_they_say() -> None:
    points = np.linspace(0, 1000, 60)[:, None]
    correlation = matern(distances(points), 100.0)
    basis, left_out = modes(correlation, 10)
    assert left_out == pytest.approx(1 - np.trace(basis @ basis.T) / 60)
    assert 0.01 < left_out < 0.5


def test_more_modes_than_points_are_zero() -> None:
    basis, _ = modes(matern(distances(np.arange(3.0)[:, None]), 2.0), 5)
    assert basis.shape == (3, 5)
    assert not basis[:, 3:].any()


@pytest.mark.parametrize("correlation", [matern, smooth])
def test_a_correlation_is_one_at_once_and_falls(correlation: object) -> None:
    values = correlation(np.array([0.0, 50.0, 100.0, 1000.0]), 100.0)  # type: ignore[operator]
    assert values[0] == 1.0
    assert np.all(np.diff(values) < 0)


def test_matern_at_its_length() -> None:
    # Rasmussen and Williams 2006, equation 4.17, at d = length: (1 + sqrt 3) exp(-sqrt 3).
    assert matern(np.array(100.0), 100.0) == pytest.approx(0.48335772, abs=1e-8)
