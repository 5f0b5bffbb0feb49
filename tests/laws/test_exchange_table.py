"""The exchange law between points."""

from __future__ import annotations

import numpy as np
import pytest

from lithiscope.errors import OptionError
from lithiscope.laws import exchange_law

X, LOGS = [0.1, 0.4, 0.9], [-1.0, 0.5, -2.0]


def test_it_is_straight_in_its_logarithm_and_stays_beyond_the_points():
    law = exchange_law("table", x=X, log_value=LOGS)
    np.testing.assert_allclose(np.log(law(np.array(X))), LOGS, rtol=1e-12)
    assert np.log(law(0.25)) == pytest.approx(-0.25)
    assert law(0.0) == law(0.05) == law(0.1) == pytest.approx(np.exp(-1))
    assert law(1.0) == law(0.95) == pytest.approx(np.exp(-2))
    assert np.isnan(law(np.array([-0.1, 1.1]))).all()


def test_its_slope_is_that_of_differences():
    law = exchange_law("table", x=X, log_value=LOGS)
    at, step = np.array([0.05, 0.2, 0.39, 0.6, 0.95]), 1e-6
    np.testing.assert_allclose(law.slope(at), (law(at + step) - law(at - step)) / (2 * step), atol=1e-8)


def test_it_works_on_jax():
    import jax
    import jax.numpy as jnp

    law = exchange_law("table", x=X, log_value=LOGS)
    np.testing.assert_allclose(
        jax.jit(law.value)(jnp.linspace(0.05, 0.95, 7)), law(np.linspace(0.05, 0.95, 7)), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("x", "logs"),
    [([0.1], [0.0]), ([0.1, 0.1], [0.0, 1.0]), ([0.1, 0.2], [0.0]), ([0.1, 1.2], [0, 0]), ([0.1, 0.2], [0, -np.inf])],
)
def test_points_that_cannot_be_joined_are_refused(x, logs):
    with pytest.raises(OptionError, match="cannot be interpolated"):
        exchange_law("table", x=x, log_value=logs)
