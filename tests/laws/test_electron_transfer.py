import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.chidsey import chidsey
from lithiscope.laws.electron_transfer import log_overlap, log_overlap_slope


@pytest.mark.parametrize("reorganisation", [0.1, 1.0, 2.0, 8.3, 20.0, 40.0])
@pytest.mark.parametrize("u", [-30.0, -9.0, -0.5, 0.0, 2.5, 30.0])
def test_the_integral_is_chidseys(reorganisation, u):
    rate = np.exp(log_overlap(np, u, reorganisation, exact=True)) / (1 + np.exp(-u))
    assert float(rate) == pytest.approx(chidsey(u, reorganisation), rel=1e-10)


@pytest.mark.parametrize(
    ("reorganisation", "worst"),
    [(0.1, 0.0422), (1.0, 0.1160), (2.0, 0.1132), (8.3, 0.0464), (20.0, 0.0848), (40.0, 0.2678)],
)
def test_how_far_the_closed_form_is_off(reorganisation, worst):
    """The paper says below 5 %; quadrature by two methods says this, so it is stated and held."""
    u = np.linspace(-60, 60, 12001)
    closed, exact = log_overlap(np, u, reorganisation), log_overlap(np, u, reorganisation, exact=True)
    assert np.abs(np.expm1(closed - exact)).max() == pytest.approx(worst, abs=1e-4)


@pytest.mark.parametrize("exact", [False, True])
@given(u=st.floats(-60, 60), reorganisation=st.floats(0.05, 90))
def test_even_bounded_and_slope_is_the_derivative(exact, u, reorganisation):
    value = float(log_overlap(np, np.array(u), reorganisation, exact))
    assert value == pytest.approx(float(log_overlap(np, np.array(-u), reorganisation, exact)), rel=1e-12, abs=1e-13)
    assert value <= 1e-12
    h = 1e-4  # error of the difference: h^2/6 times a third derivative below 10, and 1e-14/h of round-off
    difference = np.diff(log_overlap(np, np.array([u - h, u + h]), reorganisation, exact))[0] / (2 * h)
    slope = float(log_overlap_slope(np, np.array(u), reorganisation, exact))
    assert slope == pytest.approx(float(difference), abs=2e-8)


def test_limits():
    # far beyond lambda every level takes part; at equilibrium and large lambda the rate is that of Marcus:
    # exp(-lambda/4) sqrt(pi/(4 lambda)) (1 - pi^2/(4 lambda) + ...), next term 5 pi^4/(32 lambda^2)
    assert np.exp(log_overlap(np, np.array(500.0), 20.0)) == pytest.approx(1.0, abs=1e-12)
    assert np.exp(log_overlap(np, np.array(500.0), 20.0, exact=True)) == pytest.approx(1.0, abs=1e-12)
    large = 90.0
    rate = np.exp(log_overlap(np, np.array(0.0), large, exact=True)) / 2
    marcus = np.exp(-large / 4) * np.sqrt(np.pi / (4 * large)) * (1 - np.pi**2 / (4 * large))
    assert rate == pytest.approx(marcus, rel=2 * 5 * np.pi**4 / (32 * large**2))


def test_no_underflow_at_very_large_reorganisation():
    assert np.isfinite(log_overlap(np, np.array([0.0, 50.0]), 5000.0)).all()
