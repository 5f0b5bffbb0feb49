import numpy as np
import pytest

from lithiscope.laws import LFP_SITE_DENSITY, current_density, insertion_rate, thermal_voltage


def test_thermal_voltage_at_room_temperature():
    assert thermal_voltage(298.15) * 1e3 == pytest.approx(25.69, abs=0.005)  # 25.6926, quoted to four digits


def test_current_density_of_one_c_through_150_nm():
    # e x 1.38e28 x 75e-9 / 3600 by hand: 2211.0 C/m3 x 1e6 x 75e-9 m / 3600 s
    assert current_density(-1.0, 150.0, site_density=LFP_SITE_DENSITY) == pytest.approx(0.0461, abs=5e-5)


def test_lithiation_has_negative_current_and_one_face_carries_twice():
    two = current_density(np.array([1.0, -2.0]), 100.0, site_density=1.38e28)
    one = current_density(np.array([1.0, -2.0]), 100.0, site_density=1.38e28, faces=1)
    assert (np.sign(two) == [-1, 1]).all()
    np.testing.assert_allclose(one, 2 * two)


def test_rate_and_current_are_inverse():
    rate = np.linspace(-5, 5, 11)
    there = current_density(rate, 180.0, site_density=1.3793e28)
    np.testing.assert_allclose(insertion_rate(there, 180.0, site_density=1.3793e28), rate, atol=1e-14)
