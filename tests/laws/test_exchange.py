import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from lithiscope.errors import AnalysisError, OptionError
from lithiscope.laws import ExchangeLaw, exchange_law, peak

LAWS = [
    exchange_law("skewed_cogswell_bazant", omega=4.49),
    exchange_law("skewed_lim"),
    exchange_law("symmetric"),
    exchange_law("constant"),
    exchange_law("coupled_ion_electron", reorganisation=8.3),
    exchange_law("coupled_ion_electron", reorganisation=8.3, exact=True),
    exchange_law("coupled_ion_electron", reorganisation=40.0, ion=0.3),
]
NAMED = [pytest.param(law, id=f"{i}-{law.name}") for i, law in enumerate(LAWS)]


@pytest.mark.parametrize("law", NAMED)
@given(x=st.floats(0.01, 0.99))
def test_slope_is_the_derivative(law, x):
    h = 1e-4  # Richardson: error h^4 F'''''/30, at most 1e-16 x 1e5 of the value this near to the ends
    near, far = (law(x + h) - law(x - h)) / (2 * h), (law(x + 2 * h) - law(x - 2 * h)) / (4 * h)
    assert float(law.slope(x)) == pytest.approx(float((4 * near - far) / 3), rel=1e-6, abs=1e-7)
    assert float(law.log_slope(x)) == pytest.approx(float(law.slope(x) / law(x)))


@pytest.mark.parametrize("law", NAMED)
def test_limits_at_the_ends_and_nan_beyond(law):
    ends, beyond = law(np.array([0.0, 1.0])), law(np.array([-0.01, 1.01, np.nan]))
    np.testing.assert_allclose(ends, 0.5 if law.name == "constant" else 0.0)
    assert np.isnan(beyond).all()
    assert np.isnan(law.slope(np.array([-0.01, 1.01]))).all()
    # A finite slope at an end is the limit of the slopes beside it. That of the coupled law is reached only where
    # ln(1/x) is far above lambda; at x = 1 all have F'' < 10, so 1e-5 at 1e-6, but Lim's F' ends like -4.5 sqrt(1-x).
    at_ends, beside = law.slope(np.array([0.0, 1.0])), law.slope(np.array([1e-100, 1 - 1e-6]))
    finite = np.isfinite(at_ends)
    tolerance = 5e-3 if law.name == "skewed_lim" else 1e-5
    np.testing.assert_allclose(at_ends[finite], beside[finite], atol=tolerance)
    assert (np.sign(at_ends) * np.sign(beside) >= 0).all()


def test_values_that_koo_quotes_and_the_maximum_of_lim():
    law = exchange_law("skewed_lim")
    top = peak(law)
    assert top.position == pytest.approx(0.25, abs=1e-12)
    assert top.value == pytest.approx(9 * np.sqrt(3) / 16, rel=1e-14)  # 0.974
    assert float(law(0.64)) == pytest.approx(0.518, abs=5e-4)
    assert float(law(0.41)) == pytest.approx(0.871, abs=5e-4)


def test_peaks_of_the_others():
    # d ln F/dx = (1-2x)/(2x(1-x)) - Omega = 0 is 2 Omega x^2 - 2(1 + Omega) x + 1 = 0
    omega = 4.49
    root = ((1 + omega) - np.sqrt(1 + omega**2)) / (2 * omega)
    assert peak(exchange_law("skewed_cogswell_bazant", omega=omega)).position == pytest.approx(root, abs=1e-12)
    assert peak(exchange_law("symmetric")) == pytest.approx((0.5, 1.0), abs=1e-12)
    assert np.isnan(peak(exchange_law("constant")).position)
    rising = ExchangeLaw("rising", "x", lambda x: 1.0 * x, lambda x: 0 * x + 1.0)
    assert np.isnan(peak(rising).position)


def test_peak_refuses_a_law_with_holes():
    with pytest.raises(AnalysisError, match="not finite"):
        peak(ExchangeLaw("hole", "", lambda x: np.where(np.abs(x - 0.5) < 0.1, np.nan, x), lambda x: x))


@pytest.mark.parametrize("x", [0.05, 0.4, 0.97])
def test_coupled_law_is_chidseys_integral_per_site(x):
    """At equilibrium: vacancies times ion activity times the mean Fermi occupation of the levels for reduction."""
    reorganisation, ion = 8.3, 0.7
    u = np.log(ion / x)

    def integrand(y):  # oxidation: levels around lambda - u, empty with 1/(1 + exp(y))
        return np.exp(-((y - reorganisation + u) ** 2) / (4 * reorganisation)) / (1 + np.exp(y))

    rate = quad(integrand, -80, 80, points=[0.0], epsabs=0, epsrel=1e-12)[0] / np.sqrt(4 * np.pi * reorganisation)
    law = exchange_law("coupled_ion_electron", reorganisation=reorganisation, ion=ion, exact=True)
    assert float(law(x)) == pytest.approx((1 - x) * x * rate, rel=1e-9)


@pytest.mark.parametrize("parameters", [{"reorganisation": 0.0}, {"reorganisation": 8.0, "ion": -1.0}])
def test_parameters_out_of_range(parameters):
    with pytest.raises(OptionError, match="outside its range"):
        exchange_law("coupled_ion_electron", **parameters)
