from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.kinetics.slab import Slab, driven, eigenvalues, slabs


def slab(biot):
    return Slab(biot, eigenvalues(biot))


@given(st.floats(-3, 3))
def test_eigenvalues_solve_their_equation(log_biot):
    biot = 10**log_biot
    beta = eigenvalues(biot, 10)
    np.testing.assert_allclose(beta * np.sin(beta), biot * np.cos(beta), atol=1e-9 * (1 + biot))
    assert np.all((beta > np.arange(10) * np.pi) & (beta < (np.arange(10) + 0.5) * np.pi))


def test_slow_surface_decays_with_the_biot_number_and_fast_with_the_bulk():
    assert slab(1e-3).slowest == pytest.approx(1e-3, rel=1e-3)
    assert slab(1e3).slowest == pytest.approx(np.pi**2 / 4, rel=3e-3)


@pytest.mark.parametrize("biot", [0.01, 1.0, 100.0])
def test_starts_empty_and_satisfies_the_boundary(biot):
    one = slab(biot)
    depth = np.linspace(0, 1, 201)
    assert one.mean_left(np.array([0.0]))[0] == pytest.approx(1.0, abs=2e-3)  # 60 modes
    left = one.left(depth, np.array([0.2]))[0]
    assert one.mean_left(np.array([0.2]))[0] == pytest.approx(np.trapezoid(left, depth), rel=1e-3)
    # At the face: -d(1-u)/d depth = -Bi (1-u) from within, i.e. 1-u rises inward with slope Bi (1-u).
    slope = (one.left(np.array([1e-5]), np.array([0.2])) - one.left(np.array([0.0]), np.array([0.2])))[0, 0] / 1e-5
    assert slope == pytest.approx(biot * left[0], rel=2e-3)


def test_early_uptake_of_a_fast_surface_goes_with_the_root_of_time():
    """Crank 4.20: u = 2 sqrt(t/pi) before the middle is reached."""
    one = slab(1e3)
    times = one.times(np.array([0.1, 0.2, 0.4]))
    np.testing.assert_allclose(2 * np.sqrt(times / np.pi), [0.1, 0.2, 0.4], rtol=0.02)


def test_times_and_fillings_belong_together():
    one = slab(1.0)
    filling = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(1 - one.mean_left(one.times(filling)), filling, atol=2e-4)
    # One mode: the rate is beta^2 times what is left.
    np.testing.assert_allclose(one.rate(filling)[1:], one.slowest * (1 - filling[1:]), rtol=0.01)


def test_six_decades():
    biot = [one.biot for one in slabs()]
    assert biot[0] == pytest.approx(1e-3)
    assert biot[-1] == pytest.approx(1e3)
    assert slabs() is slabs()


def test_a_driven_slab_has_the_mean_it_is_given_and_agrees_with_a_slab_of_its_own_law():
    """Fine steps in time: the flux of Crank's slab gives back Crank's profile."""
    slab = slabs()[30]  # Bi = 1
    time = np.concatenate([[0.0], np.geomspace(1e-4, 3.0, 600)])
    depth = (np.arange(200) + 0.5) / 200
    own = 1 - slab.left(depth, time)
    own[0] = 0.0
    u = driven(depth, time, own.mean(axis=1), 1.0)
    # 60 modes leave 2 rate/(pi^2 60) at the face, at most 3e-3 after the first instants.
    np.testing.assert_allclose(u[200:], own[200:], atol=5e-3)
    np.testing.assert_allclose(u.mean(axis=1), own.mean(axis=1), atol=1e-6)


def test_a_driven_slab_at_rest_evens_out():
    u = driven(np.array([0.0, 1.0]), np.array([0.0, 1.0, 30.0]), np.array([0.2, 0.6, 0.6]), 4.0)
    assert u[1, 0] - u[1, 1] > 0.3
    np.testing.assert_allclose(u[2], 0.6, atol=1e-6)
