import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laws.chidsey import chidsey
from lithiscope.errors import OptionError
from lithiscope.laws import ReactionLaw, net_rate, overpotential, reaction_law, reaction_law_names

LAWS = {
    "linear": reaction_law("linear"),
    "half": reaction_law("butler_volmer"),
    "skew": reaction_law("butler_volmer", alpha=0.3),
    "marcus": reaction_law("marcus", reorganisation=8.3),
    "marcus_small": reaction_law("marcus", reorganisation=0.5),
    "mhc": reaction_law("marcus_hush_chidsey", reorganisation=8.3),
    "mhc_exact": reaction_law("marcus_hush_chidsey", reorganisation=8.3, exact=True),
    "mhc_small": reaction_law("marcus_hush_chidsey", reorganisation=0.5),
    "coupled": reaction_law("coupled_ion_electron", reorganisation=8.3),
    "coupled_exact": reaction_law("coupled_ion_electron", reorganisation=20.0, ion=0.2, exact=True),
}
ETA = st.floats(-15, 15, allow_subnormal=False)
X = st.floats(0.001, 0.999)


@pytest.mark.parametrize("name", LAWS)
@given(eta=ETA, x=X)
def test_slope_is_the_derivative(name, eta, x):
    h, law = 1e-4, LAWS[name]
    near = (net_rate(eta + h, law, x=x) - net_rate(eta - h, law, x=x)) / (2 * h)
    far = (net_rate(eta + 2 * h, law, x=x) - net_rate(eta - 2 * h, law, x=x)) / (4 * h)
    # Richardson: h^4 times a fifth derivative, at most a few of the rate itself; round-off 1e-16 x rate/h
    scale = 1 + abs(float(net_rate(eta, law, x=x)))
    assert float(law.slope(np.array(eta), x)) == pytest.approx(float((4 * near - far) / 3), abs=1e-10 * scale)


@pytest.mark.parametrize("name", LAWS)
@given(eta=ETA, x=X)
def test_sign_of_rate_is_that_of_overpotential(name, eta, x):
    rate = float(net_rate(eta, LAWS[name], x=x))
    assert rate * eta >= 0
    assert (rate == 0) == (eta == 0)


@pytest.mark.parametrize("name", LAWS)
@given(share=st.floats(-0.999, 0.999), x=X)
def test_inverse(name, share, x):
    law = LAWS[name]
    low, high = (np.clip(float(end), -40, 40) for end in law.bracket(x))
    eta = share * (high if share > 0 else -low)
    rate = net_rate(eta, law, x=x)
    back = overpotential(rate, law, x=x)
    # The rate comes back to round-off; the overpotential as well as the slope of the law lets it.
    assert float(net_rate(back, law, x=x)) == pytest.approx(float(rate), rel=1e-12, abs=1e-14)
    steepness = max(float(law.slope(np.array(eta), x)), 1e-300)  # none is left where the rate has reached its limit
    assert float(back) == pytest.approx(eta, abs=1e-13 + 1e-14 * (1 + abs(eta)) + 1e-14 * (1 + abs(rate)) / steepness)


def test_at_the_limit_of_a_law_rounding_does_not_lose_the_inverse():
    law = LAWS["coupled"]
    eta = np.linspace(39.0, 40.0, 201)  # the slope is 1e-15 here, and rates differ by their rounding
    rate = net_rate(eta, law, x=0.125)
    back = overpotential(rate, law, x=0.125)
    np.testing.assert_allclose(net_rate(back, law, x=0.125), rate, rtol=1e-12)
    assert np.isnan(overpotential(1.001 * rate.max(), law, x=0.125))


def test_butler_volmer_is_written_with_alpha_of_lithiation():
    eta = np.linspace(-6, 6, 13)
    expected = np.exp(0.7 * eta) - np.exp(-0.3 * eta)
    np.testing.assert_allclose(net_rate(eta, LAWS["skew"]), expected, rtol=1e-13, atol=1e-14)
    # the other direction of reaction swaps the coefficients
    np.testing.assert_allclose(
        net_rate(eta, LAWS["skew"]), -net_rate(-eta, reaction_law("butler_volmer", alpha=0.7)), rtol=1e-13, atol=1e-14
    )
    np.testing.assert_allclose(net_rate(eta), 2 * np.sinh(eta / 2), atol=1e-13)


def test_butler_volmer_keeps_its_digits_near_zero():
    tiny = 1e-12
    assert float(net_rate(tiny, LAWS["skew"])) == pytest.approx(tiny * (1 + 0.2 * tiny), rel=1e-15)


def test_closed_inverse_of_butler_volmer_agrees_with_the_solver():
    rate = np.concatenate([-np.logspace(-12, 12, 25), [0.0], np.logspace(-12, 12, 25)])
    solved = overpotential(rate, reaction_law("butler_volmer", alpha=np.float64(0.5)))
    closed = overpotential(rate, "butler_volmer")
    np.testing.assert_allclose(closed, 2 * np.arcsinh(rate / 2))
    np.testing.assert_allclose(solved, closed, rtol=1e-13)


@pytest.mark.parametrize("reorganisation", [0.5, 8.3, 40.0])
def test_marcus_is_the_difference_of_two_marcus_rates_and_turns_down(reorganisation):
    law, eta = reaction_law("marcus", reorganisation=reorganisation), np.linspace(-5, 5, 11)

    def one_way(e):
        return np.exp(-((reorganisation - e) ** 2) / (4 * reorganisation))

    np.testing.assert_allclose(net_rate(eta, law), (one_way(eta) - one_way(-eta)) / one_way(0), rtol=1e-12, atol=1e-13)
    top = law.bracket(None)[1]
    assert float(law.slope(top, None)) == pytest.approx(0.0, abs=1e-12 * float(law.rate(top, None)))
    fastest = float(law.rate(top, None))
    assert np.isnan(overpotential(1.0001 * fastest, law))
    assert float(overpotential(0.999 * fastest, law)) < top


@pytest.mark.parametrize("reorganisation", [0.5, 2.0, 8.3, 40.0])
def test_exact_marcus_hush_chidsey_against_quadrature(reorganisation):
    law = reaction_law("marcus_hush_chidsey", reorganisation=reorganisation, exact=True)
    for eta in (-12.0, -1.0, 0.3, 5.0, 25.0):
        expected = (chidsey(eta, reorganisation) - chidsey(-eta, reorganisation)) / chidsey(0.0, reorganisation)
        assert float(net_rate(eta, law)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("reorganisation", "worst"), [(2.0, 0.2156), (8.3, 0.0935), (20.0, 0.1214)])
def test_closed_marcus_hush_chidsey_against_quadrature(reorganisation, worst):
    """Over j0, the errors of the closed form at eta and at zero add up: worse than those of the rates themselves."""
    law = reaction_law("marcus_hush_chidsey", reorganisation=reorganisation)
    eta = np.linspace(0.1, 20, 21)
    truth = np.array([chidsey(e, reorganisation) - chidsey(-e, reorganisation) for e in eta])
    off = np.abs(net_rate(eta, law) * chidsey(0.0, reorganisation) / truth - 1)
    assert off.max() < worst
    assert off[0] < 2e-3  # a tenth of kT/e: the linear range is right


@pytest.mark.parametrize("x", [0.02, 0.5, 0.95])
@pytest.mark.parametrize("eta", [-8.0, -0.5, 0.7, 12.0])
def test_coupled_ion_electron_transfer_against_quadrature(x, eta):
    """Lithium leaves with x k(eta_f) and enters with c k(-eta_f), eta_f = eta + ln(c/x)."""
    reorganisation, ion = 8.3, 0.6
    law = reaction_law("coupled_ion_electron", reorganisation=reorganisation, ion=ion, exact=True)
    u = np.log(ion / x)
    net = x * chidsey(eta + u, reorganisation) - ion * chidsey(-eta - u, reorganisation)
    assert float(net_rate(eta, law, x=x)) == pytest.approx(net / (x * chidsey(u, reorganisation)), rel=1e-8)


def test_coupled_transfer_at_equal_activities_is_marcus_hush_chidsey():
    eta = np.linspace(-10, 10, 21)
    np.testing.assert_allclose(
        net_rate(eta, LAWS["coupled"], x=1.0), net_rate(eta, LAWS["mhc"]), rtol=1e-12, atol=1e-14
    )


def test_coupled_transfer_at_the_ends_of_composition():
    eta = np.array([-2.0, 1.0])
    np.testing.assert_allclose(net_rate(eta, LAWS["coupled"], x=0.0), 1 - np.exp(-eta), rtol=1e-12)
    assert np.isfinite(net_rate(eta, LAWS["coupled"], x=1.0)).all()
    assert np.isnan(net_rate(eta, LAWS["coupled"], x=np.array([-0.1, 1.1]))).all()


@pytest.mark.parametrize("name", ["mhc", "mhc_exact", "coupled"])
def test_rates_that_the_law_cannot_reach_are_nan(name):
    law = LAWS[name]
    low, high = (float(net_rate(np.sign(end) * 400, law, x=0.4)) for end in (-1, 1))
    out = overpotential(np.array([1.01 * low, 0.99 * low, 0.0, 0.99 * high, 1.01 * high, np.nan]), law, x=0.4)
    assert np.isnan(out[[0, 4, 5]]).all()
    assert np.isfinite(out[1:4]).all()
    assert out[2] == 0


def test_laws_by_name_and_shapes():
    assert reaction_law_names()[:2] == ("linear", "butler_volmer")
    rates = net_rate(np.zeros((3, 1)), LAWS["coupled"], x=np.full((1, 4), 0.5))
    assert rates.shape == (3, 4)
    assert overpotential(rates[:, :1], LAWS["coupled"], x=np.full((1, 4), 0.5)).shape == (3, 4)


def test_a_law_of_ones_own():
    cubic = ReactionLaw(
        "cubic", "eta + eta^3", lambda e, _: e + e**3, lambda e, _: 1 + 3 * e**2, lambda _: (-100.0, 100.0)
    )
    eta = np.linspace(-20, 20, 9)
    np.testing.assert_allclose(overpotential(net_rate(eta, cubic), cubic), eta, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("butler_volmer", {"alpha": 1.0}, "alpha"),
        ("butler_volmer", {"alpha": float("nan")}, "alpha"),
        ("marcus", {"reorganisation": 0}, "reorganisation"),
        ("marcus_hush_chidsey", {"reorganisation": -2.0}, "reorganisation"),
        ("coupled_ion_electron", {"reorganisation": 8.0, "ion": 0.0}, "ion"),
    ],
)
def test_parameters_out_of_range(name, parameters, field):
    with pytest.raises(OptionError) as caught:
        reaction_law(name, **parameters)
    assert caught.value.field == field


def test_a_law_that_needs_composition_says_so():
    with pytest.raises(OptionError, match="depends on composition"):
        net_rate(1.0, LAWS["coupled"])
    with pytest.raises(OptionError, match="depends on composition"):
        overpotential(1.0, LAWS["coupled"])
