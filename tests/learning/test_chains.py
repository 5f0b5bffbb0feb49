"""R-hat and effective sample sizes of chains whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.learning.chains import effective, r_hat, sample_size, tail_size


def autoregressive(rho: float, chains: int, count: int, seed: int = 0) -> np.ndarray:
    """Chains with a correlation of rho^lag, of unit variance."""
    noise = np.random.default_rng(seed).standard_normal((chains, count))
    found = noise.copy()
    for number in range(1, count):
        found[:, number] = rho * found[:, number - 1] + np.sqrt(1 - rho**2) * noise[:, number]
    return found


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
def test_the_effective_sample_size_is_that_of_the_known_correlation(rho: float) -> None:
    draws = autoregressive(rho, 4, 4000)
    expected = draws.size * (1 - rho) / (1 + rho)
    # The sum of autocorrelations of 16000 draws is known to a tenth or so.
    assert effective(draws) == pytest.approx(expected, rel=0.15)
    # Normal scores of a normal number are the number.
    assert sample_size(draws) == pytest.approx(expected, rel=0.15)


def test_independent_draws_agree() -> None:
    draws = autoregressive(0.0, 4, 500)
    assert r_hat(draws) == pytest.approx(1, abs=0.005)  # its scatter is of the order of one over the draws of a chain
    assert tail_size(draws) > 1000  # of 2000; an indicator of 5 % has 100 draws that are one


def test_chains_apart_or_of_other_width_or_drifting_do_not_agree() -> None:
    draws = autoregressive(0.0, 4, 500)
    apart, wide = draws.copy(), draws.copy()
    apart[0] += 1
    wide[0] *= 3
    # A mean that is off by d in one of four chains: between them d^2/4, so R-hat is about the root of 1 + d^2/4.
    assert r_hat(apart) == pytest.approx(np.sqrt(1.25), rel=0.05)
    assert r_hat(wide) > 1.03
    assert r_hat(draws + np.linspace(-1, 1, 500)) > 1.1
    assert sample_size(apart) < 50


def test_heavy_tails_do_no_harm() -> None:
    draws = np.random.default_rng(1).standard_cauchy((4, 500))
    assert r_hat(draws) < 1.01
    assert sample_size(draws) == pytest.approx(2000, rel=0.2)


def test_a_number_that_never_moves_is_no_error() -> None:
    assert r_hat(np.ones((4, 100))) == 1
    assert effective(np.ones((4, 100))) == 400
