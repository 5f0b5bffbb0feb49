"""The detector: dead time by its exact distribution; averaging over the probe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from lithiscope.instruments.stxm.kernels import counted, gauss_hermite


@given(st.floats(0.01, 5.0), st.integers(1, 8))
def test_polynomials_are_averaged_exactly(sigma: float, nodes: int) -> None:
    offsets, weights = gauss_hermite(sigma, nodes)
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ offsets == pytest.approx(0.0, abs=1e-12 * sigma)
    if nodes > 1:
        assert weights @ offsets**2 == pytest.approx(sigma**2)
    if nodes > 2:
        assert weights @ offsets**4 == pytest.approx(3 * sigma**4)


def test_a_point_probe_has_one_node() -> None:
    offsets, weights = gauss_hermite(0.0, 5)
    assert (offsets.tolist(), weights.tolist()) == ([0.0], [1.0])


@pytest.mark.parametrize("mean", [3.0, 400.0, 9000.0])
@pytest.mark.parametrize("lost", [0.05, 0.5])
def test_dead_time_has_the_mean_and_variance_of_the_theory(mean: float, lost: float) -> None:
    draws = 20000
    counts = counted(np.full(draws, mean), np.random.default_rng(1).random(draws), lost / mean)
    # Renewal theory for n d = lost; corrections of order one count, so the mean is compared to 1 count at most.
    expected, variance = mean / (1 + lost), mean / (1 + lost) ** 3
    assert counts.mean() == pytest.approx(expected, abs=1.0 * lost + 4 * np.sqrt(variance / draws))
    if mean > 100:
        # The variance of a sample variance of a normal distribution is 2/draws: 4 standard errors are 4 %.
        assert counts.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / draws) + 1 / mean)


def test_without_much_dead_time_the_counts_are_poissonian() -> None:
    quantiles = (np.arange(999) + 0.5) / 999
    counts = counted(np.full(999, 7.0), quantiles, 1e-9)
    np.testing.assert_array_equal(np.sort(counts), np.sort(poisson.ppf(quantiles, 7.0)))


@given(st.floats(0.0, 0.99), st.floats(1.0, 1e4), st.floats(1e-6, 0.5))
def test_more_photons_are_never_counted_as_fewer(uniform: float, mean: float, dead: float) -> None:
    counts = counted(np.array([mean, 1.3 * mean]), np.full(2, uniform), dead)
    assert 0 <= counts[0] <= counts[1] <= np.ceil(1 / dead) + 1
