"""Gaussian-process priors."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.learning import priors
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


def test_a_field_of_any_amplitude_is_a_normal_one_with_its_variance_integrated_out() -> None:
    from scipy.integrate import quad
    from scipy.special import gammaln

    rng = np.random.default_rng(4)
    count = 6

    def density(z: np.ndarray) -> float:
        """Integrate normal densities over a variance v with nu/v of a chi-square of nu degrees of freedom."""
        half = priors.FREEDOM / 2

        def weighted(v: float) -> float:
            log = half * np.log(half) - gammaln(half) - (half + 1) * np.log(v) - half / v
            return float(np.exp(log - 0.5 * count * np.log(2 * np.pi * v) - 0.5 * (z @ z) / v))

        return float(quad(weighted, 0, np.inf, limit=200)[0])

    first, second = rng.standard_normal(count), 3 * rng.standard_normal(count)

    def integral(z: np.ndarray) -> float:
        """Integrate over the logarithm of the weight, with the constants that `of_weight` leaves out."""
        half = priors.FREEDOM / 2
        constant = half * np.log(half) - gammaln(half) - 0.5 * count * np.log(2 * np.pi)
        return float(quad(lambda u: np.exp(constant - priors.of_weight(z, np.exp(u))), -20, 10, limit=200)[0])

    assert integral(first) == pytest.approx(density(first), rel=1e-6)
    assert integral(second) == pytest.approx(density(second), rel=1e-6)


def test_the_best_weight_is_the_most_probable_one() -> None:
    z = np.random.default_rng(5).standard_normal(7)
    best = priors.best_weight(float(z @ z), 7)
    assert priors.of_weight(z, best) < min(priors.of_weight(z, 0.99 * best), priors.of_weight(z, 1.01 * best))


def test_the_constant_of_a_field_is_the_integral_over_its_weight() -> None:
    from scipy.integrate import quad
    from scipy.special import gammaln

    z = np.random.default_rng(6).standard_normal(150)
    best = priors.best_weight(float(z @ z), 150)
    half = priors.FREEDOM / 2
    log = half * np.log(half) - gammaln(half)
    height = priors.of_weight(z, best)
    whole = quad(lambda u: np.exp(log + height - priors.of_weight(z, best * np.exp(u))), -3, 3)[0]
    # Laplace's approximation over one number that 150 modes fix.
    assert priors.log_constant(150.0) == pytest.approx(np.log(whole), abs=0.01)


def test_modes_that_data_made_less_known_count_as_not_seen() -> None:
    assert priors.log_constant(-3.0) == priors.log_constant(0.0)
    assert np.isfinite(priors.log_constant(-3.0))
