import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithiscope.errors import OptionError
from lithiscope.grid import unit_vector


@given(st.floats(-720, 720))
def test_angles_turn_from_x_towards_y(angle):
    down, right = unit_vector(angle, 2)
    assert np.hypot(down, right) == pytest.approx(1.0)
    assert np.cos(np.deg2rad(angle)) == pytest.approx(right, abs=1e-13)
    assert np.sin(np.deg2rad(angle)) == pytest.approx(down, abs=1e-13)


def test_right_angles_are_exact_and_vectors_are_scaled():
    np.testing.assert_array_equal(unit_vector(90.0, 2), [1, 0])
    np.testing.assert_array_equal(unit_vector(180, 2), [0, -1])
    np.testing.assert_allclose(unit_vector([0, 3.0, 4.0], 3), [0, 0.6, 0.8])


@pytest.mark.parametrize(
    ("axis", "ndim"), [([0.0, 0.0], 2), ([1.0, 0.0], 3), (45.0, 3), (np.nan, 2), ([np.inf, 1.0], 2), ([[1.0, 0.0]], 2)]
)
def test_what_is_no_direction(axis, ndim):
    with pytest.raises(OptionError, match="no direction") as caught:
        unit_vector(axis, ndim, name="b")
    assert caught.value.field == "b"
