import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import OptionError
from lithiscope.laws import exchange_current, net_rate, over_linear, reaction_law, thermal_voltage

COUPLED = reaction_law("coupled_ion_electron", reorganisation=8.3)


@pytest.mark.parametrize("law", ["linear", "butler_volmer", reaction_law("marcus", reorganisation=8.3), COUPLED])
@given(j0=st.floats(1e-4, 10), eta=st.floats(0.05, 6), sign=st.sampled_from([-1, 1]))
def test_exchange_current_comes_back_with_its_derivatives(law, j0, eta, sign):
    eta, x, h = sign * eta, 0.3, 1e-5
    current = j0 * float(net_rate(eta, law, x=x))
    found = exchange_current(current, eta, law, x=x)
    assert float(found.value) == pytest.approx(j0, rel=1e-12)
    assert float(found.by_current) * current == pytest.approx(j0, rel=1e-12)
    above, below = (float(exchange_current(current, eta + d, law, x=x).value) for d in (h, -h))
    # j0 goes like 1/eta: the difference is off by h^2/eta^2 of itself
    assert float(found.by_overpotential) == pytest.approx((above - below) / (2 * h), rel=2 * (h / eta) ** 2 + 1e-8)


def test_noise_may_make_it_negative_and_zero_overpotential_says_nothing():
    found = exchange_current(np.array([0.1, 0.1, 0.0]), np.array([-1.0, 0.0, 0.0]))
    assert found.value[0] < 0
    for part in found:
        assert np.isnan(part[1:]).all()


def test_shapes_broadcast():
    found = exchange_current(np.ones((2, 3)), np.full((2, 1), 0.5), COUPLED, x=np.full((2, 3), 0.4))
    assert [part.shape for part in found] == [(2, 3)] * 3


def test_butler_volmer_over_linear():
    """1.17 at 50 mV and 2.19 at 120 mV, i.e. 2 sinh(e eta/2kT)/(e eta/kT)."""
    eta = np.array([0.050, 0.120, -0.120]) / thermal_voltage(298.15)
    np.testing.assert_allclose(over_linear(eta), [1.17, 2.19, 2.19], atol=0.005)
    assert over_linear(np.array([0.0, 1e-9])) == pytest.approx([1.0, 1.0])
    # the closed form of Marcus-Hush-Chidsey has the slope O(0)/O(0) = 1 at zero
    assert over_linear(0.0, reaction_law("marcus_hush_chidsey", reorganisation=8.3)) == pytest.approx(1.0)


def test_a_law_that_needs_composition_says_so():
    with pytest.raises(OptionError, match="depends on composition"):
        exchange_current(0.1, 1.0, COUPLED)
